-- No search keeps a session busy or takes memory that the texts do not account for: neither
-- what is shown of a record nor its rank.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
SET LOCAL SESSION AUTHORIZATION tap_app;
SET LOCAL statement_timeout = '10s';
CALL be('olga', 'North');
INSERT INTO casnet.records (title, content) VALUES ('phrases', repeat('aaaaaaaaaaaa b ', 5500)),
	('beginnings', (SELECT string_agg(repeat('a', 1 + i % 200), ' ') FROM generate_series(1, 880) AS i)),
	('all', (SELECT string_agg((SELECT string_agg('w' || w, ' ') FROM generate_series(1, 64) AS w), ' ') FROM generate_series(1, 300) AS i));
CREATE FUNCTION pg_temp.rows(query text) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FILTER (WHERE snippet LIKE '%<b>%') FROM casnet.search_records(query)
$$;
RESET SESSION AUTHORIZATION;
CREATE FUNCTION pg_temp.most() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	RETURN 1024 * substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s+(\d+) kB')::bigint;
END
$$;
SELECT pg_temp.most() AS before, clock_timestamp() AS began \gset
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(pg_temp.rows('"' || rtrim(repeat('aaaaaaaaaaaa b ', 10)) || '"'), 1::bigint, 'a long phrase');
SELECT is(pg_temp.rows('"' || rtrim(repeat('aaaaaaaaaaaa b ', 60)) || '"'), 1::bigint, 'a longer one');
SELECT is(pg_temp.rows((SELECT string_agg(repeat('a', i) || '*', ' ') FROM generate_series(1, 60) AS i)), 1::bigint, 'many beginnings');
SELECT is(pg_temp.rows((SELECT string_agg('w' || w, ' ') FROM generate_series(1, 64) AS w)), 1::bigint, 'many words that must all be there');
SELECT is(pg_temp.rows((SELECT string_agg('w' || w, ' or ') FROM generate_series(1, 64) AS w)), 1::bigint, 'or some of them');
SELECT matches(casnet_internal.search_snippet(repeat('alpha beta ', 8000), (SELECT string_agg(format('alpha <%s> beta', i), '|') FROM generate_series(1, 3000) AS i)::tsquery), '^<b>alpha</b> ', 'a query that nobody typed');
RESET SESSION AUTHORIZATION;
SELECT cmp_ok(clock_timestamp() - :'began'::timestamptz, '<', interval '9 seconds', 'take some seconds together');
SELECT cmp_ok(pg_temp.most() - :before, '<', 300000000::bigint, 'and some megabytes');
-- Few words are ranked by how near they stand, many are not.
SELECT is((SELECT array_agg(casnet_internal.record_rank(v, q) = ts_rank(v, q)) FROM to_tsvector('simple', 'a b c d e f g h i j') AS v,
		   unnest(ARRAY['a & b', 'a & b & c & d & e & f & g & h', 'a & b & c & d & e & f & g & h & i', 'a:* & b & c & d & e', 'a | b', 'a', '']::tsquery[]) AS q), '{t,t,f,f,t,t,t}', 'the rank of the server');
SELECT * FROM finish();
ROLLBACK;
