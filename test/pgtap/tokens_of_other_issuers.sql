-- Tokens of other issuers: real key sets, every algorithm, and whom a token names.
BEGIN;
SELECT plan(70);
\ir include/fixtures.sql
\ir include/tokens.sql
\ir include/issuers.sql
RESET SESSION AUTHORIZATION;
SET LOCAL client_min_messages = warning;
SET LOCAL SESSION AUTHORIZATION tap_operator;

-- Key sets as they are published.
SELECT is(casnet.set_issuer(:'auth0', :'auth0_keys', ARRAY['https://api.example.com']), 1, 'Auth0');
SELECT is(casnet.set_issuer(:'keycloak', :'keycloak_keys', '{account}'), 1, 'Keycloak, without its key for encryption');
SELECT is(casnet.set_issuer(:'azure', :'azure_keys', '{x,6731de76-14a6-49ae-97bc-6eba6914391e}', user_claim => 'oid'), 2, 'Azure, whose keys name no algorithm');
SELECT is(casnet.set_issuer(:'google', :'google_keys', '{1234.apps.example.com}'), 2, 'Google');
SELECT is(casnet.set_issuer(:'cognito', :'cognito_keys', NULL), 1, 'Cognito, whose access tokens have no audience');
SELECT is(casnet.set_issuer(:'supabase', :'supabase_keys', '{authenticated}'), 1, 'Supabase');
SELECT is(casnet.set_issuer(:'clerk', :'clerk_keys', NULL), 1, 'Clerk');
SELECT is(casnet.set_issuer(:'every', :'every_keys', '{a}'), 11, 'a key for each algorithm');
SELECT results_eq($$SELECT issuer, audiences, leeway, user_claim, trusts_claims, makes_accounts, cardinality(kids) FROM casnet.issuers() WHERE issuer LIKE '%login%'$$,
	$$VALUES ('https://login.example.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0', '{x,6731de76-14a6-49ae-97bc-6eba6914391e}'::text[], interval '60 seconds', 'oid', false, false, 2)$$, 'what is registered');

