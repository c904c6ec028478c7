-- The functions about members first check the permission.  Users need it; administrators
-- need only an active tenant.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
CALL be('olga', 'North');
SELECT is(casnet_internal.tenant_to_manage('manage_users'), :'north'::uuid, 'an owner');
CALL be('vic', 'North');
SELECT throws_ok($$SELECT casnet_internal.tenant_to_manage('manage_users')$$, '42501', 'permission "manage_users" is missing in the active tenant', 'a viewer');
CALL be('otto', 'North');
SELECT throws_ok($$SELECT casnet_internal.tenant_to_manage('manage_users')$$, '42501', 'not a member of the active tenant', 'a stranger');
CALL be('', 'North');
SELECT throws_ok($$SELECT casnet_internal.tenant_to_manage('manage_users')$$, '28000', NULL, 'nobody');
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is(casnet_internal.tenant_to_manage('manage_users'), :'north'::uuid, 'an administrator');
SELECT set_config('casnet.tenant_id', '', true);
SELECT throws_ok($$SELECT casnet_internal.tenant_to_manage('manage_users')$$, '55000', NULL, 'who names no tenant');
SELECT * FROM finish();
ROLLBACK;
