-- 28000: nobody, an unknown, an inactive or a deleted user.  55000: no tenant.
SET SESSION AUTHORIZATION regress_backend;
\set SHOW_CONTEXT never

CALL be('');
SELECT count(*) FROM casnet.records;
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM casnet.users;
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM casnet.whoami();
SELECT * FROM casnet.my_tenants();
SELECT casnet.use_tenant('North');
SELECT casnet.create_tenant('East');
SELECT casnet.leave_tenant();
SELECT casnet.current_user_id() IS NULL AS nobody, casnet.can('view_records');

-- One message for a user who never existed and one who is inactive.
SET casnet.user_id = '00000000-0000-7000-8000-0000000000ff';
SELECT count(*) FROM casnet.records;
\echo :LAST_ERROR_SQLSTATE
CALL be('ines', 'North');
SELECT count(*) FROM casnet.records;
\echo :LAST_ERROR_SQLSTATE
SELECT casnet.current_user_id() IS NULL AS nobody, casnet.can('view_records');
INSERT INTO casnet.records (title) VALUES ('x');

-- Signed in, no tenant.
CALL be('mia');
SELECT count(*) FROM casnet.records;
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM casnet.members();
\echo :LAST_ERROR_SQLSTATE
SELECT casnet.leave_tenant();
\echo :LAST_ERROR_SQLSTATE
SELECT casnet.can('view_records');
SELECT username, tenant_name, role, permissions FROM casnet.whoami();

-- An administrator needs a tenant to manage, too.
SET SESSION AUTHORIZATION regress_admin;
SELECT * FROM casnet.members();
\echo :LAST_ERROR_SQLSTATE
