-- For an administrator the functions about members use the active tenant, without a
-- membership.  They refuse if no tenant is active, or if it does not exist.
BEGIN;
SELECT plan(31);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TEMP TABLE calls AS SELECT * FROM unnest(ARRAY['casnet.add_member(''nora'')', 'casnet.set_member_role(''mia'', ''viewer'')', 'casnet.remove_member(''mia'')',
	'casnet.members()', 'casnet.grant_permission(''mia'', ''view_users'')', 'casnet.revoke_permission(''mia'', ''view_users'')']) AS call;
GRANT SELECT ON calls TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is(state_of('SELECT * FROM ' || call), '55000', call || ' without a tenant') FROM calls;
SELECT set_config('casnet.tenant_id', :'nowhere', true);
SELECT isnt(error_of('SELECT * FROM ' || call), 'none', call || ' in no tenant') FROM calls WHERE call !~ 'members';
SELECT set_config('casnet.tenant_id', :'north', true);
SELECT is((SELECT string_agg(username || ' ' || role, ', ') FROM casnet.members()), 'adam admin, ines member, mia member, olga owner, vic viewer', 'the members of this tenant');
SELECT is(error_of('SELECT * FROM ' || call), 'none', call || ' in a tenant') FROM calls;
SELECT is(state_of('SELECT * FROM ' || replace(call, '''nora''', '''nobody''')), 'P0002', 'there is no such user: ' || call) FROM calls WHERE call ~ 'nora';
SELECT is(state_of('SELECT * FROM ' || replace(call, '''mia''', '''nora''')), 'P0002', 'nor such a member: ' || call) FROM calls WHERE call ~ 'mia';
SELECT lives_ok('SELECT casnet.set_member_role(''mia@north.test'', ''viewer'')', 'by email address');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT string_agg(u.username || ' ' || m.role, ', ' ORDER BY u.username) FROM casnet.user_tenants AS m JOIN casnet.users AS u ON u.id = m.user_id
	WHERE m.tenant_id = :'north' AND m.role = 'viewer'), 'mia viewer, vic viewer', 'whose role it is, and no other');
SELECT is((SELECT role FROM casnet.user_tenants WHERE tenant_id = :'south' AND user_id = :'otto'), 'owner', 'nor elsewhere');
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT lives_ok('SELECT casnet.grant_permission(''vic'', ''view_users'')', 'a permission');
SELECT ok(casnet.revoke_permission('vic', 'view_users'), 'and back');
SELECT lives_ok('SELECT casnet.remove_member(''vic@north.test'')', 'removed by address');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM casnet.user_tenants), 6::bigint, 'one and no other');
SELECT is((SELECT count(*) FROM casnet.user_tenants WHERE tenant_id = :'south'), 2::bigint, 'nor elsewhere');
SELECT * FROM finish();
ROLLBACK;
