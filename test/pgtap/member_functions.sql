-- Members are found by username or e-mail address, whatever the case, and
-- added, promoted, removed and granted permissions by name.
BEGIN;
SELECT plan(20);
\ir include/fixtures.sql
CALL be('olga', 'North');

SELECT lives_ok($$SELECT casnet.add_member('NORA@Nowhere.TEST')$$, 'by e-mail address');
SELECT is((SELECT role FROM casnet.members() WHERE username = 'nora'), 'member', 'as a member');
SELECT lives_ok($$SELECT casnet.set_member_role('Nora', 'admin')$$, 'by name');
SELECT is((SELECT role FROM casnet.members() WHERE username = 'nora'), 'admin', 'an admin');
SELECT ok(casnet.grant_permission('nora@nowhere.test', 'manage_tenant'), 'a permission is granted');
SELECT ok(NOT casnet.grant_permission('NORA', 'manage_tenant'), 'once');
SELECT ok(casnet.revoke_permission('nora', 'manage_tenant'), 'and revoked');
SELECT ok(NOT casnet.revoke_permission('nora', 'manage_tenant'), 'once');
SELECT ok(NOT casnet.revoke_permission('nora', 'fly'), 'one that nobody has');
SELECT lives_ok($$SELECT casnet.grant_permission('nora', 'manage_tenant'); SELECT casnet.remove_member('nora')$$, 'a member is removed');
SELECT is_empty($$SELECT FROM casnet.user_tenant_permissions$$, 'with what was granted');
SELECT results_eq('SELECT username, role FROM casnet.members()', $$VALUES ('adam'::text, 'admin'::text), ('ines', 'member'), ('mia', 'member'), ('olga', 'owner'), ('vic', 'viewer')$$, 'members() in order');
SELECT results_eq($$SELECT email, is_active FROM casnet.members() WHERE username = 'ines'$$, $$VALUES ('ines@north.test'::text, false)$$, 'with the inactive');
SELECT lives_ok($$SELECT casnet.remove_member('ADAM@north.test')$$, 'by address, on the way out');
SELECT is_empty($$SELECT FROM casnet.members() WHERE username LIKE 'adam%'$$, 'is gone');

CALL be('mia', 'North');
SELECT throws_ok($$SELECT casnet.add_member('nora')$$, '42501', NULL, 'a member adds nobody');
SELECT cmp_ok((SELECT count(*) FROM casnet.members()), '>', 1::bigint, 'and sees the candidates');
SELECT lives_ok('SELECT casnet.leave_tenant()', 'but leaves');
SELECT throws_ok('SELECT casnet.leave_tenant()', '42501', NULL, 'once');
SELECT results_eq('SELECT name, role FROM casnet.my_tenants()', $$VALUES ('South'::text, 'viewer'::text)$$, 'and is where she was');
SELECT * FROM finish();
ROLLBACK;
