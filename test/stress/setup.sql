-- The world of the stress run: two groups, each with two tenants, a permanent
-- owner and six users of its own.  Group 0 works with records, group 1 with
-- persons, so that each has permissions of its own in role_permissions too.
-- The key of a group, like its ids, is one that the program knows.

CREATE EXTENSION casnet;
DELETE FROM casnet_internal.signing_keys;

INSERT INTO casnet_internal.signing_keys (kid, algorithm, key)
SELECT 'g' || g, 'HS256', repeat(g::text, 32)::bytea
  FROM generate_series(0, 1) AS g;
INSERT INTO casnet.users (id, username, email)
SELECT format('00000000-0000-0000-000%s-00000000000%s', g, u)::uuid,
	   format('g%su%s', g, u), format('g%su%s@example.org', g, u)
  FROM generate_series(0, 1) AS g, generate_series(0, 6) AS u;
INSERT INTO casnet.tenants (id, name)
SELECT format('00000000-0000-0000-000%s-0000000000f%s', g, t)::uuid,
	   format('g%st%s', g, t)
  FROM generate_series(0, 1) AS g, generate_series(0, 1) AS t;

-- Members as a tenant begins: the last user is its owner for good.
CREATE SCHEMA stress;
GRANT USAGE ON SCHEMA stress TO PUBLIC;
CREATE PROCEDURE stress.fill(tenant text) LANGUAGE plpgsql AS $$
DECLARE
	t uuid := (SELECT id FROM casnet.tenants WHERE name = tenant);
BEGIN
	INSERT INTO casnet.user_tenants (user_id, tenant_id, role)
	SELECT id, t, CASE username WHEN left(tenant, 2) || 'u6' THEN 'owner' ELSE 'viewer' END
	  FROM casnet.users WHERE left(username, 2) = left(tenant, 2);
	IF left(tenant, 2) = 'g0' THEN
		INSERT INTO casnet.records (tenant_id, title)
		SELECT t, tenant || ' ' || i FROM generate_series(1, 5) AS i;
	ELSE
		INSERT INTO casnet.persons (tenant_id, name)
		SELECT t, tenant || ' ' || i FROM generate_series(1, 5) AS i;
	END IF;
END
$$;
CREATE PROCEDURE stress.found(tenant uuid, name text) LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO casnet.tenants (id, name) VALUES (tenant, name);
	CALL stress.fill(name);
END
$$;
SELECT format('CALL stress.fill(%L)', name) FROM casnet.tenants \gexec

-- A token signed with HS256, as a known key signs it (RFC 2104, 7515).
CREATE FUNCTION stress.signed_token(kid text, secret bytea, claims text) RETURNS text LANGUAGE sql AS $$
	WITH pads AS (
		SELECT string_agg(set_byte('\x00', 0, get_byte(secret || decode(repeat('00', 64 - length(secret)), 'hex'), i) # 54), '\x'::bytea ORDER BY i) AS inner_pad,
			   string_agg(set_byte('\x00', 0, get_byte(secret || decode(repeat('00', 64 - length(secret)), 'hex'), i) # 92), '\x'::bytea ORDER BY i) AS outer_pad
		  FROM generate_series(0, 63) AS i
	), parts AS (
		SELECT string_agg(rtrim(translate(encode(convert_to(v.part, 'UTF8'), 'base64'), E'+/\n', '-_'), '='), '.' ORDER BY v.n) AS signed
		  FROM (VALUES (1, json_build_object('alg', 'HS256', 'typ', 'JWT', 'kid', kid)::text), (2, claims)) AS v (n, part)
	)
	SELECT signed || '.' || rtrim(translate(encode(sha256(outer_pad || sha256(inner_pad || convert_to(signed, 'UTF8'))), 'base64'), E'+/\n', '-_'), '=')
	  FROM pads, parts
$$;

-- Tokens of the users 3 to 5, who sign in with them.
CREATE FUNCTION stress.token_of(g integer, u integer) RETURNS text LANGUAGE sql
	RETURN stress.signed_token('g' || g, repeat(g::text, 32)::bytea, jsonb_build_object(
		'sub', (SELECT id FROM casnet.users WHERE username = format('g%su%s', g, u)),
		'iat', 1, 'exp', 9999999999, 'jti', u::text, 'gen', 0)::text);

-- What readers call: a statement in a function, one in an exception handler,
-- and expressions, which PL/pgSQL keeps for a transaction.
DO $$
DECLARE
	g integer;
	source text;
	names text[];
BEGIN
	FOR g IN 0..1 LOOP
		names := CASE g WHEN 0 THEN '{title, records}' ELSE '{name, persons}' END;
		source := format('SELECT concat(count(*), ''|'', min(%1$I), ''|'', max(%1$I)) '
						 'FROM casnet.%2$I', names[1], names[2]);
		EXECUTE format('CREATE FUNCTION stress.look%s() RETURNS text LANGUAGE plpgsql AS %L', g,
					   format('DECLARE seen text; BEGIN PERFORM 1; seen := (%s); RETURN seen; END', source));
		EXECUTE format('CREATE FUNCTION stress.try%s() RETURNS text LANGUAGE plpgsql AS %L', g,
					   format('BEGIN RETURN (%s); EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END', source));
		EXECUTE format('CREATE FUNCTION stress.may%s() RETURNS text LANGUAGE plpgsql AS %L', g,
					   format('BEGIN IF casnet.can(%L) THEN RETURN ''t''; END IF; RETURN ''f''; END', 'view_' || names[2]));
	END LOOP;
END
$$;
