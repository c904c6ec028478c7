-- Tokens of outside issuers: EdDSA, ES256 and RS256.  The keys were made for
-- this file with the openssl command and thrown away; the tokens last until 2100.
BEGIN;
SELECT plan(81);
\ir include/fixtures.sql
\ir include/tokens.sql
\set jwk_ed '{"kty": "OKP", "crv": "Ed25519", "x": "nmX563dBY9L-tOajIfSLqxoYoVhpHAzcTuAM5kCtWzo"}'
\set tok_ed 'eyJhbGciOiJFZERTQSIsImtpZCI6Im91dGVyIGVkIn0.eyJzdWIiOiIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDMiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwidGlkIjoiMDAwMDAwMDAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMGEwIn0.YJatsN-FVSqcHlQxRAyJWkiUYRDxEwYPyincAds1GUH14gPYnGBJYcIBV8nmAqBVXntfcwaTlKFR5MfeKa1zAA'
\set jwk_es '{"kty": "EC", "crv": "P-256", "x": "bsONvr4pQzyGaiZK_BdP2MaxI6SeOmSluKDRQw-FL4g", "y": "KEdzE-H0JClP3yq8CUINafgsY1xUm_uoZCoaFKM726s"}'
\set tok_es 'eyJhbGciOiJFUzI1NiIsImtpZCI6Im91dGVyIGVzIn0.eyJzdWIiOiIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDMiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwidGlkIjoiMDAwMDAwMDAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMGEwIn0.COTcw7ntsu-QZ3DZu_x9wGlGaqnEmBTDX8i0-naGWCfR7biATae4mNcGqMjZorgGuDLf-m6oyHlf1I1QIqak_A'
\set jwk_rs '{"kty": "RSA", "n": "vHNe3YU2ZSVqEV5Nacr9ndTyz0Z3vCy5yc0qx79OxMc2hqLR3VM8NOSAeWEieYCDc6Y5Z8Mc5EYou1S8TDB5KzLMl5LwcrsvaGzQ2lNyYrwkw0JFtlhRD23WWZWYLNvGOnX7ee2MjG9YIRCw4m8NMhrvhh_jno8AkC6Vvr9H8UHCho64WPHdmGtdeFd6Xhj9k8Lr-S07CHxRuUiXf41kWrPEP_gRG_L2a4I9Pl2D2m0qZAtkxDal1FB8kyeHRDYoHIVEG6W6nS5Nu-uGRw89RJZ4g6-8eq7om1g3xjnAbyWZGCxk77W2Pq13M8FpG6kYKzPrQX_Vzmy_yp8zEhuUSw", "e": "AQAB"}'
\set tok_rs 'eyJhbGciOiJSUzI1NiIsImtpZCI6Im91dGVyIHJzIn0.eyJzdWIiOiIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDMiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwidGlkIjoiMDAwMDAwMDAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMGEwIn0.RdHD3r7BVmOK1xM_F8DY-vVqVRdw4P8IuP4hsA6Wgxt9eWClpW5LZ6MRb6_jtGo7S33TY0LviX5vxIhTYAE9ik-RJSR2EG--6W6oV1N3b6g930gVVf0jTwMprU1Var052SDklSDfo57uinjkCMf38JKY4SZAVvn2u-BKnkB0TpNJZQsv5ZC1aNqhwcex7oYEAC6EI1g60FN7LjWLCn2akVYQBBDbER-Nu6WrsdgvwHxPfVN-Tvf0Tf3vvQ_sCaGkzgNMPGg0tWswQdmDN3MrANTrgBgdk8ZS65slyPFbskCqG8428gTbR0Y3YomilDq-te1tHCdHGXRYoSTWOVvEmA'
\set jwk_rs2040 '{"kty": "RSA", "n": "p1M8ydSpZJ4dNrCQyjJrU8wQGShtKmiyvJIZI4aIMgcwXvZQH6sE9MtAy4RDvMUPPyMOXNy7M29ZjUitKTjYTtbYQl_lfqHkdzjY_8ZL8A5HcoZk4HzR9bGU_odXKFAlDkF2wNkPAmpsyQ5qP2b-n-X8rX_uRnhmsIDYNTETND0TN8uJZR_sEGtRN_d0J48t_KxEXckxdFjAGDWnZUh3-ZYUKF830XTmQRG9tXohHcHY2BS8YHGbEP5EVqLGy68YLDgyNJ1Oude7xpIc14w05dFLx9ddQhhalVRhBrjKhJtL_KkefyxU1EUMFP07VibwGibBSdaCsyONILRGo0HB", "e": "AQAB"}'
\set jwk_p384 '{"kty": "EC", "crv": "P-384", "x": "QZOdHo1AsL09V5U-w21e5jBZ3LkfVcQhZWfho9XgBThB2h824kdVbDAH-Cg7AjIg", "y": "PYUNTSZp7c9UBWBCtk2ak_BB_FYQ7QoAQMBO8dpd-uRNxHKHO_HnbXkt_ZxNdW8-"}'
\set jwk_k1 '{"kty": "EC", "crv": "secp256k1", "x": "BZ-wUcoh7m6pAWYj9YWnFkyHq4Wp5KU4IFmisUPpMa0", "y": "jGzM_M6VLkoqly0jiAMvd--UsoNIX2idbmN3MVHrWZ8"}'
\set der_rs '30820122300d06092a864886f70d01010105000382010f003082010a0282010100bc735edd853665256a115e4d69cafd9dd4f2cf4677bc2cb9c9cd2ac7bf4ec4c73686a2d1dd533c34e48079612279808373a63967c31ce44628bb54bc4c30792b32cc9792f072bb2f686cd0da537262bc24c34245b658510f6dd65995982cdbc63a75fb79ed8c8c6f582110b0e26f0d321aef861fe39e8f00902e95bebf47f141c2868eb858f1dd986b5d78577a5e18fd93c2ebf92d3b087c51b948977f8d645ab3c43ff8111bf2f66b823d3e5d83da6d2a640b64c436a5d4507c9327874436281c85441ba5ba9d2e4dbbeb86470f3d44967883afbc7aaee89b5837c639c06f2599182c64efb5b63ead7733c1691ba9182b33eb417fd5ce6cbfca9f33121b944b0203010001'
\set ps256 'eyJhbGciOiJSUzI1NiIsImtpZCI6Im91dGVyIHJzIn0.eyJzdWIiOiIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDMiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwidGlkIjoiMDAwMDAwMDAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMGEwIn0.gTSDkkyxqlSRffBRRKQ3Bvz_kLa89azYYDUkt3jfMMbVBIu3rpkM6uZvvIZaESnRUTgX6oKmZ876WaoO_4u1mOrXpJI9Kyp60tk40J1boTXOjm_qTlC7V-YuArIEOCAF0-Pc9qt9U3VRkUkFJBpOR0e2m9kis5iYv6epC1DlrdyzqSy2fYb5KxQZSj0DP_94FlTMj40oSP6dLF2lsmrLLF8AvoX9sEND4HNYTTUm1orG9p2m3zca0luNXXSbaNf_3etz_kAIx3Vu_ZuyiyNDFeS0fXIOo8g380-gCdUBZoToRmwSNKBrYuRNhWIFbeYj3b_GOgjYzOJNTj7KbEuZJw'
\set es_der 'eyJhbGciOiJFUzI1NiIsImtpZCI6Im91dGVyIGVzIn0.eyJzdWIiOiIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDMiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwidGlkIjoiMDAwMDAwMDAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMGEwIn0.MEYCIQCJFV1eDg5oFkckBtkteXs8hDESn_BMqZJPVssAyj-GKwIhAIx5eMSgGv9lwoD24vqoiZJu7JgXJEDFZTZlfvqvJh3C'
\set es_low 'eyJhbGciOiJFUzI1NiIsImtpZCI6Im91dGVyIGVzIn0.eyJzdWIiOiIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDMiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwidGlkIjoiMDAwMDAwMDAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMGEwIiwianRpIjoib3RoZXIgZm9ybSJ9.gBDJhd0OQrRtz0csR1zyBJCStJq_C3SU5f0nRFPntlJRt2pJLfJIeBTCRFy2lClfuAAnov0UgXYr8Af_fG-G2w'
\set es_high 'eyJhbGciOiJFUzI1NiIsImtpZCI6Im91dGVyIGVzIn0.eyJzdWIiOiIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDMiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwidGlkIjoiMDAwMDAwMDAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMGEwIiwianRpIjoib3RoZXIgZm9ybSJ9.gBDJhd0OQrRtz0csR1zyBJCStJq_C3SU5f0nRFPntlKuSJW10g23iOs9u6NJa9agBObTCqoDHQ7HycLDf_Oedg'
\set es_zero 'eyJhbGciOiJFUzI1NiIsImtpZCI6Im91dGVyIGVzIn0.eyJzdWIiOiIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDMiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwidGlkIjoiMDAwMDAwMDAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMGEwIn0.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
\set es_n 'eyJhbGciOiJFUzI1NiIsImtpZCI6Im91dGVyIGVzIn0.eyJzdWIiOiIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDMiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwidGlkIjoiMDAwMDAwMDAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMGEwIn0._____wAAAAD__________7zm-q2nF56E87nKwvxjJVH_____AAAAAP__________vOb6racXnoTzucrC_GMlUQ'
\set tok_issnone 'eyJhbGciOiJFZERTQSIsImtpZCI6Imlzc3VlciJ9.eyJzdWIiOiIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDMiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMH0._v0ptJ_8-wJJFf4QwJbe9_OFTOs7QCBWhz1e_b_eflR8cprKjGboV7JPHrcYeCUxJP3dMRUWC2JqkFWMSaysDw'
\set tok_issgood 'eyJhbGciOiJFZERTQSIsImtpZCI6Imlzc3VlciJ9.eyJzdWIiOiIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDMiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwiaXNzIjoiaHR0cHM6Ly9pZC5leGFtcGxlIiwiYXVkIjoiY2FzbmV0In0.FD8l_Bs3RO5VsoStWAZDCGp3rds7nmoUkZ8D0v6YAwcO7fJS7-_mOorYwdpQ2Q-SZ75K4Zz0aJjDZA6FJVpmDA'
\set tok_isslist 'eyJhbGciOiJFZERTQSIsImtpZCI6Imlzc3VlciJ9.eyJzdWIiOiIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDMiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwiaXNzIjoiaHR0cHM6Ly9pZC5leGFtcGxlIiwiYXVkIjpbIm90aGVyIiwiY2FzbmV0Il19.j58W7TUNY74f0rhrME5Hp1FurMgho72MkDDaQOgr7tEUlWTzcCsRYloyxWY6E9sI8FItR8Ip7W88SGq0HLmGDw'
\set tok_issbad 'eyJhbGciOiJFZERTQSIsImtpZCI6Imlzc3VlciJ9.eyJzdWIiOiIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDMiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwiaXNzIjoiaHR0cHM6Ly9ldmlsLmV4YW1wbGUiLCJhdWQiOiJjYXNuZXQifQ.EA8kubGdNnsSk0iS4xgSCkgRPeuAYm3LrXXnvj9VM7k8EJDS2M_a_hyTAoQx_3LDakXIRkgWyhjvGjBWvXt1BA'
\set tok_audbad 'eyJhbGciOiJFZERTQSIsImtpZCI6Imlzc3VlciJ9.eyJzdWIiOiIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDMiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwiaXNzIjoiaHR0cHM6Ly9pZC5leGFtcGxlIiwiYXVkIjpbIm90aGVyIiwiY2FzbmV0MiJdfQ.DOiqjFQEwJEbjBLBfJ9FUCXM9a2vS6Q3OWRhMMi9V-qOkDeoOu1uS6SK5rpdYZgOyV8uRKNV5PUiTAh9lrpOAQ'
\set tok_audnone 'eyJhbGciOiJFZERTQSIsImtpZCI6Imlzc3VlciJ9.eyJzdWIiOiIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDMiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwiaXNzIjoiaHR0cHM6Ly9pZC5leGFtcGxlIn0.9JoeFjKwlp-arxY-W5KQkywxaCqbWzsOBcs6-e2iT9PGsvX8lB3urEBheb0gNAggM3o81u2KvVxkOxVbwfTtBw'
\set cross_kid 'eyJhbGciOiJFUzI1NiIsImtpZCI6Im91dGVyIGVkIn0.eyJzdWIiOiIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDMiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwidGlkIjoiMDAwMDAwMDAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMGEwIn0.Cu3aIGfMPX0Gk1irSZzJsG_NRJCFYQsmg56BdbrkddqwRMZrlfCZxOSOyZhaQVMhKqxmPnhvpJ2Uf_AVXhGgsQ'
\set cross_alg 'eyJhbGciOiJFZERTQSIsImtpZCI6Im91dGVyIGVkIn0.eyJzdWIiOiIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDMiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwidGlkIjoiMDAwMDAwMDAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMGEwIn0.eZEkpcPge8LC7MIP8S0P4paF9U6_vNxE2pCcloaZfOKnraBCp8r3nLSZsMpFmgYmP_0IkVtfSRemFd8NkEZiCw'
\set unsigned 'use 28000 The token''s signature is not one of its key.'
\set other_algorithm 'use 28000 The token''s algorithm (alg) is not that of its key.'
\set other_issuer 'use 28000 The token''s issuer (iss) is not that of its key.'
\set other_audience 'use 28000 The token''s audience (aud) is not that of its key.'
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT lives_ok(format('SELECT casnet.add_signing_key(%L, %L)', k, j), 'adds ' || k)
  FROM (VALUES ('outer ed', :'jwk_ed'), ('outer es', :'jwk_es'), ('outer rs', :'jwk_rs')) AS v (k, j);
