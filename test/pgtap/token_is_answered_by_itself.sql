-- A token's answer is never that of another token, even if it lies at the same place in
-- memory.  A third one of the same length, forged, is invalid.
BEGIN;
SELECT plan(3);
\ir include/fixtures.sql
\ir include/tokens.sql
SELECT token() AS good, token('{"exp": 4102444801}') AS other,
	raw_token('{"alg": "HS256", "kid": "tap"}', token_claims, 'of somebody else') AS forged
  FROM CAST('{"exp": 4102444802, "gen": 0, "sub": "00000000-0000-7000-8000-000000000001"}' AS text) AS token_claims \gset
SELECT ok(length(:'good') = length(:'other') AND length(:'good') = length(:'forged'), 'three tokens of one length');
CREATE FUNCTION pg_temp.proved(first text, second text, third text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found text := '';
BEGIN
	FOR i IN 1 .. 20 LOOP
		PERFORM set_config('casnet.token', first, false);
		found := found || CASE WHEN casnet.current_user_id() IS NULL THEN 'n' ELSE 'y' END;
		PERFORM set_config('casnet.token', second, false);
		PERFORM set_config('casnet.token', third, false);
		found := found || CASE WHEN casnet.current_user_id() IS NULL THEN 'n' ELSE 'y' END;
	END LOOP;
	RETURN found;
END
$$;
SELECT is(pg_temp.proved(:'good', :'other', :'forged'), repeat('yn', 20), 'a forged one after good ones');
SELECT is(pg_temp.proved(:'forged', :'other', :'good'), repeat('ny', 20), 'and the other way round');
SELECT * FROM finish();
ROLLBACK;
