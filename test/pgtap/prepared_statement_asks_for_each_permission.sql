-- A prepared statement can read more tables than one call asks for.  Every execution needs
-- each of their permissions, even with a plan made before.
BEGIN;
SELECT plan(42);
\ir include/fixtures.sql
SET LOCAL SESSION AUTHORIZATION tap_operator;
INSERT INTO casnet.role_permissions SELECT role, 'ask_' || n FROM unnest('{owner,member}'::text[]) AS role, generate_series(1, 10) AS n;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT format('CREATE TABLE public.ask_%s (tenant_id uuid, n int)', n),
	format('INSERT INTO public.ask_%s VALUES (%L, 1), (%L, 1)', n, :'north', :'south'),
	format('ALTER TABLE public.ask_%s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', n),
	format('CREATE POLICY p ON public.ask_%s USING (tenant_id = casnet.tenant_with(%L))', n, 'ask_' || n)
  FROM generate_series(1, 10) AS n
\gexec
SELECT string_agg(format('(SELECT count(*) FROM public.ask_%s)', n), ' + ') AS sum FROM generate_series(1, 10) AS n \gset
SET LOCAL plan_cache_mode = force_generic_plan;
CALL be('mia', 'North');
PREPARE each AS SELECT :sum;
PREPARE locking AS SELECT :sum FROM casnet.records WHERE title ~ '1$' FOR UPDATE;
PREPARE tables AS SELECT (SELECT count(*) FROM casnet.persons), (SELECT count(*) FROM casnet.records), (SELECT count(*) FROM casnet.tags),
	(SELECT count(*) FROM casnet.record_tags), (SELECT count(*) FROM casnet.tasks), (SELECT count(*) FROM casnet.calendar_events), :sum;
SELECT results_eq('each', ARRAY[10::bigint], 'all are held');
SELECT results_eq('locking', ARRAY[10::bigint], 'by a statement that locks, too');
SELECT results_eq('tables', 'VALUES (1::bigint, 3::bigint, 1::bigint, 2::bigint, 1::bigint, 1::bigint, 10::bigint)', 'with the tables of casnet');

-- The error of a statement without one of the permissions, which is then restored.
CREATE FUNCTION public.take(wanted text) RETURNS void LANGUAGE sql SECURITY DEFINER AS
	$$DELETE FROM casnet.role_permissions WHERE role = 'member' AND permission = wanted$$;
RESET SESSION AUTHORIZATION;
ALTER FUNCTION public.take(text) OWNER TO tap_operator;
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE FUNCTION public.without(wanted text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	PERFORM public.take(wanted);
	answer := public.error_of('EXECUTE ' || statement);
	RAISE EXCEPTION USING ERRCODE = 'ZZZZY', MESSAGE = answer;
EXCEPTION WHEN SQLSTATE 'ZZZZY' THEN
	RETURN split_part(SQLERRM, ' |  |', 1);
END
$$;
SELECT is(public.without(p, s), format('42501 | permission "%s" is missing in the active tenant', p), s || ' without ' || p)
  FROM (SELECT 'ask_' || n, s FROM unnest('{each,locking,tables}'::text[]) AS s, generate_series(1, 10) AS n
	UNION ALL SELECT 'view_' || t, 'tables' FROM unnest('{persons,records,tags,tasks,calendar}'::text[]) AS t) AS v (p, s);
-- The same as another user, and in another tenant.
CALL be('otto', 'South');
SELECT results_eq('each', ARRAY[10::bigint], 'an owner elsewhere');
SELECT results_eq('tables', 'VALUES (1::bigint, 3::bigint, 1::bigint, 2::bigint, 1::bigint, 1::bigint, 10::bigint)', 'and the tables of casnet');
CALL be('vic', 'North');
SELECT throws_ok('EXECUTE each', '42501', 'permission "ask_1" is missing in the active tenant', 'a viewer has none');
SELECT throws_ok('EXECUTE locking', '42501', NULL, 'to lock by');
SELECT * FROM finish();
ROLLBACK;
