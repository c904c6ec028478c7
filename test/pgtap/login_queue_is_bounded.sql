-- Attempts at one account queue.  One that gave up before its turn has made no guess, and
-- takes no other attempt's place.
BEGIN;
SELECT plan(10);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE FUNCTION pg_temp.waits() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM casnet_internal.login_wait('queued');
	RETURN 'true';
EXCEPTION
	WHEN query_canceled THEN
		RETURN 'gave up';
END
$$;
SELECT is(count(casnet_internal.login_failed('queued', clock_timestamp() - interval '0.99 s')), 9::bigint, 'nine failures, so 6.4 seconds each') FROM generate_series(1, 9);
SET LOCAL statement_timeout = '1100ms';
SELECT is(pg_temp.waits(), 'gave up', 'the first waits');
SELECT is(pg_temp.waits(), 'gave up', 'the second waits');
SELECT pg_temp.waits() \g /dev/null
SET LOCAL statement_timeout = '8s';
SELECT is(pg_temp.waits(), 'true', 'who comes next waits as if they had not been');
SET LOCAL statement_timeout = 0;
SELECT is(casnet_internal.login_succeeded('queued') IS NOT NULL, true, 'a success');
SELECT is(count(casnet_internal.login_failed('queued', clock_timestamp() - interval '0.99 s')), 3::bigint, 'three failures, so 200 milliseconds') FROM generate_series(1, 3);
SET LOCAL statement_timeout = '2s';
SELECT is(pg_temp.waits(), 'true', 'behind nobody');
SELECT is(pg_temp.waits(), 'true', 'also the next one');
SET LOCAL statement_timeout = 0;
-- The number of waiting attempts and unanswered failures is bounded; successes do not
-- count.
CREATE FUNCTION pg_temp.logins(n integer, succeed boolean) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. n LOOP
		PERFORM casnet_internal.login_wait('quick');
		IF succeed THEN
			PERFORM casnet_internal.login_succeeded('quick');
		END IF;
	END LOOP;
	RETURN 'all';
EXCEPTION WHEN too_many_connections THEN
	RETURN 'too many';
END
$$;
SELECT is(pg_temp.logins(2000, true), 'all', 'successes take no places');
SELECT is(pg_temp.logins(2000, false), 'too many', 'attempts that go on do');
SELECT * FROM finish();
ROLLBACK;
