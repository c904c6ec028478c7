-- An invitation can have any role.  It is judged by what the inviter holds when it is
-- accepted, and ends with the role.  An import accepts the existing roles.
BEGIN;
SELECT plan(27);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.roles (name) VALUES ('clerk'), ('keeper'), ('guest'), ('chief');
INSERT INTO casnet.role_permissions VALUES ('clerk', 'view_calendar'), ('clerk', 'edit_calendar'), ('keeper', 'view_records'), ('keeper', 'view_calendar'),
	('admin', 'approve'), ('chief', 'approve');
INSERT INTO casnet.role_permissions SELECT 'chief', permission FROM casnet.role_permissions WHERE role = 'owner';
CREATE FUNCTION pg_temp.role_of(person uuid) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$
	SELECT role FROM casnet.user_tenants WHERE user_id = person AND tenant_id = '00000000-0000-7000-8000-0000000000a0' $$;
CREATE FUNCTION pg_temp.left_of(address text) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$ SELECT count(*) FROM casnet_internal.invitations WHERE email = address $$;
SET LOCAL SESSION AUTHORIZATION tap_app;

CALL be('adam', 'North');
SELECT casnet.invite_member('nora@nowhere.test', 'clerk') AS code \gset
SELECT results_eq('SELECT email, role FROM casnet.invitations()', $$VALUES ('nora@nowhere.test'::text, 'clerk'::text)$$, 'an invitation with a role of their own');
SELECT results_eq(format('SELECT role FROM casnet.invitation(%L)', :'code'), ARRAY['clerk'], 'says so');
CALL be('nora');
SAVEPOINT a;
SELECT is(casnet.accept_invitation(:'code'), :'north'::uuid, 'is accepted');
SELECT is(pg_temp.role_of(:'nora'), 'clerk', 'and gives it');
ROLLBACK TO a;
-- A permission that the role gives now, and the inviter lacks.
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.role_permissions VALUES ('clerk', 'fly');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT alike(error_of(format('SELECT casnet.accept_invitation(%L)', :'code')), 'P0002%', 'not once the role gives what the inviter does not hold');
CALL be('sue', 'North');
SELECT casnet.grant_permission('adam', 'fly') \g /dev/null
CALL be('nora');
SELECT is(error_of(format('SELECT casnet.accept_invitation(%L)', :'code')), 'none', 'but when that one holds it, in person too');
-- The role is deleted.
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT lives_ok($$DELETE FROM casnet.roles WHERE name = 'clerk'$$, 'a role of an invitation is deleted');
SELECT is(pg_temp.left_of('nora@nowhere.test'), 0::bigint, 'with the invitation');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT alike(error_of(format('SELECT casnet.accept_invitation(%L)', :'code')), 'P0002%', 'whose code does not count');
SET LOCAL SESSION AUTHORIZATION tap_operator;
INSERT INTO casnet.roles (name) VALUES ('clerk');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT alike(error_of(format('SELECT casnet.accept_invitation(%L)', :'code')), 'P0002%', 'nor for another of that name');
ROLLBACK TO a;

-- A member gets the role if it gives everything that the previous one gave; an owner stays
-- an owner.
CREATE FUNCTION pg_temp.invited(person text, role text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text;
	result text;
BEGIN
	CALL be('sue', 'North');
	code := casnet.invite_member((SELECT email FROM casnet.users WHERE username = person), role);
	CALL be(person);
	PERFORM casnet.accept_invitation(code);
	result := pg_temp.role_of((SELECT id FROM public.who WHERE name = person));
	RAISE EXCEPTION USING ERRCODE = 'ZZZZZ';
EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
	RETURN result;
END
$$;
SELECT is(pg_temp.invited(p, r), e, p || ' as ' || r) FROM (VALUES ('vic', 'member', 'member'), ('vic', 'clerk', 'viewer'), ('vic', 'keeper', 'viewer'), ('vic', 'guest', 'viewer'),
	('mia', 'viewer', 'member'), ('mia', 'admin', 'admin'), ('mia', 'chief', 'chief'), ('adam', 'owner', 'admin'), ('adam', 'chief', 'chief'), ('olga', 'chief', 'owner')) AS v (p, r, e);

-- Import.
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.role_permissions WHERE permission = 'approve';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT casnet.set_member_role('vic', 'keeper');
CREATE TABLE public.e AS SELECT row_number() OVER () AS n, d FROM casnet.export_tenant() AS d;
GRANT SELECT, UPDATE ON public.e TO PUBLIC;
SELECT is((SELECT d#>>'{row,role}' FROM public.e WHERE d#>>'{row,username}' = 'vic'), 'keeper', 'a role is exported by its name');
SELECT casnet.import_tenant('public.e', 'Copy') AS copy \gset
SET casnet.tenant_id = :'copy';
SELECT results_eq($$SELECT role FROM casnet.members() WHERE username = 'vic'$$, ARRAY['keeper'], 'and imported');
CALL be('olga', 'North');
SELECT casnet.set_member_role('vic', 'viewer');
RESET SESSION AUTHORIZATION;
UPDATE casnet.user_tenants SET role = 'viewer' WHERE role = 'keeper';
DELETE FROM casnet.roles WHERE name = 'keeper';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga');
SELECT is(error_of($$SELECT casnet.import_tenant('public.e', 'Other')$$), (SELECT '22023 | unknown role "keeper" | Document ' || n || ' (members vic) has it. | An administrator has to add it to casnet.roles first, and what it may do to casnet.role_permissions. | ' FROM public.e WHERE d#>>'{row,username}' = 'vic'), 'not where it is unknown');
RESET SESSION AUTHORIZATION;
SELECT alike(error_of($$SELECT casnet.import_tenant('public.e', 'Other')$$), '22023 | unknown role "keeper" | %', 'nor by a superuser');
UPDATE public.e SET d = jsonb_set(d, '{row,role}', to_jsonb(CASE WHEN d#>>'{row,username}' = 'olga' THEN repeat('king', 100) ELSE 'viewer' END)) WHERE d->>'table' = 'members';
SELECT alike(error_of($$SELECT casnet.import_tenant('public.e', 'Other')$$), '22023 | unknown role "' || repeat('king', 25) || '" | %', 'a long one is cut off');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT alike(error_of($$SELECT casnet.import_tenant('public.e', 'Other')$$), '22023 | unknown role "king%', 'also that of the importer, who is given none');
SET LOCAL SESSION AUTHORIZATION tap_operator;
INSERT INTO casnet.roles VALUES ('keeper');
SET LOCAL SESSION AUTHORIZATION tap_app;
UPDATE public.e SET d = jsonb_set(d, '{row,role}', '"keeper"') WHERE d->>'table' = 'members';
SELECT is(error_of($$SELECT casnet.import_tenant('public.e', 'Other')$$), 'none', 'once an administrator has added it');
SELECT * FROM finish();
ROLLBACK;
