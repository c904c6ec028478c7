-- import_calendar() adds the events of a calendar, or updates those that it has added.
BEGIN;
SELECT plan(41);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.calendar_events;
SET LOCAL SESSION AUTHORIZATION tap_app;
SET LOCAL TimeZone = 'UTC';
CALL be('adam', 'North');
-- A calendar with these lines, in place of all events; what occurs in 2026.
CREATE FUNCTION pg_temp.calendar(lines text) RETURNS text LANGUAGE sql AS $$
	SELECT E'BEGIN:VCALENDAR\r\nVERSION:2.0\r\n' || replace(lines, E'\n', E'\r\n') || E'\r\nEND:VCALENDAR\r\n' $$;
CREATE FUNCTION pg_temp.occurs(lines text, zone text DEFAULT 'UTC') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM casnet.calendar_events;
	PERFORM casnet.import_calendar(pg_temp.calendar(lines));
	RETURN (SELECT string_agg(concat_ws(' ', title, to_char(starts_at AT TIME ZONE zone, 'MM-DD HH24:MI') || to_char(ends_at AT TIME ZONE zone, '-DD HH24:MI'), nullif(status, 'SCHEDULED')), ', ')
			  FROM casnet.events_between('2026-01-01', '2027-01-01', true));
END
$$;
CREATE FUNCTION pg_temp.event(lines text) RETURNS text LANGUAGE sql AS $$ SELECT E'BEGIN:VEVENT\nUID:a\nSUMMARY:x\n' || lines || E'\nEND:VEVENT' $$;

SELECT is(pg_temp.occurs(pg_temp.event(lines), zone), found, lines)
  FROM (VALUES
	('DTSTART:20260105T090000Z', 'UTC', 'x 01-05 09:00-05 09:00'),
	(E'DTSTART;TZID=Europe/Berlin:20260329T010000\nDURATION:PT2H', 'Europe/Berlin', 'x 03-29 01:00-29 04:00'),
	(E'DTSTART;TZID=Europe/Berlin:20260328T030000\nDURATION:P1DT1H30M', 'Europe/Berlin', 'x 03-28 03:00-29 04:30'),
	(E'DTSTART;TZID="Europe/Berlin":20260105T090000\nDTEND:20260105T100000Z', 'UTC', 'x 01-05 08:00-05 10:00'),
	(E'DTSTART;TZID=W. Europe Standard Time:20260105T090000', 'UTC', 'x 01-05 08:00-05 08:00'),
	(E'DTSTART;TZID=/example.org/Europe/Berlin:20260105T090000', 'UTC', 'x 01-05 08:00-05 08:00'),
	(E'DTSTART;VALUE=DATE:20260105', 'UTC', 'x 01-05 00:00-06 00:00'),
	(E'DTSTART;VALUE=DATE:20260105\nDTEND;VALUE=DATE:20260107', 'UTC', 'x 01-05 00:00-07 00:00'),
	(E'DTSTART;VALUE=DATE:20260105\nDURATION:P1W', 'UTC', 'x 01-05 00:00-12 00:00'),
	(E'DTSTART;VALUE=DATE:20260105\nDTEND:20260105T120000Z', 'UTC', 'x 01-05 00:00-05 12:00'),
	(E'DTSTART:20260105T090000Z\nDTEND:20260105T080000Z', 'UTC', 'x 01-05 08:00-05 09:00'),
	(E'DTSTART:20260105T090000Z\nSTATUS:CANCELLED', 'UTC', 'x 01-05 09:00-05 09:00 CANCELLED'),
	(E'DTSTART;TZID=Europe/Berlin:20260323T090000\nRRULE:FREQ=WEEKLY;COUNT=3', 'UTC', 'x 03-23 08:00-23 08:00, x 03-30 07:00-30 07:00, x 04-06 07:00-06 07:00'),
	(E'DTSTART:20260105T090000Z\nRRULE:FREQ=DAILY;COUNT=2;\nRRULE:FREQ=DAILY;COUNT=2', 'UTC', 'x 01-05 09:00-05 09:00, x 01-06 09:00-06 09:00'),
	(E'DTSTART:20260105T090000Z\nRRULE:FREQ=DAILY;UNTIL=20260106T090000Z;COUNT=-1', 'UTC', 'x 01-05 09:00-05 09:00, x 01-06 09:00-06 09:00'),
	(E'DTSTART:20260105T090000Z\nRRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=2\nRRULE:FREQ=MONTHLY;BYMONTHDAY=7;COUNT=2', 'UTC', 'x 01-05 09:00-05 09:00, x 01-07 09:00-07 09:00, x 01-12 09:00-12 09:00, x 02-07 09:00-07 09:00'),
	(E'DTSTART:20260105T090000Z\nRRULE:FREQ=DAILY;COUNT=4\nEXDATE:20260106T090000Z,20260107T090000Z', 'UTC', 'x 01-05 09:00-05 09:00, x 01-08 09:00-08 09:00'),
	(E'DTSTART:20260105T090000Z\nRRULE:FREQ=DAILY;COUNT=2\nEXDATE;VALUE=DATE:20260106', 'UTC', 'x 01-05 09:00-05 09:00'),
	(E'DTSTART:20260105T090000Z\nDTEND:20260105T100000Z\nRDATE:20260107T120000Z,20260108T120000Z/PT2H\nRDATE;VALUE=PERIOD:20260109T120000Z/20260109T123000Z', 'UTC',
		'x 01-05 09:00-05 10:00, x 01-07 12:00-07 13:00, x 01-08 12:00-08 14:00, x 01-09 12:00-09 12:30'),
	(E'DTSTART;VALUE=DATE:20260105\nRRULE:FREQ=DAILY;COUNT=4\nEXDATE;TZID=Asia/Tokyo:20260106T000000\nEXDATE:20260107T230000Z\nRDATE:20260110T090000Z,20260110T120000Z\nRDATE;VALUE=DATE:20260110', 'UTC', 'x 01-05 00:00-06 00:00, x 01-08 00:00-09 00:00, x 01-10 00:00-11 00:00'),
	(E'DTSTART:20260105T090000Z\nRRULE:FREQ=DAILY;COUNT=2\nRDATE:20260106T090000Z', 'UTC', 'x 01-05 09:00-05 09:00, x 01-06 09:00-06 09:00')) AS v (lines, zone, found);

