-- Whoever is to be stopped holds no lock that stops it; and accounts that may do nothing.

CREATE FUNCTION casnet.free_membership(user_id uuid, tenant_id uuid, is_removed boolean)
	RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_free_membership';
COMMENT ON FUNCTION casnet.free_membership(uuid, uuid, boolean) IS
	'internal: ends sessions that hold a membership for more than some seconds, or what goes with it';

CREATE FUNCTION casnet.free_account(user_id uuid) RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_free_account';
COMMENT ON FUNCTION casnet.free_account(uuid) IS
	'internal: ends sessions that hold an account for more than some seconds';

CREATE FUNCTION casnet.set_active_in_session(user_id uuid, is_active boolean)
	RETURNS boolean
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	-- Raises an error for who may not.
	PERFORM casnet.free_account(set_active_in_session.user_id);
	UPDATE casnet.users AS u SET is_active = set_active_in_session.is_active
	 WHERE u.id = set_active_in_session.user_id;
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION casnet.set_active_in_session(uuid, boolean) IS
	'internal: deactivate_user() and reactivate_user() for superusers of the application';

CREATE FUNCTION casnet.set_active(user_id uuid, is_active boolean) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	done boolean;
BEGIN
	IF set_active.user_id IS NULL THEN
		RAISE EXCEPTION 'the user is null'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Give the id of an account.';
	END IF;
	IF casnet.is_administrator() THEN
		PERFORM casnet.free_account(set_active.user_id);
		UPDATE casnet.users AS u SET is_active = set_active.is_active
		 WHERE u.id = set_active.user_id;
		done := FOUND;
	ELSE
		done := casnet.set_active_in_session(set_active.user_id,
											 set_active.is_active);
	END IF;
	IF done IS NOT TRUE THEN
		RAISE EXCEPTION 'there is no such user'
			USING ERRCODE = 'P0002',
				  HINT = 'Give the id of an account.';
	END IF;
END
$$;
COMMENT ON FUNCTION casnet.set_active(uuid, boolean) IS
	'internal: deactivate_user() and reactivate_user()';

CREATE FUNCTION casnet.deactivate_user(user_id uuid) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM casnet.set_active(deactivate_user.user_id, false);
END
$$;
COMMENT ON FUNCTION casnet.deactivate_user(uuid) IS
	'the account may do nothing from the next statement on, whatever its sessions hold; for administrators';

CREATE FUNCTION casnet.reactivate_user(user_id uuid) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM casnet.set_active(reactivate_user.user_id, true);
END
$$;
COMMENT ON FUNCTION casnet.reactivate_user(uuid) IS
	'the account may do what it could before deactivate_user(); for administrators';
