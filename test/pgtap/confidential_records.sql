-- The recipe of docs/own-tables.md for confidential records: whoever is not assigned learns nothing of
-- them, neither by a table nor by a function, and nobody takes the list off.
BEGIN;
SELECT plan(124);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
-- In the folder of the sources or in that of the tests.
\set recipe `cat docs/own-tables.md ../../docs/own-tables.md 2>/dev/null | sed -n '/^BEGIN;  *-- confidential records/,/^COMMIT;/{//!p;}'`
:recipe
\set first 00000000-0000-7000-8000-0000000001a0
\set second 00000000-0000-7000-8000-0000000002a0
UPDATE casnet.records SET title = 'hidden canary', content = 'the canary sings' WHERE id = :'first';
UPDATE casnet.tasks SET title = 'task of the canary' WHERE record_id = :'first';
UPDATE casnet.calendar_events SET title = 'event of the canary' WHERE record_id = :'first';
INSERT INTO casnet.record_persons (tenant_id, record_id, person_id) VALUES (:'north', :'first', '00000000-0000-7000-8000-0000000001a0') ON CONFLICT DO NOTHING;
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission)
SELECT :'vic', :'north', p FROM unnest('{edit_records,delete_records,create_records,create_tasks,edit_tasks,delete_tasks,edit_calendar,create_calendar}'::text[]) AS p;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT lives_ok(format('UPDATE casnet.records SET assigned = ARRAY[%L, %L]::uuid[] WHERE id = %L', :'mia', :'adam', :'first'), 'a member assigns two to a record');
SELECT is((SELECT count(*) FROM casnet.records), 3::bigint, 'who is assigned sees it');
SELECT is((SELECT assigned FROM casnet.tasks), ARRAY[:'mia', :'adam']::uuid[], 'the list is that of its task');
SELECT is((SELECT assigned FROM casnet.calendar_events), ARRAY[:'mia', :'adam']::uuid[], 'of its event');
SELECT is((SELECT assigned FROM casnet.record_tags WHERE record_id = :'first'), ARRAY[:'mia', :'adam']::uuid[], 'of its tags');
SELECT is((SELECT count(*) FROM casnet.record_persons WHERE record_id = :'first' AND assigned = ARRAY[:'mia', :'adam']::uuid[]), 1::bigint, 'and of its persons');
SELECT throws_ok(format('UPDATE casnet.records SET assigned = ARRAY[%L]::uuid[] WHERE id = %L', :'adam', :'first'), '42501', NULL, 'nobody assigns others only');
SELECT lives_ok(format('INSERT INTO casnet.tasks (title, record_id) VALUES (''second task of the canary'', %L)', :'first'), 'a new task');
SELECT is((SELECT count(*) FROM casnet.tasks WHERE assigned = ARRAY[:'mia', :'adam']::uuid[]), 2::bigint, 'has the list');
SELECT throws_ok('UPDATE casnet.tasks SET assigned = ''{}''', '23503', NULL, 'which nobody takes off a task');
SELECT throws_ok(format('INSERT INTO casnet.records (title, assigned) VALUES (''x'', ARRAY[%L]::uuid[])', :'adam'), '42501', NULL, 'nor begins with others only');

