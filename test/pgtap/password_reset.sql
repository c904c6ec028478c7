-- A code sets a new password: got by a trusted backend or an administrator for mailing, used
-- once and in time by whoever has it, and over when the account changes.
BEGIN;
SELECT plan(67);
\ir include/fixtures.sql
\ir include/tokens.sql
RESET SESSION AUTHORIZATION;
\set invalid 'P0002 | the code is not valid |  | A code works once and in time, and ends when the account changes; ask for a new one. | '
\set old_hash '$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e'
CREATE FUNCTION pg_temp.reset(code text, new text DEFAULT 'another password') RETURNS text LANGUAGE sql AS $$
	SELECT public.error_of(format('SELECT casnet.reset_password(%L, %L)', code, new)) $$;
CREATE FUNCTION pg_temp.code_of(name text) RETURNS text LANGUAGE sql AS $$ SELECT public.error_of(format('SELECT casnet.password_code(%L)', name)) $$;
CREATE FUNCTION pg_temp.logs_in(name text, password text) RETURNS text LANGUAGE sql AS $$ SELECT public.state_of(format('SELECT casnet.login(%L, %L)', name, password)) $$;
CREATE FUNCTION public.codes_left() RETURNS TABLE (digest bytea, user_id uuid, purpose text, email text) LANGUAGE sql SECURITY DEFINER AS 'SELECT digest, user_id, purpose, email FROM casnet_internal.codes';
UPDATE casnet.users SET hashed_password = :'old_hash' WHERE username = 'mia';
SELECT token(jsonb_build_object('gen', public.generation_of(:'mia'))) AS mias \gset
GRANT ALL ON ALL FUNCTIONS IN SCHEMA pg_temp TO PUBLIC;
GRANT tap_client, tap_app TO CURRENT_USER;

-- who gets a code
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(pg_temp.code_of('mia'), '28000 | only trusted backends and administrators get codes for a new password |  | Call it as a member of casnet_authenticator or casnet_admin, or signed in as a user with is_superuser, and send the code to the address of the account. | ', 'not an application');
SELECT set_config('casnet.token', :'mias', true) AS token \gset
SELECT is(split_part(pg_temp.code_of('mia'), ' | ', 2), 'only trusted backends and administrators get codes for a new password', 'nor its user');
SELECT is(left(pg_temp.code_of('no such'), 5), '42501', 'who learns of no account');
SELECT set_config('casnet.token', token(jsonb_build_object('sub', :'sue')), true) AS token \gset
SELECT is(pg_temp.code_of('mia'), 'none', 'a superuser of the application does');
SELECT casnet.sign_out();
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is(pg_temp.code_of('mia'), 'none', 'and an administrator');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT casnet.password_code(' MIA@north.test ') AS code \gset
SELECT matches(:'code'::text, '^[A-Za-z0-9_-]{22}$', 'and a backend, by name or address');
SELECT is(casnet.password_code(n), NULL, coalesce('none for ' || n, 'none for NULL')) FROM unnest(ARRAY['no such', 'ines', '', ' ', NULL]) AS n;
SELECT is(public.state_of(format('SELECT casnet.password_code(''mia'', %L)', i)), '22023', coalesce('not for ' || i, 'not for NULL')) FROM unnest(ARRAY['0', '-1 h', '400 days', NULL]) AS i;

-- Everybody sees how many rows are written; an unknown name writes as many.
SELECT is((SELECT count(*) FROM public.codes_left() WHERE user_id NOT IN (SELECT id FROM public.who)), 3::bigint, 'a row that nobody can use, one for each name');
SELECT casnet.password_code('no such'), casnet.password_code('NO SUCH') \g /dev/null
SELECT is((SELECT count(*) FROM public.codes_left()), 4::bigint, 'they do not pile up');
SELECT is((SELECT (purpose, email)::text FROM public.codes_left() WHERE digest = sha256(convert_to(:'code', 'UTF8'))), '(password,-)', 'a digest is stored');
SELECT throws_ok('TABLE casnet_internal.codes', '42501', NULL, 'which nobody reads');

