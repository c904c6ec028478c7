-- Attempts at one account queue; one that would have to wait for more than 15
-- seconds fails at once, and one that gave up keeps its place, until a success.
BEGIN;
SELECT plan(8);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE FUNCTION pg_temp.waits() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN casnet.login_wait('queued');
EXCEPTION
	WHEN query_canceled THEN
		RETURN 'gave up';
END
$$;
SELECT is(count(casnet.login_failed('queued', clock_timestamp() - interval '0.99 s')), 9::bigint, 'nine failures, so 6.4 seconds each') FROM generate_series(1, 9);
SET LOCAL statement_timeout = '1100ms';
SELECT is(pg_temp.waits(), 'gave up', 'the first waits');
SELECT is(pg_temp.waits(), 'gave up', 'the second waits');
SELECT is(pg_temp.waits(), 'false', 'the third would wait for 19 seconds');
SET LOCAL statement_timeout = 0;
SELECT is(casnet.login_succeeded('queued') IS NOT NULL, true, 'a success');
SELECT is(count(casnet.login_failed('queued', clock_timestamp() - interval '0.99 s')), 3::bigint, 'three failures, so 200 milliseconds') FROM generate_series(1, 3);
SET LOCAL statement_timeout = '2s';
SELECT is(pg_temp.waits(), 'true', 'behind nobody');
SELECT is(pg_temp.waits(), 'true', 'also the next one');
SELECT * FROM finish();
ROLLBACK;
