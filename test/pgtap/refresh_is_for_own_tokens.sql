-- refresh_token() renews what casnet itself signed, and not the token of
-- another issuer, who alone decides how long its users may go on; nor does a
-- claim of casnet's own in such a token save it from being revoked.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
\ir include/tokens.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.add_signing_key('outer hs', '{"kty": "oct", "k": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}', 'https://id.example');
SELECT token('{"iss": "https://id.example", "gen": 99, "iat": 1700000000}', '{"kid": "outer hs"}') AS outer \gset
SELECT token() AS own \gset
SET LOCAL SESSION AUTHORIZATION tap_client;

SELECT is(fate(:'outer'), 'proves mia', 'the token of another issuer');
SELECT casnet.sign_in(:'outer');
SELECT throws_ok('SELECT casnet.refresh_token()', '28000', 'the token of the session is another issuer''s', 'is not renewed');
SELECT casnet.sign_in(:'own');
SELECT is(fate(casnet.refresh_token()), 'proves mia', 'an own one is');
SELECT casnet.sign_in(:'own');
SELECT lives_ok('SELECT casnet.revoke_all_tokens(casnet.current_user_id())', 'all tokens are revoked');
SELECT is(fate(:'own'), 'use 28000 The token was revoked.', 'the own one');
SELECT is(fate(:'outer'), 'use 28000 The token was revoked.', 'and the other, which says that it is later');
SELECT * FROM finish();
ROLLBACK;
