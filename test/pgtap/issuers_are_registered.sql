-- What casnet.set_issuer() takes, and who may call it.
BEGIN;
SELECT plan(40);
\ir include/fixtures.sql
\ir include/tokens.sql
\ir include/issuers.sql
SELECT throws_ok(q, '42501', NULL, q) FROM unnest(ARRAY['SELECT casnet.set_issuer(''i'', ''{}'', NULL)', 'SELECT casnet.remove_issuer(''i'')', 'SELECT * FROM casnet.issuers()',
	'SELECT FROM casnet_internal.issuers', 'SELECT FROM casnet_internal.issuer_keys', 'SELECT FROM casnet_internal.identities', 'DELETE FROM casnet_internal.identities']) AS q;
RESET SESSION AUTHORIZATION;
CREATE FUNCTION public.noticed(keys jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN casnet.set_issuer('https://x.example.com', keys, NULL);
EXCEPTION WHEN invalid_parameter_value THEN
	RETURN SQLERRM;
END
$$;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT throws_ok(format('SELECT casnet.set_issuer(%s)', a), '22023', m, a) FROM (VALUES
	('NULL, ''{"keys": []}'', NULL', 'the issuer is empty or too long'),
	(''''', ''{"keys": []}'', NULL', 'the issuer is empty or too long'),
	('''i'', NULL, NULL', 'the key set is not an object with an array "keys"'),
	('''i'', ''[]'', NULL', 'the key set is not an object with an array "keys"'),
	('''i'', ''{"keys": {}}'', NULL', 'the key set is not an object with an array "keys"'),
	('''i'', ''{"kty": "RSA"}'', NULL', 'the key set is not an object with an array "keys"'),
	('''i'', ''{"keys": []}'', NULL', 'the key set has no key that casnet can use'),
	('''i'', ''{"keys": []}'', ''{}''', 'the list of audiences is empty, or one of them is'),
	('''i'', ''{"keys": []}'', ''{a,""}''', 'the list of audiences is empty, or one of them is'),
	('''i'', ''{"keys": []}'', ''{a,NULL}''', 'the list of audiences is empty, or one of them is'),
	('''i'', ''{"keys": []}'', NULL, ''-1 second''', 'the leeway is out of range'),
	('''i'', ''{"keys": []}'', NULL, ''11 minutes''', 'the leeway is out of range'),
	('''i'', ''{"keys": []}'', NULL, ''10 minutes''', 'the key set has no key that casnet can use'),
	('''i'', ''{"keys": []}'', NULL, NULL', 'the leeway is out of range'),
	('''i'', ''{"keys": []}'', NULL, ''0'', ''''', 'the claim that names the user is empty or too long'),
	('''i'', ''{"keys": []}'', NULL, ''0'', ''sub'', true, true', 'the issuer cannot both name accounts by their ids and have accounts made')) AS v (a, m);
SELECT is(public.noticed(jsonb_build_object('keys', jsonb_build_array(k))), 'the key set has no key that casnet can use', left(k::text, 60))
  FROM unnest(ARRAY['1', '"x"', 'null', '[]', '{}', '{"kid": "a"}', '{"kid": "a", "kty": "RSA", "n": "AA", "e": "AQAB"}']::jsonb[]) AS k;
-- Points of small order, with and without a sign: anybody could sign with them.
SELECT is(public.noticed(jsonb_build_object('keys', jsonb_build_array(jsonb_build_object('kty', 'OKP', 'crv', 'Ed25519', 'kid', 'a', 'x', public.b64url(decode(k, 'hex')))))),
	'the key set has no key that casnet can use', 'a point of small order, ' || left(k, 4) || right(k, 2))
  FROM unnest(ARRAY[repeat('00', 32), '01' || repeat('00', 31), '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
	'ec' || repeat('ff', 30) || '7f', 'ee' || repeat('ff', 31)]) AS k;
SELECT is(public.noticed((SELECT jsonb_build_object('keys', jsonb_agg(jsonb_build_object('kid', n))) FROM generate_series(1, 101) AS n)), 'the set has more than 100 keys', 'a set that is too large');
SELECT is(public.noticed((SELECT jsonb_build_object('keys', jsonb_agg(jsonb_build_object('kid', n))) FROM generate_series(1, 100) AS n)), 'the key set has no key that casnet can use', 'one that is not');
SELECT is_empty($$SELECT FROM casnet.issuers() WHERE issuer LIKE '%x.example%'$$, 'what is refused registers nothing');
SELECT * FROM finish();
ROLLBACK;
