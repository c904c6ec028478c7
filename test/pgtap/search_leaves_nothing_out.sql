-- A user cannot make GIN indexes omit rows, which would depend on how many rows of all
-- tenants have a word.  No way of changing the setting does so, even while a statement runs.
BEGIN;
SELECT plan(8);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.records (tenant_id, title, content) SELECT :'south', 'hidden', 'zebra' FROM generate_series(1, 100);
INSERT INTO casnet.records (tenant_id, title, content) SELECT :'north', 'own', 'zebra' FROM generate_series(1, 20);
INSERT INTO casnet.records (tenant_id, title) SELECT :'north', 'another' FROM generate_series(1, 800);
-- Empty the index's pending list.
SELECT gin_clean_pending_list(i.indexrelid) AS cleaned FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid AND c.relname = 'records_tenant_id_search_vector_idx' \gset
ANALYZE casnet.records;
SET LOCAL SESSION AUTHORIZATION tap_app;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_indexscan = off;
CREATE VIEW public.found WITH (security_invoker) AS SELECT id FROM casnet.records WHERE search_vector OPERATOR(casnet.@~) 'zebra';
CREATE FUNCTION public.limited() RETURNS bigint LANGUAGE sql SET gin_fuzzy_search_limit = 1 AS 'SELECT count(*) FROM public.found';
CREATE FUNCTION public.change(n integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('gin_fuzzy_search_limit', '1', true); RETURN n; END $$;
CREATE FUNCTION public.back() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RESET gin_fuzzy_search_limit; RETURN true; END $$;
CALL be('mia', 'North');
\ir include/shown.sql
SELECT alike(public.shown('SELECT FROM public.found'), '%search_vector_idx%', 'the index is read');
SELECT is((SELECT count(*) FROM public.found), 20::bigint, 'all are found');
SET gin_fuzzy_search_limit = 1;
SELECT is((SELECT count(*) FROM public.found), 20::bigint, 'after SET');
SET LOCAL gin_fuzzy_search_limit = 2;
SELECT is((SELECT count(*) FROM public.found), 20::bigint, 'after SET LOCAL');
RESET gin_fuzzy_search_limit;
SELECT is(public.limited(), 20::bigint, 'in a function with that setting');
SELECT is((SELECT array_agg(n ORDER BY n) FROM (SELECT public.change(i) AS c, (SELECT count(*) FROM public.found WHERE i > 0) AS n FROM generate_series(1, 3) AS i) AS s), '{20,20,20}'::bigint[], 'changed while a statement runs');
SELECT is((SELECT array_agg(n ORDER BY n) FROM (SELECT public.back() AS c, (SELECT count(*) FROM public.found WHERE i > 0) AS n FROM generate_series(1, 3) AS i) AS s), '{20,20,20}'::bigint[], 'and brought back');
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL gin_fuzzy_search_limit = 1;
SELECT is((SELECT count(*) FROM public.found), 20::bigint, 'in parallel');
SELECT * FROM finish();
ROLLBACK;
