-- A user has one role in a tenant, and can have another one elsewhere.
BEGIN;
SELECT plan(7);
\ir include/fixtures.sql

CALL be('olga', 'North');
SELECT throws_ok($$SELECT casnet.add_member('mia', 'admin')$$, '23505', NULL, 'a second role by function');
SELECT throws_ok(format('INSERT INTO casnet.user_tenants (user_id, role) VALUES (%L, ''viewer'')', :'mia'), '23505', NULL, 'and by INSERT');
SELECT is(rows_of(format('INSERT INTO casnet.user_tenants (user_id, role) VALUES (%L, ''viewer'') ON CONFLICT DO NOTHING', :'mia')), 0::bigint, 'nothing comes of DO NOTHING');
SELECT is((SELECT role FROM casnet.members() WHERE username = 'mia'), 'member', 'the role stays');
CALL be('mia', 'South');
SELECT is((SELECT role FROM casnet.whoami()), 'viewer', 'elsewhere it is another one');
RESET SESSION AUTHORIZATION;
SELECT throws_ok(format('INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (%L, %L, ''viewer'')', :'mia', :'north'), '23505', NULL, 'a superuser neither');
SELECT throws_ok(format('INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (%L, %L, NULL)', :'nora', :'north'), '22023', NULL, 'nor no role');
SELECT * FROM finish();
ROLLBACK;
