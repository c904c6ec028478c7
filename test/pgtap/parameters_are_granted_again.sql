-- DROP OWNED in another database of the cluster takes the privileges on settings, which all
-- databases share.  doctor() reports that, and install() grants them again.
BEGIN;
SELECT plan(5);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
DROP OWNED BY casnet_authenticator;
REVOKE SET ON PARAMETER casnet.tenant_id FROM casnet_user;
SELECT results_eq($$SELECT severity, object FROM casnet.doctor() WHERE code = 'definition-missing' ORDER BY object$$,
	$$VALUES ('warning', 'parameter casnet.tenant_id'), ('warning', 'parameter casnet.user_id')$$, 'doctor() reports both');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok('SET LOCAL casnet.user_id = ''00000000-0000-7000-8000-000000000001''', '42501', NULL, 'a backend can name nobody');
RESET SESSION AUTHORIZATION;
SELECT lives_ok('SELECT casnet.install()', 'the remedy');
SELECT is_empty($$SELECT object FROM casnet.doctor() WHERE code = 'definition-missing'$$, 'repairs it');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT lives_ok('SET LOCAL casnet.user_id = ''00000000-0000-7000-8000-000000000001''', 'and the backend goes on');
SELECT * FROM finish();
ROLLBACK;
