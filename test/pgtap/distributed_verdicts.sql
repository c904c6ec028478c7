-- On a database that Citus distributes, permissions come from this node's copies of the
-- reference tables.  A change of a copy is in force at the next statement.  The tables that
-- Citus left empty decide nothing.
BEGIN;
SELECT plan(22);
\ir include/fixtures.sql
\ir include/nodes.sql
SELECT ok(casnet_internal_is.it, 'Citus distributes the tables') FROM (SELECT count(*) = 14 FROM pg_catalog.pg_dist_partition) AS casnet_internal_is (it);
CALL be('mia', 'North');
SELECT is(outcome('SELECT count(*) FROM casnet.records'), '3', 'a member reads the rows of the tenant');

RESET SESSION AUTHORIZATION;
SET LOCAL session_replication_role = replica;
UPDATE casnet.users SET is_active = false;
DELETE FROM casnet.user_tenants;
DELETE FROM casnet.role_permissions;
RESET session_replication_role;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(outcome('SELECT count(*) FROM casnet.records'), '3', 'also when the tables of the coordinator are empty');
SELECT is(outcome($$INSERT INTO casnet.records (title) VALUES ('new') RETURNING title$$), 'new', 'and writes');
SELECT is(outcome($$INSERT INTO casnet.records (tenant_id, title) VALUES ('00000000-0000-7000-8000-0000000000b0', 'new') RETURNING title$$), '42501', 'not for another tenant');

SELECT change_copy('casnet.user_tenants', $$UPDATE %s SET role = 'viewer' WHERE user_id = '00000000-0000-7000-8000-000000000003'$$);
SELECT is(outcome($$INSERT INTO casnet.records (title) VALUES ('newer') RETURNING title$$), '42501', 'a change of role is seen');
SELECT is(outcome('SELECT count(*) FROM casnet.records'), '4', 'and the new role reads');
SELECT change_copy('casnet.user_tenant_permissions', $$INSERT INTO %s (user_id, tenant_id, permission) VALUES ('00000000-0000-7000-8000-000000000003', '00000000-0000-7000-8000-0000000000a0', 'create_records')$$);
SELECT is(outcome($$INSERT INTO casnet.records (title) VALUES ('newer') RETURNING title$$), 'newer', 'so is a permission of one member');
SELECT change_copy('casnet.user_tenant_permissions', 'DELETE FROM %s');
SELECT is(outcome($$INSERT INTO casnet.records (title) VALUES ('newest') RETURNING title$$), '42501', 'and its end');
SELECT change_copy('casnet.role_permissions', $$DELETE FROM %s WHERE role = 'viewer' AND permission = 'view_records'$$);
SELECT is(outcome('SELECT count(*) FROM casnet.records'), '42501', 'a permission that a role no longer gives');
SELECT is(outcome('SELECT count(*) FROM casnet.tags'), '1', 'but no other');
SELECT change_copy('casnet.role_permissions', $$INSERT INTO %s (role, permission) VALUES ('viewer', 'view_records')$$);
SELECT is(outcome('SELECT count(*) FROM casnet.records'), '5', 'and gives again');
SAVEPOINT removed;
SELECT change_copy('casnet.user_tenants', $$DELETE FROM %s WHERE user_id = '00000000-0000-7000-8000-000000000003' AND tenant_id = '00000000-0000-7000-8000-0000000000a0'$$);
SELECT is(outcome('SELECT count(*) FROM casnet.records'), '42501', 'a member who was removed reads nothing');
CALL be('mia', 'South');
SELECT is(outcome('SELECT count(*) FROM casnet.records'), '3', 'but in another tenant');
ROLLBACK TO removed;
SELECT is(outcome('SELECT count(*) FROM casnet.records'), '5', 'until that is undone');
SELECT change_copy('casnet.users', $$UPDATE %s SET is_active = false WHERE username = 'mia'$$);
SELECT is(outcome('SELECT count(*) FROM casnet.records'), '28000', 'an account that was deactivated');
CALL be('olga', 'North');
SELECT is(outcome('SELECT count(*) FROM casnet.records'), '5', 'no other account');
CALL be('nora', 'North');
SELECT is(outcome('SELECT count(*) FROM casnet.records'), '42501', 'a stranger');
CALL be(NULL);
SELECT is(outcome('SELECT count(*) FROM casnet.records'), '28000', 'nobody');

-- Directly on a shard.
SELECT is(state_of(format('SELECT * FROM %s', shard_of('casnet.records'))), '28000', 'nobody reads a shard');
CALL be('otto', 'South');
SELECT is(rows_of(format($$SELECT * FROM %s WHERE tenant_id <> '00000000-0000-7000-8000-0000000000b0'$$, shard_of('casnet.records'))), 0::bigint, 'a shard shows no other tenant');
SELECT is(state_of(format($$INSERT INTO %s (tenant_id, title) VALUES ('00000000-0000-7000-8000-0000000000a0', 'foreign')$$, shard_of('casnet.records'))), '42501', 'and takes no row of one');
SELECT * FROM finish();
ROLLBACK;
