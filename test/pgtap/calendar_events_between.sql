-- events_between() has all that lies in a time, in order: of the active tenant, for whoever
-- may see its calendar.
BEGIN;
SELECT plan(31);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.calendar_events;
SET LOCAL SESSION AUTHORIZATION tap_app;
SET LOCAL TimeZone = 'Europe/Berlin';
CREATE FUNCTION pg_temp.between(since text, until text, cancelled boolean DEFAULT false) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(title, ' ' ORDER BY n) FROM (SELECT row_number() OVER () AS n, title FROM casnet.events_between(since::timestamptz, until::timestamptz, cancelled)) AS e $$;

CALL be('adam', 'North');
INSERT INTO casnet.calendar_events (title, starts_at, ends_at, all_day, recurrence_rule, status) VALUES
	('point', '2026-05-10 12:00', NULL, false, NULL, 'SCHEDULED'), ('hour', '2026-05-10 10:00', '2026-05-10 11:00', false, NULL, 'COMPLETED'),
	('trip', '2026-03-01', '2026-06-01', false, NULL, 'SCHEDULED'), ('week', '2026-05-05 12:00', '2026-05-12 12:00', false, NULL, 'SCHEDULED'),
	('beyond', '2026-05-05 12:00', '2026-05-12 12:00:01', false, NULL, 'SCHEDULED'), ('day', '2026-05-10', NULL, true, NULL, 'SCHEDULED'),
	('days', '2026-04-20', '2026-05-11', true, NULL, 'SCHEDULED'), ('off', '2026-05-10 13:00', NULL, false, NULL, 'CANCELLED'),
	('always', '-infinity', 'infinity', false, NULL, 'SCHEDULED'), ('later', '2026-07-01', '2026-07-02', false, NULL, 'SCHEDULED'),
	('daily', '2026-05-09 11:30', '2026-05-09 11:45', false, 'FREQ=DAILY;COUNT=3', 'SCHEDULED'), ('long', '2026-05-01 09:00', '2026-05-03 09:00', false, 'FREQ=WEEKLY', 'SCHEDULED');
SELECT is(pg_temp.between('2026-05-10', '2026-05-11'), 'always trip days week beyond long day hour daily point', 'a day');
SELECT is(pg_temp.between('2026-05-10', '2026-05-11', true), 'always trip days week beyond long day hour daily point off', 'with what was cancelled');
SELECT is(pg_temp.between('2026-05-10 11:00', '2026-05-10 11:30'), 'always trip days week beyond day', 'what ends or begins there is not in between');
SELECT is(pg_temp.between('2026-05-10 10:30', '2026-05-10 10:30'), 'always trip days week beyond day hour', 'a moment within them');
SELECT is(pg_temp.between('2026-05-10 12:00', '2026-05-10 12:01'), 'always trip days week beyond day point', 'a point at the beginning');
SELECT is(pg_temp.between('2026-05-10 11:59', '2026-05-10 12:00'), 'always trip days week beyond day', 'not at the end');
SELECT is(pg_temp.between('2026-05-12 12:00', '2026-05-12 12:01'), 'always trip beyond', 'a week, and more than that');
SELECT is(pg_temp.between('2026-06-01', '2026-06-02'), 'always', 'after the trip');
SELECT is(pg_temp.between('2026-05-09', '2026-05-09 11:31'), 'always trip days week beyond long daily', 'the first of a series');
SELECT is(pg_temp.between('2026-05-11 11:30', '2026-05-11 11:40'), 'always trip week beyond daily', 'the last');
SELECT is(pg_temp.between('2026-05-12 11:30', '2026-05-12 11:40'), 'always trip week beyond', 'and no more');
SELECT is(pg_temp.between('2026-04-01', '2026-04-02'), 'always trip', 'nor before');
SELECT is(pg_temp.between('2026-05-03 08:59', '2026-05-03 09:00'), 'always trip days long', 'the end of an occurrence');
SELECT results_eq($$SELECT title, occurrence_at, starts_at, ends_at, all_day, time_zone, status, record_id, series_id = event_id FROM casnet.events_between('2026-05-10 11:00', '2026-05-10 12:01') WHERE title IN ('daily', 'point')$$,
	$$VALUES ('daily', '2026-05-10 11:30+02'::timestamptz, '2026-05-10 11:30+02'::timestamptz, '2026-05-10 11:45+02'::timestamptz, false, 'Europe/Berlin', 'SCHEDULED', NULL::uuid, true),
		('point', '2026-05-10 12:00+02', '2026-05-10 12:00+02', '2026-05-10 12:00+02', false, 'Europe/Berlin', 'SCHEDULED', NULL, NULL)$$, 'what it says of an event');

