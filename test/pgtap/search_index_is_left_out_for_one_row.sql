-- If a statement gives the key of one row, the planner does not see the search index, which
-- also begins with tenant_id.  Everywhere else it does.
BEGIN;
\ir include/fixtures.sql
SELECT plan(17);
RESET SESSION AUTHORIZATION;
SET LOCAL client_min_messages = warning;
CREATE TABLE public.found (id uuid NOT NULL DEFAULT gen_random_uuid(), n int NOT NULL, m int NOT NULL, k int NOT NULL, words tsvector NOT NULL);
SELECT casnet.protect('public.found');
INSERT INTO public.found (tenant_id, n, m, k, words) SELECT :'north', n % 10, n, n, ('a' || n)::tsvector FROM generate_series(1, 2000) AS n;
CREATE UNIQUE INDEX by_id ON public.found (id);
CREATE INDEX by_n ON public.found (tenant_id, n);
CREATE UNIQUE INDEX by_some ON public.found (tenant_id, k) WHERE k < 0;
CREATE UNIQUE INDEX by_two ON public.found (tenant_id, n, m);
CREATE INDEX by_words ON public.found USING gin (tenant_id casnet.gin_uuid_ops, words casnet.gin_match_ops);
ANALYZE public.found;
GRANT SELECT ON public.found TO tap_app;
-- The only index that a plan uses, by bitmaps; other paths are disabled.
CREATE FUNCTION public.index_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	names text[] := '{}';
BEGIN
	FOR line IN EXECUTE 'EXPLAIN ' || query LOOP
		names := names || (regexp_match(line, '(?:Index (?:Only )?Scan (?:Backward )?using|Bitmap Index Scan on) (\w+)'))[1];
	END LOOP;
	RETURN (SELECT string_agg(DISTINCT name, ', ' ORDER BY name) FROM unnest(names) AS name WHERE name LIKE 'by%');
END
$$;
CREATE FUNCTION public.uses(condition text) RETURNS text LANGUAGE sql AS $$SELECT public.index_of('SELECT * FROM public.found AS f WHERE ' || condition)$$;
CREATE FUNCTION public.is_odd(n int) RETURNS boolean LANGUAGE plpgsql STABLE AS $$BEGIN RETURN n % 2 = 1; END$$;
CREATE OPERATOR public.!!! (FUNCTION = public.is_odd, RIGHTARG = int);
\set search 'f.words OPERATOR(casnet.@~) ''a7''::tsquery'
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SET LOCAL enable_seqscan = off;

SELECT is(uses(:'search'), 'by_words', 'a search');
SELECT is(uses(:'search' || ' AND f.n > 5'), 'by_words', 'with a range');
SELECT is(uses(:'search' || ' AND f.n IN (7, 8)'), 'by_words', 'with one of some');
SELECT is(uses(:'search' || ' AND f.id IS NOT NULL'), 'by_words', 'with a column that has an index of its own');
SELECT is(uses(:'search' || ' AND f.n >= 7 AND f.m >= 7'), 'by_words', 'with ranges on a whole key');
SELECT is(uses(:'search' || ' AND f.n = f.m'), 'by_words', 'with columns that equal each other');
SELECT is(uses(:'search' || ' AND 7 = f.n + f.m'), 'by_words', 'with an expression');
SELECT is(uses(:'search' || ' AND f.k = 7') ~ 'by_words', true, 'with the key of some rows');
SELECT is(uses('f.n = 7 AND f.m = 7'), 'by_two', 'a key');
SELECT is(uses('f.n = 7 AND f.m = 7 AND ' || :'search'), 'by_two', 'and a search besides');
-- Each of two tables has its own conditions.
SELECT is(index_of('SELECT * FROM public.found AS f, public.found AS g WHERE g.n = 7 AND g.m = 7 AND ' || :'search'), 'by_two, by_words', 'the key of another table');
SELECT is(index_of('SELECT * FROM public.found AS g, public.found AS f WHERE g.n = 7 AND g.m = 7 AND ' || :'search'), 'by_two, by_words', 'before it');
SELECT is(index_of('SELECT * FROM (SELECT 7 AS n, 7 AS m OFFSET 0) AS g, public.found AS f WHERE f.n = g.n AND ' || :'search') ~ 'by_words', true, 'a key that is not whole');
SELECT is(index_of('SELECT * FROM public.found AS g, public.found AS f WHERE g.n > 8 AND f.n = g.n AND f.m = g.m AND ' || :'search') ~ 'by_words', true, 'a key that is whole, of another row');
SELECT is(uses('OPERATOR(public.!!!) f.n AND ' || :'search') ~ 'by_words', true, 'an operator of one argument');
-- A table without policies beside one with policies: its tenant is not given.
RESET SESSION AUTHORIZATION;
CREATE TABLE public.open (LIKE public.found);
INSERT INTO public.open (tenant_id, id, n, m, k, words) SELECT gen_random_uuid(), id, n, m, k, words FROM public.found;
CREATE UNIQUE INDEX by_open ON public.open (tenant_id, n, m);
CREATE INDEX by_open_words ON public.open USING gin (tenant_id casnet.gin_uuid_ops, words casnet.gin_match_ops);
ANALYZE public.open;
GRANT SELECT ON public.open TO tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
SET LOCAL enable_indexscan = off;
SELECT matches(index_of('SELECT * FROM public.found AS g, public.open AS f WHERE g.n = 7 AND g.m = 7 AND f.n = 7 AND f.m = 7 AND ' || :'search'), $$by_open_words$$, $$a table without policies$$);
RESET enable_indexscan;
-- A table without a key that begins with tenant_id.
RESET SESSION AUTHORIZATION;
DROP INDEX public.by_two;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(uses('f.n = 7 AND ' || :'search') ~ 'by_words', true, 'an index that is not unique');
SELECT * FROM finish();
ROLLBACK;
