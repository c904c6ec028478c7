-- Whoever creates a tenant owns it, works in it, and deletes it with everything in it.
BEGIN;
SELECT plan(18);
\ir include/fixtures.sql

CALL be('nora');
SELECT lives_ok($$SELECT set_config('casnet.tenant_id', casnet.create_tenant('East', 'of the river')::text, true)$$, 'create_tenant()');
SELECT results_eq('SELECT tenant_name, role FROM casnet.whoami()', $$VALUES ('East'::text, 'owner'::text)$$, 'the creator owns it');
SELECT results_eq('SELECT name, description FROM casnet.tenants', $$VALUES ('East'::text, 'of the river'::text)$$, 'and sees it, and no other');
SELECT lives_ok($$INSERT INTO casnet.records (title) VALUES ('first'); INSERT INTO casnet.tags (name) VALUES ('new');
	INSERT INTO casnet.record_tags (record_id, tag_id) SELECT r.id, t.id FROM casnet.records AS r, casnet.tags AS t;
	INSERT INTO casnet.tasks (title, record_id, assignee_id) SELECT 'do', id, casnet.current_user_id() FROM casnet.records$$, 'works in it');
SELECT lives_ok($$UPDATE casnet.tenants SET name = 'Far East'$$, 'renames it');
SELECT throws_ok($$UPDATE casnet.tenants SET id = casnet.uuid_v7()$$, '42501', NULL, 'but keeps its id');
SELECT is(casnet.use_tenant('Far East'), casnet.current_tenant_id(), 'and finds it by its name');
SELECT throws_ok($$SELECT casnet.create_tenant('Far East')$$, '23505', NULL, 'a second one of that name is refused');
SELECT lives_ok($$SELECT casnet.create_tenant('West', owner_id => casnet.current_user_id())$$, 'she may name herself the owner');
SELECT is((SELECT count(*) FROM casnet.my_tenants()), 2::bigint, 'so she has two');

CALL be('olga', 'North');
SELECT is(rows_of($$UPDATE casnet.tenants SET name = 'x' WHERE name LIKE '%East'$$), 0::bigint, 'others do not rename it');
SELECT is(rows_of($$DELETE FROM casnet.tenants WHERE name LIKE '%East'$$), 0::bigint, 'nor delete it');
CALL be('adam', 'North');
SELECT throws_ok(format('SELECT casnet.delete_tenant(%L)', :'north'), '42501', 'permission "delete_tenant" is missing in that tenant', 'an admin does not delete a tenant');
SELECT throws_ok('DELETE FROM casnet.tenants', '42501', NULL, 'nor by DELETE');
SELECT throws_ok($$UPDATE casnet.tenants SET name = 'x'$$, '42501', NULL, 'nor rename it');

CALL be('nora');
SELECT lives_ok($$SELECT casnet.delete_tenant(tenant_id) FROM casnet.my_tenants()$$, 'delete_tenant(), also when none is active');
SELECT is((SELECT count(*) FROM casnet.my_tenants()), 0::bigint, 'both are gone');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM casnet.records) + (SELECT count(*) FROM casnet.tasks), 8::bigint, 'and what was in them, and nothing else');
SELECT * FROM finish();
ROLLBACK;