-- What somebody gets by a statement: rows and errors, as text.
RESET SESSION AUTHORIZATION;
CREATE FUNCTION seen_by(name text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text := '';
	part text;
	state text;
	message text;
	detail text;
	hint text;
BEGIN
	CALL be(name, 'North');
	BEGIN
		IF statement ~ '^(SELECT|TABLE|INSERT .* RETURNING|UPDATE .* RETURNING|DELETE .* RETURNING|EXPLAIN|FETCH)' THEN
			FOR part IN EXECUTE statement LOOP
				answer := concat(answer, part, E'\n');
			END LOOP;
		ELSE
			EXECUTE statement;
			GET DIAGNOSTICS part = ROW_COUNT;
			answer := part || ' rows';
		END IF;
		RAISE EXCEPTION 'undone' USING ERRCODE = 'ZZ000';
	EXCEPTION
		WHEN SQLSTATE 'ZZ000' THEN
		WHEN others THEN
			GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
			answer := concat_ws(' ', state, message, detail, hint);
	END;
	RETURN answer;
END $$;
CREATE FUNCTION public.tell(title text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$
	BEGIN RAISE EXCEPTION 'read %', title; END $$;
CREATE FUNCTION public.leaks(title text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$
	BEGIN IF title ~ 'canary' THEN RAISE EXCEPTION 'read %', title; END IF; RETURN true; END $$;
CREATE VIEW public.all_records WITH (security_invoker) AS SELECT * FROM casnet.records;
GRANT SELECT ON public.all_records TO tap_app;
CREATE TABLE attacks (statement text, like_missing boolean);
GRANT SELECT ON attacks TO PUBLIC;
-- With the id of the record, and with one that is not there, the answer is the same.
INSERT INTO attacks SELECT s, false FROM unnest(ARRAY[
	'SELECT r::text FROM casnet.records AS r', 'SELECT r::text FROM casnet.tasks AS r', 'SELECT r::text FROM casnet.calendar_events AS r', 'SELECT r::text FROM casnet.record_tags AS r WHERE record_id::text ~ ''01a0$''',
	'SELECT r::text FROM casnet.record_persons AS r WHERE record_id::text ~ ''01a0$''', 'SELECT title FROM public.all_records', 'SELECT title FROM casnet.records WHERE public.leaks(title) AND public.leaks(content)',
	'SELECT count(*) || '' canary'' FROM casnet.records HAVING count(*) > 2', 'SELECT ''canary'' FROM casnet.tasks WHERE public.leaks(title)',
	'SELECT s::text FROM casnet.search_records(''canary'') AS s', 'SELECT s::text FROM casnet.search_records(''canary'', any_of => ''{North tag}'') AS s', 'SELECT e::text FROM casnet.events_between(''2023-01-01'', ''2025-01-01'') AS e', 'SELECT casnet.export_calendar()', 'SELECT title FROM casnet.records WHERE search_vector OPERATOR(casnet.@~) casnet.search_query(''canary'') AND public.leaks(title)',
	'SELECT title FROM casnet.records WHERE title OPERATOR(casnet.*=*) ''canary''', 'SELECT ''canary'' FROM casnet.tag_counts() AS t WHERE t.name = ''North tag'' AND t.records > 1',
	'SELECT r || '' canary'' FROM casnet.records_tagged(''{North tag}'') AS r WHERE r::text ~ ''01a0$''', 'SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(any_of => ''{North tag}'')) AND public.leaks(title)',
	'SELECT r || '' canary'' FROM casnet.records_tagged(none_of => ''{no tag}'') AS r WHERE r::text ~ ''01a0$''',
	'UPDATE casnet.records SET title = title RETURNING title', 'DELETE FROM casnet.records RETURNING title', 'UPDATE casnet.tasks SET title = title RETURNING title', 'SELECT title FROM casnet.records FOR UPDATE',
	'SELECT r.title || t.title FROM casnet.records AS r FULL JOIN casnet.tasks AS t ON t.record_id = r.id', 'SELECT casnet.export_tenant()::text', 'SELECT ''canary'' FROM casnet.records AS r WHERE r.assigned <> ''{}''',
	'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT FROM casnet.records WHERE title LIKE ''hidden c%''',
	'UPDATE casnet.records SET assigned = ''{}'' RETURNING title', 'SELECT max(title) FROM casnet.records WHERE title >= ''hidden''']) AS s;
INSERT INTO attacks SELECT s, true FROM unnest(ARRAY[
	'SELECT title FROM casnet.records WHERE id = %L', 'SELECT casnet.export_calendar(%L)', 'SELECT casnet.tags_of(%L)::text', 'SELECT casnet.tag_record(%L, ''x'')::text', 'SELECT casnet.untag_record(%L, ''North tag'')::text',
	'SELECT p::text FROM casnet.persons_of(%L) AS p', 'INSERT INTO casnet.tasks (title, record_id) VALUES (''x'', %L)', 'INSERT INTO casnet.calendar_events (title, starts_at, record_id) VALUES (''x'', now(), %L)',
	'INSERT INTO casnet.record_tags (record_id, tag_id) VALUES (%L, ''00000000-0000-7000-8000-0000000009a0'')', 'UPDATE casnet.records SET title = ''x'' WHERE id = %L', 'DELETE FROM casnet.records WHERE id = %L',
	'INSERT INTO casnet.tasks (title, record_id, assigned) VALUES (''x'', %L, ''{00000000-0000-7000-8000-000000000003,00000000-0000-7000-8000-000000000002}'')',
	'MERGE INTO casnet.records AS r USING (VALUES (%L::uuid)) AS v (id) ON r.id = v.id WHEN MATCHED THEN UPDATE SET title = ''x''']) AS s;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT unalike(seen_by(w.name, a.statement), '%canary%', format('%s: %s', w.name, a.statement))
  FROM unnest('{olga,vic}'::text[]) AS w (name), attacks AS a WHERE NOT a.like_missing;
SELECT is(replace(seen_by('vic', format(statement, :'first')), :'first', :'nowhere'), seen_by('vic', format(statement, :'nowhere')), 'as if it were not there: ' || statement)
  FROM attacks WHERE like_missing;
-- A series about the record, one of its occurrences moved, and nobody else touches it.
CALL be('mia', 'North');
INSERT INTO casnet.calendar_events (title, starts_at, time_zone, recurrence_rule, record_id)
VALUES ('series of the canary', '2024-03-01 10:00Z', 'UTC', 'FREQ=DAILY', :'first') RETURNING id AS series \gset
INSERT INTO casnet.calendar_events (title, starts_at, time_zone, series_id, occurrence_at)
VALUES ('moved canary', '2024-03-02 11:00Z', 'UTC', :'series', '2024-03-02 10:00Z');
INSERT INTO casnet.calendar_events (title, starts_at, time_zone, series_id, occurrence_at, record_id)
VALUES ('other canary', '2024-03-04 11:00Z', 'UTC', :'series', '2024-03-04 10:00Z', :'first');
SELECT is((SELECT array_agg(DISTINCT assigned) FROM casnet.calendar_events WHERE id = :'series' OR series_id = :'series'), ARRAY[ARRAY[:'mia', :'adam']::uuid[]], 'a series has the list, and so have the events for its occurrences');
RESET SESSION AUTHORIZATION;
CREATE TABLE more_attacks AS SELECT s AS statement FROM unnest(ARRAY[
	'INSERT INTO casnet.calendar_events (title, starts_at, series_id, occurrence_at, status) VALUES (''x'', now(), %L, ''2024-03-03 10:00Z'', ''CANCELLED'')',
	'INSERT INTO casnet.calendar_events (title, starts_at, series_id, occurrence_at) VALUES (''x'', now(), %L, ''2024-03-02 10:00Z'')',
	'INSERT INTO casnet.calendar_events (title, starts_at, series_id, occurrence_at, record_id) VALUES (''x'', now(), %L, ''2024-03-02 10:00Z'', ''00000000-0000-7000-8000-0000000002a0'')',
	'INSERT INTO casnet.calendar_events (title, starts_at, series_id, occurrence_at, assigned) VALUES (''x'', now(), %L, ''2024-03-03 10:00Z'', ''{00000000-0000-7000-8000-000000000003,00000000-0000-7000-8000-000000000002}'')',
	'UPDATE casnet.calendar_events SET series_id = %L, occurrence_at = ''2024-03-03 10:00Z'' WHERE title = ''event of nobody'' RETURNING title',
	'SELECT casnet.move_series(%L, ''2024-03-05 10:00Z'')::text', 'SELECT title FROM casnet.calendar_events WHERE series_id = %L', 'SELECT casnet.import_calendar(format(E''BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:%%s\r\nRECURRENCE-ID:20240303T100000Z\r\nDTSTART:20240303T110000Z\r\nSUMMARY:x\r\nEND:VEVENT\r\nEND:VCALENDAR'', %L))::text']) AS s;
GRANT SELECT ON more_attacks TO PUBLIC;
INSERT INTO casnet.calendar_events (tenant_id, title, starts_at) VALUES (:'north', 'event of nobody', '2024-03-01');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(replace(seen_by('vic', format(statement, :'series')), :'series', :'nowhere'), seen_by('vic', format(statement, :'nowhere')), 'as if the series were not there: ' || statement)
  FROM more_attacks;
CALL be('vic', 'North');
SELECT is((SELECT string_agg(title, ', ') FROM casnet.events_between('2024-02-20', '2024-03-10')), 'event of nobody', 'whoever is not assigned sees none of it');
CALL be('mia', 'North');
SELECT is((SELECT string_agg(title, ', ' ORDER BY starts_at) FROM casnet.events_between('2024-03-01 09:00Z', '2024-03-05 09:00Z')), 'series of the canary, moved canary, series of the canary, other canary', 'whoever is sees all of it');
SELECT lives_ok(format('UPDATE casnet.records SET assigned = ARRAY[%L]::uuid[] WHERE id = %L', :'mia', :'first'), 'the list becomes shorter');
SELECT is((SELECT array_agg(DISTINCT assigned) FROM casnet.calendar_events WHERE id = :'series' OR series_id = :'series'), ARRAY[ARRAY[:'mia']::uuid[]], 'for the series as well');
SELECT lives_ok(format('UPDATE casnet.records SET assigned = ARRAY[%L, %L]::uuid[] WHERE id = %L', :'mia', :'adam', :'first'), 'and longer');
SELECT is(casnet.import_calendar(E'BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:canary\r\nDTSTART:20240401T100000Z\r\nRRULE:FREQ=DAILY\r\nSUMMARY:x\r\nEND:VEVENT\r\n' || string_agg(format(E'BEGIN:VEVENT\r\nUID:canary\r\nRECURRENCE-ID:202404%sT100000Z\r\nDTSTART:202404%sT110000Z\r\nSUMMARY:x\r\nEND:VEVENT\r\n', d, d), '') || 'END:VCALENDAR', :'first'), 10::bigint, 'a calendar of a series with events for occurrences')
  FROM generate_series(11, 19) AS d;
SELECT is((SELECT count(*) FROM casnet.calendar_events WHERE title = 'x' AND assigned = ARRAY[:'mia', :'adam']::uuid[]), 10::bigint, 'has the list, too');
SELECT casnet.import_calendar(replace(casnet.export_calendar(:'first'), ':x', ':y')) AS changed \gset
SELECT is((SELECT count(*) FROM casnet.calendar_events WHERE title = 'y' AND assigned = ARRAY[:'mia', :'adam']::uuid[]), 10::bigint, 'and keeps it when it comes again');
SELECT is(casnet.import_calendar(E'BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:open\r\nDTSTART:20240401T100000Z\r\nRRULE:FREQ=DAILY\r\nSUMMARY:open\r\nEND:VEVENT\r\n' || string_agg(format(E'BEGIN:VEVENT\r\nUID:open\r\nRECURRENCE-ID:202404%sT100000Z\r\nDTSTART:202404%sT110000Z\r\nSUMMARY:open\r\nEND:VEVENT\r\n', d, d), '') || 'END:VCALENDAR'), 10::bigint, 'one about no record')
  FROM generate_series(11, 19) AS d;
CALL be('adam', 'North');
DELETE FROM casnet.calendar_events WHERE title IN ('y', 'open', 'event of nobody') OR id = :'series';
SELECT is((SELECT count(*) FROM casnet.calendar_events), 1::bigint, 'events for occurrences go with their series');
CALL be('sue', 'North');
SELECT is((SELECT count(*) FROM casnet.records), 2::bigint, 'a superuser of the application is not assigned either');
CALL be('olga', 'North');
SELECT throws_ok('SELECT casnet.export_tenant()', '42501', 'an export would have rows that restrictive policies hide', 'an owner of the tenant exports nothing');
SELECT is((SELECT count(*) FROM casnet.records), 2::bigint, 'or sees it');
-- A cursor of somebody who is assigned, fetched by another.
CALL be('mia', 'North');
DECLARE all_of CURSOR FOR SELECT title FROM casnet.records ORDER BY title;
SELECT results_eq('FETCH 1 FROM all_of', 'VALUES (''North record 2'')', 'a cursor');
CALL be('vic', 'North');
SELECT throws_ok('FETCH ALL FROM all_of', '55000', NULL, 'belongs to who opened it');
PREPARE title_of AS SELECT title FROM casnet.records WHERE id = $1;
CALL be('mia', 'North');
SELECT results_eq(format('EXECUTE title_of(%L)', :'first'), 'VALUES (''hidden canary'')', 'a prepared statement');
CALL be('vic', 'North');
SELECT is_empty(format('EXECUTE title_of(%L)', :'first'), 'is of the session');

-- The record opens again, moves its tasks, and is deleted.
CALL be('adam', 'North');
SELECT lives_ok(format('UPDATE casnet.tasks SET record_id = %L WHERE title = ''second task of the canary''', :'second'), 'a task goes to another record');
SELECT is((SELECT assigned FROM casnet.tasks WHERE title = 'second task of the canary'), '{}', 'and has the list of that');
SELECT is(rows_of(format('DELETE FROM casnet.records WHERE id = %L', :'first')), 1::bigint, 'the record is deleted');
SELECT is((SELECT assigned FROM casnet.tasks WHERE record_id IS NULL), ARRAY[:'mia', :'adam']::uuid[], 'its task stays with the same');
CALL be('vic', 'North');
SELECT is((SELECT count(*) FROM casnet.tasks), 1::bigint, 'hidden from others');
-- It comes back as it was, by who is assigned.
RESET SESSION AUTHORIZATION;
SELECT casnet.enable_audit(t) FROM unnest('{casnet.records,casnet.record_tags,casnet.record_persons,casnet.tasks,casnet.calendar_events}'::regclass[]) AS t;
UPDATE casnet.tasks SET record_id = :'second' WHERE record_id IS NULL;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('adam', 'North');
SELECT is(rows_of(format('UPDATE casnet.records SET assigned = ARRAY[%L]::uuid[] WHERE id = %L', :'adam', :'second')), 1::bigint, 'another record gets a list');
SELECT is(rows_of(format('DELETE FROM casnet.records WHERE id = %L', :'second')), 1::bigint, 'and is deleted');
CALL be('mia', 'North');
SELECT throws_ok(format('SELECT casnet.undelete(''casnet.records'', %L::uuid)', :'second'), 'P0002', NULL, 'who is not assigned does not bring it back');
CALL be('adam', 'North');
SELECT lives_ok(format('SELECT casnet.undelete(''casnet.records'', %L::uuid)', :'second'), 'who is assigned does');
-- A mapper that writes all columns.
INSERT INTO casnet.tasks (title) VALUES ('about no record');
SELECT lives_ok($$UPDATE casnet.tasks SET title = 'still about none', record_id = NULL WHERE title = 'about no record'$$, 'a task about no record is changed');
SELECT throws_ok(format($$UPDATE casnet.tasks SET record_id = %L WHERE title = 'still about none'$$, :'vic'), '23503', NULL, 'and refers to no record that is not there');
SELECT is((SELECT count(*) FROM casnet.tasks WHERE record_id = :'second' AND assigned = ARRAY[:'adam']::uuid[]), 2::bigint, 'with its tasks and their list');
SELECT is((SELECT count(*) FROM casnet.record_tags WHERE record_id = :'second' AND assigned = ARRAY[:'adam']::uuid[]), 1::bigint, 'and its tag');
RESET SESSION AUTHORIZATION;
SELECT ok((SELECT count(*) FROM casnet.export_tenant(:'north')) > 5, 'a superuser exports');
SELECT lives_ok(format('SELECT casnet.delete_tenant(%L)', :'north'), 'the tenant is deleted');
SELECT is((SELECT array_agg(DISTINCT code) FROM casnet.doctor() WHERE object ~ 'casnet\.' AND severity <> 'notice'), NULL, 'doctor() warns of nothing');
SELECT * FROM finish();
ROLLBACK;
