-- Strings that are no JWS in compact serialization are refused when the setting is set.
BEGIN;
SELECT plan(45);
\ir include/fixtures.sql
\ir include/tokens.sql

SELECT is(fate(token()), 'proves mia', 'a good one');
SELECT is(fate(''), 'use 28000', 'the empty string unsets');
SELECT is(fate(t), 'set 22023 The token does not have three parts.', 'parts: ' || t)
  FROM unnest(ARRAY['x', '.', 'a.b', '....', 'a.b.c.d', ' ']) AS t;
SELECT is(fate(split_part(token(), '.', 1) || '.' || split_part(token(), '.', 2)), 'set 22023 The token does not have three parts.', 'signature stripped, with its dot');
SELECT is(fate(split_part(token(), '.', 1) || '.' || split_part(token(), '.', 2) || '.'), 'set 22023 The token''s signature is not base64url, or too long.', 'signature stripped');
SELECT is(fate('.' || split_part(token(), '.', 2) || '.' || split_part(token(), '.', 3)), 'set 22023 A part of the token is not valid JSON.', 'header stripped');
SELECT is(fate(split_part(token(), '.', 1) || '..' || split_part(token(), '.', 3)), 'set 22023 A part of the token is not valid JSON.', 'claims stripped');
SELECT is(fate(token() || '.' || split_part(token(), '.', 3)), 'set 22023 The token does not have three parts.', 'signature twice');
SELECT is(fate(token() || token()), 'set 22023 The token does not have three parts.', 'two tokens');
SELECT is(fate('{"payload":"' || split_part(token(), '.', 2) || '","signatures":[]}'), 'set 22023 The token does not have three parts.', 'JSON serialization');
SELECT is(fate('a.b.c.d.e'), 'set 22023 The token does not have three parts.', 'JWE');

-- base64url in one form only
SELECT is(fate(token() || '='), 'set 22023 The token''s signature is not base64url, or too long.', 'padding of the signature');
SELECT is(fate(replace(token(), '.', '=.')), 'set 22023 A part of the token is not base64url, or too long.', 'padding');
SELECT is(fate(token() || c), 'set 22023 The token''s signature is not base64url, or too long.', 'trailing character ' || ascii(c))
  FROM unnest(ARRAY[' ', E'\n', E'\t', '+', '/', '%3D', 'é']) AS c;
SELECT is(fate(' ' || token()), 'set 22023 A part of the token is not base64url, or too long.', 'leading space');
SELECT is(fate(overlay(token() PLACING E'\n' FROM 10)), 'set 22023 A part of the token is not base64url, or too long.', 'line break');
-- 32 bytes leave two spare bits in the last of 43 characters
SELECT is(fate(left(t, -1) || chr(ascii(right(t, 1)) + 1)), 'set 22023 The token''s signature is not base64url, or too long.', 'spare bits')
  FROM (SELECT token(jsonb_build_object('jti', n)) AS t FROM generate_series(1, 100) AS n) AS s WHERE right(t, 1) IN ('A', 'E', 'I', 'M') LIMIT 1;
SELECT is(fate(left(token(), -2)), 'set 22023 The token''s signature is not base64url, or too long.', 'a rest of six bits');
SELECT is(fate('+/' || substr(token(), 3)), 'set 22023 A part of the token is not base64url, or too long.', 'the other alphabet');
SELECT is(fate(left(token(), -4)), 'use 28000 The token''s signature is not one of its key.', 'a signature cut short');
SELECT is(fate(token() || 'AAAA'), 'use 28000 The token''s signature is not one of its key.', 'and a longer one');

-- the signature: of these bytes, with this secret
SELECT is(fate(overlay(token() PLACING CASE WHEN substr(token(), length(token()) - n, 1) = 'B' THEN 'C' ELSE 'B' END FROM length(token()) - n FOR 1)), 'use 28000 The token''s signature is not one of its key.', 'character ' || n || ' from the end')
  FROM unnest(ARRAY[1, 20, 42]) AS n;
SELECT is(fate(raw_token('{"alg":"HS256","kid":"tap"}', '{"sub":"00000000-0000-7000-8000-000000000003","exp":4102444800}', s)), 'use 28000 The token''s signature is not one of its key.', 'another secret')
  FROM unnest(ARRAY['', '\x00', '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e', '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff']::bytea[]) AS s;
SELECT is(fate(split_part(token('{"sub": "00000000-0000-7000-8000-000000000007"}'), '.', 1) || '.' || split_part(token('{"sub": "00000000-0000-7000-8000-000000000007"}'), '.', 2) || '.' || split_part(token(), '.', 3)), 'use 28000 The token''s signature is not one of its key.', 'the signature of other claims');

-- length: at most 8192 bytes
CREATE FUNCTION pg_temp.filled(fill integer) RETURNS text LANGUAGE sql AS $$
	SELECT token(jsonb_build_object('f', repeat('x', fill))) $$;
SELECT is(length(token('{}', jsonb_build_object('x5u', repeat('x', 1893))) || repeat('A', 8192)) > 8192, true, 'a long one');
SELECT is(fate(left(token() || repeat('A', 8192), 8193)), 'set 22023 The token is longer than 8192 bytes.', '8193 bytes');
SELECT is(fate(left(token() || repeat('A', 8192), 8192)), 'set 22023 The token''s signature is not base64url, or too long.', '8192 bytes');
SELECT is(fate(repeat('A', 1000000)), 'set 22023 The token is longer than 8192 bytes.', 'a million bytes');
SELECT is(fate(pg_temp.filled(5000)), 'proves mia', 'large claims');
SELECT * FROM finish();
ROLLBACK;
