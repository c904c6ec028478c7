-- Reading documents accepts only a column of type jsonb.  It calls no cast of another role's
-- type and no function that a name could mean, whoever reads.
BEGIN;
SELECT plan(22);
\ir include/fixtures.sql
\ir include/hostile.sql
CREATE ROLE tap_maker;
CREATE SCHEMA shop AUTHORIZATION tap_maker;
GRANT USAGE ON SCHEMA shop TO PUBLIC;
GRANT USAGE ON SCHEMA h TO tap_maker;
SET LOCAL SESSION AUTHORIZATION tap_evil;
CREATE FUNCTION h.shade_jsonb(h.shade) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN PERFORM h.now('cast to jsonb'); RETURN '{}'; END $$;
CREATE CAST (h.shade AS jsonb) WITH FUNCTION h.shade_jsonb(h.shade) AS IMPLICIT;
CREATE DOMAIN h.document AS jsonb CHECK (h.evil(CASE WHEN VALUE IS NOT NULL THEN 'domain' ELSE 'null in a domain' END) = 1);
RESET SESSION AUTHORIZATION;
CREATE TABLE public.of_superuser (shade h.shade, d jsonb);
INSERT INTO public.of_superuser VALUES ('dark', '{"a": 1}');
GRANT SELECT ON public.of_superuser TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TABLE shop.goods (id integer, shade h.shade, document h.document, gone jsonb, d jsonb,
	stored jsonb GENERATED ALWAYS AS (d->'a') STORED, long jsonb);
INSERT INTO shop.goods (id, shade, document, d, long) VALUES (1, 'dark', '{}', '{"a": 1}', (SELECT jsonb_agg(md5(i::text)) FROM generate_series(1, 1000) AS i)), (2, NULL, NULL, NULL, NULL), (3, NULL, NULL, '3', NULL);
ALTER TABLE shop.goods DROP COLUMN gone;
ALTER TABLE shop.goods ADD COLUMN later jsonb DEFAULT '{"later": true}';
DELETE FROM shop.goods WHERE id = 3;
GRANT SELECT ON shop.goods TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_evil;
SELECT h.rose() IS NOT NULL AS begun \gset
RESET SESSION AUTHORIZATION;
GRANT casnet_user TO tap_evil;

CREATE FUNCTION pg_temp.state(documents regclass, name name) RETURNS text LANGUAGE sql AS
	$$ SELECT public.state_of(format('SELECT * FROM casnet_internal.read_documents(%L, %L, ''(0,0)'', ''(9,9)'')', documents, name)) $$;
SET LOCAL SESSION AUTHORIZATION tap_evil;
SELECT is(pg_temp.state('shop.goods', 'shade'), '42809', 'a type with a cast to jsonb');
SELECT is(pg_temp.state('public.of_superuser', 'shade'), '42809', 'in a table of a superuser');
SELECT is(pg_temp.state('shop.goods', 'document'), '42809', 'a domain over jsonb');
SELECT is(pg_temp.state('shop.goods', 'id'), '42809', 'a number');
SELECT is(pg_temp.state('shop.goods', 'to_jsonb'), '42703', 'a function of the row');
SELECT is(pg_temp.state('shop.goods', 'goods'), '42703', 'the row');
SELECT is(pg_temp.state('shop.goods', 't'), '42703', 'by another name');
SELECT is(pg_temp.state('shop.goods', 'gone'), '42703', 'a column that was dropped');
SELECT is(pg_temp.state('shop.goods', '........pg.dropped.4........'), '42703', 'by its present name');
SELECT is(pg_temp.state('shop.goods', 'ctid'), '42703', 'a system column');
SELECT is(pg_temp.state('shop.goods', ''), '42703', 'no name');
SELECT is(h.rose_if_at_all(), NULL, 'and nothing ran');
RESET SESSION AUTHORIZATION;
SELECT is(pg_temp.state('shop.goods', 'shade'), '42809', 'for a superuser too');
SELECT is(pg_temp.state('shop.goods', 'document'), '42809', 'a domain');
SELECT is(h.rose_if_at_all(), NULL, 'and nothing ran');

SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE FUNCTION pg_temp.read(name name, first tid, last tid) RETURNS text LANGUAGE sql AS
	$$ SELECT string_agg(r.at || ' ' || coalesce(r.document::text, 'NULL'), ', ') FROM casnet_internal.read_documents('shop.goods', name, first, last) AS r $$;
SELECT is(pg_temp.read('d', '(0,0)', '(9,9)'), '(0,1) {"a": 1}, (0,2) NULL', 'a column of documents');
SELECT is(pg_temp.read('d', '(0,2)', '(0,2)'), '(0,2) NULL', 'one document');
SELECT is(pg_temp.read('d', '(0,3)', '(9,9)'), NULL, 'a row that was deleted');
SELECT is(pg_temp.read('d', '(9,9)', '(0,0)'), NULL, 'nothing from the end to the beginning');
SELECT is(pg_temp.read('stored', '(0,0)', '(9,9)'), '(0,1) 1, (0,2) NULL', 'values that were computed when they were written');
SELECT is(pg_temp.read('later', '(0,1)', '(0,1)'), '(0,1) {"later": true}', 'the default of a later column');
SELECT is((SELECT document FROM casnet_internal.read_documents('shop.goods', 'long', '(0,1)', '(0,1)')), (SELECT long FROM shop.goods WHERE id = 1), 'a long document');
SELECT * FROM finish();
ROLLBACK;