CREATE FUNCTION public.counters() RETURNS bigint[] LANGUAGE sql AS $$
	SELECT array_agg(v.value ORDER BY c.relname, v.n) FROM pg_class AS c, LATERAL (VALUES (1, pg_stat_get_xact_numscans(c.oid)), (2, pg_stat_get_xact_tuples_returned(c.oid)),
		(3, pg_stat_get_xact_tuples_fetched(c.oid)), (4, pg_stat_get_xact_tuples_inserted(c.oid)), (5, pg_stat_get_xact_tuples_deleted(c.oid)), (6, pg_stat_get_xact_blocks_fetched(c.oid))) AS v (n, value)
	 WHERE c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) $$;
-- What a second code for the name moves, where the first one has ended.
CREATE FUNCTION public.moves(name text) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
	before bigint[];
	code text := casnet.password_code(name);
BEGIN
	before := public.counters();
	code := casnet.password_code(name);
	RETURN (SELECT array_agg(a.n - b.n ORDER BY a.i) FROM unnest(public.counters()) WITH ORDINALITY AS a (n, i) JOIN unnest(before) WITH ORDINALITY AS b (n, i) USING (i));
END
$$;
SELECT cmp_ok((SELECT sum(n) FROM unnest(public.moves('vic')) AS n), '>', 0::numeric, 'a code moves the counters of tables');
SELECT is(public.moves('nora'), public.moves('nobody else'), 'as much without an account');
SELECT casnet.password_code('mia') AS code \gset

-- the intended use, by a role that can only sign in
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(pg_temp.reset(c), :'invalid', coalesce('not with ' || left(c, 30), 'not with null'))
  FROM unnest(ARRAY[NULL, '', 'x', :'code' || 'x', lower(:'code') || upper(:'code'), repeat('x', 100000)]) AS c;
SELECT is(left(pg_temp.reset(:'code', p), 5), '22023', coalesce('not to ' || left(p, 10), 'not to NULL')) FROM unnest(ARRAY[NULL, '', 'short', repeat('x', 1025)]) AS p;
SELECT is(fate(:'mias'), 'proves mia', 'a token of before');
SAVEPOINT a;
SELECT casnet.reset_password(E'\n ' || :'code' || E'\t', 'another password');
SELECT is(pg_temp.logs_in('mia', 'another password'), 'none', 'the new password');
SELECT is(pg_temp.logs_in('mia', 'correct horse'), '28P01', 'and not the old one');
SELECT is(fate(:'mias'), 'use 28000 The token was revoked.', 'all tokens are over');
SELECT is(pg_temp.reset(:'code'), :'invalid', 'once');
SELECT is((SELECT count(*) FROM public.codes_left() WHERE user_id = :'mia'), 0::bigint, 'nothing is left of it');
ROLLBACK TO a;
SELECT is(pg_temp.reset(:'code'), 'none', 'a rollback makes the code good again');
SELECT is(pg_temp.logs_in('mia', 'correct horse'), 'none', 'and the old password');
SELECT set_config('casnet.token', :'mias', true) AS token \gset
SELECT is(pg_temp.reset(:'code'), 'none', 'also in the user''s own session');
SELECT casnet.sign_out();

-- an account without a password
RESET SESSION AUTHORIZATION;
SAVEPOINT a;
UPDATE casnet.users SET hashed_password = NULL WHERE username = 'vic';
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT casnet.password_code('vic') AS vics \gset
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT casnet.reset_password(:'vics', 'password of vic');
SELECT is(pg_temp.logs_in('vic', 'password of vic'), 'none', 'gets one');
SELECT is(pg_temp.reset(:'vics'), :'invalid', 'once');
ROLLBACK TO a;
-- an address is the same in any case; a reset ends the other codes, too
UPDATE casnet.users SET email = 'Vic@North.test' WHERE username = 'vic';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('vic');
SELECT casnet.email_code('new@x.test') AS vics_other, casnet.password_code('vic@north.test', '366 days') AS vics \gset
SELECT casnet.sign_out();
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(pg_temp.reset(:'vics'), 'none', 'an address with capital letters');
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('vic');
SELECT is(public.error_of(format('SELECT casnet.confirm_email(%L)', :'vics_other')), 'none', 'which the test undoes with all that it did');
SELECT casnet.sign_out();
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT casnet.reset_password(:'vics', 'password of vic');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('vic');
SELECT is(public.error_of(format('SELECT casnet.confirm_email(%L)', :'vics_other')), :'invalid', 'a code for an address ends with the password');
SELECT casnet.sign_out();
RESET SESSION AUTHORIZATION;
UPDATE casnet_internal.codes SET expires_at = now() - interval '1 day';
SELECT casnet.password_code('olga') \g /dev/null
SELECT is_empty('SELECT FROM casnet_internal.codes WHERE expires_at < now()', 'what is over goes when somebody gets a code');
ROLLBACK TO a;

