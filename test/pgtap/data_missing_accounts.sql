-- An import names all members of the documents who have no account, and makes nothing.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
CALL be('olga', 'North');
CREATE TABLE public.e AS SELECT n, d FROM casnet.export_tenant() WITH ORDINALITY AS e (d, n);
GRANT SELECT, UPDATE ON public.e TO tap_admin;
UPDATE public.e SET d = jsonb_set(d, '{row,email}', '"other@north.test"') WHERE d#>>'{row,username}' = 'adam';
UPDATE public.e SET d = jsonb_set(d, '{row,username}', '"nemo"') WHERE d#>>'{row,username}' = 'vic';
UPDATE public.e SET d = jsonb_set(d, '{row,username}', to_jsonb(repeat('long', 500))) WHERE d#>>'{row,username}' = 'ines';
CREATE TEMP TABLE w AS SELECT d FROM public.e ORDER BY n;
\set told 'P0002 | members of the documents have no account | adam <other@north.test>\n%s <ines@north.test>\nnemo <vic@north.test> | Members need accounts with the same username and email address. An administrator makes them with casnet.create_user(). | '
SELECT is(error_of($$SELECT casnet.import_tenant('w', 'Copy')$$), format(replace(:'told', '\n', E'\n'), repeat('long', 50)), 'all at once');
SELECT is((SELECT count(*) FROM casnet.my_tenants() WHERE name = 'Copy'), 0::bigint, 'and no tenant');
SELECT casnet.create_tenant('Empty') AS empty \gset
SELECT is(error_of(format('SELECT casnet.import_tenant(%L, tenant_id => %L)', 'w', :'empty')), format(replace(:'told', '\n', E'\n'), repeat('long', 50)), 'into an existing tenant, too');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT string_agg(m[1], ' ' ORDER BY m[1]) FROM regexp_matches(error_of($$SELECT casnet.import_tenant('public.e', 'Copy')$$), '<(\w+)@', 'g') AS m), 'ines other vic', 'for a superuser, too');
-- Once the accounts are there, the same documents come in.
INSERT INTO casnet.users (username, email) VALUES ('nemo', 'vic@other.test');
UPDATE public.e SET d = jsonb_set(d, '{row,email}', '"vic@other.test"') WHERE d#>>'{row,username}' = 'nemo';
UPDATE public.e SET d = jsonb_set(d, '{row,email}', '"adam@north.test"') WHERE d#>>'{row,username}' = 'adam';
UPDATE public.e SET d = jsonb_set(d, '{row,username}', '"ines"') WHERE d#>>'{row,email}' = 'ines@north.test';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga');
SELECT isnt(casnet.import_tenant('public.e', 'Copy'), NULL, 'then they come in');
-- Nobody learns of accounts who could not add them as members.
CALL be('mia', 'North');
SELECT throws_ok($$SELECT casnet_internal.find_members('public.e', 'd', '[0, 0]', casnet.current_user_id())$$, '42501', 'permission "manage_users" is missing in the active tenant', 'the lookup takes manage_users');
SELECT * FROM finish();
ROLLBACK;
