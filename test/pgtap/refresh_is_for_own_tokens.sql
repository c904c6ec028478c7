-- refresh_token() renews only tokens that casnet signed.  Another issuer alone decides how
-- long its users may continue.  A claim of casnet's own in such a token does not save it
-- from being revoked.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
\ir include/tokens.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.add_signing_key('outer hs', '{"kty": "oct", "k": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}', 'https://id.example');
SELECT token('{"iss": "https://id.example", "gen": 99, "iat": 1700000000}', '{"kid": "outer hs"}') AS outer \gset
-- A token of the same secret for one audience; and one of a key made for this file with the
-- openssl command and thrown away.
SELECT casnet.add_signing_key('outer aud', '{"kty": "oct", "k": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}', NULL, 'casnet');
SELECT token('{"aud": "casnet", "gen": 99, "iat": 1700000000}', '{"kid": "outer aud"}') AS for_us \gset
SELECT casnet.add_signing_key('outer ed', '{"kty": "OKP", "crv": "Ed25519", "x": "hyrB958mlBY_NRsl9TFd2fXK5M0icXQso1BrxM45VwQ"}');
\set signed 'eyJhbGciOiJFZERTQSIsImtpZCI6Im91dGVyIGVkIn0.eyJzdWIiOiIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDMiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwiZ2VuIjo5OX0.3hGOyMgGL7EYBVq_07CTd4oJX5uvRNyW2ToFqkwrK0mL-Bp9l_F_I78iE0SErhSX50U0Jq5OPb6UqUL2GPmtBA'
SELECT token() AS own \gset
SET LOCAL SESSION AUTHORIZATION tap_client;

SELECT is(fate(:'outer'), 'proves mia', 'the token of another issuer');
SELECT ok(fate(:'for_us') = 'proves mia' AND fate(:'signed') = 'proves mia', 'one for an audience, one signed with a private key');
SELECT casnet.sign_in(:'outer');
SELECT throws_ok('SELECT casnet.refresh_token()', '28000', 'the session token is from another issuer', 'is not renewed');
SELECT casnet.sign_in(:'own');
SELECT is(fate(casnet.refresh_token()), 'proves mia', 'an own one is');
SELECT casnet.sign_in(:'own');
SELECT lives_ok('SELECT casnet.revoke_all_tokens(casnet.current_user_id())', 'all tokens are revoked');
SELECT is(fate(:'own'), 'use 28000 The token was revoked.', 'the own one');
SELECT is(fate(:'outer'), 'use 28000 The token was revoked.', 'and the other, which says that it is later');
SELECT is(fate(:'for_us'), 'use 28000 The token was revoked.', 'the one for an audience likewise');
SELECT is(fate(:'signed'), 'use 28000 The token was revoked.', 'and the signed one');
SELECT * FROM finish();
ROLLBACK;
