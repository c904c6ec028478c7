-- The lookups of memberships and permissions use any index with their columns as its key.
-- They use none that only includes a column, whatever was dropped.
BEGIN;
SELECT plan(5);
\ir include/fixtures.sql
CALL be('olga', 'North');
SELECT casnet.grant_permission('vic', 'edit_tags');
CALL be('vic', 'North');
SELECT ok(casnet.can('edit_tags'), 'by the primary key');
RESET SESSION AUTHORIZATION;
ALTER TABLE casnet.user_tenant_permissions DROP CONSTRAINT user_tenant_permissions_pkey;
CREATE INDEX ON casnet.user_tenant_permissions (user_id) INCLUDE (tenant_id);
SELECT ok(casnet.can('edit_tags'), 'beside an index that carries the tenant');
SELECT ok(NOT casnet.can('edit_tasks'), 'of which no other permission comes');
CREATE INDEX ON casnet.user_tenant_permissions (user_id, tenant_id, lower(permission));
SELECT ok(casnet.can('edit_tags'), 'by one with an expression behind');
CALL be('vic', 'South');
SELECT ok(NOT casnet.can('edit_tags'), 'and not in another tenant');
SELECT * FROM finish();
ROLLBACK;