SELECT lives_ok(format('SELECT casnet.add_signing_key(%L, %L, %L, %L)', 'issuer', :'jwk_ed', 'https://id.example', 'casnet'), 'adds the key of one issuer for one audience');
SET LOCAL SESSION AUTHORIZATION tap_client;

SELECT is(fate(:'tok_ed'), 'proves mia', 'EdDSA');
SELECT is(fate(:'tok_es'), 'proves mia', 'ES256');
SELECT is(fate(:'tok_rs'), 'proves mia', 'RS256');
SELECT casnet.sign_in(:'tok_rs') AS signed_in \gset
SELECT is((SELECT tenant_name FROM casnet.whoami()), 'North', 'with a tenant');
SELECT is((SELECT count(*) FROM casnet.records), 3::bigint, 'and its rows');
SELECT casnet.sign_out();

-- Each byte of the signature matters; it covers the header and the claims.
SELECT is(fate(left(t, -3) || CASE substr(t, length(t) - 2, 1) WHEN 'A' THEN 'B' ELSE 'A' END || right(t, 2)), :'unsigned', 'another signature')
  FROM unnest(ARRAY[:'tok_ed', :'tok_es', :'tok_rs']) AS t;
SELECT is(fate(split_part(t, '.', 1) || '.' || b64url('{"sub":"00000000-0000-7000-8000-000000000007","exp":4102444800}') || '.' || split_part(t, '.', 3)), :'unsigned', 'other claims')
  FROM unnest(ARRAY[:'tok_ed', :'tok_es', :'tok_rs']) AS t;
