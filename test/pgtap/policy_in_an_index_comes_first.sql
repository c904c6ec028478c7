-- A policy that is a condition of an index comes before the statement's conditions on it,
-- where these are checked again on a row.  A hash index asks for one of its conditions only.
BEGIN;
SELECT plan(4);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.boxes (owner text);
CREATE INDEX ON public.boxes USING hash (owner);
INSERT INTO public.boxes SELECT t FROM unnest(ARRAY[:'north', :'south']) AS t, generate_series(1, 100);
GRANT SELECT ON public.boxes TO PUBLIC;
ALTER TABLE public.boxes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON public.boxes USING (owner = casnet.tenant_with('view_records')::text);
ANALYZE public.boxes;
SET LOCAL SESSION AUTHORIZATION tap_app;
-- The server compares it with the policy once, and would then take it for the same.
CREATE FUNCTION public.changing(own text, other text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
	PERFORM set_config('mine.calls', (current_setting('mine.calls')::integer + 1)::text, true);
	RETURN CASE current_setting('mine.calls') WHEN '1' THEN own ELSE other END;
END
$$;
CREATE FUNCTION public.calls_for(other uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found bigint;
BEGIN
	PERFORM set_config('mine.calls', '0', true);
	EXECUTE format('EXECUTE q (%L, %L)', casnet.current_tenant_id(), other) INTO found;
	RETURN format('%s rows, %s calls', found, current_setting('mine.calls'));
END
$$;
CALL be('mia', 'North');
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;
SET LOCAL plan_cache_mode = force_generic_plan;
PREPARE q (text, text) AS SELECT count(*) FROM public.boxes WHERE owner = public.changing($1, $2);
SELECT public.calls_for(:'north') AS planned \g /dev/null
SELECT is(public.calls_for(:'north'), '100 rows, 102 calls', 'it is checked again on each row of the own tenant');
SELECT is(public.calls_for(:'south'), '0 rows, 2 calls', 'on none of another');
SELECT is(public.calls_for(:'nowhere'), '0 rows, 2 calls', 'as if there were none');
CALL be('mia', 'South');
SELECT is(public.calls_for(:'north'), '0 rows, 2 calls', 'also the other way round');
SELECT * FROM finish();
ROLLBACK;
