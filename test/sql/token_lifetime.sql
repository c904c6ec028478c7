-- SET LOCAL, savepoints, rollback, RESET and DISCARD ALL do to a token what
-- they do to any setting; sign_in() for a transaction ends with it.
\set QUIET on
\set SHOW_CONTEXT never
SELECT casnet.add_signing_key('regress', '{"kty": "oct", "k": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}');
CREATE FUNCTION pg_temp.token(person text, tenant text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT public.signed_token('regress', '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
		jsonb_strip_nulls(jsonb_build_object('sub', (SELECT id FROM who WHERE name = person), 'tid', (SELECT id FROM who WHERE name = tenant), 'exp', 4102444800, 'gen', 0))::text)
$$;
SELECT pg_temp.token('mia', 'North') AS mia, pg_temp.token('otto', 'South') AS otto, pg_temp.token('olga') AS olga \gset
CREATE VIEW me AS SELECT coalesce((SELECT name FROM who WHERE id = casnet.current_user_id()), '-') AS me,
	coalesce((SELECT name FROM who WHERE id = casnet.current_tenant_id()), '-') AS tenant;
GRANT SELECT ON me TO PUBLIC;
SET SESSION AUTHORIZATION regress_user;

BEGIN;
SELECT casnet.sign_in(:'mia', true);
TABLE me;
SELECT count(*) FROM casnet.records WHERE title LIKE 'North%';
COMMIT;
TABLE me;
SELECT count(*) FROM casnet.records;

-- For the session; in a transaction that is rolled back, only for that.
SELECT casnet.sign_in(:'mia');
TABLE me;
BEGIN;
SELECT casnet.sign_in(:'otto');
TABLE me;
ROLLBACK;
TABLE me;
BEGIN;
SELECT set_config('casnet.token', :'otto', true) <> '' AS taken;
TABLE me;
SAVEPOINT a;
SELECT casnet.sign_in(:'olga', true);
TABLE me;
SAVEPOINT b;
SELECT casnet.sign_in('no token', true);
ROLLBACK TO b;
TABLE me;
ROLLBACK TO a;
TABLE me;
SELECT casnet.sign_out();
TABLE me;
ROLLBACK;
TABLE me;

-- A transaction of another user within the session of this one.
BEGIN;
SELECT casnet.sign_in(:'otto', true);
INSERT INTO casnet.tags (name) VALUES ('of otto');
SELECT count(*), min(tenant_id::text) = casnet.current_tenant_id()::text AS in_south FROM casnet.tags WHERE name = 'of otto';
ROLLBACK;
SELECT count(*) FROM casnet.tags WHERE name = 'of otto';
TABLE me;

-- A revocation that is rolled back.
BEGIN;
SAVEPOINT a;
SELECT casnet.revoke_token();
TABLE me;
ROLLBACK TO a;
TABLE me;
SELECT casnet.revoke_token();
TABLE me;
ROLLBACK;
TABLE me;

-- A function that catches the error continues as the previous user.
DO $$
BEGIN
	PERFORM casnet.sign_in('no.token.either');
EXCEPTION WHEN invalid_parameter_value THEN
	RAISE NOTICE 'still %', (SELECT username FROM casnet.whoami());
END
$$;
SELECT casnet.use_tenant('South');
TABLE me;
RESET casnet.tenant_id;
TABLE me;
RESET casnet.token;
TABLE me;
SELECT casnet.sign_in(:'mia');
SELECT casnet.sign_out();
TABLE me;
SELECT casnet.sign_in(:'mia');
DISCARD ALL;
SELECT casnet.current_user_id() IS NULL AND casnet.current_tenant_id() IS NULL AS nobody;
SELECT casnet.sign_in(:'mia');
SET SESSION AUTHORIZATION regress_user;
SELECT username, authenticated_by, expires_at AT TIME ZONE 'UTC' AS expires_at FROM casnet.whoami();

-- Before the library is loaded any value is accepted; it is judged later.
\c -
SET SESSION AUTHORIZATION regress_user;
SELECT set_config('casnet.token', :'mia', false) <> '' AS taken;
TABLE me;
\c -
SET SESSION AUTHORIZATION regress_user;
SET casnet.token = 'no token';
SELECT casnet.current_user_id() IS NULL AS nobody;
SHOW casnet.token;

\c -
DELETE FROM casnet_internal.signing_keys WHERE kid = 'regress';
DROP VIEW me;
