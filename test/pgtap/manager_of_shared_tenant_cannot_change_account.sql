-- mia is a member of North and of South.  A manager of North has no power over her account,
-- nor over her membership in South.
BEGIN;
SELECT plan(13);
\ir include/fixtures.sql

CALL be('olga', 'North');
SELECT is(rows_of($$UPDATE casnet.users SET full_name = 'Hacked' WHERE username = 'mia'$$), 0::bigint, 'her name is not changed');
SELECT throws_ok($$UPDATE casnet.users SET email = 'olga+mia@north.test' WHERE username = 'mia'$$, '42501', NULL, 'nor her e-mail address');
SELECT throws_ok($$UPDATE casnet.users SET hashed_password = 'mine' WHERE username = 'mia'$$, '42501', NULL, 'nor her password');
SELECT throws_ok($$UPDATE casnet.users SET is_active = false WHERE username = 'mia'$$, '42501', NULL, 'nor is she deactivated');
SELECT throws_ok($$UPDATE casnet.users SET is_superuser = true$$, '42501', NULL, 'and nobody becomes a superuser');
SELECT throws_ok($$DELETE FROM casnet.users WHERE username = 'mia'$$, '42501', NULL, 'nor deleted');
SELECT is((SELECT count(*) FROM casnet.users WHERE hashed_password !~ '^[$]casnet[$]'), 0::bigint, 'the hash is not read');
SELECT is((SELECT count(*) FROM casnet.users AS u WHERE u::text LIKE '%$2b$%'), 0::bigint, 'nor by the whole row');
SELECT is(rows_of(format('DELETE FROM casnet.user_tenants WHERE user_id = %L AND tenant_id = %L', :'mia', :'south')), 0::bigint, 'her membership in South stays');
SELECT throws_ok($$UPDATE casnet.users SET id = casnet.uuid_v7()$$, '42501', NULL, 'the key is not changed');

CALL be('mia', 'North');
SELECT is(rows_of($$UPDATE casnet.users SET full_name = 'Mia'$$), 1::bigint, 'she changes her own name, and only hers');
SELECT throws_ok($$UPDATE casnet.users SET is_superuser = true WHERE username = 'mia'$$, '42501', NULL, 'and not what she is');
RESET SESSION AUTHORIZATION;
SELECT results_eq($$SELECT username, full_name, is_active, is_superuser FROM casnet.users WHERE full_name IS NOT NULL$$,
	$$VALUES ('mia'::text, 'Mia'::text, true, false)$$, 'that is all that happened');
SELECT * FROM finish();
ROLLBACK;
