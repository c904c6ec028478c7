-- Accounts: passwords, and who may use them.
--
-- C all the way, so that no key, hash or digest is ever a value of SQL.  A password
-- or token is one only as a client gives or gets it.  Functions for administrators
-- and users alike run as their caller and judge the role, or else the session.  C
-- writes the tables of secrets, with no privilege and no policy.  Functions that
-- read or write accounts by SQL, without secrets, are SECURITY DEFINER.

CREATE OR REPLACE FUNCTION casnet.hash_password(password text) RETURNS text
	LANGUAGE c VOLATILE STRICT PARALLEL SAFE COST 100000
	AS 'MODULE_PATHNAME', 'casnet_hash_password';
COMMENT ON FUNCTION casnet.hash_password(text) IS
	'the yescrypt hash of a password of 8 to 1024 bytes';

CREATE OR REPLACE FUNCTION casnet.change_password(old text, new text) RETURNS void
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_change_password';
COMMENT ON FUNCTION casnet.change_password(text, text) IS
	'changes one''s own password and ends all other tokens';

CREATE OR REPLACE FUNCTION casnet.set_password(user_id uuid, new text) RETURNS void
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_set_password';
COMMENT ON FUNCTION casnet.set_password(uuid, text) IS
	'sets the password of an account and ends its tokens; for administrators';

CREATE OR REPLACE FUNCTION casnet.create_user(
	username text, email text, password text, full_name text DEFAULT NULL,
	is_superuser boolean DEFAULT false)
	RETURNS uuid
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_create_user';
COMMENT ON FUNCTION casnet.create_user(text, text, text, text, boolean) IS
	'creates an account, without a password login if the password is null; for administrators';

CREATE OR REPLACE FUNCTION casnet_internal.free_membership(user_id uuid, tenant_id uuid, is_removed boolean)
	RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_free_membership';
COMMENT ON FUNCTION casnet_internal.free_membership(uuid, uuid, boolean) IS
	'internal: ends sessions that hold a membership, or what is deleted with it, for more than some seconds';

CREATE OR REPLACE FUNCTION casnet_internal.free_account(user_id uuid) RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_free_account';
COMMENT ON FUNCTION casnet_internal.free_account(uuid) IS
	'internal: ends sessions that hold an account for more than some seconds';

CREATE OR REPLACE FUNCTION casnet_internal.set_active_in_session(user_id uuid, is_active boolean)
	RETURNS boolean
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	-- Raises an error unless the user of the session may.
	PERFORM casnet_internal.free_account(set_active_in_session.user_id);
	UPDATE casnet.users AS u SET is_active = set_active_in_session.is_active
	 WHERE u.id = set_active_in_session.user_id;
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION casnet_internal.set_active_in_session(uuid, boolean) IS
	'internal: deactivate_user() and reactivate_user() for superusers of the application';

CREATE OR REPLACE FUNCTION casnet_internal.set_active(user_id uuid, is_active boolean) RETURNS void
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
	IF casnet_internal.is_administrator() THEN
		PERFORM casnet_internal.free_account(set_active.user_id);
		UPDATE casnet.users AS u SET is_active = set_active.is_active
		 WHERE u.id = set_active.user_id;
		done := FOUND;
	ELSE
		done := casnet_internal.set_active_in_session(set_active.user_id,
											 set_active.is_active);
	END IF;
	IF done IS NOT TRUE THEN
		RAISE EXCEPTION 'there is no such user'
			USING ERRCODE = 'P0002',
				  HINT = 'Give the id of an account.';
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.set_active(uuid, boolean) IS
	'internal: deactivate_user() and reactivate_user()';

CREATE OR REPLACE FUNCTION casnet.deactivate_user(user_id uuid) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM casnet_internal.set_active(deactivate_user.user_id, false);
END
$$;
COMMENT ON FUNCTION casnet.deactivate_user(uuid) IS
	'the account may do nothing from the next statement on, whatever its sessions hold; for administrators';

CREATE OR REPLACE FUNCTION casnet.reactivate_user(user_id uuid) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM casnet_internal.set_active(reactivate_user.user_id, true);
END
$$;
COMMENT ON FUNCTION casnet.reactivate_user(uuid) IS
	'the account may do what it could before deactivate_user(); for administrators';
