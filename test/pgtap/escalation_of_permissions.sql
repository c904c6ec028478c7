-- Nobody grants or takes away a permission that they do not hold, however the row is
-- written.  Only owners hold manage_tenant and delete_tenant.
BEGIN;
SELECT plan(21);
\ir include/fixtures.sql

CALL be('adam', 'North');
SELECT throws_ok($$SELECT casnet.grant_permission('adam', 'manage_tenant')$$, '42501', 'nobody can grant or take away more than they hold themselves', 'by function');
SELECT throws_ok(format('INSERT INTO casnet.user_tenant_permissions (user_id, permission) VALUES (%L, ''delete_tenant'')', :'adam'), '42501', NULL, 'INSERT');
SELECT lives_ok($$SELECT casnet.grant_permission('mia', 'delete_records')$$, 'what he holds he may grant');
SELECT throws_ok($$UPDATE casnet.user_tenant_permissions SET permission = 'manage_tenant'$$, '42501', NULL, 'UPDATE');
SELECT throws_ok(format('INSERT INTO casnet.user_tenant_permissions (user_id, permission) VALUES (%L, ''delete_records'')
	ON CONFLICT (user_id, tenant_id, permission) DO UPDATE SET permission = ''manage_tenant''', :'mia'), '42501', NULL, 'INSERT ON CONFLICT DO UPDATE');
SELECT throws_ok($$MERGE INTO casnet.user_tenant_permissions AS p USING (VALUES (1)) AS v ON true
	WHEN MATCHED THEN UPDATE SET permission = 'manage_tenant'$$, '42501', NULL, 'MERGE, UPDATE');
SELECT throws_ok(format('MERGE INTO casnet.user_tenant_permissions AS p USING (VALUES (%L::uuid)) AS v (id) ON false
	WHEN NOT MATCHED THEN INSERT (user_id, permission) VALUES (v.id, ''manage_tenant'')', :'mia'), '42501', NULL, 'MERGE, INSERT');
SELECT throws_ok(format('UPDATE casnet.user_tenant_permissions SET user_id = %L', :'olga'), '42501', NULL, 'the owner is not touched');
SELECT throws_ok($$SELECT casnet.grant_permission('olga', 'view_tags')$$, '42501', NULL, 'nor given anything');
SELECT throws_ok($$INSERT INTO casnet.role_permissions VALUES ('admin', 'manage_tenant')$$, '42501', NULL, 'nor is the role changed');

CALL be('olga', 'North');
SELECT ok(casnet.grant_permission('mia', 'manage_tenant'), 'the owner grants it');
CALL be('adam', 'North');
SELECT throws_ok($$SELECT casnet.revoke_permission('mia', 'manage_tenant')$$, '42501', NULL, 'and an admin does not take it away');
SELECT throws_ok($$DELETE FROM casnet.user_tenant_permissions$$, '42501', NULL, 'DELETE');
SELECT throws_ok($$MERGE INTO casnet.user_tenant_permissions AS p USING (VALUES (1)) AS v ON permission = 'manage_tenant' WHEN MATCHED THEN DELETE$$, '42501', NULL, 'MERGE, DELETE');
-- An update takes away the old permission as well, whatever the new one is.
SELECT throws_ok($$UPDATE casnet.user_tenant_permissions SET permission = 'view_tags' WHERE permission = 'manage_tenant'$$, '42501', NULL, 'UPDATE to what he holds');
SELECT throws_ok($$MERGE INTO casnet.user_tenant_permissions AS p USING (VALUES (1)) AS v ON permission = 'manage_tenant' WHEN MATCHED THEN UPDATE SET permission = 'view_tags'$$, '42501', NULL, 'MERGE to what he holds');
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES (:'olga', :'north', 'view_tags');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok(format('UPDATE casnet.user_tenant_permissions SET user_id = %L WHERE user_id = %L', :'vic', :'olga'), '42501', NULL, 'nor does the owner lose one to another member');
SELECT lives_ok($$UPDATE casnet.user_tenant_permissions SET permission = 'edit_records' WHERE permission = 'delete_records'$$, 'what he holds he may exchange');
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.user_tenant_permissions WHERE user_id = :'olga';
UPDATE casnet.user_tenant_permissions SET permission = 'delete_records' WHERE permission = 'edit_records';
SET LOCAL SESSION AUTHORIZATION tap_app;
-- Giving a role gives its permissions.
CALL be('olga', 'North');
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.role_permissions WHERE role = 'owner' AND permission = 'delete_persons';
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok($$SELECT casnet.set_member_role('mia', 'admin')$$, '42501', NULL, 'a role that gives a permission which the giver lacks');
SELECT lives_ok($$SELECT casnet.set_member_role('vic', 'member')$$, 'but one that does not');
SELECT set_eq($$SELECT permission FROM casnet.user_tenant_permissions$$, ARRAY['delete_records', 'manage_tenant'], 'that is all that happened');
SELECT * FROM finish();
ROLLBACK;
