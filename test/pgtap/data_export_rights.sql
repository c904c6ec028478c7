-- A user who holds manage_tenant in a tenant can export it, active or not.  Nobody else can;
-- a superuser needs no session.
BEGIN;
SELECT plan(21);
\ir include/fixtures.sql

CALL be('olga', 'North');
SELECT is((SELECT count(*) FROM casnet.export_tenant()), 16::bigint, 'the owner exports the active tenant');
CALL be('olga');
SELECT is((SELECT count(*) FROM casnet.export_tenant(:'north')), 16::bigint, 'or by id');
SELECT throws_ok('SELECT casnet.export_tenant()', '55000', 'no tenant is active', 'else one must be active');
SELECT is(error_of(format('SELECT casnet.export_tenant(%L)', :'south')), error_of(format('SELECT casnet.export_tenant(%L)', :'nowhere')), 'another tenant and none are one');
SELECT throws_ok(format('SELECT casnet.export_tenant(%L)', :'south'), 'P0002', 'the tenant does not exist, or you are not a member of it', 'and refused');
CALL be('olga', 'South');
SELECT throws_ok('SELECT casnet.export_tenant()', 'P0002', NULL, 'active or not');
SELECT is((SELECT count(*) FROM casnet.export_tenant(:'north')), 16::bigint, 'which does not matter when another is asked for');
CALL be('adam', 'North');
SELECT throws_ok('SELECT casnet.export_tenant()', '42501', 'permission "manage_tenant" is missing in that tenant', 'an admin is refused');
SELECT throws_ok(format('SELECT casnet_internal.tenant_documents(%L, false)', :'north'), '42501', NULL, 'the internal way, too');
SELECT throws_ok('SELECT casnet_internal.export_tenant_in_session(NULL, true)', '42501', NULL, 'and the other one');
SELECT throws_ok(format('SELECT casnet_internal.existing_tenant(%L)', :'north'), '42501', NULL, 'and what it rests on');
CALL be('mia');
SELECT throws_ok(format('SELECT casnet.export_tenant(%L)', :'north'), '42501', NULL, 'a member is refused');
CALL be('ines');
SELECT throws_ok(format('SELECT casnet.export_tenant(%L)', :'north'), '28000', NULL, 'an inactive user is refused');
CALL be('sue');
SELECT is((SELECT count(*) FROM casnet.export_tenant(:'south')), 13::bigint, 'a superuser of the application exports any');
SELECT throws_ok(format('SELECT casnet.export_tenant(%L)', :'nowhere'), 'P0002', NULL, 'that exists');
SELECT casnet.sign_out();
SELECT throws_ok(format('SELECT casnet.export_tenant(%L)', :'north'), '28000', 'nobody is signed in', 'nobody exports nothing');
SELECT throws_ok('SELECT casnet.export_tenant()', '28000', 'nobody is signed in', 'and need not choose a tenant first');
CALL be('olga', 'North');
SELECT casnet.grant_permission('mia', 'manage_tenant');
CALL be('mia', 'North');
SELECT is((SELECT count(*) FROM casnet.export_tenant()), 16::bigint, 'one permission is enough');

SELECT casnet.sign_out();
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM casnet.export_tenant(:'south')), 13::bigint, 'a superuser of the server exports without a session');
SELECT throws_ok(format('SELECT casnet.export_tenant(%L)', :'nowhere'), 'P0002', 'there is no such tenant', 'what exists');
SELECT throws_ok('SELECT casnet.export_tenant()', '55000', NULL, 'and is named');
SELECT * FROM finish();
ROLLBACK;
