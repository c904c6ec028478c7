-- An event of whole days is on the same days in every time zone.
BEGIN;
SELECT plan(27);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.calendar_events;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('adam', 'North');
CREATE FUNCTION pg_temp.days(zone text, since text DEFAULT '2026-01-01', until text DEFAULT '2028-01-01') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('TimeZone', zone, true);
	RETURN (SELECT string_agg(format('%s %s..%s', title, starts_at, ends_at), ', ') FROM (SELECT title, starts_at::timestamp, ends_at::timestamp FROM casnet.events_between(since::timestamptz, until::timestamptz)) AS x);
END
$$;
CREATE FUNCTION pg_temp.raw() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(format('%s %s..%s %s', title, starts_at AT TIME ZONE time_zone, ends_at AT TIME ZONE time_zone, time_zone), ', ' ORDER BY title) FROM casnet.calendar_events $$;

SET LOCAL TimeZone = 'Pacific/Auckland';
INSERT INTO casnet.calendar_events (title, starts_at, all_day) VALUES ('Christmas', '2026-12-25', true);
SELECT is(pg_temp.days(zone), 'Christmas 2026-12-25 00:00:00..2026-12-26 00:00:00', zone) FROM unnest(ARRAY['Pacific/Auckland', 'America/New_York', 'UTC', 'Pacific/Pago_Pago', 'Pacific/Kiritimati', 'Asia/Kolkata']) AS zone;
SELECT is(pg_temp.days('America/New_York', '2026-12-25', '2026-12-26'), 'Christmas 2026-12-25 00:00:00..2026-12-26 00:00:00', 'who asks for the day finds it');
SELECT is(pg_temp.days('America/New_York', '2026-12-24', '2026-12-25'), NULL, 'and not on the day before');
SELECT is(pg_temp.days('America/New_York', '2026-12-26', '2026-12-27'), NULL, 'nor after');
SELECT is(pg_temp.raw(), 'Christmas 2026-12-25 00:00:00.. Pacific/Auckland', 'the table has the day in the zone of the event');
UPDATE casnet.calendar_events SET time_zone = 'America/Los_Angeles';
SELECT is(pg_temp.raw(), 'Christmas 2026-12-25 00:00:00.. America/Los_Angeles', 'another zone is the same day');
UPDATE casnet.calendar_events SET time_zone = 'Pacific/Apia';
UPDATE casnet.calendar_events SET time_zone = 'Pacific/Pago_Pago';
SELECT is(pg_temp.raw(), 'Christmas 2026-12-25 00:00:00.. Pacific/Pago_Pago', 'also one in which it is midnight a day before');

DELETE FROM casnet.calendar_events;
SET LOCAL TimeZone = 'UTC';
INSERT INTO casnet.calendar_events (title, starts_at, ends_at, all_day, time_zone) VALUES ('a', '2026-05-01', '2026-05-03', true, 'America/New_York');
SELECT is(pg_temp.raw(), 'a 2026-05-01 00:00:00..2026-05-03 00:00:00 America/New_York', 'a day as the session writes it is that day in another zone');
UPDATE casnet.calendar_events SET starts_at = '2026-05-02';
SELECT is(pg_temp.raw(), 'a 2026-05-02 00:00:00..2026-05-03 00:00:00 America/New_York', 'in an update, too, and the end stays');
UPDATE casnet.calendar_events SET starts_at = '2026-05-01 04:00', ends_at = '2026-05-02 04:00';
SELECT is(pg_temp.raw(), 'a 2026-05-01 00:00:00..2026-05-02 00:00:00 America/New_York', 'midnight there is midnight');
UPDATE casnet.calendar_events SET starts_at = '2026-05-02 01:00', ends_at = '2026-05-02 13:00';
SELECT is(pg_temp.raw(), 'a 2026-05-01 00:00:00..2026-05-03 00:00:00 America/New_York', 'another time is within the day there');
UPDATE casnet.calendar_events SET ends_at = starts_at;
SELECT is(pg_temp.days('UTC'), 'a 2026-05-01 00:00:00..2026-05-02 00:00:00', 'one that ends when it begins has the day');
UPDATE casnet.calendar_events SET all_day = false, starts_at = '2026-05-01 17:00', ends_at = '2026-05-02 17:00';
UPDATE casnet.calendar_events SET all_day = true;
SELECT is(pg_temp.raw(), 'a 2026-05-01 00:00:00..2026-05-03 00:00:00 America/New_York', 'hours that become days');
UPDATE casnet.calendar_events SET starts_at = '-infinity', ends_at = 'infinity';
SELECT is(pg_temp.days('Asia/Tokyo'), 'a -infinity..infinity', 'days without end');

DELETE FROM casnet.calendar_events;
INSERT INTO casnet.calendar_events (title, starts_at, all_day, time_zone, recurrence_rule, excluded_dates) VALUES
	('d', '2026-03-27', true, 'Europe/Berlin', 'FREQ=DAILY;COUNT=5', ARRAY['2026-03-28', '2026-03-29 22:00:00Z']::timestamptz[]);
SELECT is((SELECT string_agg(d AT TIME ZONE 'Europe/Berlin' || '', ', ') FROM casnet.calendar_events, unnest(excluded_dates) AS d), '2026-03-28 00:00:00, 2026-03-30 00:00:00', 'excluded days are days of the event');
SELECT is(pg_temp.days(zone), 'd 2026-03-27 00:00:00..2026-03-28 00:00:00, d 2026-03-29 00:00:00..2026-03-30 00:00:00, d 2026-03-31 00:00:00..2026-04-01 00:00:00', 'days recur as days: ' || zone) FROM unnest(ARRAY['Europe/Berlin', 'America/New_York', 'Pacific/Kiritimati']) AS zone;
UPDATE casnet.calendar_events SET time_zone = 'Asia/Tokyo';
SELECT is(pg_temp.days('UTC'), 'd 2026-03-27 00:00:00..2026-03-28 00:00:00, d 2026-03-29 00:00:00..2026-03-30 00:00:00, d 2026-03-31 00:00:00..2026-04-01 00:00:00', 'in another zone, too');
SET LOCAL TimeZone = 'America/New_York';
INSERT INTO casnet.calendar_events (title, starts_at, all_day, time_zone, series_id, occurrence_at) SELECT 'moved', '2026-04-10', true, 'Asia/Tokyo', event_id, occurrence_at FROM casnet.events_between('2026-03-29', '2026-03-30');
SELECT is(pg_temp.days('UTC', '2026-03-28'), 'd 2026-03-31 00:00:00..2026-04-01 00:00:00, moved 2026-04-10 00:00:00..2026-04-11 00:00:00', 'occurrence_at names the day, whatever zone reads it');
SELECT is(pg_temp.days('UTC', '2026-03-31', '2026-03-31'), NULL, 'no time has no day in it');
SELECT is(pg_temp.days('UTC', '2026-03-31 23:00', '2026-03-31 23:01'), 'd 2026-03-31 00:00:00..2026-04-01 00:00:00', 'a minute has the day around it');
SELECT * FROM finish();
ROLLBACK;
