-- What it costs to find parts of names and of sentences, by casnet's means and by others.
-- Run it in an empty database, as a superuser: createdb b && psql -X -f bench/search.sql b
-- It prints sizes in kB and times in milliseconds, the least of 21 for a search.
\set ON_ERROR_STOP on
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION casnet;
CREATE EXTENSION pg_trgm;
SET jit = off;
SET max_parallel_workers_per_gather = 0;
SET synchronous_commit = off;
SET maintenance_work_mem = '256MB';
SET enable_seqscan = off;

CREATE TABLE result (n serial, what text, way text, measured text, value numeric);
-- Run a statement so many times; the least time goes into the table, since other work on the
-- machine only adds to it.
CREATE PROCEDURE measure(what text, way text, measured text, statement text, times integer DEFAULT 1)
LANGUAGE plpgsql AS $$
DECLARE
	began timestamptz;
	took double precision[];
BEGIN
	FOR i IN 1 .. times LOOP
		began := clock_timestamp();
		EXECUTE statement;
		took := took || 1000 * extract(epoch FROM clock_timestamp() - began);
	END LOOP;
	INSERT INTO result (what, way, measured, value)
	SELECT what, way, measured, round(min(t)::numeric, 2) FROM unnest(took) AS t;
END
$$;
CREATE PROCEDURE measure_index(what text, way text, statement text)
LANGUAGE plpgsql AS $$
BEGIN
	CALL measure(what, way, 'index, ms', statement);
	INSERT INTO result (what, way, measured, value)
	SELECT what, way, 'index, kB', pg_relation_size(max(indexrelid)) / 1024 FROM pg_index;
END
$$;
-- One of many, few of them often.
CREATE FUNCTION zipf(n integer) RETURNS integer LANGUAGE sql VOLATILE AS 'SELECT least(n, exp(ln(n) * random())::integer)';
SELECT setseed(0.5) \gset

-- Names: 100,000, of letters, and a part of three and of two.
CREATE TABLE names AS
SELECT initcap(translate(substr(md5(zipf(3000)::text), 1, 6), '0123456789', 'aeiouaeiou')) || ' ' ||
	   initcap(translate(substr(md5(zipf(30000)::text), 7, 8), '0123456789', 'aeiouaeiou')) AS name
  FROM generate_series(1, 100000);
SELECT substr(name, 9, 5) AS five, substr(name, 9, 3) AS three, substr(name, 9, 2) AS two FROM names OFFSET 77 LIMIT 1 \gset
VACUUM ANALYZE names;
CALL measure_index('names', 'pg_trgm, ILIKE', 'CREATE INDEX by_trigrams ON names USING gin (name gin_trgm_ops)');
CALL measure('names', 'pg_trgm, ILIKE', 'five letters, ms', format('SELECT count(*) FROM names WHERE name ILIKE %L', '%' || :'five' || '%'), 21);
CALL measure('names', 'pg_trgm, ILIKE', 'three letters, ms', format('SELECT count(*) FROM names WHERE name ILIKE %L', '%' || :'three' || '%'), 21);
CALL measure('names', 'pg_trgm, ILIKE', 'two letters, ms', format('SELECT count(*) FROM names WHERE name ILIKE %L', '%' || :'two' || '%'), 21);
DROP INDEX by_trigrams;
CALL measure_index('names', 'casnet, *=*', 'CREATE INDEX by_parts ON names USING gin (name casnet.gin_part_ops)');
CALL measure('names', 'casnet, *=*', 'five letters, ms', format('SELECT count(*) FROM names WHERE name OPERATOR(casnet.*=*) %L', :'five'), 21);
CALL measure('names', 'casnet, *=*', 'three letters, ms', format('SELECT count(*) FROM names WHERE name OPERATOR(casnet.*=*) %L', :'three'), 21);
CALL measure('names', 'casnet, *=*', 'two letters, ms', format('SELECT count(*) FROM names WHERE name OPERATOR(casnet.*=*) %L', :'two'), 21);

-- Sentences without spaces: 5,000 texts of 250 words of one to three Chinese characters.
CREATE TABLE words AS SELECT n, (SELECT string_agg(chr(19968 + zipf(3000)), '') FROM generate_series(1, 1 + n % 3 + 0 * n)) AS word FROM generate_series(1, 20000) AS n;
CREATE UNIQUE INDEX ON words (n);
CREATE TABLE texts AS
SELECT t.id, (SELECT string_agg(w.word, '') FROM (SELECT zipf(20000) AS n FROM generate_series(1, 250 + 0 * t.id)) AS z JOIN words AS w USING (n)) AS content
  FROM generate_series(1, 5000) AS t (id);
