-- Internal functions, called directly, require the same permission.  Deleting a tenant
-- leaves every other one as it is.
BEGIN;
SELECT plan(18);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES (:'mia', :'south', 'view_users'), (:'vic', :'north', 'view_analytics');
CREATE TABLE public.left_over AS SELECT 'north' AS tenant, (SELECT count(*) FROM casnet.user_tenants WHERE tenant_id = :'south') AS members;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('vic', 'North');
SELECT throws_ok('SELECT casnet_internal.find_user(''nora'')', '42501', 'permission "manage_users" is missing in the active tenant', 'a viewer finds no user');
SELECT throws_ok('SELECT casnet_internal.find_user(''no such'')', '42501', 'permission "manage_users" is missing in the active tenant', 'nor learns that there is none');
SELECT throws_ok('SELECT casnet.invite_member('''')', '42501', NULL, 'nor what is wrong with an invitation');
CALL be(NULL);
SELECT throws_ok('SELECT casnet_internal.find_user(''nora'')', '28000', NULL, 'nobody finds none');
CALL be('adam', 'North');
SELECT is(casnet_internal.find_user(name), :'nora'::uuid, 'an admin finds ' || name) FROM unnest(ARRAY['nora', 'NORA', 'nora@nowhere.test']) AS name;
SELECT is(casnet_internal.find_user('no such'), NULL, 'and none where there is none');
SELECT throws_ok(format('SELECT casnet_internal.remove_tenant(%L)', t), '42501', NULL, 'an admin deletes no tenant') FROM unnest(ARRAY[:'north']) AS t;
SELECT throws_ok(format('SELECT casnet_internal.remove_tenant(%L)', t), 'P0002', 'the tenant does not exist, or you are not a member of it', 'nor hears of ' || t) FROM unnest(ARRAY[:'south', :'nowhere']) AS t;
-- A column as argument: no row reveals anything, not even by an error.
SELECT is((SELECT count(casnet.tenant_with(title)) FROM casnet.records), 0::bigint, 'tenant_with() of a column is null');
SELECT is((SELECT count(*) FROM casnet.records WHERE tenant_id = casnet.tenant_with(title)), 0::bigint, 'also in a condition');
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT throws_ok(format('SELECT casnet.delete_tenant(%L)', :'nowhere'), 'P0002', NULL, 'an administrator hears that there is no such tenant');
SELECT lives_ok(format('SELECT casnet.delete_tenant(%L)', :'north'), 'and deletes one');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT string_agg(permission, ', ') FROM casnet.user_tenant_permissions), 'view_users', 'permissions elsewhere stay');
SELECT is((SELECT count(*) FROM casnet.user_tenants), (SELECT members FROM public.left_over), 'and members');
SELECT is((SELECT string_agg(DISTINCT tenant_id::text, ', ') FROM (SELECT tenant_id FROM casnet.records UNION ALL SELECT tenant_id FROM casnet.persons UNION ALL SELECT tenant_id FROM casnet.tags
	UNION ALL SELECT tenant_id FROM casnet.record_persons UNION ALL SELECT tenant_id FROM casnet.record_tags UNION ALL SELECT tenant_id FROM casnet.tasks UNION ALL SELECT tenant_id FROM casnet.calendar_events) AS x), :'south', 'and rows');
SELECT * FROM finish();
ROLLBACK;
