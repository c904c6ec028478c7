-- set_search_language() is for superusers.  It gives the search the stems and stop words of
-- a language, and removes accents if unaccent is installed.  The records do not change.
BEGIN;
SELECT plan(36);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.records (tenant_id, title, content, updated_at)
VALUES (:'north', 'The cafés', 'people were running to Çeşme', '2020-01-01'), (:'south', 'café', '', '2020-01-01');
CREATE TABLE public.before AS SELECT tenant_id, id, title, content, created_at, updated_at FROM casnet.records;
CREATE FUNCTION public.found(typed text) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM casnet.search_records(typed)';
PREPARE kept AS SELECT count(*) FROM casnet.records WHERE search_vector OPERATOR(casnet.@~) 'runs';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT is(found('the'), 1::bigint, 'simple: every word counts');
SELECT is(found('run'), 0::bigint, 'as it is written');
SELECT is(found('café*'), 1::bigint, 'with its accents');
SELECT is(found('cafe*'), 1::bigint, 'and without them');
SELECT results_eq('EXECUTE kept', ARRAY[0::bigint], 'a plan');

SELECT throws_ok('SELECT casnet.set_search_language(''english'')', '42501', 'permission denied for function set_search_language', 'a user');
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT throws_ok('SELECT casnet.set_search_language(''english'')', '42501', 'permission denied for function set_search_language', 'an administrator');
RESET SESSION AUTHORIZATION;
GRANT EXECUTE ON FUNCTION casnet.set_search_language(regconfig) TO tap_operator;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is(error_of('SELECT casnet.set_search_language(''english'')'), '42501 | only superusers may call casnet.set_search_language() |  | Connect as a superuser and call it again. | ', 'even a role that was granted it');
RESET SESSION AUTHORIZATION;
SELECT throws_ok('SELECT casnet.set_search_language(NULL)', '22023', 'the language is null', 'no language');
SELECT throws_ok('SELECT casnet.set_search_language(''klingon'')', '42704', NULL, 'an unknown one');
SELECT throws_ok('SELECT casnet.set_search_language(''casnet.search'')', '22023', 'text search configuration casnet.search cannot be used', 'itself');
SELECT is(casnet.set_search_language('english'), (SELECT count(*) FROM public.before), 'all records');
SELECT set_eq('SELECT tenant_id, id, title, content, created_at, updated_at FROM casnet.records', 'TABLE public.before', 'are what they were');
SELECT is(current_setting('session_replication_role'), 'origin', 'triggers fire again');
SET LOCAL session_replication_role = local;
SELECT is(casnet.set_search_language('english'), (SELECT count(*) FROM public.before), 'once more');
SELECT is(current_setting('session_replication_role'), 'local', 'and they are what they were');
SET LOCAL session_replication_role = origin;

SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(found('the'), 0::bigint, 'english: a stop word finds nothing');
SELECT is(found('the or people'), 1::bigint, 'and counts for nothing beside others');
SELECT is(found('RUN'), 1::bigint, 'stems');
SELECT is(found('"people were running"'), 1::bigint, 'a stop word in a phrase');
SELECT is(found('"people running"'), 0::bigint, 'has its place');
SELECT alike(casnet.search_snippet('people ' || repeat('x ', 100) || 'people were running', '"people were running"'), '%<b>people</b> were <b>running</b>', 'also in what is shown');
SELECT results_eq('EXECUTE kept', ARRAY[1::bigint], 'a plan that was there');
SELECT is(found('cafes'), 1::bigint, 'accents still do not count');
RESET SESSION AUTHORIZATION;
CREATE EXTENSION unaccent;
SELECT casnet.set_search_language('english');
SELECT is((SELECT obj_description('casnet.search'::regconfig, 'pg_ts_config')), 'casnet: how the texts of records are searched (english, without accents)', 'the comment says so');
-- To the server's parser no byte above 127 is a letter of SQL_ASCII.
SELECT getdatabaseencoding() = 'SQL_ASCII' AS only_bytes \gset
\if :only_bytes
SELECT skip('SQL_ASCII has no letters with accents', 10);
\else
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(found('cafe'), 1::bigint, 'with unaccent neither');
SELECT is(found('CAFÉ CESME run'), 1::bigint, 'in a query neither');
SELECT alike((SELECT snippet FROM casnet.search_records('cesme')), '% to <b>Çeşme</b>', 'the snippet shows what is written');
INSERT INTO casnet.records (title) VALUES ('Ångström units');
SELECT is(found('angstrom unit'), 1::bigint, 'in a new record');
INSERT INTO casnet.records (title) VALUES ('São-João-Étude 3ème');
SELECT is(found(typed), 1::bigint, 'parts of a word with hyphens: ' || typed) FROM unnest('{joao,etude,sao-joao-etude}'::text[]) AS typed;
RESET SESSION AUTHORIZATION;
SELECT casnet.set_search_language('simple');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(found('cafes the'), 1::bigint, 'simple again, without accents');
SELECT is(found('run'), 0::bigint, 'nor stems');
CALL be('otto', 'South');
SELECT is(found('cafe'), 1::bigint, 'in every tenant');
\endif
SELECT throws_ok('SELECT casnet_internal.search_vector(0::regconfig, ''a'', ''b'')', '22023', NULL, 'a configuration that does not exist');
SELECT * FROM finish();
ROLLBACK;
