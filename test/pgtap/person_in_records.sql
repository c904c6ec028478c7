-- Records about a person are a part of what is stored about it, with their tags, tasks and
-- events, and rows of an application about them.  They stay when the person is erased;
-- erase_person() says which they are, and the links to them are erased.
BEGIN;
SELECT plan(24);
\ir include/fixtures.sql
\ir include/persons.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE shop.bills (id integer, tenant_id uuid, record_id uuid, person_id uuid, PRIMARY KEY (tenant_id, id));
CREATE TABLE shop.lines (id integer, tenant_id uuid, bill_id integer, PRIMARY KEY (tenant_id, id));
SELECT casnet.protect('shop.bills'), casnet.protect('shop.lines') \g /dev/null
ALTER TABLE shop.bills ADD FOREIGN KEY (record_id, tenant_id) REFERENCES casnet.records (id, tenant_id) ON DELETE CASCADE;
ALTER TABLE shop.bills ADD FOREIGN KEY (person_id, tenant_id) REFERENCES casnet.persons (id, tenant_id) ON DELETE SET NULL (person_id);
ALTER TABLE shop.lines ADD FOREIGN KEY (bill_id, tenant_id) REFERENCES shop.bills (id, tenant_id) ON DELETE CASCADE;
SELECT casnet.enable_audit('casnet.record_persons'), casnet.enable_audit('casnet.records'), casnet.enable_audit('shop.bills'), casnet.enable_audit('shop.lines') \g /dev/null
SET LOCAL SESSION AUTHORIZATION tap_app;
\set one 00000000-0000-7000-8000-0000000001a0
\set two 00000000-0000-7000-8000-0000000002a0
\set three 00000000-0000-7000-8000-0000000003a0
SELECT casnet.link_person(:'one', :'ann', 'victim'), casnet.link_person(:'two', :'ann'), casnet.link_person(:'two', :'bob', 'witness'), casnet.link_person(:'three', :'bob') \g /dev/null
SELECT casnet.link_person(:'three', :'ann', 'suspect'), casnet.unlink_person(:'three', :'ann') \g /dev/null
UPDATE casnet.records SET content = 'Ann was seen.' WHERE id = :'one';
INSERT INTO shop.bills (id, record_id, person_id) VALUES (1, :'one', NULL), (2, :'two', :'ann'), (3, :'three', NULL);
INSERT INTO shop.lines (id, bill_id) VALUES (1, 1), (2, 3);

