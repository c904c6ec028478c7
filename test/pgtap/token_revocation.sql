-- Revoking a token ends it at the next statement, prepared plans included, and a rollback
-- restores it.
BEGIN;
SELECT plan(55);
\ir include/fixtures.sql
\ir include/tokens.sql
SELECT token('{"tid": "00000000-0000-7000-8000-0000000000a0"}') AS mine, token('{"jti": "2"}') AS mine_too,
	token('{"sub": "00000000-0000-7000-8000-000000000001"}') AS of_olga,
	token('{"sub": "00000000-0000-7000-8000-000000000007"}') AS of_sue \gset
\set revoked 'use 28000 The token was revoked.'
\set unsigned 'use 28000 The token''s signature is not one of its key.'
PREPARE rows_now AS SELECT count(*) FROM casnet.records;
SET LOCAL plan_cache_mode = force_generic_plan;

-- revoke_token(): this one, and no other
SELECT casnet.sign_in(:'mine') AS me \gset
SELECT results_eq('rows_now', 'VALUES (3::bigint)', 'signed in');
SAVEPOINT a;
SELECT lives_ok('SELECT casnet.revoke_token()', 'revokes');
SELECT throws_ok('EXECUTE rows_now', '28000', 'invalid session token', 'dead at once');
SELECT throws_ok('SELECT casnet.revoke_token()', '28000', NULL, 'once is enough');
SELECT throws_ok('SELECT casnet.refresh_token()', '28000', NULL, 'and cannot be refreshed');
SELECT is(fate(:'mine'), :'revoked', 'nor set again');
SELECT is(fate(:'mine_too'), 'proves mia', 'another token of mia is still valid');
ROLLBACK TO a;
SELECT results_eq('rows_now', 'VALUES (3::bigint)', 'rolled back, it is valid');
SELECT is(fate(:'mine'), 'proves mia', 'and can be set');
CREATE FUNCTION pg_temp.revoke_and_fail() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	inside text;
BEGIN
	BEGIN
		PERFORM casnet.revoke_token();
		inside := coalesce(casnet.current_user_id()::text, 'nobody');
		RAISE EXCEPTION SQLSTATE 'ZZZZZ';
	EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
		RETURN inside || ', ' || (SELECT username FROM casnet.whoami());
	END;
END
$$;
SELECT is(pg_temp.revoke_and_fail(), 'nobody, mia', 'an exception handler brings it back');
SELECT is(pg_temp.revoke_and_fail(), 'nobody, mia', 'each time');

-- revoke_all_tokens()
SAVEPOINT b;
SELECT casnet.refresh_token() AS fresh \gset
SELECT floor(extract(epoch FROM clock_timestamp())) AS second \gset
SELECT lives_ok('SELECT casnet.revoke_all_tokens(casnet.current_user_id())', 'revokes all of one''s own');
SELECT throws_ok('EXECUTE rows_now', '28000', 'invalid session token', 'this one');
SELECT is(fate(t), :'revoked', 'and others') FROM unnest(ARRAY[:'mine_too', :'fresh']) AS t;
SELECT is(fate(:'of_olga'), 'proves olga', 'not those of others');
SELECT is(fate(token(jsonb_build_object('gen', public.generation_of(:'mia')))), 'proves mia', 'nor later ones');
SELECT is(fate(token('{"gen": null}')), :'revoked', 'of an issuer without generations, before');
SELECT is(fate(token(jsonb_build_object('gen', NULL, 'iat', :second))), :'revoked', 'in the same second');
SELECT is(fate(token(jsonb_build_object('gen', NULL, 'iat', floor(extract(epoch FROM clock_timestamp())) + 62))), 'proves mia', 'and a minute later, since clocks differ');
RESET SESSION AUTHORIZATION;
SELECT issued_before FROM casnet_internal.token_cutoffs \gset
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(fate(token(jsonb_build_object('gen', NULL, 'iat', :issued_before - 1))), :'revoked', 'in the last second before the cutoff');
SELECT is(fate(token(jsonb_build_object('gen', NULL, 'iat', :issued_before))), 'proves mia', 'and in the second of the cutoff');
ROLLBACK TO b;
SELECT results_eq('rows_now', 'VALUES (3::bigint)', 'rolled back');
SELECT throws_ok(format('SELECT casnet.revoke_all_tokens(%L)', u), '42501', 'only administrators may manage the accounts of others', 'not those of others')
  FROM unnest(ARRAY['00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000ff']::uuid[]) AS u;
