-- Clients that cannot send VARIADIC send arrays.
BEGIN;
SELECT plan(12);
\ir include/fixtures.sql
CALL be('mia', 'North');
INSERT INTO casnet.records (id, title) VALUES ('00000000-0000-7000-8000-0000000021a0', 'by array') RETURNING id AS record \gset
SELECT is(casnet.tag_records(ARRAY[:'record']::uuid[], ARRAY['blue', 'green']), 2::bigint, 'arrays');
PREPARE by_parameter AS SELECT casnet.tag_records($1, $2);
SELECT is((SELECT parameter_types::text FROM pg_prepared_statements WHERE name = 'by_parameter'), '{uuid[],text[]}', 'parameters without a type are arrays');
SELECT results_eq($$EXECUTE by_parameter('{00000000-0000-7000-8000-0000000021a0}', '{red,white}')$$, ARRAY[2::bigint], 'and are taken as such');
PREPARE by_variadic AS SELECT casnet.tag_record($1, VARIADIC $2);
SELECT is((SELECT parameter_types::text FROM pg_prepared_statements WHERE name = 'by_variadic'), '{uuid,text[]}', 'so they are with VARIADIC');
SELECT is(casnet.tags_of(:'record'), '{blue,green,red,white}', 'all are there');
SELECT is(casnet.untag_records(ARRAY[:'record']::uuid[], ARRAY['blue', 'none']), 1::bigint, 'off by array');
SELECT is(casnet.untag_records(ARRAY[:'record', '00000000-0000-7000-8000-0000000001a0']::uuid[], names => '{green,red}'), 2::bigint, 'and by name, of several');
SELECT is(casnet.untag_records('{}', '{white}'), 0::bigint, 'of none');
SELECT throws_ok($$SELECT casnet.untag_records('{00000000-0000-7000-8000-0000000001b0}', '{white}')$$, 'P0002', NULL, 'not of a record of another tenant');
SELECT throws_ok(format('SELECT casnet.untag_records(ARRAY[%L]::uuid[], ARRAY['' ''])', :'record'), '22023', NULL, 'no blank name');
SELECT is(casnet.tags_of(:'record'), '{white}', 'one is left');
CALL be('vic', 'North');
SELECT throws_ok(format('SELECT casnet.untag_records(ARRAY[%L]::uuid[], ''{white}'')', :'record'), '42501', NULL, 'under the same permissions');
SELECT * FROM finish();
ROLLBACK;
