-- A part of a query that the planner has proved empty is not read after all because a
-- policy is restored in it.  No row comes twice, and none of another tenant.
BEGIN;
SELECT plan(37);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.parts (id integer, tenant_id uuid, note text) PARTITION BY RANGE (id);
CREATE TABLE public.parts_1 PARTITION OF public.parts FOR VALUES FROM (0) TO (10);
CREATE TABLE public.parts_2 PARTITION OF public.parts FOR VALUES FROM (10) TO (20);
SELECT casnet.protect('public.parts', 'records') IS NOT NULL AS protected \g /dev/null
INSERT INTO public.parts SELECT n, CASE n % 2 WHEN 0 THEN :'north' ELSE :'south' END::uuid, 'note' FROM generate_series(0, 19) AS n;
CREATE TABLE public.old (id integer CHECK (id < 10), tenant_id uuid, note text);
CREATE TABLE public.old_child (CHECK (id < 5)) INHERITS (public.old);
ALTER TABLE public.old ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.old_child ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON public.old USING (tenant_id = casnet.tenant_with('view_records'));
CREATE POLICY p ON public.old_child USING (tenant_id = casnet.tenant_with('view_records'));
INSERT INTO public.old_child SELECT n, CASE n % 2 WHEN 0 THEN :'north' ELSE :'south' END::uuid, 'note' FROM generate_series(0, 4) AS n;
GRANT SELECT ON public.parts, public.old, public.old_child TO PUBLIC;
ANALYZE;
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE FUNCTION public.mine() RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT current_setting('casnet.tenant_id')::uuid $$;
CALL be('mia', 'North');
CREATE TABLE public.queries (n integer, query text, rows text);
INSERT INTO public.queries VALUES
	(1, 'SELECT count(*) FROM (SELECT 1 AS k, title FROM casnet.records UNION ALL SELECT 2, title FROM casnet.records) AS u WHERE k = 1', '3'),
	(2, 'SELECT count(title) || max(title) FROM (SELECT 1 AS k, title FROM casnet.records UNION ALL SELECT 2, title FROM casnet.records) AS u WHERE k = 1', '3North record 3'),
	(3, 'SELECT count(*) FROM (SELECT 1 AS k, id FROM casnet.records UNION ALL SELECT 2, id FROM casnet.persons UNION ALL SELECT 3, id FROM casnet.tags) AS u WHERE k = 2', '1'),
	(4, 'SELECT count(*) FROM (SELECT 1 AS k, tenant_id FROM casnet.records UNION ALL SELECT 2, tenant_id FROM casnet.records) AS u WHERE k = 1 AND tenant_id = public.mine()', '3'),
	(5, 'SELECT count(*) FROM ONLY public.parts WHERE tenant_id = public.mine()', '0'),
	(6, 'SELECT count(*) FROM public.parts WHERE tenant_id = public.mine() AND id < 10', '5'),
	(7, 'SELECT count(*) FROM public.parts WHERE tenant_id = public.mine() AND id < 0', '0'),
	(8, 'SELECT count(*) FROM public.old WHERE tenant_id = public.mine() AND id > 6', '0'),
	(9, 'SELECT count(*) FROM casnet.records WHERE false AND tenant_id = public.mine()', '0'),
	(10, 'SELECT count(*) FROM casnet.records AS r LEFT JOIN (SELECT id FROM casnet.tasks WHERE false) AS t USING (id) WHERE r.tenant_id = public.mine()', '3'),
	(11, 'SELECT count(*) FROM (SELECT 1 AS k FROM casnet.users UNION ALL SELECT 2 FROM casnet.users) AS u WHERE k = 1', '5'),
	(12, 'SELECT count(*) FROM (SELECT 1 AS k FROM casnet.tenants UNION ALL SELECT 2 FROM casnet.tenants) AS u WHERE k = 2', '2');
SELECT is(outcome(query), rows, query) FROM public.queries ORDER BY n;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;
SELECT is(outcome(query), rows, 'by index: ' || query) FROM public.queries ORDER BY n;
SET LOCAL enable_indexscan = off;
SET LOCAL enable_indexonlyscan = off;
SET LOCAL enable_bitmapscan = on;
SELECT is(outcome(query), rows, 'by bitmap: ' || query) FROM public.queries ORDER BY n;
SELECT is((SELECT count(*) FROM public.queries), 12::bigint, 'all queries were tried');
SELECT * FROM finish();
ROLLBACK;
