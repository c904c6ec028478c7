-- Nobody gains rights by a statement that changes the tenant between two judgements: the
-- guards judge by the user, and by the row's tenant, as the statement began.
BEGIN;
SELECT plan(17);
\ir include/fixtures.sql
\ir include/both_tenants.sql
RESET SESSION AUTHORIZATION;
UPDATE casnet.user_tenants SET role = 'viewer' WHERE user_id = :'mia' AND tenant_id = :'north';
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES (:'mia', :'north', 'manage_permissions'), (:'mia', :'north', 'view_users'), (:'vic', :'north', 'create_tags');
SET LOCAL SESSION AUTHORIZATION tap_app;

-- A viewer who may grant what she holds.
CALL be('mia', 'North');
SELECT is(state_of(format($$INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission)
	SELECT casnet.current_user_id(), %L, CASE WHEN n = 1 OR set_config('casnet.tenant_id', %L, false) = %2$L THEN p END
	  FROM (VALUES (1, 'view_records'), (2, 'delete_tenant')) AS x (n, p)$$, :'north', v.t)), '55000', 'INSERT, ' || v.name)
  FROM (VALUES ('no tenant', ''), ('another', :'south'), ('one of nobody', :'nowhere')) AS v (name, t);
SELECT is(state_of(format($$INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission)
	VALUES (%L, %L, CASE WHEN set_config('casnet.tenant_id', '', false) = '' THEN 'delete_tenant' END)$$, :'mia', :'north')), '55000', 'INSERT of one row');
SELECT is(state_of($$UPDATE casnet.user_tenant_permissions SET permission = CASE WHEN set_config('casnet.tenant_id', '', false) = '' THEN 'delete_tenant' END WHERE permission = 'view_users'$$), '55000', 'UPDATE');
SELECT is(state_of(format($$MERGE INTO casnet.user_tenant_permissions AS p USING (VALUES (1, 'view_records'), (2, 'delete_tenant')) AS x (n, p) ON false
	WHEN NOT MATCHED AND (n = 1 OR public.go('tenant_id', '')) THEN INSERT (user_id, tenant_id, permission) VALUES (%L, %L, x.p)$$, :'mia', :'north')), '55000', 'MERGE');
SELECT is(state_of(format($$INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES (%L, %L, 'create_tags')
	ON CONFLICT (user_id, tenant_id, permission) DO UPDATE SET permission = 'delete_tenant' WHERE public.go('tenant_id', '')$$, :'vic', :'north')), '42501', 'ON CONFLICT, of what she does not hold');
CALL be('vic', 'North');
SELECT is(casnet.can('create_tags'), true, 'it is there');

-- An admin who wants to become an owner, after a row that she may change.
RESET SESSION AUTHORIZATION;
UPDATE casnet.user_tenants SET role = 'admin' WHERE user_id = :'mia' AND tenant_id = :'north';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT is(state_of(format($$UPDATE casnet.user_tenants AS m SET role = CASE WHEN v.n = 1 THEN 'viewer'
	ELSE (SELECT 'owner' FROM set_config('casnet.tenant_id', %L, false) WHERE v.n > 0) END
	  FROM (VALUES (1, %L::uuid), (2, %L::uuid)) AS v (n, u) WHERE m.user_id = v.u$$, w.t, :'adam', :'mia')), '55000', 'UPDATE of memberships, ' || w.name)
  FROM (VALUES ('no tenant', ''), ('another', :'south')) AS w (name, t);
SELECT is(state_of(format($$INSERT INTO casnet.user_tenants (user_id, tenant_id, role) SELECT u, %L, CASE WHEN n = 1 OR public.go('tenant_id', '') THEN r END
	FROM (VALUES (1, %L::uuid, 'viewer'), (2, %L::uuid, 'owner')) AS v (n, u, r)$$, :'north', :'nora', :'otto')), '55000', 'INSERT of memberships');
SELECT is(state_of(format($$DELETE FROM casnet.user_tenants WHERE user_id = %L AND public.go('tenant_id', '')$$, :'olga')), '55000', 'DELETE of the owner');
SELECT is(state_of(format($$DELETE FROM casnet.user_tenants WHERE user_id = %L AND public.go('user_id', %L)$$, :'olga', :'sue')), '55000', 'as a superuser of the application');

-- Without the policies the guards still ask whether the user belongs to the tenant of the
-- row.
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_bypass BYPASSRLS;
GRANT casnet_authenticator TO tap_bypass;
SET LOCAL SESSION AUTHORIZATION tap_bypass;
CALL be('olga', 'North');
SELECT is(state_of(s), '42501', s) FROM unnest(ARRAY[
	format('INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (%L, %L, ''viewer'')', :'olga', :'south'),
	format('DELETE FROM casnet.user_tenants WHERE user_id = %L AND tenant_id = %L', :'mia', :'south'),
	format('INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES (%L, %L, ''view_tags'')', :'mia', :'south'),
	format('UPDATE casnet.user_tenants SET role = ''viewer'' WHERE user_id = %L AND tenant_id = %L', :'mia', :'south')]) AS s;
SELECT * FROM finish();
ROLLBACK;
