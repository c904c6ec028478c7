-- undelete() brings back a row as it was, with its id and times, and with it what the same
-- transaction deleted or cleared: links to tags and persons, tasks and events.
BEGIN;
SELECT plan(32);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.enable_audit(relation) FROM casnet_internal.managed_tables() WHERE kind = 'tenant';
SELECT id AS record FROM casnet.records WHERE title = 'North record 1' \gset
SELECT id AS other FROM casnet.records WHERE title = 'North record 2' \gset
SELECT id AS tag FROM casnet.tags WHERE name = 'North tag' \gset
SELECT id AS person FROM casnet.persons WHERE name = 'North person' \gset
SELECT id AS task FROM casnet.tasks WHERE title = 'North task' \gset
SELECT id AS event FROM casnet.calendar_events WHERE title = 'North event' \gset
UPDATE casnet.persons SET contact_info = '{"a": [1, null, {"b": "\u00e9"}]}', date_of_birth = '1999-12-31', gender = 'OTHER' WHERE id = :'person';
UPDATE casnet.records SET content = repeat(E'it''s \\ "long"\n', 10000), created_at = '2001-02-03 04:05:06.789012+00' WHERE id = :'record';
UPDATE casnet.tasks SET status = 'COMPLETED', completed_at = '2020-01-01 00:00:00.000001+00', due_date = 'infinity' WHERE id = :'task';
-- All rows of both tenants; updated_at moves where a reference is given back.
CREATE FUNCTION public.everything() RETURNS TABLE (line text) LANGUAGE sql AS $$
	SELECT to_jsonb(r)::text FROM casnet.records AS r UNION ALL SELECT to_jsonb(r)::text FROM casnet.record_tags AS r
	UNION ALL SELECT to_jsonb(r)::text FROM casnet.record_persons AS r UNION ALL SELECT to_jsonb(r)::text FROM casnet.tags AS r
	UNION ALL SELECT to_jsonb(r)::text FROM casnet.persons AS r
	UNION ALL SELECT (to_jsonb(r) - 'updated_at')::text FROM casnet.tasks AS r UNION ALL SELECT (to_jsonb(r) - 'updated_at')::text FROM casnet.calendar_events AS r
$$;
CREATE TABLE public.before AS SELECT * FROM public.everything();
GRANT SELECT ON public.before TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
PREPARE now AS SELECT * FROM public.everything();
PREPARE before AS SELECT * FROM public.before WHERE line::jsonb->>'tenant_id' = '00000000-0000-7000-8000-0000000000a0';

-- Each table by itself.
DELETE FROM casnet.record_tags WHERE record_id = :'record';
SELECT is(casnet.undelete('casnet.record_tags', jsonb_build_object('record_id', :'record', 'tag_id', :'tag')::text), 1::bigint, 'a link to a tag');
DELETE FROM casnet.record_persons WHERE record_id = :'record';
SELECT is(casnet.undelete('casnet.record_persons', jsonb_build_object('record_id', :'record', 'person_id', :'person')::text), 1::bigint, 'a link to a person');
DELETE FROM casnet.tasks WHERE id = :'task';
SELECT is(casnet.undelete('casnet.tasks', :'task'::uuid), 1::bigint, 'a task');
DELETE FROM casnet.calendar_events WHERE id = :'event';
SELECT is(casnet.undelete('casnet.calendar_events', :'event'), 1::bigint, 'an event');
SELECT set_eq('now', 'before', 'all as it was');

-- What the keys deleted and cleared.
DELETE FROM casnet.tags WHERE id = :'tag';
SELECT is(casnet.undelete('casnet.tags', :'tag'), 3::bigint, 'a tag with two links');
DELETE FROM casnet.persons WHERE id = :'person';
SELECT is(casnet.undelete('casnet.persons', :'person'), 2::bigint, 'a person with a link');
DELETE FROM casnet.records WHERE id = :'record';
SELECT is((SELECT count(*) FROM casnet.tasks WHERE record_id IS NULL) + (SELECT count(*) FROM casnet.calendar_events WHERE record_id IS NULL), 2::bigint, 'which are cleared');
SELECT is(casnet.undelete('casnet.records', :'record'), 5::bigint, 'a record with links, a task and an event');
SELECT set_eq('now', 'before', 'all as it was again');
SELECT results_eq($$SELECT relation, action, username FROM casnet.audit_log(max_rows => 5) ORDER BY 1$$,
	$$VALUES ('casnet.calendar_events', 'UPDATE', 'olga'), ('casnet.record_persons', 'INSERT', 'olga'), ('casnet.record_tags', 'INSERT', 'olga'), ('casnet.records', 'INSERT', 'olga'), ('casnet.tasks', 'UPDATE', 'olga')$$, 'and is audited');

-- What an application deleted itself, in the same transaction, in whatever order.
DELETE FROM casnet.tasks WHERE record_id = :'record';
DELETE FROM casnet.record_tags WHERE record_id = :'record';
DELETE FROM casnet.records WHERE id = :'record';
DELETE FROM casnet.calendar_events WHERE id = :'event';
SELECT is(casnet.undelete('casnet.records', :'record'), 5::bigint, 'rows deleted before and after');
SELECT set_eq('now', 'before', 'as before the first of them');

