-- Who manages accounts, keys and passwords, and with which errors; no error repeats a
-- secret.
BEGIN;
SELECT plan(103);
\ir include/fixtures.sql
\ir include/tokens.sql
RESET SESSION AUTHORIZATION;
UPDATE casnet.users SET hashed_password = '$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e' WHERE username IN ('mia', 'sue');
-- Giving them a hash ended their tokens.
DELETE FROM casnet_internal.token_cutoffs;
SELECT token('{"tid": "00000000-0000-7000-8000-0000000000a0"}') AS mine, token('{"jti": "2"}') AS mine_too, token('{"sub": "00000000-0000-7000-8000-000000000007"}') AS of_sue \gset
SET LOCAL SESSION AUTHORIZATION tap_client;

-- change_password() ends the other tokens and spares the session's own
SELECT throws_ok($$SELECT casnet.change_password('correct horse', 'battery staple')$$, '28000', NULL, 'nobody changes a password');
SELECT throws_ok($$SELECT casnet.create_user('new', 'new@new.test', 'battery staple')$$, '28000', 'only administrators may manage the accounts of others', 'nor creates an account');
SELECT casnet.sign_in(:'mine') AS me \gset
SELECT is(error_of('SELECT casnet.change_password(''wrong horse'', ''battery staple'')'), '28P01 | the old password is wrong |  | Give the present password; an administrator can set a new one. | ', 'the old password is asked for');
SELECT throws_ok('SELECT casnet.change_password(NULL, ''battery staple'')', '28P01', NULL, 'null is not the old password');
SELECT throws_ok('SELECT casnet.change_password(''correct horse'', NULL)', '22023', NULL, 'null is no new one');
SELECT throws_ok('SELECT casnet.change_password(''correct horse'', ''short'')', '22023', 'the password is too short', 'nor is a short one');
SELECT lives_ok($$SELECT casnet.change_password('correct horse', 'battery staple')$$, 'changed');
SELECT is((SELECT username FROM casnet.whoami()), 'mia', 'this token is still valid');
SELECT is((SELECT count(*) FROM casnet.records), 3::bigint, 'and reads');
SELECT is(fate(:'mine_too'), 'use 28000 The token was revoked.', 'the other does not');
SELECT isnt(casnet.login('mia', 'battery staple'), NULL, 'the new password logs in');
SELECT is(fate(casnet.login('mia', 'battery staple')), 'proves mia', 'with a token that works');
SELECT is(fate(casnet.refresh_token()), 'proves mia', 'as does a refreshed one');
SELECT throws_ok($$SELECT casnet.login('mia', 'correct horse')$$, '28P01', NULL, 'the old one does not');
SELECT lives_ok('SELECT casnet.revoke_all_tokens(casnet.current_user_id())', 'revoke_all_tokens()');
SELECT throws_ok('SELECT * FROM casnet.whoami()', '28000', NULL, 'spares none');

-- an ordinary user
SELECT casnet.sign_in(token(jsonb_build_object('gen', public.generation_of(:'mia'), 'tid', :'north'))) AS me \gset
SELECT throws_ok($$SELECT casnet.create_user('new', 'new@new.test', 'battery staple')$$, '42501', 'only administrators may manage the accounts of others', 'creates no account');
SELECT throws_ok(format('SELECT casnet.set_password(%L, ''battery staple'')', u), '42501', 'only administrators may manage the accounts of others', 'sets no password, existing or not')
  FROM unnest(ARRAY[:'sue', :'mia', :'nowhere']) AS u;
