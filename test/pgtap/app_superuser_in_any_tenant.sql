-- A user with is_superuser holds every permission in whichever tenant is active.  An
-- inactive one holds none.
BEGIN;
SELECT plan(19);
\ir include/fixtures.sql

CALL be('sue', 'North');
SELECT results_eq('SELECT DISTINCT tenant_id FROM casnet.records', ARRAY[:'north'::uuid], 'in North she sees North');
SELECT is((SELECT role FROM casnet.whoami()), NULL, 'without a role');
SELECT is((SELECT tenant_name FROM casnet.whoami()), 'North', 'which is the tenant');
SELECT set_eq('SELECT unnest(permissions) FROM casnet.whoami()', ARRAY(SELECT v || '_' || r FROM unnest('{view,create,edit,delete}'::text[]) AS v, unnest('{persons,records,tags,tasks,calendar}'::text[]) AS r
	UNION SELECT unnest('{view_users,manage_users,assign_roles,manage_permissions,view_analytics,manage_tenant,delete_tenant,export_persons,erase_persons}'::text[])), 'with all permissions');
SELECT ok(casnet.can('delete_tenant') AND casnet.can('manage_permissions'), 'and may do everything');
SELECT is((SELECT count(*) FROM casnet.members()), 5::bigint, 'and sees its members');
SELECT is_empty($$SELECT FROM casnet.users WHERE username = 'otto'$$, 'and nobody else');
SELECT lives_ok($$SELECT casnet.set_member_role('mia', 'owner')$$, 'and makes owners');
CALL be('sue', 'South');
SELECT results_eq('SELECT DISTINCT tenant_id FROM casnet.records', ARRAY[:'south'::uuid], 'in South she sees South');
SELECT is(casnet.use_tenant('North'), :'north'::uuid, 'she changes the tenant by name');
SELECT is((SELECT count(*) FROM casnet.my_tenants()), 0::bigint, 'though she is a member of none');
SELECT throws_ok($$SELECT casnet.use_tenant('Utopia')$$, 'P0002', NULL, 'but not where nothing is');
SELECT lives_ok($$SELECT casnet.create_tenant('East', owner_id => '00000000-0000-7000-8000-000000000008')$$, 'she founds tenants for others');
SELECT is((SELECT count(*) FROM casnet.users WHERE hashed_password !~ '^[$]casnet[$]'), 0::bigint, 'and reads no hash');
CALL be('sue');
SELECT is((SELECT permissions FROM casnet.whoami()), NULL, 'without a tenant she has none');
CALL be('sue', 'nowhere');
SELECT set_config('casnet.tenant_id', :'nowhere', true) IS NOT NULL AS set \gset
SELECT is((SELECT permissions FROM casnet.whoami()), NULL, 'nor in one that is not there');
CALL be('sue');
SELECT throws_ok('SELECT count(*) FROM casnet.records', '55000', NULL, 'without a tenant she sees none');
SELECT lives_ok(format('SELECT casnet.delete_tenant(%L)', :'south'), 'but deletes one');
RESET SESSION AUTHORIZATION;
UPDATE casnet.users SET is_active = false WHERE id = :'sue';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('sue', 'North');
SELECT throws_ok('SELECT count(*) FROM casnet.records', '28000', NULL, 'inactive, she has no rights');
SELECT * FROM finish();
ROLLBACK;
