-- Issuers of tokens, and whom their tokens name; C all the way, as in accounts.sql.

CREATE OR REPLACE FUNCTION casnet.set_issuer(
	issuer text, jwks jsonb, audiences text[],
	leeway interval DEFAULT '60 seconds', user_claim text DEFAULT 'sub',
	trusts_claims boolean DEFAULT false, makes_accounts boolean DEFAULT false)
	RETURNS integer
	LANGUAGE c VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_set_issuer';
COMMENT ON FUNCTION casnet.set_issuer(text, jsonb, text[], interval, text, boolean, boolean) IS
	'registers an issuer of tokens with its JWK Set and audiences, or replaces what is registered; returns the number of keys; for casnet_admin';

CREATE OR REPLACE FUNCTION casnet.remove_issuer(issuer text) RETURNS void
	LANGUAGE c VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_remove_issuer';
COMMENT ON FUNCTION casnet.remove_issuer(text) IS
	'forgets an issuer, its keys, and the accounts that are linked to it; for casnet_admin';

CREATE OR REPLACE FUNCTION casnet.issuers()
	RETURNS TABLE (issuer text, audiences text[], leeway interval, user_claim text,
				   trusts_claims boolean, makes_accounts boolean, kids text[],
				   created_at timestamptz, updated_at timestamptz)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT i.issuer, i.audiences, make_interval(secs => i.leeway), i.user_claim,
		   i.trusts_claims, i.makes_accounts,
		   ARRAY(SELECT k.kid FROM casnet_internal.issuer_keys AS k
				  WHERE k.issuer = i.issuer ORDER BY k.kid),
		   i.created_at, i.updated_at
	  FROM casnet_internal.issuers AS i
	 ORDER BY i.issuer
$$;
COMMENT ON FUNCTION casnet.issuers() IS
	'the issuers whose tokens sign in; for casnet_admin';

CREATE OR REPLACE FUNCTION casnet.link_identity(user_id uuid, issuer text, subject text)
	RETURNS void
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_link_identity';
COMMENT ON FUNCTION casnet.link_identity(uuid, text, text) IS
	'links an issuer''s name for a person to an account; for administrators';

CREATE OR REPLACE FUNCTION casnet.link_identity(token text, password text DEFAULT NULL)
	RETURNS void
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_link_identity_of_token';
COMMENT ON FUNCTION casnet.link_identity(text, text) IS
	'links the person whom a token of another issuer names to the account of this session';

CREATE OR REPLACE FUNCTION casnet.unlink_identity(issuer text, subject text) RETURNS void
	LANGUAGE c VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_unlink_identity';
COMMENT ON FUNCTION casnet.unlink_identity(text, text) IS
	'ends the link of a person to an account: one''s own, or as an administrator anybody''s';

CREATE OR REPLACE FUNCTION casnet.identities(user_id uuid DEFAULT NULL)
	RETURNS TABLE (issuer text, subject text, created_at timestamptz)
	LANGUAGE c STABLE
	AS 'MODULE_PATHNAME', 'casnet_identities';
COMMENT ON FUNCTION casnet.identities(uuid) IS
	'who signs in to this account with tokens of other issuers; as an administrator to anybody''s';
