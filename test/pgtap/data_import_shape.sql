-- A document of another shape is refused; the error names the document and what is wrong.
BEGIN;
SELECT plan(43);
\ir include/fixtures.sql
CALL be('olga', 'North');
CREATE TEMP TABLE e AS SELECT row_number() OVER () AS n, d FROM casnet.export_tenant() AS d;

-- wrong(condition, new document): the error of import_tenant() for that document.
CREATE FUNCTION pg_temp.wrong(place text, document text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE format('CREATE TEMP TABLE w AS SELECT CASE WHEN %s THEN %s ELSE d END AS d FROM e ORDER BY n', place, document);
	answer := public.error_of($q$SELECT casnet.import_tenant('w', 'Copy')$q$);
	DROP TABLE w;
	RETURN substring(answer FROM '(^22023 \| (?:document|unknown role).*?) \| (?:Import what|An administrator)');
END
$$;
SELECT is(public.error_of($$SELECT casnet.import_tenant('e', 'Copy')$$), 'none', 'all is well');

\set task '''d->>$$table$$ = $$tasks$$'''
\set person '''d->>$$table$$ = $$persons$$'''
\set at_task '22023 | document 15 (tasks 00000000-0000-7000-8000-0000000001a0) cannot be imported | '
\set at_person '22023 | document 7 (persons 00000000-0000-7000-8000-0000000001a0) cannot be imported | '
SELECT is(pg_temp.wrong('n = 3', 'NULL'), '22023 | document 3 cannot be imported | It is not an object.', 'NULL');
SELECT is(pg_temp.wrong('n = 3', $$'[1]'::jsonb$$), '22023 | document 3 cannot be imported | It is not an object.', 'an array');
SELECT is(pg_temp.wrong('n = 3', $$'"casnet"'::jsonb$$), '22023 | document 3 cannot be imported | It is not an object.', 'a string');
SELECT is(pg_temp.wrong('n = 3', $$'{}'::jsonb$$), '22023 | document 3 cannot be imported | It lacks the key "table".', 'an empty one');
SELECT is(pg_temp.wrong('n = 3', $$d - 'row'$$), '22023 | document 3 (members) cannot be imported | It lacks the key "row".', 'no row');
SELECT is(pg_temp.wrong(:person, $$d || '{"tenant_id": "x"}'$$), :'at_person' || 'It has the unknown key "tenant_id".', 'more than a row');
SELECT is(pg_temp.wrong('n = 3', $$jsonb_set(d, '{row}', '7')$$), '22023 | document 3 (members) cannot be imported | "row" is not an object.', 'an invalid row');
SELECT is(pg_temp.wrong('n = 3', $$'{"table": "persons", "row": null}'::jsonb$$), '22023 | document 3 (persons) cannot be imported | "row" is not an object.', 'a null row');
SELECT is(pg_temp.wrong('n = 3', $$'{"table": "persons", "row": ["id"]}'::jsonb$$), '22023 | document 3 (persons) cannot be imported | "row" is not an object.', 'an array of keys');
SELECT is(pg_temp.wrong('n = 3', $$'{"table": "users", "row": {"is_superuser": true}}'::jsonb$$), '22023 | document 3 (users) cannot be imported | Its header names no table "users".', 'another table');
SELECT is(pg_temp.wrong('n = 3', $$'{"table": "tenant", "row": {"name": "x", "description": null, "created_at": "infinity"}}'::jsonb$$), '22023 | document 3 (tenant) cannot be imported | Its header names no table "tenant".', 'the header as a row');
SELECT is(pg_temp.wrong('n = 3', $$'{"table": 1, "row": {}}'::jsonb$$), '22023 | document 3 (1) cannot be imported | Its header names no table 1.', 'a number of a table');

SELECT is(pg_temp.wrong('n = 1', $$jsonb_set(d, '{version}', '2')$$), '22023 | document 1 cannot be imported | It is version 2, and this casnet reads version 1.', 'another version');
SELECT is(pg_temp.wrong('n = 1', $$jsonb_set(d, '{version}', '"1"')$$), '22023 | document 1 cannot be imported | It is version "1", and this casnet reads version 1.', 'a string');
SELECT is(pg_temp.wrong('n = 1', $$d - 'version'$$), '22023 | document 1 cannot be imported | It lacks the key "version".', 'no version');
SELECT is(pg_temp.wrong('n = 1', $$jsonb_set(d, '{casnet}', '"backup"')$$), '22023 | document 1 cannot be imported | "casnet" is not "tenant".', 'another export');
SELECT is(pg_temp.wrong('n = 1', $$jsonb_set(d, '{tenant,plan}', '"x"')$$), '22023 | document 1 cannot be imported | "tenant" has the unknown key "plan".', 'more of the tenant');
SELECT is(pg_temp.wrong('n = 1', $$d #- '{tenant,name}'$$), '22023 | document 1 cannot be imported | "tenant" lacks the key "name".', 'no name');
SELECT is(pg_temp.wrong('n = 15', '(SELECT d FROM e WHERE n = 1)'), '22023 | document 15 cannot be imported | It is a second header.', 'a second header');
CREATE TEMP TABLE headless AS SELECT d FROM e WHERE n > 1;
SELECT throws_ok($$SELECT casnet.import_tenant('headless')$$, '22023', 'the documents lack their header', 'no header');
CREATE TEMP TABLE nothing (d jsonb);
SELECT throws_ok($$SELECT casnet.import_tenant('nothing')$$, '22023', 'the documents lack their header', 'no document');

SELECT is(pg_temp.wrong(:task, $$d #- '{row,title}'$$), :'at_task' || '"row" lacks the key "title".', 'a missing key');
SELECT is(pg_temp.wrong(:task, $$jsonb_set(d, '{row,tenant_id}', '"00000000-0000-7000-8000-0000000000b0"')$$), :'at_task' || '"row" has the unknown key "tenant_id".', 'the tenant of a row');
SELECT is(pg_temp.wrong(:task, $$jsonb_set(d, '{row,title}', '5')$$), :'at_task' || '"title" of "row" is no string.', 'a number for a string');
SELECT is(pg_temp.wrong(:task, $$jsonb_set(d, '{row,title}', 'null')$$), :'at_task' || '"title" of "row" is no string.', 'null for a string');
SELECT is(pg_temp.wrong(:task, $$jsonb_set(d, '{row,due_date}', '"tomorrow"')$$), :'at_task' || '"due_date" of "row" is no time in UTC such as 2024-12-31T23:59:59.000000Z.', 'a word for a time');
SELECT is(pg_temp.wrong(:task, $$jsonb_set(d, '{row,due_date}', '"2024-01-01"')$$), :'at_task' || '"due_date" of "row" is no time in UTC such as 2024-12-31T23:59:59.000000Z.', 'a time that depends on settings');
SELECT is(pg_temp.wrong(:person, $$jsonb_set(d, '{row,date_of_birth}', '"1/2/3"')$$), :'at_person' || '"date_of_birth" of "row" is no date such as 2024-12-31.', 'and such a date');
SELECT is(pg_temp.wrong(:person, $$jsonb_set(d, '{row,contact_info}', '"x"')$$), :'at_person' || 'new row for relation "persons" violates check constraint "persons_contact_info_check"', 'a string for an object');
SELECT is(pg_temp.wrong('n = 16', $$jsonb_set(d, '{row,all_day}', '"yes"')$$), '22023 | document 16 (calendar_events 00000000-0000-7000-8000-0000000001a0) cannot be imported | "all_day" of "row" is no boolean.', 'a string for a boolean');
SELECT is(pg_temp.wrong('n = 3', $$jsonb_set(d, '{row,permissions}', '["x", 1]')$$), '22023 | document 3 (members ines) cannot be imported | "permissions" of "row" is no array of strings.', 'a number for a permission');
SELECT is(pg_temp.wrong(:task, $$jsonb_set(d, '{row,completed_at}', '"infinity"')$$), :'at_task' || 'A task has "completed_at" when its "status" is COMPLETED, and only then.', 'a time that the server would drop');

SELECT is(pg_temp.wrong(:task, $$jsonb_set(d, '{row,created_at}', '"2024-13-01T00:00:00.000000Z"')$$), :'at_task' || 'date/time field value out of range: "2024-13-01T00:00:00.000000Z"', 'no such month');
SELECT is(pg_temp.wrong(:task, $$jsonb_set(d, '{row,record_id}', '"x"')$$), :'at_task' || 'invalid input syntax for type uuid: "x"', 'no UUID');
SELECT is(pg_temp.wrong(:task, $$jsonb_set(d, '{row,status}', '"DONE"')$$), :'at_task' || 'new row for relation "tasks" violates check constraint "tasks_status_check"', 'no such status');
SELECT is(pg_temp.wrong(:task, $$jsonb_set(d, '{row,record_id}', '"00000000-0000-7000-8000-0000000001b0"')$$), :'at_task' || 'insert or update on table "tasks" violates foreign key constraint "tasks_record_id_tenant_id_fkey"', 'a record of another tenant');
SELECT is(pg_temp.wrong(:task, $$jsonb_set(d, '{row,assignee_id}', '"otto"')$$), :'at_task' || 'there is no member "otto" in the documents', 'an assignee who is no member');
SELECT is(pg_temp.wrong('n = 3', $$jsonb_set(d, '{row,role}', '"king"')$$), '22023 | unknown role "king" | Document 3 (members ines) has it.', 'no such role');
SELECT is(pg_temp.wrong('n = 3', $$jsonb_set(d, '{row,role}', '1')$$), '22023 | document 3 (members ines) cannot be imported | "role" of "row" is no string.', 'a number for a role');
SELECT is(pg_temp.wrong('n = 3', $$jsonb_set(d, '{row,permissions}', '["fly"]')$$), '22023 | document 3 (members ines) cannot be imported | unknown permission "fly"', 'no such permission');
SELECT is(pg_temp.wrong('n = 5', $$jsonb_set(d, '{row,role}', '"king"')$$), '22023 | unknown role "king" | Document 5 (members olga) has it.', 'of the importer');
SELECT is(error_of($$CREATE TEMP TABLE w AS SELECT d FROM e UNION ALL SELECT d FROM e WHERE n = 8; SELECT casnet.import_tenant('w', 'Copy')$$) ~ '^23505', true, 'a row twice');
SELECT * FROM finish();
ROLLBACK;
