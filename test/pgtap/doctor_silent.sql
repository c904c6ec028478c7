-- casnet.doctor() has nothing to warn of in a new database, nor in one with rows and roles.
-- Administrators may call it; applications may not.
BEGIN;
SELECT plan(11);
SELECT is_empty($$SELECT * FROM casnet.doctor() WHERE severity <> 'notice' AND code <> 'server-outdated'$$, 'a new database');
\ir include/fixtures.sql
\ir include/doctor.sql
SELECT is_empty($$SELECT * FROM casnet.doctor() WHERE severity <> 'notice' AND code <> 'server-outdated'$$, 'one with rows and roles');
SELECT results_eq($$SELECT DISTINCT code FROM casnet.doctor() WHERE code NOT LIKE 'server%' AND code NOT LIKE 'preload%' AND code NOT LIKE '%absent' ORDER BY 1$$,
	ARRAY['password-old', 'role-administers'], 'notices are of what was done');
SELECT is((SELECT count(*) FROM casnet.doctor_codes()), (SELECT count(DISTINCT code) FROM casnet.doctor_codes()), 'a code is one thing');
SELECT is_empty($$SELECT * FROM casnet.doctor_codes() WHERE code !~ '^[a-z]+(-[a-z]+)+$' OR severity NOT IN ('error', 'warning', 'notice') OR meaning ~ '[.]$'$$, 'codes are words');

-- Worst first, then by code and object.
ALTER ROLE tap_app BYPASSRLS;
GRANT TRUNCATE ON casnet.records, casnet.persons TO tap_app;
GRANT SELECT ON casnet.tags TO PUBLIC;
SELECT results_eq($$SELECT concat_ws(' ', severity, code, object) FROM casnet.doctor() WHERE severity <> 'notice' AND code <> 'server-outdated'$$,
	ARRAY['error grant-unpoliced casnet.persons', 'error grant-unpoliced casnet.records', 'error role-bypassrls tap_app', 'warning grant-public casnet.tags'],
	'worst first');
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is((SELECT count(*) FROM casnet.doctor() WHERE severity = 'error'), 3::bigint, 'a member of casnet_admin sees the same');
SELECT lives_ok('SELECT * FROM casnet.doctor_codes()', 'and the codes');
RESET SESSION AUTHORIZATION;
ALTER ROLE tap_app NOBYPASSRLS;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok('SELECT * FROM casnet.doctor()', '42501', NULL, 'an application may not call it');
SELECT throws_ok('SELECT * FROM casnet_internal.doctor_data()', '42501', NULL, 'nor what reads keys');
SELECT throws_ok('SELECT * FROM casnet_internal.doctor_roles()', '42501', NULL, 'nor a single check');
SELECT * FROM finish();
ROLLBACK;
