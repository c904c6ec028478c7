-- Failures are slowed, whether or not the transaction is rolled back, for a
-- name that does not exist as for one that does; a success forgets them.  A
-- client that cancels its statement gets no other time and is counted, too.
-- Everything may take longer where the machine is busy: what must be quick is
-- tried three times, or held against a wait of seconds.
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
-- the next of nobody would wait for 3.2 s
SELECT cmp_ok(pg_temp.seconds('mia@north.test', 'correct horse'), '<', 3.2, 'another name does not');
RESET SESSION AUTHORIZATION;
-- One hash is done when the cancel request comes, the other takes longer.
UPDATE casnet.users SET hashed_password = '$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e' WHERE username = 'olga';
UPDATE casnet.users SET hashed_password = '$2b$12$abcdefghijklmnopqrstuuFDJRuYeKkCzo3Wy7h8SxhBSHBAHiPK2' WHERE username = 'adam';
SET LOCAL SESSION AUTHORIZATION tap_client;
\set ON_ERROR_STOP off
\set VERBOSITY sqlstate
SAVEPOINT a;
\set attempt 'SET LOCAL statement_timeout = 200; SELECT casnet.login(:''name'', ''wrong horse''); ROLLBACK TO a; SELECT extract(epoch FROM clock_timestamp() - :''started'') AS seconds, :''LAST_ERROR_SQLSTATE'' AS error'
\set name olga
SELECT clock_timestamp() AS started \gset
:attempt \gset first_
SELECT clock_timestamp() AS started \gset
:attempt \gset second_
SELECT clock_timestamp() AS started \gset
:attempt \gset third_
\set name adam
SELECT clock_timestamp() AS started \gset
:attempt \gset long_
\set name unknown
SELECT clock_timestamp() AS started \gset
:attempt \gset unknown_
\set ON_ERROR_STOP on
SELECT is(ARRAY[:'first_error', :'long_error'], ARRAY['57014', '57014'], 'cancelled');
SELECT is(:'unknown_error'::text, '57014', 'with the same error for no account');
SELECT is(floor(least(:first_seconds, :second_seconds, :third_seconds)), 1::numeric, 'after a second');
SELECT cmp_ok(least(:long_seconds, :unknown_seconds), '>=', 1.0, 'not before, whatever the hash');
SELECT cmp_ok(pg_temp.seconds('olga', 'correct horse'), '>=', 0.2, 'and counted: the fourth attempt waits');
SELECT * FROM finish();
ROLLBACK;
