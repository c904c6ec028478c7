-- NULL for any argument gives a result or one of casnet's errors.
BEGIN;
SELECT plan(18);
\ir include/fixtures.sql
CALL be('olga', 'North');

SELECT throws_ok('SELECT ' || f, s, NULL, f)
  FROM (VALUES ('casnet.tenant_with(NULL)', '22023'), ('casnet.can(NULL)', '22023'), ('casnet.use_tenant(NULL)', '22023'), ('casnet.create_tenant(NULL)', '22023'),
		('casnet.delete_tenant(NULL)', 'P0002'), ('casnet.add_member(NULL)', 'P0002'), ('casnet.set_member_role(NULL, ''member'')', 'P0002'),
		('casnet.remove_member(NULL)', 'P0002'), ('casnet.grant_permission(NULL, ''view_tags'')', 'P0002'), ('casnet.grant_permission(''mia'', NULL)', '22023'),
		('casnet.revoke_permission(NULL, ''view_tags'')', 'P0002'), ('casnet_internal.find_member(NULL, NULL)', 'P0002'), ('casnet_internal.tenant_to_manage(NULL)', '22023')) AS v (f, s);
SELECT lives_ok('SELECT casnet.use_tenant(''North'', NULL)', 'use_tenant(name, NULL)');
SELECT lives_ok('SELECT casnet.create_tenant(''East'', NULL, NULL)', 'create_tenant(name, NULL, NULL)');
SELECT is(casnet.revoke_permission('mia', NULL), false, 'revoke_permission(name, NULL)');
SELECT is(casnet_internal.find_user(NULL), NULL, 'find_user(NULL)');
SELECT lives_ok('INSERT INTO casnet.records (tenant_id, title) VALUES (NULL, ''x'')', 'a row of no tenant is of the active one');
SELECT * FROM finish();
ROLLBACK;
