-- If unaccent is already installed, a new installation ignores accents in searches from the
-- start, and says so.
BEGIN;
SET LOCAL client_min_messages = warning;
DROP EXTENSION casnet CASCADE;
DROP SCHEMA casnet, casnet_internal CASCADE;
CREATE EXTENSION unaccent;
CREATE EXTENSION casnet;
SELECT plan(4);
\ir include/fixtures.sql
CALL be('olga', 'North');
INSERT INTO casnet.records (title) VALUES ('The cafés'), ('Ångström units');
SELECT is((SELECT count(*) FROM casnet.search_records('CAFES')), 1::bigint, 'a word without its accents is found');
SELECT is((SELECT count(*) FROM casnet.search_records('ångström or cafés')), 2::bigint, 'and one with them');
SELECT is((SELECT count(*) FROM casnet.search_records('unit')), 0::bigint, 'in no language: words are as they are written');
SELECT is(obj_description('casnet.search'::regconfig, 'pg_ts_config'), 'casnet: how the texts of records are searched (simple, without accents)', 'the comment says so');
SELECT * FROM finish();
ROLLBACK;
