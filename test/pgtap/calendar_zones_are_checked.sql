-- An event has the IANA name of a time zone: the session's, unless it says another one.
BEGIN;
SELECT plan(23);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SET LOCAL client_min_messages = warning;
CREATE FUNCTION pg_temp.zone_in(session text, given text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	stored text;
BEGIN
	PERFORM set_config('TimeZone', session, true);
	INSERT INTO casnet.calendar_events (title, starts_at, time_zone) VALUES ('x', now(), given) RETURNING time_zone INTO stored;
	RETURN stored;
END
$$;

SELECT is(pg_temp.zone_in('Europe/Berlin'), 'Europe/Berlin', 'NULL stands for the zone of the session');
INSERT INTO casnet.calendar_events (title, starts_at) VALUES ('default', now());
SELECT is((SELECT time_zone FROM casnet.calendar_events WHERE title = 'default'), 'Europe/Berlin', 'it is the default, too');
SELECT is(pg_temp.zone_in('UTC', 'America/New_York'), 'America/New_York', 'another zone');
SELECT is(pg_temp.zone_in('UTC', 'europe/BERLIN'), 'Europe/Berlin', 'a name is written as in the tables of time zones');
SELECT is(pg_temp.zone_in('UTC', 'Etc/GMT+5'), 'Etc/GMT+5', 'a name with digits');
SELECT is(pg_temp.zone_in('UTC', 'Etc/GMT-14'), 'Etc/GMT-14', 'another one');
SELECT is(pg_temp.zone_in('<+02>-02'), 'Etc/GMT-2', 'an offset of whole hours has a name');
SELECT is(pg_temp.zone_in('GMT+3'), 'Etc/GMT+3', 'to the west, too');
SELECT is(pg_temp.zone_in('<+00>-00'), 'UTC', 'and none');
SELECT is(error_of($$SELECT pg_temp.zone_in('<+0530>-05:30')$$), '22023 | the time zone of the session has no IANA name |  | Give the event a time_zone, or SET TimeZone to a name such as Europe/Berlin. | ', 'other offsets have none');
SELECT is(pg_temp.zone_in('<+0530>-05:30', 'Asia/Kolkata'), 'Asia/Kolkata', 'then the event says it');
SELECT is(error_of($$SELECT pg_temp.zone_in('EST5EDT4,M3.2.0,M11.1.0')$$), '22023 | the time zone of the session has no IANA name |  | Give the event a time_zone, or SET TimeZone to a name such as Europe/Berlin. | ', 'nor have rules of POSIX');
SELECT is(error_of($$SELECT pg_temp.zone_in('UTC', 'Mars/Olympus')$$), '22023 | there is no time zone "Mars/Olympus" |  | Give an IANA name such as Europe/Berlin: SELECT name FROM pg_timezone_names. | ', 'no zone');
SELECT matches(error_of(format('SELECT pg_temp.zone_in(''UTC'', %L)', zone)), '^22023 \| there is no time zone "', 'no name: ' || left(zone, 20))
  FROM unnest(ARRAY['', ' ', '+02:00', 'FOO3', 'Europe/Berlin2', 'Etc/GMT+99', 'EST5EDT4,M3.2.0,M11.1.0', '<x>3', '../../etc/passwd', repeat('x', 300)]) AS zone;
SELECT * FROM finish();
ROLLBACK;
