-- erase_person() deletes a person with what refers to it, and blanks every entry of the
-- audit about these rows, also of rows that are gone.  Entries about others stay.
BEGIN;
SELECT plan(48);
\ir include/fixtures.sql
\ir include/persons.sql
INSERT INTO shop.notes (id, visit_id, body) VALUES (2, :'moved', 'ann fell'), (3, :'visit', 'ann sleeps');
UPDATE casnet.persons SET contact_info = '{"phone": "ann-1"}' WHERE id = :'ann';
UPDATE shop.visits SET note = 'ann coughs more' WHERE id = :'visit';
INSERT INTO shop.calls (number, person_id) VALUES ('555-ann', :'ann'), ('555-bob', :'bob');
INSERT INTO shop.favours (id, person_id) VALUES (1, :'ann');

-- Rows that are gone already, with what referred to them.
INSERT INTO shop.visits (id, person_id, note) VALUES ('00000000-0000-7000-8000-00000000a004', :'ann', 'ann died once');
INSERT INTO shop.notes (id, visit_id, body) VALUES (4, '00000000-0000-7000-8000-00000000a004', 'ann then rose');
UPDATE shop.notes SET body = 'ann rose then' WHERE id = 4;
DELETE FROM shop.visits WHERE note = 'ann died once';

-- A visit that was entered for the wrong person.
UPDATE shop.visits SET note = 'ann limps much' WHERE id = :'moved';
UPDATE shop.visits SET person_id = :'bob' WHERE id = :'moved';
UPDATE shop.visits SET note = 'bob limps' WHERE id = :'moved';
UPDATE shop.notes SET body = 'bob fell' WHERE id = 2;
INSERT INTO shop.visits (id, person_id, note) VALUES ('00000000-0000-7000-8000-00000000b005', :'bob', 'bob sings');
UPDATE shop.visits SET note = 'bob hums' WHERE note = 'bob sings';
UPDATE shop.visits SET person_id = :'ann', note = 'ann hums' WHERE note = 'bob hums';
CALL be('otto', 'South');
INSERT INTO casnet.persons (id, name) VALUES (:'ann', 'ann of south');
CALL be('olga', 'North');
SELECT public.entries_with('bob') || '::bigint' AS before \gset

CREATE TEMP TABLE result AS SELECT * FROM casnet.erase_person(:'ann', 'request 12');
SELECT is((SELECT array_agg(concat_ws(' ', relation, action, rows, row_keys)) FROM result), ARRAY[
	'casnet.persons deleted 1 [{"id": "' || :'ann' || '"}]', 'shop.calls deleted 1 [{"number": "555-ann"}]',
	'shop.favours cleared 1 [{"id": 1}]', 'shop.notes deleted 2 [{"id": 1}, {"id": 3}]',
	'shop.visits deleted 2 [{"id": "' || :'visit' || '"}, {"id": "00000000-0000-7000-8000-00000000b005"}]',
	'casnet_internal.audit_entries blanked 22'], 'says what it did');
SELECT is((SELECT count(*) FROM casnet.persons WHERE id = :'ann'), 0::bigint, 'the person is gone');
SELECT is((SELECT array_agg(note) FROM shop.visits), '{bob limps}', 'so are the visits');
SELECT is((SELECT array_agg(body) FROM shop.notes), '{bob fell}', 'and their notes');
SELECT is((SELECT array_agg(number) FROM shop.calls), '{555-bob}', 'and calls');
SELECT is((SELECT array_agg(person_id) FROM shop.favours), '{NULL}', 'what is kept refers to nobody');
SELECT is((SELECT array_agg(concat_ws(' ', relation, action, row_key->>'id', before, after - '{id,tenant_id,visit_id}'::text[]) ORDER BY at) FROM casnet.audit_log() WHERE concat(row_key, before, after) ~ 'ann'),
	ARRAY['shop.notes INSERT 2 {"body": "ann fell"}', 'shop.visits UPDATE ' || :'moved' || ' {"note": "ann limps much"} {"note": "bob limps"}', 'shop.notes UPDATE 2 {"body": "ann fell"} {"body": "bob fell"}'],
	'no entry has anything of it, but what a visit and its note had when they became another person''s');
SELECT is(public.entries_with('bob'), :before - 1, 'the entries of others stay, but for the one that made a visit hers');
SELECT is((SELECT string_agg(concat_ws(' ', action, before, after), ', ' ORDER BY at) FROM casnet.audit_log() WHERE row_key->>'id' = :'moved'),
	'INSERT, UPDATE, UPDATE, UPDATE {"note": "ann limps much"} {"note": "bob limps"}', 'a visit that was hers is blank until it was another''s');
