-- Tokens that were ended stay ended: when the account is created again with its id, when
-- many revocations become few rows, and when a hash is written directly.
BEGIN;
SELECT plan(22);
\ir include/fixtures.sql
\ir include/tokens.sql
SELECT token('{"jti": "1"}') AS first, token('{"jti": "2"}') AS second \gset
RESET SESSION AUTHORIZATION;
-- the account is created again
SAVEPOINT a;
SELECT casnet.sign_in(:'first') AS me \gset
SELECT casnet.revoke_token();
SELECT casnet.sign_out();
SELECT is(fate(:'first'), 'use 28000 The token was revoked.', 'revoked');
SELECT is(fate(:'second'), 'proves mia', 'another is not');
DELETE FROM casnet.users WHERE id = :'mia';
INSERT INTO casnet.users (id, username, email) VALUES (:'mia', 'new', 'new@x.test');
SELECT is(fate(:'first'), 'use 28000 The token was revoked.', 'nor does it live with a new account of that id');
SELECT casnet.revoke_all_tokens(:'mia');
DELETE FROM casnet.users WHERE id = :'mia';
INSERT INTO casnet.users (id, username, email) VALUES (:'mia', 'new', 'new@x.test');
SELECT is(fate(:'second'), 'use 28000 The token was revoked.', 'all of them');
SELECT is(fate(token(jsonb_build_object('gen', public.generation_of(:'mia')))), 'proves mia', 'but one made since');
ROLLBACK TO a;

-- a hash that is written directly
\set hash '$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e'
SAVEPOINT a;
UPDATE casnet.users SET hashed_password = :'hash' WHERE id = :'mia';
SELECT is(fate(:'first'), 'use 28000 The token was revoked.', 'a hash written');
ROLLBACK TO a;
UPDATE casnet.users SET hashed_password = NULL WHERE id = :'mia';
SELECT is(fate(:'first'), 'use 28000 The token was revoked.', 'a hash taken away');
ROLLBACK TO a;
UPDATE casnet.users SET hashed_password = hashed_password, full_name = 'Mia' WHERE id = :'mia';
SELECT is(fate(:'first'), 'proves mia', 'but not the mark written back');
ROLLBACK TO a;

-- many revocations
SELECT casnet.revoke_all_tokens(:'mia') FROM generate_series(1, 130);
SELECT cmp_ok((SELECT count(*) FROM casnet_internal.token_cutoffs WHERE user_id = :'mia'), '<', 60::bigint, 'few rows');
SELECT bit_xor(nonce) AS generation FROM casnet_internal.token_cutoffs WHERE user_id = :'mia' \gset
SELECT is(fate(token(jsonb_build_object('gen', :generation::bigint # 1))), 'use 28000 The token was revoked.', 'another generation');
SELECT is(fate(token('{"gen": 0}')), 'use 28000 The token was revoked.', 'the first one');
SELECT is(fate(token(jsonb_build_object('gen', :generation::bigint))), 'proves mia', 'what came after the last');
-- A revocation that is rolled back ends the tokens made in it, and its generation never
-- returns.
SAVEPOINT a;
SELECT casnet.revoke_all_tokens(:'mia') FROM generate_series(1, 3);
SELECT casnet_internal.issue_token(:'mia', NULL, '1 hour') AS made \gset
SELECT is(fate(:'made'), 'proves mia', 'a token is good in its transaction');
ROLLBACK TO a;
SELECT is(fate(:'made'), 'use 28000 The token was revoked.', 'and not after a rollback');
SELECT casnet.revoke_all_tokens(:'mia') FROM generate_series(1, 3);
SELECT is(fate(:'made'), 'use 28000 The token was revoked.', 'nor after as many revocations');
ROLLBACK TO a;
-- A token that spares itself each time survives them, and no other does.
UPDATE casnet.users SET hashed_password = :'hash' WHERE id = :'mia';
SELECT bit_xor(nonce) AS generation FROM casnet_internal.token_cutoffs WHERE user_id = :'mia' \gset
SELECT token(jsonb_build_object('gen', :generation::bigint, 'jti', 'spared')) AS spared, token(jsonb_build_object('gen', :generation::bigint, 'jti', 'other')) AS other \gset
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT casnet.sign_in(:'spared') AS me \gset
SELECT count(casnet.change_password(CASE n WHEN 1 THEN 'correct horse' ELSE 'password ' || n - 1 END, 'password ' || n)) AS changes FROM generate_series(1, 60) AS n \gset
SELECT is(:changes, 60, 'sixty changes of the password');
SELECT is((SELECT username FROM casnet.whoami()), 'mia', 'with one token');
SELECT casnet.sign_out();
SELECT is(fate(:'other'), 'use 28000 The token was revoked.', 'which end all others');
RESET SESSION AUTHORIZATION;
SELECT cmp_ok((SELECT count(*) FROM casnet_internal.token_cutoffs WHERE user_id = :'mia'), '<', 60::bigint, 'few rows');
SELECT is((SELECT count(*) FROM casnet_internal.password_hashes WHERE user_id = :'mia'), 1::bigint, 'and one hash');
SELECT casnet.revoke_all_tokens(:'mia');
SELECT is(fate(:'spared'), 'use 28000 The token was revoked.', 'until all end');
SELECT is(fate(token(jsonb_build_object('gen', (SELECT bit_xor(nonce) FROM casnet_internal.token_cutoffs WHERE user_id = :'mia')))), 'proves mia', 'but the next');
SELECT * FROM finish();
ROLLBACK;
