-- Signing keys and tokens; C all the way, as in accounts.sql.

CREATE OR REPLACE FUNCTION casnet.add_signing_key(
	kid text, jwk jsonb DEFAULT NULL, issuer text DEFAULT NULL,
	audience text DEFAULT NULL)
	RETURNS void
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_add_signing_key';
COMMENT ON FUNCTION casnet.add_signing_key(text, jsonb, text, text) IS
	'adds a key that signs tokens: a JWK (RFC 7517), or a new secret for casnet''s own tokens; for casnet_admin';

CREATE OR REPLACE FUNCTION casnet.retire_signing_key(kid text) RETURNS void
	LANGUAGE c VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_retire_signing_key';
COMMENT ON FUNCTION casnet.retire_signing_key(text) IS
	'retires a key: its tokens are refused from now on; for casnet_admin';

CREATE OR REPLACE FUNCTION casnet_internal.login_wait(name text) RETURNS boolean
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'casnet_login_wait';
COMMENT ON FUNCTION casnet_internal.login_wait(text) IS
	'internal: waits as long as former failures of the account require';

CREATE OR REPLACE FUNCTION casnet_internal.login_succeeded(name text) RETURNS void
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'casnet_login_succeeded';
COMMENT ON FUNCTION casnet_internal.login_succeeded(text) IS
	'internal: forgets the failures of the account';

CREATE OR REPLACE FUNCTION casnet_internal.login_failed(name text, started timestamptz)
	RETURNS boolean
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'casnet_login_failed';
COMMENT ON FUNCTION casnet_internal.login_failed(text, timestamptz) IS
	'internal: counts a failure, and takes the same time for every reason';

CREATE OR REPLACE FUNCTION casnet_internal.require_may_give(role text) RETURNS void
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'casnet_require_may_give';
COMMENT ON FUNCTION casnet_internal.require_may_give(text) IS
	'internal: raises an error unless the user may add a member with that role';

CREATE OR REPLACE FUNCTION casnet_internal.issue_token(
	user_id uuid, tenant_id uuid, lifetime interval)
	RETURNS text
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_issue_token';
COMMENT ON FUNCTION casnet_internal.issue_token(uuid, uuid, interval) IS
	'internal: a new token for the user, without a password';

CREATE OR REPLACE FUNCTION casnet.login(
	username text, password text, tenant_id uuid DEFAULT NULL,
	lifetime interval DEFAULT '30 minutes')
	RETURNS text
	LANGUAGE c VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_login';
COMMENT ON FUNCTION casnet.login(text, text, uuid, interval) IS
	'a session token for whoever knows the password of the account, by username or email address';

CREATE OR REPLACE FUNCTION casnet.refresh_token(lifetime interval DEFAULT '30 minutes')
	RETURNS text
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_refresh_token';
COMMENT ON FUNCTION casnet.refresh_token(interval) IS
	'a new token for the user of the session''s valid token, with the active tenant';

CREATE OR REPLACE FUNCTION casnet.revoke_token() RETURNS void
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_revoke_token';
COMMENT ON FUNCTION casnet.revoke_token() IS
	'revokes the token of this session, everywhere, from the next statement on';

CREATE OR REPLACE FUNCTION casnet.revoke_all_tokens(user_id uuid) RETURNS void
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_revoke_all_tokens';
COMMENT ON FUNCTION casnet.revoke_all_tokens(uuid) IS
	'revokes all tokens of a user so far: one''s own, or as an administrator anybody''s';
