-- Accounts: signing keys, passwords, tokens.
--
-- As in 85_tenants.sql: functions for administrators and users alike run as
-- their caller and hand over to a SECURITY DEFINER one, either to one that
-- only casnet_admin may call, or to one that judges the session.

CREATE FUNCTION casnet.random_bytes(count integer) RETURNS bytea
	LANGUAGE c VOLATILE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_random_bytes';
COMMENT ON FUNCTION casnet.random_bytes(integer) IS
	'internal: bytes from the operating system''s generator';

CREATE FUNCTION casnet.base64url_decode(value text) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_base64url_decode';
COMMENT ON FUNCTION casnet.base64url_decode(text) IS
	'internal: decodes base64url without padding';

CREATE FUNCTION casnet.jwk_public_key(
	algorithm text, first text, second text) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_jwk_public_key';
COMMENT ON FUNCTION casnet.jwk_public_key(text, text, text) IS
	'internal: the public key that members of a JWK describe, as DER';

CREATE FUNCTION casnet.token_digest() RETURNS bytea
	LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_token_digest';
COMMENT ON FUNCTION casnet.token_digest() IS
	'internal: what identifies the token of this session for revocation';

CREATE FUNCTION casnet.sign_token(kid text, secret bytea, claims text)
	RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_sign_token';
COMMENT ON FUNCTION casnet.sign_token(text, bytea, text) IS
	'internal: a token with these claims, signed with HS256';

CREATE FUNCTION casnet.hash_password(password text) RETURNS text
	LANGUAGE c VOLATILE STRICT PARALLEL SAFE COST 100000
	AS 'MODULE_PATHNAME', 'casnet_hash_password';
COMMENT ON FUNCTION casnet.hash_password(text) IS
	'the yescrypt hash of a password of 8 to 1024 bytes';

CREATE FUNCTION casnet.verify_password(password text, hash text)
	RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL SAFE COST 100000
	AS 'MODULE_PATHNAME', 'casnet_verify_password';
COMMENT ON FUNCTION casnet.verify_password(text, text) IS
	'internal: whether a password has a hash';

CREATE FUNCTION casnet.password_is_outdated(hash text) RETURNS boolean
	LANGUAGE c VOLATILE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_password_is_outdated';
COMMENT ON FUNCTION casnet.password_is_outdated(text) IS
	'internal: whether a new hash would have another scheme or cost';

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
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	algorithm text;
	key bytea;
BEGIN
	IF octet_length(kid) > 255 OR coalesce(btrim(kid), '') = '' THEN
		RAISE EXCEPTION 'the key id is blank or too long'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Give the kid that the issuer writes into its tokens.';
	END IF;
	IF jwk IS NULL THEN
		algorithm := 'HS256';
		key := casnet.random_bytes(32);
	ELSE
		algorithm := CASE jwk->>'kty'
			WHEN 'oct' THEN 'HS256'
			WHEN 'RSA' THEN 'RS256'
			WHEN 'OKP' THEN CASE jwk->>'crv' WHEN 'Ed25519' THEN 'EdDSA' END
			WHEN 'EC' THEN CASE jwk->>'crv' WHEN 'P-256' THEN 'ES256' END
			END;
		IF algorithm IS NULL OR coalesce(jwk->>'alg', algorithm) <> algorithm
		   OR coalesce(jwk->>'use', 'sig') <> 'sig' THEN
			RAISE EXCEPTION 'the JWK is not a key for HS256, EdDSA, ES256 or RS256'
				USING ERRCODE = 'invalid_parameter_value',
					  HINT = 'Take oct, OKP with Ed25519, EC with P-256, or RSA, for signatures.';
		END IF;
		IF jwk ? 'd' THEN
			RAISE EXCEPTION 'the JWK is a private key'
				USING ERRCODE = 'invalid_parameter_value',
					  HINT = 'Give the public one, and consider the private one disclosed.';
		END IF;
		key := CASE algorithm
			WHEN 'HS256' THEN casnet.base64url_decode(jwk->>'k')
			WHEN 'EdDSA' THEN casnet.jwk_public_key(algorithm, jwk->>'x', '')
			WHEN 'ES256' THEN casnet.jwk_public_key(algorithm, jwk->>'x', jwk->>'y')
			WHEN 'RS256' THEN casnet.jwk_public_key(algorithm, jwk->>'n', jwk->>'e')
			END;
		IF key IS NULL OR octet_length(key) < 32 THEN
			RAISE EXCEPTION 'the JWK lacks a member, or its secret has less than 32 bytes'
				USING ERRCODE = 'invalid_parameter_value',
					  HINT = 'RFC 7518 and 8037 say which members a key has.';
		END IF;
	END IF;
	INSERT INTO casnet.signing_keys (kid, algorithm, key, issuer, audience)
	VALUES (add_signing_key.kid, algorithm, key, add_signing_key.issuer,
			add_signing_key.audience);
