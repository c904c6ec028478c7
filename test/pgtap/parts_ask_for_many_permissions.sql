-- The parts of a statement need eight permissions each, together more than one call
-- accepts.  It asks for all of them, also when it locks rows.
BEGIN;
SELECT plan(5);
\ir include/fixtures.sql
SET LOCAL SESSION AUTHORIZATION tap_operator;
INSERT INTO casnet.role_permissions SELECT role, 'wide_' || n FROM unnest('{owner,member}'::text[]) AS role, generate_series(1, 64) AS n;
DELETE FROM casnet.role_permissions WHERE role = 'member' AND permission = 'wide_64';
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT format('CREATE TABLE public.wide_%s (tenant_id uuid, n int)', n),
	format('ALTER TABLE public.wide_%s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', n),
	format('CREATE POLICY p ON public.wide_%s USING (tenant_id = casnet.tenant_with(%L))', n, (SELECT string_agg('wide_' || m, ',') FROM generate_series(8 * n - 7, 8 * n) AS m))
  FROM generate_series(1, 8) AS n
\gexec
CREATE FUNCTION public.parts(last int) RETURNS text LANGUAGE sql AS $$
	SELECT 'SELECT ' || string_agg(format('(SELECT count(*) FROM public.wide_%s)', n), ' + ') || ' FROM casnet.records' FROM generate_series(1, last) AS n
$$;

CALL be('olga', 'North');
SELECT results_eq(public.parts(8), 'VALUES (0::bigint), (0), (0)', 'all are held');
SELECT results_eq(public.parts(8) || ' FOR UPDATE', 'VALUES (0::bigint), (0), (0)', 'by a statement that locks, too');
CALL be('mia', 'North');
SELECT results_eq(public.parts(7) || ' FOR UPDATE', 'VALUES (0::bigint), (0), (0)', 'seven parts');
SELECT throws_ok(public.parts(8), '42501', 'permission "wide_64" is missing in the active tenant', 'the last is missing');
SELECT throws_ok(public.parts(8) || ' FOR UPDATE', '42501', 'permission "wide_64" is missing in the active tenant', 'where rows are locked, too');
SELECT * FROM finish();
ROLLBACK;
