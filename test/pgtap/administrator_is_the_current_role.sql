-- The current role decides who is an administrator: within a SECURITY DEFINER function that
-- is the function's owner, not the session's role.
BEGIN;
SELECT plan(17);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
-- The same by tap_app, which is no administrator, and by tap_operator, a member of
-- casnet_admin.
SELECT format('CREATE FUNCTION public.%s_%s RETURNS %s LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS %L', o, f.name, f.type, f.body),
	format('ALTER FUNCTION public.%s_%s OWNER TO %s', o, f.name, CASE o WHEN 'plain' THEN 'tap_app' ELSE 'tap_operator' END)
  FROM unnest('{plain,admin}'::text[]) AS o,
	(VALUES ('is()', 'boolean', 'SELECT casnet_internal.is_administrator()'),
		('manage()', 'uuid', $$SELECT casnet_internal.tenant_to_manage('manage_users')$$),
		('found()', 'uuid', $$SELECT casnet.create_tenant('Nobody''s')$$),
		('give()', 'bigint', $$WITH i AS (INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES
			('00000000-0000-7000-8000-000000000004', '00000000-0000-7000-8000-0000000000a0', 'delete_records') RETURNING 1) SELECT count(*) FROM i$$)) AS f (name, type, body)
\gexec
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is(casnet_internal.is_administrator(), true, 'a member of casnet_admin is one');
SELECT is(public.plain_is(), false, 'but not within a function of a plain role');
SELECT is(public.admin_is(), true, 'within its own');
SET casnet.tenant_id = '00000000-0000-7000-8000-0000000000a0';
SELECT throws_ok('SELECT public.plain_manage()', '28000', 'nobody is signed in', 'where it manages nothing');
SELECT throws_ok('SELECT public.plain_found()', '28000', 'nobody is signed in', 'and founds no tenant');
SELECT throws_ok('SELECT public.plain_give()', '28000', 'nobody is signed in', 'and gives no permission');
SELECT is(public.admin_manage(), :'north'::uuid, 'what it does within its own');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT is(casnet_internal.is_administrator(), false, 'a plain role is no administrator');
SELECT is(public.plain_is(), false, 'nor within its own function');
SELECT is(public.admin_is(), true, 'but within one of an administrator');
SELECT throws_ok('SELECT public.plain_manage()', '42501', NULL, 'a member manages nobody');
SELECT throws_ok('SELECT public.plain_give()', '42501', NULL, 'and gives no permission');
SELECT is(public.admin_manage(), :'north'::uuid, 'but by a function of an administrator');
SELECT is(public.admin_give(), 1::bigint, 'gives one');
-- SET ROLE, in a session that began as the other role.
RESET SESSION AUTHORIZATION;
GRANT tap_app TO tap_operator;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SET LOCAL ROLE tap_app;
SELECT is(casnet_internal.is_administrator(), false, 'SET ROLE to a plain role');
RESET ROLE;
SELECT is(casnet_internal.is_administrator(), true, 'and back');
SET LOCAL ROLE tap_app;
SELECT throws_ok('INSERT INTO casnet.role_permissions VALUES (''viewer'', ''x'')', '42501', NULL, 'has its rights');
SELECT * FROM finish();
ROLLBACK;
