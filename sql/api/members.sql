-- The members of tenants, by the same rules as in tenants.sql.

CREATE OR REPLACE FUNCTION casnet_internal.find_user(username text) RETURNS uuid
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	tenant_id uuid := casnet.tenant_with('manage_users');
	-- No account has a longer name, and the server cannot lower() a text of any length.
	-- The collation is not the caller's, which could take different names for equal.
	wanted CONSTANT text COLLATE "default" :=
		lower(left(casnet_internal.account_name_form(find_user.username COLLATE "default"), 2001));
BEGIN
	-- A name that two accounts share, from before there was one namespace, finds neither.
	RETURN (SELECT min(u.id::text)::uuid FROM casnet.users AS u
			WHERE lower(u.username) = wanted
			   OR lower(u.email) = wanted
			HAVING count(*) = 1);
END
$$;
COMMENT ON FUNCTION casnet_internal.find_user(text) IS
	'internal: the account with a username or email address, for whoever may add it';

-- For a backend that has to know whom to sign in.  It may name any user anyway.
CREATE OR REPLACE FUNCTION casnet.find_user(name text,
	OUT user_id uuid, OUT username text, OUT email text, OUT full_name text,
	OUT is_active boolean)
	RETURNS record
	LANGUAGE c STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_find_user';
COMMENT ON FUNCTION casnet.find_user(text) IS
	'the account with a username or email address, before anybody is signed in; for casnet_authenticator and casnet_admin';

CREATE OR REPLACE FUNCTION casnet.add_member(username text, role text DEFAULT 'member')
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	managed uuid := casnet_internal.tenant_to_manage('manage_users');
	wanted CONSTANT text :=
		lower(left(casnet_internal.account_name_form(add_member.username), 2001));
	added uuid;
BEGIN
	IF casnet_internal.is_administrator() THEN
		SELECT min(u.id::text) INTO added FROM casnet.users AS u
		 WHERE lower(u.username) = wanted
			OR lower(u.email) = wanted
		HAVING count(*) = 1;
	ELSE
		added := casnet_internal.find_user(add_member.username);
	END IF;
	IF added IS NULL THEN
		RAISE EXCEPTION 'there is no such user'
			USING ERRCODE = 'P0002',
				  HINT = 'Give the username or the email address of an account. For somebody without one, use casnet.invite_member().';
	END IF;
	-- Without a target, since that would take view_users.
	INSERT INTO casnet.user_tenants (user_id, tenant_id, role)
	VALUES (added, managed, add_member.role)
	ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'that user is a member already'
			USING ERRCODE = 'unique_violation', SCHEMA = 'casnet', TABLE = 'user_tenants',
				  CONSTRAINT = 'user_tenants_pkey',
				  HINT = 'casnet.set_member_role() changes the role of a member.';
	END IF;
END
$$;
COMMENT ON FUNCTION casnet.add_member(text, text) IS
	'adds a user, by username or email address, to the active tenant; takes manage_users, and assign_roles for a role above member';

CREATE OR REPLACE FUNCTION casnet_internal.find_member(username text, tenant_id uuid)
	RETURNS uuid
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	user_id uuid;
	wanted CONSTANT text :=
		lower(left(casnet_internal.account_name_form(find_member.username), 2001));
BEGIN
	SELECT min(u.id::text) INTO user_id
	  FROM casnet.user_tenants AS m
	  JOIN casnet.users AS u ON u.id = m.user_id
	 WHERE m.tenant_id = find_member.tenant_id
	   AND (lower(u.username) = wanted
			OR lower(u.email) = wanted)
	HAVING count(*) = 1;
	IF user_id IS NULL THEN
		RAISE EXCEPTION 'there is no such member of the active tenant'
			USING ERRCODE = 'P0002',
				  HINT = 'casnet.members() lists the members.';
	END IF;
	RETURN user_id;
END
$$;
COMMENT ON FUNCTION casnet_internal.find_member(text, uuid) IS
	'internal: the member with a username or email address, as far as the caller may see';

CREATE OR REPLACE FUNCTION casnet.set_member_role(username text, role text) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	managed uuid := casnet_internal.tenant_to_manage('assign_roles');
	member uuid := casnet_internal.find_member(set_member_role.username, managed);