-- Occurrences that are left out, moved or cancelled.
SELECT set_config('tap.series', id::text, true) FROM casnet.calendar_events WHERE title = 'long' \g /dev/null
UPDATE casnet.calendar_events SET excluded_dates = ARRAY['2026-05-15 09:00', '2026-05-15 09:01']::timestamptz[] WHERE title = 'long';
INSERT INTO casnet.calendar_events (title, starts_at, series_id, occurrence_at, status) VALUES
	('moved', '2026-05-23 15:00', current_setting('tap.series')::uuid, '2026-05-22 09:00', 'SCHEDULED'), ('called off', '2026-05-29 09:00', current_setting('tap.series')::uuid, '2026-05-29 09:00', 'CANCELLED'),
	('additional', '2026-05-27 09:00', current_setting('tap.series')::uuid, '2026-05-27 09:00', 'SCHEDULED');
DELETE FROM casnet.calendar_events WHERE title IN ('always', 'trip');
SELECT is(pg_temp.between('2026-05-13', '2026-06-06'), 'moved additional long', 'one is left out, one moved, one cancelled, one added');
SELECT is(pg_temp.between('2026-05-13', '2026-06-06', true), 'moved additional called off long', 'the cancelled one');
SELECT results_eq($$SELECT occurrence_at, starts_at, ends_at, series_id FROM casnet.events_between('2026-05-13', '2026-06-06') WHERE title = 'moved'$$,
	$$VALUES ('2026-05-22 09:00+02'::timestamptz, '2026-05-23 15:00+02'::timestamptz, '2026-05-23 15:00+02'::timestamptz, current_setting('tap.series')::uuid)$$, 'for what the moved one stands');
SELECT is(state_of($$INSERT INTO casnet.calendar_events (title, starts_at, series_id, occurrence_at) VALUES ('twice', '2026-05-23 15:00', current_setting('tap.series')::uuid, '2026-05-22 09:00')$$), '23505', 'one event stands for an occurrence');
SELECT is(state_of(format($$INSERT INTO casnet.calendar_events (title, starts_at, %s) VALUES ('x', now(), %s)$$, columns, given)), '23514', columns)
  FROM (VALUES ('series_id', 'current_setting(''tap.series'')::uuid'), ('occurrence_at', 'now()'), ('series_id, occurrence_at, recurrence_rule', 'current_setting(''tap.series'')::uuid, now(), ''FREQ=DAILY'''), ('id, series_id, occurrence_at', '''00000000-0000-7000-8000-000000000bad'', ''00000000-0000-7000-8000-000000000bad'', now()'),
	('excluded_dates', 'ARRAY[NULL]::timestamptz[]'), ('excluded_dates', 'array_fill(now(), ARRAY[10001])')) AS v (columns, given);
SELECT is(state_of($$INSERT INTO casnet.calendar_events (title, starts_at, series_id, occurrence_at) VALUES ('x', now(), '00000000-0000-7000-8000-0000000000ff', now())$$), '23503', 'a series that is not there');
DELETE FROM casnet.calendar_events WHERE title = 'long';
SELECT is(pg_temp.between('2026-05-13', '2026-06-06', true), NULL, 'they go with the series');

-- Who may see them.
CALL be('otto', 'South');
SELECT is(pg_temp.between('2026-05-01', '2026-06-01', true), NULL, 'nothing of another tenant');
SELECT is(state_of($$INSERT INTO casnet.calendar_events (title, starts_at, series_id, occurrence_at) SELECT 'x', now(), c.id, now() FROM (SELECT '00000000-0000-7000-8000-0000000001a0'::uuid AS id) AS c$$), '23503', 'no series of another tenant');
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.role_permissions WHERE role = 'viewer' AND permission = 'view_calendar';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('vic', 'North');
SELECT is(error_of($$SELECT * FROM casnet.events_between('2026-05-01', '2026-06-01')$$), error_of('SELECT * FROM casnet.calendar_events'), 'without the permission, the error of the table');
SELECT is(state_of($$SELECT * FROM casnet.events_between('2026-05-01', '2026-06-01')$$), '42501', 'which is that');
CALL be(NULL);
SELECT is(state_of($$SELECT * FROM casnet.events_between('2026-05-01', '2026-06-01')$$), '28000', 'without a session');
SELECT * FROM finish();
ROLLBACK;
