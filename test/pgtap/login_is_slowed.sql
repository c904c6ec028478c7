-- Failures are slowed, whether or not the transaction is rolled back, for a missing name as
-- for an existing one.  A success clears them.  Everything can take longer on a busy machine:
-- what must be quick is tried three times, or compared with a wait of seconds.
BEGIN;
SELECT plan(10);
\ir include/fixtures.sql
\ir include/tokens.sql
RESET SESSION AUTHORIZATION;
UPDATE casnet.users SET hashed_password = casnet.hash_password('correct horse') WHERE username = 'mia';
SET LOCAL SESSION AUTHORIZATION tap_client;
CREATE FUNCTION pg_temp.seconds(username text, password text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	started timestamptz := clock_timestamp();
BEGIN
	PERFORM casnet.login(username, password);
	RETURN extract(epoch FROM clock_timestamp() - started);
EXCEPTION WHEN invalid_password THEN
	RETURN extract(epoch FROM clock_timestamp() - started);
END
$$;
SELECT count(pg_temp.seconds('mia', 'wrong horse')) AS failures FROM generate_series(1, 4) \gset
-- the fifth waits 400 ms, and so would a success
SELECT cmp_ok(pg_temp.seconds('MIA', 'correct horse'), '>=', 0.4, 'a success waits after four failures');
SELECT cmp_ok((SELECT min(pg_temp.seconds('mia', 'correct horse')) FROM generate_series(1, 3)), '<', 0.4, 'and the next does not');
SELECT count(pg_temp.seconds('nobody', 'wrong horse')) AS failures FROM generate_series(1, 5) \gset
SELECT cmp_ok(pg_temp.seconds('nobody', 'wrong horse'), '>=', 1.0, 'an unknown name waits');
SELECT cmp_ok(pg_temp.seconds('nobody', 'wrong horse'), '>=', 2.0, 'and longer');
-- the next failure of a missing name would wait for 3.2 s
SELECT cmp_ok(pg_temp.seconds('mia@north.test', 'correct horse'), '<', 3.2, 'another name does not');
-- Failures by one name of an account do not count for its other name.
SELECT count(pg_temp.seconds('olga@north.test', 'wrong horse')) AS failures FROM generate_series(1, 5) \gset
SELECT cmp_ok((SELECT min(pg_temp.seconds('olga', 'wrong horse')) FROM generate_series(1, 2)), '<', 2.0, 'an account is counted by the name that is given');
-- If statement_timeout is too short for a failure's one second, the login is refused at
-- once, whoever is named, and counts as no attempt.  A longer timeout is obeyed.
RESET SESSION AUTHORIZATION;
UPDATE casnet.users SET hashed_password = '$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e' WHERE username = 'vic';
UPDATE casnet.users SET hashed_password = '$2b$12$abcdefghijklmnopqrstuuFDJRuYeKkCzo3Wy7h8SxhBSHBAHiPK2' WHERE username = 'adam';
SET LOCAL SESSION AUTHORIZATION tap_client;
\set ON_ERROR_STOP off
\set VERBOSITY sqlstate
SAVEPOINT a;
SELECT clock_timestamp() AS started \gset
SET LOCAL statement_timeout = 200;
SELECT casnet.login('vic', 'wrong horse');
ROLLBACK TO a;
SELECT extract(epoch FROM clock_timestamp() - :'started') AS vic_seconds, :'LAST_ERROR_SQLSTATE' AS vic_error, clock_timestamp() AS started \gset
SET LOCAL statement_timeout = 200;
SELECT casnet.login('adam', 'wrong horse');
ROLLBACK TO a;
SELECT extract(epoch FROM clock_timestamp() - :'started') AS adam_seconds, :'LAST_ERROR_SQLSTATE' AS adam_error, clock_timestamp() AS started \gset
SET LOCAL statement_timeout = 200;
SELECT casnet.login('unknown', 'wrong horse');
ROLLBACK TO a;
SELECT extract(epoch FROM clock_timestamp() - :'started') AS unknown_seconds, :'LAST_ERROR_SQLSTATE' AS unknown_error \gset
\set ON_ERROR_STOP on
SELECT is(ARRAY[:'vic_error', :'adam_error', :'unknown_error'], ARRAY['57014', '57014', '57014'], 'too little time');
SELECT cmp_ok(greatest(:vic_seconds, :adam_seconds, :unknown_seconds), '<', 0.9, 'is refused at once');
SELECT count(pg_temp.seconds('vic', 'wrong horse')) AS failures FROM generate_series(1, 2) \gset
SELECT cmp_ok((SELECT min(pg_temp.seconds('vic', 'wrong horse')) FROM generate_series(1, 1)), '<', 2.0, 'and not counted');
SET LOCAL statement_timeout = 3500;
SELECT count(pg_temp.seconds('vic', 'wrong horse')) AS failures \gset
SELECT clock_timestamp() AS started \gset
\set ON_ERROR_STOP off
SET LOCAL statement_timeout = 1300;
SELECT pg_temp.seconds('nobody', 'wrong horse');
ROLLBACK TO a;
\set ON_ERROR_STOP on
SELECT cmp_ok(extract(epoch FROM clock_timestamp() - :'started'), '<', 2.5, 'no wait outlives statement_timeout');
SELECT * FROM finish();
ROLLBACK;