-- What ends a code: each statement, then the code again.
CREATE FUNCTION pg_temp.after(person text, statement text, code text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	IF person IS NOT NULL THEN
		CALL be(person, 'North');
		SET LOCAL SESSION AUTHORIZATION tap_app;
	END IF;
	EXECUTE statement;
	RESET SESSION AUTHORIZATION;
	SET LOCAL SESSION AUTHORIZATION tap_client;
	answer := left(pg_temp.reset(code), 5);
	RAISE EXCEPTION '%', answer USING ERRCODE = 'ZZ001';
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
	RETURN SQLERRM;
END
$$;
SELECT is(pg_temp.after(p, s, :'code'), e, w) FROM (VALUES
	(NULL, 'SELECT', 'none', 'with nothing it counts'),
	('mia', 'SELECT casnet.password_code(''mia'')', 'P0002', 'a newer one'),
	('mia', 'SELECT casnet.password_code(''vic'')', 'none', 'for another account'),
	('mia', 'SELECT casnet.change_password(''correct horse'', ''changed by mia'')', 'P0002', 'another password by the user'),
	(NULL, 'SELECT casnet.set_password(''' || :'mia' || ''', ''set by somebody'')', 'P0002', 'by an administrator'),
	('sue', 'SELECT casnet.set_password(''' || :'mia' || ''', ''set by somebody'')', 'P0002', 'by a superuser of the application'),
	(NULL, 'UPDATE casnet.users SET hashed_password = casnet.hash_password(''written hash'') WHERE username = ''mia''', 'P0002', 'by a hash'),
	(NULL, 'UPDATE casnet.users SET hashed_password = NULL WHERE username = ''mia''', 'P0002', 'taken away'),
	(NULL, 'UPDATE casnet.users SET hashed_password = hashed_password, full_name = ''Mia'', username = ''miia'' WHERE username = ''mia''', 'none', 'the mark written back'),
	('mia', 'SELECT casnet.login(''mia'', ''correct horse'')', 'none', 'a login, which renews the hash'),
	('sue', 'SELECT casnet.deactivate_user(''' || :'mia' || ''')', 'P0002', 'deactivated'),
	('sue', 'SELECT casnet.deactivate_user(''' || :'mia' || '''); SELECT casnet.reactivate_user(''' || :'mia' || ''')', 'P0002', 'and active again'),
	(NULL, 'UPDATE casnet.users SET email = ''mia@else.test'' WHERE username = ''mia''', 'P0002', 'another address'),
	(NULL, 'UPDATE casnet.users SET email = ''mia@else.test'' WHERE username = ''mia''; UPDATE casnet.users SET email = ''mia@north.test'' WHERE username = ''mia''', 'P0002', 'and the old one'),
	(NULL, 'UPDATE casnet.users SET email = ''MIA@north.test'' WHERE username = ''mia''', 'none', 'the same address'),
	(NULL, 'DELETE FROM casnet.users WHERE username = ''mia''; INSERT INTO casnet.users (id, username, email) VALUES (''' || :'mia' || ''', ''mia'', ''mia@north.test'')', 'P0002', 'deleted'),
	(NULL, 'UPDATE casnet_internal.codes SET expires_at = clock_timestamp()', 'P0002', 'too late'),
	(NULL, 'UPDATE casnet_internal.codes SET purpose = ''email''', 'P0002', 'for something else'),
	(NULL, 'INSERT INTO casnet_internal.codes (digest, user_id, purpose, email, account, expires_at, created_at) SELECT ''\x01'', user_id, purpose, email, account, expires_at, clock_timestamp() FROM casnet_internal.codes WHERE user_id = ''' || :'mia' || '''', 'P0002', 'a newer one by a transaction at the same time'),
	(NULL, 'SET session_replication_role = replica; UPDATE casnet.users SET email = ''mia@else.test'' WHERE username = ''mia''; SET session_replication_role = origin', 'P0002', 'another address, by replication'),
	(NULL, 'SET session_replication_role = replica; UPDATE casnet.users SET is_active = false WHERE username = ''mia''; SET session_replication_role = origin', 'P0002', 'inactive, by replication')) AS v (p, s, e, w);
SELECT * FROM finish();
ROLLBACK;
