-- Somebody who was made the last owner of a tenant against their will can leave: they
-- delete it.  An administrator learns which tenants prevent deleting the account, and what
-- to do.
BEGIN;
SELECT plan(18);
\ir include/fixtures.sql
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga');
SELECT casnet.create_tenant('trap 1') AS trap1, casnet.create_tenant('trap 2') AS trap2, casnet.create_tenant('shared') AS shared \gset
SELECT casnet.use_tenant(:'trap1'::uuid), casnet.add_member('nora', 'owner'), casnet.leave_tenant() \g /dev/null
SELECT casnet.use_tenant(:'trap2'::uuid), casnet.add_member('nora', 'owner'), casnet.leave_tenant() \g /dev/null
SELECT casnet.use_tenant(:'shared'::uuid), casnet.add_member('nora', 'owner') \g /dev/null
-- Nora is an owner, with the rights of owners.
CALL be('nora');
SELECT casnet.use_tenant(:'trap1'::uuid) \g /dev/null
SELECT is(error_of('SELECT casnet.leave_tenant()'), '23514 | cannot remove the last owner of a tenant |  | Make another member an owner first, or delete the tenant with casnet.delete_tenant(). | ', 'she cannot just leave');
SAVEPOINT trapped;
SELECT lives_ok(format('SELECT casnet.delete_tenant(%L)', :'trap1'), 'she deletes the one');
SELECT lives_ok('SELECT casnet.delete_tenant(tenant_id) FROM casnet.my_tenants() WHERE name = ''trap 2''', 'and the other');
RESET SESSION AUTHORIZATION;
SELECT lives_ok('DELETE FROM casnet.users WHERE username = ''nora''', 'and her account is deleted');
ROLLBACK TO trapped;

-- An administrator deletes the account.
CREATE FUNCTION public.deletion() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	details text;
	hints text;
BEGIN
	DELETE FROM casnet.users WHERE username = 'nora';
	RETURN 'deleted';
EXCEPTION WHEN check_violation THEN
	GET STACKED DIAGNOSTICS details = PG_EXCEPTION_DETAIL, hints = PG_EXCEPTION_HINT;
	RETURN details || ' / ' || hints;
END
$$;
\set told '/ Set casnet.tenant_id to each and name another owner with casnet.add_member() or casnet.set_member_role(), or delete it with casnet.delete_tenant(). Until then casnet.deactivate_user() takes everything from the account.'
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is(public.deletion(), format('The account is the last owner of %s "trap 1", %s "trap 2". ', :'trap1', :'trap2') || :'told', 'casnet_admin gets the names of both, not of the shared one');
RESET SESSION AUTHORIZATION;
SELECT is(public.deletion(), format('The account is the last owner of %s "trap 1", %s "trap 2". ', :'trap1', :'trap2') || :'told', 'so is a superuser');
-- The statement in the hint works, for each of them.
SAVEPOINT told;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT lives_ok(format('SELECT casnet.delete_tenant(%L)', :'trap1'), 'casnet_admin deletes a tenant');
SELECT is(public.deletion(), format('The account is the last owner of %s "trap 2". ', :'trap2') || :'told', 'one is left');
SELECT set_config('casnet.tenant_id', :'trap2', true) \g /dev/null
SELECT lives_ok('SELECT casnet.add_member(''otto'', ''owner'')', 'and names another owner');
SELECT is(public.deletion(), 'deleted', 'then the account goes');
SELECT is((SELECT count(*) FROM casnet.members() WHERE role = 'owner'), 1::bigint, 'and the tenant has an owner');
ROLLBACK TO told;
SELECT lives_ok(format('SELECT casnet.delete_tenant(%L)', id), 'a superuser deletes ' || name) FROM casnet.tenants WHERE name ~ '^trap' ORDER BY name;
SELECT is(public.deletion(), 'deleted', 'and the account');
ROLLBACK TO told;
-- Until then the account can do nothing.
SELECT lives_ok(format('SELECT casnet.deactivate_user(%L)', :'nora'), 'it can be deactivated');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok(format('SET casnet.user_id = %L; SELECT casnet_internal.require_user()', :'nora'), '28000', NULL, 'and does nothing');
-- A superuser of the application.
CALL be('sue', 'North');
SELECT lives_ok(format('SELECT casnet.delete_tenant(%L)', :'trap1'), 'a superuser of the application deletes a tenant');
SELECT set_config('casnet.tenant_id', :'trap2', true) \g /dev/null
SELECT lives_ok('SELECT casnet.add_member(''otto'', ''owner'')', 'or names another owner');
SELECT * FROM finish();
ROLLBACK;
