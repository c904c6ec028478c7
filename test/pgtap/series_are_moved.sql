-- move_series() moves a series with its exceptions: what was left out stays out, and an
-- event stands for the occurrence that it stood for, at the local time of the series.
BEGIN;
SELECT plan(25);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SET LOCAL timezone = 'Europe/Berlin';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
DELETE FROM casnet.calendar_events;
\set team 00000000-0000-7000-8000-00000000e001
\set trip 00000000-0000-7000-8000-00000000e002
INSERT INTO casnet.calendar_events (id, title, starts_at, ends_at, recurrence_rule, excluded_dates)
VALUES (:'team', 'Team', '2026-10-05 09:00', '2026-10-05 10:30', 'FREQ=WEEKLY', '{2026-10-12 09:00,2026-11-09 09:00}');
INSERT INTO casnet.calendar_events (title, starts_at, ends_at, series_id, occurrence_at) VALUES ('Team instead', '2026-10-27 15:00', '2026-10-27 16:00', :'team', '2026-10-26 09:00');
CREATE FUNCTION pg_temp.shown() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(title || to_char(starts_at, ' DD.MM. HH24:MI') || to_char(ends_at, '-HH24:MI'), ', ' ORDER BY starts_at) FROM casnet.events_between('2026-10-01', '2026-11-20') $$;
SELECT is(pg_temp.shown(), 'Team 05.10. 09:00-10:30, Team 19.10. 09:00-10:30, Team instead 27.10. 15:00-16:00, Team 02.11. 09:00-10:30, Team 16.11. 09:00-10:30', 'before');
-- By UPDATE alone the exceptions do not move; see the docs.
SAVEPOINT before;
UPDATE casnet.calendar_events SET starts_at = '2026-10-05 10:00', ends_at = '2026-10-05 11:30' WHERE id = :'team';
SELECT alike(pg_temp.shown(), '%Team 12.10. 10:00%Team 26.10. 10:00%', 'an UPDATE leaves them behind');
ROLLBACK TO before;
SELECT casnet.move_series(:'team', '2026-10-05 10:00') \g /dev/null
SELECT is(pg_temp.shown(), 'Team 05.10. 10:00-11:30, Team 19.10. 10:00-11:30, Team instead 27.10. 15:00-16:00, Team 02.11. 10:00-11:30, Team 16.11. 10:00-11:30', 'an hour later, in summer and winter');
SELECT casnet.move_series(:'team', '2026-10-06 10:00', '2026-10-06 10:15') \g /dev/null
SELECT is(pg_temp.shown(), 'Team 06.10. 10:00-10:15, Team 20.10. 10:00-10:15, Team instead 27.10. 15:00-16:00, Team 03.11. 10:00-10:15, Team 17.11. 10:00-10:15', 'a day later, with another end');
SELECT results_eq($$SELECT excluded_dates FROM casnet.calendar_events WHERE title = 'Team'$$, $$VALUES ('{2026-10-13 10:00,2026-11-10 10:00}'::timestamptz[])$$, 'what is left out');
SELECT results_eq($$SELECT occurrence_at FROM casnet.calendar_events WHERE title = 'Team instead'$$, $$VALUES ('2026-10-27 10:00'::timestamptz)$$, 'what an event stands for');
SET LOCAL timezone = 'Asia/Tokyo';
SELECT casnet.move_series(:'team', '2026-10-05 09:00 Europe/Berlin') \g /dev/null
SET LOCAL timezone = 'Europe/Berlin';
SELECT is(pg_temp.shown(), 'Team 05.10. 09:00-09:15, Team 19.10. 09:00-09:15, Team instead 27.10. 15:00-16:00, Team 02.11. 09:00-09:15, Team 16.11. 09:00-09:15', 'and back, from another zone');
-- A time that occurs twice is the first one.
SELECT casnet.move_series(:'team', '2026-10-04 02:30') \g /dev/null
SELECT results_eq($$SELECT occurrence_at FROM casnet.calendar_events WHERE title = 'Team instead'$$, $$VALUES ('2026-10-25 00:30Z'::timestamptz)$$, 'in the night when summer ends');
SELECT unalike(pg_temp.shown(), '%Team 25.10.%', 'it still stands for that one');

