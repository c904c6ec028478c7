-- Accounts: signing keys, passwords, tokens.
--
-- C all the way, so that no key, hash or digest is ever a value of SQL, and no
-- password or token but as what a client gives and gets.  Functions for
-- administrators and users alike run as their caller and judge the role, or else
-- the session; C writes the tables of secrets, with no privilege and no policy.
-- SECURITY DEFINER is what reads or writes accounts by SQL, without secrets.

CREATE FUNCTION casnet.hash_password(password text) RETURNS text
	LANGUAGE c VOLATILE STRICT PARALLEL SAFE COST 100000
	AS 'MODULE_PATHNAME', 'casnet_hash_password';
COMMENT ON FUNCTION casnet.hash_password(text) IS
	'the yescrypt hash of a password of 8 to 1024 bytes';

CREATE FUNCTION casnet.login_wait(name text) RETURNS boolean
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'casnet_login_wait';
COMMENT ON FUNCTION casnet.login_wait(text) IS
	'internal: waits as long as former failures of the account ask for';

CREATE FUNCTION casnet.login_succeeded(name text) RETURNS void
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'casnet_login_succeeded';
COMMENT ON FUNCTION casnet.login_succeeded(text) IS
	'internal: forgets the failures of the account';

CREATE FUNCTION casnet.login_failed(name text, started timestamptz)
	RETURNS boolean
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'casnet_login_failed';
COMMENT ON FUNCTION casnet.login_failed(text, timestamptz) IS
	'internal: counts a failure, and takes as long for each reason';

CREATE FUNCTION casnet.require_may_give(role text) RETURNS void
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'casnet_require_may_give';
COMMENT ON FUNCTION casnet.require_may_give(text) IS
	'internal: raises an error unless the user may add a member with that role';

-- Signing keys; casnet_admin only.

CREATE FUNCTION casnet.add_signing_key(
	kid text, jwk jsonb DEFAULT NULL, issuer text DEFAULT NULL,
	audience text DEFAULT NULL)
	RETURNS void
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_add_signing_key';
COMMENT ON FUNCTION casnet.add_signing_key(text, jsonb, text, text) IS
	'adds a key that signs tokens: a JWK (RFC 7517), or a new secret for casnet''s own tokens; for casnet_admin';

CREATE FUNCTION casnet.retire_signing_key(kid text) RETURNS void
	LANGUAGE c VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_retire_signing_key';
COMMENT ON FUNCTION casnet.retire_signing_key(text) IS
	'retires a key: its tokens are refused from now on; for casnet_admin';

-- Tokens.

CREATE FUNCTION casnet.issue_token(
	user_id uuid, tenant_id uuid, lifetime interval)
	RETURNS text
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_issue_token';
COMMENT ON FUNCTION casnet.issue_token(uuid, uuid, interval) IS
	'internal: a new token for the user, without a password';

CREATE FUNCTION casnet.login(
	username text, password text, tenant_id uuid DEFAULT NULL,
	lifetime interval DEFAULT '30 minutes')
	RETURNS text
	LANGUAGE c VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_login';
COMMENT ON FUNCTION casnet.login(text, text, uuid, interval) IS
	'a session token for whoever knows the password of the account, by username or email address';

CREATE FUNCTION casnet.refresh_token(lifetime interval DEFAULT '30 minutes')
	RETURNS text
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_refresh_token';
COMMENT ON FUNCTION casnet.refresh_token(interval) IS
	'a new token for the user of the session''s valid token, with the active tenant';

CREATE FUNCTION casnet.revoke_token() RETURNS void
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_revoke_token';
COMMENT ON FUNCTION casnet.revoke_token() IS
	'revokes the token of this session, everywhere, from the next statement on';

CREATE FUNCTION casnet.revoke_all_tokens(user_id uuid) RETURNS void
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_revoke_all_tokens';
COMMENT ON FUNCTION casnet.revoke_all_tokens(uuid) IS
	'revokes all tokens of a user so far: one''s own, or as an administrator anybody''s';

-- Passwords and accounts.

CREATE FUNCTION casnet.is_application_superuser() RETURNS boolean
	LANGUAGE c STABLE
	AS 'MODULE_PATHNAME', 'casnet_is_application_superuser';
COMMENT ON FUNCTION casnet.is_application_superuser() IS
	'internal: whether the user of this session is a superuser of the application, at this moment';

CREATE FUNCTION casnet.change_password(old text, new text) RETURNS void
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_change_password';
COMMENT ON FUNCTION casnet.change_password(text, text) IS
	'changes one''s own password and ends all other tokens';

CREATE FUNCTION casnet.set_password(user_id uuid, new text) RETURNS void
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_set_password';
COMMENT ON FUNCTION casnet.set_password(uuid, text) IS
	'sets the password of an account and ends its tokens; for administrators';

CREATE FUNCTION casnet.create_user(
	username text, email text, password text, full_name text DEFAULT NULL,
	is_superuser boolean DEFAULT false)
	RETURNS uuid
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_create_user';
COMMENT ON FUNCTION casnet.create_user(text, text, text, text, boolean) IS
	'creates an account, without a password login if the password is null; for administrators';

CREATE FUNCTION casnet.keep_one_namespace() RETURNS trigger
	LANGUAGE c
	AS 'MODULE_PATHNAME', 'casnet_keep_one_namespace';
COMMENT ON FUNCTION casnet.keep_one_namespace() IS
	'internal: no username is the email address of another account';