SELECT is(fate(b64url(replace(convert_from(decode(translate(split_part(t, '.', 1), '-_', '+/') || repeat('=', (4 - length(split_part(t, '.', 1)) % 4) % 4), 'base64'), 'UTF8'), '}', ',"a":1}')) || substr(t, strpos(t, '.'))), :'unsigned', 'another header')
  FROM unnest(ARRAY[:'tok_ed', :'tok_es', :'tok_rs']) AS t;

-- The public key as the secret of an HMAC, in each known form.
SELECT is(fate(raw_token('{"alg":"HS256","kid":"outer rs"}', '{"sub":"00000000-0000-7000-8000-000000000007","exp":4102444800}', s)), :'other_algorithm', 'HS256 with the public key: ' || n)
  FROM (VALUES ('DER', decode(:'der_rs', 'hex')),
			   ('JWK', convert_to(:'jwk_rs', 'UTF8')),
			   ('PEM', convert_to(E'-----BEGIN PUBLIC KEY-----\n' || regexp_replace(encode(decode(:'der_rs', 'hex'), 'base64'), E'\n', '', 'g') || E'\n-----END PUBLIC KEY-----\n', 'UTF8')),
			   ('PEM in lines of 64', convert_to(E'-----BEGIN PUBLIC KEY-----\n' || regexp_replace(regexp_replace(encode(decode(:'der_rs', 'hex'), 'base64'), E'\n', '', 'g'), '(.{64})', E'\\1\n', 'g') || E'\n-----END PUBLIC KEY-----\n', 'UTF8')),
			   ('n', decode(translate(:'jwk_rs'::json->>'n', '-_', '+/') || '==', 'base64')),
			   ('nothing', ''::bytea)) AS v (n, s);