-- Whole days, in a zone of their own.
INSERT INTO casnet.calendar_events (id, title, starts_at, ends_at, all_day, time_zone, recurrence_rule, excluded_dates)
VALUES (:'trip', 'Trip', '2026-10-07', '2026-10-09', true, 'America/New_York', 'FREQ=MONTHLY', '{2026-11-07}');
SELECT casnet.move_series(:'trip', '2026-10-08') \g /dev/null
SELECT results_eq(format('SELECT starts_at AT TIME ZONE time_zone, ends_at AT TIME ZONE time_zone, excluded_dates[1] AT TIME ZONE time_zone FROM casnet.calendar_events WHERE id = %L', :'trip'),
	$$VALUES ('2026-10-08'::timestamp, '2026-10-10'::timestamp, '2026-11-08'::timestamp)$$, 'days move by days');
SELECT casnet.move_series(:'trip', '2026-10-01', '2026-10-02') \g /dev/null
SELECT is((SELECT string_agg(starts_at::date::text || ' ' || ends_at::date, ', ') FROM casnet.events_between('2026-10-01', '2027-01-01') WHERE title = 'Trip'), '2026-10-01 2026-10-02, 2026-12-01 2026-12-02', 'with another number of them');

-- A rule that says when it occurs does not move.
CREATE FUNCTION pg_temp.moves(rule text, at timestamptz) RETURNS text LANGUAGE sql AS $$
	UPDATE casnet.calendar_events SET recurrence_rule = rule, starts_at = '2026-10-05 09:00', ends_at = NULL WHERE title = 'Team';
	SELECT public.state_of(format('SELECT casnet.move_series(%L, %L)', '00000000-0000-7000-8000-00000000e001', at)) $$;
SELECT is(pg_temp.moves(rule, at), e, rule || ' ' || at) FROM (VALUES ('FREQ=WEEKLY;BYDAY=MO', '2026-10-06 09:00'::timestamptz, '22023'), ('FREQ=WEEKLY;BYDAY=MO', '2026-10-12 10:00', 'none'), ('freq=monthly;byday=1MO', '2026-10-12 09:00', '22023'),
	('FREQ=MONTHLY;BYMONTHDAY=5', '2026-10-06 09:00', '22023'), ('FREQ=MONTHLY;BYMONTHDAY=5', '2026-10-05 10:00', 'none'), ('FREQ=DAILY;BYHOUR=9', '2026-10-05 10:00', '22023'), ('FREQ=DAILY;BYHOUR=9', '2026-10-06 09:00', 'none')) AS v (rule, at, e);

-- Refusals.
SELECT is(error_of(format('SELECT casnet.move_series(%L, now())', id)), 'P0002 | there is no such series |  | SELECT id, title FROM casnet.calendar_events WHERE recurrence_rule IS NOT NULL lists those of the active tenant. | ', 'no series: ' || id)
  FROM unnest(ARRAY[:'nowhere', '00000000-0000-7000-8000-0000000001b0', (SELECT id::text FROM casnet.calendar_events WHERE title = 'Team instead')]) AS id;
SELECT is(state_of(format('SELECT casnet.move_series(%L, %L)', :'team', t)), '22023', coalesce(t, 'NULL')) FROM unnest(ARRAY[NULL, 'infinity']) AS t;
SELECT is(state_of(format('SELECT casnet.move_series(%L, ''2026-10-05 09:00'', ''2026-10-04'')', :'team')), '23514', 'an end before the start');
CALL be('vic', 'North');
SELECT is(state_of(format('SELECT casnet.move_series(%L, now())', :'team')), '42501', 'who may not edit the calendar');
SELECT * FROM finish();
ROLLBACK;
