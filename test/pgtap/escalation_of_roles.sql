-- Nobody grants a role above their own or takes one away, however the row is
-- written.  adam is an admin; olga the owner.
BEGIN;
SELECT plan(22);
\ir include/fixtures.sql
PREPARE roles AS SELECT u.username, m.role FROM casnet.user_tenants AS m JOIN casnet.users AS u ON u.id = m.user_id
	WHERE m.tenant_id = casnet.current_tenant_id() ORDER BY 1;

CALL be('adam', 'North');
SELECT throws_ok($$SELECT casnet.set_member_role('adam', 'owner')$$, '42501', 'nobody can grant or take away more than they hold themselves', 'himself, by function');
SELECT throws_ok($$SELECT casnet.set_member_role('mia', 'owner')$$, '42501', NULL, 'another, by function');
SELECT throws_ok($$SELECT casnet.add_member('nora', 'owner')$$, '42501', NULL, 'a new member, by function');
SELECT throws_ok($$SELECT casnet.set_member_role('olga', 'member')$$, '42501', NULL, 'the owner is not put down');
SELECT throws_ok($$SELECT casnet.remove_member('olga')$$, '42501', NULL, 'nor removed');
SELECT throws_ok(format('INSERT INTO casnet.user_tenants (user_id, role) VALUES (%L, ''owner'')', :'nora'), '42501', NULL, 'INSERT');
SELECT throws_ok($$UPDATE casnet.user_tenants SET role = 'owner' WHERE role = 'admin'$$, '42501', NULL, 'UPDATE');
SELECT throws_ok($$UPDATE casnet.user_tenants SET role = 'member' WHERE role = 'owner'$$, '42501', NULL, 'UPDATE of the owner');
SELECT throws_ok($$DELETE FROM casnet.user_tenants WHERE role = 'owner'$$, '42501', NULL, 'DELETE of the owner');
SELECT throws_ok(format('INSERT INTO casnet.user_tenants (user_id, role) VALUES (%L, ''member'')
	ON CONFLICT (user_id, tenant_id) DO UPDATE SET role = ''owner''', :'adam'), '42501', NULL, 'INSERT ON CONFLICT DO UPDATE');
SELECT throws_ok(format('MERGE INTO casnet.user_tenants AS m USING (VALUES (1)) AS v ON m.user_id = %L
	WHEN MATCHED THEN UPDATE SET role = ''owner''', :'adam'), '42501', NULL, 'MERGE, UPDATE');
SELECT throws_ok(format('MERGE INTO casnet.user_tenants AS m USING (VALUES (%L::uuid)) AS v (id) ON m.user_id = v.id
	WHEN NOT MATCHED THEN INSERT (user_id, role) VALUES (v.id, ''owner'')', :'nora'), '42501', NULL, 'MERGE, INSERT');
SELECT throws_ok(format('UPDATE casnet.user_tenants SET user_id = %L WHERE role = ''owner''', :'nora'), '42501', NULL, 'the membership of the owner is not moved');
SELECT throws_ok(format('UPDATE casnet.user_tenants SET user_id = %L WHERE user_id = %L', :'nora', :'mia'), '42501',
	'a membership cannot be moved to another user or tenant', 'nor that of anybody');
SELECT throws_ok(format('WITH x AS (UPDATE casnet.user_tenants SET role = ''owner'' WHERE user_id = %L RETURNING 1) SELECT * FROM x', :'mia'), '42501', NULL, 'a WITH query');

-- Within their own rank users manage.
SELECT lives_ok($$SELECT casnet.add_member('nora', 'admin')$$, 'an admin makes an admin');
SELECT lives_ok($$SELECT casnet.set_member_role('mia', 'admin')$$, 'and a member an admin');
SELECT lives_ok($$SELECT casnet.remove_member('nora')$$, 'and removes one');
SELECT results_eq('roles', $$VALUES ('adam'::text, 'admin'::text), ('ines', 'member'), ('mia', 'admin'), ('olga', 'owner'), ('vic', 'viewer')$$, 'no more than that');

-- A member granted manage_users adds members, and no admins.
CALL be('olga', 'North');
SELECT ok(casnet.grant_permission('vic', 'manage_users'), 'a viewer may add members');
CALL be('vic', 'North');
SELECT throws_ok($$SELECT casnet.add_member('nora', 'member')$$, '42501', NULL, 'but none above a viewer');
SELECT lives_ok($$SELECT casnet.add_member('nora', 'viewer')$$, 'only viewers');
SELECT * FROM finish();
ROLLBACK;
