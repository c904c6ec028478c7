-- The token takes precedence over casnet.user_id, and casnet.tenant_id over the token.  With
-- an invalid token the session has no user.
BEGIN;
SELECT plan(46);
\ir include/fixtures.sql
\ir include/tokens.sql
SELECT token('{"tid": "00000000-0000-7000-8000-0000000000a0"}') AS north_mia, token('{"tid": "00000000-0000-7000-8000-0000000000b0"}') AS south_mia,
	token() AS plain_mia, token('{"sub": "00000000-0000-7000-8000-000000000001"}') AS olga_token,
	token('{"sub": "00000000-0000-7000-8000-000000000005", "tid": "00000000-0000-7000-8000-0000000000a0"}') AS foreign_otto,
	token('{"exp": 1}') AS dead, token('{}', '{"kid": "gone"}') AS unsigned \gset

-- whoami()
SELECT is(casnet.sign_in(:'north_mia'), :'mia'::uuid, 'sign_in() returns the user');
SELECT is((SELECT concat_ws(' ', user_id, username, tenant_id, tenant_name, role, permissions[1], expires_at AT TIME ZONE 'UTC', authenticated_by) FROM casnet.whoami()),
	:'mia' || ' mia ' || :'north' || ' North member create_calendar 2100-01-01 00:00:00 token', 'whoami() says it all');

-- tid
SELECT is(casnet.current_tenant_id(), :'north'::uuid, 'tid is the active tenant');
SELECT ok((SELECT is_active FROM casnet.my_tenants() WHERE name = 'North'), 'my_tenants() knows');
SELECT lives_ok($$INSERT INTO casnet.records (title) VALUES ('by token')$$, 'a row');
SELECT is((SELECT tenant_id FROM casnet.records WHERE title = 'by token'), :'north'::uuid, 'goes there');
SELECT is(casnet.use_tenant('South', true), :'south'::uuid, 'casnet.tenant_id');
SELECT is(casnet.current_tenant_id(), :'south'::uuid, 'overrides it');
SELECT is((SELECT role || count FROM casnet.whoami(), (SELECT count(*) FROM casnet.records) AS r), 'viewer3', 'with its role');
SET LOCAL casnet.tenant_id = '';
SELECT is(casnet.current_tenant_id(), :'north'::uuid, 'and no longer');
SELECT casnet.sign_in(:'south_mia') AS me \gset
SELECT throws_ok($$INSERT INTO casnet.records (title) VALUES ('x')$$, '42501', NULL, 'a viewer in South');
SELECT casnet.sign_in(:'foreign_otto') AS me \gset
SELECT throws_ok('SELECT count(*) FROM casnet.records', '42501', 'not a member of the active tenant', 'tid of a tenant that is not his');
SELECT throws_ok($$INSERT INTO casnet.records (title) VALUES ('x')$$, '42501', NULL, 'nor by writing');
SELECT is((SELECT tenant_name FROM casnet.whoami()), NULL, 'whose name he does not learn');
SELECT casnet.sign_in(:'plain_mia') AS me \gset
SELECT throws_ok('SELECT count(*) FROM casnet.records', '55000', NULL, 'without tid no tenant');
SELECT throws_ok($$INSERT INTO casnet.records (title) VALUES ('x')$$, '55000', NULL, 'for a row either');
SET LOCAL casnet.tenant_id = :'north';

-- a refused sign_in does not change the session
SELECT throws_ok(format('SELECT casnet.sign_in(%L)', t), s, NULL, n) FROM (VALUES
	(NULL, '22023', 'null'), ('', '22023', 'empty'), ('x', '22023', 'no token'), (repeat('x', 9000), '22023', 'too long'),
	(:'dead', '28000', 'expired'), (:'unsigned', '28000', 'by a key unknown'), (token('{"sub": "00000000-0000-7000-8000-0000000000ff"}'), '28000', 'of nobody'),
	(token('{"sub": "00000000-0000-7000-8000-000000000006"}'), '28000', 'inactive')) AS v (t, s, n);
SELECT is((SELECT username FROM casnet.whoami()), 'mia', 'still mia');
SAVEPOINT a;
\set ON_ERROR_STOP off
SELECT is(casnet.sign_in(:'olga_token'), :'olga'::uuid, 'olga');
SELECT is((SELECT username FROM casnet.whoami()), 'olga', 'after the savepoint');
ROLLBACK TO a;
SELECT is((SELECT username FROM casnet.whoami()), 'mia', 'mia again');

-- a role that can name the user
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_app;
SET LOCAL casnet.user_id = :'olga';
SELECT is((SELECT username || ' ' || authenticated_by FROM casnet.whoami()), 'mia token', 'the token wins over casnet.user_id');
SELECT set_config('casnet.token', :'dead', true) IS NULL AS done \gset
SELECT throws_ok('SELECT count(*) FROM casnet.records', '28000', 'invalid session token', 'a dead token leaves nobody');
SELECT is(casnet.current_user_id(), NULL, 'and not olga');
SELECT set_config('casnet.token', token('{"exp": 1, "tid": "00000000-0000-7000-8000-0000000000a0"}'), true) IS NULL AS done \gset
SET LOCAL casnet.tenant_id = '';
SELECT is(casnet.current_tenant_id(), NULL, 'nor has it a tenant');
SELECT set_config('casnet.token', :'unsigned', true) IS NULL AS done \gset
SELECT throws_ok('SELECT count(*) FROM casnet.records', '28000', 'invalid session token', 'a forged one, too');
SET LOCAL casnet.token = '';
SELECT is((SELECT username || ' ' || authenticated_by || coalesce(expires_at::text, '') FROM casnet.whoami()), 'olga trusted', 'without a token casnet.user_id counts');
SELECT throws_ok('SELECT casnet.revoke_token()', '28000', 'the session has no token', 'nothing to revoke');
SELECT throws_ok('SELECT casnet.refresh_token()', '28000', 'the session has no token', 'nor to refresh');

-- refresh_token()
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT casnet.sign_in(:'north_mia') AS me \gset
SET LOCAL casnet.tenant_id = :'south';
SELECT casnet.refresh_token('90 seconds') AS fresh \gset
SET LOCAL casnet.tenant_id = '';
SELECT casnet.sign_in(:'fresh') AS me \gset
SELECT is((SELECT username || ' ' || tenant_name FROM casnet.whoami()), 'mia South', 'a fresh token, with the tenant that was active');
SELECT ok((SELECT expires_at FROM casnet.whoami()) - clock_timestamp() BETWEEN interval '80 seconds' AND interval '90 seconds', 'of 90 seconds');
SELECT throws_ok(format('SELECT casnet.refresh_token(%L)', l), '22023', NULL, 'not of ' || coalesce(l, 'null'))
  FROM unnest(ARRAY[NULL, '0', '-1 second', '0.5 seconds', '2 years', '178000000 years']) AS l;
SELECT casnet.sign_out();
SELECT is(concat(casnet.current_user_id(), casnet.current_tenant_id()), '', 'signed out');
SELECT is(current_setting('casnet.token') || current_setting('casnet.user_id') || current_setting('casnet.tenant_id'), '', 'nothing is left');
SELECT * FROM finish();
ROLLBACK;