SELECT is(fate(:'ps256'), :'unsigned', 'PSS under the name of RS256');

-- ECDSA: no DER, no zeros, no group order; two forms of one signature are one token.
SELECT is(fate(:'es_der'), :'unsigned', 'a signature in DER');
SELECT is(fate(:'tok_es' || 'AA'), :'unsigned', 'two bytes more');
SELECT is(fate(left(:'tok_es', -2)), :'unsigned', 'a byte less');
SELECT is(fate(:'es_zero'), :'unsigned', 'r = s = 0');
SELECT is(fate(:'es_n'), :'unsigned', 'r = s = n');
SELECT is(fate(:'es_low') || ', ' || fate(:'es_high'), 'proves mia, proves mia', 's and n - s');
SELECT casnet.sign_in(:'es_low') AS signed_in \gset
SELECT casnet.revoke_token();
SELECT is(fate(:'es_low') || ', ' || fate(:'es_high'), 'use 28000 The token was revoked., use 28000 The token was revoked.', 'revoked in both forms');

-- One issuer's key does not sign for another.
SELECT is(fate(:'cross_kid'), :'other_algorithm', 'signed by another key');
SELECT is(fate(:'cross_alg'), :'unsigned', 'signed by another key, under the algorithm of this one');
SELECT is(fate(:'tok_issgood'), 'proves mia', 'issuer and audience');
SELECT is(fate(:'tok_isslist'), 'proves mia', 'audience in a list');
SELECT is(fate(:'tok_issnone'), :'other_issuer', 'no issuer');
SELECT is(fate(:'tok_issbad'), :'other_issuer', 'another issuer');
SELECT is(fate(:'tok_audbad'), :'other_audience', 'another audience');
SELECT is(fate(:'tok_audnone'), :'other_audience', 'no audience');
-- Without the key nobody learns what it is for.
SELECT is(fate(left(t, -3) || CASE substr(t, length(t) - 2, 1) WHEN 'A' THEN 'B' ELSE 'A' END || right(t, 2)), :'unsigned', 'the signature comes first')
  FROM unnest(ARRAY[:'tok_issbad', :'tok_audbad']) AS t;

