-- EXPLAIN shows no more by a detour: of EXECUTE, CREATE TABLE AS or a cursor, within
-- functions and blocks, or sent by the client itself.
BEGIN;
SELECT plan(24);
\ir include/fixtures.sql
\ir include/shown.sql
CALL be('olga', 'North');
PREPARE one AS SELECT title FROM casnet.records;
PREPARE by_title(text) AS SELECT title FROM casnet.records WHERE title = $1;
PREPARE rename(text) AS UPDATE casnet.records SET title = $1;
SELECT is(public.more_than_shape(public.shown_undone(s, o)), NULL, format('EXPLAIN (%s) %s', o, s))
  FROM unnest(ARRAY['EXECUTE one', 'EXECUTE by_title(''South record 1'')', 'EXECUTE rename(''x'')',
		'CREATE TABLE public.copy_of AS SELECT title FROM casnet.records', 'CREATE MATERIALIZED VIEW public.seen AS SELECT title FROM casnet.records',
		'DECLARE c CURSOR FOR SELECT title FROM casnet.records']) AS s,
	   unnest(ARRAY['', 'ANALYZE, BUFFERS']) AS o;
SELECT is(public.more_than_shape(public.shown_undone('CREATE TABLE public.copy_of AS EXECUTE one', 'FORMAT YAML')), NULL, 'CREATE TABLE AS EXECUTE');
-- A generic plan and a custom plan.
SET LOCAL plan_cache_mode = force_generic_plan;
SELECT is(public.more_than_shape(public.shown_undone('EXECUTE by_title(''South record 1'')')), NULL, 'a generic plan');
SET LOCAL plan_cache_mode = force_custom_plan;
SELECT is(public.more_than_shape(public.shown_undone('EXECUTE by_title(''South record 1'')')), NULL, 'a custom plan');

-- A function of another language, and one with the rights of another role.
CREATE FUNCTION pg_temp.in_sql() RETURNS SETOF text LANGUAGE sql AS $$ SELECT public.shown('SELECT title FROM casnet.records', 'ANALYZE') $$;
SELECT is(public.more_than_shape(string_agg(line, '')), NULL, 'within a function in SQL') FROM pg_temp.in_sql() AS line;
CREATE FUNCTION public.as_owner() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT public.shown('SELECT title FROM casnet.records', 'ANALYZE') $$;
SELECT is(public.more_than_shape(public.as_owner()), NULL, 'with the rights of its owner');
DO $$ BEGIN PERFORM set_config('mine.plan', public.shown('SELECT title FROM casnet.records', 'ANALYZE'), true); END $$;
SELECT is(public.more_than_shape(current_setting('mine.plan')), NULL, 'within a block');

-- The client itself.
\set file `mktemp`
EXPLAIN ANALYZE SELECT title FROM casnet.records \g :file
\set told `cat :'file'`
SELECT is(public.more_than_shape(:'told'), NULL, 'to the client');
SELECT matches(:'told'::text, 'records', 'which sees the shape');
EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE one \g :file
\set told `cat :'file'`
SELECT is(public.more_than_shape(:'told'), NULL, 'of EXECUTE');
EXPLAIN ANALYZE CREATE TABLE public.copy_of AS SELECT title FROM casnet.records \g :file
\set told `cat :'file'`
SELECT is(public.more_than_shape(:'told'), NULL, 'of CREATE TABLE AS');
\setenv REMOVE :file
\! rm "$REMOVE"
SELECT is((SELECT count(*) FROM public.copy_of), 3::bigint, 'which made the table');

-- A statement without a result whose table was dropped and created again.
CREATE TEMPORARY TABLE anew (a integer);
PREPARE anew AS UPDATE anew SET a = 1;
DROP TABLE anew;
CREATE TEMPORARY TABLE anew (a integer);
SELECT lives_ok('EXPLAIN EXECUTE anew', 'of a table made anew');
SELECT * FROM finish();
ROLLBACK;
