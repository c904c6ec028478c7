-- What the server shows of a statement is the same for a value that only another tenant has
-- and for a value that none has.  That is the plan by each kind of scan and with expensive
-- index entries, what EXPLAIN ANALYZE adds, and the counters.
BEGIN;
SELECT plan(78);
\ir include/fixtures.sql
\ir include/shown.sql
RESET SESSION AUTHORIZATION;
-- Many rows in South, and statistics that know them: a common title, and others.
INSERT INTO casnet.records (tenant_id, title, content) SELECT :'south', CASE WHEN n % 3 = 0 THEN 'Common' ELSE 'Rare ' || n END, 'secretword' FROM generate_series(1, 1500) AS n;
INSERT INTO casnet.records (tenant_id, title, content) SELECT :'north', 'Mine ' || n, 'ownword' FROM generate_series(1, 600) AS n;
INSERT INTO casnet.tasks (tenant_id, title, due_date) SELECT :'south', 'Common', '2031-01-01' FROM generate_series(1, 500) AS n;
INSERT INTO casnet.tasks (tenant_id, title, due_date) SELECT :'north', 'Mine ' || n, '2020-01-01' FROM generate_series(1, 300) AS n;
INSERT INTO public.invoices (tenant_id, id, title) SELECT :'south', n, 'Common' FROM generate_series(1, 500) AS n;
ANALYZE casnet.records, casnet.tasks, public.invoices, casnet.users, casnet.tenants, casnet.user_tenants;
SET LOCAL SESSION AUTHORIZATION tap_app;
SET LOCAL jit = off;
CREATE TABLE public.settings (n integer, name text, statement text);
INSERT INTO public.settings VALUES (1, 'sequential', 'SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off; SET LOCAL enable_bitmapscan = off'),
	(2, 'index', 'SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off'),
	(3, 'bitmap', 'SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off'),
	(4, 'dear index', 'SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL cpu_index_tuple_cost = 1000');
-- Scans and rows that the server counted of each table together with its indexes.
CREATE FUNCTION public.counted() RETURNS TABLE (name text, scans bigint, returned bigint) LANGUAGE sql VOLATILE AS $$
	SELECT coalesce(i.indrelid, c.oid)::regclass::text, sum(pg_stat_get_xact_numscans(c.oid)), sum(pg_stat_get_xact_tuples_returned(c.oid))
	  FROM pg_class AS c LEFT JOIN pg_index AS i ON i.indexrelid = c.oid
	 WHERE c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace, 'public'::regnamespace) AND c.relkind IN ('r', 'i') GROUP BY 1
$$;
-- What the server reveals about a statement, without the value and the name of the index:
-- the planner chooses among several.
CREATE FUNCTION public.told(statement text, value text, setting text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	filled text := format(statement, value);
	result text;
	before jsonb;
BEGIN
	EXECUTE setting;
	-- First lookups do not count.
	EXECUTE filled;
	result := public.shown(filled) || public.shown(filled, 'ANALYZE, TIMING OFF, SUMMARY OFF') || public.shown(filled, 'ANALYZE, VERBOSE, TIMING OFF, SUMMARY OFF, FORMAT YAML');
	SELECT jsonb_object_agg(c.name, to_jsonb(c)) INTO before FROM public.counted() AS c;
	EXECUTE filled;
	result := result || coalesce((SELECT string_agg(format('%s: %s of %s', c.name, c.scans - (before->c.name->>'scans')::bigint, c.returned - (before->c.name->>'returned')::bigint), E'\n' ORDER BY c.name)
		FROM public.counted() AS c WHERE to_jsonb(c) <> before->c.name), '');
	RAISE EXCEPTION USING ERRCODE = 'ZZZZZ';
EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
	RETURN regexp_replace(replace(result, value, '?'), '\m\w+_(idx|pkey|key)\M', 'an index', 'g');
END
$$;
CREATE TABLE public.lookups (n integer, statement text, hidden text, missing text);
INSERT INTO public.lookups VALUES (1, 'SELECT FROM casnet.records WHERE tenant_id = %L', :'south', :'nowhere'),
	(2, 'SELECT FROM casnet.records WHERE tenant_id >= %L', :'south', :'nowhere'),
	(3, 'SELECT FROM casnet.records WHERE tenant_id IN (%L, gen_random_uuid())', :'south', :'nowhere'),
	(4, 'SELECT count(*) FROM casnet.records WHERE title = %L', 'Common', 'Absent'),
	(5, 'SELECT FROM casnet.records WHERE title BETWEEN %1$L AND %1$L || ''z''', 'Common', 'Absent'),
	(6, 'SELECT FROM casnet.records WHERE id = %L', '00000000-0000-7000-8000-0000000001b0', '00000000-0000-7000-8000-00000000ffff'),
	(7, 'SELECT FROM casnet.records WHERE search_vector OPERATOR(casnet.@~) casnet.search_query(%L)', 'secretword', 'absentword'),
	(8, 'SELECT FROM casnet.records WHERE title OPERATOR(casnet.*=*) %L', 'Rare', 'Void'),
	(9, 'SELECT FROM casnet.tags WHERE name = %L', 'South tag', 'Wrong tag'),
	(10, 'SELECT FROM casnet.tasks WHERE due_date = %L', '2031-01-01', '2032-01-01'),
	(11, 'UPDATE casnet.tasks SET title = title WHERE tenant_id = %L', :'south', :'nowhere'),
	(12, 'DELETE FROM casnet.records WHERE title = %L', 'Common', 'Absent'),
	(13, 'SELECT FROM public.invoices WHERE tenant_id = %L', :'south', :'nowhere'),
	(14, 'SELECT FROM public.invoices WHERE title = %L', 'Common', 'Absent'),
	(15, 'SELECT FROM casnet.user_tenants WHERE user_id = %L', :'otto', :'nowhere'),
	(16, 'SELECT FROM casnet.user_tenants WHERE tenant_id = %L', :'south', :'nowhere'),
	(17, 'SELECT FROM casnet.users WHERE id = %L', :'otto', :'nowhere'),
	(18, 'SELECT FROM casnet.users WHERE email = %L', 'otto@south.test', 'none@south.test'),
	(19, 'SELECT FROM casnet.tenants WHERE id = %L', :'south', :'nowhere'),
	(20, 'SELECT FROM casnet.tenants WHERE name = %L', 'South', 'Nowhe'),
	(21, 'SELECT FROM casnet.records AS r JOIN casnet.tasks AS t ON t.tenant_id = r.tenant_id WHERE t.title = %L', 'Common', 'Absent'),
	(22, 'SELECT FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(ARRAY[%L]))', 'South tag', 'Wrong tag');
CALL be('olga', 'North');
SELECT is(public.told(l.statement, l.hidden, s.statement), public.told(l.statement, l.missing, s.statement), s.name || ': ' || l.statement)
  FROM public.lookups AS l, public.settings AS s
 -- The planner chooses by its estimates, as docs/limits.md says: which
 -- conditions an index of several columns takes, which index it reads for all
 -- rows, and which table of a join comes first.
 WHERE NOT (l.n IN (1, 10) AND s.n > 1) AND l.n <> 21 ORDER BY l.n, s.n;
SELECT * FROM finish();
ROLLBACK;