BEGIN
	PERFORM casnet_internal.free_membership(member, managed, false);
	UPDATE casnet.user_tenants AS m SET role = set_member_role.role
	 WHERE m.tenant_id = managed
	   AND m.user_id = member;
	-- Somebody else can have removed the member meanwhile.
	IF NOT FOUND THEN
		PERFORM casnet_internal.find_member(set_member_role.username, managed);
	END IF;
END
$$;
COMMENT ON FUNCTION casnet.set_member_role(text, text) IS
	'gives a member of the active tenant another role; takes assign_roles and view_users';

CREATE OR REPLACE FUNCTION casnet.remove_member(username text) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	managed uuid := casnet_internal.tenant_to_manage('manage_users');
	member uuid := casnet_internal.find_member(remove_member.username, managed);
BEGIN
	PERFORM casnet_internal.free_membership(member, managed, true);
	DELETE FROM casnet.user_tenants AS m
	 WHERE m.tenant_id = managed
	   AND m.user_id = member;
	-- Somebody else can have removed the member meanwhile.
	IF NOT FOUND THEN
		PERFORM casnet_internal.find_member(remove_member.username, managed);
	END IF;
END
$$;
COMMENT ON FUNCTION casnet.remove_member(text) IS
	'removes a member from the active tenant; takes manage_users and view_users';

CREATE OR REPLACE FUNCTION casnet.leave_tenant() RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	leaving uuid := casnet_internal.require_whole_user();
BEGIN
	IF casnet.current_tenant_id() IS NULL THEN
		RAISE EXCEPTION 'no tenant is active'
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'Choose one with SELECT casnet.use_tenant(''name'').';
	END IF;
	DELETE FROM casnet.user_tenants AS m
	 WHERE m.user_id = leaving AND m.tenant_id = casnet.current_tenant_id();
	IF NOT FOUND THEN
		RAISE EXCEPTION 'not a member of the active tenant'
			USING ERRCODE = 'insufficient_privilege',
				  HINT = 'casnet.my_tenants() lists the tenants you belong to.';
	END IF;
END
$$;
COMMENT ON FUNCTION casnet.leave_tenant() IS
	'ends the membership of the user of this session in the active tenant';

CREATE OR REPLACE FUNCTION casnet.members(
	OUT user_id uuid, OUT username text, OUT email text, OUT full_name text,
	OUT role text, OUT is_active boolean, OUT since timestamptz)
	RETURNS SETOF record
	LANGUAGE plpgsql STABLE ROWS 20
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	managed uuid := casnet_internal.tenant_to_manage('view_users');
BEGIN
	RETURN QUERY
	SELECT u.id, u.username, u.email, u.full_name, m.role, u.is_active,
		   m.created_at
	  FROM casnet.user_tenants AS m
	  JOIN casnet.users AS u ON u.id = m.user_id
	 WHERE m.tenant_id = managed
	 ORDER BY u.username;
END
$$;
COMMENT ON FUNCTION casnet.members() IS
	'the members of the active tenant; takes view_users';

CREATE OR REPLACE FUNCTION casnet.grant_permission(username text, permission text)
	RETURNS boolean
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	managed uuid := casnet_internal.tenant_to_manage('manage_permissions');
	member uuid := casnet_internal.find_member(grant_permission.username, managed);
BEGIN
	INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission)
	VALUES (member, managed, grant_permission.permission)
	ON CONFLICT DO NOTHING;
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION casnet.grant_permission(text, text) IS
	'gives a member of the active tenant a permission besides those of the role; false if it was given before; takes manage_permissions and view_users';

CREATE OR REPLACE FUNCTION casnet.revoke_permission(username text, permission text)
	RETURNS boolean
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	managed uuid := casnet_internal.tenant_to_manage('manage_permissions');
	member uuid := casnet_internal.find_member(revoke_permission.username, managed);
BEGIN
	PERFORM casnet_internal.free_membership(member, managed, false);
	DELETE FROM casnet.user_tenant_permissions AS p
	 WHERE p.tenant_id = managed
	   AND p.user_id = member
	   AND p.permission = revoke_permission.permission;
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION casnet.revoke_permission(text, text) IS
	'takes back what grant_permission() gave; false if there was nothing; takes manage_permissions and view_users';
