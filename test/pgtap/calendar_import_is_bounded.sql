-- No calendar keeps a session busy or takes memory that its text does not account for.
BEGIN;
SELECT plan(19);
\ir include/fixtures.sql
SET LOCAL SESSION AUTHORIZATION tap_app;
SET LOCAL statement_timeout = '10s';
CALL be('adam', 'North');
CREATE FUNCTION pg_temp.calendar(before text, within text) RETURNS text LANGUAGE sql AS $$
	SELECT concat(E'BEGIN:VCALENDAR\n', before, E'BEGIN:VEVENT\nUID:bounded\nDTSTART:20240101T100000Z\n', within, E'END:VEVENT\nEND:VCALENDAR\n')
$$;
CREATE FUNCTION pg_temp.answer(calendar text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	RETURN casnet.import_calendar(calendar);
EXCEPTION WHEN invalid_parameter_value THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(': ', substring(SQLERRM FROM 'at line \d+'), detail);
END
$$;
CREATE FUNCTION pg_temp.zones(n integer) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(format(E'BEGIN:VTIMEZONE\nTZID:z%s\nX-LIC-LOCATION:Europe/Paris\nEND:VTIMEZONE\n', i), '') FROM generate_series(1, n) AS i
$$;
CREATE FUNCTION pg_temp.times(n integer) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(to_char(timestamp '2024-01-01' + i * interval '1 hour', 'YYYYMMDD"T"HH24MISS'), ',') FROM generate_series(1, n) AS i
$$;

SELECT is(pg_temp.answer(pg_temp.calendar(pg_temp.zones(1000), E'EXDATE;TZID=z1000:20240101T100000\n')), '1', 'a thousand time zones, of which the last is meant');
SELECT is(pg_temp.answer(pg_temp.calendar(pg_temp.zones(1001), '')), 'at line 4004: There are too many time zones.', 'one more');
SELECT is(pg_temp.answer(pg_temp.calendar('', E'RRULE:FREQ=DAILY\nEXDATE;TZID=Europe/Paris:' || pg_temp.times(10000) || E'\n')), '1', '10,000 dates');
SELECT is(pg_temp.answer(pg_temp.calendar('', E'EXDATE;TZID=Europe/Paris:' || pg_temp.times(10000) || E'\nEXDATE:20240101T100000\n')), 'at line 6: The event has too many dates.', 'one more');
SELECT is(pg_temp.answer(pg_temp.calendar('', (SELECT string_agg(format(E'RRULE:FREQ=DAILY;COUNT=%s\n', i), '') FROM generate_series(1, 60000) AS i))), 'at line 105: The event has too many rules.', 'many rules');
SELECT is(pg_temp.answer(pg_temp.calendar('', 'RRULE:' || (SELECT string_agg(i::text, ';') FROM generate_series(100000, 250000) AS i) || E'\n')), 'at line 5: The rule is too long.', 'a rule of many parts');
SELECT is(pg_temp.answer(pg_temp.calendar('', E'EXDATE;TZID=' || repeat('/', 2000000) || E':20240101T100000\n')), 'at line 5: The name of the time zone is too long.', 'a time zone of many parts');
SELECT is(pg_temp.answer(pg_temp.calendar('', E'EXDATE;TZID=' || repeat('/', 900) || E'Europe/Paris:20240101T100000\n')), '1', 'what some programs put before a name');
SELECT is(pg_temp.answer(pg_temp.calendar('X-WR-TIMEZONE:' || repeat('/', 1000000) || E'\n', '')), '1', 'a time zone of the calendar that is none');
SELECT is(pg_temp.answer(pg_temp.calendar('BEGIN:VTIMEZONE' || E'\nTZID:' || repeat('z', 1000000) || E'\nX-LIC-LOCATION:Europe/Paris\nEND:VTIMEZONE\n', '')), '1', 'one with a long name');

-- Names of zones that POSIX would have, too.
SET LOCAL statement_timeout = '4s';
SELECT is(pg_temp.answer(concat(E'BEGIN:VCALENDAR\n', string_agg(format(E'BEGIN:VTIMEZONE\nTZID:ABC%1$sDEF%2$s\nX-LIC-LOCATION:Europe/Paris\nEND:VTIMEZONE\n', i % 24, i), ''), string_agg(format(E'BEGIN:VEVENT\nUID:%2$s\nDTSTART;TZID=ABC%1$sDEF%2$s:20240101T100000\nEND:VEVENT\n', i % 24, i), ''), E'END:VCALENDAR\n')), '300', 'zones with digits in their names are looked for once')
  FROM generate_series(1, 300) AS i;
SET LOCAL statement_timeout = '10s';

-- What no calendar can have is refused when it is read, and so all can be written.
SELECT is(pg_temp.answer(replace(pg_temp.calendar('', E'DURATION:P10D\n'), '20240101T100000Z', t)), 'at line 4: The event is not in the years 1 to 9999.', t)
  FROM unnest('{00010101T000000Z,99991231T235959}'::text[]) AS t;
SELECT is(pg_temp.answer(pg_temp.calendar('', E'RDATE;VALUE=PERIOD:20260101T100000Z/20250101T000000Z\n')), 'at line 5: The period ends before it begins.', 'a period that ends before it begins');
SELECT is(pg_temp.answer(replace(pg_temp.calendar('', ''), ':20240101T100000Z', t)), '1', t)
  FROM unnest('{;TZID=America/New_York:00010601T000000,;TZID=Asia/Tokyo:99981231T235959}'::text[]) AS t;
SELECT matches(casnet.export_calendar(), 'DTSTART;TZID=Asia/Tokyo:99981231T235959', 'are written again');

CREATE FUNCTION pg_temp.most() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	RETURN 1024 * substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s+(\d+) kB')::bigint;
END
$$;
RESET SESSION AUTHORIZATION;
SELECT pg_temp.most() AS before \gset
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(pg_temp.answer(pg_temp.calendar(repeat(E'A:\n', 1000000), '')), '1', 'a million lines that nobody needs');
RESET SESSION AUTHORIZATION;
SELECT cmp_ok(pg_temp.most() - :before, '<', 200000000::bigint, 'take no memory to speak of');
SELECT * FROM finish();
ROLLBACK;
