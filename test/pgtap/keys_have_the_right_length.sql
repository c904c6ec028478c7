-- A key whose length does not fit its algorithm is refused, even if it begins like a valid
-- one.  A secret generated here has 32 bytes.
BEGIN;
SELECT plan(10);
\ir include/fixtures.sql
\set x bsONvr4pQzyGaiZK_BdP2MaxI6SeOmSluKDRQw-FL4g
\set y KEdzE-H0JClP3yq8CUINafgsY1xUm_uoZCoaFKM726s
\set ed nmX563dBY9L-tOajIfSLqxoYoVhpHAzcTuAM5kCtWzo
SET LOCAL SESSION AUTHORIZATION tap_operator;
CREATE FUNCTION pg_temp.added(key jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT public.state_of(format('SELECT casnet.add_signing_key(%L, %L)', 'k', key))
$$;
SELECT is(pg_temp.added(jsonb_build_object('kty', 'EC', 'crv', 'P-256', 'x', :'x', 'y', :'y')), 'none', 'a point');
SELECT is(pg_temp.added(jsonb_build_object('kty', 'EC', 'crv', 'P-256', 'x', :'x' || 'AAA', 'y', :'y')), '22023', 'x is too long');
SELECT is(pg_temp.added(jsonb_build_object('kty', 'EC', 'crv', 'P-256', 'x', :'x', 'y', :'y' || 'AAA')), '22023', 'y is too long');
SELECT is(pg_temp.added(jsonb_build_object('kty', 'OKP', 'crv', 'Ed25519', 'x', :'ed')), 'none', 'a key for EdDSA');
SELECT is(pg_temp.added(jsonb_build_object('kty', 'OKP', 'crv', 'Ed25519', 'x', :'ed' || 'AAA')), '22023', 'one that is too long');
-- RSA: the products of two Mersenne primes have 2724 and 8676 bits.
SELECT 'D' || repeat('_', 86) || '3' || repeat('_', 279) || '-' || repeat('A', 86) || 'E' AS n2724,
	'D' || repeat('_', 708) || '3' || repeat('_', 27) || '-' || repeat('A', 708) || 'E' AS n8676 \gset
SELECT is(pg_temp.added(jsonb_build_object('kty', 'RSA', 'n', n, 'e', e)), expected, description) FROM (VALUES
	(:'n2724', 'AQAB', 'none', 'RSA of 2724 bits'),
	(:'n8676', 'AQAB', '22023', 'RSA of 8676 bits'),
	(:'n2724', '__________8', 'none', 'an exponent of 64 bits'),
	(:'n2724', 'AQAAAAAAAAAB', '22023', 'an exponent of 65 bits')) AS v (n, e, expected, description);
SELECT casnet.add_signing_key('mine');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT algorithm || length(key) FROM casnet_internal.signing_keys WHERE kid = 'mine'), 'HS25632', 'a new secret');
SELECT * FROM finish();
ROLLBACK;
