-- manage_users is enough to add members.  Adding one with a higher role takes assign_roles,
-- even for a role that is not above one's own.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.role_permissions WHERE role = 'admin' AND permission = 'assign_roles';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('adam', 'North');
SELECT ok(NOT casnet.can('assign_roles') AND casnet.can('manage_users'), 'an admin without assign_roles');
\set add 'INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (%L, %L, %L)'
SELECT is(error_of(format(:'add', :'nora', :'north', 'admin')), '42501 | nobody can grant or take away more than they hold themselves | '
	'To add somebody with a role above "member" takes the permission "assign_roles". | Somebody in the tenant who holds that can do it, or an administrator. | ', 'adds no admin');
SELECT throws_ok($$SELECT casnet.add_member('nora', 'admin')$$, '42501', NULL, 'nor by the function');
SELECT is(error_of(format(:'add', :'nora', :'north', role)), 'none', 'but a ' || role) FROM unnest(ARRAY['member', 'viewer']) AS role;
CALL be('olga', 'North');
SELECT lives_ok($$SELECT casnet.add_member('nora', 'admin')$$, 'the owner still does');
SELECT * FROM finish();
ROLLBACK;
