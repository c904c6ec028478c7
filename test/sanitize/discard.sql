-- What a session does, while the server empties its caches whenever it might:
-- scripts/sanitize.sh runs this with assertions, and compares the output.
\set ON_ERROR_STOP off
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
CREATE EXTENSION casnet;
CREATE ROLE sanitize_app IN ROLE casnet_authenticator;
INSERT INTO casnet.users (id, username, email) VALUES
	('00000000-0000-7000-8000-000000000001', 'olga', 'olga@north.test'),
	('00000000-0000-7000-8000-000000000003', 'mia', 'mia@north.test');
INSERT INTO casnet.tenants (id, name) VALUES
	('00000000-0000-7000-8000-0000000000a0', 'North'), ('00000000-0000-7000-8000-0000000000b0', 'South');
INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES
	('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000a0', 'owner'),
	('00000000-0000-7000-8000-000000000003', '00000000-0000-7000-8000-0000000000a0', 'member');
INSERT INTO casnet.records (tenant_id, id, title) VALUES
	('00000000-0000-7000-8000-0000000000a0', '00000000-0000-7000-8000-0000000001a0', 'north one'),
	('00000000-0000-7000-8000-0000000000a0', '00000000-0000-7000-8000-0000000002a0', 'north two'),
	('00000000-0000-7000-8000-0000000000b0', '00000000-0000-7000-8000-0000000001b0', 'south one');
INSERT INTO casnet.tags (tenant_id, id, name) VALUES
	('00000000-0000-7000-8000-0000000000a0', '00000000-0000-7000-8000-0000000009a0', 'urgent');
INSERT INTO casnet.record_tags (tenant_id, record_id, tag_id) VALUES
	('00000000-0000-7000-8000-0000000000a0', '00000000-0000-7000-8000-0000000001a0', '00000000-0000-7000-8000-0000000009a0');
SELECT casnet.add_signing_key('sanitize', '{"kty": "oct", "k": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}');
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
SELECT public.signed_token('sanitize', '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
	'{"sub": "00000000-0000-7000-8000-000000000003", "exp": 4102444800, "tid": "00000000-0000-7000-8000-0000000000a0"}') AS token \gset
SELECT casnet.enable_audit('casnet.records');
\echo as olga
SET debug_discard_caches = 1;
SET SESSION AUTHORIZATION sanitize_app;
SET casnet.user_id = '00000000-0000-7000-8000-000000000001';
SELECT count(*) FROM casnet.records;
SET casnet.tenant_id = '00000000-0000-7000-8000-0000000000a0';
PREPARE titles AS SELECT title FROM casnet.records WHERE title > $1 ORDER BY title;
EXECUTE titles('north');
SELECT casnet.can('view_records'), casnet.can('delete_tenant');
INSERT INTO casnet.records (title) VALUES ('north three') RETURNING title;
SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged('{urgent}'));
\echo as mia, by token
SET casnet.user_id = '';
SELECT set_config('casnet.token', :'token', false) <> '';
SELECT username, role FROM casnet.whoami();
EXECUTE titles('north');
DELETE FROM casnet.records;
\echo removed
RESET SESSION AUTHORIZATION;
SET debug_discard_caches = 0;
DELETE FROM casnet.user_tenants WHERE user_id = '00000000-0000-7000-8000-000000000003';
SET debug_discard_caches = 1;
SET SESSION AUTHORIZATION sanitize_app;
EXECUTE titles('north');
SELECT casnet.can('view_records');
RESET SESSION AUTHORIZATION;
SET debug_discard_caches = 0;
SELECT u.username, e.action, e.after ->> 'title' FROM casnet_internal.audit_entries AS e JOIN casnet.users AS u ON u.id = e.user_id;
