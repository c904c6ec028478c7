-- The extension, roles and rows that every other file starts from.  Each file leaves them as
-- it found them: it rolls back what it changes.

SET client_min_messages = warning;
-- Roles belong to the cluster, so an earlier run may have left these.
DROP ROLE IF EXISTS regress_backend;
DROP ROLE IF EXISTS regress_user;
DROP ROLE IF EXISTS regress_admin;
DROP ROLE IF EXISTS regress_nobody;
CREATE EXTENSION casnet;

CREATE ROLE regress_backend LOGIN;
GRANT casnet_authenticator TO regress_backend;
CREATE ROLE regress_user LOGIN;
GRANT casnet_user TO regress_user;
CREATE ROLE regress_admin LOGIN;
GRANT casnet_admin TO regress_admin;
CREATE ROLE regress_nobody LOGIN;

INSERT INTO casnet.users (id, username, email, is_active, is_superuser, hashed_password) VALUES
	('00000000-0000-7000-8000-000000000001', 'olga', 'olga@north.test', true, false, rpad('$2b$04$secret', 60, 'x')),
	('00000000-0000-7000-8000-000000000002', 'adam', 'adam@north.test', true, false, rpad('$2b$04$secret', 60, 'x')),
	('00000000-0000-7000-8000-000000000003', 'mia', 'mia@north.test', true, false, rpad('$2b$04$secret', 60, 'x')),
	('00000000-0000-7000-8000-000000000004', 'vic', 'vic@north.test', true, false, rpad('$2b$04$secret', 60, 'x')),
	('00000000-0000-7000-8000-000000000005', 'otto', 'otto@south.test', true, false, rpad('$2b$04$secret', 60, 'x')),
	('00000000-0000-7000-8000-000000000006', 'ines', 'ines@north.test', false, false, rpad('$2b$04$secret', 60, 'x')),
	('00000000-0000-7000-8000-000000000007', 'sue', 'sue@root.test', true, true, rpad('$2b$04$secret', 60, 'x')),
	('00000000-0000-7000-8000-000000000008', 'nora', 'nora@nowhere.test', true, false, rpad('$2b$04$secret', 60, 'x'));
INSERT INTO casnet.tenants (id, name) VALUES
	('00000000-0000-7000-8000-0000000000a0', 'North'),
	('00000000-0000-7000-8000-0000000000b0', 'South');
INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES
	('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000a0', 'owner'),
	('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-0000000000a0', 'admin'),
	('00000000-0000-7000-8000-000000000003', '00000000-0000-7000-8000-0000000000a0', 'member'),
	('00000000-0000-7000-8000-000000000004', '00000000-0000-7000-8000-0000000000a0', 'viewer'),
	('00000000-0000-7000-8000-000000000006', '00000000-0000-7000-8000-0000000000a0', 'member'),
	('00000000-0000-7000-8000-000000000003', '00000000-0000-7000-8000-0000000000b0', 'viewer'),
	('00000000-0000-7000-8000-000000000005', '00000000-0000-7000-8000-0000000000b0', 'owner');

-- A token signed with HS256, as a known key signs it (RFC 2104, 7515).
CREATE FUNCTION public.signed_token(kid text, secret bytea, claims text) RETURNS text LANGUAGE sql AS $$
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

-- 200 records, 4 tags and 400 links in each tenant; the tags' names are alike.  A person,
-- whom 20 records are about.
INSERT INTO casnet.records (tenant_id, id, title, content, created_at)
SELECT t.id, overlay(t.id::text PLACING to_char(n, 'FM0000') FROM 25)::uuid,
	   t.name || ' record ' || n, 'secret of ' || t.name,
	   timestamptz '2024-01-01 00:00:00+00' + n * interval '1 hour'
  FROM casnet.tenants AS t, generate_series(1, 200) AS n;
INSERT INTO casnet.tags (tenant_id, id, name)
SELECT t.id, overlay(t.id::text PLACING '9' || to_char(n, 'FM000') FROM 25)::uuid,
	   'tag ' || n
  FROM casnet.tenants AS t, generate_series(1, 4) AS n;
INSERT INTO casnet.record_tags (tenant_id, record_id, tag_id)
SELECT r.tenant_id, r.id, t.id
  FROM casnet.records AS r
  JOIN casnet.tags AS t ON t.tenant_id = r.tenant_id
 WHERE (right(t.name, 1)::integer + right(r.title, 1)::integer) % 2 = 0;
INSERT INTO casnet.persons (tenant_id, id, name)
SELECT t.id, overlay(t.id::text PLACING '0001' FROM 25)::uuid, t.name || ' person'
  FROM casnet.tenants AS t;
INSERT INTO casnet.record_persons (tenant_id, record_id, person_id)
SELECT p.tenant_id, r.id, p.id
  FROM casnet.persons AS p
  JOIN casnet.records AS r ON r.tenant_id = p.tenant_id
 WHERE right(r.title, 1) = '1';
INSERT INTO casnet.tasks (tenant_id, id, title)
SELECT t.id, overlay(t.id::text PLACING '0001' FROM 25)::uuid, t.name || ' task'
  FROM casnet.tenants AS t;
INSERT INTO casnet.calendar_events (tenant_id, id, title, starts_at)
SELECT t.id, overlay(t.id::text PLACING '0001' FROM 25)::uuid, t.name || ' event', '2024-01-01'
  FROM casnet.tenants AS t;
ANALYZE casnet.records, casnet.tags, casnet.record_tags, casnet.persons, casnet.record_persons,
	casnet.tasks;

-- CALL be('mia', 'North'): what a trusted backend does for each request.
CREATE TABLE who AS SELECT username AS name, id FROM casnet.users
	UNION ALL SELECT name, id FROM casnet.tenants;
GRANT SELECT ON who TO PUBLIC;
CREATE PROCEDURE be(person text, tenant text DEFAULT NULL) LANGUAGE sql AS $$
	SELECT set_config('casnet.user_id', coalesce((SELECT id::text FROM who WHERE name = person), ''), false),
		   set_config('casnet.tenant_id', coalesce((SELECT id::text FROM who WHERE name = tenant), ''), false);
$$;

-- So cheap that the planner likes to call it first; reveals what it was shown.
CREATE FUNCTION tell(text DEFAULT 'a row') RETURNS boolean
	LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
	RAISE NOTICE 'saw %', $1;
	RETURN true;
END
$$;
