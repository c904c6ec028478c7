-- A token for a program gives some of the permissions that its user holds when it is used,
-- and nothing else: in policies, functions, kept plans and what an account does for itself.
BEGIN;
SELECT plan(85);
\ir include/fixtures.sql
\ir include/tokens.sql
\ir include/issuers.sql
RESET SESSION AUTHORIZATION;
CREATE FUNCTION public.narrow(person uuid, tenant uuid, permissions text[]) RETURNS text LANGUAGE sql AS $$
	SELECT token(jsonb_build_object('sub', person, 'tid', tenant, 'perm', to_jsonb(permissions), 'gen', public.generation_of(person)))
$$;
SET LOCAL SESSION AUTHORIZATION tap_client;

-- Made by its user.
SELECT throws_ok('SELECT casnet.service_token(''x'', ''{view_records}'')', '28000', 'nobody is signed in', 'nobody gets one');
SELECT set_config('casnet.token', token(jsonb_build_object('sub', :'olga', 'tid', :'north')), false) IS NOT NULL AS now \gset
SELECT throws_ok(format('SELECT casnet.service_token(%s)', a), '22023', m, a) FROM (VALUES
	('NULL, ''{view_records}''', 'the name of the token is blank or too long'), (''' '', ''{view_records}''', 'the name of the token is blank or too long'),
	('repeat(''n'', 201), ''{view_records}''', 'the name of the token is blank or too long'), ('''n'', NULL', 'the list of permissions is empty or too long'),
	('''n'', ''{}''', 'the list of permissions is empty or too long'), ('''n'', ''{view_records,nonsense}''', 'unknown permission "nonsense"'), ('''n'', ''{NULL}''', 'unknown permission ""'),
	('''n'', array_fill(''view_records''::text, ARRAY[100])', 'the list of permissions is empty or too long'),
	('''n'', ''{view_records}'', ''0''', 'the lifetime of a token is out of range'), ('''n'', ''{view_records}'', ''2 years''', 'the lifetime of a token is out of range')) AS v (a, m);
SELECT casnet.service_token('nightly report', '{view_records,edit_records,view_tags}') AS report, casnet.service_token('of another tenant', '{view_records}', '1 day', :'south') AS elsewhere \gset
SELECT results_eq('SELECT made_by, name, permissions, round(extract(epoch FROM expires_at - created_at) / 86400)::integer FROM casnet.sessions() ORDER BY 4 DESC',
	$$VALUES ('service', 'nightly report', '{view_records,edit_records,view_tags}'::text[], 90), ('service', 'of another tenant', '{view_records}', 1)$$, 'and sees it');

SELECT is(error_of('SET LOCAL transaction_read_only = on; SELECT casnet.service_token(''x'', ''{view_records}'')'), '25006 | cannot execute casnet.service_token() in a read-only transaction |  |  | ', 'not on a standby, which could not list it');

-- What it gives.
SELECT casnet.sign_in(:'report') AS me \gset
SELECT is((SELECT permissions FROM casnet.whoami()), '{edit_records,view_records,view_tags}', 'whoami() lists what is left');
SELECT is(casnet.can('view_records') AND casnet.can('edit_records'), true, 'can() what it names');
SELECT is(casnet.can('delete_records') OR casnet.can('create_records') OR casnet.can('manage_users'), false, 'and nothing else');
SELECT is((SELECT count(*) FROM casnet.records), 3::bigint, 'it reads');
SELECT lives_ok('UPDATE casnet.records SET content = ''x''', 'it edits');
SELECT throws_ok(q, '42501', NULL, q) FROM unnest(ARRAY['INSERT INTO casnet.records (title) VALUES (''x'')', 'DELETE FROM casnet.records', 'SELECT count(*) FROM casnet.persons', 'INSERT INTO casnet.tags (name) VALUES (''x'')',
	'SELECT count(*) FROM casnet.tasks', 'SELECT * FROM casnet.members()', 'SELECT casnet.add_member(''nora'')', 'SELECT casnet.set_member_role(''mia'', ''viewer'')', 'SELECT casnet.remove_member(''mia'')',
	'SELECT casnet.grant_permission(''mia'', ''view_records'')', 'SELECT casnet.invite_member(''x@x'')', 'SELECT * FROM casnet.audit_log()', 'SELECT * FROM casnet.export_tenant()']) AS q;
SELECT throws_ok(format('SELECT casnet.delete_tenant(%L)', :'north'), '42501', NULL, 'delete_tenant()');
SELECT results_eq('SELECT casnet.tags_of(id) FROM casnet.records ORDER BY id LIMIT 1', $$VALUES (ARRAY['North tag'])$$, 'functions of what it names');

-- Nothing for the account.
SELECT throws_ok(q, '42501', 'the session token is for certain permissions only', q) FROM unnest(ARRAY['SELECT casnet.service_token(''x'', ''{view_records,manage_users}'')', 'SELECT casnet.refresh_token()',
	'SELECT casnet.change_password(''x'', ''correct horse'')', 'SELECT casnet.delete_account(''x'')', 'SELECT casnet.change_username(''x'')', 'SELECT casnet.confirm_email(''x'')', 'SELECT casnet.accept_invitation(''x'')',
	'SELECT casnet.link_identity(''x'')', 'SELECT casnet.unlink_identity(''x'', ''x'')', 'SELECT * FROM casnet.identities()', 'SELECT * FROM casnet.sessions()', 'SELECT casnet.end_session(NULL)',
	'SELECT casnet.create_tenant(''x'')', 'SELECT casnet.leave_tenant()', 'UPDATE casnet.users SET full_name = ''x'' WHERE id = casnet.current_user_id()']) AS q;
SELECT throws_ok(format('SELECT casnet.revoke_all_tokens(%L)', :'olga'), '42501', 'the session token is for certain permissions only', 'revoke_all_tokens()');
CREATE TEMP TABLE docs (d jsonb);
SELECT throws_ok('SELECT casnet.import_tenant(''docs'', ''x'')', '42501', 'the session token is for certain permissions only', 'import_tenant()');
SELECT casnet.sign_in(:'elsewhere') AS me \gset
SELECT throws_ok('SELECT count(*) FROM casnet.records', '42501', 'not a member of the active tenant', 'it makes nobody a member');

-- A kept plan and an open cursor follow the token.
SELECT set_config('casnet.token', token(jsonb_build_object('sub', :'olga', 'tid', :'north')), false) IS NOT NULL AS now \gset
PREPARE persons AS SELECT count(*) FROM casnet.persons;
EXECUTE persons \g /dev/null
CREATE FUNCTION pg_temp.people() RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE n bigint; BEGIN n := (SELECT count(*) FROM casnet.persons); RETURN n; END $$;
SELECT pg_temp.people() \g /dev/null
DECLARE reads CURSOR FOR SELECT name FROM casnet.persons;
FETCH 0 FROM reads;
SELECT set_config('casnet.token', :'report', false) IS NOT NULL AS now \gset
SELECT throws_ok('EXECUTE persons', '42501', NULL, 'a prepared statement');
SELECT throws_ok('SELECT pg_temp.people()', '42501', NULL, 'a function');
SELECT throws_ok('FETCH reads', '42501', NULL, 'a cursor of the whole account');
SELECT set_config('casnet.token', token(jsonb_build_object('sub', :'olga', 'tid', :'north')), false) IS NOT NULL AS now \gset
SELECT lives_ok('EXECUTE persons', 'and back');
SELECT set_config('casnet.token', :'report', false) IS NOT NULL AS now \gset
SELECT set_config(CASE WHEN current_setting('server_version_num')::integer < 160000 THEN 'force_parallel_mode' ELSE 'debug_parallel_query' END, 'on', true);
SET LOCAL parallel_setup_cost = 0;
SELECT throws_ok('SELECT count(*) FROM casnet.persons', '42501', NULL, 'a parallel worker');
SELECT is((SELECT count(*) FROM casnet.records), 3::bigint, 'one that may');
SELECT set_config(CASE WHEN current_setting('server_version_num')::integer < 160000 THEN 'force_parallel_mode' ELSE 'debug_parallel_query' END, 'off', true);

-- What its user loses is lost; what the user gains is not given.
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (:'nora', :'north', 'owner');
UPDATE casnet.user_tenants SET role = 'viewer' WHERE user_id = :'olga';
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT throws_ok('UPDATE casnet.records SET content = ''x''', '42501', NULL, 'the role was taken away');
SELECT is((SELECT permissions FROM casnet.whoami()), '{view_records,view_tags}', 'what is left of both');
SELECT set_config('casnet.token', narrow(:'vic', :'north', '{edit_records,view_records}'), false) IS NOT NULL AS now \gset
SELECT is((SELECT permissions FROM casnet.whoami()), '{view_records}', 'it gives nothing that its user does not hold');

-- A superuser of the application.
SELECT set_config('casnet.token', narrow(:'sue', :'north', '{view_records}'), false) IS NOT NULL AS now \gset
SELECT is((SELECT count(*) FROM casnet.records), 3::bigint, 'a superuser of the application reads');
SELECT throws_ok('SELECT count(*) FROM casnet.persons', '42501', NULL, 'and no more');
SELECT throws_ok(format('SELECT casnet.deactivate_user(%L)', :'mia'), '42501', NULL, 'nor manages accounts');
SELECT throws_ok('SELECT * FROM casnet.accounts()', '42501', NULL, 'or lists them');
SELECT throws_ok(format('SELECT casnet.set_password(%L, ''correct horse'')', :'mia'), '42501', NULL, 'or sets a password');

RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT lives_ok('SELECT casnet.create_user(''new'', ''new@x.test'', NULL)', 'an administrator acts by the role, whatever the token');
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_client;

-- One session with one token after the other.
SELECT set_config('casnet.token', narrow(:'mia', :'north', '{view_records,edit_records}'), false) IS NOT NULL AS now \gset
SELECT is((SELECT permissions FROM casnet.whoami()), '{edit_records,view_records}', 'a list');
SELECT set_config('casnet.token', narrow(:'mia', :'north', '{view_records,view_tags}'), false) IS NOT NULL AS now \gset
SELECT is((SELECT permissions FROM casnet.whoami()), '{view_records,view_tags}', 'another one that begins alike');
SELECT set_config('casnet.token', narrow(:'mia', :'north', '{view_records}'), false) IS NOT NULL AS now \gset
SELECT is((SELECT permissions FROM casnet.whoami()), '{view_records}', 'and its beginning');
-- It narrows nobody else: here whoever has opened a cursor.
SELECT set_config('casnet.token', token(jsonb_build_object('sub', :'adam', 'tid', :'north', 'gen', public.generation_of(:'adam'))), false) IS NOT NULL AS now \gset
DECLARE by_adam CURSOR FOR SELECT name FROM casnet.persons;
FETCH 0 FROM by_adam;
SELECT set_config('casnet.token', narrow(:'mia', :'north', '{view_records}'), false) IS NOT NULL AS now \gset
SELECT lives_ok('FETCH by_adam', 'a cursor of somebody else goes on');
SELECT throws_ok('SELECT name FROM casnet.persons', '42501', NULL, 'which the session may not');
-- A permission that the session learns of later.
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.role_permissions (role, permission) VALUES ('owner', 'view_moons');
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT set_config('casnet.token', narrow(:'sue', :'north', '{view_moons}'), false) IS NOT NULL AS now \gset
SELECT is(casnet.can('view_records'), false, 'a superuser of the application with a permission that nobody has asked for');
SELECT is(casnet.can('view_moons'), true, 'which it gives');

-- Odd claims.
SELECT set_config('casnet.token', narrow(:'olga', :'north', '{}'), false) IS NOT NULL AS now \gset
SELECT throws_ok('SELECT count(*) FROM casnet.records', '42501', NULL, 'an empty list gives nothing');
SELECT set_config('casnet.token', narrow(:'olga', :'north', '{nonsense,view_tags}'), false) IS NOT NULL AS now \gset
SELECT is((SELECT count(*) FROM casnet.tags), 1::bigint, 'an unknown name gives nothing, and the others what they are');
SELECT is(fate(token(jsonb_build_object('perm', p))), 'set 22023 The token''s permissions (perm) are not a short list of strings.', p::text) FROM unnest(ARRAY['1', '{}', '[1]', 'true']::jsonb[]) AS p;
SELECT is(fate(token(jsonb_build_object('perm', repeat('x', 300)))), 'set 22023 The token''s permissions (perm) are not a short list of strings.', 'a long one');
SELECT casnet.sign_out();
-- A new password ends it, like every token, and the next one is good.
SELECT set_config('casnet.token', token(jsonb_build_object('sub', :'adam', 'tid', :'north')), false) IS NOT NULL AS now \gset
SELECT casnet.service_token('before', '{view_records}') AS before \gset
SELECT casnet.sign_out();
SELECT is(fate(:'before'), 'proves adam', 'a token of before');
RESET SESSION AUTHORIZATION;
SELECT casnet.set_password(:'adam', 'correct horse');
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(fate(:'before'), 'use 28000 The token was revoked.', 'a new password ends it');
SELECT casnet.sign_in(casnet.login('adam', 'correct horse', :'north')) AS me \gset
SELECT casnet.service_token('after', '{view_records}') AS after \gset
SELECT casnet.sign_out();
SELECT is(fate(:'after'), 'proves adam', 'and the next one is good');
-- It is revoked like any other.
SELECT set_config('casnet.token', :'report', false) IS NOT NULL AS now \gset
SELECT lives_ok('SELECT casnet.revoke_token()', 'it ends itself');
SELECT throws_ok('SELECT count(*) FROM casnet.records', '28000', 'invalid session token', 'and is dead');
SELECT * FROM finish();
ROLLBACK;