-- What came back before stays as it is.
DELETE FROM casnet.tasks WHERE record_id = :'record';
DELETE FROM casnet.records WHERE id = :'record';
SELECT casnet.undelete('casnet.tasks', :'task', changes => '{"record_id": null}');
SELECT is(casnet.undelete('casnet.records', :'record'), 4::bigint, 'a task that is there again');
SELECT is((SELECT record_id FROM casnet.tasks WHERE id = :'task'), NULL, 'stays as it is');
UPDATE casnet.tasks SET record_id = :'record' WHERE id = :'task';

-- By itself, with other values, and the rest one by one.
DELETE FROM casnet.records WHERE id = :'record';
SELECT is(casnet.undelete('casnet.records', :'record', with_references => false, changes => '{"title": "other title"}'), 1::bigint, 'the row only');
SELECT is((SELECT title || length(content) FROM casnet.records WHERE id = :'record'), 'other title140000', 'with another title');
SELECT is((SELECT count(*) FROM casnet.record_tags WHERE record_id = :'record') + (SELECT count(*) FROM casnet.tasks WHERE record_id = :'record'), 0::bigint, 'nothing belongs to it');
SELECT is(casnet.undelete('casnet.record_tags', format('{"record_id": "%s", "tag_id": "%s"}', :'record', :'tag')), 1::bigint, 'one of its links');
UPDATE casnet.records SET title = 'North record 1' WHERE id = :'record';
SELECT casnet.undelete('casnet.record_persons', format('{"record_id": "%s", "person_id": "%s"}', :'record', :'person'));
UPDATE casnet.tasks SET record_id = :'record';
UPDATE casnet.calendar_events SET record_id = :'record';

-- What has been changed since stays.
DELETE FROM casnet.records WHERE id = :'record';
UPDATE casnet.tasks SET record_id = :'other';
UPDATE casnet.calendar_events SET title = 'moved', record_id = :'other';
UPDATE casnet.calendar_events SET record_id = NULL;
SELECT is(casnet.undelete('casnet.records', :'record'), 3::bigint, 'a task and an event that went elsewhere');
SELECT is((SELECT record_id FROM casnet.tasks), :'other', 'stay there');
SELECT is((SELECT title || coalesce(record_id::text, '') FROM casnet.calendar_events), 'moved', 'or nowhere');
UPDATE casnet.tasks SET record_id = :'record';
DELETE FROM casnet.records WHERE id = :'record';
UPDATE casnet.tasks SET title = 'renamed';
SELECT is(casnet.undelete('casnet.records', :'record'), 4::bigint, 'one that was only renamed');
SELECT is((SELECT title FROM casnet.tasks WHERE record_id = :'record'), 'renamed', 'refers to it again');

-- The last deletion counts.
UPDATE casnet.tasks SET title = 'second';
DELETE FROM casnet.tasks WHERE id = :'task';
SELECT casnet.undelete('casnet.tasks', :'task');
UPDATE casnet.tasks SET title = 'third';
DELETE FROM casnet.tasks WHERE id = :'task';
SELECT is(casnet.undelete('casnet.tasks', upper(:'task')), 1::bigint, 'again');
SELECT is((SELECT title FROM casnet.tasks WHERE id = :'task'), 'third', 'as it was the last time');
-- Deleted with its record and its tag.
DELETE FROM casnet.records WHERE id = :'record';
DELETE FROM casnet.tags WHERE id = :'tag';
SELECT is(casnet.undelete('casnet.tags', :'tag', with_references => false), 1::bigint, 'a tag by itself');
SELECT is(casnet.undelete('casnet.records', :'record'), 4::bigint, 'then the record with what is left');
SELECT is((SELECT count(*) FROM casnet.record_tags WHERE record_id = :'record'), 1::bigint, 'and the tag');
-- A series with an event that stands for one of its occurrences.
INSERT INTO casnet.calendar_events (title, starts_at, time_zone, recurrence_rule, excluded_dates)
VALUES ('series', '2026-01-05 10:00+01', 'Europe/Berlin', 'FREQ=WEEKLY;COUNT=5', '{2026-01-12 10:00+01}') RETURNING id AS series \gset
INSERT INTO casnet.calendar_events (title, starts_at, series_id, occurrence_at) VALUES ('moved', '2026-01-20 10:00+01', :'series', '2026-01-19 10:00+01');
CREATE TEMP TABLE events AS SELECT * FROM casnet.calendar_events;
DELETE FROM casnet.calendar_events WHERE id = :'series';
SELECT is(casnet.undelete('casnet.calendar_events', :'series'), 2::bigint, 'a series with its exception');
SELECT bag_eq('SELECT * FROM casnet.calendar_events', 'SELECT * FROM events', 'as they were');

CALL be('otto', 'South');
PREPARE south AS SELECT * FROM public.before WHERE line::jsonb->>'tenant_id' = '00000000-0000-7000-8000-0000000000b0';
SELECT set_eq('now', 'south', 'nothing of another tenant changed');
SELECT * FROM finish();
ROLLBACK;
