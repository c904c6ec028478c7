-- A tenant that has an owner keeps one until it is deleted, whoever tries to remove the
-- last one, and in whatever way.
BEGIN;
SELECT plan(23);
\ir include/fixtures.sql

CALL be('olga', 'North');
SELECT throws_ok('SELECT casnet.leave_tenant()', '23514', 'cannot remove the last owner of a tenant', 'leave_tenant()');
SELECT throws_ok($$SELECT casnet.remove_member('olga')$$, '23514', NULL, 'remove_member()');
SELECT throws_ok($$SELECT casnet.set_member_role('olga', 'admin')$$, '23514', NULL, 'set_member_role()');
SELECT throws_ok($$DELETE FROM casnet.user_tenants WHERE role = 'owner'$$, '23514', NULL, 'DELETE');
SELECT throws_ok($$UPDATE casnet.user_tenants SET role = 'viewer'$$, '23514', NULL, 'UPDATE');
SELECT throws_ok($$MERGE INTO casnet.user_tenants AS m USING (VALUES (1)) AS v ON m.role = 'owner' WHEN MATCHED THEN UPDATE SET role = 'admin'$$, '23514', NULL, 'MERGE, UPDATE');
SELECT throws_ok($$MERGE INTO casnet.user_tenants AS m USING (VALUES (1)) AS v ON m.role = 'owner' WHEN MATCHED THEN DELETE$$, '23514', NULL, 'MERGE, DELETE');
SELECT throws_ok(format('INSERT INTO casnet.user_tenants (user_id, role) VALUES (%L, ''viewer'') ON CONFLICT (user_id, tenant_id) DO UPDATE SET role = ''viewer''', :'olga'), '23514', NULL, 'ON CONFLICT DO UPDATE');

SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT throws_ok($$SELECT casnet.remove_member('olga')$$, '23514', NULL, 'casnet_admin by function');
SELECT throws_ok($$DELETE FROM casnet.users WHERE username = 'olga'$$, '23514', NULL, 'casnet_admin by cascade from the account');
RESET SESSION AUTHORIZATION;
SELECT throws_ok($$DELETE FROM casnet.users WHERE username = 'olga'$$, '23514', NULL, 'a superuser by cascade');
SELECT throws_ok($$DELETE FROM casnet.user_tenants$$, '23514', NULL, 'a superuser by DELETE of all');
SELECT throws_ok('TRUNCATE casnet.user_tenants CASCADE', '23514', NULL, 'a superuser by TRUNCATE');
SELECT throws_ok('TRUNCATE casnet.users CASCADE', '23514', NULL, 'a superuser by TRUNCATE of the accounts');
SELECT throws_ok(format('UPDATE casnet.user_tenants SET tenant_id = %L WHERE user_id = %L', :'south', :'olga'), '23514', NULL, 'a superuser by moving it');

-- Another owner can stay, and the order of two removals does not matter.
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT lives_ok($$SELECT casnet.set_member_role('adam', 'owner')$$, 'a second owner');
SELECT throws_ok($$DELETE FROM casnet.user_tenants WHERE role = 'owner'$$, '23514', NULL, 'both at once do not go');
SELECT lives_ok(format('UPDATE casnet.user_tenants SET role = CASE user_id WHEN %L THEN ''owner'' ELSE ''admin'' END WHERE role = ''owner'' OR user_id = %L', :'mia', :'mia'), 'both hand over in one statement');
SELECT results_eq($$SELECT username FROM casnet.members() WHERE role = 'owner'$$, ARRAY['mia'], 'the third is the owner now');
SELECT lives_ok('SELECT casnet.leave_tenant()', 'so olga leaves');
CALL be('mia', 'North');
SELECT lives_ok(format('SELECT casnet.delete_tenant(%L)', :'north'), 'a deleted tenant does not keep its owner');
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT lives_ok(format('DELETE FROM casnet.tenants WHERE id = %L', :'south'), 'also by DELETE, which cascades');
RESET SESSION AUTHORIZATION;
SELECT lives_ok('TRUNCATE casnet.tenants CASCADE', 'all tenants go at once');
SELECT * FROM finish();
ROLLBACK;
