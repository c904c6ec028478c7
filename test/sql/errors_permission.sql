-- 42501: not a member of the active tenant, or the permission is missing.
SET SESSION AUTHORIZATION regress_backend;
\set SHOW_CONTEXT never

-- An existing tenant and a missing one: one message.
CALL be('otto', 'North');
SELECT count(*) FROM casnet.records;
\echo :LAST_ERROR_SQLSTATE
SET casnet.tenant_id = '00000000-0000-7000-8000-0000000000ff';
SELECT count(*) FROM casnet.records;
\echo :LAST_ERROR_SQLSTATE
SELECT casnet.can('view_records');
SELECT * FROM casnet.members();

-- A viewer can only look.
CALL be('vic', 'North');
SELECT count(*) FROM casnet.records;
INSERT INTO casnet.records (title) VALUES ('x');
\echo :LAST_ERROR_SQLSTATE
UPDATE casnet.records SET title = 'x';
DELETE FROM casnet.records;
SELECT count(*) FROM casnet.user_tenants;
SELECT casnet.add_member('nora');
SELECT casnet.set_member_role('mia', 'viewer');
SELECT casnet.remove_member('mia');
SELECT casnet.grant_permission('vic', 'view_users');
SELECT casnet.revoke_permission('vic', 'view_users');
SELECT casnet.delete_tenant('00000000-0000-7000-8000-0000000000a0');
\echo :LAST_ERROR_SQLSTATE

-- A member writes and cannot delete.
CALL be('mia', 'North');
DELETE FROM casnet.persons;

-- Commands that no policy allows anybody.
CALL be('olga', 'North');
INSERT INTO casnet.tenants (name) VALUES ('East');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO casnet.role_permissions VALUES ('viewer', 'delete_records');
\echo :LAST_ERROR_SQLSTATE
SELECT casnet.create_tenant('East', NULL, '00000000-0000-7000-8000-000000000008');
\echo :LAST_ERROR_SQLSTATE

-- A role that is not a member of casnet's roles: nothing at all.
SET SESSION AUTHORIZATION regress_nobody;
SELECT casnet.current_user_id();
\echo :LAST_ERROR_SQLSTATE
