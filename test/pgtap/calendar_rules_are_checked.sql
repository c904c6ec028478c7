-- A recurrence rule is one of RFC 5545.  The error says what is wrong with another one.
BEGIN;
SELECT plan(71);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
CREATE FUNCTION pg_temp.problem(rule text) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN e = 'none' THEN e ELSE split_part(e, ' | ', 3) END
	  FROM error_of(format('INSERT INTO casnet.calendar_events (title, starts_at, recurrence_rule) VALUES (''x'', now(), %L)', rule)) AS e
$$;

SELECT is(error_of($$INSERT INTO casnet.calendar_events (title, starts_at, recurrence_rule) VALUES ('x', now(), 'every other tuesday')$$),
	'22023 | the recurrence rule cannot be read | "every other tuesday" has no value. | Give a rule of RFC 5545 such as FREQ=WEEKLY;BYDAY=MO, or NULL for an event that does not recur. | ', 'no rule');
SELECT is(pg_temp.problem(rule), problem, coalesce(left(rule, 60), 'NULL'))
  FROM (VALUES (NULL, 'none'), ('FREQ=DAILY', 'none'), ('freq=weekly;byday=mo,We', 'none'), ('BYDAY=MO;FREQ=WEEKLY;WKST=SU;INTERVAL=999999999', 'none'),
	('FREQ=YEARLY;BYDAY=-53MO,+1TU,20WE', 'none'), ('FREQ=MONTHLY;BYMONTHDAY=-31,+31,1', 'none'), ('FREQ=YEARLY;BYYEARDAY=-366,366', 'none'), ('FREQ=YEARLY;BYWEEKNO=53,-53;BYDAY=MO', 'none'),
	('FREQ=SECONDLY;BYSECOND=0,60;BYMINUTE=0,59;BYHOUR=0,23;BYMONTH=1,12;BYSETPOS=1,-366', 'none'), ('FREQ=DAILY;COUNT=100000', 'none'),
	('FREQ=DAILY;UNTIL=20240229', 'none'), ('FREQ=DAILY;UNTIL=20240229T235960', 'none'), ('FREQ=DAILY;UNTIL=20240229t235959z', 'none'),
	('', '"" has no value.'), (' ', '" " has no value.'), ('FREQ=DAILY;', '"" has no value.'), (';FREQ=DAILY', '"" has no value.'), ('RRULE:FREQ=DAILY', 'It has no part "RRULE:FREQ".'),
	('FREQ=', 'FREQ cannot be "".'), ('FREQ=FORTNIGHTLY', 'FREQ cannot be "FORTNIGHTLY".'), ('FREQ=DAILY ', 'FREQ cannot be "DAILY ".'), (' FREQ=DAILY', 'It has no part " FREQ".'),
	('FREQ=DAILY;UNTL=20240101', 'It has no part "UNTL".'), ('FREQ=DAILY;RSCALE=GREGORIAN', 'It has no part "RSCALE".'), ('=1', 'It has no part "".'),
	('FREQ=DAILY;FREQ=DAILY', 'It has FREQ twice.'), ('FREQ=DAILY;COUNT=1;count=2', 'It has count twice.'), (E'FREQ=DAILY\nFREQ=WEEKLY', E'FREQ cannot be "DAILY\nFREQ=WEEKLY".'),
	('INTERVAL=2', 'It has no FREQ.'), ('FREQ=DAILY;COUNT=1;UNTIL=20240101', 'It has both COUNT and UNTIL.'),
	('FREQ=DAILY;COUNT=0', 'COUNT cannot be "0".'), ('FREQ=DAILY;COUNT=-1', 'COUNT cannot be "-1".'), ('FREQ=DAILY;COUNT=5x', 'COUNT cannot be "5x".'), ('FREQ=DAILY;COUNT=100001', 'COUNT cannot be "100001".'),
	('FREQ=DAILY;COUNT=9999999999', 'COUNT cannot be "9999999999".'), ('FREQ=DAILY;INTERVAL=0', 'INTERVAL cannot be "0".'), ('FREQ=DAILY;INTERVAL=+1', 'INTERVAL cannot be "+1".'), ('FREQ=DAILY;INTERVAL=1000000000', 'INTERVAL cannot be "1000000000".'),
	('FREQ=DAILY;UNTIL=20230229', 'UNTIL cannot be "20230229".'), ('FREQ=DAILY;UNTIL=2024', 'UNTIL cannot be "2024".'), ('FREQ=DAILY;UNTIL=00000101', 'UNTIL cannot be "00000101".'), ('FREQ=DAILY;UNTIL=20241301', 'UNTIL cannot be "20241301".'),
	('FREQ=DAILY;UNTIL=20240101T240000', 'UNTIL cannot be "20240101T240000".'), ('FREQ=DAILY;UNTIL=20240101T120000+', 'UNTIL cannot be "20240101T120000+".'), ('FREQ=DAILY;UNTIL=2024-01-01', 'UNTIL cannot be "2024-01-01".'),
	('FREQ=WEEKLY;WKST=XX', 'WKST cannot be "XX".'), ('FREQ=WEEKLY;BYDAY=', 'BYDAY cannot be "".'), ('FREQ=WEEKLY;BYDAY=MO,', 'BYDAY cannot be "MO,".'), ('FREQ=WEEKLY;BYDAY=MOO', 'BYDAY cannot be "MOO".'), ('FREQ=MONTHLY;BYDAY=0MO', 'BYDAY cannot be "0MO".'),
	('FREQ=MONTHLY;BYDAY=54MO', 'BYDAY cannot be "54MO".'), ('FREQ=WEEKLY;BYDAY=1MO', 'A number before a day of BYDAY needs FREQ=MONTHLY, or YEARLY without BYWEEKNO.'), ('FREQ=YEARLY;BYWEEKNO=1;BYDAY=-1MO', 'A number before a day of BYDAY needs FREQ=MONTHLY, or YEARLY without BYWEEKNO.'),
	('FREQ=DAILY;BYMONTH=0', 'BYMONTH cannot be "0".'), ('FREQ=DAILY;BYMONTH=13', 'BYMONTH cannot be "13".'), ('FREQ=DAILY;BYMONTH=-1', 'BYMONTH cannot be "-1".'), ('FREQ=DAILY;BYHOUR=24', 'BYHOUR cannot be "24".'), ('FREQ=DAILY;BYMINUTE=60', 'BYMINUTE cannot be "60".'), ('FREQ=DAILY;BYSECOND=61', 'BYSECOND cannot be "61".'),
	('FREQ=MONTHLY;BYMONTHDAY=0', 'BYMONTHDAY cannot be "0".'), ('FREQ=MONTHLY;BYMONTHDAY=32', 'BYMONTHDAY cannot be "32".'), ('FREQ=WEEKLY;BYMONTHDAY=1', 'BYMONTHDAY does not go with FREQ=WEEKLY.'),
	('FREQ=MONTHLY;BYYEARDAY=1', 'BYYEARDAY does not go with FREQ=DAILY, WEEKLY or MONTHLY.'), ('FREQ=MONTHLY;BYWEEKNO=1', 'BYWEEKNO needs FREQ=YEARLY.'), ('FREQ=DAILY;BYSETPOS=1', 'BYSETPOS needs another part that begins with BY.'),
	('FREQ=DAILY;BYMONTH=' || repeat('1,', 1000) || '1', 'It has more than 2000 bytes.'), ('FREQ=DAILY;' || repeat('x', 60), '"' || repeat('x', 40) || '" has no value.')) AS v (rule, problem);

-- A rule of before, as it can come with a dump.
RESET SESSION AUTHORIZATION;
SET LOCAL session_replication_role = replica;
INSERT INTO casnet.calendar_events (tenant_id, title, starts_at, time_zone, recurrence_rule) VALUES (:'north', 'old', '2024-01-01', 'UTC', 'weekly');
SET LOCAL session_replication_role = origin;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT lives_ok($$UPDATE casnet.calendar_events SET title = 'older' WHERE title = 'old'$$, 'an event with another rule can be updated');
SELECT matches(error_of($$UPDATE casnet.calendar_events SET recurrence_rule = 'monthly' WHERE title = 'older'$$), '^22023 ', 'the rule cannot');
SELECT matches(error_of($$SELECT * FROM casnet.events_between('2024-01-01', '2024-02-01')$$), '^22023 \| the recurrence rule of event [-0-9a-f]+ cannot be read \| "weekly" has no value. \| Update the event. \| $', 'and nobody is told that it does not occur');
SELECT * FROM finish();
ROLLBACK;
