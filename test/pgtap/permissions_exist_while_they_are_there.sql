-- A permission exists while role_permissions has it.  A name that a session has seen in a
-- row that was rolled back or deleted is unknown again.
BEGIN;
SELECT plan(24);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.notes (tenant_id uuid DEFAULT casnet.current_tenant_id(), n int);
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON public.notes USING (tenant_id = casnet.tenant_with('zzz_new'));
GRANT SELECT ON public.notes TO tap_app;
-- Each function that asks whether it exists.
CREATE FUNCTION public.answers() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT public.error_of(v.s)
	  FROM (VALUES ('SELECT casnet.can(''zzz_new'')'), ('SELECT casnet.tenant_with(''zzz_new'')'), ('SELECT * FROM public.notes'),
		('SELECT casnet_internal.tenant_to_manage(''zzz_new'')'), ('SELECT casnet.grant_permission(''vic'', ''zzz_new'')'),
		('INSERT INTO casnet.user_tenant_permissions (user_id, permission) VALUES (''00000000-0000-7000-8000-000000000004'', ''zzz_new'')')) AS v (s)
$$;
CREATE FUNCTION public.unknown() RETURNS boolean LANGUAGE sql AS $$
	SELECT bool_and(a ~ '^22023 . unknown permission "zzz_new" ') FROM public.answers() AS a
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT ok(public.unknown(), 'nobody has met it');
CALL be('sue', 'North');
SELECT ok(public.unknown(), 'nor does it exist for a superuser of the application');

SAVEPOINT before;
SET LOCAL SESSION AUTHORIZATION tap_operator;
INSERT INTO casnet.role_permissions VALUES ('owner', 'zzz_new');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT ok(casnet.can('zzz_new'), 'within the transaction it is there');
SELECT is((SELECT string_agg(left(a, 5), ' ') FROM public.answers() AS a), 'none none none none none none', 'for all');
ROLLBACK TO before;
CALL be('olga', 'North');
SELECT ok(public.unknown(), 'rolled back, it is unknown');
CALL be('sue', 'North');
SELECT ok(public.unknown(), 'to a superuser of the application, too');

-- The same by a statement that fails.
CREATE FUNCTION pg_temp.fails() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO casnet.role_permissions VALUES ('owner', 'zzz_new');
	PERFORM set_config('casnet.user_id', '00000000-0000-7000-8000-000000000001', true);
	IF casnet.can('zzz_new') THEN
		RAISE EXCEPTION USING ERRCODE = 'ZZZZZ';
	END IF;
EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
	NULL;
END
$$;
SET LOCAL SESSION AUTHORIZATION tap_admin;
SELECT set_config('casnet.tenant_id', :'north', true) \g /dev/null
SELECT lives_ok('SELECT pg_temp.fails()', 'a subtransaction');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT ok(public.unknown(), 'is undone');

-- A permission that existed, was granted, and is removed from role_permissions.
SET LOCAL SESSION AUTHORIZATION tap_operator;
INSERT INTO casnet.role_permissions VALUES ('owner', 'zzz_new');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT ok(casnet.grant_permission('vic', 'zzz_new'), 'granted');
CALL be('vic', 'North');
SELECT ok(casnet.can('zzz_new'), 'held');
SET LOCAL SESSION AUTHORIZATION tap_operator;
DELETE FROM casnet.role_permissions WHERE permission = 'zzz_new';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('vic', 'North');
SELECT throws_ok('SELECT casnet.can(''zzz_new'')', '22023', NULL, 'who held it gets an error that it is unknown');
SELECT throws_ok('SELECT * FROM public.notes', '22023', NULL, 'and a policy does not let through');
CALL be('olga', 'North');
SELECT throws_ok('SELECT casnet.grant_permission(''ines'', ''zzz_new'')', '22023', NULL, 'nobody gives it');
-- A remaining grant keeps nobody from leaving.
SELECT is((SELECT count(*) FROM casnet.user_tenant_permissions WHERE permission = 'zzz_new'), 1::bigint, 'a grant is left');
CALL be('adam', 'North');
SAVEPOINT granted;
SELECT lives_ok('DELETE FROM casnet.user_tenant_permissions WHERE permission = ''zzz_new''', 'an administrator of the tenant takes it away');
SELECT is((SELECT count(*) FROM casnet.user_tenant_permissions WHERE permission = 'zzz_new'), 0::bigint, 'it is gone');
ROLLBACK TO granted;
CALL be('adam', 'North');
SELECT throws_ok('UPDATE casnet.user_tenant_permissions SET permission = permission', '22023', NULL, 'no update writes it again');
SELECT lives_ok('SELECT casnet.remove_member(''vic'')', 'or removes the member');
-- It returns as a different permission.
SET LOCAL SESSION AUTHORIZATION tap_operator;
INSERT INTO casnet.role_permissions VALUES ('owner', 'zzz_new');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT ok(casnet.can('zzz_new'), 'made again');
SELECT is(public.rows_of('SELECT * FROM public.notes'), 0::bigint, 'policies know it');
CALL be('adam', 'North');
SELECT ok(NOT casnet.can('zzz_new'), 'who does not hold it');
SELECT is((SELECT count(*) FROM public.answers() AS a WHERE a ~ '^42501'), 4::bigint, 'is refused');
-- Built-in permissions always exist.
SET LOCAL SESSION AUTHORIZATION tap_operator;
DELETE FROM casnet.role_permissions WHERE permission = 'view_analytics';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT ok(NOT casnet.can('view_analytics'), 'a built-in one that no role has exists');
CALL be('sue', 'North');
SELECT ok(casnet.can('view_analytics'), 'and superusers hold it');
SELECT * FROM finish();
ROLLBACK;
