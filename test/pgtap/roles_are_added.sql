-- Administrators add roles.  A user who holds everything that a role gives can assign it,
-- change it to another and take it away.
BEGIN;
SELECT plan(70);
\ir include/fixtures.sql
\set lacks 'nobody can grant or take away more than they hold themselves'
\set unknown '22023 | unknown role "king" |  | SELECT name FROM casnet.roles lists them. | '
CREATE FUNCTION pg_temp.objection(statement text) RETURNS text LANGUAGE sql AS $$
	SELECT public.state_of(statement) || coalesce(' ' || substring(public.error_of(statement) FROM 'permission "(\w+)"'), '')
$$;
SELECT is(error_of($$INSERT INTO casnet.roles VALUES ('fly')$$), '42501 | permission denied for table roles |  |  | ', 'no user adds one');
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT lives_ok($$INSERT INTO casnet.roles (name, description) VALUES ('clerk', 'keeps the calendar'), ('auditor', 'reads and exports'), ('guest', NULL), ('manager', NULL)$$, 'an administrator does');
SELECT lives_ok($$INSERT INTO casnet.role_permissions (role, permission) VALUES
	('clerk', 'view_calendar'), ('clerk', 'edit_calendar'), ('clerk', 'delete_calendar'), ('clerk', 'view_users'),
	('auditor', 'view_records'), ('auditor', 'export_records'), ('owner', 'export_records'),
	('manager', 'view_users'), ('manager', 'manage_users'), ('manager', 'assign_roles')$$, 'and says what they give');
SELECT throws_ok($$INSERT INTO casnet.roles VALUES ('clerk')$$, '23505', NULL, 'once');
SELECT throws_ok(format('INSERT INTO casnet.roles VALUES (%L)', n), '23514', NULL, 'no name is ' || left(n, 10)) FROM unnest(ARRAY['', ' ', 'Clerk', '1st', 'a b', 'né', repeat('x', 64)]) AS n;
SELECT throws_ok($$INSERT INTO casnet.role_permissions VALUES ('king', 'view_tags')$$, '23503', NULL, 'nothing is given by an unknown one');

-- As any other role.
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT set_eq('SELECT name FROM casnet.roles', ARRAY['owner', 'admin', 'member', 'viewer', 'clerk', 'auditor', 'guest', 'manager'], 'they are listed to users');
SELECT lives_ok($$SELECT casnet.add_member('nora', 'clerk')$$, 'the owner adds a clerk');
SELECT lives_ok($$SELECT casnet.set_member_role('vic', 'auditor')$$, 'and makes a viewer an auditor');
SELECT set_eq('SELECT username, role FROM casnet.members()', $$VALUES ('adam'::text, 'admin'::text), ('ines', 'member'), ('mia', 'member'), ('nora', 'clerk'), ('olga', 'owner'), ('vic', 'auditor')$$, 'members() shows them');
CALL be('nora', 'North');
SELECT results_eq('SELECT role, permissions FROM casnet.whoami()', $$VALUES ('clerk'::text, '{delete_calendar,edit_calendar,view_calendar,view_users}'::text[])$$, 'so does whoami()');
SELECT results_eq('SELECT name, role FROM casnet.my_tenants()', $$VALUES ('North'::text, 'clerk'::text)$$, 'and my_tenants()');
SELECT is(rows_of('DELETE FROM casnet.calendar_events'), 1::bigint, 'a clerk keeps the calendar');
SELECT throws_ok('SELECT * FROM casnet.records', '42501', 'permission "view_records" is missing in the active tenant', 'and reads no record');
CALL be('vic', 'North');
SELECT ok(casnet.can('export_records') AND NOT casnet.can('view_tags'), 'an auditor holds what auditors do, no more');

-- In force at the next statement, whatever was cached before.
SET LOCAL SESSION AUTHORIZATION tap_operator;
INSERT INTO casnet.role_permissions VALUES ('auditor', 'view_tags');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT ok(casnet.can('view_tags'), 'a permission more');
SET LOCAL SESSION AUTHORIZATION tap_operator;
DELETE FROM casnet.role_permissions WHERE role = 'auditor' AND permission = 'view_tags';
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT ok(NOT casnet.can('view_tags'), 'and less');

