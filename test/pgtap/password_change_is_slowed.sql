-- Guessing at change_password() counts and waits like guessing at login().  The right
-- password clears all failures.
BEGIN;
SELECT plan(4);
\ir include/fixtures.sql
\ir include/tokens.sql
RESET SESSION AUTHORIZATION;
UPDATE casnet.users SET hashed_password = casnet.hash_password('correct horse') WHERE username = 'mia';
-- Somebody takes the id of mia as a name, and logs in with it.
UPDATE casnet.users SET hashed_password = casnet.hash_password('correct goat'), username = :'mia' WHERE username = 'vic';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia');
CREATE FUNCTION pg_temp.seconds(statement text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	started timestamptz := clock_timestamp();
BEGIN
	EXECUTE statement;
	RETURN extract(epoch FROM clock_timestamp() - started);
EXCEPTION WHEN invalid_password THEN
	RETURN extract(epoch FROM clock_timestamp() - started);
END
$$;
SELECT count(pg_temp.seconds('SELECT casnet.change_password(''wrong horse'', ''x'')')) AS failures FROM generate_series(1, 4) \gset
SELECT pg_temp.seconds('SELECT casnet.change_password(''correct horse'', ''correct mule'')') AS slowed \gset
SELECT cmp_ok(:slowed, '>=', 0.4, 'a success waits after four failures');
-- Hashing takes its time as well, which is the same for both.
SELECT cmp_ok(pg_temp.seconds('SELECT casnet.login(''mia'', ''correct mule'')'), '<', :slowed - 0.2, 'and the next login does not');
SELECT cmp_ok(pg_temp.seconds('SELECT casnet.change_password(''correct mule'', ''correct horse'')'), '<', :slowed - 0.2, 'nor the next change');
SELECT count(pg_temp.seconds('SELECT casnet.change_password(''wrong horse'', ''x'')')) AS failures FROM generate_series(1, 4) \gset
SELECT casnet.login(:'mia', 'correct goat') \g /dev/null
SELECT cmp_ok(pg_temp.seconds('SELECT casnet.change_password(''correct horse'', ''correct mule'')'), '>=', 0.4, 'nobody else ends the wait');
SELECT * FROM finish();
ROLLBACK;
