-- A retired key keeps its name and loses its secret.  It signs and verifies nothing, and
-- neither the table nor a dump contains the secret.
BEGIN;
SELECT plan(15);
\ir include/fixtures.sql
\ir include/tokens.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.add_signing_key('outer', '{"kty": "OKP", "crv": "Ed25519", "x": "nmX563dBY9L-tOajIfSLqxoYoVhpHAzcTuAM5kCtWzo"}', 'https://issuer.test', 'us');
SELECT casnet.add_signing_key('own');
CREATE VIEW public.keys AS SELECT kid, octet_length(key) AS bytes, retired_at IS NOT NULL AS retired, algorithm, issuer, audience FROM casnet_internal.signing_keys WHERE kid IN ('tap', 'own', 'outer') ORDER BY kid COLLATE "C";
SELECT results_eq('SELECT kid, bytes >= 32, retired FROM public.keys', $$VALUES ('outer', true, false), ('own', true, false), ('tap', true, false)$$, 'live keys are there');
SELECT encode(key, 'hex') AS key_of_own FROM casnet_internal.signing_keys WHERE kid = 'own' \gset
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT lives_ok(format('SELECT casnet.retire_signing_key(%L)', kid), kid || ' is retired') FROM unnest('{own,outer}'::text[]) AS kid;
RESET SESSION AUTHORIZATION;
SELECT results_eq('SELECT kid, bytes, retired FROM public.keys', $$VALUES ('outer', 0, true), ('own', 0, true), ('tap', 32, false)$$, 'the keys are empty, another one is not');
SELECT results_eq('SELECT kid, algorithm, issuer, audience FROM public.keys', $$VALUES ('outer', 'EdDSA', 'https://issuer.test', 'us'), ('own', 'HS256', NULL, NULL), ('tap', 'HS256', NULL, NULL)$$, 'all else stays');
SELECT is((SELECT count(*) FROM casnet_internal.signing_keys AS k WHERE strpos(k::text, :'key_of_own') > 0), 0::bigint, 'no secret is left in the table');
SELECT is((SELECT count(*) FROM casnet_internal.signing_keys WHERE retired_at IS NOT NULL AND octet_length(key) > 0), 0::bigint, 'of none');
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(fate(token()), 'proves mia', 'the other one verifies');
SELECT is(fate(raw_token('{"alg":"HS256","kid":"own"}', '{"sub":"00000000-0000-7000-8000-000000000003","exp":4102444800}', decode(:'key_of_own', 'hex'))), 'use 28000 The token''s key (kid) is retired.', 'the retired one does not');
-- Even if somebody removes only the mark by hand.
RESET SESSION AUTHORIZATION;
SELECT throws_ok($$UPDATE casnet_internal.signing_keys SET retired_at = NULL WHERE kid = 'own'$$, '23514', NULL, 'it does not come back');
SELECT is(casnet_internal.issue_token(:'mia', NULL, '1 hour') IS NOT NULL, true, 'the other one signs');
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT lives_ok($$SELECT casnet.add_signing_key('own')$$, 'the name comes back');
SELECT throws_ok($$SELECT casnet.add_signing_key('own')$$, '23505', NULL, 'once');
SELECT casnet.retire_signing_key('tap');
RESET SESSION AUTHORIZATION;
SELECT casnet.retire_signing_key(kid) FROM casnet_internal.signing_keys WHERE retired_at IS NULL;
SELECT throws_ok(format('SELECT casnet_internal.issue_token(%L, NULL, ''1 hour'')', :'mia'), '55000', NULL, 'without a live one nothing is signed');
SELECT is((SELECT max(octet_length(key)) FROM casnet_internal.signing_keys), 0, 'and no secret is left');
SELECT * FROM finish();
ROLLBACK;
