-- A second call changes nothing and says the same; so does install().  Both restore what is
-- missing.
BEGIN;
SELECT plan(16);
\ir include/fixtures.sql
\ir include/table_state.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.invoices (id int PRIMARY KEY, updated_at timestamptz);
CREATE TABLE public.days (day date) PARTITION BY RANGE (day);
CREATE TABLE public.days_all PARTITION OF public.days DEFAULT;
CREATE FUNCTION public.state() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT table_state('public.invoices') UNION SELECT table_state('public.days')
	UNION SELECT oid || polname FROM pg_policy UNION SELECT c.oid || c.relname FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace
$$;
SELECT casnet.protect('public.invoices') AS notes \gset
SELECT casnet.protect('public.days') IS NOT NULL AS protected \gset
CREATE TEMP TABLE before AS SELECT state();
TRUNCATE before;
INSERT INTO before SELECT state();

SELECT is(casnet.protect('public.invoices'), :'notes'::text[], 'the same notes');
SELECT is(casnet.protect('public.invoices', 'invoices', :'south'), :'notes'::text[], 'also with the resource and a tenant');
SELECT is(casnet.protect('public.days'), '{}', 'for a partitioned table');
SELECT set_eq('SELECT state()', 'TABLE before', 'nothing changed');
SELECT throws_ok('SELECT casnet.protect(''public.invoices'', ''bills'')', '55000', 'table public.invoices is protected as resource "invoices"', 'its resource stays');
SELECT is(casnet.install(), casnet.schema_version(), 'install()');
CREATE FUNCTION public.lasting() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT table_state('public.invoices') UNION SELECT table_state('public.days')
$$;
TRUNCATE before;
INSERT INTO before SELECT lasting();

-- Objects that somebody removed or changed.
DROP POLICY casnet_select ON public.invoices;
ALTER POLICY casnet_update ON public.invoices USING (true);
ALTER POLICY casnet_delete ON public.days_all TO casnet_admin;
ALTER TABLE public.invoices DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY, ALTER COLUMN tenant_id DROP DEFAULT;
ALTER TABLE public.days_all NO FORCE ROW LEVEL SECURITY;
DROP TRIGGER casnet_updated_at ON public.invoices;
SELECT set_hasnt('SELECT lasting()', 'SELECT * FROM before WHERE state ~ ''^trigger.*casnet_updated_at''', 'something is missing');
SELECT is(casnet.install(), casnet.schema_version(), 'install() again');
SELECT set_eq('SELECT lasting()', 'TABLE before', 'puts it back');
DROP POLICY casnet_insert ON public.invoices;
DROP INDEX public.invoices_tenant_id_id_idx;
ALTER TABLE public.days_all DISABLE ROW LEVEL SECURITY;
ALTER TABLE public.invoices ALTER COLUMN tenant_id DROP NOT NULL;
SELECT casnet.protect('public.invoices') IS NOT NULL AS one, casnet.protect('public.days') IS NOT NULL AS two \gset
SELECT set_eq('SELECT lasting()', 'TABLE before', 'so does protect()');

-- Grants and revocations by others stay.
REVOKE DELETE ON public.invoices FROM casnet_user;
SELECT casnet.protect('public.invoices') IS NOT NULL AS protected \gset
SELECT ok(NOT has_table_privilege('casnet_user', 'public.invoices', 'DELETE'), 'a revoked privilege');

-- Without the foreign key the table is protected still, and gets it again.
ALTER TABLE public.invoices DROP CONSTRAINT invoices_tenant_id_fkey;
SELECT is((SELECT count(*) FROM casnet.protected_tables), 2::bigint, 'a table that has lost its key');
SELECT casnet.protect('public.invoices') IS NOT NULL AS protected \gset
SELECT col_is_fk('public', 'invoices', 'tenant_id'::name, 'gets it again');

-- Objects added by somebody that widen access.
CREATE POLICY everybody ON public.invoices USING (true);
SELECT throws_ok('SELECT casnet.protect(''public.invoices'')', '55000', 'table public.invoices has permissive policies of its own', 'a policy that came later');
SELECT alike(error_of('SELECT casnet.protect(''public.invoices'')'), '%: everybody. | DROP POLICY everybody ON public.invoices;%', 'and how to drop it');
DROP POLICY everybody ON public.invoices;
CREATE POLICY odd ON public.invoices AS RESTRICTIVE USING (id % 2 = 1);
SELECT lives_ok('SELECT casnet.protect(''public.invoices'')', 'a restrictive one can stay');
SELECT * FROM finish();
ROLLBACK;