SELECT substr(content, 100, 4) AS four, substr(content, 100, 2) AS two FROM texts OFFSET 777 LIMIT 1 \gset
VACUUM ANALYZE texts;
CALL measure_index('sentences', 'pg_trgm, LIKE', 'CREATE INDEX of_trigrams ON texts USING gin (content gin_trgm_ops)');
CALL measure('sentences', 'pg_trgm, LIKE', 'four characters, ms', format('SELECT count(*) FROM texts WHERE content LIKE %L', '%' || :'four' || '%'), 21);
CALL measure('sentences', 'pg_trgm, LIKE', 'two characters, ms', format('SELECT count(*) FROM texts WHERE content LIKE %L', '%' || :'two' || '%'), 21);
DROP INDEX of_trigrams;
ALTER TABLE texts ADD COLUMN vector tsvector;
CALL measure('sentences', 'single characters', 'vectors, ms', $$UPDATE texts SET vector = to_tsvector('simple', regexp_replace(content, '(.)', '\1 ', 'g'))$$);
INSERT INTO result (what, way, measured, value) SELECT 'sentences', 'single characters', 'vectors, kB', sum(pg_column_size(vector)) / 1024 FROM texts;
VACUUM FULL ANALYZE texts;
CALL measure_index('sentences', 'single characters', 'CREATE INDEX of_vector ON texts USING gin (vector casnet.gin_match_ops)');
CALL measure('sentences', 'single characters', 'four characters, ms', format('SELECT count(*) FROM texts WHERE vector OPERATOR(casnet.@~) %L::tsquery', regexp_replace(:'four', '(.)(?!$)', '\1 <-> ', 'g')), 21);
CALL measure('sentences', 'single characters', 'two characters, ms', format('SELECT count(*) FROM texts WHERE vector OPERATOR(casnet.@~) %L::tsquery', regexp_replace(:'two', '(.)(?!$)', '\1 <-> ', 'g')), 21);
DROP INDEX of_vector;
CALL measure('sentences', 'casnet, @~', 'vectors, ms', $$UPDATE texts SET vector = casnet_internal.search_vector('casnet.search', '', content)$$);
INSERT INTO result (what, way, measured, value) SELECT 'sentences', 'casnet, @~', 'vectors, kB', sum(pg_column_size(vector)) / 1024 FROM texts;
VACUUM FULL ANALYZE texts;
CALL measure_index('sentences', 'casnet, @~', 'CREATE INDEX of_vector ON texts USING gin (vector casnet.gin_match_ops)');
CALL measure('sentences', 'casnet, @~', 'four characters, ms', format('SELECT count(*) FROM texts WHERE vector OPERATOR(casnet.@~) casnet.search_query(%L)', :'four'), 21);
CALL measure('sentences', 'casnet, @~', 'two characters, ms', format('SELECT count(*) FROM texts WHERE vector OPERATOR(casnet.@~) casnet.search_query(%L)', :'two'), 21);

-- Words with spaces: what the column of a record costs, and what is shown of it.
CREATE TABLE letters AS SELECT t.id, (SELECT string_agg('word' || zipf(20000), ' ') FROM generate_series(1, 600 + 0 * t.id)) AS content FROM generate_series(1, 2000) AS t (id);
INSERT INTO letters SELECT 0, string_agg(content, ' ') FROM (SELECT content FROM letters LIMIT 200) AS s;
CALL measure('words', 'to_tsvector()', '2,000 texts of 5 kB, ms', $$SELECT count(setweight(to_tsvector('casnet.search', left(content, 90000)), 'B')) FROM letters WHERE id > 0$$, 5);
CALL measure('words', 'casnet', '2,000 texts of 5 kB, ms', $$SELECT count(casnet_internal.search_vector('casnet.search', '', content)) FROM letters WHERE id > 0$$, 5);
CALL measure('words', 'to_tsvector()', 'one of a megabyte, ms', $$SELECT count(setweight(to_tsvector('casnet.search', left(content, 90000)), 'B')) FROM letters WHERE id = 0$$, 21);
CALL measure('words', 'casnet', 'one of a megabyte, ms', $$SELECT count(casnet_internal.search_vector('casnet.search', '', content)) FROM letters WHERE id = 0$$, 21);
CALL measure('words', 'ts_headline()', '20 snippets, ms', $$SELECT count(ts_headline('casnet.search', left(content, 90000), 'word17', 'MaxFragments=2, MinWords=5, MaxWords=18')) FROM (SELECT content FROM letters WHERE id > 0 LIMIT 20) AS s$$, 5);
CALL measure('words', 'casnet', '20 snippets, ms', $$SELECT count(casnet.search_snippet(content, 'word17')) FROM (SELECT content FROM letters WHERE id > 0 LIMIT 20) AS s$$, 5);
CALL measure('words', 'ts_headline()', 'one of a megabyte shown, ms', $$SELECT count(ts_headline('casnet.search', left(content, 90000), 'word17', 'MaxFragments=2, MinWords=5, MaxWords=18')) FROM letters WHERE id = 0$$, 5);
CALL measure('words', 'casnet', 'one of a megabyte shown, ms', $$SELECT count(casnet.search_snippet(content, 'word17')) FROM letters WHERE id = 0$$, 5);
SELECT what, measured, way, value FROM result ORDER BY what, min(n) OVER (PARTITION BY what, measured), n;