-- adam is an admin: he lacks export_records, and holds all that clerks do.
CALL be('adam', 'North');
SELECT is(error_of($$SELECT casnet.add_member('otto', 'auditor')$$), '42501 | ' || :'lacks' || ' | The role "auditor" gives the permission "export_records", which you do not hold. | Somebody in the tenant who holds that can do it, or an administrator. | ', 'who lacks a permission does not give the role');
SELECT is(pg_temp.objection(s), '42501 export_records', s) FROM unnest(ARRAY[
	$$SELECT casnet.set_member_role('mia', 'auditor')$$, $$SELECT casnet.set_member_role('vic', 'guest')$$, $$SELECT casnet.remove_member('vic')$$,
	$$SELECT casnet.grant_permission('vic', 'view_tags')$$, $$SELECT casnet.invite_member('x@x.test', 'auditor')$$,
	format('INSERT INTO casnet.user_tenants (user_id, role) VALUES (%L, ''auditor'')', :'otto'), $$UPDATE casnet.user_tenants SET role = 'auditor' WHERE role = 'member'$$,
	$$UPDATE casnet.user_tenants SET role = 'viewer' WHERE role = 'auditor'$$, $$DELETE FROM casnet.user_tenants WHERE role = 'auditor'$$]) AS s;
SELECT is(error_of(s), 'none', s) FROM unnest(ARRAY[
	$$SELECT casnet.add_member('otto', 'clerk')$$, $$SELECT casnet.set_member_role('mia', 'clerk')$$, $$SELECT casnet.set_member_role('nora', 'guest')$$,
	$$SELECT casnet.remove_member('nora')$$, $$SELECT casnet.invite_member('x@x.test', 'guest')$$]) AS s;
SELECT is(error_of($$SELECT casnet.set_member_role('adam', 'manager')$$), 'none', 'a role of few permissions that decide about members is not above an admin');

-- Permissions granted to the user count like those of the role.
CALL be('olga', 'North');
SELECT casnet.set_member_role('nora', 'manager');
CALL be('nora', 'North');
SELECT is(pg_temp.objection($$SELECT casnet.set_member_role('mia', 'clerk')$$), '42501 view_persons', 'a manager changes no member');
SELECT is(pg_temp.objection($$SELECT casnet.add_member('otto', 'clerk')$$), '42501 view_calendar', 'and adds no clerk');
SELECT is(error_of($$SELECT casnet.add_member('otto', 'guest')$$), 'none', 'but a guest, who may do nothing');
CALL be('olga', 'North');
SELECT casnet.grant_permission('nora', p) FROM unnest(ARRAY['view_calendar', 'edit_calendar', 'delete_calendar', 'manage_permissions']) AS p \g /dev/null
CALL be('nora', 'North');
SELECT is(error_of($$SELECT casnet.add_member('otto', 'clerk')$$), 'none', 'a manager who holds all that clerks do adds one');
SELECT is(pg_temp.objection($$SELECT casnet.grant_permission('mia', 'view_calendar')$$), '42501 view_persons', 'and still gives nothing to a member');
-- Adding somebody with permissions that members lack needs assign_roles.
SET LOCAL SESSION AUTHORIZATION tap_operator;
DELETE FROM casnet.role_permissions WHERE role = 'manager' AND permission = 'assign_roles';
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT alike(error_of($$SELECT casnet.add_member('otto', 'clerk')$$), '42501 | %To add somebody with a role above "member" takes the permission "assign_roles".%', 'a clerk may delete what a member may not');
SELECT is(error_of($$SELECT casnet.add_member('otto', 'guest')$$), 'none', 'a guest may not');
-- A change of the role keeps permissions granted beside it, so it does not matter if the
-- user who changes it lacks one.
CALL be('olga', 'North');
SELECT casnet.grant_permission('mia', 'export_records') \g /dev/null
CALL be('adam', 'North');
SELECT lives_ok($$SELECT casnet.set_member_role('mia', 'viewer')$$, 'who holds more in person gets another role');
SELECT is(pg_temp.objection($$SELECT casnet.remove_member('mia')$$), '42501 export_records', 'and is not removed');
SELECT is(pg_temp.objection($$SELECT casnet.set_member_role('nora', 'owner')$$), '42501 manage_tenant', 'an admin makes no owner');
CALL be('olga', 'North');
SELECT casnet.grant_permission('adam', p) FROM unnest(ARRAY['manage_tenant', 'delete_tenant', 'export_persons', 'erase_persons', 'export_records']) AS p \g /dev/null
CALL be('adam', 'North');
SELECT is(error_of($$SELECT casnet.set_member_role('nora', 'owner')$$), 'none', 'unless all that owners do is held in person');
SELECT is(error_of($$SELECT casnet.remove_member('olga')$$), '23514 | cannot remove the last owner of a tenant |  | Make another member an owner first, or delete the tenant with casnet.delete_tenant(). | ', 'the last owner stays');
CALL be('sue', 'North');
SELECT is(error_of($$SELECT casnet.set_member_role('vic', 'guest'); SELECT casnet.remove_member('mia')$$), 'none', 'a superuser of the application is not bound');

