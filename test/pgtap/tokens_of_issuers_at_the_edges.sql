-- Tokens of other issuers at their edges: the leeway counts wherever times are compared, a
-- session follows a link that changes, and what a token leaves out is not made up.
BEGIN;
SELECT plan(35);
\ir include/fixtures.sql
\ir include/tokens.sql
\ir include/issuers.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.set_issuer(:'twin_a', :'twin_a_keys', '{here,there}', leeway => '30 seconds') \g /dev/null
-- Nobody has the issuer's private key.  So its public one becomes the secret of tokens.sql.
ALTER TABLE casnet_internal.issuer_keys DROP CONSTRAINT issuer_keys_algorithm_check;
UPDATE casnet_internal.issuer_keys SET kid = 'tap', algorithm = 'HS256', key = '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f' WHERE issuer = :'twin_a';
SELECT casnet.link_identity(:'mia', :'twin_a', 'mia'), casnet.link_identity(:'nora', :'twin_a', 'nora') \g /dev/null
\set pat 00000000-0000-7000-8000-00000000000a
INSERT INTO casnet.users (id, username, email) VALUES (:'pat', 'pat', 'pat@nowhere.test');
-- A token of the issuer for that person, with more claims.
CREATE FUNCTION public.issued(person text, claims jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
	SELECT public.token(jsonb_build_object('iss', 'https://a.example.com', 'aud', 'here', 'sub', person, 'gen', NULL) || claims) $$;
-- The same with a time that many seconds from now.
CREATE FUNCTION public.timed(person text, claim text, seconds integer) RETURNS text LANGUAGE sql AS $$
	SELECT public.issued(person, jsonb_build_object(claim, floor(extract(epoch FROM clock_timestamp()))::bigint + seconds)) $$;
SET LOCAL SESSION AUTHORIZATION tap_client;

-- The leeway.
SELECT is(fate(public.timed('mia', 'exp', -20)), 'proves mia', 'expired, within the leeway');
SELECT is(fate(public.timed('mia', 'exp', -40)), 'use 28000 The token has expired (exp).', 'and beyond it');
SELECT is(fate(public.timed('mia', 'nbf', 20)), 'proves mia', 'not valid yet, within the leeway');
SELECT is(fate(public.timed('mia', 'nbf', 40)), 'use 28000 The token is not valid yet (nbf).', 'and beyond it');
SELECT is(fate(token(jsonb_build_object('exp', floor(extract(epoch FROM clock_timestamp()))::bigint - 1))), 'use 28000 The token has expired (exp).', 'casnet''s own have none');
-- To link.
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT set_config('casnet.user_id', :'pat', false) IS NOT NULL AS now \gset
SELECT throws_ok(format('SELECT casnet.link_identity(%L)', public.timed('pat', 'exp', -40)), '28000', 'the token to link is not valid', 'a token that has expired links nobody');
SELECT throws_ok(format('SELECT casnet.link_identity(%L)', public.timed('pat', 'nbf', 40)), '28000', 'the token to link is not valid', 'nor does one that is not valid yet');
SELECT lives_ok(format('SELECT casnet.link_identity(%L)', public.timed('pat', 'exp', -20)), 'the leeway counts');
-- One of two links can go, and the last one stays.
SELECT throws_ok(format('SELECT casnet.unlink_identity(%L, ''pat'')', :'twin_a'), '55000', 'the account has no other way to sign in', 'the only link of an account without a password stays');
RESET SESSION AUTHORIZATION;
SELECT casnet.link_identity(:'pat', :'twin_a', 'pat too') \g /dev/null
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT lives_ok(format('SELECT casnet.unlink_identity(%L, ''pat'')', :'twin_a'), 'one of two goes');
-- For a cursor that was opened with it, and for what a transaction has judged.
CALL be('olga', 'North');
SELECT casnet.invite_member('nora@nowhere.test', 'viewer') AS invitation \gset
SELECT casnet.sign_out();
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT casnet.sign_in(public.timed('mia', 'exp', -10)) AS me \gset
SELECT casnet.use_tenant('North') AS tenant \gset
DECLARE reads CURSOR FOR SELECT id FROM casnet.records;
MOVE 1 IN reads;
SELECT casnet.sign_in(public.timed('nora', 'exp', -10)) AS me \gset
SELECT lives_ok('FETCH reads', 'a cursor goes on within the leeway of its token');
SELECT is(casnet.accept_invitation(:'invitation'), :'north', 'an invitation is accepted within it');
SELECT casnet.sign_in(token(jsonb_build_object('sub', :'vic'))) AS me \gset
SELECT lives_ok('SELECT count(*) FROM casnet.records', 'which stands when somebody else goes on');
SELECT casnet.sign_out();

-- The audience is one of those that were named, as a whole.
SELECT is(fate(public.issued('mia', jsonb_build_object('aud', a))), e, a::text) FROM (VALUES ('"there"'::jsonb, 'proves mia'), ('["other", "here"]', 'proves mia')) AS v (a, e);
SELECT is(fate(public.issued('mia', jsonb_build_object('aud', a))), 'use 28000 The token''s audience (aud) is none that is registered for its issuer.', a::text) FROM unnest(ARRAY['"her"', '"heres"', '""', '[]', '["other"]']::jsonb[]) AS a;

-- The salt of PS256 is as long as its hash.  The key was made for this file and thrown away.
\set salt_keys '{"keys":[{"kty":"RSA","n":"v6HQsT3RJm0Zr-v-iQ1A2g1cRTOFddy3FO9Bgf6ZQuXVjcUT_x7mZbjaY3WXY0ayPVU44g4XdMS-P_rtQ3_7_3Ba-ZLV4mKqzZ9TmIGswpnZDTuCa1EMTYXk-234EOiISYieVn8jebYHFigvLQU1LoDyIrc7CmvU2kuESpr9rsA4KW5l9Pk7jY0HqCXpA1ynUFwNe6Lzzr5hhnmmxV1tGUtjfTop3YkAhdDIPlq5By71a0vDM8pTRA03iU2R4sGjBJcjpvASa8KgjVwlbyYXv43GHiHLPdWUJ47cT3pnvFufGlDeAhTKpXx5VfTDTbBXVGoI3QaVFKx8fEKRpj9xvQ","e":"AQAB","alg":"PS256","kid":"salt"}]}'
\set salt_32 'eyJhbGciOiJQUzI1NiIsImtpZCI6InNhbHQifQ.eyJleHAiOjQxMDI0NDQ4MDAsImlzcyI6Imh0dHBzOi8vc2FsdC5leGFtcGxlLmNvbSIsInN1YiI6Im1pYSJ9.LLLEazav4-Rsz-4D0RkMS0GzbST4sxAQWehZjMznmpJsDeWM_Y8Z805uFG4ZwMPJBZz8SLsZGio9UOi0BCxBwWPVR0Mx8POSfbQyQN_ijzfx_a0_MXoUbYGh8hOcr5Uz8Dre83CO6BB0zn4iQwO7bqrmcBoByQisDTRTiLs3yjyzJ3DQWG6dr1ILc0nlRLxMglP7554uGmD4J_6Kr7wuba15Wot27aNDJMYtY8NdCUPSNaneVqqnnuRJLLz0jr3XQhiB5JathmeeWdoU_BqX3-t-aL4tQb_gQszwRcoR3L4EjORuz-yKCeLOMP8xQI2J9u5KsSgVmcHDnDIKYXqKww'
\set salt_0 'eyJhbGciOiJQUzI1NiIsImtpZCI6InNhbHQifQ.eyJleHAiOjQxMDI0NDQ4MDAsImlzcyI6Imh0dHBzOi8vc2FsdC5leGFtcGxlLmNvbSIsInN1YiI6Im1pYSJ9.GuD0KEBc5lNL81q47NWWkLJUXNlPFT6gQfDqVW3s8G0OsDyiZbWDfh1-Irba_kQGPs6nS8i3YnUsPG4Wwn9rXJLYfwmt7pwUL-b3IEXbGKNk8_3T3ZhN6NXbFZ2Zkq_IIkWdH2TH7jT5xZ0dLLXfPZ-jUGIgBocJoueNfnuxnYm6ofdSfOwfsHIGYI8gWRmc-Jg4vylTks-Rh6mm26voEJs5fhlstnDvUupCCaLNQO9wq1hQJpMcE_Y71Lek0uHKoqCKM1hzNkL6ROIzHxrmFlYGSmnmvHIDBDo2TmuubJgafXzwXDZsLW0mJXRQA8ujYblBdUhGmDIQIOHnIXB1mg'
\set salt_20 'eyJhbGciOiJQUzI1NiIsImtpZCI6InNhbHQifQ.eyJleHAiOjQxMDI0NDQ4MDAsImlzcyI6Imh0dHBzOi8vc2FsdC5leGFtcGxlLmNvbSIsInN1YiI6Im1pYSJ9.HI1ddoGP9QggxbkLeTipnnzoDBpxzt3eyJS-JmmuxtbqzPrC2hLI3HD4I9a5WwhSd7yY6lCvVX0eHEzxpfzKLc7AzMt4HRDMU82RKeFckWCKKli8znw0odMbjQdI9hbWxb60EJ5yIlTyIrzNEXpmGFgE_XcFH4Pu5IOkiYuz-PqZ_y108IPro4_fl5LRvj4ABSXFsAvllD1UeN0mciuS_UH6A1GLFWMTba0WvMp9Y8jao1Ardap8yXQkS345jRLDZHbrOGi0gCMvhfLcrxwRHenjzwaeta-8cuMm95uczrf6fAPSw7V2uQsMJPEeGIkbS1zYhZHSFor94r70ErNteA'
\set salt_222 'eyJhbGciOiJQUzI1NiIsImtpZCI6InNhbHQifQ.eyJleHAiOjQxMDI0NDQ4MDAsImlzcyI6Imh0dHBzOi8vc2FsdC5leGFtcGxlLmNvbSIsInN1YiI6Im1pYSJ9.R0O6uxyjre-EbjYHnudtLbKTdxm3vYl4D7K7gXESPlNQuucqXoSYP2oCW5w_6R0BbODlFIxVgw0BKgbMEcCNPUramo6KQGRqLH-7SqtCsm3-pBoIJdJRGpmKJIXqjvI1Kg5NTHeNAeInxZ-gtPhwkJ3qpkY08a1iwmhJKWbYo-1-uqps-ryNvWAQX74OBGaHY3hA4y7l__hr800i4K-ABluLWnCp1idODDK0zZzMJgrZmp1iaPU81ug1n8f4MSySu4BggwF6fmKJc8p3c-zvySF8hUUCS1wpqvqXNq9A0w_2VJYY6jg4j60JAQv71yhOFWy8V7TQPPjTDJt1ua-cVA'
RESET SESSION AUTHORIZATION;
SELECT casnet.set_issuer('https://salt.example.com', :'salt_keys', NULL) \g /dev/null
SELECT casnet.link_identity(:'mia', 'https://salt.example.com', 'mia') \g /dev/null
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(fate(:'salt_32'), 'proves mia', 'a salt of 32 bytes');
SELECT is(fate(t), 'use 28000 The token''s signature is not one of its key.', 'a salt of another length') FROM unnest(ARRAY[:'salt_0', :'salt_20', :'salt_222']) AS t;

-- A session follows the link of its token.
SELECT casnet.sign_in(public.issued('mia')) AS me \gset
SELECT casnet.use_tenant('North') AS tenant \gset
SELECT is((SELECT count(*) FROM casnet.records), 3::bigint, 'a member reads');
RESET SESSION AUTHORIZATION;
UPDATE casnet_internal.identities SET user_id = :'otto' WHERE subject = 'mia';
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT throws_ok('SELECT count(*) FROM casnet.records', '42501', 'not a member of the active tenant', 'until the token names somebody else');
SELECT is(casnet.can('view_records'), false, 'who holds nothing there');
SELECT is((SELECT username FROM casnet.whoami()), 'otto', 'as whoami() says');
SELECT casnet.sign_out();

-- What is registered again is replaced, all of it.
RESET SESSION AUTHORIZATION;
SELECT casnet.set_issuer(:'twin_b', :'twin_b_keys', '{x}', '30 seconds', 'oid', true, false) \g /dev/null
SELECT casnet.set_issuer(:'twin_b', :'twin_b_keys', '{y,z}', '10 minutes', 'email', false, true) \g /dev/null
SELECT results_eq(format('SELECT audiences, leeway, user_claim, trusts_claims, makes_accounts FROM casnet.issuers() WHERE issuer = %L', :'twin_b'),
	$$VALUES ('{y,z}'::text[], interval '10 minutes', 'email', false, true)$$, 'each setting of an issuer');

-- An account at first sight has no name that the token does not give.
SELECT casnet.set_issuer(:'twin_a', :'twin_a_keys', NULL, makes_accounts => true) \g /dev/null
UPDATE casnet_internal.issuer_keys SET kid = 'tap', algorithm = 'HS256', key = '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f' WHERE issuer = :'twin_a';
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT throws_ok(format('SELECT casnet.sign_in(%L)', public.issued('new', c)), '28000', 'no account is made for the user of this token', c::text)
  FROM unnest(ARRAY['{"email_verified": true}', '{"email": "new@x.test"}', '{"email": "new@x.test", "email_verified": false}', '{"email": 1, "email_verified": true}']::jsonb[]) AS c;
SELECT casnet.sign_in(public.issued('new', '{"email": "new@x.test", "email_verified": true}')) AS me \gset
RESET SESSION AUTHORIZATION;
SELECT results_eq($$SELECT username, full_name FROM casnet.users WHERE email = 'new@x.test'$$, $$VALUES ('new@x.test', NULL::text)$$, 'no full name');
UPDATE casnet.users SET username = 'named@x.test', email = 'named@x.test' WHERE username = 'olga';
UPDATE casnet.users SET email = 'other@x.test' WHERE username = 'named@x.test';
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT throws_ok(format('SELECT casnet.sign_in(%L)', public.issued('named', '{"email": "Named@x.test", "email_verified": true}')), '23505', 'an account with the address of this token exists already', 'nor does it take the name of another account');
SELECT * FROM finish();
ROLLBACK;
