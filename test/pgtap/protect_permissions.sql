-- The roles get on a protected table the permissions that they have on casnet's tables.
-- Members can be granted others.
BEGIN;
SELECT plan(21);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.invoices (id int PRIMARY KEY, title text);
SELECT casnet.protect('public.invoices') IS NOT NULL AS protected \gset
INSERT INTO public.invoices (tenant_id, id) VALUES (:'north', 1);
SET LOCAL SESSION AUTHORIZATION tap_app;

-- sqlstate of the four commands, 'none' where the policy lets them through
CREATE FUNCTION pg_temp.commands() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(state_of(s), ' ')
	  FROM unnest(ARRAY['TABLE public.invoices', 'INSERT INTO public.invoices (id) VALUES (2)',
						'UPDATE public.invoices SET title = ''x''', 'DELETE FROM public.invoices']) AS s
$$;
CALL be('vic', 'North');
SELECT is(pg_temp.commands(), 'none 42501 42501 42501', 'viewer');
CALL be('mia', 'North');
SELECT is(pg_temp.commands(), 'none none none 42501', 'member');
CALL be('adam', 'North');
SELECT is(pg_temp.commands(), 'none none none none', 'admin');
CALL be('olga', 'North');
SELECT is(pg_temp.commands(), 'none none none none', 'owner');
CALL be('ines', 'North');
SELECT is(pg_temp.commands(), '28000 28000 28000 28000', 'an inactive user');
CALL be('nora', 'North');
SELECT is(pg_temp.commands(), '42501 42501 42501 42501', 'a user of no tenant');
CALL be('sue', 'North');
SELECT is(pg_temp.commands(), 'none none none none', 'a superuser of the application');

CALL be('vic', 'North');
SELECT throws_ok('DELETE FROM public.invoices', '42501', 'permission "delete_invoices" is missing in the active tenant', 'the permission is named');
SELECT ok(NOT casnet.can('edit_invoices'), 'can() knows it');
CALL be('olga', 'North');
SELECT ok(casnet.grant_permission('vic', 'edit_invoices'), 'it can be granted');
CALL be('vic', 'North');
SELECT is(pg_temp.commands(), 'none 42501 none 42501', 'in person');
CALL be('mia', 'South');
SELECT is(pg_temp.commands(), 'none 42501 42501 42501', 'in one tenant');

SET LOCAL SESSION AUTHORIZATION tap_operator;
DELETE FROM casnet.role_permissions WHERE role = 'viewer' AND permission = 'view_invoices';
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok('TABLE public.invoices', '42501', NULL, 'an administrator takes it from a role');
RESET SESSION AUTHORIZATION;
SELECT lives_ok('SELECT casnet.protect(''public.invoices'')', 'protect() again');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok('TABLE public.invoices', '42501', NULL, 'leaves it so');
RESET SESSION AUTHORIZATION;

-- When the table is dropped, its permissions are removed, and unknown.
SELECT lives_ok('SELECT casnet.unprotect(''public.invoices'')', 'unprotect()');
SELECT is((SELECT count(*) FROM casnet.role_permissions WHERE permission ~ 'invoices'), 0::bigint, 'no role has them');
SELECT is((SELECT count(*) FROM casnet.user_tenant_permissions WHERE permission ~ 'invoices'), 0::bigint, 'and no member');

-- Permissions that existed before are an administrator's: they stay as they are.
INSERT INTO casnet.role_permissions VALUES ('viewer', 'delete_invoices');
SELECT casnet.protect('public.invoices', tenant_id => :'north') IS NOT NULL AS protected \gset
SELECT is((SELECT string_agg(role, ' ') FROM casnet.role_permissions WHERE permission = 'delete_invoices'), 'viewer', 'a permission that was there');
SELECT is((SELECT string_agg(role, ' ' ORDER BY role) FROM casnet.role_permissions WHERE permission = 'edit_invoices'), 'admin member owner', 'beside new ones');
SELECT casnet.unprotect('public.invoices');
SELECT is((SELECT string_agg(permission, ' ') FROM casnet.role_permissions WHERE permission ~ 'invoices'), 'delete_invoices', 'and outlives them');
SELECT * FROM finish();
ROLLBACK;
