-- A refused login reveals nothing: one error and one time for an unknown user, a wrong
-- password, an inactive account and one without a password.
BEGIN;
SELECT plan(33);
\ir include/fixtures.sql
\ir include/tokens.sql
RESET SESSION AUTHORIZATION;
UPDATE casnet.users SET hashed_password = casnet.hash_password('correct horse') WHERE username IN ('mia', 'ines', 'otto', 'sue');
UPDATE casnet.users SET hashed_password = '$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e' WHERE username = 'olga';
UPDATE casnet.users SET hashed_password = NULL WHERE username = 'nora';
SET LOCAL SESSION AUTHORIZATION tap_client;

-- All that a client sees of it: the error, and how many whole seconds it took.
CREATE FUNCTION pg_temp.attempt(username text, password text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	started timestamptz := clock_timestamp();
	error text;
	detail text;
	hint text;
	context text;
BEGIN
	PERFORM casnet.login(username, password);
	RETURN 'in';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
	error := concat_ws(' | ', SQLSTATE, SQLERRM, detail, hint, floor(extract(epoch FROM clock_timestamp() - started)) || ' s');
	IF length(password) > 3 AND (strpos(error, password) > 0 OR strpos(context, password) > 0) THEN
		RETURN 'leak';
	END IF;
	RETURN error;
END
$$;
\set refused '28P01 | login failed |  | Check the username and the password; after several failures, wait a while. | 1 s'
SELECT is(pg_temp.attempt(u, p), :'refused', n) FROM (VALUES
	('mia', 'wrong horse', 'a wrong password'), ('olga', 'wrong horse', 'of an old hash'), ('nobody', 'correct horse', 'an unknown user'), ('ines', 'correct horse', 'inactive, right password'),
	('ines', 'wrong horse', 'inactive, wrong password'), ('nora', 'correct horse', 'no password'), ('adam', 'hash of adam', 'the hash, which is none'), ('otto', repeat('x', 1025), 'too long'),
	('', '', 'nothing at all')) AS v (u, p, n);
SELECT is(pg_temp.attempt(NULL, 'correct horse'), :'refused', 'a null name');
SELECT is(pg_temp.attempt('otto', NULL), :'refused', 'a null password');
SELECT is(pg_temp.attempt(u, 'correct horse'), :'refused', 'name ' || left(u, 20)) FROM unnest(ARRAY['mi%', 'mia''; --', ''' OR true --', 'mi a', '@', repeat('m', 100000)]) AS u;
SELECT is(pg_temp.attempt('sue', p), :'refused', 'password ' || p) FROM unnest(ARRAY['correct hors', 'correct horse ']) AS p;

SELECT is(pg_temp.attempt(u, 'correct horse'), 'in', 'and in: ' || u) FROM unnest(ARRAY['mia', 'MIA', 'Mia@North.TEST']) AS u;
-- The email address of one account is the username of another, from before that was
-- refused: neither signs in.
RESET SESSION AUTHORIZATION;
SET LOCAL session_replication_role = replica;
INSERT INTO casnet.users (username, email) VALUES ('otto@south.test', 'x@x.test');
SET LOCAL session_replication_role = origin;
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(pg_temp.attempt('otto@south.test', 'correct horse'), :'refused', 'a name of two accounts');

-- The token that a login returns
SELECT casnet.sign_in(casnet.login('mia', 'correct horse', :'south', '1 minute')) AS me \gset
SELECT is((SELECT username || ' ' || tenant_name || ' ' || authenticated_by FROM casnet.whoami()), 'mia South token', 'a token with a tenant');
SELECT ok((SELECT expires_at FROM casnet.whoami()) - clock_timestamp() BETWEEN interval '50 seconds' AND interval '60 seconds', 'of a minute');
SELECT casnet.sign_in(casnet.login('mia', 'correct horse')) AS me \gset
SELECT ok((SELECT expires_at FROM casnet.whoami()) - clock_timestamp() BETWEEN interval '29 minutes' AND interval '30 minutes', 'of half an hour if nothing is said');
SELECT is(casnet.current_tenant_id(), NULL, 'and no tenant');
SELECT is(state_of(format('SELECT casnet.login(''mia'', ''correct horse'', NULL, %L)', l)), '22023', 'lifetime ' || coalesce(l, 'null'))
  FROM unnest(ARRAY[NULL, '0', '-1 day', '367 days']) AS l;
RESET SESSION AUTHORIZATION;
SAVEPOINT a;
UPDATE casnet_internal.signing_keys SET retired_at = now(), key = '';
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT throws_ok($$SELECT casnet.login('mia', 'correct horse')$$, '55000', 'there is no key to sign tokens with', 'without a key');
ROLLBACK TO a;
SELECT isnt(casnet.login('mia', 'correct horse'), casnet.login('mia', 'correct horse'), 'no two tokens are the same');
SELECT * FROM finish();
ROLLBACK;