SELECT is((SELECT string_agg(concat_ws(' ', action, before - 'tenant_id' - 'id', after - 'tenant_id' - 'id'), ', ' ORDER BY at) FROM casnet.audit_log() WHERE row_key->>'id' = '00000000-0000-7000-8000-00000000b005'),
	'INSERT {"note": "bob sings", "person_id": "' || :'bob' || '"}, UPDATE {"note": "bob sings"} {"note": "bob hums"}, UPDATE, DELETE', 'one that became hers is blank from then on');
SELECT is((SELECT string_agg(concat_ws(' ', action, row_key->>'id', before, after), ', ' ORDER BY at) FROM casnet.audit_log() WHERE relation = 'casnet.persons' AND row_key->>'id' = :'ann' AND action <> 'ERASE'),
	format('INSERT %s, UPDATE %1$s, DELETE %1$s', :'ann'), 'what is kept: which row was changed, how');
SELECT is((SELECT count(*) FROM casnet.audit_log() WHERE user_id = :'olga' AND username = 'olga' AND role = 'tap_app' AND at IS NOT NULL AND transaction_id IS NOT NULL AND before IS NULL AND after IS NULL AND action <> 'ERASE'), 22::bigint, 'when, by whom and in which role');
SELECT is((SELECT string_agg(concat_ws(' ', action, before->>'person_id', after->>'person_id'), ', ' ORDER BY at) FROM casnet.audit_log() WHERE relation = 'shop.favours'), format('INSERT %s, UPDATE %1$s', :'ann'), 'entries about rows that stay have the id');
SELECT is((SELECT string_agg(concat_ws(' ', action, row_key->'number'), ', ' ORDER BY at) FROM casnet.audit_log() WHERE relation = 'shop.calls'), 'INSERT null, INSERT "555-bob", DELETE null', 'a key that could name somebody is blanked as well');
SELECT is((SELECT string_agg(concat_ws(' ', action, row_key->'id'), ', ' ORDER BY action DESC, row_key->'id') FROM casnet.audit_log() WHERE relation = 'shop.notes' AND before IS NULL AND after IS NULL AND row_key->'id' <> '4'), 'INSERT 1, INSERT 3, DELETE 1, DELETE 3', 'but no number');
SELECT results_eq('SELECT username, row_key, before, after FROM casnet.audit_log() WHERE action = ''ERASE'' AND relation = ''casnet.persons''',
	format($$VALUES ('olga', '{"id": "%s", "tenant_id": "%s"}'::jsonb, NULL::jsonb, '{"reason": "request 12", "records": [], "erased": [{"relation": "casnet.persons", "action": "deleted", "rows": 1}, {"relation": "shop.calls", "action": "deleted", "rows": 1}, {"relation": "shop.favours", "action": "cleared", "rows": 1}, {"relation": "shop.notes", "action": "deleted", "rows": 2}, {"relation": "shop.visits", "action": "deleted", "rows": 2}, {"relation": "casnet_internal.audit_entries", "action": "blanked", "rows": 22}]}'::jsonb)$$, :'ann', :'north'),
	'the erasure is recorded, without the data');
CALL be('otto', 'South');
SELECT is(public.entries_with('ann of south'), 1::bigint, 'a person of another tenant with the same id stays');
CALL be('olga', 'North');
SELECT is((SELECT count(*) FROM casnet.export_person(:'ann') WHERE export_person::text ~ 'ann|bob|Ann'), 0::bigint, 'an export has nothing more');
SELECT alike(error_of(format('SELECT casnet.erase_person(%L)', :'ann')), 'P0002 | there is no such person | %', 'nothing is left to erase');
SELECT is((SELECT count(*) FROM casnet.audit_log(for_action => 'erase')), 1::bigint, 'and nothing recorded');

-- Another one, who was deleted before, whose table has another name now, and without a reason.
SELECT is(public.entries_with('bob'), :before - 1, 'entries about bob');
RESET SESSION AUTHORIZATION;
ALTER TABLE shop.calls RENAME TO phones;
SET LOCAL SESSION AUTHORIZATION tap_app;
DELETE FROM casnet.persons WHERE id = :'bob';
SELECT cmp_ok(public.entries_with('bob'), '>', :before - 1, 'a deletion leaves them, and its own');
SELECT is((SELECT array_agg(concat_ws(' ', relation, action, rows, row_keys)) FROM casnet.erase_person(:'bob')), '{casnet_internal.audit_entries blanked 11}', 'erased after the deletion');
SELECT is((SELECT count(*) FROM casnet.audit_log() WHERE concat(row_key, before, after) ~ 'bob'), 0::bigint, 'nothing is left, under no name of a table');
SELECT is((SELECT after->'reason' FROM casnet.audit_log() WHERE action = 'ERASE' LIMIT 1), 'null', 'a reason need not be given');