-- Changes of one occurrence, or of all from one on.
\set series 'DTSTART:20260105T090000Z\nRRULE:FREQ=DAILY;COUNT=4'
SELECT is(pg_temp.occurs(pg_temp.event(E:'series') || E'\n' || replace(pg_temp.event(lines), ':x', ':y')), found, lines)
  FROM (VALUES
	(E'RECURRENCE-ID:20260106T090000Z\nDTSTART:20260106T120000Z', 'x 01-05 09:00-05 09:00, y 01-06 12:00-06 12:00, x 01-07 09:00-07 09:00, x 01-08 09:00-08 09:00'),
	(E'RECURRENCE-ID;VALUE=DATE:20260106\nDTSTART:20260106T120000Z', 'x 01-05 09:00-05 09:00, y 01-06 12:00-06 12:00, x 01-07 09:00-07 09:00, x 01-08 09:00-08 09:00'),
	(E'RECURRENCE-ID:20260106T090000Z\nDTSTART:20260106T090000Z\nSTATUS:CANCELLED', 'x 01-05 09:00-05 09:00, y 01-06 09:00-06 09:00 CANCELLED, x 01-07 09:00-07 09:00, x 01-08 09:00-08 09:00'),
	(E'RECURRENCE-ID;RANGE=THISANDFUTURE:20260107T090000Z\nDTSTART:20260107T120000Z', 'x 01-05 09:00-05 09:00, x 01-06 09:00-06 09:00, y 01-07 12:00-07 12:00, y 01-08 12:00-08 12:00'),
	(E'SEQUENCE:1\nDTSTART:20260101T090000Z', 'y 01-01 09:00-01 09:00'), (E'SEQUENCE:1\nRECURRENCE-ID:20260105T090000Z\nDTSTART:20260105T080000Z', 'y 01-05 08:00-05 08:00, x 01-06 09:00-06 09:00, x 01-07 09:00-07 09:00, x 01-08 09:00-08 09:00')) AS v (lines, found);
