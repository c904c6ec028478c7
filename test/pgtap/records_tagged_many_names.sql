-- Hundreds of names are planned in time proportional to their number, with the same
-- meaning.
BEGIN;
SELECT plan(12);
\ir include/fixtures.sql
CALL be('olga', 'North');
SELECT id AS first FROM casnet.records WHERE title = 'North record 1' \gset
SELECT id AS second FROM casnet.records WHERE title = 'North record 2' \gset
SELECT casnet.tag_record(:'first', VARIADIC array_agg('n' || n)) AS all_of FROM generate_series(1, 400) AS n \gset
SELECT casnet.tag_record(:'second', VARIADIC array_agg('n' || n)) AS but_one FROM generate_series(1, 399) AS n \gset
CREATE FUNCTION pg_temp.tagged(names text[], text[] DEFAULT '{}', text[] DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SELECT string_agg(right(r.title, 1), '','' ORDER BY r.title) FROM casnet.records AS r WHERE r.id IN (SELECT casnet.records_tagged(%L, %L, %L))', $1, $2, $3) INTO result;
	RETURN result;
END
$$;
SELECT is(pg_temp.tagged((SELECT array_agg('n' || i) FROM generate_series(1, n) AS i)), CASE WHEN n < 400 THEN '1,2' ELSE '1' END, n || ' names') FROM unnest('{7,8,9,10,50,399,400}'::integer[]) AS n;
SELECT is(pg_temp.tagged((SELECT array_agg('n' || i) FROM generate_series(1, 20) AS i) || '{missing}'::text[]), NULL, 'one of which no tag has');
SELECT is(pg_temp.tagged((SELECT array_agg('n' || (1 + i % 10)) FROM generate_series(1, 40) AS i)), '1,2', 'names that come again');
SELECT is(pg_temp.tagged((SELECT array_agg('n' || i) FROM generate_series(1, 20) AS i), '{n400}'), '1', 'with any of others');
SELECT is(pg_temp.tagged((SELECT array_agg('n' || i) FROM generate_series(1, 20) AS i), '{}', '{n400}'), '2', 'and none of others');
SELECT is((SELECT count(*) FROM pg_temp.tagged((SELECT array_agg('n' || i) FROM generate_series(1, 400) AS i), (SELECT array_agg('n' || i) FROM generate_series(1, 400) AS i)) AS t WHERE t = '1'), 1::bigint, 'hundreds in two places');
SELECT * FROM finish();
ROLLBACK;
