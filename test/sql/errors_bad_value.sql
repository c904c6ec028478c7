-- 22023: an unknown role or permission, a blank name, NULL for a name.
SET SESSION AUTHORIZATION regress_backend;
\set SHOW_CONTEXT never
CALL be('olga', 'North');

SELECT casnet.tenant_with('fly');
\echo :LAST_ERROR_SQLSTATE
SELECT casnet.tenant_with('');
SELECT casnet.tenant_with(NULL);
SELECT casnet.tenant_with(repeat('x', 100)) IS NULL;
SELECT casnet.can('fly');
\echo :LAST_ERROR_SQLSTATE
SELECT casnet.can(NULL);
SELECT casnet.grant_permission('mia', 'fly');
\echo :LAST_ERROR_SQLSTATE
SELECT casnet.grant_permission('mia', NULL);
INSERT INTO casnet.user_tenant_permissions (user_id, permission)
VALUES ('00000000-0000-7000-8000-000000000003', 'view_records; DROP TABLE casnet.users');
\echo :LAST_ERROR_SQLSTATE

SELECT casnet.add_member('nora', 'king');
\echo :LAST_ERROR_SQLSTATE
SELECT casnet.set_member_role('mia', 'OWNER');
\echo :LAST_ERROR_SQLSTATE
UPDATE casnet.user_tenants SET role = 'king';
\echo :LAST_ERROR_SQLSTATE

SELECT casnet.create_tenant('');
\echo :LAST_ERROR_SQLSTATE
SELECT casnet.create_tenant('   ');
SELECT casnet.create_tenant(NULL);
SELECT casnet.use_tenant(NULL);
\echo :LAST_ERROR_SQLSTATE
