-- x IN (a query of records_tagged()) is the answer of that query.  What the query does with
-- the rows counts, and so do comparisons other than IN.
BEGIN;
SELECT plan(18);
\ir include/fixtures.sql
CALL be('olga', 'North');
SELECT casnet.tag_record('00000000-0000-7000-8000-0000000001a0', 'a');
SELECT casnet.tag_record('00000000-0000-7000-8000-0000000002a0', 'b');
SELECT casnet.tag_record('00000000-0000-7000-8000-0000000003a0', 'a', 'b');
CREATE FUNCTION public.second() RETURNS uuid LANGUAGE plpgsql AS $$ BEGIN RETURN '00000000-0000-7000-8000-0000000002a0'; END $$;
CREATE FUNCTION pg_temp.records_where(condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	numbers text;
BEGIN
	EXECUTE 'SELECT string_agg(right(title, 1), '' '' ORDER BY title) FROM casnet.records AS r WHERE ' || condition INTO numbers;
	RETURN coalesce(numbers, 'none');
END
$$;
SELECT is(pg_temp.records_where(condition), numbers, condition) FROM (VALUES
	('id IN (SELECT casnet.records_tagged(''{a}''))', '1 3'),
	('id IN (SELECT t FROM casnet.records_tagged(''{a}'') AS t WHERE false)', 'none'),
	('id IN (SELECT casnet.records_tagged(''{a}'') HAVING false)', 'none'),
	('id IN (SELECT casnet.records_tagged(''{a}'') LIMIT 0)', 'none'),
	('id IN (SELECT casnet.records_tagged(''{a}'') OFFSET 2)', 'none'),
	('id IN (SELECT t FROM casnet.records_tagged(''{a}'') AS t ORDER BY generate_series(1, 0))', 'none'),
	('id IN (SELECT t FROM casnet.records_tagged(''{a}'') AS t, generate_series(1, 0))', 'none'),
	('id NOT IN (SELECT t FROM casnet.records_tagged(''{a}'') AS t GROUP BY ROLLUP (t))', 'none'),
	('id NOT IN (SELECT t FROM ROWS FROM (casnet.records_tagged(''{a}''), generate_series(1, 9)) AS f (t, n))', 'none'),
	('id IN (SELECT public.second() FROM casnet.records_tagged(''{a}''))', '2'),
	('id IN (SELECT r.id FROM casnet.records_tagged(''{a}''))', '1 2 3'),
	('id IN (SELECT record_id FROM casnet.tasks WHERE record_id NOT IN (SELECT casnet.records_tagged(''{b}'')))', '1'),
	('id = ALL (SELECT casnet.records_tagged(''{a,b}''))', '3'),
	('id > ANY (SELECT casnet.records_tagged(''{a,b}''))', 'none'),
	('(SELECT id FROM casnet.records WHERE title ~ ''3$'') IN (SELECT casnet.records_tagged(none_of => ''{North tag}''))', '1 2 3'),
	('id IN (SELECT casnet.records_tagged(''{a}'') FROM unnest(''{b}''::text[]))', '1 3')) AS v (condition, numbers);
SELECT is((SELECT count(*) FROM casnet.records_tagged('{a}'), unnest('{b}'::text[])), 2::bigint, 'another function in FROM');

-- The compared value is computed once.
CREATE SEQUENCE public.calls;
CREATE FUNCTION public.third() RETURNS uuid LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('public.calls'); RETURN '00000000-0000-7000-8000-0000000003a0'; END $$;
SELECT is((SELECT count(*) FROM generate_series(1, 4) WHERE public.third() IN (SELECT casnet.records_tagged('{a,b}'))) * 10 + (SELECT last_value FROM public.calls), 44::bigint, 'a volatile function');
SELECT * FROM finish();
ROLLBACK;
