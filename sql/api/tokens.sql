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

-- The newest of casnet's own keys signs, as signing.c chooses it.
CREATE OR REPLACE FUNCTION casnet.signing_keys()
	RETURNS TABLE (kid text, algorithm text, issuer text, audience text, signs boolean,
				   created_at timestamptz, retired_at timestamptz)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT k.kid, k.algorithm, k.issuer, k.audience,
		   k.kid IS NOT DISTINCT FROM (
				SELECT o.kid FROM casnet_internal.signing_keys AS o
				 WHERE o.retired_at IS NULL AND o.algorithm = 'HS256'
				   AND o.issuer IS NULL AND o.audience IS NULL
				 ORDER BY o.created_at DESC, o.kid COLLATE "C" LIMIT 1),
		   k.created_at, k.retired_at
	  FROM casnet_internal.signing_keys AS k
	 ORDER BY k.created_at DESC, k.kid COLLATE "C"
$$;
COMMENT ON FUNCTION casnet.signing_keys() IS
	'the keys that verify tokens, newest first, and which of them signs; without the keys themselves; for casnet_admin';

CREATE OR REPLACE FUNCTION casnet_internal.relay_key() RETURNS bytea
	LANGUAGE c VOLATILE
	AS 'MODULE_PATHNAME', 'casnet_relay_key';
COMMENT ON FUNCTION casnet_internal.relay_key() IS
	'internal: the public key by which workers of Citus know sessions of the coordinator';

CREATE OR REPLACE FUNCTION casnet_internal.login_wait(name text) RETURNS void
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

CREATE OR REPLACE FUNCTION casnet.service_token(
	name text, permissions text[], lifetime interval DEFAULT '90 days',
	tenant_id uuid DEFAULT NULL)
	RETURNS text
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_service_token';
COMMENT ON FUNCTION casnet.service_token(text, text[], interval, uuid) IS
	'a token for a program: of what you hold when it is used, it gives these permissions only';

CREATE OR REPLACE FUNCTION casnet_internal.require_whole_user() RETURNS uuid
	LANGUAGE c VOLATILE
	AS 'MODULE_PATHNAME', 'casnet_require_whole_user';
COMMENT ON FUNCTION casnet_internal.require_whole_user() IS
	'internal: require_user(), and an error if the token is for certain permissions only';

CREATE OR REPLACE FUNCTION casnet.sessions(user_id uuid DEFAULT NULL)
	RETURNS TABLE (id uuid, made_by text, name text, permissions text[],
				   created_at timestamptz, expires_at timestamptz, is_current boolean)
	LANGUAGE c STABLE
	AS 'MODULE_PATHNAME', 'casnet_sessions';
COMMENT ON FUNCTION casnet.sessions(uuid) IS
	'the valid tokens that login(), refresh_token() and service_token() have issued to you, or as an administrator to anybody';

CREATE OR REPLACE FUNCTION casnet.end_session(id uuid) RETURNS void
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_end_session';
COMMENT ON FUNCTION casnet.end_session(uuid) IS
	'revokes a token that sessions() lists: your own, or as an administrator anybody''s';

CREATE OR REPLACE FUNCTION casnet_internal.last_login(user_id uuid) RETURNS timestamptz
	LANGUAGE c STABLE STRICT
	AS 'MODULE_PATHNAME', 'casnet_last_login';
COMMENT ON FUNCTION casnet_internal.last_login(uuid) IS
	'internal: when a user has last logged in';
