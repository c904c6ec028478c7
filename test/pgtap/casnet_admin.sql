-- casnet_admin manages users, tenants, memberships and role permissions
-- without being signed in, and reads no record and no hash.
BEGIN;
SELECT plan(29);
\ir include/fixtures.sql
SET LOCAL SESSION AUTHORIZATION tap_operator;

SELECT lives_ok($$INSERT INTO casnet.users (username, email, hashed_password) VALUES ('new', 'new@new.test', rpad('$2b$04$', 60, 'x'))$$, 'makes an account');
SELECT lives_ok($$UPDATE casnet.users SET is_active = false, hashed_password = rpad('$2b$04$other', 60, 'x') WHERE username = 'new'$$, 'changes it');
SELECT lives_ok($$UPDATE casnet.users SET is_active = true WHERE username = 'ines'$$, 'activates one');
SELECT lives_ok($$DELETE FROM casnet.users WHERE username = 'new'$$, 'deletes it');
SELECT is((SELECT count(*) FROM casnet.users), 8::bigint, 'sees all accounts');
SELECT is((SELECT count(*) FROM casnet.users WHERE hashed_password !~ '^[$]casnet[$]'), 0::bigint, 'but no hash');
SELECT throws_ok('TABLE casnet_internal.password_hashes', '42501', NULL, 'not where they are');
SELECT lives_ok('UPDATE casnet.users SET full_name = hashed_password', 'not by UPDATE');
SELECT is((SELECT count(*) FROM casnet.users WHERE full_name LIKE '$2b$%'), 0::bigint, 'which copies marks');
SELECT is(rows_of($$INSERT INTO casnet.users (username, email, hashed_password) VALUES ('olga', 'x', rpad('$2b$04$', 60, 'y')) ON CONFLICT (username) DO UPDATE SET full_name = excluded.hashed_password WHERE excluded.hashed_password LIKE '$2b$%'$$), 0::bigint, 'not by ON CONFLICT');
SELECT throws_ok(format('SELECT count(*) FROM casnet.%I', t), NULL, NULL, 'reads nothing of ' || t)
  FROM unnest(ARRAY['persons', 'records', 'record_persons', 'tags', 'record_tags', 'tasks', 'calendar_events']) AS t;
SELECT lives_ok($$SELECT set_config('casnet.tenant_id', casnet.create_tenant('East')::text, true)$$, 'founds a tenant without an owner');
SELECT lives_ok($$SELECT casnet.add_member('nora', 'owner'); SELECT casnet.set_member_role('nora', 'owner'); SELECT casnet.grant_permission('nora', 'view_tags')$$, 'gives it members and an owner');
SELECT is((SELECT role FROM casnet.members()), 'owner', 'lists them');
SELECT lives_ok($$SELECT casnet.create_tenant('West', owner_id => '00000000-0000-7000-8000-000000000008')$$, 'or names the owner at once');
SELECT lives_ok($$SELECT casnet.delete_tenant(id) FROM casnet.tenants WHERE name = 'West'$$, 'deletes a tenant');
SELECT lives_ok($$INSERT INTO casnet.role_permissions VALUES ('viewer', 'create_tags')$$, 'changes what a role may do');
-- With membership of casnet_user as well it still has to be signed in.
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_admin;
SELECT throws_ok('SELECT count(*) FROM casnet.records', '28000', NULL, 'with casnet_user it reads records as a user does');
CALL be('vic', 'North');
SELECT is((SELECT count(*) FROM casnet.records), 3::bigint, 'signed in');
SELECT ok(casnet.can('create_tags'), 'and the change is in force');
-- An administrator who is signed in founds a tenant as any user does, unless the call names
-- another owner.
SELECT casnet.create_tenant('Of Vic') AS own, casnet.create_tenant('Of Nora', owner_id => :'nora') AS named \gset
SELECT results_eq('SELECT name, role FROM casnet.my_tenants() ORDER BY name', $$VALUES ('North', 'viewer'), ('Of Vic', 'owner')$$, 'a tenant of their own');
SELECT is((SELECT string_agg(u.username || ' ' || m.role, ', ') FROM casnet.user_tenants AS m JOIN casnet.users AS u ON u.id = m.user_id WHERE m.tenant_id = :'named'), 'nora owner', 'or of somebody else''s');
CALL be('');
SELECT casnet.create_tenant('Nobody''s') AS of_nobody \gset
SELECT is((SELECT count(*) FROM casnet.user_tenants WHERE tenant_id = :'of_nobody'), 0::bigint, 'not signed in, nobody''s');
SELECT * FROM finish();
ROLLBACK;
