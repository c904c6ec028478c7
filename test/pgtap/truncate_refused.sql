-- Nobody may TRUNCATE, since no policy judges it.  Without CASCADE, so that the privilege on
-- each table counts by itself.
BEGIN;
SELECT plan(31);
\ir include/fixtures.sql
CALL be('sue', 'North');
SELECT throws_ok(format('TRUNCATE %s', oid::regclass), '42501', NULL, 'an application does not truncate ' || relname)
  FROM pg_class WHERE relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND relkind = 'r' ORDER BY relname;
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_admin;
SELECT throws_ok('TRUNCATE casnet.role_permissions', '42501', NULL, 'nor does casnet_admin');
SELECT throws_ok('ALTER TABLE casnet.records DISABLE ROW LEVEL SECURITY', '42501', NULL, 'or switch the policies off');
SELECT throws_ok('ALTER TABLE casnet.user_tenants DISABLE TRIGGER ALL', '42501', NULL, 'or the triggers');
SELECT throws_ok('CREATE POLICY mine ON casnet.records USING (true)', '42501', NULL, 'or add a policy');
SELECT * FROM finish();
ROLLBACK;
