-- The claims: who, until when, nothing twice, only whole numbers.
BEGIN;
SELECT plan(97);
\ir include/fixtures.sql
\ir include/tokens.sql

-- sub
SELECT is(fate(token('{"sub": null}')), 'set 22023 The token names no user (sub).', 'no sub');
SELECT is(fate(token('{"sub": ""}')), 'set 22023 The token names no user (sub).', 'empty sub');
SELECT is(fate(token(jsonb_build_object('sub', s))), 'set 22023 The token''s subject (sub) is not a UUID.', 'sub ' || s)
  FROM unnest(ARRAY['mia', '3', ''' OR 1=1', '00000000-0000-7000-8000-00000000000', '00000000-0000-7000-8000-0000000000033', '00000000-0000-7000-8000-00000000000g']) AS s;
SELECT is(fate(raw_token('{"alg":"HS256","kid":"tap"}', '{"exp":4102444800,"sub":' || s || '}')), 'set 22023 The token''s subject (sub) is not a string of moderate length.', 'sub is ' || left(s, 40))
  FROM unnest(ARRAY['3', 'null', '["00000000-0000-7000-8000-000000000003"]', to_json(repeat('0', 256))::text]) AS s;
SELECT is(fate(raw_token('{"alg":"HS256","kid":"tap"}', '{"exp":4102444800,"sub":' || s || '}')), 'set 22023 A part of the token is not valid JSON.', 'sub is ' || left(s, 40))
  FROM unnest(ARRAY['"00000000-0000-7000-8000-000000000003\u0000"', '"\udc00"']) AS s;
SELECT is(fate(token('{"sub": "00000000-0000-7000-8000-0000000000ff"}')), 'use 28000', 'sub of nobody');
SELECT is(fate(token('{"sub": "00000000-0000-7000-8000-000000000006"}')), 'use 28000', 'sub of an inactive user');
SELECT is(fate(token('{"sub": "00000000-0000-7000-8000-000000000001"}')), 'proves olga', 'sub of olga');

-- tid
SELECT is(fate(token('{"tid": "North"}')), 'set 22023 The token''s tenant (tid) is not a UUID.', 'tid by name');
SELECT is(fate(token('{"sub": "mia", "tid": "North"}')), 'set 22023 The token''s subject (sub) is not a UUID.', 'of two defects the first is reported');
SELECT is(fate(token_with('"exp":4102444800,"tid":null')), 'set 22023 The token''s tenant (tid) is not a string of moderate length.', 'tid is null');
SELECT is(fate(token('{"tid": "00000000-0000-7000-8000-0000000000ff"}')), 'proves mia', 'tid of no tenant is judged when the tenant is used');

-- exp
SELECT is(fate(token('{"exp": null}')), 'set 22023 The token does not say when it expires (exp).', 'no exp');
SELECT is(fate(token_with('"exp":' || e)), 'set 22023 A time in the token is not a number of seconds.', 'exp ' || e)
  FROM unnest(ARRAY['"4102444800"', '4102444800.5e0', '-0.5', '-1', '-0', '1e3', '4.1e9', '1E10', '9007199254740993', '9223372036854775808', '18446744073709551616', '99999999999999999999999999', 'null', 'true', '[]', '[4102444800]', '{}', '', '+1', '.5', 'Infinity', 'NaN']) AS e;
SELECT is(fate(token_with('"exp":' || e)), 'set 22023 A part of the token is not valid JSON.', 'exp ' || e)
  FROM unnest(ARRAY['04102444800', '00', '4102444800,', '4102444800 1', '4102444800x', '0x7fffffff', '4102444800]', '4102444800}']) AS e;
SELECT is(fate(token_with('"exp":' || e)), 'use 28000 The token has expired (exp).', 'exp ' || e)
  FROM unnest(ARRAY['0', '1', '1700000000', (extract(epoch FROM clock_timestamp())::bigint - 1)::text]) AS e;
SELECT is(fate(token_with('"exp":' || e)), 'proves mia', 'exp ' || e)
  FROM unnest(ARRAY['9007199254740992', '253402300800', ' 4102444800 ', '4102444800.0', '4102444800.999', '9007199254740992.5']) AS e;
SELECT is(fate(token_with('"exp":9007199254740992,"gen":0')), 'proves mia', 'beyond the year 9999');
SELECT set_config('casnet.token', token_with('"exp":9007199254740992'), true) IS NULL;
SELECT is((SELECT expires_at FROM casnet.whoami()), 'infinity', 'is forever');

-- nbf, iat
SELECT is(fate(token_with('"exp":4102444800,"nbf":4102444799')), 'use 28000 The token is not valid yet (nbf).', 'nbf in the future');
SELECT is(fate(token_with('"exp":4102444800,"nbf":1.5')), 'proves mia', 'nbf as a fraction');
SELECT is(fate(token_with('"exp":' || extract(epoch FROM clock_timestamp())::bigint + 3600 || '.5,"nbf":' || extract(epoch FROM clock_timestamp())::bigint + 100 || '.5')), 'use 28000 The token is not valid yet (nbf).', 'of the future');
SELECT is(fate(token_with('"exp":4102444800,"nbf":"0"')), 'set 22023 A time in the token is not a number of seconds.', 'nbf as a string');
SELECT is(fate(token_with('"exp":4102444800,"iat":-5')), 'set 22023 A time in the token is not a number of seconds.', 'iat negative');
SELECT is(fate(token_with('"exp":4102444800,"nbf":' || extract(epoch FROM clock_timestamp())::bigint - 1)), 'proves mia', 'nbf in the past');
SELECT is(fate(token_with('"exp":4102444800,"gen":-1')), 'set 22023 The token''s generation (gen) is not a whole number.', 'gen negative');
SELECT is(fate(token_with('"exp":4102444800,"gen":0.5')), 'set 22023 The token''s generation (gen) is not a whole number.', 'gen as a fraction');

-- twice
SELECT is(fate(token_with(c)), 'set 22023 A part of the token has a member twice.', c)
  FROM unnest(ARRAY['"exp":1,"exp":4102444800', '"exp":4102444800,"sub":"00000000-0000-7000-8000-000000000007"', '"exp":4102444800,"s\u0075b":"00000000-0000-7000-8000-000000000007"',
	'"exp":4102444800,"\u0065\u0078\u0070":1', '"exp":4102444800,"a":1,"a":1', '"exp":4102444800,"😀":1,"\ud83d\ude00":1']) AS c;
-- large and deep
SELECT is(fate(token_with('"exp":4102444800,"x":' || repeat('[', n) || repeat(']', n))), CASE WHEN n <= 16 THEN 'proves mia' ELSE 'set 22023 A part of the token is not valid JSON.' END, n || ' brackets')
  FROM unnest(ARRAY[1, 16, 17, 100, 2000]) AS n;
SELECT is(fate(token_with('"exp":4102444800,"x":' || repeat('{"a":', 1200))), 'set 22023 A part of the token is not valid JSON.', 'objects');
SELECT is(fate(token_with('"exp":4102444800,' || (SELECT string_agg('"m' || n || '":' || n, ',') FROM generate_series(1, 63) AS n))), 'set 22023 A part of the token has too many members.', '65 members');
SELECT is(fate(token_with('"exp":4102444800,' || (SELECT string_agg('"m' || n || '":' || n, ',') FROM generate_series(1, 62) AS n))), 'proves mia', '64 members');
-- not a JSON object
SELECT is(fate(raw_token('{"alg":"HS256","kid":"tap"}', c)), 'set 22023 A part of the token is not valid JSON.', 'claims ' || c)
  FROM unnest(ARRAY['', '[]', '"x"', 'null', '{}{}', '{"sub"}', '{,}', E'\uFEFF{}', '{"a":''b''}', '{/**/}', '{"a":1,}']) AS c;
SELECT * FROM finish();
ROLLBACK;
