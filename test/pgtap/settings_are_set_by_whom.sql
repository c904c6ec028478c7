-- Only casnet_authenticator may say who the user is: not the role of applications, not
-- administrators, nobody else.  Everybody may set the tenant.
BEGIN;
SELECT plan(12);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_user;
GRANT casnet_user TO tap_user;
CREATE ROLE tap_nobody;
SET LOCAL SESSION AUTHORIZATION tap_user;
SELECT is(state_of(format('SET LOCAL casnet.user_id = %L', :'mia')), '42501', 'an application');
SELECT is(state_of(format('SET LOCAL casnet.tenant_id = %L', :'north')), 'none', 'may choose a tenant');
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is(state_of(format('SET LOCAL casnet.user_id = %L', :'mia')), '42501', 'an administrator');
SET LOCAL SESSION AUTHORIZATION tap_nobody;
SELECT is(state_of(format('SET LOCAL casnet.user_id = %L', :'mia')), '42501', 'nobody in particular');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(state_of(format('SET LOCAL casnet.user_id = %L', :'mia')), 'none', 'a trusted backend');
RESET SESSION AUTHORIZATION;
-- ALTER ROLE ... SET checks these, in a session that has not loaded the library.
SELECT is(has_parameter_privilege(role, 'casnet.user_id', 'SET'), role IN ('casnet_authenticator', 'tap_app'), role || ' by ALTER ROLE')
  FROM unnest(ARRAY['casnet_user', 'casnet_authenticator', 'casnet_admin', 'tap_nobody', 'tap_app']) AS role;
SELECT ok(has_parameter_privilege('casnet_user', 'casnet.tenant_id', 'SET'), 'an application may have a tenant by ALTER ROLE');
SELECT ok(EXISTS (SELECT FROM pg_parameter_acl AS p, aclexplode(p.paracl) AS a WHERE p.parname = 'casnet.tenant_id' AND a.grantee = 'casnet_user'::regrole AND a.privilege_type = 'SET'), 'in the catalog, for sessions without the library');
SELECT * FROM finish();
ROLLBACK;