END
$$;
COMMENT ON FUNCTION casnet.add_signing_key(text, jsonb, text, text) IS
	'adds a key that signs tokens: a JWK (RFC 7517), or a new secret for casnet''s own tokens; for casnet_admin';

CREATE FUNCTION casnet.retire_signing_key(kid text) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	-- The row stays, so that the key id is never used again; the key goes.
	UPDATE casnet.signing_keys AS k SET retired_at = now(), key = ''
	 WHERE k.kid = retire_signing_key.kid AND k.retired_at IS NULL;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no such live key'
			USING ERRCODE = '02000',
				  HINT = 'Give the kid of a key that was added and not retired.';
	END IF;
END
$$;
COMMENT ON FUNCTION casnet.retire_signing_key(text) IS
	'retires a key: its tokens are refused from now on; for casnet_admin';

-- Tokens.

-- The generation is the one in which the password or the token was judged: a
-- revocation that commits meanwhile must end the new token too.
CREATE FUNCTION casnet.issue_token(
	user_id uuid, tenant_id uuid, lifetime interval,
	generation bigint DEFAULT NULL)
	RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	signing record;
	issued bigint := floor(extract(epoch FROM clock_timestamp()));
	seconds numeric := extract(epoch FROM lifetime);
BEGIN
	IF lifetime IS NULL OR seconds < 1 OR seconds > 31622400 THEN
		RAISE EXCEPTION 'the lifetime of a token is out of range'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Give an interval from a second to a year.';
	END IF;
	SELECT k.kid, k.key INTO signing
	  FROM casnet.signing_keys AS k
	 WHERE k.algorithm = 'HS256' AND k.retired_at IS NULL
	   AND k.issuer IS NULL AND k.audience IS NULL
	 ORDER BY k.created_at DESC, k.kid LIMIT 1;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no key to sign tokens with'
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'A member of casnet_admin can make one with casnet.add_signing_key(''name'').';
	END IF;
	RETURN casnet.sign_token(signing.kid, signing.key,
		jsonb_strip_nulls(jsonb_build_object(
			'sub', issue_token.user_id, 'tid', issue_token.tenant_id,
			'iat', issued, 'exp', issued + ceil(seconds)::bigint,
			'jti', gen_random_uuid(),
			'gen', coalesce(issue_token.generation,
							(SELECT c.generation
							 FROM casnet.token_cutoffs AS c
							 WHERE c.user_id = issue_token.user_id), 0)
		))::text);
END
$$;
COMMENT ON FUNCTION casnet.issue_token(uuid, uuid, interval, bigint) IS
	'internal: a new token for the user';

CREATE FUNCTION casnet.login(
	username text, password text, tenant_id uuid DEFAULT NULL,
	lifetime interval DEFAULT '30 minutes')
	RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	-- What is read is counted for everybody to see, and depends on the account.
	SET track_counts = off
	AS $$
DECLARE
	started timestamptz := clock_timestamp();
	wanted CONSTANT text := lower(left(login.username, 2001));
	account record;
	counted text;
	matches boolean := false;
