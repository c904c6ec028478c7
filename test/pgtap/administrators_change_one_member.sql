-- An administrator sees the members of all tenants, but changes by name only a member of
-- the active tenant.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES
	(:'mia', :'north', 'view_users'), (:'mia', :'south', 'view_users'), (:'vic', :'north', 'view_users');
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT set_config('casnet.tenant_id', :'north', true);
SELECT ok(casnet.revoke_permission('mia', 'view_users'), 'a permission is taken');
SELECT ok(NOT casnet.revoke_permission('mia', 'view_users'), 'once');
SELECT set_eq('SELECT w.name, p.tenant_id FROM casnet.user_tenant_permissions AS p JOIN public.who AS w ON w.id = p.user_id',
	format('VALUES (''mia'', %L::uuid), (''vic'', %L)', :'south', :'north'), 'from nobody else, and not elsewhere');
SELECT lives_ok('SELECT casnet.set_member_role(''mia'', ''admin'')', 'a role is given');
SELECT is((SELECT string_agg(t.name || ' ' || m.role, ', ' ORDER BY t.name) FROM casnet.user_tenants AS m JOIN casnet.tenants AS t ON t.id = m.tenant_id WHERE m.user_id = :'mia'),
	'North admin, South viewer', 'here');
SELECT lives_ok('SELECT casnet.remove_member(''mia'')', 'the member is removed');
SELECT is((SELECT string_agg(t.name || ' ' || m.role, ', ' ORDER BY t.name) FROM casnet.user_tenants AS m JOIN casnet.tenants AS t ON t.id = m.tenant_id WHERE m.user_id = :'mia'),
	'South viewer', 'here, too');

-- A member who is removed while the role is set, as another session could do it, is no
-- member.
RESET SESSION AUTHORIZATION;
CREATE FUNCTION public.goes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM casnet.user_tenants WHERE user_id = old.user_id AND tenant_id = old.tenant_id;
	RETURN NULL;
END
$$;
CREATE TRIGGER a_goes BEFORE UPDATE ON casnet.user_tenants FOR EACH ROW EXECUTE FUNCTION public.goes();
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT throws_ok('SELECT casnet.set_member_role(''vic'', ''member'')', 'P0002', 'there is no such member of the active tenant', 'one who goes meanwhile is no member');
RESET SESSION AUTHORIZATION;
DROP TRIGGER a_goes ON casnet.user_tenants;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT lives_ok('SELECT casnet.set_member_role(''vic'', ''member'')', 'who stays is');
SELECT * FROM finish();
ROLLBACK;
