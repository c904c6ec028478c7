-- casnet's functions call the server's functions and operators, even if others of the same
-- names come first in the caller's search_path.
BEGIN;
SELECT plan(10);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE SCHEMA shop;
GRANT USAGE ON SCHEMA shop TO PUBLIC;
-- Each of them reveals that it was called.
CREATE FUNCTION shop.caught() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'called' USING ERRCODE = 'ZZ002'; END $$;
CREATE FUNCTION shop.unnest(uuid[]) RETURNS SETOF uuid LANGUAGE sql AS 'SELECT ''00000000-0000-7000-8000-000000000000''::uuid WHERE shop.caught() > 0';
CREATE FUNCTION shop.unnest(text[]) RETURNS SETOF text LANGUAGE sql AS 'SELECT ''x'' WHERE shop.caught() > 0';
CREATE FUNCTION shop.cardinality(uuid[]) RETURNS integer LANGUAGE sql AS 'SELECT shop.caught()';
CREATE FUNCTION shop.cardinality(text[]) RETURNS integer LANGUAGE sql AS 'SELECT shop.caught()';
CREATE FUNCTION shop.lower(text) RETURNS text LANGUAGE sql AS 'SELECT shop.caught()::text';
CREATE FUNCTION shop."left"(text, integer) RETURNS text LANGUAGE sql AS 'SELECT shop.caught()::text';
CREATE FUNCTION shop.replace(text, text, text) RETURNS text LANGUAGE sql AS 'SELECT shop.caught()::text';
CREATE FUNCTION shop.translate(text, text, text) RETURNS text LANGUAGE sql AS 'SELECT shop.caught()::text';
CREATE FUNCTION shop.ts_rank(tsvector, tsquery) RETURNS real LANGUAGE sql AS 'SELECT shop.caught()::real';
CREATE FUNCTION shop.ts_headline(regconfig, text, tsquery, text) RETURNS text LANGUAGE sql AS 'SELECT shop.caught()::text';
CREATE FUNCTION shop.to_char(timestamp, text) RETURNS text LANGUAGE sql AS 'SELECT shop.caught()::text';
CREATE FUNCTION shop.timezone(text, timestamptz) RETURNS timestamp LANGUAGE sql AS 'SELECT now()::timestamp WHERE shop.caught() > 0';
CREATE FUNCTION shop.count() RETURNS bigint LANGUAGE sql AS 'SELECT shop.caught()::bigint';
DO $$
DECLARE
	type text;
	name text;
BEGIN
	FOREACH type IN ARRAY '{uuid,text,integer,bigint,timestamptz}'::text[] LOOP
		EXECUTE format('CREATE FUNCTION shop.wrong(%1$s, %1$s) RETURNS boolean LANGUAGE sql AS ''SELECT shop.caught() > 0''', type);
		FOREACH name IN ARRAY '{=,<>,<,>}'::text[] LOOP
			EXECUTE format('CREATE OPERATOR shop.%s (LEFTARG = %s, RIGHTARG = %2$s, FUNCTION = shop.wrong)', name, type);
		END LOOP;
	END LOOP;
END
$$;
CREATE FUNCTION shop.plus(integer, bigint) RETURNS bigint LANGUAGE sql AS 'SELECT shop.caught()::bigint';
CREATE OPERATOR shop.+ (LEFTARG = integer, RIGHTARG = bigint, FUNCTION = shop.plus);
-- The SQLSTATE, with that path in front of the server's.
CREATE FUNCTION public.along_the_path(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL search_path = shop, pg_catalog;
	EXECUTE statement;
	SET LOCAL search_path = public;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT record, 'SELECT casnet.tag_record(''' || record || '''' AS call FROM (SELECT id AS record FROM casnet.records WHERE title = 'North record 3') AS r \gset
SELECT is(public.along_the_path('SELECT 1 WHERE 1 = 2'), 'ZZ002', 'what names no schema is caught');
SELECT is(public.along_the_path(statement), 'done', statement) FROM unnest(ARRAY[
	:'call' || ', ''North tag'')', :'call' || ', ''North tag'', ''new'')', 'SELECT * FROM casnet.tag_counts()',
	'SELECT * FROM casnet.search_records(''record'')', 'SELECT * FROM casnet.search_records(''record'', 5, ''{North tag}'', ''{North tag}'', ''{South tag}'', 1, ''00000000-0000-7000-8000-0000000000ff'')', 'SELECT casnet.search_snippet(''a record'', ''record'')', 'SELECT * FROM casnet.search_persons(''person'')', 'SELECT casnet.export_tenant()']) AS statement;
SELECT set_eq(format('SELECT unnest(casnet.tags_of(%L))', :'record'), ARRAY['North tag', 'new'], 'and it was done');
SELECT * FROM finish();
ROLLBACK;