SELECT throws_ok('SELECT ' || f, '42501', NULL, 'may not call ' || f)
  FROM unnest(ARRAY['casnet.add_signing_key(''x'')', 'casnet.retire_signing_key(''tap'')', 'casnet_internal.issue_token(NULL, NULL, NULL)', 'casnet_internal.login_succeeded(''sue'')', 'casnet_internal.login_failed(''sue'', now())', 'casnet_internal.login_wait(''sue'')',
	'casnet_internal.is_application_superuser()', 'casnet_internal.bring_over_passwords()', 'casnet_internal.user_can_in(casnet.uuid_v7(), casnet.uuid_v7(), '''')', 'casnet_internal.install_tables()']) AS f;
SELECT throws_ok(format('%s casnet_internal.%I', s, t), '42501', NULL, format('%s %s', s, t))
  FROM unnest(ARRAY['SELECT FROM', 'DELETE FROM', 'TABLE', 'TRUNCATE']) AS s, unnest(ARRAY['signing_keys', 'revoked_tokens', 'token_cutoffs', 'password_hashes', 'invitations', 'codes']) AS t;
SELECT is((SELECT count(*) FROM casnet.users WHERE hashed_password !~ '^[$]casnet[$][0-9a-f-]{36}$'), 0::bigint, 'reads no hash');
SELECT is((SELECT count(*) FROM casnet.users AS u WHERE u::text LIKE '%$2b$%'), 0::bigint, 'not by the row');
SELECT throws_ok('UPDATE casnet.users SET hashed_password = NULL', '42501', NULL, 'writes no hash');
SELECT throws_ok('UPDATE casnet.users SET is_superuser = true', '42501', NULL, 'makes no superuser');

-- a superuser of the application
SELECT casnet.sign_in(:'of_sue') AS me \gset
SELECT casnet.create_user('new', 'new@new.test', 'battery staple', 'New User') AS new_user \gset
SELECT isnt(casnet.login('new', 'battery staple'), NULL, 'which logs in');
SELECT lives_ok(format('SELECT casnet.set_password(%L, ''another staple'')', :'new_user'), 'sets its password');
SELECT isnt(casnet.login('NEW@new.test', 'another staple'), NULL, 'which logs in');
SELECT throws_ok(format('SELECT casnet.set_password(%L, ''another staple'')', :'nowhere'), 'P0002', NULL, 'but nobody''s');
SELECT throws_ok(format('SELECT casnet.set_password(%L, ''short'')', :'new_user'), '22023', NULL, 'and no short one');
SELECT is(casnet.create_user('nopass', 'nopass@new.test', NULL) IS NULL, false, 'an account without password');
SELECT throws_ok('SELECT casnet.add_signing_key(''x'')', '42501', NULL, 'but no key');
-- the same errors for casnet_admin
CREATE FUNCTION pg_temp.created(username text, email text, password text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text := error_of(format('SELECT casnet.create_user(%L, %L, %L)', username, email, password));
BEGIN
	RETURN CASE WHEN strpos(answer, 'staple') > 0 OR strpos(answer, '$y$') > 0 THEN 'leak: ' || answer ELSE left(answer, 5) END;
END
$$;
CREATE TEMP TABLE bad AS SELECT * FROM (VALUES (NULL, 'a@a.test', 'battery staple', '22023', 'no name'), ('', 'a@a.test', 'battery staple', '22023', 'empty name'), (' ', 'a@a.test', 'battery staple', '22023', 'blank name'),
	('a', NULL, 'battery staple', '22023', 'no email'), ('a', ' ', 'battery staple', '22023', 'blank email'), ('a', 'a@a.test', 'staple', '22023', 'short password'),
	('MIA', 'a@a.test', 'battery staple', '23505', 'name taken'), ('a', 'Mia@North.test', 'battery staple', '23505', 'email taken'), (repeat('n', 2001), 'a@a.test', 'battery staple', '23514', 'long name'),
	('a', repeat('n', 2001), 'battery staple', '23514', 'long email'), ('a''; --', 'a''@a.test', 'battery staple', 'none', 'SQL')) AS v (username, email, password, error, why);
GRANT SELECT ON bad TO PUBLIC;
SELECT is(pg_temp.created(username, email, password), error, 'sue: ' || why) FROM bad;
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is(pg_temp.created(username, email, password), error, 'casnet_admin: ' || why) FROM bad;
SELECT is((SELECT full_name || is_superuser || is_active FROM casnet.users WHERE id = :'new_user'), 'New Userfalsetrue', 'an account is as sue made it');
SELECT isnt(casnet.create_user('root2', 'root2@root.test', 'battery staple', is_superuser => true), NULL, 'casnet_admin creates a superuser');
SELECT lives_ok(format('SELECT casnet.set_password(%L, ''battery staple'')', :'nora'), 'sets a password');
SELECT throws_ok(format('SELECT casnet.set_password(%L, ''battery staple'')', :'nowhere'), 'P0002', NULL, 'not nobody''s');
SELECT throws_ok(format('SELECT casnet.set_password(%s)', a), '22023', NULL, a) FROM unnest(ARRAY['NULL, ''battery staple''', '''00000000-0000-7000-8000-000000000003'', NULL', 'NULL, NULL']) AS a;
SELECT lives_ok('SELECT casnet.add_signing_key(''x'')', 'adds a key');
SELECT lives_ok('SELECT casnet.retire_signing_key(''x'')', 'retires it');
SELECT throws_ok(format('SELECT FROM casnet_internal.%I', t), '42501', NULL, 'reads no ' || t)
  FROM unnest(ARRAY['signing_keys', 'revoked_tokens', 'token_cutoffs', 'password_hashes', 'invitations', 'codes']) AS t;
SELECT throws_ok($$SELECT casnet.login('nora', 'battery staple')$$, '42501', NULL, 'and does not log in');
SELECT * FROM finish();
ROLLBACK;
