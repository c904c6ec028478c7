-- A table is protected by its owner, if that is an administrator, or by a superuser.
-- Everybody can read in the view what casnet knows of it, and nobody writes it.
BEGIN;
SELECT plan(20);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_owner;
GRANT casnet_admin TO tap_owner;
GRANT CREATE ON SCHEMA public TO tap_owner;
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE TABLE public.of_the_app (id int);
CALL be('olga', 'North');
SELECT throws_ok('SELECT casnet.protect(''public.of_the_app'')', '42501', 'only its owner may protect table public.of_the_app or undo it', 'an application may not, even if it owns it');
SELECT alike(error_of('SELECT casnet.protect(''public.of_the_app'')'), '%Connect as a superuser, or as the owner of the table, if that role is a member of casnet_admin.%', 'the hint says who may');
SELECT throws_ok('SELECT casnet.protect(''casnet.records'')', '42501', NULL, 'nor a table of casnet');
SELECT throws_ok('SELECT casnet.unprotect(''public.of_the_app'')', '42501', NULL, 'nor unprotect');
SELECT throws_ok('SELECT casnet.guard_schema(''public'')', '42501', NULL, 'nor guard');
CALL be(NULL);
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT throws_ok('SELECT casnet.protect(''public.of_the_app'')', '42501', 'only its owner may protect table public.of_the_app or undo it', 'nor an administrator who does not own it');
SELECT throws_ok('LOCK TABLE public.of_the_app', '42501', NULL, 'who could not lock it either');

SET LOCAL SESSION AUTHORIZATION tap_owner;
CREATE TABLE public.invoices (id int PRIMARY KEY, title text, updated_at timestamptz);
INSERT INTO public.invoices VALUES (1, 'x');
SELECT lives_ok(format('SELECT casnet.protect(''public.invoices'', tenant_id => %L)', :'north'), 'an owner who is');
SELECT lives_ok('SELECT casnet.protect(''public.invoices'')', 'again');
SELECT throws_ok('TABLE public.invoices', '28000', NULL, 'the owner is under the policies');
SELECT throws_ok('TABLE casnet_internal.protected', '42501', NULL, 'and does not read the table about it');
SELECT throws_ok('SELECT casnet_internal.begin_protection(''public.invoices'', ''x'', true, ''tenant_id'')', '55000', NULL, 'nor writes it');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT results_eq('SELECT relation::text, resource, policies, row_security, forced FROM casnet.protected_tables',
	$$VALUES ('invoices', 'invoices', '{casnet_delete,casnet_insert,casnet_select,casnet_update}'::text[], true, true)$$, 'everybody may know');
SELECT throws_ok('TABLE casnet_internal.protected', '42501', NULL, 'through the view only');
SELECT throws_ok('SELECT casnet_internal.begin_protection(''public.of_the_app'', ''x'', true, ''tenant_id'')', '42501', NULL, 'no function behind it');
SELECT throws_ok('SELECT casnet_internal.end_protection(''public.invoices'')', '42501', NULL, 'nor this one');
SELECT throws_ok('CREATE TABLE public.probe (t uuid REFERENCES casnet.tenants)', '42501', NULL, 'and no key of their own to tenants');
CALL be('mia', 'North');
SELECT is((SELECT count(*) FROM public.invoices), 1::bigint, 'members see the rows');
RESET SESSION AUTHORIZATION;
SELECT casnet.delete_tenant(:'north') IS NOT NULL AS deleted \gset
SELECT is_empty('TABLE public.invoices', 'the rows go with the tenant, under the policies of another owner');
SET LOCAL SESSION AUTHORIZATION tap_owner;
SELECT lives_ok('SELECT casnet.unprotect(''public.invoices'')', 'the owner undoes it');
SELECT * FROM finish();
ROLLBACK;
