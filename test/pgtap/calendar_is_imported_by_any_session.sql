-- A calendar that comes again updates the same events, whatever the settings of the session.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('adam', 'North');
DELETE FROM casnet.calendar_events;
\set calendar 'BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:series\nDTSTART:20260101T100000Z\nRRULE:FREQ=DAILY;COUNT=20\nRDATE:20260301T090000Z\nSUMMARY:series\nEND:VEVENT\nBEGIN:VEVENT\nUID:series\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260110T100000Z\nDTSTART:20260110T120000Z\nSUMMARY:later\nEND:VEVENT\nBEGIN:VEVENT\nUID:alone\nRECURRENCE-ID:20260110T100000Z\nDTSTART:20260110T120000Z\nSUMMARY:alone\nEND:VEVENT\nEND:VCALENDAR\n'
CREATE FUNCTION pg_temp.events() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', title, starts_at AT TIME ZONE 'UTC' - '2026-01-01'::timestamp, recurrence_rule), ', ' ORDER BY starts_at, title) FROM casnet.calendar_events
$$;
SET LOCAL timezone = 'UTC';
SELECT is(casnet.import_calendar(:'calendar'), 4::bigint, 'a calendar');
SELECT pg_temp.events() AS events \gset
SELECT matches(:'events'::text, 'series .*UNTIL=20260110T095959Z, .*later .*COUNT=11', 'one series ends and another goes on');
SET LOCAL timezone = 'Europe/Berlin';
SET LOCAL datestyle = 'SQL, DMY';
SELECT is(casnet.import_calendar(:'calendar'), 4::bigint, 'in another time zone');
SELECT is(pg_temp.events(), :'events'::text, 'the same events');
SELECT current_setting('server_version_num')::integer < 190000 AS has_other_strings \gset
\if :has_other_strings
SET LOCAL escape_string_warning = off;
SET LOCAL standard_conforming_strings = off;
SELECT casnet.import_calendar(E'BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:series\nDTSTART:20260101T100000Z\nRRULE:FREQ=DAILY;COUNT=20\nRDATE:20260301T090000Z\nSUMMARY:series\nEND:VEVENT\nBEGIN:VEVENT\nUID:series\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260110T100000Z\nDTSTART:20260110T120000Z\nSUMMARY:later\nEND:VEVENT\nEND:VCALENDAR\n') AS written \gset
SET LOCAL standard_conforming_strings = on;
SELECT is(:written, 3, 'where strings have other rules');
SELECT is(pg_temp.events(), :'events'::text, 'the same events');
\else
SELECT skip('from 19 on, strings have no other rules', 2);
\endif
SELECT * FROM finish();
ROLLBACK;
