-- Users list and end their own sessions, and administrators those of anybody.
BEGIN;
SELECT plan(32);
\ir include/fixtures.sql
\ir include/tokens.sql
RESET SESSION AUTHORIZATION;
UPDATE casnet.users SET hashed_password = casnet.hash_password('correct horse') WHERE username IN ('mia', 'vic');
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT throws_ok('SELECT * FROM casnet.sessions()', '28000', 'nobody is signed in', 'nobody');
SELECT throws_ok('SELECT casnet.end_session(''00000000-0000-0000-0000-000000000000'')', '28000', 'nobody is signed in', 'ends nothing');
SELECT casnet.login('mia', 'correct horse') AS one, casnet.login('mia@north.test', 'correct horse', lifetime => '2 hours') AS two, casnet.login('vic', 'correct horse') AS other \gset
SELECT casnet.sign_in(:'one') AS me \gset
SELECT casnet.refresh_token('1 hour') AS three \gset
SELECT results_eq('SELECT made_by, round(extract(epoch FROM expires_at - created_at) / 60)::integer, is_current FROM casnet.sessions() ORDER BY 2', $$VALUES ('login', 30, true), ('refresh', 60, false), ('login', 120, false)$$, 'each token is one');
SELECT set_eq('SELECT id FROM casnet.sessions()', format('SELECT (convert_from(decode(translate(rpad(c, length(c) + (4 - length(c) %% 4) %% 4, ''=''), ''-_'', ''+/''), ''base64''), ''UTF8'')::jsonb->>''jti'')::uuid FROM (SELECT split_part(t, ''.'', 2) AS c FROM unnest(ARRAY[%L, %L, %L]) AS t) AS v', :'one', :'two', :'three'), 'by the claim jti');
SELECT id AS id_two FROM casnet.sessions() WHERE expires_at > now() + interval '90 minutes' \gset
SELECT id AS id_one FROM casnet.sessions() WHERE is_current \gset
SELECT throws_ok(format('SELECT * FROM casnet.sessions(%L)', :'vic'), '42501', 'only administrators may manage the accounts of others', 'those of others are not seen');
SELECT lives_ok(format('SELECT casnet.end_session(%L)', :'id_two'), 'one is ended');
SELECT is(fate(:'two'), 'use 28000 The token was revoked.', 'and is dead');
SELECT is(fate(:'one'), 'proves mia', 'others live');
SELECT is((SELECT count(*) FROM casnet.sessions()), 2::bigint, 'and are listed');
SELECT throws_ok(format('SELECT casnet.end_session(%L)', :'id_two'), 'P0002', 'there is no such session', 'once');
SELECT throws_ok('SELECT casnet.end_session(NULL)', 'P0002', 'there is no such session', 'nothing');
SELECT casnet.sign_in(:'other') AS me \gset
SELECT throws_ok(format('SELECT casnet.end_session(%L)', :'id_one'), 'P0002', 'there is no such session', 'nobody ends those of others');
SELECT is((SELECT count(*) FROM casnet.sessions()), 1::bigint, 'nor lists them');

-- Administrators.
SELECT set_config('casnet.token', token(jsonb_build_object('sub', :'sue')), false) IS NOT NULL AS now \gset
SELECT is((SELECT count(*) FROM casnet.sessions(:'mia')), 2::bigint, 'a superuser of the application');
SELECT is_empty('SELECT * FROM casnet.sessions()', 'whose own token casnet did not issue');
SELECT throws_ok(format('SELECT * FROM casnet.sessions(%L)', :'nowhere'), 'P0002', 'there is no such user', 'of nobody');
SELECT lives_ok(format('SELECT casnet.end_session(%L)', :'id_one'), 'ends those of others');
SELECT is(fate(:'one'), 'use 28000 The token was revoked.', 'at once');
SELECT isnt((SELECT last_login FROM casnet.accounts() WHERE username = 'mia'), NULL, 'and sees who has logged in');
SELECT is((SELECT last_login FROM casnet.accounts() WHERE username = 'olga'), NULL, 'and who has not');
SELECT casnet.sign_out();
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is((SELECT count(*) FROM casnet.sessions(:'mia')), 1::bigint, 'a member of casnet_admin');
SELECT throws_ok('SELECT FROM casnet_internal.sessions', '42501', NULL, 'who does not read the table');
SELECT casnet.revoke_all_tokens(:'mia');
SELECT is_empty(format('SELECT * FROM casnet.sessions(%L)', :'mia'), 'all ended');
SELECT isnt((SELECT last_login FROM casnet.accounts() WHERE username = 'mia'), NULL, 'the last login stays');
RESET SESSION AUTHORIZATION;

-- What is over is deleted, but for the last login.
SELECT is((SELECT count(*) FROM casnet_internal.sessions WHERE user_id = :'mia'), 3::bigint, 'rows that are over');
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT casnet.login('mia', 'correct horse') AS four \gset
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM casnet_internal.sessions WHERE user_id = :'mia'), 1::bigint, 'go with the next login');
UPDATE casnet_internal.sessions SET expires_at = now() - interval '1 day' WHERE user_id = :'mia';
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT casnet.sign_in(:'four') AS me \gset
SELECT casnet.refresh_token() AS five \gset
SELECT is((SELECT count(*) FROM casnet.sessions()), 1::bigint, 'an expired one is not listed');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM casnet_internal.sessions WHERE user_id = :'mia'), 2::bigint, 'and stays as the last login');

-- Without a note.
SET LOCAL SESSION AUTHORIZATION tap_client;
SAVEPOINT a;
SELECT casnet.login('vic', 'correct horse') AS six \gset
ROLLBACK TO a;
SELECT is(fate(:'six'), 'proves vic', 'a token of a transaction that was rolled back');
SELECT set_config('casnet.token', :'six', false) IS NOT NULL AS now \gset
SELECT is((SELECT count(*) FROM casnet.sessions() WHERE is_current), 0::bigint, 'is not listed');
SELECT casnet.sign_out();
RESET SESSION AUTHORIZATION;
SAVEPOINT a;
SET LOCAL transaction_read_only = on;
SELECT casnet.login('vic', 'correct horse') AS seven \gset
SELECT count(*) AS noted FROM casnet_internal.sessions WHERE user_id = :'vic' AND digest = sha256(convert_to(left(:'seven', -44), 'UTF8')) \gset
ROLLBACK TO a;
SELECT is(fate(:'seven') || ' ' || :noted, 'proves vic 0', 'nor is one of a read-only transaction');
INSERT INTO casnet_internal.sessions (id, user_id, digest, made_by, generation, expires_at) SELECT gen_random_uuid(), :'vic', sha256(n::text::bytea), 'login', 0, 'infinity' FROM generate_series(1, 250) AS n;
DELETE FROM casnet.user_tenants WHERE user_id = :'vic';
DELETE FROM casnet.users WHERE id = :'vic';
SELECT is_empty(format('SELECT FROM casnet_internal.sessions WHERE user_id = %L', :'vic'), 'sessions go with the account, however many');
SELECT * FROM finish();
ROLLBACK;