-- Where the audit began late, or ended early, its entries do not say whose a row is.
RESET SESSION AUTHORIZATION;
SELECT casnet.disable_audit('shop.visits');
SET LOCAL SESSION AUTHORIZATION tap_app;
INSERT INTO casnet.persons (id, name) VALUES (:'ann', 'eve');
INSERT INTO shop.visits (id, person_id, note) VALUES (:'visit', :'ann', 'eve waits');
RESET SESSION AUTHORIZATION;
SELECT casnet.enable_audit('shop.visits');
SET LOCAL SESSION AUTHORIZATION tap_app;
UPDATE shop.visits SET note = 'eve leaves';
INSERT INTO shop.notes (id, visit_id, body) VALUES (5, :'visit', 'eve slept');
RESET SESSION AUTHORIZATION;
SELECT casnet.disable_audit('shop.visits');
SELECT casnet.disable_audit('shop.notes');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(public.entries_with('eve'), 3::bigint, 'three entries');
SELECT is((SELECT rows FROM casnet.erase_person(:'ann') WHERE action = 'blanked'), 4::bigint, 'are erased with that of the deletion');
SELECT is(public.entries_with('eve'), 0::bigint, 'all three');

-- A person whose id was changed, and a table that was dropped.
INSERT INTO casnet.persons (id, name) VALUES ('00000000-0000-7000-8000-00000000c001', 'fay');
UPDATE casnet.persons SET id = '00000000-0000-7000-8000-00000000c002' WHERE name = 'fay';
INSERT INTO shop.phones (number, person_id) VALUES ('555-fay', '00000000-0000-7000-8000-00000000c002');
UPDATE shop.phones SET number = '666-fay';
RESET SESSION AUTHORIZATION;
SELECT casnet.unprotect('shop.phones') \g /dev/null
DROP TABLE shop.phones;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(public.entries_with('fay'), 3::bigint, 'entries under two ids, and of a table that is gone');
SELECT lives_ok($$SELECT casnet.erase_person('00000000-0000-7000-8000-00000000c002')$$, 'are erased');
SELECT is(public.entries_with('fay'), 0::bigint, 'all of them');

-- Who has that id again is somebody: only the person who is erased has a blank history.
INSERT INTO casnet.persons (id, name) VALUES ('00000000-0000-7000-8000-00000000d001', 'gil');
UPDATE casnet.persons SET id = '00000000-0000-7000-8000-00000000d002' WHERE name = 'gil';
UPDATE casnet.persons SET id = '00000000-0000-7000-8000-00000000d001' WHERE name = 'gil';
SELECT is((SELECT rows FROM casnet.erase_person('00000000-0000-7000-8000-00000000d002')), 1::bigint, 'an id that somebody had for a while');
SELECT is(public.entries_with('gil'), 1::bigint, 'leaves the history of who has another one now');

-- The audit is as locked as before.
RESET SESSION AUTHORIZATION;
SELECT throws_ok('UPDATE casnet_internal.audit_entries SET before = NULL', '42501', 'entries of the audit cannot be changed or deleted', 'nobody else blanks an entry');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok(format('SELECT casnet_internal.%s', f), '42501', NULL, f) FROM unnest(ARRAY[format('blank_audit_entries(%L, ''{}'', ''{}'')', :'north'), format('blank_person(%L, %L, ''[]'', ''{}'')', :'north', :'ann'),
	format('hold_person(%L, %L)', :'north', :'ann'), format('entries_of_person(%L, %L, ''[]'')', :'north', :'ann'), format('rows_of_person(%L, false)', :'ann'), 'references_to(''casnet.persons'')', 'tables_below_persons()', 'audited_columns()', 'tenant_columns()', format('audit_mentions(%L)', :'north'), format('attributed_entries(%L, ''[]'')', :'north'), 'erased(''[]'', 1)', 'erasure_summary(''[]'', 1, '''', ''{}'')', 'blank_key(''{}'')']) AS f;
SELECT * FROM finish();
ROLLBACK;
