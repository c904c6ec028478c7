-- The header: one known algorithm, one key id, nothing critical, nothing twice.
BEGIN;
SELECT plan(70);
\ir include/fixtures.sql
\ir include/tokens.sql

-- alg
SELECT is(fate(token('{}', jsonb_build_object('alg', a))), 'set 22023 The token''s algorithm (alg) is not one that casnet knows.', 'alg ' || a)
  FROM unnest(ARRAY['none', 'None', 'NONE', 'nOnE', '', ' ', 'HS384', 'HS512', 'ES512', 'Ed448', 'ES256K', 'hs256', 'HS256 ', 'A128KW', 'dir']) AS a;
SELECT is(fate(token('{}', ('{"alg": ' || a || '}')::jsonb)), 'set 22023 The token''s algorithm (alg) is not one that casnet knows.', 'alg is ' || a)
  FROM unnest(ARRAY['0', 'true', '["HS256"]', '{"HS256": 1}']) AS a;
SELECT is(fate(raw_token('{"alg":null,"kid":"tap"}', '{}')), 'set 22023 The token''s algorithm (alg) is not one that casnet knows.', 'alg is null');
SELECT is(fate(token('{}', '{"alg": null}')), 'set 22023 The token names no algorithm.', 'no alg');
SELECT is(fate(regexp_replace(token('{}', '{"alg": "none"}'), '[^.]*$', '')), 'set 22023 The token''s algorithm (alg) is not one that casnet knows.', 'alg none without a signature');
SELECT is(fate(token('{}', jsonb_build_object('alg', a))), 'use 28000 The token''s algorithm (alg) is not that of its key.', 'alg is not the key''s: ' || a)
  FROM unnest(ARRAY['EdDSA', 'Ed25519', 'ES256', 'ES384', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']) AS a;

-- kid
SELECT is(fate(token('{}', '{"kid": null}')), 'set 22023 The token names no key (kid).', 'no kid');
SELECT is(fate(token('{}', '{"kid": ""}')), 'set 22023 The token names no key (kid).', 'empty kid');
SELECT is(fate(token('{}', jsonb_build_object('kid', k))), 'use 28000 No key has the token''s key id (kid).', 'kid ' || left(k, 30))
  FROM unnest(ARRAY['other', ''' OR 1=1 --', 'tap''; DROP TABLE casnet.users; --', '../../../../dev/null', '/dev/null', 'http://evil.test/k', '%', 'tap ', 'TAP', 't%p', ' ', '\', '$(id)', '{}', repeat('k', 255)]) AS k;
SELECT is(fate(token('{}', jsonb_build_object('kid', repeat('k', 256)))), 'set 22023 The token''s key id (kid) is not a string of moderate length.', 'kid of 256 bytes');
SELECT is(fate(raw_token('{"alg":"HS256","kid":' || k || '}', '{}')), 'set 22023 The token''s key id (kid) is not a string of moderate length.', 'kid is ' || replace(k, E'\n', '\n'))
  FROM unnest(ARRAY['1', 'null', '["tap"]', '{"tap": 1}', '"tap\u0000"', '"\u0000"', '"\ud800"', '"\x41"', E'"t\nap"', '"tap']) AS k;
SELECT is(fate(raw_token('{"alg":"HS256","kid":"t\u0061p"}', '{"sub":"00000000-0000-7000-8000-000000000003","exp":4102444800}')), 'proves mia', 'an escape in kid');

-- crit
SELECT is(fate(token('{}', ('{"crit": ' || c || '}')::jsonb)), 'set 22023 The token has a critical header that is not supported.', 'crit ' || c)
  FROM unnest(ARRAY['["exp"]', '["b64"]', '[]', '{}', '"exp"', '0']) AS c;

-- twice
SELECT is(fate(raw_token(h, '{"sub":"00000000-0000-7000-8000-000000000003","exp":4102444800}')), 'set 22023 A part of the token has a member twice.', h)
  FROM unnest(ARRAY['{"alg":"HS256","kid":"tap","alg":"HS256"}', '{"alg":"HS256","kid":"tap","k\u0069d":"tap"}', '{"alg":"HS256","kid":"tap","x":1,"x":1}']) AS h;
SELECT * FROM finish();
ROLLBACK;
