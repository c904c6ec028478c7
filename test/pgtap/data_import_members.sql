-- An import restores members with role and permissions, by username and email address.  The
-- importer owns the tenant, or gets the exported role if there is another owner.
BEGIN;
SELECT plan(21);
\ir include/fixtures.sql
CALL be('olga', 'North');
SELECT casnet.grant_permission('vic', 'view_users');
SELECT casnet.grant_permission('mia', 'manage_tenant');
CREATE TABLE public.e AS SELECT row_number() OVER () AS n, d FROM casnet.export_tenant() AS d;
GRANT SELECT ON public.e TO PUBLIC;

-- An owner of the tenant, which has no members yet.
SELECT casnet.import_tenant('public.e', 'Copy') AS copy \gset
SET casnet.tenant_id = :'copy';
SELECT results_eq('SELECT username, role FROM casnet.members()', $$VALUES ('adam'::text, 'admin'::text), ('ines', 'member'), ('mia', 'member'), ('olga', 'owner'), ('vic', 'viewer')$$, 'the members');
SELECT set_eq('SELECT u.username, p.permission FROM casnet.user_tenant_permissions AS p JOIN casnet.users AS u ON u.id = p.user_id',
	$$VALUES ('vic'::text, 'view_users'::text), ('mia', 'manage_tenant')$$, 'and their permissions');
SELECT is((SELECT count(*) FROM casnet.users WHERE is_superuser OR username = 'otto'), 0::bigint, 'and nobody else');

CALL be('mia');
SELECT casnet.import_tenant('public.e', 'Of Mia') AS copy \gset
SET casnet.tenant_id = :'copy';
SELECT is((SELECT role FROM casnet.whoami()), 'member', 'a member who imports stays one');
CALL be('olga');
SET casnet.tenant_id = :'copy';
SELECT results_eq('SELECT username, role FROM casnet.members()', $$VALUES ('adam'::text, 'admin'::text), ('ines', 'member'), ('mia', 'member'), ('olga', 'owner'), ('vic', 'viewer')$$, 'with the owner there was');
SELECT results_eq($$SELECT since FROM casnet.members() WHERE username <> 'nora'$$, $$SELECT (d#>>'{row,created_at}')::timestamptz FROM public.e WHERE d->>'table' = 'members' ORDER BY n$$, 'members since then');
CALL be('nora');
SELECT casnet.import_tenant('public.e', 'Of Nora') AS copy \gset
SET casnet.tenant_id = :'copy';
SELECT results_eq($$SELECT username FROM casnet.members() WHERE role = 'owner'$$, ARRAY['nora', 'olga'], 'a stranger who imports owns it, too');

-- No other owner.
CREATE TEMP TABLE w AS SELECT n, CASE WHEN d#>>'{row,role}' = 'owner' THEN jsonb_set(d, '{row,role}', '"viewer"') ELSE d END AS d FROM public.e;
CALL be('mia');
SELECT casnet.import_tenant('w', 'All mine') AS copy \gset
SET casnet.tenant_id = :'copy';
SELECT is((SELECT role FROM casnet.whoami()), 'owner', 'without an owner the importer stays one');
SELECT is((SELECT array_agg(role ORDER BY username) FROM casnet.members()), '{admin,member,owner,viewer,viewer}', 'and the others are what they were');

-- Accounts.
UPDATE w SET d = jsonb_set(d, '{row,email}', '"OLGA@north.test"') WHERE d#>>'{row,username}' = 'olga';
UPDATE w SET d = jsonb_set(d, '{row,username}', '"VIC"') WHERE d#>>'{row,username}' = 'vic';
SELECT lives_ok($$SELECT casnet.import_tenant('w', 'Case')$$, 'the case does not matter');
UPDATE w SET d = jsonb_set(d, '{row,email}', '"olga@elsewhere.test"') WHERE d#>>'{row,username}' = 'olga';
SELECT alike(error_of($$SELECT casnet.import_tenant('w', 'X')$$), 'P0002 | members of the documents have no account | olga <olga@elsewhere.test> | Members need accounts with the same username and email address. An administrator makes them %', 'another address is another person');
UPDATE w SET d = jsonb_set(d, '{row,username}', '"nemo"') WHERE d#>>'{row,username}' = 'olga';
SELECT alike(error_of($$SELECT casnet.import_tenant('w', 'X')$$), 'P0002 | % | nemo <olga@elsewhere.test> | %', 'another name, too');
UPDATE w SET d = jsonb_set(d, '{row,username}', '"mia"') WHERE d#>>'{row,username}' = 'nemo';
UPDATE w SET d = jsonb_set(d, '{row,email}', '"mia@north.test"') WHERE d#>>'{row,username}' = 'mia';
SELECT throws_ok($$SELECT casnet.import_tenant('w', 'X')$$, '23505', 'a member occurs twice in the documents', 'nobody is two members');
SELECT is((SELECT count(*) FROM casnet.my_tenants() WHERE name = 'X'), 0::bigint, 'nothing is left of those');

-- Into an existing tenant: the rules of escalation apply.
CALL be('olga');
SELECT casnet.create_tenant('Empty') AS empty \gset
SET casnet.tenant_id = :'empty';
SELECT casnet.add_member('adam', 'admin');
SELECT casnet.grant_permission('adam', 'manage_tenant');
CALL be('adam');
CREATE TEMP TABLE a AS SELECT n, CASE WHEN d#>>'{row,username}' = 'adam' THEN jsonb_set(d, '{row,role}', '"owner"') ELSE d END AS d FROM public.e;
SELECT throws_ok(format($$SELECT casnet.import_tenant('a', tenant_id => %L)$$, :'empty'), '42501', 'nobody can grant or take away more than they hold themselves', 'an admin does not become an owner by it');
UPDATE a SET d = jsonb_set(d, '{row,role}', '"owner"') WHERE d#>>'{row,username}' = 'vic';
SELECT throws_ok(format($$SELECT casnet.import_tenant('a', tenant_id => %L)$$, :'empty'), '42501', 'nobody can grant or take away more than they hold themselves', 'nor makes one');
DELETE FROM a WHERE d#>>'{row,username}' = 'olga';
UPDATE a SET d = jsonb_set(d, '{row,role}', '"member"') WHERE d->>'table' = 'members';
SELECT lives_ok(format($$SELECT casnet.import_tenant('a', tenant_id => %L)$$, :'empty'), 'only what they may');
SET casnet.tenant_id = :'empty';
SELECT is((SELECT role FROM casnet.whoami()), 'member', 'the exported role');
CALL be('olga');
SET casnet.tenant_id = :'empty';
SELECT results_eq('SELECT username, role FROM casnet.members()', $$VALUES ('adam'::text, 'member'::text), ('ines', 'member'), ('mia', 'member'), ('olga', 'owner'), ('vic', 'member')$$, 'and whoever was there stays');
CALL be('sue', 'North');
SELECT casnet.import_tenant('public.e', 'Of Sue') AS copy \gset
SET casnet.tenant_id = :'copy';
SELECT is((SELECT array_agg(username) FROM casnet.members()), '{adam,ines,mia,olga,sue,vic}', 'a superuser of the application owns it like others');
SELECT is((SELECT count(*) FROM casnet.records), 3::bigint, 'with all that is in it');
SELECT * FROM finish();
ROLLBACK;
