-- What somebody may not give any more does not come back with the right: the invitations that
-- a member made end with a demotion, a removal, a deactivation or the loss of a permission.
BEGIN;
SELECT plan(20);
\ir include/fixtures.sql
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('adam', 'North');
SELECT casnet.invite_member('nora@nowhere.test', 'admin') AS code \gset
SELECT casnet.invite_member('low@nowhere.test', 'viewer') AS low \gset
CALL be('olga', 'North');
SELECT casnet.invite_member('other@nowhere.test', 'admin') AS other \gset
RESET SESSION AUTHORIZATION;
-- Which of the three codes count after these statements.
CREATE FUNCTION pg_temp.left_after(statements text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found text;
BEGIN
	EXECUTE statements;
	SELECT string_agg(email, ' ' ORDER BY email) INTO found FROM casnet_internal.invitations;
	RAISE EXCEPTION '%', found USING ERRCODE = 'ZZ001';
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
	RETURN SQLERRM;
END
$$;
\set all 'low@nowhere.test nora@nowhere.test other@nowhere.test'
SELECT is(pg_temp.left_after('SELECT 1'), :'all', 'three invitations');
SELECT is(pg_temp.left_after(format('UPDATE casnet.user_tenants SET role = %L WHERE user_id = %L; UPDATE casnet.user_tenants SET role = %L WHERE user_id = %2$L', 'member', :'adam', 'admin')), 'other@nowhere.test', 'demoted, and an admin again');
SELECT is(pg_temp.left_after(format('INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES (%L, %L, ''manage_users''); UPDATE casnet.user_tenants SET role = ''member'' WHERE user_id = %1$L', :'adam', :'north')), 'other@nowhere.test', 'also what is left to give');
SELECT is(pg_temp.left_after(format('UPDATE casnet.user_tenants SET role = %L WHERE user_id = %L', 'owner', :'adam')), :'all', 'a promotion ends none');
SELECT is(pg_temp.left_after(format('DELETE FROM casnet.user_tenants WHERE user_id = %L; INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (%1$L, %L, ''admin'')', :'adam', :'north')), 'other@nowhere.test', 'removed and added');
SELECT is(pg_temp.left_after(format('SELECT casnet.deactivate_user(%L), casnet.reactivate_user(%1$L)', :'adam')), 'other@nowhere.test', 'deactivated and active again');
SELECT is(pg_temp.left_after(format('UPDATE casnet.users SET is_superuser = true WHERE id = %L; UPDATE casnet.users SET is_superuser = false WHERE id = %1$L', :'adam')), 'other@nowhere.test', 'a superuser of the application, and none again');
SELECT is(pg_temp.left_after(format('UPDATE casnet.users SET email = %L WHERE id = %L', 'adam@nowhere.test', :'adam')), :'all', 'another address ends none');
SELECT is(pg_temp.left_after(format('UPDATE casnet.users SET full_name = %L WHERE id = %L', 'Adam', :'adam')), :'all', 'nor another name');
-- Permissions: what is taken and given back.
\set grant 'INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES (%L, %L, %L);'
\set revoke 'DELETE FROM casnet.user_tenant_permissions WHERE user_id = %L AND tenant_id = %L AND permission = %L;'
\set take 'DELETE FROM casnet.role_permissions WHERE role = %L AND permission = %L;'
\set give 'INSERT INTO casnet.role_permissions (role, permission) VALUES (%L, %L);'
\set rename 'UPDATE casnet.role_permissions SET permission = %L WHERE role = %L AND permission = %L;'
SELECT format(:'take', 'admin', 'manage_users') AS take, format(:'give', 'admin', 'manage_users') AS give,
	format(:'take' || :'give', 'viewer', 'view_records', 'viewer', 'view_records') AS other_role,
	format(:'rename' || :'rename', 'none', 'admin', 'assign_roles', 'assign_roles', 'admin', 'none') AS rename,
	format(:'grant', :'adam', :'north', 'manage_users') AS grant, format(:'revoke', :'adam', :'north', 'manage_users') AS revoke \gset
SELECT is(pg_temp.left_after(:'take' || :'give'), 'other@nowhere.test', 'a permission of the role');
SELECT is(pg_temp.left_after(:'rename'), 'other@nowhere.test', 'also by UPDATE');
SELECT is(pg_temp.left_after(:'other_role'), :'all', 'of another role');
SELECT is(pg_temp.left_after(:'grant' || :'take' || :'give'), :'all', 'one that the member holds in person, too');
SELECT is(pg_temp.left_after(:'grant' || :'revoke'), :'all', 'in person, but the role gives it');
SELECT is(pg_temp.left_after(:'grant' || :'take' || :'revoke' || :'give'), 'other@nowhere.test', 'first of the role, then in person');
-- As the functions do it, with a member who may invite in person only.
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT casnet.grant_permission('mia', 'manage_users') \g /dev/null
CALL be('mia', 'North');
SELECT casnet.invite_member('mias@nowhere.test', 'viewer') AS mias \gset
SELECT lives_ok(format('SELECT casnet.invitation(%L)', :'mias'), 'a member invites by a permission');
CALL be('olga', 'North');
SELECT casnet.revoke_permission('mia', 'manage_users'), casnet.grant_permission('mia', 'manage_users') \g /dev/null
SELECT throws_ok(format('SELECT casnet.invitation(%L)', :'mias'), 'P0002', NULL, 'which is taken and given back');
CALL be('mia', 'North');
SELECT lives_ok($$SELECT casnet.invite_member('mias@nowhere.test', 'viewer')$$, 'and invites again');
RESET SESSION AUTHORIZATION;
DELETE FROM casnet_internal.invitations WHERE email = 'mias@nowhere.test';
-- A tenant where somebody is not concerned.
INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (:'adam', :'south', 'admin');
SELECT is(pg_temp.left_after(format('DELETE FROM casnet.user_tenants WHERE user_id = %L AND tenant_id = %L', :'adam', :'south')), :'all', 'those of another tenant stay');
SELECT is(pg_temp.left_after(format('DELETE FROM casnet.users WHERE id = %L', :'adam')), 'other@nowhere.test', 'an account takes them along');
SELECT * FROM finish();
ROLLBACK;
