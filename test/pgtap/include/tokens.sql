-- Tokens, after fixtures.sql: a key whose secret the tests know, functions
-- that make good and bad tokens with it, and tap_client, an application role
-- with casnet_user only.
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_client;
GRANT casnet_user TO tap_client;
SELECT casnet.add_signing_key('tap', '{"kty": "oct", "k": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}');

CREATE FUNCTION public.b64url(bytes bytea) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT rtrim(translate(encode($1, 'base64'), E'+/\n', '-_'), '=')
$$;
CREATE FUNCTION public.b64url(string text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT public.b64url(convert_to($1, 'UTF8'))
$$;

-- HMAC-SHA-256 by its definition (RFC 2104), independent of the extension's.
CREATE FUNCTION public.hmac(message bytea, secret bytea) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	block bytea := CASE WHEN length(secret) > 64 THEN sha256(secret) ELSE secret END;
	inner_pad bytea := decode(repeat('36', 64), 'hex');
	outer_pad bytea := decode(repeat('5c', 64), 'hex');
BEGIN
	FOR i IN 0 .. length(block) - 1 LOOP
		inner_pad := set_byte(inner_pad, i, get_byte(block, i) # 54);
		outer_pad := set_byte(outer_pad, i, get_byte(block, i) # 92);
	END LOOP;
	RETURN sha256(outer_pad || sha256(inner_pad || message));
END
$$;

-- The token of any two strings, signed.
CREATE FUNCTION public.raw_token(header text, claims text,
	secret bytea DEFAULT '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f') RETURNS text LANGUAGE sql AS $$
	SELECT part || '.' || public.b64url(public.hmac(convert_to(part, 'UTF8'), secret))
	  FROM (SELECT public.b64url(header) || '.' || public.b64url(claims) AS part) AS p
$$;
-- A good token of mia until 2100, except for the given claims and headers; a JSON null
-- removes a member.
CREATE FUNCTION public.token(claims jsonb DEFAULT '{}', header jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
	SELECT public.raw_token(jsonb_strip_nulls('{"alg": "HS256", "kid": "tap"}' || header)::text,
		jsonb_strip_nulls('{"sub": "00000000-0000-7000-8000-000000000003", "exp": 4102444800, "gen": 0}' || claims)::text)
$$;
-- The same with claims or header as they are written.
CREATE FUNCTION public.token_with(claim text) RETURNS text LANGUAGE sql AS $$
	SELECT public.raw_token('{"alg": "HS256", "kid": "tap"}',
		'{"sub": "00000000-0000-7000-8000-000000000003"' || coalesce(',' || claim, '') || '}')
$$;

-- The fate of a token: refused when set, refused at first use, or the user it proves.  A
-- message that repeats a part of it is a leak.  Nothing stays set.
CREATE FUNCTION public.fate(token text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	stage text := 'set';
	answer text;
	detail text;
	hint text;
	context text;
	part text;
BEGIN
	PERFORM set_config('casnet.token', token, false);
	stage := 'use';
	PERFORM casnet_internal.require_user();
	SELECT coalesce('proves ' || name, 'nobody') INTO answer FROM (SELECT casnet.current_user_id() AS id) AS me LEFT JOIN public.who USING (id);
	RAISE EXCEPTION USING ERRCODE = 'ZZZZZ';
EXCEPTION
	WHEN SQLSTATE 'ZZZZZ' THEN
		RETURN answer;
	WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
		FOREACH part IN ARRAY string_to_array(token, '.') LOOP
			IF length(part) > 3 AND strpos(SQLERRM || detail || hint || context, part) > 0 THEN
				RETURN 'leak';
			END IF;
		END LOOP;
		IF hint = '' THEN
			RETURN 'no hint';
		END IF;
		RETURN concat_ws(' ', stage, SQLSTATE, nullif(detail, ''));
END
$$;
-- The generation of tokens made now.
CREATE FUNCTION public.generation_of(person uuid) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$
	SELECT coalesce(bit_xor(c.nonce), 0) FROM casnet_internal.token_cutoffs AS c WHERE c.user_id = person
$$;
SET LOCAL SESSION AUTHORIZATION tap_client;