-- Revoking all tokens applies to an outside key's tokens by iat, since they have no
-- generation.
SELECT casnet.sign_in(:'tok_ed') AS signed_in \gset
SELECT lives_ok('SELECT casnet.revoke_all_tokens(casnet.current_user_id())', 'revokes all of one''s own');
SELECT is(fate(t), 'use 28000 The token was revoked.', 'each of them')
  FROM unnest(ARRAY[:'tok_ed', :'es_high', :'tok_rs', :'tok_issgood']) AS t;

-- Keys that are invalid for their algorithms.
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_operator;
CREATE FUNCTION pg_temp.added(jwk jsonb) RETURNS text LANGUAGE sql AS $$ SELECT left(split_part(error_of(format('SELECT casnet.add_signing_key(''new'', %L)', jwk)), ' | ', 3), 40) $$;
SELECT is(pg_temp.added(j), e, left(n, 60)) FROM (VALUES
	('RSA of 2040 bits', :'jwk_rs2040'::jsonb, 'The key is not valid: a point must be on'),
	('P-521', :'jwk_p384'::jsonb || '{"crv": "P-521"}', 'The key is for none of HS256, EdDSA with'),
	('secp256k1', :'jwk_k1', 'The key is for none of HS256, EdDSA with'),
	('secp256k1 as P-256', :'jwk_k1'::jsonb || '{"crv": "P-256"}', 'The key is not valid: a point must be on'),
	('P-384 as P-256', :'jwk_p384'::jsonb || '{"crv": "P-256"}', 'The key is not valid: a point must be on'),
	('x not on the curve', :'jwk_es'::jsonb || '{"x": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}', 'The key is not valid: a point must be on'),
	('the point at infinity', '{"kty": "EC", "crv": "P-256", "x": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "y": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}', 'The key is not valid: a point must be on'),
	('EC without y', :'jwk_es'::jsonb - 'y', 'A member of the key is absent, or not ba'),
	('Ed448', :'jwk_ed'::jsonb || '{"crv": "Ed448"}', 'The key is for none of HS256, EdDSA with'),
	('X25519', :'jwk_ed'::jsonb || '{"crv": "X25519"}', 'The key is for none of HS256, EdDSA with'),
	('a short Ed25519 key', :'jwk_ed'::jsonb || '{"x": "AAAA"}', 'The key is not valid: a point must be on'),
	('a private Ed25519 key', :'jwk_ed'::jsonb || '{"d": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}', 'The key is a private key. Give the publi'),
	('a private RSA key', :'jwk_rs'::jsonb || '{"d": "AAAA"}', 'The key is a private key. Give the publi'),
	('RSA with e = 1', :'jwk_rs'::jsonb || '{"e": "AQ"}', 'The key is not valid: a point must be on'),
	('RSA with an even e', :'jwk_rs'::jsonb || '{"e": "AQAC"}', 'The key is not valid: a point must be on'),
	('RSA with a small factor', :'jwk_rs'::jsonb || jsonb_build_object('n', repeat('_', 341) || 'w'), 'The key is not valid: a point must be on'),
	('RSA without n', :'jwk_rs'::jsonb - 'n', 'A member of the key is absent, or not ba'),
	('padding', :'jwk_rs'::jsonb || '{"e": "AQAB=="}', 'A member of the key is absent, or not ba'),
	('for encryption', :'jwk_rs'::jsonb || '{"use": "enc"}', 'The key is not for signatures.'),
	('for another algorithm', :'jwk_rs'::jsonb || '{"alg": "ES256"}', 'The key is for none of HS256, EdDSA with'),
	('a secret of 31 bytes', '{"kty": "oct", "k": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg"}', 'The secret is not base64url without padd'),
	('an empty secret', '{"kty": "oct", "k": ""}', 'The secret is not base64url without padd'),
	('no secret', '{"kty": "oct"}', 'The secret is not base64url without padd'),
	('a number as the secret', '{"kty": "oct", "k": 1}', 'The secret is not base64url without padd'),
	('an empty object', '{}', 'The key is for none of HS256, EdDSA with'),
	('a list', '[]', 'The key is not a JSON object.'),
	('a JWK set', '{"keys": []}', 'The key is for none of HS256, EdDSA with'),
	('a string', '"x"', 'The key is not a JSON object.')) AS v (n, j, e);
SELECT is(state_of(format('SELECT casnet.add_signing_key(%L)', k)), e, coalesce('kid ' || left(k, 10), 'kid is null'))
  FROM (VALUES (NULL, '22023'), ('', '22023'), (' ', '22023'), (repeat('k', 256), '22023'), (repeat('k', 255), 'none'), ('outer ed', '23505')) AS v (k, e);
SELECT * FROM finish();
ROLLBACK;
