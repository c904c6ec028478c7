-- Removing a member also takes away the permissions granted beside the role.  So whoever
-- removes a member must hold these, in whatever way the row is deleted.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES
	(:'vic', :'north', 'delete_tenant'), (:'mia', :'north', 'manage_users'), (:'mia', :'north', 'view_analytics')
	ON CONFLICT DO NOTHING;
UPDATE casnet.user_tenants SET role = 'member' WHERE user_id = :'vic' AND tenant_id = :'north';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT is(state_of('SELECT casnet.remove_member(''vic'')'), '42501', 'a member who may manage users removes none who holds more');
SELECT is(state_of('DELETE FROM casnet.user_tenants WHERE user_id = ''00000000-0000-7000-8000-000000000004'''), '42501', 'nor by a DELETE');
SELECT is(state_of('SELECT casnet.revoke_permission(''vic'', ''delete_tenant'')'), '42501', 'as it cannot be revoked');
CALL be('adam', 'North');
SELECT is(state_of('SELECT casnet.remove_member(''vic'')'), '42501', 'nor does an admin, who lacks it too');
CALL be('olga', 'North');
SELECT is(error_of('SELECT casnet.remove_member(''vic'')'), 'none', 'an owner does');
CALL be('adam', 'North');
SELECT is(error_of('SELECT casnet.remove_member(''mia'')'), 'none', 'an admin removes a member who was granted everything that an admin holds');
CALL be('vic', 'North');
SELECT is(error_of('SELECT casnet.leave_tenant()'), 'none', 'everybody may leave');
CALL be('sue', 'North');
SELECT is(error_of('SELECT casnet.remove_member(''vic'')'), 'none', 'so may a superuser of the application');
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_admin;
SELECT is(error_of(format('DELETE FROM casnet.user_tenants WHERE user_id = %L', :'vic')), 'none', 'and an administrator');
SELECT * FROM finish();
ROLLBACK;
