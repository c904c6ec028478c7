-- No rule keeps a session busy: a query has an end, or ends with an error that names the event.
BEGIN;
SELECT plan(22);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.calendar_events;
SET LOCAL SESSION AUTHORIZATION tap_app;
SET LOCAL TimeZone = 'UTC';
SET LOCAL statement_timeout = '20s';
CALL be('adam', 'North');
CREATE FUNCTION pg_temp.found(rule text, starts text, since text, until text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM casnet.calendar_events;
	INSERT INTO casnet.calendar_events (id, title, starts_at, recurrence_rule) VALUES ('00000000-0000-7000-8000-00000000e000', 'x', starts::timestamptz, rule);
	RETURN coalesce(nullif(error_of(format('SELECT * FROM casnet.events_between(%L, %L)', since, until)), 'none'), (SELECT count(*)::text FROM casnet.events_between(since::timestamptz, until::timestamptz)));
END
$$;

SELECT is(pg_temp.found('FREQ=SECONDLY', '2000-01-01', '2026-01-01', '2026-01-01 02:46:40'), '10000', 'as many as a query takes');
SELECT is(pg_temp.found('FREQ=SECONDLY', '2000-01-01', '2026-01-01', '2026-01-01 02:46:41'),
	'54000 | event 00000000-0000-7000-8000-00000000e000 has more than 10000 occurrences in that time |  | Ask for a shorter time, or change the recurrence rule of the event. | ', 'and one more');
SELECT is(pg_temp.found(rule, '2000-01-01', since, until), found, rule || ' ' || since)
  FROM (VALUES ('FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30', '2000-01-01', '2026-01-01', '1'), ('FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30', '2026-01-01', '2027-01-01', '0'), ('FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30', '2026-01-01', '9999-01-01', '0'),
	('FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30', '2000-01-01', '200000-01-01', '1'), ('FREQ=MONTHLY;INTERVAL=999999999', '2000-01-01', '294276-01-01', '1'), ('FREQ=YEARLY;INTERVAL=999999999', '2000-01-01', '294276-01-01', '1'),
	('FREQ=YEARLY;INTERVAL=146138', '2000-01-01', '294276-12-31', '3'), ('FREQ=WEEKLY;INTERVAL=999999999', '2000-01-01', '294276-01-01', '1'), ('FREQ=DAILY;INTERVAL=999999999', '2000-01-01', '294276-01-01', '1'), ('FREQ=SECONDLY;INTERVAL=999999999', '2000-01-01', '2100-01-01', '4'),
	('FREQ=SECONDLY;INTERVAL=2;BYSECOND=1', '2026-01-01', '2027-01-01', '0'), ('FREQ=YEARLY;BYDAY=MO;BYHOUR=1,2,3;BYMINUTE=1,2,3;BYSECOND=1,2,3;BYSETPOS=-366,366', '2026-01-01', '2027-01-01', '2'),
	('FREQ=DAILY;COUNT=100000', '2273-10-16', '2273-10-20', '0'), ('FREQ=DAILY;COUNT=100000', '2273-10-10', '2273-10-20', '6')) AS v (rule, since, until, found);
SELECT matches(pg_temp.found('FREQ=SECONDLY;INTERVAL=2;BYSECOND=1', '2000-01-01', '2000-01-01', '2100-01-01'), '^54000 \| the recurrence rule of event 00000000-0000-7000-8000-00000000e000 takes too long \|  \| Ask for a shorter time', 'a rule that never matches, in a hundred years');
SET LOCAL statement_timeout = '5s';
SELECT is(pg_temp.found('FREQ=SECONDLY;BYDAY=MO;BYSETPOS=2', '2000-01-01', '2000-01-01', '2100-01-01'), pg_temp.found('FREQ=SECONDLY;INTERVAL=2;BYSECOND=1', '2000-01-01', '2000-01-01', '2100-01-01'), 'places that it never has');
SET LOCAL statement_timeout = '20s';
SELECT matches(pg_temp.found('FREQ=SECONDLY;COUNT=5;INTERVAL=2;BYSECOND=1', '2000-01-01', '2090-01-01', '2090-01-02'), '^54000 ', 'one that counts');
-- Times that are asked for.
SELECT is(error_of('SELECT * FROM casnet.events_between(''2026-01-02'', ''2026-01-01'')'), '22023 | the time from which events are asked for is after the time until which they are |  | Give the beginning and the end, such as ''2026-01-01'' and ''2026-02-01''. | ', 'the wrong way round');
SELECT is(error_of(format('SELECT * FROM casnet.events_between(%s)', given)), '22023 | events are asked for without a first or last time |  | Give the beginning and the end, such as ''2026-01-01'' and ''2026-02-01''. | ', given)
  FROM unnest(ARRAY['NULL, now()', 'now(), ''infinity''']) AS given;
SELECT * FROM finish();
ROLLBACK;
