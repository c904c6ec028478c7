-- What was erased with a person does not come back, by itself or with another row.
BEGIN;
SELECT plan(5);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.enable_audit(relation) FROM casnet_internal.managed_tables() WHERE kind = 'tenant';
SELECT id AS record FROM casnet.records WHERE title = 'North record 1' \gset
SELECT id AS person FROM casnet.persons WHERE name = 'North person' \gset
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
DELETE FROM casnet.records WHERE id = :'record';
SELECT casnet.erase_person(:'person');
SELECT is(error_of(format('SELECT casnet.undelete(''casnet.record_persons'', %L)', jsonb_build_object('record_id', :'record', 'person_id', :'person'))),
	'P0002 | the row was erased from the audit |  | What casnet.erase_person() has erased does not come back. | ', 'a link');
SELECT is(state_of(format('SELECT casnet.undelete(''casnet.persons'', %L)', :'person')), 'P0002', 'the person');
SELECT is(casnet.undelete('casnet.records', :'record'), 4::bigint, 'a record comes back with what is left');
SELECT is((SELECT count(*) FROM casnet.record_persons WHERE record_id = :'record'), 0::bigint, 'without the person');
SELECT is((SELECT count(*) FROM casnet.record_tags WHERE record_id = :'record'), 1::bigint, 'with the tag');
SELECT * FROM finish();
ROLLBACK;