BEGIN
	-- One snapshot for the password and what would end a token made with it.
	SELECT u.id, u.hashed_password, u.is_active,
		   coalesce(c.generation, 0) AS generation INTO account
	  FROM casnet.users AS u
	  LEFT JOIN casnet.token_cutoffs AS c ON c.user_id = u.id
	 WHERE lower(u.username) = wanted
		OR lower(u.email) = wanted
	 ORDER BY lower(u.username) <> wanted LIMIT 1;

	-- An account is counted once, whether by username or by email address.
	counted := coalesce(account.id::text, wanted, '');
	-- The same work whether or not there is an account or a hash.  All in one
	-- expression: between statements a cancel request would be obeyed, before
	-- the failure is counted and after a time that tells which hash it was.
	matches := coalesce(casnet.login_wait(counted)
						AND octet_length(coalesce(password, '')) <= 1024
						AND casnet.verify_password(coalesce(password, ''),
												   account.hashed_password)
						AND account.is_active, false)
		OR casnet.login_failed(counted, started);
	IF NOT matches THEN
		RAISE EXCEPTION 'login failed'
			USING ERRCODE = 'invalid_password',
				  HINT = 'Check the username and the password; after several failures, wait a while.';
	END IF;

	PERFORM casnet.login_succeeded(counted);
	IF casnet.password_is_outdated(account.hashed_password)
	   AND octet_length(password) >= 8
	   AND current_setting('transaction_read_only') = 'off' THEN
		UPDATE casnet.users AS u
		   SET hashed_password = casnet.hash_password(login.password)
		 WHERE u.id = account.id
		   AND u.hashed_password = account.hashed_password;
	END IF;
	RETURN casnet.issue_token(account.id, login.tenant_id, lifetime,
							  account.generation);
END
$$;
COMMENT ON FUNCTION casnet.login(text, text, uuid, interval) IS
	'a session token for whoever knows the password of the account, by username or email address';

CREATE FUNCTION casnet.refresh_token(lifetime interval DEFAULT '30 minutes')
	RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	holder uuid := casnet.require_user();
	token_digest bytea := casnet.token_digest();
	claims json;
	cutoff record;
BEGIN
	IF token_digest IS NULL THEN
		RAISE EXCEPTION 'the session has no token'
			USING ERRCODE = 'invalid_authorization_specification',
				  HINT = 'Get one with casnet.login() and set it with casnet.sign_in().';
	END IF;
	-- Judged once more with the generation of the new one, since a revocation
	-- may commit at any moment.
	claims := convert_from(casnet.base64url_decode(
		split_part(current_setting('casnet.token'), '.', 2)), 'UTF8');
	SELECT c.generation,
		   CASE WHEN claims->'gen' IS NOT NULL
				THEN (claims->'gen')::text::numeric >= c.generation
				ELSE coalesce((claims->'iat')::text::numeric, 0)
					>= c.issued_before
				END OR c.spared = token_digest AS is_good
	  INTO cutoff
	  FROM casnet.token_cutoffs AS c WHERE c.user_id = holder;
	IF FOUND AND cutoff.is_good IS NOT TRUE THEN
		RAISE EXCEPTION 'the session token proves nobody'
			USING ERRCODE = 'invalid_authorization_specification',
				  DETAIL = 'The token was revoked.',
				  HINT = 'Get a new token with casnet.login() and set it with casnet.sign_in().';
	END IF;
	IF NOT EXISTS (
		SELECT FROM casnet.signing_keys AS k
		 WHERE k.kid = convert_from(casnet.base64url_decode(split_part(
				   current_setting('casnet.token'), '.', 1)), 'UTF8')::json->>'kid'
		   AND k.algorithm = 'HS256' AND k.issuer IS NULL
		   AND k.audience IS NULL) THEN
		RAISE EXCEPTION 'the token of the session is another issuer''s'
			USING ERRCODE = 'invalid_authorization_specification',
				  HINT = 'Get a new one from that issuer.';
	END IF;
	RETURN casnet.issue_token(holder, casnet.current_tenant_id(), lifetime,
							  coalesce(cutoff.generation, 0));
END
$$;
COMMENT ON FUNCTION casnet.refresh_token(interval) IS
	'a new token for the user of the session''s valid token, with the active tenant';

CREATE FUNCTION casnet.revoke_token() RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	holder uuid := casnet.require_user();
	token_digest bytea := casnet.token_digest();
BEGIN
	IF token_digest IS NULL THEN
		RAISE EXCEPTION 'the session has no token'
			USING ERRCODE = 'invalid_authorization_specification',
				  HINT = 'Set the token to be revoked with casnet.sign_in() first.';
	END IF;
	DELETE FROM casnet.revoked_tokens AS r
	 WHERE r.expires_at < now() - interval '1 hour';
	INSERT INTO casnet.revoked_tokens (digest, user_id, expires_at)
	SELECT token_digest, holder, w.expires_at FROM casnet.whoami() AS w
	ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION casnet.revoke_token() IS
	'revokes the token of this session, everywhere, from the next statement on';

