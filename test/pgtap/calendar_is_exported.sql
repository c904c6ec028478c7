-- export_calendar() writes a calendar that import_calendar() brings back.
BEGIN;
SELECT plan(24);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.calendar_events;
SET LOCAL SESSION AUTHORIZATION tap_app;
SET LOCAL TimeZone = 'UTC';
CALL be('adam', 'North');
INSERT INTO casnet.calendar_events (id, title, description, location, starts_at, ends_at, all_day, time_zone, recurrence_rule, excluded_dates, status, record_id, updated_at) VALUES
	('00000000-0000-7000-8000-00000000e001', 'Team; a, b\c', E'one\r\ntwo\nthree', repeat('ä', 100), '2026-03-23 09:00+01', '2026-03-23 10:00+01', false, 'Europe/Berlin', 'freq=weekly;until=20260501', '{2026-04-13 09:00+02}', 'SCHEDULED', '00000000-0000-7000-8000-0000000001a0', '2026-01-01'),
	('00000000-0000-7000-8000-00000000e002', 'Holiday', NULL, NULL, '2026-12-25', NULL, true, 'Asia/Tokyo', NULL, '{}', 'SCHEDULED', NULL, '2026-01-01'),
	('00000000-0000-7000-8000-00000000e003', 'Twice', NULL, NULL, '2026-10-25 01:30Z', NULL, false, 'Europe/Berlin', NULL, '{}', 'COMPLETED', NULL, '2026-01-01'),
	('00000000-0000-7000-8000-00000000e004', 'Days', NULL, NULL, '2026-05-01', '2026-05-03', true, 'UTC', 'FREQ=YEARLY;UNTIL=20300501T000000Z', '{2028-05-01}', 'CANCELLED', NULL, '2026-01-01'),
	('00000000-0000-7000-8000-00000000e005', 'Never', NULL, NULL, 'infinity', NULL, false, 'UTC', NULL, '{}', 'SCHEDULED', NULL, '2026-01-01');
INSERT INTO casnet.calendar_events (id, title, starts_at, time_zone, series_id, occurrence_at, updated_at) VALUES
	('00000000-0000-7000-8000-00000000e006', 'Moved', '2026-04-06 15:00Z', 'America/New_York', '00000000-0000-7000-8000-00000000e001', '2026-04-06 09:00+02', '2026-01-01');
