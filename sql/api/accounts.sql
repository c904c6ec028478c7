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

CREATE OR REPLACE FUNCTION casnet.password_code(username text,
	lifetime interval DEFAULT '1 hour')
	RETURNS text
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_password_code';
COMMENT ON FUNCTION casnet.password_code(text, interval) IS
	'a code with which the user of an account sets a new password, for mailing; NULL if there is no such active account; for casnet_authenticator and administrators';

CREATE OR REPLACE FUNCTION casnet.reset_password(code text, new text) RETURNS void
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_reset_password';
COMMENT ON FUNCTION casnet.reset_password(text, text) IS
	'sets a new password with a code of password_code(), and ends all tokens of the account';

CREATE OR REPLACE FUNCTION casnet.change_username(new text) RETURNS void
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_change_username';
COMMENT ON FUNCTION casnet.change_username(text) IS
	'changes one''s own username';

CREATE OR REPLACE FUNCTION casnet.email_code(new_email text,
	lifetime interval DEFAULT '1 hour')
	RETURNS text
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_email_code';
COMMENT ON FUNCTION casnet.email_code(text, interval) IS
	'a code that proves a new email address of the user of this session, to be mailed there; for casnet_authenticator and casnet_admin';

CREATE OR REPLACE FUNCTION casnet.confirm_email(code text) RETURNS void
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_confirm_email';
COMMENT ON FUNCTION casnet.confirm_email(text) IS
	'changes one''s own email address to the one that a code of email_code() proves';

CREATE OR REPLACE FUNCTION casnet.delete_account(password text) RETURNS void
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_delete_account';
COMMENT ON FUNCTION casnet.delete_account(text) IS
	'deletes one''s own account with its memberships';

CREATE OR REPLACE FUNCTION casnet.delete_user(user_id uuid) RETURNS void
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_delete_user';
COMMENT ON FUNCTION casnet.delete_user(uuid) IS
	'deletes an account with its memberships; for administrators';

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

CREATE OR REPLACE FUNCTION casnet_internal.list_accounts(
	after_username text, max_rows integer,
	OUT user_id uuid, OUT username text, OUT email text, OUT full_name text,
	OUT is_active boolean, OUT is_superuser boolean, OUT has_password boolean,
	OUT created_at timestamptz, OUT last_login timestamptz)
	RETURNS SETOF record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	-- As casnet_internal.find_user().
	after CONSTANT text COLLATE "default" :=
		lower(left(casnet_internal.account_name_form(list_accounts.after_username COLLATE "default"), 2001));
BEGIN
	IF list_accounts.max_rows IS NULL OR list_accounts.max_rows NOT BETWEEN 1 AND 10000 THEN
		RAISE EXCEPTION 'max_rows is not between 1 and 10000'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Read more by pages: give the username of the last row as after_username.';
	END IF;
	RETURN QUERY
	SELECT u.id, u.username, u.email, u.full_name, u.is_active, u.is_superuser,
		   u.hashed_password IS NOT NULL, u.created_at, casnet_internal.last_login(u.id)
	  FROM casnet.users AS u
	 WHERE lower(u.username) > coalesce(after, '')
	 ORDER BY lower(u.username)
	 LIMIT list_accounts.max_rows;
END
$$;
COMMENT ON FUNCTION casnet_internal.list_accounts(text, integer) IS
	'internal: accounts() with the rights of the caller';

CREATE OR REPLACE FUNCTION casnet_internal.accounts_in_session(
	after_username text, max_rows integer,
	OUT user_id uuid, OUT username text, OUT email text, OUT full_name text,
	OUT is_active boolean, OUT is_superuser boolean, OUT has_password boolean,
	OUT created_at timestamptz, OUT last_login timestamptz)
	RETURNS SETOF record
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF casnet_internal.is_application_superuser() IS NOT TRUE THEN
		RAISE EXCEPTION 'only administrators may list accounts'
			USING ERRCODE = 'insufficient_privilege',
				  HINT = 'Call it as a superuser, as a member of casnet_admin, or signed in as a user with is_superuser. SELECT * FROM casnet.members() lists those of a tenant.';
	END IF;
	RETURN QUERY SELECT a.* FROM casnet_internal.list_accounts(
		accounts_in_session.after_username, accounts_in_session.max_rows) AS a;
END
$$;
COMMENT ON FUNCTION casnet_internal.accounts_in_session(text, integer) IS
	'internal: accounts() for superusers of the application';

CREATE OR REPLACE FUNCTION casnet.accounts(
	after_username text DEFAULT NULL, max_rows integer DEFAULT 100)
	RETURNS TABLE (user_id uuid, username text, email text, full_name text,
				   is_active boolean, is_superuser boolean, has_password boolean,
				   created_at timestamptz, last_login timestamptz)
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF casnet_internal.is_administrator() THEN
		RETURN QUERY SELECT a.* FROM casnet_internal.list_accounts(
			accounts.after_username, accounts.max_rows) AS a;
	ELSE
		RETURN QUERY SELECT a.* FROM casnet_internal.accounts_in_session(
			accounts.after_username, accounts.max_rows) AS a;
	END IF;
END
$$;
COMMENT ON FUNCTION casnet.accounts(text, integer) IS
	'the accounts by username, from after that of the last row of the page before; for administrators';

CREATE OR REPLACE FUNCTION casnet.adopt_users(source regclass)
	RETURNS TABLE (username text, email text, tenant text, problem text)
	LANGUAGE c VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_adopt_users';
COMMENT ON FUNCTION casnet.adopt_users(regclass) IS
	'makes accounts and memberships of the rows of a table or view, and returns those that it could not take with the reason; for casnet_admin';