CREATE FUNCTION casnet.end_tokens(user_id uuid, spared bytea) RETURNS void
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
	INSERT INTO casnet.token_cutoffs AS c
		(user_id, generation, issued_before, spared)
	VALUES (end_tokens.user_id, 1,
			floor(extract(epoch FROM clock_timestamp()))::bigint + 1,
			end_tokens.spared)
	ON CONFLICT (user_id) DO UPDATE
	   SET generation = c.generation + 1,
		   issued_before = excluded.issued_before,
		   spared = excluded.spared
$$;
COMMENT ON FUNCTION casnet.end_tokens(uuid, bytea) IS
	'internal: refuses all tokens of the user so far but one';

CREATE FUNCTION casnet.cut_off_tokens(user_id uuid) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM casnet.users AS u
				   WHERE u.id = cut_off_tokens.user_id) THEN
		RAISE EXCEPTION 'there is no such user'
			USING ERRCODE = '02000',
				  HINT = 'SELECT id, username FROM casnet.users lists them.';
	END IF;
	PERFORM casnet.end_tokens(cut_off_tokens.user_id, NULL);
END
$$;
COMMENT ON FUNCTION casnet.cut_off_tokens(uuid) IS
	'internal: revoke_all_tokens() for casnet_admin';

CREATE FUNCTION casnet.require_power_over(user_id uuid) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	holder uuid := casnet.require_user();
BEGIN
	IF NOT (SELECT u.is_superuser FROM casnet.users AS u
			WHERE u.id = holder) THEN
		RAISE EXCEPTION 'only administrators manage the accounts of others'
			USING ERRCODE = 'insufficient_privilege',
				  HINT = 'Ask a superuser of the application or a member of casnet_admin.';
	END IF;
	IF user_id IS NOT NULL
	   AND NOT EXISTS (SELECT FROM casnet.users AS u
					   WHERE u.id = require_power_over.user_id) THEN
		RAISE EXCEPTION 'there is no such user'
			USING ERRCODE = '02000',
				  HINT = 'Give the id of an account.';
	END IF;
END
$$;
COMMENT ON FUNCTION casnet.require_power_over(uuid) IS
	'internal: raises an error unless the user of this session is a superuser of the application';

CREATE FUNCTION casnet.revoke_tokens_in_session(user_id uuid) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF user_id IS DISTINCT FROM casnet.require_user() THEN
		PERFORM casnet.require_power_over(user_id);
	END IF;
	PERFORM casnet.end_tokens(user_id, NULL);
END
$$;
COMMENT ON FUNCTION casnet.revoke_tokens_in_session(uuid) IS
	'internal: revoke_all_tokens() for users';

CREATE FUNCTION casnet.revoke_all_tokens(user_id uuid) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF user_id IS NULL THEN
		RAISE EXCEPTION 'the user is null'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Give the id of an account, such as casnet.current_user_id().';
	END IF;
	IF casnet.is_administrator() THEN
		PERFORM casnet.cut_off_tokens(user_id);
	ELSE
		PERFORM casnet.revoke_tokens_in_session(user_id);
	END IF;
END
$$;
COMMENT ON FUNCTION casnet.revoke_all_tokens(uuid) IS
	'revokes all tokens of a user so far: one''s own, or as an administrator anybody''s';

-- Passwords and accounts.

CREATE FUNCTION casnet.change_password(old text, new text) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	started timestamptz := clock_timestamp();
	holder uuid := casnet.require_user();
	account record;
