-- Failures are slowed, whether or not the transaction is rolled back, for a
-- name that does not exist as for one that does; a success forgets them.  A
-- client that cancels its statement gets no other time and is counted, too.
BEGIN;
SELECT plan(9);
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
SELECT cmp_ok(pg_temp.seconds('mia', 'correct horse'), '<', 0.4, 'and the next does not');
SELECT count(pg_temp.seconds('nobody', 'wrong horse')) AS failures FROM generate_series(1, 5) \gset
SELECT cmp_ok(pg_temp.seconds('nobody', 'wrong horse'), '>=', 1.0, 'an unknown name waits');
SELECT cmp_ok(pg_temp.seconds('nobody', 'wrong horse'), '>=', 2.0, 'and longer');
SELECT cmp_ok(pg_temp.seconds('mia@north.test', 'correct horse'), '<', 0.4, 'another name does not');
RESET SESSION AUTHORIZATION;
UPDATE casnet.users SET hashed_password = '$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e' WHERE username = 'olga';
SET LOCAL SESSION AUTHORIZATION tap_client;
\set ON_ERROR_STOP off
\set VERBOSITY sqlstate
SAVEPOINT a;
SELECT clock_timestamp() AS started \gset
SET LOCAL statement_timeout = 2;
SELECT casnet.login('olga', 'wrong horse');
ROLLBACK TO a;
SELECT extract(epoch FROM clock_timestamp() - :'started') AS cheap, :'LAST_ERROR_SQLSTATE' AS cheap_error, clock_timestamp() AS started \gset
SET LOCAL statement_timeout = 2;
SELECT casnet.login('unknown', 'wrong horse');
ROLLBACK TO a;
SELECT extract(epoch FROM clock_timestamp() - :'started') AS unknown, :'LAST_ERROR_SQLSTATE' AS unknown_error \gset
SET LOCAL statement_timeout = 2;
SELECT casnet.login('olga', 'wrong horse');
ROLLBACK TO a;
SET LOCAL statement_timeout = 2;
SELECT casnet.login('olga', 'wrong horse');
ROLLBACK TO a;
\set ON_ERROR_STOP on
SELECT is(:'cheap_error'::text, :'unknown_error', 'cancelled, with one error for a cheap hash and for none');
SELECT is(floor(:cheap), 1::numeric, 'after a second');
SELECT is(floor(:unknown), 1::numeric, 'as well');
SELECT cmp_ok(pg_temp.seconds('olga', 'correct horse'), '>=', 0.2, 'and counted: the fourth attempt waits');
SELECT * FROM finish();
ROLLBACK;
