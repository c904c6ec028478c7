-- casnet counts failures of a limited number of names.  One more name replaces the name that
-- failed longest ago, however often.  So trying many names does not use up the table, and
-- the name that fails now is slowed.
BEGIN;
SELECT plan(2);
\ir include/fixtures.sql
\ir include/tokens.sql
RESET SESSION AUTHORIZATION;
UPDATE casnet.users SET hashed_password = casnet.hash_password('correct horse') WHERE username IN ('mia', 'olga');
-- A failure takes a second from its start.
SELECT count(casnet_internal.login_failed('mia', clock_timestamp() - interval '0.996 s')) FROM generate_series(1, 8) \g /dev/null
SELECT count(casnet_internal.login_failed('other ' || n, clock_timestamp() - interval '0.996 s')) FROM generate_series(1, 1023) AS n \g /dev/null
SELECT count(casnet_internal.login_failed('olga', clock_timestamp() - interval '0.996 s')) FROM generate_series(1, 6) \g /dev/null
SET LOCAL SESSION AUTHORIZATION tap_client;
CREATE FUNCTION pg_temp.seconds(username text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	started timestamptz := clock_timestamp();
BEGIN
	PERFORM casnet.login(username, 'correct horse');
	RETURN extract(epoch FROM clock_timestamp() - started);
END
$$;
SELECT cmp_ok(pg_temp.seconds('olga'), '>=', 1.6, 'the name that failed last waits as after six failures');
SELECT cmp_ok(pg_temp.seconds('mia'), '<', 6.4, 'the one that failed first does not wait any more');
SELECT * FROM finish();
ROLLBACK;