BEGIN
	SELECT u.hashed_password INTO account
	  FROM casnet.users AS u WHERE u.id = holder;
	IF (casnet.login_wait(holder::text)
		AND octet_length(coalesce(old, '')) <= 1024
		AND casnet.verify_password(coalesce(old, ''),
								   account.hashed_password)) IS NOT TRUE THEN
		PERFORM casnet.login_failed(holder::text, started);
		RAISE EXCEPTION 'the old password is wrong'
			USING ERRCODE = 'invalid_password',
				  HINT = 'Give the present password; an administrator can set a new one.';
	END IF;
	IF new IS NULL THEN
		RAISE EXCEPTION 'the new password is null'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'A password has 8 to 1024 bytes.';
	END IF;
	PERFORM casnet.login_succeeded(holder::text);
	-- Not over one that an administrator has set since we looked.
	UPDATE casnet.users AS u
	   SET hashed_password = casnet.hash_password(change_password.new)
	 WHERE u.id = holder
	   AND u.hashed_password = account.hashed_password;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'the old password is wrong'
			USING ERRCODE = 'invalid_password',
				  HINT = 'Give the present password; an administrator can set a new one.';
	END IF;
	PERFORM casnet.end_tokens(holder, casnet.token_digest());
END
$$;
COMMENT ON FUNCTION casnet.change_password(text, text) IS
	'changes one''s own password and ends all other tokens';

CREATE FUNCTION casnet.set_password_in_session(user_id uuid, new text)
	RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM casnet.require_power_over(user_id);
	UPDATE casnet.users AS u
	   SET hashed_password = casnet.hash_password(set_password_in_session.new)
	 WHERE u.id = set_password_in_session.user_id;
	PERFORM casnet.end_tokens(user_id, NULL);
END
$$;
COMMENT ON FUNCTION casnet.set_password_in_session(uuid, text) IS
	'internal: set_password() for superusers of the application';

CREATE FUNCTION casnet.set_password(user_id uuid, new text) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF user_id IS NULL OR new IS NULL THEN
		RAISE EXCEPTION 'the user or the new password is null'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Give the id of an account and a password of 8 to 1024 bytes.';
	END IF;
	IF casnet.is_administrator() THEN
		PERFORM casnet.cut_off_tokens(user_id);
		UPDATE casnet.users AS u
		   SET hashed_password = casnet.hash_password(set_password.new)
		 WHERE u.id = set_password.user_id;
	ELSE
		PERFORM casnet.set_password_in_session(user_id, new);
	END IF;
END
$$;
COMMENT ON FUNCTION casnet.set_password(uuid, text) IS
	'sets the password of an account and ends its tokens; for administrators';

CREATE FUNCTION casnet.create_user_in_session(
	username text, email text, password text, full_name text,
	is_superuser boolean)
	RETURNS uuid
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	created uuid := casnet.uuid_v7();
BEGIN
	PERFORM casnet.require_power_over(NULL);
	-- The hash comes second: the detail of a constraint's error shows the row.
	INSERT INTO casnet.users (id, username, email, full_name, is_superuser)
	VALUES (created, create_user_in_session.username,
			create_user_in_session.email, create_user_in_session.full_name,
			coalesce(create_user_in_session.is_superuser, false));
	UPDATE casnet.users AS u
	   SET hashed_password =
		   casnet.hash_password(create_user_in_session.password)
	 WHERE u.id = created;
	RETURN created;
END
$$;
COMMENT ON FUNCTION casnet.create_user_in_session(text, text, text, text, boolean) IS
	'internal: create_user() for superusers of the application';

CREATE FUNCTION casnet.create_user(
	username text, email text, password text, full_name text DEFAULT NULL,
	is_superuser boolean DEFAULT false)
	RETURNS uuid
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	created uuid := casnet.uuid_v7();
BEGIN
	IF coalesce(btrim(left(username, 2001)), '') = ''
	   OR coalesce(btrim(left(email, 2001)), '') = '' THEN
		RAISE EXCEPTION 'the username or the email address is blank'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Give both; each must be unique, whatever its case.';
	END IF;
	IF NOT casnet.is_administrator() THEN
		RETURN casnet.create_user_in_session(username, email, password,
											 full_name, is_superuser);
	END IF;
	INSERT INTO casnet.users (id, username, email, full_name, is_superuser)
	VALUES (created, create_user.username, create_user.email,
			create_user.full_name,
			coalesce(create_user.is_superuser, false));
	UPDATE casnet.users AS u
	   SET hashed_password = casnet.hash_password(create_user.password)
	 WHERE u.id = created;
	RETURN created;
END
$$;
COMMENT ON FUNCTION casnet.create_user(text, text, text, text, boolean) IS
	'creates an account, without a password login if the password is null; for administrators';
