-- A call that asks again for each row, since the session has changed meanwhile, keeps one
-- answer and not all of them.
BEGIN;
SELECT plan(3);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE FUNCTION public.kilobytes() RETURNS bigint LANGUAGE sql SECURITY DEFINER
RETURN (SELECT sum(total_bytes)::bigint / 1024 FROM pg_catalog.pg_backend_memory_contexts WHERE name = 'ExecutorState');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
CREATE FUNCTION pg_temp.move(i integer) RETURNS boolean LANGUAGE sql AS $$
SELECT set_config('casnet.tenant_id', CASE i % 2 WHEN 0 THEN '00000000-0000-7000-8000-0000000000a0' ELSE '' END, true) IS NOT NULL
$$;
-- Memory that the first calls take is not counted.
CREATE TEMP TABLE asked AS
SELECT i, pg_temp.move(i) AND casnet.can('view_records') AS can,
	CASE WHEN pg_temp.move(i * 2) THEN casnet.tenant_with('view_records') END AS tenant,
	CASE WHEN i IN (2000, 22000) THEN public.kilobytes() END AS kilobytes
FROM generate_series(1, 22000) AS i;
SELECT is(count(*) FILTER (WHERE can), 11000::bigint, 'can() follows the session from row to row') FROM asked;
SELECT is(count(tenant), 22000::bigint, 'tenant_with() is asked, too') FROM asked;
SELECT cmp_ok(max(kilobytes) - min(kilobytes), '<=', 256::bigint, 'at the memory of one answer') FROM asked;
SELECT * FROM finish();
ROLLBACK;