-- Unknown roles, whoever names them.
SELECT is(error_of(s), :'unknown', s) FROM unnest(ARRAY[$$SELECT casnet.add_member('otto', 'king')$$, $$SELECT casnet.set_member_role('mia', 'king')$$,
	$$SELECT casnet.invite_member('x@x.test', 'king')$$, format('INSERT INTO casnet.user_tenants (user_id, role) VALUES (%L, ''king'')', :'otto'), $$UPDATE casnet.user_tenants SET role = 'king' WHERE role = 'viewer'$$]) AS s;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is(error_of(format('INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (%L, %L, ''king'')', :'otto', :'north')), :'unknown', 'by an administrator');

-- Changes of roles that are refused.
SELECT is(error_of('DELETE FROM casnet.roles WHERE name = ' || quote_literal(n)), '23514 | cannot delete the built-in role "' || n || '" |  | Change what it gives in casnet.role_permissions. | ', n || ' stays') FROM unnest(ARRAY['owner', 'admin', 'member', 'viewer']) AS n;
SELECT alike(error_of(format('UPDATE casnet.roles SET name = %L WHERE name = %L', n || '_', n)), '23514 | cannot rename a role |  | Add another role%', n || ' keeps its name') FROM unnest(ARRAY['owner', 'guest']) AS n;
SELECT lives_ok($$UPDATE casnet.roles SET description = 'all' WHERE name = 'owner'$$, 'but not its description');
SELECT is(error_of($$DELETE FROM casnet.roles WHERE name = 'auditor'$$), '23503 | the role "auditor" is in use |  | Give its members another one first: UPDATE casnet.user_tenants SET role = ''viewer'' WHERE role = ''auditor'', or casnet.set_member_role() for a member of the active tenant. | ', 'what a member has is not deleted');
RESET SESSION AUTHORIZATION;
SELECT alike(error_of($$DELETE FROM casnet.roles WHERE name = 'viewer'$$), '23514%', 'nor by a superuser');
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT lives_ok($$UPDATE casnet.user_tenants SET role = 'viewer' WHERE role = 'auditor'; DELETE FROM casnet.roles WHERE name = 'auditor'$$, 'without members it goes');
SELECT is_empty($$SELECT FROM casnet.role_permissions WHERE role = 'auditor'$$, 'with what it gave');
-- Deleting a role runs no code of others in the session.
RESET SESSION AUTHORIZATION;
CREATE TABLE public.badges (role text REFERENCES casnet.roles (name) ON DELETE CASCADE);
ALTER TABLE public.badges OWNER TO tap_app;
SELECT alike(error_of($$DELETE FROM casnet.roles WHERE name = 'guest'$$), '55000%', 'no role is deleted where rows of a table of another role go with it');
SELECT * FROM finish();
ROLLBACK;
