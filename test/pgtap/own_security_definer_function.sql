-- A SECURITY DEFINER function of an application's role has that role's
-- privileges and the caller's identity.
BEGIN;
SELECT plan(8);
\ir include/fixtures.sql
SET LOCAL check_function_bodies = off;
CREATE FUNCTION public.seen() RETURNS SETOF uuid LANGUAGE sql SECURITY DEFINER AS 'SELECT DISTINCT tenant_id FROM casnet.records';
CREATE FUNCTION public.hashes() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS 'SELECT hash FROM casnet_internal.password_hashes';
CREATE FUNCTION public.rise() RETURNS void LANGUAGE sql SECURITY DEFINER AS $$SELECT casnet.set_member_role('mia', 'owner')$$;
CREATE FUNCTION public.all_seen() RETURNS SETOF uuid LANGUAGE sql SECURITY DEFINER SET row_security = off AS 'SELECT DISTINCT tenant_id FROM casnet.records';
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_user;
GRANT casnet_user TO tap_user;
SET casnet.user_id = :'mia';
SET casnet.tenant_id = :'north';
SET LOCAL SESSION AUTHORIZATION tap_user;
SELECT results_eq('SELECT public.seen()', ARRAY[:'north'::uuid], 'it sees the caller''s tenant');
SELECT throws_ok('SELECT public.hashes()', '42501', NULL, 'and no hash');
SELECT throws_ok('SELECT public.rise()', '42501', NULL, 'and gives nobody a role');
SELECT throws_ok('SELECT public.all_seen()', '42501', NULL, 'row_security = off is an error, not a way out');
SET LOCAL row_security = off;
SELECT throws_ok('SELECT count(*) FROM casnet.records', '42501', NULL, 'for a query, too');
SET LOCAL row_security = on;
SELECT throws_ok($$CREATE FUNCTION pg_temp.f() RETURNS uuid LANGUAGE sql SET casnet.user_id = '00000000-0000-7000-8000-000000000007' AS 'SELECT casnet.current_user_id()'$$, '42501', NULL, 'a function does not bring its own user');
SELECT throws_ok('SELECT casnet_internal.can_in(NULL, NULL)', '42501', NULL, 'internal functions are not for callers');
SELECT casnet.sign_out();
SELECT throws_ok('SELECT public.seen()', '28000', NULL, 'without a user it has no identity');
SELECT * FROM finish();
ROLLBACK;
