-- signing_keys() lists the keys for administrators, and the one that signs is the one that
-- login() takes.  No secret is in it.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
\ir include/tokens.sql
RESET SESSION AUTHORIZATION;
\set jwk '{"kty": "OKP", "crv": "Ed25519", "x": "nmX563dBY9L-tOajIfSLqxoYoVhpHAzcTuAM5kCtWzo"}'
UPDATE casnet.users SET hashed_password = casnet.hash_password('correct horse') WHERE id = :'olga';
UPDATE casnet_internal.signing_keys SET kid = 'first', created_at = now() - interval '1 day' WHERE kid <> 'tap';
CREATE FUNCTION public.kid_of(token text) RETURNS text LANGUAGE sql AS $$
	SELECT convert_from(decode(rpad(translate(part, '-_', '+/'), (length(part) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb->>'kid' FROM split_part(token, '.', 1) AS part $$;
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT throws_ok('SELECT * FROM casnet.signing_keys()', '42501', NULL, 'applications do not see them');
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_admin;
SELECT results_eq('SELECT kid, algorithm, signs FROM casnet.signing_keys()', $$VALUES ('tap', 'HS256', true), ('first', 'HS256', false)$$, 'the newest signs');
SELECT casnet.add_signing_key('outer', :'jwk', issuer => 'https://id.test', audience => 'casnet'), casnet.add_signing_key('b'), casnet.add_signing_key('a') \g /dev/null
SELECT is((SELECT string_agg(kid, ' ' ORDER BY kid) FROM casnet.signing_keys() WHERE signs), 'a', 'one of casnet''s own, of the same time the first');
SELECT results_eq('SELECT kid, algorithm, issuer, audience FROM casnet.signing_keys() WHERE issuer IS NOT NULL', $$VALUES ('outer', 'EdDSA', 'https://id.test', 'casnet')$$, 'an outside key');
SELECT is(kid_of(casnet.login('olga', 'correct horse')), 'a', 'login() takes that one');
SELECT casnet.retire_signing_key('a') \g /dev/null
SELECT results_eq('SELECT kid, signs FROM casnet.signing_keys() WHERE signs OR retired_at IS NOT NULL', $$VALUES ('a', false), ('b', true)$$, 'a retired one signs no more');
SELECT is(kid_of(casnet.login('olga', 'correct horse')), 'b', 'nor does login() take it');
SELECT casnet.retire_signing_key(kid) FROM casnet.signing_keys() WHERE retired_at IS NULL \g /dev/null
SELECT is((SELECT count(*) FROM casnet.signing_keys() WHERE signs), 0::bigint, 'none is left');
SELECT is((SELECT array_agg(a ORDER BY n) FROM pg_proc, unnest(proargnames) WITH ORDINALITY AS p (a, n) WHERE oid = 'casnet.signing_keys()'::regprocedure), '{kid,algorithm,issuer,audience,signs,created_at,retired_at}', 'and the keys themselves are not in it');
SELECT * FROM finish();
ROLLBACK;
