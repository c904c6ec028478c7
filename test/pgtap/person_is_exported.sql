-- export_person() returns all that is stored about a person: the row with columns that
-- somebody added, the rows that refer to it in any table, whoever sees them, the rows that
-- would be deleted with these, and what the audit has about them.
BEGIN;
SELECT plan(19);
\ir include/fixtures.sql
\ir include/persons.sql
INSERT INTO shop.calls (number, person_id) VALUES ('555-ann', :'ann'), ('555-bob', :'bob');
INSERT INTO shop.favours (id, person_id) VALUES (1, :'ann'), (2, :'bob'), (3, NULL);
INSERT INTO shop.debts (id, person_id) VALUES (1, :'ann');
UPDATE casnet.persons SET name = 'Anna' WHERE id = :'ann';

CREATE TEMP VIEW ann AS SELECT d.document, d.n FROM casnet.export_person('00000000-0000-7000-8000-00000000a001') WITH ORDINALITY AS d (document, n);
SELECT is((SELECT document FROM ann WHERE n = 1), jsonb_build_object('casnet', 'person', 'version', 1, 'tenant', 'North', 'person', :'ann'), 'a header first');
SELECT is((SELECT array_agg(t ORDER BY n) FROM (SELECT document->>'table' AS t, min(n) AS n FROM ann GROUP BY 1) AS x),
	'{NULL,casnet.persons,shop.calls,shop.debts,shop.favours,shop.visits,shop.notes,casnet_internal.audit_entries}', 'then a document for each row, table by table');
SELECT is((SELECT (document->'row') - '{created_at,updated_at}'::text[] FROM ann WHERE document->>'table' = 'casnet.persons'),
	jsonb_build_object('id', :'ann', 'name', 'Anna', 'date_of_birth', NULL, 'gender', NULL, 'contact_info', '{}'::jsonb, 'shoe_size', 38), 'the person, with columns that were added');
SELECT matches((SELECT document#>>'{row,created_at}' FROM ann WHERE document->>'table' = 'casnet.persons'), '^\d{4}-\d\d-\d\dT.*\+00:00$', 'times are in UTC');
SELECT is((SELECT jsonb_agg(document->'row') FROM ann WHERE document->>'table' = 'shop.calls'), jsonb_build_array(jsonb_build_object('number', '555-ann', 'person_id', :'ann')), 'what refers to it');
SELECT is((SELECT jsonb_agg(document#>>'{row,note}' ORDER BY document#>>'{row,note}') FROM ann WHERE document->>'table' = 'shop.visits'), '["ann coughs", "ann limps"]', 'each row');
SELECT is((SELECT jsonb_agg(document#>>'{row,body}') FROM ann WHERE document->>'table' = 'shop.notes'), '["ann took pills"]', 'and what refers to that');
SELECT is((SELECT jsonb_agg(document#>'{row,id}') FROM ann WHERE document->>'table' IN ('shop.favours', 'shop.debts')), '[1, 1]', 'also rows that would stay, or forbid to delete the person');
SELECT is((SELECT jsonb_agg((document->'row') - '{at,row_key}'::text[]) FROM ann WHERE document#>>'{row,action}' = 'UPDATE'),
	'[{"relation": "casnet.persons", "action": "UPDATE", "before": {"name": "Ann"}, "after": {"name": "Anna"}}]', 'the history of the person');
SELECT is((SELECT jsonb_object_agg(r, c) FROM (SELECT document#>>'{row,relation}' AS r, count(*) AS c FROM ann WHERE document->>'table' = 'casnet_internal.audit_entries' GROUP BY 1) AS x),
	'{"casnet.persons": 2, "shop.calls": 1, "shop.debts": 1, "shop.notes": 1, "shop.visits": 2}', 'and of what belongs to it');
SELECT is((SELECT count(*) FROM ann WHERE document::text ILIKE '%bob%'), 0::bigint, 'nothing about anybody else');
SELECT is((SELECT count(*) FROM ann WHERE document::text ~ (:'north' || '|' || :'olga')), 0::bigint, 'no id of the tenant, and not who has changed something');

-- A row that the session does not see is a part of it, too.
RESET SESSION AUTHORIZATION;
CREATE POLICY narrow ON shop.calls AS RESTRICTIVE FOR SELECT USING (false);
CREATE POLICY narrow ON casnet.persons AS RESTRICTIVE FOR SELECT USING (false);
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is((SELECT count(*) FROM shop.calls) + (SELECT count(*) FROM casnet.persons), 0::bigint, 'of rows that a policy hides');
SELECT is((SELECT count(*) FROM ann WHERE document->>'table' IN ('shop.calls', 'casnet.persons')), 2::bigint, 'nothing is left out');

CALL be('otto', 'South');
SELECT is(error_of(format('SELECT casnet.export_person(%L)', :'ann')), 'P0002 | there is no such person |  | SELECT id, name FROM casnet.persons lists those of the active tenant. | ', 'who is in another tenant');
SELECT is(error_of(format('SELECT casnet.export_person(%L)', :'nowhere')), error_of(format('SELECT casnet.export_person(%L)', :'ann')), 'is as one who is nowhere');
SELECT is(state_of('SELECT casnet.export_person(NULL)'), 'P0002', 'nobody is nobody');
RESET SESSION AUTHORIZATION;
DROP POLICY narrow ON casnet.persons;
DROP POLICY narrow ON shop.calls;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
DELETE FROM shop.debts;
DELETE FROM casnet.persons WHERE id = :'ann';
SELECT is((SELECT array_agg(DISTINCT document->>'table' ORDER BY document->>'table') FROM ann), '{casnet_internal.audit_entries,NULL}', 'of a deleted person, the history is left');
SELECT is((SELECT count(*) FROM ann WHERE n > 1), 13::bigint, 'all of it');
SELECT * FROM finish();
ROLLBACK;