CREATE TEMP VIEW ann AS SELECT d->>'table' AS relation, d->'row' AS content FROM casnet.export_person('00000000-0000-7000-8000-00000000a001') AS d;
SELECT is((SELECT jsonb_object_agg(content->>'record_id', content->'relation') FROM ann WHERE relation = 'casnet.record_persons'), jsonb_build_object(:'one', 'victim', :'two', 'subject'), 'the links to records');
SELECT is((SELECT jsonb_object_agg(content->>'title', content->'content') FROM ann WHERE relation = 'casnet.records'), '{"North record 1": "Ann was seen.", "North record 2": ""}', 'these records');
SELECT is((SELECT count(*) FROM ann WHERE content ?| '{search_vector,tenant_id}'), 0::bigint, 'without what casnet has added');
SELECT is((SELECT jsonb_agg(content->'name') FROM ann WHERE relation = 'casnet.record_tags'), '["North tag", "North tag"]', 'the names of their tags');
SELECT is((SELECT jsonb_agg(content->'title') FROM ann WHERE relation IN ('casnet.tasks', 'casnet.calendar_events')), '["North event", "North task"]', 'their events and tasks');
SELECT is((SELECT jsonb_agg(content->'id' ORDER BY content->'id') FROM ann WHERE relation = 'shop.bills'), '[1, 2]', 'rows about them, each once');
SELECT is((SELECT jsonb_agg(content->'id') FROM ann WHERE relation = 'shop.lines'), '[1]', 'and what belongs to those');
SELECT is((SELECT count(*) FROM ann WHERE content::text ~ 'witness|b001'), 0::bigint, 'but no other person');
SELECT is((SELECT jsonb_agg(jsonb_build_array(content->'action', content#>'{row_key,record_id}')) FROM ann WHERE relation = 'casnet_internal.audit_entries' AND content->>'relation' = 'casnet.record_persons'),
	jsonb_build_array(jsonb_build_array('INSERT', :'one'), jsonb_build_array('INSERT', :'two'), jsonb_build_array('INSERT', :'three'), jsonb_build_array('DELETE', :'three')), 'the history has links that are gone, too');

CREATE TEMP TABLE result AS SELECT * FROM casnet.erase_person(:'ann');
SELECT is((SELECT row_keys FROM result WHERE relation = 'casnet.record_persons'), jsonb_build_array(jsonb_build_object('record_id', :'one', 'person_id', :'ann'), jsonb_build_object('record_id', :'two', 'person_id', :'ann')), 'says which records to look at');
SELECT is((SELECT string_agg(concat_ws(' ', r.title, l.relation), ', ' ORDER BY r.title, l.relation) FROM casnet.records AS r LEFT JOIN casnet.record_persons AS l ON l.record_id = r.id AND l.person_id = :'bob'), 'North record 1, North record 2 witness, North record 3 subject', 'the records stay, and links of others');
SELECT is((SELECT count(*) FROM casnet.audit_log() WHERE relation = 'casnet.record_persons' AND row_key->>'person_id' = :'ann' AND before IS NULL AND after IS NULL), 6::bigint, 'entries about the links are blank');
SELECT is((SELECT count(*) FROM casnet.audit_log() WHERE concat(before, after) ~ 'victim|suspect|"subject"'), 1::bigint, 'but those of others are not');
SELECT is((SELECT string_agg(after->>'content', ' ') FROM casnet.audit_log() WHERE relation = 'casnet.records'), 'Ann was seen.', 'nor those about records, whose text nobody knows');

-- The history of records as well, if asked for: at once, or when their text was changed.
INSERT INTO casnet.persons (id, name) VALUES (:'ann', 'Ann');
SELECT casnet.link_person(:'two', :'ann') \g /dev/null
SELECT is(error_of(format('SELECT casnet.erase_person(%L, records => ARRAY[%L, %L]::uuid[])', :'bob', :'one', :'two')), '22023 | a record is not about the person |  | Name records to which casnet.record_persons links the person. | ', 'of no other records');
SELECT is(error_of(format('SELECT casnet.erase_person(%L, records => ARRAY[NULL::uuid])', :'bob')), '22023 | a record is not about the person |  | Name records to which casnet.record_persons links the person. | ', 'nor of none');
UPDATE casnet.records SET content = 'Ann again.' WHERE id = :'two';
UPDATE casnet.records SET content = 'Ann too.' WHERE id = :'three';
SELECT lives_ok(format('SELECT casnet.erase_person(%L, records => ARRAY[%L]::uuid[])', :'ann', :'two'), 'with a record');
SELECT is((SELECT jsonb_agg(row_key->'id') FROM casnet.audit_log() WHERE relation = 'casnet.records' AND before IS NULL), jsonb_build_array(:'two'), 'whose history is blank');
SELECT is((SELECT content FROM casnet.records WHERE id = :'two'), 'Ann again.', 'while it stays');
SELECT is((SELECT after->'records' FROM casnet.audit_log(for_action => 'ERASE', max_rows => 1)), jsonb_build_array(:'two'), 'which is recorded');
UPDATE casnet.records SET content = 'Somebody was seen.' WHERE id = :'one';
SELECT is((SELECT rows FROM casnet.erase_person(:'ann', NULL, ARRAY[:'one', :'three']::uuid[])), 3::bigint, 'later, records to which links led');
SELECT is((SELECT count(*) FROM casnet.audit_log() WHERE concat(before, after) ~ 'Ann'), 0::bigint, 'then nothing is left in the audit');
SELECT is(state_of(format('SELECT casnet.erase_person(%L, NULL, NULL)', :'ann')), 'P0002', 'and nothing to erase');

-- A link that the audit does not know.
RESET SESSION AUTHORIZATION;
SELECT casnet.disable_audit('casnet.record_persons') \g /dev/null
SET LOCAL SESSION AUTHORIZATION tap_app;
INSERT INTO casnet.persons (id, name) VALUES ('00000000-0000-7000-8000-00000000e001', 'Eve');
SELECT casnet.link_person(:'one', '00000000-0000-7000-8000-00000000e001') \g /dev/null
SELECT lives_ok(format('SELECT casnet.erase_person(%L, records => ARRAY[%L]::uuid[])', '00000000-0000-7000-8000-00000000e001', :'one'), 'a link counts without the audit, too');
SELECT * FROM finish();
ROLLBACK;
