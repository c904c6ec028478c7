-- An importer can see more than one tenant, as an administrator or a superuser of the
-- application.  Such an importer becomes a member of the target tenant only.  Accounts are
-- found by name and address together, not by one of them.
BEGIN;
SELECT plan(13);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
UPDATE casnet.user_tenants SET created_at = '2020-02-02' WHERE user_id = :'mia';
INSERT INTO casnet.user_tenants (user_id, tenant_id, role, created_at) VALUES (:'sue', :'south', 'viewer', '2020-02-02');
CREATE TABLE public.e AS SELECT row_number() OVER () AS n, d FROM casnet.export_tenant(:'north') AS d;
CREATE TABLE public.s AS SELECT n, CASE WHEN d#>>'{row,username}' = 'vic' THEN jsonb_set(jsonb_set(d, '{row,username}', '"sue"'), '{row,email}', '"sue@root.test"') ELSE d END AS d FROM public.e;
CREATE TABLE public.alone AS SELECT n, jsonb_set(d, '{row,role}', '"member"', false) AS d FROM public.e WHERE d->>'table' IS DISTINCT FROM 'members' OR d#>>'{row,username}' = 'mia';
UPDATE public.alone SET d = jsonb_set(d, '{row,created_at}', '"2021-01-01T00:00:00.000000Z"') WHERE d->>'table' = 'members';
GRANT SELECT, UPDATE ON public.e, public.s, public.alone TO tap_admin, tap_app;

-- casnet_admin sees the owners of all tenants.
SET LOCAL SESSION AUTHORIZATION tap_admin;
CALL be('mia');
SELECT lives_ok($$SELECT casnet.import_tenant('public.alone', 'Alone')$$, 'an administrator imports');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT m.role || ' ' || (m.created_at = '2021-01-01Z') FROM casnet.user_tenants AS m JOIN casnet.tenants AS t ON t.id = m.tenant_id WHERE t.name = 'Alone'), 'owner true', 'and owns what nobody else does, since the old date');
SELECT is((SELECT count(*) FROM casnet.user_tenants WHERE user_id = :'mia' AND tenant_id IN (:'north', :'south') AND created_at = '2020-02-02'), 2::bigint, 'the other memberships are as they were');
-- The importer's own document comes last, and is judged like the others.
SET LOCAL SESSION AUTHORIZATION tap_admin;
CALL be('mia');
UPDATE public.alone SET d = jsonb_set(d, '{row,created_at}', '"2021-13-01T00:00:00.000000Z"') WHERE d->>'table' = 'members';
SELECT alike(error_of($$SELECT casnet.import_tenant('public.alone', 'Wrong')$$), '22023 | document __ (members mia) cannot be imported | date/time field value out of range: "2021-13-01%', 'an invalid month');

-- Into a tenant in which a superuser of the application is no member yet.
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('nora');
SELECT casnet.create_tenant('Empty') AS empty \gset
SET LOCAL SESSION AUTHORIZATION tap_admin;
CALL be('sue');
SELECT is(casnet.import_tenant('public.s', tenant_id => :'empty'), :'empty'::uuid, 'a superuser imports');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT string_agg(w.name || ' ' || m.role, ', ' ORDER BY w.name) FROM casnet.user_tenants AS m JOIN public.who AS w ON w.id = m.user_id WHERE m.tenant_id = :'empty'),
	'adam admin, ines member, mia member, nora owner, olga owner, sue viewer', 'and is a member as the documents say');
SELECT is((SELECT role FROM casnet.user_tenants WHERE user_id = :'sue' AND tenant_id = :'south'), 'viewer', 'also where it was one');

-- Accounts.
UPDATE public.e SET d = jsonb_set(d, '{row,username}', '"otto"') WHERE d#>>'{row,username}' = 'vic';
SELECT alike(error_of($$SELECT casnet.import_tenant('public.e', 'X')$$), 'P0002 | % | otto <%> | %', 'a name with the address of another');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT alike(error_of($$SELECT casnet.import_tenant('public.e', 'X')$$), 'P0002 | % | otto <%> | %', 'for a user, too');
SELECT is(casnet_internal.find_account('otto', 'otto@south.test'), :'otto'::uuid, 'name and address');
SELECT is(casnet_internal.find_account('vic', 'otto@south.test'), NULL, 'another name');
SELECT is(casnet_internal.find_account('otto', 'vic@north.test'), NULL, 'another address');
SELECT is(casnet_internal.find_account('nemo', 'otto@south.test'), NULL, 'a name that nobody has');
SELECT * FROM finish();
ROLLBACK;
