-- When a token is revoked, the cache of verified tokens is cleared, so that it does not
-- return with the next token that is verified.
BEGIN;
SELECT plan(4);
\ir include/fixtures.sql
\ir include/tokens.sql
SELECT token('{"jti": "1"}') AS one, token('{"jti": "2"}') AS two \gset
SELECT is(casnet.sign_in(:'one'), :'mia', 'one token');
SELECT casnet.revoke_token();
SELECT is(casnet.sign_in(:'two'), :'mia', 'and another, when the first is revoked');
SELECT set_config('casnet.token', :'one', true) IS NOT NULL AS set \gset
SELECT is(casnet.current_user_id(), NULL, 'which proves nobody any more');
SELECT throws_ok('SELECT count(*) FROM casnet.records', '28000', 'invalid session token', 'and reads nothing');
SELECT * FROM finish();
ROLLBACK;
