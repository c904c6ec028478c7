-- No function lets a user found a tenant for somebody else; each first asks who the user
-- is.
BEGIN;
SELECT plan(10);
\ir include/fixtures.sql
CALL be('olga');
SELECT throws_ok(format('SELECT casnet.create_tenant(''x'', owner_id => %L)', :'otto'), '42501', 'only administrators create tenants for others', 'by create_tenant()');
SELECT throws_ok(format('SELECT casnet_internal.found_tenant(''x'', NULL, %L)', :'otto'), '42501', 'only administrators create tenants for others', 'by the function behind it');
SELECT throws_ok(format('INSERT INTO casnet.tenants (name) VALUES (''x'')'), '42501', NULL, 'by INSERT');
SELECT lives_ok('SELECT casnet.use_tenant(casnet_internal.found_tenant(''x'', NULL, NULL)::text)', 'her own');
SELECT is((SELECT string_agg(username || ' ' || role, ', ') FROM casnet.members()), 'olga owner', 'is hers alone');
CALL be('sue');
SELECT lives_ok(format('SELECT casnet_internal.found_tenant(''y'', NULL, %L)', :'otto'), 'a superuser founds one for another');
CALL be('otto');
SELECT is((SELECT role FROM casnet.my_tenants() WHERE name = 'y'), 'owner', 'who owns it');
CALL be(NULL);
SELECT throws_ok('SELECT casnet.create_tenant(''z'')', '28000', NULL, 'nobody founds none');
CALL be('ines');
SELECT throws_ok('SELECT casnet.create_tenant(''z'')', '28000', NULL, 'nor does who is not active');
SELECT throws_ok('SELECT casnet.create_tenant('' '')', '22023', NULL, 'nor one without a name');
SELECT * FROM finish();
ROLLBACK;
