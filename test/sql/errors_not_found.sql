-- P0002: what does not exist and what is not yours get the same message.
SET SESSION AUTHORIZATION regress_backend;
\set SHOW_CONTEXT never
CALL be('olga', 'North');

SELECT casnet.use_tenant('South');
\echo :LAST_ERROR_SQLSTATE
SELECT casnet.use_tenant('Atlantis');
\echo :LAST_ERROR_SQLSTATE
SELECT casnet.use_tenant('00000000-0000-7000-8000-0000000000b0');
SELECT casnet.use_tenant('00000000-0000-7000-8000-0000000000ff');
SELECT casnet.use_tenant('');

SELECT casnet.delete_tenant('00000000-0000-7000-8000-0000000000b0');
\echo :LAST_ERROR_SQLSTATE
SELECT casnet.delete_tenant('00000000-0000-7000-8000-0000000000ff');
\echo :LAST_ERROR_SQLSTATE
SELECT casnet.delete_tenant(NULL);

-- otto exists, and is not a member here.
SELECT casnet.remove_member('otto');
\echo :LAST_ERROR_SQLSTATE
SELECT casnet.remove_member('nobody');
\echo :LAST_ERROR_SQLSTATE
SELECT casnet.set_member_role('otto', 'member');
SELECT casnet.set_member_role('nobody', 'member');
SELECT casnet.grant_permission('otto', 'view_users');
SELECT casnet.grant_permission('nobody', 'view_users');
SELECT casnet.revoke_permission('otto', 'view_users');
SELECT casnet.add_member('nobody');
\echo :LAST_ERROR_SQLSTATE
SELECT casnet.add_member(NULL);

-- An administrator gets it as well.
SET SESSION AUTHORIZATION regress_admin;
SELECT casnet.delete_tenant('00000000-0000-7000-8000-0000000000ff');
\echo :LAST_ERROR_SQLSTATE