CREATE TEMP TABLE calendar AS SELECT casnet.export_calendar() AS text;
CREATE TEMP TABLE line AS SELECT n, l FROM calendar, string_to_table(text, E'\r\n') WITH ORDINALITY AS x (l, n);
CREATE FUNCTION pg_temp.event(event text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(l, ' | ' ORDER BY n) FROM line WHERE n > (SELECT min(n) FROM line WHERE l = 'SUMMARY:' || event) - 6 AND n < (SELECT min(n) FROM line WHERE l = 'SUMMARY:' || event) + 4
		AND l ~ '^(DTSTART|DTEND|RRULE|EXDATE|RECURRENCE|STATUS|X-CASNET)' $$;

SELECT is((SELECT max(octet_length(l)) FROM line), 75, 'a line has 75 bytes at most');
SELECT is(pg_temp.event('Team\; a\, b\\c'), 'DTSTART;TZID=Europe/Berlin:20260323T090000 | DTEND;TZID=Europe/Berlin:20260323T100000 | RRULE:FREQ=WEEKLY;UNTIL=20260501T215959Z | EXDATE;TZID=Europe/Berlin:20260413T090000', 'a series');
SELECT is((SELECT l FROM line WHERE l LIKE 'DESC%'), 'DESCRIPTION:one\ntwo\nthree', 'its text');
SELECT is(pg_temp.event('Holiday'), 'DTSTART;VALUE=DATE:20261225 | STATUS:CONFIRMED | X-CASNET-TIME-ZONE:Asia/Tokyo', 'a day');
SELECT is(pg_temp.event('Twice'), 'DTSTART:20261025T013000Z | STATUS:CONFIRMED | X-CASNET-STATUS:COMPLETED | X-CASNET-TIME-ZONE:Europe/Berlin', 'the second time of one that occurs twice is in UTC');
SELECT is(pg_temp.event('Days'), 'DTSTART;VALUE=DATE:20260501 | DTEND;VALUE=DATE:20260503 | RRULE:FREQ=YEARLY;UNTIL=20300501 | EXDATE;VALUE=DATE:20280501 | STATUS:CANCELLED | X-CASNET-TIME-ZONE:UTC', 'a series of days ends with a day');
SELECT is(pg_temp.event('Moved'), 'RECURRENCE-ID;TZID=Europe/Berlin:20260406T090000 | DTSTART;TZID=America/New_York:20260406T110000 | STATUS:CONFIRMED', 'a moved occurrence');
SELECT is((SELECT count(*) FROM line WHERE l = 'SUMMARY:Never'), 0::bigint, 'what has no time is not in a calendar');
SELECT matches((SELECT text FROM calendar), E'BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:20250323T090000\r\nTZOFFSETFROM:\\+0100\r\nTZOFFSETTO:\\+0100\r\nEND:STANDARD\r\nBEGIN:DAYLIGHT\r\nDTSTART:20250330T020000\r\nTZOFFSETFROM:\\+0100\r\nTZOFFSETTO:\\+0200\r\nEND:DAYLIGHT\r\nBEGIN:STANDARD\r\nDTSTART:20251026T030000\r\nTZOFFSETFROM:\\+0200\r\nTZOFFSETTO:\\+0100\r\n', 'when the offset changes');

CREATE TEMP TABLE before AS SELECT to_jsonb(e) - '{created_at,updated_at,record_id}'::text[] AS e FROM casnet.calendar_events AS e WHERE isfinite(starts_at);
SELECT is(casnet.import_calendar((SELECT text FROM calendar)), 5::bigint, 'it can be imported over the events');
SELECT is((SELECT count(*) FROM casnet.calendar_events), 6::bigint, 'which are the same events');
DELETE FROM casnet.calendar_events;
SELECT is(casnet.import_calendar((SELECT text FROM calendar)), 5::bigint, 'and after them');
UPDATE before SET e = jsonb_set(jsonb_set(e, '{recurrence_rule}', '"FREQ=WEEKLY;UNTIL=20260501T215959Z"'), '{description}', '"one\ntwo\nthree"') WHERE e->>'title' LIKE 'Team%';
UPDATE before SET e = jsonb_set(e, '{recurrence_rule}', '"FREQ=YEARLY;UNTIL=20300501"') WHERE e->>'title' = 'Days';
SELECT bag_eq($$SELECT to_jsonb(e) - '{created_at,updated_at,record_id,id}'::text[] FROM casnet.calendar_events AS e$$, 'SELECT e - ''id'' FROM before', 'with all that they had');
INSERT INTO casnet.calendar_events (title, starts_at, record_id) VALUES ('only this', '2026-01-01', '00000000-0000-7000-8000-0000000002a0');
SELECT is((SELECT regexp_count FROM (SELECT array_length(regexp_split_to_array(casnet.export_calendar('00000000-0000-7000-8000-0000000002a0'), 'BEGIN:VEVENT'), 1) - 1 AS regexp_count) AS x), 1, 'the events about a record');
SELECT is((SELECT substring(casnet_internal.calendar_event('x', 'x', NULL, NULL, NULL, '2026-01-01', NULL, false, 'America/New_York', 'FREQ=DAILY;UNTIL=99991231', '{}', NULL, NULL, NULL, NULL, NULL) FROM 'UNTIL=\d+')), 'UNTIL=99991231', 'the last day');

-- Occurrences that the rule does not have.
CREATE FUNCTION pg_temp.dates(series uuid) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(l, ' | ' ORDER BY n) FROM string_to_table(casnet.export_calendar(), E'\r\n') WITH ORDINALITY AS x (l, n) WHERE l ~ '^(RDATE|EXDATE|RECURRENCE)' $$;
CREATE FUNCTION pg_temp.occurs() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', title, starts_at, ends_at, status), ', ' ORDER BY starts_at, title) FROM casnet.events_between('2026-01-01', '2027-01-01', true) $$;
CREATE PROCEDURE pg_temp.series(starts_at timestamptz, whole boolean, zone text, rule text, added timestamptz[]) LANGUAGE sql AS $$
	DELETE FROM casnet.calendar_events;
	INSERT INTO casnet.calendar_events (id, title, starts_at, all_day, time_zone, recurrence_rule) VALUES ('00000000-0000-7000-8000-00000000e001', 'x', starts_at, whole, zone, rule);
	INSERT INTO casnet.calendar_events (title, starts_at, all_day, time_zone, series_id, occurrence_at) SELECT 'y', at, whole, zone, '00000000-0000-7000-8000-00000000e001', at FROM unnest(added) AS at $$;
CALL pg_temp.series('2026-01-05 08:00Z', false, 'Europe/Berlin', 'FREQ=WEEKLY;COUNT=3', '{2026-01-12 08:00Z,2026-01-13 08:00Z,2026-01-26 08:00Z}');
SELECT is(pg_temp.dates('00000000-0000-7000-8000-00000000e001'), 'RDATE;TZID=Europe/Berlin:20260113T090000 | RDATE;TZID=Europe/Berlin:20260126T090000 | RECURRENCE-ID;TZID=Europe/Berlin:20260112T090000 | RECURRENCE-ID;TZID=Europe/Berlin:20260113T090000 | RECURRENCE-ID;TZID=Europe/Berlin:20260126T090000', 'what the rule does not have is added');
CALL pg_temp.series('2026-01-05', true, 'Asia/Tokyo', 'FREQ=DAILY;UNTIL=20260107', '{2026-01-07,2026-01-08}');
SELECT is(pg_temp.dates('00000000-0000-7000-8000-00000000e001'), 'RDATE;VALUE=DATE:20260108 | RECURRENCE-ID;VALUE=DATE:20260107 | RECURRENCE-ID;VALUE=DATE:20260108', 'days');
SELECT pg_temp.occurs() AS occurs \gset
SELECT casnet.export_calendar() AS calendar \gset
DELETE FROM casnet.calendar_events;
SELECT casnet.import_calendar(:'calendar') \g /dev/null
SELECT is(pg_temp.occurs(), :'occurs', 'they come back');
-- Another program has no events of their own for them.
DELETE FROM casnet.calendar_events;
SELECT casnet.import_calendar(regexp_replace(:'calendar', E'BEGIN:VEVENT\r\n(?:(?!END:VEVENT)[^\r]*\r\n)*RECURRENCE-ID(?:(?!END:VEVENT)[^\r]*\r\n)*END:VEVENT\r\n', '', 'g')) \g /dev/null
SELECT is((SELECT string_agg(to_char(starts_at, 'MM-DD'), ' ') FROM casnet.events_between('2026-01-01', '2027-01-01')), '01-05 01-06 01-07 01-08', 'also by these dates alone');
CALL pg_temp.series('2026-01-05 08:00Z', false, 'UTC', 'FREQ=DAILY;COUNT=1', '{2026-01-05 08:00Z}');
SELECT is(pg_temp.dates('00000000-0000-7000-8000-00000000e001'), 'RECURRENCE-ID:20260105T080000Z', 'the first one is no added one');

-- What a calendar cannot have keeps nothing else from it, and is named.
CREATE FUNCTION pg_temp.without(event text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM casnet.calendar_events;
	EXECUTE format('INSERT INTO casnet.calendar_events (title, starts_at, ends_at, all_day, time_zone, excluded_dates, recurrence_rule) VALUES (''this'', ''2026-01-01'', NULL, false, ''UTC'', ''{}'', NULL), (''that'', %s)', event);
	RETURN (SELECT string_agg(l, ' ' ORDER BY n) FROM string_to_table(casnet.export_calendar(), E'\r\n') WITH ORDINALITY AS x (l, n) WHERE l ~ '^(SUMMARY|EXDATE)');
END $$;
SELECT is(pg_temp.without(event), found, event)
  FROM (VALUES ($$'4713-01-01 BC', NULL, false, 'Europe/Berlin', '{}', NULL$$, 'SUMMARY:this'), ($$'294276-12-31', NULL, true, 'UTC', '{}', NULL$$, 'SUMMARY:this'), ($$'9999-12-30', '9999-12-31 12:00', false, 'UTC', '{}', NULL$$, 'SUMMARY:this'),
	($$'2026-01-02', 'infinity', false, 'UTC', '{10000-01-01,infinity,2026-01-03}', 'FREQ=DAILY'$$, 'SUMMARY:this EXDATE:20260103T000000Z SUMMARY:that')) AS v (event, found);
SELECT * FROM finish();
ROLLBACK;
