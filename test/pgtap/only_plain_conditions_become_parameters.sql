-- In a cached plan of a statement under policies, only "column = tenant_with()" becomes a
-- parameter.  It does so only if the statement does not wait for rows.  EXPLAIN EXECUTE shows
-- which.  The parameter has the same meaning.
BEGIN;
SELECT plan(19);
\ir include/fixtures.sql
\ir include/plan_of.sql
SET LOCAL plan_cache_mode = force_generic_plan;
CREATE FUNCTION public.first_of(name text) RETURNS uuid LANGUAGE sql STABLE SET search_path = pg_catalog AS $$ SELECT '00000000-0000-7000-8000-0000000001a0'::uuid WHERE name = 'view_records' $$;

CALL be('mia', 'North');
PREPARE two AS SELECT id FROM casnet.records UNION ALL SELECT id FROM casnet.tags;
PREPARE other AS SELECT title FROM casnet.records WHERE tenant_id <> casnet.tenant_with('view_records');
PREPARE computed AS SELECT title FROM casnet.records WHERE nullif(tenant_id, id) = casnet.tenant_with('view_records');
PREPARE differs AS SELECT title FROM casnet.records WHERE tenant_id IS DISTINCT FROM casnet.tenant_with('view_records');
PREPARE found AS SELECT title FROM casnet.records WHERE id = public.first_of('view_records');
PREPARE active AS SELECT count(*) FROM casnet.records WHERE tenant_id = casnet.current_tenant_id();
PREPARE own AS SELECT name FROM public.who WHERE id = casnet.tenant_with('view_records');
PREPARE locked AS SELECT title FROM casnet.records FOR UPDATE;
PREPARE changed AS WITH c AS (UPDATE casnet.tags SET name = name) SELECT title FROM casnet.records;
PREPARE copied AS INSERT INTO casnet.records (title) SELECT title FROM casnet.records;
SELECT matches(plan_of('EXECUTE two'), '(tenant_id = (\$[0-9]+)\).*){2}', 'tables under one permission have parameters');
SELECT matches(plan_of('EXECUTE two'), 'tenant_id = (\$[0-9]+)\).*tenant_id = \1\)', 'which are the same');
SELECT matches(plan_of('EXECUTE other'), 'tenant_id <> casnet.tenant_with\(', 'another operator');
SELECT matches(plan_of('EXECUTE computed'), $$\) = \$[0-9]+\)$$, 'what is no column, and equals the policy''s');
SELECT matches(plan_of('EXECUTE differs'), 'IS DISTINCT FROM casnet.tenant_with\(', 'what is no operator');
SELECT matches(plan_of('EXECUTE own'), 'id = casnet.tenant_with\(', 'a statement without policies');
SELECT matches(plan_of('EXECUTE locked'), 'tenant_id = casnet.tenant_with\(', 'one that locks rows');
SELECT matches(plan_of('EXECUTE changed'), 'tenant_id = casnet.tenant_with\(.*tenant_id = casnet.tenant_with\(', 'one that changes rows as well');
SELECT matches(plan_of('EXECUTE copied'), 'tenant_id = casnet.tenant_with', 'one that makes rows');
SELECT matches(plan_of('CREATE TEMPORARY TABLE made AS SELECT title FROM casnet.records'), 'tenant_id = casnet.tenant_with\(', 'what is planned for EXPLAIN alone');
SELECT results_eq('found', ARRAY['North record 1'], 'another function keeps its value');
SELECT results_eq('active', ARRAY[3::bigint], 'and one without arguments');
SELECT results_eq('own', ARRAY['North'], 'a statement without policies');
SELECT is_empty('other', 'no record of another tenant');
SELECT throws_ok($$SELECT 1 FROM casnet.records WHERE tenant_id = casnet.tenant_with(NULL)$$, '22023', NULL, 'no permission');
SELECT is_empty($$SELECT 1 FROM casnet.records WHERE tenant_id = casnet.tenant_with(title)$$, 'one computed from a row');
SELECT is_empty($$SELECT 1 FROM casnet.records WHERE tenant_id = casnet.tenant_with((ARRAY[title])[1])$$, 'or from a part of one');
-- A policy by column 256, whose number could be taken for that of no column.
SELECT 'CREATE TABLE public.wide (tenant_id uuid, ' || string_agg('c' || n || ' text', ', ') || ')' AS wide FROM generate_series(2, 256) AS n \gset
:wide;
ALTER TABLE public.wide ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON public.wide USING (tenant_id = casnet.tenant_with(c256)) WITH CHECK (true);
INSERT INTO public.wide (tenant_id, c256) VALUES (casnet.current_tenant_id(), 'view_records');
SELECT is_empty('SELECT 1 FROM public.wide', 'also by a policy');
-- A worker does not get the parameter.
SELECT set_config(CASE WHEN current_setting('server_version_num')::integer < 160000 THEN 'force_parallel_mode' ELSE 'debug_parallel_query' END, 'on', true);
PREPARE parted AS SELECT title FROM casnet.records;
SELECT matches(plan_of('EXECUTE parted'), 'Gather.*tenant_id = casnet.tenant_with\(', 'one with parallel parts');
SELECT * FROM finish();
ROLLBACK;