SELECT casnet.link_identity(:'mia', :'auth0', 'auth0|650000000000000000000001');
SELECT casnet.link_identity(:'mia', :'keycloak', 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6');
SELECT casnet.link_identity(:'vic', :'azure', '00000000-0000-0000-66f3-3332eca7ea81');
SELECT casnet.link_identity(:'otto', :'google', '110169484474386276334');
SELECT casnet.link_identity(:'mia', :'cognito', 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee');
SELECT casnet.link_identity(:'adam', :'supabase', '01890a5d-ac96-774b-bcce-b302099a8001');
SELECT casnet.link_identity(:'olga', :'clerk', 'user_2abc');
SELECT casnet.link_identity(:'mia', :'every', s) FROM unnest('{RS256,RS384,RS512,PS256,PS384,PS512,ES256,ES384,EdDSA,Ed25519,no-alg}'::text[]) AS s;
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(fate(:'auth0_token'), 'proves mia', 'of Auth0');
SELECT is(fate(:'keycloak_token'), 'proves mia', 'of Keycloak, issued at a fraction of a second');
SELECT is(fate(:'azure_token'), 'proves vic', 'of Azure, by oid');
SELECT is(fate(:'google_token'), 'proves otto', 'of Google');
SELECT is(fate(:'cognito_token'), 'proves mia', 'of Cognito');
SELECT is(fate(:'supabase_token'), 'proves adam', 'of Supabase, whose sub is a UUID and no id of an account');
SELECT is(fate(:'clerk_token'), 'proves olga', 'of Clerk');
SELECT is(fate(t), 'proves mia', a) FROM (VALUES ('RS256', :'every_rs256'), ('RS384', :'every_rs384'), ('RS512', :'every_rs512'), ('PS256', :'every_ps256'), ('PS384', :'every_ps384'),
	('PS512', :'every_ps512'), ('ES256', :'every_es256'), ('ES384', :'every_es384'), ('EdDSA', :'every_eddsa'), ('Ed25519', :'every_ed25519'), ('a key that names no algorithm', :'every_no_alg'), ('EdDSA by the name of RFC 9864', :'every_ed_by_new_name')) AS v (a, t);
SELECT is(fate(overlay(t PLACING translate(substr(t, length(t) - 20, 10), 'ABCDEFGHIJKLMabcdefghijklm', 'BCDEFGHIJKLMNbcdefghijklmn') FROM length(t) - 20)), 'use 28000 The token''s signature is not one of its key.', 'another signature of ' || a)
  FROM (VALUES ('RS384', :'every_rs384'), ('PS256', :'every_ps256'), ('ES384', :'every_es384'), ('EdDSA', :'every_eddsa')) AS v (a, t);

-- Whose key, for whom.
SELECT is(fate(:'every_other_algorithm'), 'use 28000 The token''s algorithm (alg) is not that of its key.', 'another algorithm of the same key');
SELECT is(fate(:'every_by_another_key'), 'use 28000 The token''s signature is not one of its key.', 'another key under that kid');
SELECT is(fate(:'every_confused'), 'use 28000 The token''s algorithm (alg) is not that of its key.', 'the public key as a secret');
SELECT is(fate(:'every_secret'), 'use 28000 The issuer has no key with the token''s key id (kid).', 'a secret of the set');
SELECT is(fate(:'cross_issuer'), 'use 28000 The issuer has no key with the token''s key id (kid).', 'a key of another issuer');
SELECT is(fate(:'no_issuer'), 'use 28000 No key has the token''s key id (kid).', 'a key of an issuer, in a token that names none');
SELECT is(fate(:'auth0_other_audience'), 'use 28000 The token''s audience (aud) is none that is registered for its issuer.', 'a token for another application');
SELECT is(fate(:'auth0_other_user'), 'use 28000 No account is linked to the user whom the token names.', 'somebody who is not linked');
SELECT is(fate(token(jsonb_build_object('iss', :'auth0'))), 'use 28000 The issuer has no key with the token''s key id (kid).', 'a secret of casnet''s in the name of an issuer');
SELECT is(fate(:'twin_a_token'), 'use 28000 The token''s issuer (iss) is not registered, and no key has its key id (kid).', 'an issuer that is not registered');

-- One kid under two issuers, and one subject.
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT casnet.set_issuer(:'twin_a', :'twin_a_keys', '{x}'), casnet.set_issuer(:'twin_b', :'twin_b_keys', '{x}');
SELECT casnet.link_identity(:'mia', :'twin_a', 'same'), casnet.link_identity(:'otto', :'twin_b', 'same');
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(fate(:'twin_a_token') || ', ' || fate(:'twin_b_token'), 'proves mia, proves otto', 'one kid and one subject under two issuers');
SELECT is(fate(:'twin_confused'), 'use 28000 The token''s algorithm (alg) is not that of its key.', 'the key of one in the name of the other');
SELECT is(fate(:'fraction'), 'proves mia', 'times with fractions');
SELECT is(fate(:'odd_tid'), 'proves mia', 'tid and gen in forms of another issuer');
SELECT is(fate(t), 'use 28000 The claim that names the user (sub) is absent, or not a string of moderate length.', w) FROM (VALUES (:'long_subject', 'a sub that is long'), (:'no_subject', 'none')) AS v (t, w);
SELECT is(fate(:'access_token'), 'proves mia', 'an access token, with an empty audience');
SELECT is(fate(:'logout'), 'set 22023 The token''s type (typ) is not that of a token that signs in.', 'a token for another purpose');
SELECT is(fate(:'report'), 'set 22023 The token says what happened (events), and signs nobody in.', 'a report');
SELECT is(fate(:'issued_in_the_future'), 'use 28000 The token was issued in the future (iat).', 'issued in the future, so that nothing would end it');

-- What tid and ids of accounts count.
SELECT casnet.sign_in(:'azure_token');
SELECT is(casnet.current_tenant_id(), NULL, 'a foreign tid is not the active tenant');
SELECT is((SELECT tenant_id FROM casnet.whoami()), NULL, 'nor in whoami()');
SELECT throws_ok('SELECT count(*) FROM casnet.records', '55000', 'no tenant is active', 'nor for a policy');
SELECT is(casnet.use_tenant('North'), :'north', 'a tenant is chosen as usual');
SELECT is((SELECT count(*) FROM casnet.records), 3::bigint, 'and its rows are there');
SELECT casnet.sign_out();
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.users (id, username, email) VALUES ('01890a5d-ac96-774b-bcce-b302099a8001', 'same', 'same@id.test');
INSERT INTO casnet.tenants (id, name) VALUES ('01890a5d-ac96-774b-bcce-b302099a8002', 'Theirs');
INSERT INTO casnet.user_tenants (user_id, tenant_id) VALUES ('01890a5d-ac96-774b-bcce-b302099a8001', '01890a5d-ac96-774b-bcce-b302099a8002');
INSERT INTO public.who VALUES ('same', '01890a5d-ac96-774b-bcce-b302099a8001');
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(fate(:'ids'), 'use 28000 No account is linked to the user whom the token names.', 'the id of an account names nobody');
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT casnet.set_issuer(:'twin_a', :'twin_a_keys', '{x}', trusts_claims => true);
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(fate(:'ids'), 'proves same', 'with trusts_claims it does');
SELECT is(fate(:'twin_a_token'), 'use 28000 The claim that names the user is not a UUID.', 'and nothing else does');
SELECT is(fate(:'odd_tid'), 'use 28000 The token''s generation (gen) is not a whole number.', 'and casnet''s claims count');
SELECT casnet.sign_in(:'ids');
SELECT is(casnet.current_tenant_id(), '01890a5d-ac96-774b-bcce-b302099a8002', 'as the active tenant');
SELECT casnet.sign_out();

-- A new set takes the place of the old one.
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT casnet.set_issuer(:'twin_a', :'twin_a_rotated', '{x}');
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(fate(:'twin_a_token'), 'use 28000 The issuer has no key with the token''s key id (kid).', 'a key that is gone');
SELECT is(fate(:'twin_a_new'), 'proves mia', 'the new key, and links stay');
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT casnet.set_issuer(:'twin_a', :'twin_a_keys', '{x}');
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(fate(:'twin_a_token'), 'proves mia', 'a key can come back');

-- Another claim names the user, and sub is none of casnet's business.
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT throws_ok(format('SELECT casnet.set_issuer(%L, %L, %L, user_claim => %L)', :'twin_a', :'twin_a_keys', '{x}', 'oid'), '55000', 'accounts are linked by another claim of this issuer', 'the claim stays while accounts are linked by it');
SELECT casnet.remove_issuer(:'twin_a');
SELECT casnet.set_issuer(:'twin_a', :'twin_a_keys', '{x}', user_claim => 'oid'), casnet.link_identity(:'mia', :'twin_a', 'by_oid');
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(fate(t), 'use 28000 The token was revoked.', w || ', of a token from before') FROM (VALUES (:'long_subject', 'a sub that is too long'), (:'no_subject', 'no sub')) AS v (t, w);
RESET SESSION AUTHORIZATION;
DELETE FROM casnet_internal.token_cutoffs;
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(fate(t), 'proves mia', w) FROM (VALUES (:'long_subject', 'a sub that is too long'), (:'no_subject', 'no sub')) AS v (t, w);
SELECT * FROM finish();
ROLLBACK;
