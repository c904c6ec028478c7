-- Invitations: a code that makes one person, once, a member.

CREATE FUNCTION casnet.invite_member(
	email text, role text DEFAULT 'member',
	lifetime interval DEFAULT '7 days')
	RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	managed uuid := casnet.tenant_with('manage_users');
	code text;
BEGIN
	IF octet_length(email) > 2000 OR coalesce(btrim(email), '') = '' THEN
		RAISE EXCEPTION 'the email address is blank or too long'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Give the address of the account that may accept.';
	END IF;
	IF lifetime IS NULL OR extract(epoch FROM lifetime) < 1
	   OR extract(epoch FROM lifetime) > 31622400 THEN
		RAISE EXCEPTION 'the lifetime of an invitation is out of range'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Give an interval from a second to a year.';
	END IF;
	PERFORM casnet.require_may_give(coalesce(role, ''));

	code := rtrim(translate(encode(casnet.random_bytes(16), 'base64'),
							'+/', '-_'), '=');
	DELETE FROM casnet.invitations AS i WHERE i.expires_at < now();
	INSERT INTO casnet.invitations
		(digest, tenant_id, email, role, invited_by, expires_at)
	VALUES (sha256(convert_to(code, 'UTF8')), managed, btrim(invite_member.email),
			invite_member.role, casnet.require_user(),
			clock_timestamp() + lifetime);
	RETURN code;
END
$$;
COMMENT ON FUNCTION casnet.invite_member(text, text, interval) IS
	'a code with which the account of that email address, once, becomes a member of the active tenant; takes manage_users';

CREATE FUNCTION casnet.accept_invitation(code text) RETURNS uuid
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	holder uuid := casnet.require_user();
	ranks CONSTANT text[] := '{viewer, member, admin, owner}';
	invitation record;
	inviter_rank integer;
BEGIN
	-- Whoever comes second waits here, and finds nothing.
	DELETE FROM casnet.invitations AS i
	 USING casnet.users AS u
	 WHERE i.digest = sha256(convert_to(accept_invitation.code, 'UTF8'))
	   AND u.id = holder AND lower(i.email) = lower(u.email)
	   AND i.expires_at > clock_timestamp()
	RETURNING i.tenant_id, i.role, i.invited_by INTO invitation;
	IF FOUND THEN
		-- Nobody gives more than they hold when it takes effect.
		SELECT CASE WHEN inviter.is_superuser AND inviter.is_active THEN 4
				ELSE array_position(ranks, m.role) END
		  INTO inviter_rank
		  FROM casnet.users AS inviter
		  LEFT JOIN casnet.user_tenants AS m
			ON m.user_id = inviter.id AND m.tenant_id = invitation.tenant_id
		 WHERE inviter.id = invitation.invited_by;
	END IF;
	IF coalesce(inviter_rank, 0) < array_position(ranks, invitation.role)
	   OR inviter_rank IS NULL
	   OR NOT casnet.user_can_in(invitation.invited_by, invitation.tenant_id,
								 'manage_users') THEN
		RAISE EXCEPTION 'there is no such invitation for you'
			USING ERRCODE = '02000',
				  HINT = 'A code works once, in time, for the account with the email address it was sent to; ask for a new one.';
	END IF;

	INSERT INTO casnet.user_tenants AS m (user_id, tenant_id, role)
	VALUES (holder, invitation.tenant_id, invitation.role)
	ON CONFLICT (user_id, tenant_id) DO UPDATE SET role = excluded.role
	 WHERE array_position(ranks, m.role)
		 < array_position(ranks, excluded.role);
	RETURN invitation.tenant_id;
END
$$;
COMMENT ON FUNCTION casnet.accept_invitation(text) IS
	'accepts an invitation: makes the user of this session a member, or raises the role, and returns the tenant';
