-- link_person() links a record and a person and says as what, unlink_person() undoes it, and
-- persons_of() and records_of() list the links of a record and of a person.
BEGIN;
SELECT plan(36);
\ir include/fixtures.sql
\set one 00000000-0000-7000-8000-0000000001a0
\set two 00000000-0000-7000-8000-0000000002a0
\set ann 00000000-0000-7000-8000-0000000004a0
\set abe 00000000-0000-7000-8000-0000000005a0
\set person 00000000-0000-7000-8000-0000000001a0
CALL be('mia', 'North');
INSERT INTO casnet.persons (id, name) VALUES (:'abe', 'Abe'), (:'ann', 'Ann');

-- Linking.
SELECT is(casnet.link_person(:'one', :'ann', 'child'), true, 'a new link');
SELECT results_eq(format('SELECT person_id, name, relation FROM casnet.persons_of(%L)', :'one'),
	format($$VALUES (%L::uuid, 'Ann', 'child'), (%L, 'North person', 'subject')$$, :'ann', :'person'), 'persons_of(), by name');
SELECT is(casnet.link_person(:'two', :'ann'), true, 'without a relation');
SELECT set_eq(format('SELECT record_id, relation FROM casnet.records_of(%L)', :'ann'),
	format($$VALUES (%L::uuid, 'child'), (%L, 'subject')$$, :'one', :'two'), 'records_of()');
SELECT is((SELECT tenant_id FROM casnet.record_persons WHERE person_id = :'ann' AND record_id = :'one'), :'north'::uuid, 'in the active tenant');
SELECT results_eq(format('SELECT record_id FROM casnet.records_of(%L)', :'person'), ARRAY[:'one'::uuid], 'the other person is in one record');

-- Once more, and with another relation.
SELECT is(casnet.link_person(:'one', :'ann', 'child'), false, 'once more changes nothing');
SELECT is(casnet.link_person(:'one', :'ann'), false, 'nor without a relation');
SELECT is(casnet.link_person(:'one', :'ann', NULL), false, 'nor with NULL');
SELECT is((SELECT updated_at = created_at FROM casnet.record_persons WHERE person_id = :'ann' AND record_id = :'one'), true, 'the row is as it was');
SELECT is((SELECT relation FROM casnet.persons_of(:'one') WHERE person_id = :'ann'), 'child', 'a relation stays');
SELECT is(casnet.link_person(:'one', :'ann', U&' Ko\0308nigin \200b'), true, 'another relation');
SELECT is((SELECT relation FROM casnet.persons_of(:'one') WHERE person_id = :'ann'), U&'K\00f6nigin', 'takes its place, in the form of names');
SELECT is(casnet.link_person(:'one', :'ann', U&'K\00f6nigin'), false, 'the same in another spelling');
SELECT is(casnet.link_person(person_id => :'abe', record_id => :'one', relation => 'father'), true, 'arguments by name');
SELECT is((SELECT string_agg(name, ', ') FROM casnet.persons_of(:'one')), 'Abe, Ann, North person', 'three persons');
INSERT INTO casnet.record_persons (record_id, person_id, relation) VALUES (:'two', :'abe', U&' e\0301\00a0') ON CONFLICT DO NOTHING;
SELECT is((SELECT relation FROM casnet.persons_of(:'two') WHERE person_id = :'abe'), U&'\00e9', 'INSERT brings a relation into the form, too');
UPDATE casnet.record_persons SET relation = ' step-parent ' WHERE person_id = :'abe';
SELECT is((SELECT string_agg(DISTINCT relation, ',') FROM casnet.records_of(:'abe')), 'step-parent', 'and UPDATE');

-- Relations that are refused.
SELECT is(error_of(format('SELECT casnet.link_person(%L, %L, %L)', :'one', :'ann', r)),
	'22023 | the relation is blank |  | Say in a word or two what the person is in the record, such as witness. | ', 'a blank relation') FROM unnest(ARRAY['', E' \t', U&'\200b']) AS r;
SELECT is(error_of(format('SELECT casnet.link_person(%L, %L, repeat(''ä'', 101))', :'one', :'ann')),
	'22023 | the relation is longer than 100 characters |  | Say in a word or two what the person is in the record, such as witness. | ', 'a long one');
SELECT is(casnet.link_person(:'one', :'ann', repeat('ä', 100)), true, 'which has room for 100');
SELECT is(error_of(format('UPDATE casnet.record_persons SET relation = %L', U&'\3164')),
	'23514 | column relation of table record_persons is blank |  | Give a name with at least one visible character. | ', 'nor a blank one in the table');

-- Unlinking.
SELECT is(casnet.unlink_person(:'one', :'ann'), true, 'a link goes');
SELECT is(casnet.unlink_person(:'one', :'ann'), false, 'once');
SELECT is(casnet.unlink_person(:'one', :'nowhere'), false, 'a person who is not there has none');
SELECT is((SELECT string_agg(name, ', ') FROM casnet.persons_of(:'one')), 'Abe, North person', 'the others stay');
SELECT is((SELECT count(*) FROM casnet.records_of(:'ann')), 1::bigint, 'and the other record');

-- Links end with the person, who is not there any more, and with the record.
CALL be('olga', 'North');
DELETE FROM casnet.persons WHERE id = :'abe';
SELECT results_eq(format('SELECT name FROM casnet.persons_of(%L)', :'one'), ARRAY['North person'], 'links end with the person');
SELECT is_empty(format('SELECT FROM casnet.records_of(%L)', :'abe'), 'no record is about who is gone');
DELETE FROM casnet.records WHERE id = :'two';
SELECT is((SELECT count(*) FROM casnet.records_of(:'ann')), 0::bigint, 'and with the record');
SELECT is_empty('SELECT FROM casnet.persons_of(''00000000-0000-7000-8000-0000000003a0'')', 'a record about nobody');
SELECT is_empty('SELECT FROM casnet.records_of(NULL)', 'NULL is nobody');
CALL be('otto', 'South');
SELECT results_eq('SELECT name, relation FROM casnet.persons_of(''00000000-0000-7000-8000-0000000001b0'')', $$VALUES ('South person', 'subject')$$, 'South is as it was');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM casnet.record_persons), 2::bigint, 'and nothing else is left');
SELECT * FROM finish();
ROLLBACK;