SELECT is(pg_temp.occurs(E'BEGIN:VTIMEZONE\nTZID:Here\nX-LIC-LOCATION:Asia/Tokyo\nBEGIN:STANDARD\nDTSTART:16010101T000000\nEND:STANDARD\nEND:VTIMEZONE\nBEGIN:VTODO\nDTSTART:20260101\nEND:VTODO\n' || pg_temp.event(E'DTSTART;TZID=Here:20260105T090000\nBEGIN:VALARM\nSUMMARY:z\nTRIGGER:-PT5M\nEND:VALARM')), 'x 01-05 00:00-05 00:00', 'time zones of the calendar, and other components');
SELECT is(pg_temp.occurs(E'X-WR-TIMEZONE:Europe/Berlin\n' || pg_temp.event(E'DTSTART:20260105T090000') || E'\n' || replace(pg_temp.event(E'DTSTART:20260323T080000Z\nRRULE:FREQ=WEEKLY;COUNT=2'), ':a', ':b')), 'x 01-05 08:00-05 08:00, x 03-23 08:00-23 08:00, x 03-30 07:00-30 07:00', 'the time zone of the calendar');

-- Texts.
SELECT pg_temp.occurs(pg_temp.event(E'DTSTART:20260105T090000Z\nDESCRIPTION:one\\, two\\nthr\n ee\\\\ \\;\nLOCATION;LANGUAGE=de;ALTREP="http://x:y":h\u00e9re')) \g /dev/null
SELECT results_eq('SELECT title, description, location FROM casnet.calendar_events', $$VALUES ('x', E'one, two\nthree\\ ;', 'hére')$$, 'folds and escapes');

-- Again.
SELECT casnet.import_calendar(pg_temp.calendar(pg_temp.event(E'DTSTART:20260205T090000Z'))) \g /dev/null
SELECT results_eq('SELECT starts_at, description FROM casnet.calendar_events', $$VALUES (timestamptz '2026-02-05 09:00Z', NULL)$$, 'the same UID is the same event');
SELECT is(casnet.import_calendar(pg_temp.calendar(pg_temp.event(E'DTSTART:20260205T090000Z') || E'\n' || pg_temp.event(E'DTSTART:20260205T090000Z\nRRULE:FREQ=DAILY\nSEQUENCE:2\nRDATE:20260205T100000Z')), '00000000-0000-7000-8000-0000000001a0'), 2::bigint, 'how many events are written');
SELECT is((SELECT count(*) FROM casnet.calendar_events WHERE record_id = '00000000-0000-7000-8000-0000000001a0'), 2::bigint, 'about a record');

-- What cannot be imported.
SELECT is(regexp_replace(error_of(format('SELECT casnet.import_calendar(%L)', text)), ' \| Give a calendar in the form of RFC 5545.*', ''), problem, left(text, 60))
  FROM (VALUES ('', '22023 | the calendar cannot be read at line 1 | There is no BEGIN:VCALENDAR.'), ('x', '22023 | the calendar cannot be read at line 1 | It has no colon.'), (NULL, '22023 | there is no calendar to import | '),
	(E'\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VEVENT\nEND:VCALENDAR', '22023 | the calendar cannot be read at line 4 | The event has no DTSTART.'), (E'BEGIN:VCALENDAR\nEND:VCALENDAR\nEND:X', '22023 | the calendar cannot be read at line 3 | It ends what has not begun.'),
	('BEGIN:VCALENDAR', '22023 | the calendar cannot be read at line 1 | There is no end of VCALENDAR.'),
	(E'BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;TZID=Mars:20260101T000000\nEND:VEVENT\nEND:VCALENDAR', '22023 | the calendar cannot be read at line 3 | There is no time zone "Mars".'),
	(E'BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260101\nRRULE:FREQ=X\nEND:VEVENT\nEND:VCALENDAR', '22023 | the calendar cannot be read at line 4 | FREQ cannot be "X".')) AS v (text, problem);
SELECT * FROM finish();
ROLLBACK;
