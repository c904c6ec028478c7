-- A transaction sees its own changes of membership, role, permission and
-- account at once, whichever database role made them.
BEGIN;
SELECT plan(24);
\ir include/fixtures.sql

CALL be('mia', 'North');
SELECT ok(casnet.can('edit_records'), 'a member edits');
SET LOCAL SESSION AUTHORIZATION DEFAULT;
UPDATE casnet.user_tenants SET role = 'viewer' WHERE user_id = :'mia';
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT ok(NOT casnet.can('edit_records'), 'a viewer does not');
SELECT is((SELECT role FROM casnet.whoami()), 'viewer', 'and knows it');
SELECT throws_ok('UPDATE casnet.records SET title = title', '42501', NULL, 'and is refused');
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.user_tenant_permissions VALUES (:'mia', :'north', 'edit_records');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT lives_ok('UPDATE casnet.records SET title = title', 'unless granted in person');
RESET SESSION AUTHORIZATION;
TRUNCATE casnet.user_tenant_permissions;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok('UPDATE casnet.records SET title = title', '42501', NULL, 'until those are truncated');
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.role_permissions VALUES ('viewer', 'delete_records');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT ok(casnet.can('delete_records'), 'a role gets a permission');
RESET SESSION AUTHORIZATION;
TRUNCATE casnet.role_permissions;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT ok(NOT casnet.can('view_records'), 'and all of them go');
SELECT is((SELECT permissions FROM casnet.whoami()), '{}', 'so nothing is left');
RESET SESSION AUTHORIZATION;
SELECT casnet_internal.install_role_permissions();
UPDATE casnet.users SET is_active = false WHERE id = :'mia';
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok('SELECT count(*) FROM casnet.records', '28000', 'the user of this session does not exist or is not active', 'deactivated');
SELECT is(casnet.current_user_id(), NULL, 'and nobody');
RESET SESSION AUTHORIZATION;
UPDATE casnet.users SET is_active = true, is_superuser = true WHERE id = :'mia';
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT ok(casnet.can('delete_tenant'), 'a superuser may do everything');
RESET SESSION AUTHORIZATION;
UPDATE casnet.users SET is_superuser = false WHERE id = :'mia';
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT ok(NOT casnet.can('delete_tenant'), 'until that ends');
CALL be('olga', 'North');
SELECT lives_ok($$SELECT casnet.remove_member('mia')$$, 'olga removes mia');
CALL be('mia', 'North');
SELECT throws_ok('SELECT count(*) FROM casnet.records', '42501', 'not a member of the active tenant', 'who is out');
CALL be('mia', 'South');
SELECT is((SELECT count(*) FROM casnet.records), 3::bigint, 'of North only');
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.tenants WHERE id = :'south';
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok('SELECT count(*) FROM casnet.records', '42501', 'not a member of the active tenant', 'a tenant deleted while active');
SELECT throws_ok($$INSERT INTO casnet.records (title) VALUES ('x')$$, '42501', NULL, 'takes no rows');
CALL be('sue', 'South');
SELECT throws_ok('SELECT count(*) FROM casnet.records', '42501', 'not a member of the active tenant', 'a superuser neither');
CALL be('olga', 'North');
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.user_tenants VALUES (:'nora', :'north', 'owner');
DELETE FROM casnet.users WHERE id = :'olga';
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok('SELECT count(*) FROM casnet.records', '28000', NULL, 'a user deleted while signed in');
SELECT throws_ok('SELECT casnet.leave_tenant()', '28000', NULL, 'does nothing more');

-- Within one statement of the client, between two turns of a loop.
RESET SESSION AUTHORIZATION;
CREATE PROCEDURE public.hold(permission text) LANGUAGE sql SECURITY DEFINER AS $$
	DELETE FROM casnet.user_tenant_permissions;
	INSERT INTO casnet.user_tenant_permissions SELECT m.user_id, m.tenant_id, permission
	  FROM casnet.user_tenants AS m JOIN casnet.users AS u ON u.id = m.user_id WHERE u.username = 'vic';
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE FUNCTION pg_temp.ask() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answers text := '';
BEGIN
	FOR i IN 1 .. 4 LOOP
		CALL public.hold(CASE i % 2 WHEN 0 THEN 'delete_tags' ELSE 'delete_tasks' END);
		answers := answers || CASE WHEN casnet.can('delete_tags') THEN 'y' ELSE 'n' END;
	END LOOP;
	RETURN answers;
END
$$;
CALL be('vic', 'North');
SELECT is(pg_temp.ask(), 'nyny', 'one expression answers anew after each change');

-- Between two FETCHes.
DECLARE records CURSOR FOR SELECT title FROM casnet.records;
SELECT lives_ok('FETCH records', 'a cursor');
RESET SESSION AUTHORIZATION;
UPDATE casnet.users SET is_active = false WHERE id = :'vic';
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok('FETCH records', '28000', NULL, 'goes on as long as its opener is active');
SELECT * FROM finish();
ROLLBACK;
