-- A cutoff ends tokens that another clock issues up to a minute later.  Then the error says
-- to wait, and says so of no other token.  Whoever has a password gives it to link.
BEGIN;
SELECT plan(11);
\ir include/fixtures.sql
\ir include/tokens.sql
\ir include/issuers.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.set_issuer(:'twin_a', :'twin_a_keys', '{here}') \g /dev/null
-- Nobody has the issuer's private key.  So its public one becomes the secret of tokens.sql.
ALTER TABLE casnet_internal.issuer_keys DROP CONSTRAINT issuer_keys_algorithm_check;
UPDATE casnet_internal.issuer_keys SET kid = 'tap', algorithm = 'HS256', key = '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';
SELECT casnet.link_identity(:'mia', :'twin_a', 'mia') \g /dev/null
CREATE FUNCTION public.issued(person text, seconds integer) RETURNS text LANGUAGE sql AS $$
	SELECT public.token(jsonb_build_object('iss', 'https://a.example.com', 'aud', 'here', 'sub', person, 'gen', NULL, 'iat', floor(extract(epoch FROM clock_timestamp()))::bigint + seconds)) $$;
SET LOCAL SESSION AUTHORIZATION tap_client;
\set by_session '28000 | invalid session token | All tokens so far were revoked shortly before this one was made, or after that. | Get a new token from its issuer in a minute, or when the leeway is over if that is longer. | '

SELECT is(fate(issued('mia', 0)), 'proves mia', 'a token');
RESET SESSION AUTHORIZATION;
SELECT casnet.set_password(:'mia', 'correct horse') \g /dev/null
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(error_of(format('SELECT casnet.sign_in(%L)', issued('mia', s))), :'by_session', format('made %s seconds after the password', s)) FROM unnest(ARRAY[0, 30, -30]) AS s;
SELECT is(fate(issued('mia', -1000)), 'use 28000 The token was revoked.', 'an old one');
SELECT is(fate(token()), 'use 28000 The token was revoked.', 'casnet''s own need not wait');
RESET SESSION AUTHORIZATION;
UPDATE casnet_internal.token_cutoffs SET issued_before = issued_before - 100;
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(fate(issued('mia', 0)), 'proves mia', 'later a new one is good');
SELECT is(fate(issued('mia', -100)), 'use 28000 The token was revoked.', 'and one of before was revoked');

-- To link.
SELECT casnet.sign_in(casnet.login('mia', 'correct horse')) AS me \gset
SELECT is(error_of(format('SELECT casnet.link_identity(%L)', issued('other', 0))), '28P01 | the password of the account is missing |  | Give it as the second argument. | ', 'the password is missing');
SELECT is(error_of(format('SELECT casnet.link_identity(%L, ''wrong'')', issued('other', 0))), '28P01 | the password is wrong |  | Give the present password of the account. | ', 'or wrong');
SELECT casnet.link_identity(issued('other', 0), 'correct horse'), casnet.unlink_identity(:'twin_a', 'other') \g /dev/null
SELECT is(split_part(error_of(format('SELECT casnet.link_identity(%L, ''correct horse'')', issued('other', 0))), ' | ', 4), split_part(:'by_session', ' | ', 4), 'a person whose link has just ended');
SELECT * FROM finish();
ROLLBACK;
