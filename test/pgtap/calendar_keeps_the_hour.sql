-- A series has the same local time in summer and in winter, in both directions.
BEGIN;
SELECT plan(17);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.calendar_events;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('adam', 'North');
-- The occurrences of a series of two hours, in UTC.
CREATE FUNCTION pg_temp.in_utc(starts text, zone text, rule text, since text, until text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM casnet.calendar_events;
	INSERT INTO casnet.calendar_events (title, starts_at, ends_at, time_zone, recurrence_rule)
	VALUES ('x', starts::timestamp AT TIME ZONE zone, (starts::timestamp AT TIME ZONE zone) + interval '2 hours', zone, rule);
	RETURN (SELECT string_agg(to_char(starts_at AT TIME ZONE 'UTC', 'MM-DD HH24:MI-') || to_char(ends_at AT TIME ZONE 'UTC', 'HH24:MI'), ', ') FROM casnet.events_between(since::timestamptz, until::timestamptz));
END
$$;
SET LOCAL TimeZone = 'Asia/Tokyo';

SELECT is(pg_temp.in_utc('2026-03-16 09:00', 'Europe/Berlin', 'FREQ=WEEKLY', '2026-03-16', '2026-04-10'), '03-16 08:00-10:00, 03-23 08:00-10:00, 03-30 07:00-09:00, 04-06 07:00-09:00', 'into summer');
SELECT is(pg_temp.in_utc('2026-10-12 09:00', 'Europe/Berlin', 'FREQ=WEEKLY', '2026-10-12', '2026-11-04'), '10-12 07:00-09:00, 10-19 07:00-09:00, 10-26 08:00-10:00, 11-02 08:00-10:00', 'out of summer');
SELECT is(pg_temp.in_utc('2026-01-05 09:00', 'Europe/Berlin', 'FREQ=WEEKLY', '2026-07-01', '2026-07-08'), '07-06 07:00-09:00', 'one that began in winter');
SELECT is(pg_temp.in_utc('2026-03-01 17:00', 'Australia/Sydney', 'FREQ=WEEKLY', '2026-03-28', '2026-04-14'), '03-29 06:00-08:00, 04-05 07:00-09:00, 04-12 07:00-09:00', 'in the south');
SELECT is(pg_temp.in_utc('2026-03-26 09:00', 'Asia/Kolkata', 'FREQ=DAILY;COUNT=2', '2026-03-01', '2026-04-01'), '03-26 03:30-05:30, 03-27 03:30-05:30', 'half an hour');
-- 02:30 does not occur on 2026-03-29, and occurs twice on 2026-10-25.
SELECT is(pg_temp.in_utc('2026-03-27 02:30', 'Europe/Berlin', 'FREQ=DAILY;COUNT=4', '2026-03-01', '2026-05-01'), '03-27 01:30-03:30, 03-28 01:30-03:30, 03-30 00:30-02:30, 03-31 00:30-02:30', 'a time that does not occur is left out, and does not count');
SELECT is(pg_temp.in_utc('2026-10-24 02:30', 'Europe/Berlin', 'FREQ=DAILY;COUNT=3', '2026-10-01', '2026-11-01'), '10-24 00:30-02:30, 10-25 00:30-02:30, 10-26 01:30-03:30', 'of one that occurs twice, the first one counts');
SELECT is(pg_temp.in_utc('2026-10-24 23:30', 'Europe/Berlin', 'FREQ=HOURLY;COUNT=6', '2026-10-01', '2026-11-01'), '10-24 21:30-23:30, 10-24 22:30-00:30, 10-24 23:30-01:30, 10-25 00:30-02:30, 10-25 02:30-04:30, 10-25 03:30-05:30', 'hours are local');
SELECT is(pg_temp.in_utc('2026-03-29 00:30', 'Europe/Berlin', 'FREQ=HOURLY;COUNT=4', '2026-03-01', '2026-05-01'), '03-28 23:30-01:30, 03-29 00:30-02:30, 03-29 01:30-03:30, 03-29 02:30-04:30', 'and none is there twice');
SELECT is(pg_temp.in_utc('2026-03-22 09:00', 'Europe/Berlin', 'FREQ=WEEKLY;UNTIL=20260329T070000Z', '2026-03-01', '2026-05-01'), '03-22 08:00-10:00, 03-29 07:00-09:00', 'the last one in UTC');
SELECT is(pg_temp.in_utc('2026-03-22 09:00', 'Europe/Berlin', 'FREQ=WEEKLY;UNTIL=20260329T065959Z', '2026-03-01', '2026-05-01'), '03-22 08:00-10:00', 'and the one before');
-- An event at the second 02:30.
DELETE FROM casnet.calendar_events;
INSERT INTO casnet.calendar_events (title, starts_at, time_zone, recurrence_rule) VALUES ('second', '2026-10-25 01:30Z', 'Europe/Berlin', 'FREQ=DAILY;COUNT=2');
SELECT is((SELECT string_agg(to_char(starts_at AT TIME ZONE 'UTC', 'DD HH24:MI'), ', ') FROM casnet.events_between('2026-10-01', '2026-11-01')), '25 01:30, 26 01:30', 'an event begins when it says');
-- Samoa has no 2011-12-30, and other countries changed at midnight.
SELECT is(pg_temp.in_utc('2011-12-28 10:00', 'Pacific/Apia', 'FREQ=DAILY;COUNT=3', '2011-12-01', '2012-02-01'), '12-28 20:00-22:00, 12-29 20:00-22:00, 12-30 20:00-22:00', 'a day that a country leaves out');
DELETE FROM casnet.calendar_events;
INSERT INTO casnet.calendar_events (title, starts_at, time_zone, all_day, recurrence_rule) VALUES ('day', '2018-11-03 00:00-03', 'America/Sao_Paulo', true, 'FREQ=DAILY;COUNT=3');
SELECT is((SELECT string_agg(starts_at::timestamp || '', ', ') FROM casnet.events_between('2018-11-01', '2018-11-10')), '2018-11-03 00:00:00, 2018-11-04 00:00:00, 2018-11-05 00:00:00', 'a day whose midnight does not occur is a day');
UPDATE casnet.calendar_events SET recurrence_rule = NULL, starts_at = '2018-11-04 12:00-02';
SELECT is((SELECT to_char(starts_at AT TIME ZONE 'UTC', 'DD HH24:MI') FROM casnet.calendar_events), '04 03:00', 'it begins at the first time of the day');
UPDATE casnet.calendar_events SET starts_at = '2018-11-03 00:00-03', ends_at = '2018-11-04 01:00-02';
UPDATE casnet.calendar_events SET title = 'again', ends_at = ends_at + '0';
SELECT is((SELECT string_agg(starts_at::timestamp || '..' || ends_at::timestamp, ', ') FROM casnet.events_between('2018-11-01', '2018-11-10')), '2018-11-03 00:00:00..2018-11-04 00:00:00', 'and ends the day before');
UPDATE casnet.calendar_events SET starts_at = '2018-11-04 12:00-02', ends_at = NULL;
SET LOCAL TimeZone = 'America/Sao_Paulo';
SELECT is((SELECT string_agg(starts_at || '..' || ends_at, ', ') FROM casnet.events_between('2018-11-04 13:00', '2018-11-04 14:00')), '2018-11-04 01:00:00-02..2018-11-05 00:00:00-02', 'also for who reads it there');
SELECT * FROM finish();
ROLLBACK;
