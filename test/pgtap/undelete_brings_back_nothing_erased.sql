-- What was erased comes back neither by itself nor with a row that was deleted in the same
-- transaction; history() shows that it was there.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
\ir include/persons.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.enable_audit('casnet.record_persons'), casnet.enable_audit('casnet.records'), casnet.enable_audit('casnet.record_tags'), casnet.enable_audit('casnet.tasks'), casnet.enable_audit('casnet.calendar_events') \g /dev/null
SET LOCAL SESSION AUTHORIZATION tap_app;
\set one 00000000-0000-7000-8000-0000000001a0
\set two 00000000-0000-7000-8000-0000000002a0
SELECT casnet.link_person(:'one', :'ann'), casnet.link_person(:'one', :'bob'), casnet.link_person(:'two', :'ann') \g /dev/null
INSERT INTO shop.favours (id, person_id) VALUES (1, :'ann');
DELETE FROM shop.visits WHERE id = :'moved';
DELETE FROM casnet.records WHERE id IN (:'one', :'two');
SELECT casnet.erase_person(:'ann', records => ARRAY[:'two']::uuid[]) \g /dev/null
SELECT alike(error_of(format('SELECT casnet.undelete(%L, %L)', t, k)), 'P0002 | %', t)
  FROM (VALUES ('casnet.persons', :'ann'), ('shop.visits', :'visit'), ('shop.visits', :'moved'), ('shop.notes', '1'), ('casnet.records', :'two')) AS v (t, k);
SELECT lives_ok(format('SELECT casnet.undelete(''casnet.records'', %L::uuid)', :'one'), 'a record comes back');
SELECT is((SELECT array_agg(name) FROM casnet.persons_of(:'one') WHERE name IN ('Ann', 'Bob')), '{Bob}', 'with links to others, and not to who was erased');
SELECT is((SELECT string_agg(concat_ws(' ', action, before, after->'reason'), ', ' ORDER BY at) FROM casnet.history('casnet.persons', :'ann'::uuid)), 'INSERT, DELETE, ERASE null', 'the history is blank, and says that it was erased');
SELECT is((SELECT string_agg(action, ', ' ORDER BY at) FROM casnet.history('shop.visits', :'visit'::uuid)), 'INSERT, DELETE', 'that of what belonged to it, too');
SELECT * FROM finish();
ROLLBACK;
