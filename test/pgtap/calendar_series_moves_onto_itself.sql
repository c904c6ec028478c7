-- A series moves by a step of its own, either way, with events for neighbouring occurrences.
BEGIN;
SELECT plan(5);
\ir include/fixtures.sql
SET LOCAL SESSION AUTHORIZATION tap_app;
SET LOCAL timezone = 'UTC';
CALL be('mia', 'North');
INSERT INTO casnet.calendar_events (title, starts_at, recurrence_rule) VALUES ('series', '2026-01-01 10:00', 'FREQ=DAILY') RETURNING id AS series \gset
INSERT INTO casnet.calendar_events (title, starts_at, series_id, occurrence_at)
SELECT 'event ' || i, timestamptz '2026-01-01 12:00' + i * interval '1 day', :'series', timestamptz '2026-01-01 10:00' + i * interval '1 day' FROM generate_series(1, 4) AS i;
CREATE FUNCTION pg_temp.standing() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(substr(title, 7) || ': ' || to_char(occurrence_at, 'DD HH24'), ', ' ORDER BY title) FROM casnet.calendar_events WHERE series_id IS NOT NULL
$$;
SELECT lives_ok(format('SELECT casnet.move_series(%L, ''2026-01-02 10:00'')', :'series'), 'to the next day');
SELECT is(pg_temp.standing(), '1: 03 10, 2: 04 10, 3: 05 10, 4: 06 10', 'each event for the occurrence that it stood for');
SELECT lives_ok(format('SELECT casnet.move_series(%L, ''2025-12-31 10:00'')', :'series'), 'two days back');
SELECT is(pg_temp.standing(), '1: 01 10, 2: 02 10, 3: 03 10, 4: 04 10', 'likewise');
SELECT lives_ok(format('SELECT casnet.move_series(%L, ''2025-12-31 10:00'')', :'series'), 'to where it is');
SELECT * FROM finish();
ROLLBACK;
