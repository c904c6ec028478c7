-- exp is compared at every statement, in a transaction and in a plan made before; nbf
-- likewise makes a token valid.
BEGIN;
SELECT plan(21);
\ir include/fixtures.sql
\ir include/tokens.sql
SET LOCAL casnet.tenant_id = :'north';

PREPARE rows_now AS SELECT count(*) FROM casnet.records;
PREPARE one_row (uuid) AS SELECT title FROM casnet.records WHERE id = $1;
SET LOCAL plan_cache_mode = force_generic_plan;
CREATE FUNCTION pg_temp.reads() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM casnet.records); END $$;
CREATE FUNCTION pg_temp.may() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN casnet.can('view_records'); END $$;
CREATE FUNCTION pg_temp.here() RETURNS uuid LANGUAGE plpgsql AS $$ BEGIN RETURN casnet.tenant_with('view_records'); END $$;
SELECT casnet.sign_in(token(jsonb_build_object('exp', floor(extract(epoch FROM clock_timestamp())) + 3))) AS mia \gset
SELECT is((SELECT username FROM casnet.whoami()), 'mia', 'a token of three seconds');
SELECT ok((SELECT expires_at FROM casnet.whoami()) - clock_timestamp() BETWEEN interval '0' AND interval '3 seconds', 'says so');
SELECT results_eq('rows_now', 'VALUES (3::bigint)', 'reads');
SELECT is(pg_temp.reads(), 3::bigint, 'in a function');
SELECT lives_ok($$EXECUTE one_row ('00000000-0000-7000-8000-0000000001a0')$$, 'by key');
SELECT ok(casnet.can('view_records'), 'can');
SELECT ok(pg_temp.may() AND pg_temp.here() IS NOT NULL, 'in expressions that PL/pgSQL keeps');
DECLARE late CURSOR FOR SELECT id FROM casnet.records;
MOVE 1 IN late;
SELECT pg_sleep(3.1);
-- First, since an error that is caught in a transaction that has written makes casnet ask
-- everything again.
SELECT ok(NOT pg_temp.may(), 'an expression that PL/pgSQL keeps');
SELECT throws_ok('FETCH late', '28000', 'invalid session token', 'a cursor goes on no longer');
SELECT throws_ok('SELECT pg_temp.here()', '28000', NULL, 'and another');
SELECT throws_ok('EXECUTE rows_now', '28000', 'invalid session token', 'a generic plan refuses');
SELECT throws_ok($$EXECUTE one_row ('00000000-0000-7000-8000-0000000001a0')$$, '28000', NULL, 'by key');
SELECT throws_ok('SELECT pg_temp.reads()', '28000', NULL, 'in a function');
SELECT throws_ok($$INSERT INTO casnet.records (title) VALUES ('x')$$, '28000', NULL, 'a write');
SELECT throws_ok('SELECT * FROM casnet.whoami()', '28000', NULL, 'whoami');
SELECT throws_ok('SELECT casnet.refresh_token()', '28000', NULL, 'and no refresh');
SELECT throws_ok('SELECT casnet.revoke_token()', '28000', NULL, 'nor anything to revoke');
SELECT ok(NOT casnet.can('view_records'), 'cannot');
SELECT is(casnet.current_user_id(), NULL, 'nobody');

SELECT set_config('casnet.token', token(jsonb_build_object('nbf', floor(extract(epoch FROM clock_timestamp())) + 2)), true) IS NULL;
SELECT throws_ok('EXECUTE rows_now', '28000', 'invalid session token', 'before nbf');
SELECT pg_sleep(2.1);
SELECT results_eq('rows_now', 'VALUES (3::bigint)', 'and after');
SELECT * FROM finish();
ROLLBACK;
