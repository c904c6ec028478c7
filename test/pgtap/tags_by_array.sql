-- Clients that cannot send VARIADIC send an array, by position with its type or by name.
BEGIN;
SELECT plan(10);
\ir include/fixtures.sql
CALL be('mia', 'North');
INSERT INTO casnet.records (id, title) VALUES ('00000000-0000-7000-8000-0000000021a0', 'by array') RETURNING id AS record \gset
SELECT is(casnet.tag_record(:'record', ARRAY['blue', 'green']), 2, 'an array');
SELECT is(casnet.tag_record(:'record', 'blue', 'red'), 1, 'VARIADIC');
PREPARE by_name AS SELECT casnet.tag_record($1, tags => $2);
SELECT is((SELECT parameter_types::text FROM pg_prepared_statements WHERE name = 'by_name'), '{uuid,"character varying[]"}', 'a parameter without type is an array by name');
SELECT results_eq($$EXECUTE by_name('00000000-0000-7000-8000-0000000021a0', '{red,white}')$$, ARRAY[1], 'and is taken as one');
SELECT is(casnet.tags_of(:'record'), '{blue,green,red,white}', 'all are there');
SELECT is(casnet.untag_record(:'record', ARRAY['blue', 'none']), 1, 'off by array');
SELECT is(casnet.untag_record(:'record', tags => '{green,red}'), 2, 'and by name');
SELECT is(casnet.tag_records(ARRAY[:'record']::uuid[], ARRAY['blue', 'white']), 1::bigint, 'many records');
SELECT is(casnet.tag_record(:'record', tags => NULL), casnet.tag_record(:'record', VARIADIC NULL), 'null is as by VARIADIC');
CALL be('vic', 'North');
SELECT throws_ok(format('SELECT casnet.tag_record(%L, tags => ''{black}'')', :'record'), '42501', NULL, 'under the same permissions');
SELECT * FROM finish();
ROLLBACK;
