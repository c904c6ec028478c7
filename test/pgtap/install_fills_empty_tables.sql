-- install() fills what a dump without data leaves empty: the permissions of the roles and a
-- signing key.  Existing rows stay as they are.
BEGIN;
SELECT plan(5);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;

DELETE FROM casnet.role_permissions WHERE role <> 'owner' OR permission <> 'view_records';
SELECT casnet.install() IS NOT NULL AS done \gset
SELECT results_eq('SELECT role, permission FROM casnet.role_permissions', $$VALUES ('owner', 'view_records')$$,
	'what somebody took away stays away');

TRUNCATE casnet.role_permissions;
DELETE FROM casnet_internal.signing_keys;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT throws_ok('SELECT count(*) FROM casnet.records', '42501', NULL, 'without permissions nobody reads');
RESET SESSION AUTHORIZATION;
SELECT casnet.install() IS NOT NULL AS done \gset
SELECT is((SELECT count(*) FROM casnet.role_permissions), 76::bigint, 'the permissions of the roles are back');
SELECT is((SELECT count(*) FROM casnet_internal.signing_keys), 1::bigint, 'and there is a key');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is((SELECT count(*) FROM casnet.records), 3::bigint, 'the owner reads');

SELECT * FROM finish();
ROLLBACK;
