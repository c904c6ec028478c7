-- A key that is seen and then rolled back before it was announced: only the rollback itself
-- makes the session forget what it verified with that key.
\set QUIET on
\set VERBOSITY terse
SELECT casnet.add_signing_key('regress', '{"kty": "oct", "k": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}');
CREATE FUNCTION pg_temp.token(kid text) RETURNS text LANGUAGE sql AS $$
	SELECT public.signed_token(kid, '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
		'{"sub": "00000000-0000-7000-8000-000000000003", "exp": 4102444800}')
$$;
-- fires before casnet's trigger
CREATE FUNCTION use_and_fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('casnet.token', current_setting('regress.token'), true);
	RAISE NOTICE 'in the trigger: %', casnet.current_user_id() IS NOT NULL;
	RAISE EXCEPTION 'undo';
END
$$;
CREATE TRIGGER a_use_and_fail AFTER INSERT ON casnet_internal.signing_keys FOR EACH ROW EXECUTE FUNCTION use_and_fail();
SELECT pg_temp.token('regress') AS good, pg_temp.token('phantom') AS bad \gset
SET regress.token = :'bad';

-- The user is already cached from another token, so only the new token is looked up.
SELECT casnet.sign_in(:'good');
INSERT INTO casnet_internal.signing_keys (kid, algorithm, key) VALUES ('phantom', 'HS256', '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');
SELECT username FROM casnet.whoami();
SELECT casnet.sign_in(:'bad');
BEGIN;
SAVEPOINT s;
INSERT INTO casnet_internal.signing_keys (kid, algorithm, key) VALUES ('phantom', 'HS256', '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');
ROLLBACK TO s;
SELECT username FROM casnet.whoami();
SAVEPOINT s;
SELECT casnet.sign_in(:'bad');
ROLLBACK;
DO $$
BEGIN
	INSERT INTO casnet_internal.signing_keys (kid, algorithm, key) VALUES ('phantom', 'HS256', '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');
EXCEPTION WHEN raise_exception THEN
	PERFORM set_config('casnet.token', current_setting('regress.token'), true);
	RAISE NOTICE 'caught: %', casnet.current_user_id() IS NOT NULL;
END
$$;

DROP TRIGGER a_use_and_fail ON casnet_internal.signing_keys;
DROP FUNCTION use_and_fail();
DELETE FROM casnet_internal.signing_keys WHERE kid = 'regress';