SELECT throws_ok('SELECT casnet.revoke_all_tokens(NULL)', '22023', NULL, 'nor of null');
SELECT casnet.sign_in(:'of_sue') AS me \gset
SELECT throws_ok(format('SELECT casnet.revoke_all_tokens(%L)', :'nowhere'), 'P0002', NULL, 'nor of nobody, as a superuser of the application');
SELECT lives_ok(format('SELECT casnet.revoke_all_tokens(%L)', :'mia'), 'who revokes those of others');
SELECT is(fate(:'mine'), :'revoked', 'of mia');
SELECT is(fate(:'of_sue'), 'proves sue', 'not hers');
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT lives_ok(format('SELECT casnet.revoke_all_tokens(%L)', :'sue'), 'casnet_admin does');
SELECT throws_ok(format('SELECT casnet.revoke_all_tokens(%L)', :'nowhere'), 'P0002', NULL, 'not of nobody');
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT throws_ok('SELECT * FROM casnet.whoami()', '28000', NULL, 'those of sue');
ROLLBACK TO b;

-- keys: two live ones, one retired
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT lives_ok($$SELECT casnet.add_signing_key('tap2', '{"kty": "oct", "k": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}')$$, 'a second key');
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT casnet.sign_in(:'mine') AS me \gset
SELECT is(fate(t), 'proves mia', 'both live') FROM unnest(ARRAY[:'mine_too', token('{}', '{"kid": "tap2"}')]) AS t;
SAVEPOINT c;
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT lives_ok($$SELECT casnet.retire_signing_key('tap')$$, 'one is retired');
SELECT throws_ok($$SELECT casnet.retire_signing_key('tap')$$, 'P0002', NULL, 'once');
SELECT lives_ok($$SELECT casnet.add_signing_key('tap')$$, 'its name can come back, with another key');
SELECT throws_ok('SELECT casnet.retire_signing_key(NULL)', 'P0002', NULL, 'nor null');
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT throws_ok('EXECUTE rows_now', '28000', 'invalid session token', 'its tokens are dead at once');
SELECT is(fate(:'mine_too'), :'unsigned', 'each');
SELECT is(fate(raw_token('{"alg":"HS256","kid":"tap"}', '{"sub":"00000000-0000-7000-8000-000000000003","exp":4102444800}', '')), :'unsigned', 'also signed with what is left of it');
SELECT is(fate(token('{}', '{"kid": "tap2"}')), 'proves mia', 'those of the other live');
ROLLBACK TO c;
SELECT results_eq('rows_now', 'VALUES (3::bigint)', 'an aborted retirement retires nothing');

-- the account
SAVEPOINT d;
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_operator;
UPDATE casnet.users SET is_active = false WHERE username = 'mia';
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT throws_ok('EXECUTE rows_now', '28000', 'invalid session token', 'deactivated');
SELECT throws_ok('SELECT casnet.refresh_token()', '28000', NULL, 'no refresh');
SELECT is(fate(:'mine'), 'use 28000 The token was revoked.', 'no sign-in');
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_operator;
UPDATE casnet.users SET is_active = true WHERE username = 'mia';
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT throws_ok('EXECUTE rows_now', '28000', 'invalid session token', 'activated again, a token of before stays ended');
SELECT set_config('casnet.token', token(jsonb_build_object('tid', :'north', 'gen', public.generation_of(:'mia'))), false) \g /dev/null
SELECT results_eq('rows_now', 'VALUES (3::bigint)', 'and a new one is good');
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_operator;
DELETE FROM casnet.users WHERE username = 'mia';
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT throws_ok('EXECUTE rows_now', '28000', 'invalid session token', 'deleted');
ROLLBACK TO d;
SAVEPOINT e;
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT casnet.set_password(:'mia', 'a new password');
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT throws_ok('EXECUTE rows_now', '28000', 'invalid session token', 'a password set by an administrator');
ROLLBACK TO e;
-- the tables themselves
RESET SESSION AUTHORIZATION;
SELECT casnet.sign_in(:'mine') AS me \gset
SELECT casnet.revoke_token();
SELECT is((SELECT count(*) FROM casnet_internal.revoked_tokens WHERE expires_at = '2100-01-01 00:00:00+00'), 1::bigint, 'a revoked token is kept until it expires');
UPDATE casnet_internal.revoked_tokens SET expires_at = now() - interval '2 hours';
SELECT casnet.sign_in(:'mine_too') AS me \gset
SELECT casnet.revoke_token();
SELECT is((SELECT count(*) FROM casnet_internal.revoked_tokens), 1::bigint, 'and not longer');
TRUNCATE casnet_internal.signing_keys;
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(fate(:'of_olga'), 'use 28000 No key has the token''s key id (kid).', 'all keys gone');
SELECT * FROM finish();
ROLLBACK;
