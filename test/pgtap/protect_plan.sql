-- The plan of a protected table is that of the hand-written condition: the
-- index led by tenant_id, with the value of the session, and the order from it.
BEGIN;
SELECT plan(7);
\ir include/fixtures.sql
\ir include/plan_of.sql
RESET SESSION AUTHORIZATION;
GRANT pg_read_all_stats TO tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
RESET SESSION AUTHORIZATION;
CREATE TABLE public.invoices (id int PRIMARY KEY, title text);
SELECT unnest(casnet.protect('public.invoices')) \gexec
INSERT INTO public.invoices (tenant_id, id) SELECT t.id, n FROM casnet.tenants AS t, generate_series(1, 200) AS n;
ANALYZE public.invoices;
CREATE FUNCTION public.estimate_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	EXECUTE 'EXPLAIN ' || statement INTO line;
	RETURN substring(line FROM 'rows=.*');
END
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;

SELECT is(plan_of('SELECT * FROM public.invoices WHERE id = 7'),
	E'Index Scan using invoices_pkey on invoices\n  Index Cond: ((tenant_id = casnet.tenant_with(''view_invoices''::text)) AND (id = 7))\n', 'point read');
SELECT is(plan_of('SELECT id FROM public.invoices ORDER BY id LIMIT 5'),
	E'Limit\n  ->  Index Only Scan using invoices_pkey on invoices\n        Index Cond: (tenant_id = casnet.tenant_with(''view_invoices''::text))\n', 'the order is that of the index');
SELECT matches(plan_of('UPDATE public.invoices SET title = ''x'' WHERE id = 7'),
	'Index Cond: \(\(tenant_id = casnet.tenant_with\(''edit_invoices,view_invoices''::text\)\) AND \(id = 7\)\)', 'two policies are one condition');
SELECT matches(plan_of('SELECT * FROM public.invoices AS i JOIN casnet.records AS r ON r.tenant_id = i.tenant_id AND r.title = i.title WHERE i.id = 7'),
	'Index Cond: \(\(tenant_id = casnet.tenant_with\(''view_invoices,view_records''::text\)\) AND \(id = 7\)\)', 'also beside a table of casnet');
SET LOCAL plan_cache_mode = force_generic_plan;
PREPARE point (int) AS SELECT id FROM public.invoices WHERE id = $1;
SELECT matches(plan_of('EXECUTE point (7)'), 'Index Cond: \(\(tenant_id = \$0\) AND \(id = \$1\)\)', 'a generic plan');
RESET enable_seqscan;
SELECT is(substring(estimate_of('TABLE public.invoices'), 'rows=\d+'), 'rows=200', 'the estimate is that of the tenant');
SELECT is(estimate_of('TABLE public.invoices'), estimate_of('SELECT * FROM public.invoices WHERE tenant_id = ''00000000-0000-7000-8000-0000000000a0'''), 'as by hand');
SELECT * FROM finish();
ROLLBACK;
