-- undelete() takes what inserting and seeing each row takes, under the policies of the
-- caller, in the active tenant; and asks for it before it says whether there was a row.
BEGIN;
SELECT plan(32);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.enable_audit(relation) FROM casnet_internal.managed_tables() WHERE kind = 'tenant';
SELECT id AS record FROM casnet.records WHERE title = 'North record 1' \gset
SELECT id AS third FROM casnet.records WHERE title = 'North record 3' \gset
CREATE PROCEDURE public.holding(VARIADIC permissions text[]) LANGUAGE sql SECURITY DEFINER AS $$
	DELETE FROM casnet.role_permissions WHERE role = 'viewer';
	INSERT INTO casnet.role_permissions (role, permission) SELECT 'viewer', p FROM unnest(permissions) AS p
$$;
GRANT EXECUTE ON PROCEDURE public.holding(text[]) TO PUBLIC;
-- The error, or how many rows; either is undone.
CREATE FUNCTION public.tried(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE statement INTO n;
	RAISE EXCEPTION USING ERRCODE = 'ZZZZZ';
EXCEPTION
	WHEN SQLSTATE 'ZZZZZ' THEN RETURN n;
	WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
DELETE FROM casnet.records WHERE id IN (:'record', :'third');
CALL be('vic', 'North');

-- A record without anything.
PREPARE third AS SELECT public.tried(format('SELECT casnet.undelete(''casnet.records'', %L)', :'third'));
SELECT results_eq('third', ARRAY['42501 permission "create_records" is missing in the active tenant'], 'a viewer does not');
CALL holding('create_records');
SELECT results_eq('third', ARRAY['42501 permission "view_records" is missing in the active tenant'], 'nor who cannot see it');
CALL holding('create_records', 'view_records');
SELECT results_eq('third', ARRAY['1'], 'who may create and see it does');

-- A record with links, a task and an event.
PREPARE record AS SELECT public.tried(format('SELECT casnet.undelete(''casnet.records'', %L)', :'record'));
SELECT results_eq('record', ARRAY['42501 permission "edit_records" is missing in the active tenant'], 'links take edit_records');
CALL holding('create_records', 'view_records', 'edit_records');
SELECT ok(public.tried(format('SELECT casnet.undelete(''casnet.records'', %L)', :'record')) ~ '^42501 permission "(edit|view)_(tasks|calendar)" is missing', 'tasks and events take their own');
CALL holding('create_records', 'view_records', 'edit_records', 'view_tasks', 'view_calendar', 'edit_calendar');
SELECT results_eq('record', ARRAY['42501 permission "edit_tasks" is missing in the active tenant'], 'each of them');
CALL holding('create_records', 'view_records', 'edit_records', 'view_tasks', 'edit_tasks', 'view_calendar');
SELECT results_eq('record', ARRAY['42501 permission "edit_calendar" is missing in the active tenant'], 'each of them');
SELECT is(public.tried(format('SELECT casnet.undelete(''casnet.records'', %L, false)', :'record')), '1', 'the row alone needs none of these');
CALL holding('create_records', 'view_records', 'edit_records', 'view_tasks', 'edit_tasks', 'view_calendar', 'edit_calendar');
SELECT results_eq('record', ARRAY['5'], 'no permission to delete or to read the audit');

-- Nobody without the permissions learns what was deleted.
CALL holding('view_records');
SELECT is(public.tried(format('SELECT casnet.undelete(''casnet.records'', %L)', k)), '42501 permission "create_records" is missing in the active tenant', k)
  FROM unnest(ARRAY[:'third', :'nowhere', '00000000-0000-7000-8000-0000000001a0', '00000000-0000-7000-8000-0000000001b0']) AS k;
CALL holding('create_tasks', 'view_tasks');
SELECT is(public.tried(format('SELECT casnet.undelete(%L, %L)', t, :'third')), m, t) FROM (VALUES
	('casnet.records', '42501 permission "view_records" is missing in the active tenant'), ('casnet.tasks', 'P0002 no deletion of this row is recorded'),
	('casnet.tags', '42501 permission "view_tags" is missing in the active tenant'), ('casnet.persons', '42501 permission "view_persons" is missing in the active tenant')) AS v (t, m);
CALL be('otto', 'South');
SELECT is(public.tried(format('SELECT casnet.undelete(''casnet.records'', %L)', k)), 'P0002 no deletion of this row is recorded', 'in another tenant: ' || k)
  FROM unnest(ARRAY[:'third', jsonb_build_object('id', :'third', 'tenant_id', :'north')::text, :'nowhere']) AS k;
CALL be('olga', 'South');
SELECT results_eq('third', ARRAY['42501 not a member of the active tenant'], 'no member');
CALL be('olga', NULL);
SELECT results_eq('third', ARRAY['55000 no tenant is active'], 'no tenant');
CALL be(NULL, 'North');
SELECT results_eq('third', ARRAY['28000 nobody is signed in'], 'nobody');

-- Privileges and policies of others count too.
RESET SESSION AUTHORIZATION;
CALL holding('create_records', 'view_records');
REVOKE INSERT ON casnet.records FROM casnet_user;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('vic', 'North');
SELECT results_eq('third', ARRAY['42501 permission denied for table records'], 'INSERT');
RESET SESSION AUTHORIZATION;
GRANT INSERT ON casnet.records TO casnet_user;
CREATE POLICY hidden ON casnet.records AS RESTRICTIVE FOR SELECT USING (title <> 'North record 3');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT results_eq('third', ARRAY['P0002 no deletion of this row is recorded'], 'a row that one would not see');
RESET SESSION AUTHORIZATION;
DROP POLICY hidden ON casnet.records;
CREATE POLICY hidden ON casnet.records AS RESTRICTIVE FOR INSERT WITH CHECK (title <> 'North record 3');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT results_eq('third', ARRAY['P0002 no deletion of this row is recorded'], 'or make');
RESET SESSION AUTHORIZATION;
DROP POLICY hidden ON casnet.records;
CREATE POLICY open ON casnet.records FOR INSERT WITH CHECK (tenant_id = casnet.tenant_with('view_records'));
CALL holding('view_records');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT results_eq('third', ARRAY['1'], 'one of two policies is enough') FROM (SELECT 1) AS x;
SELECT throws_ok('SELECT * FROM casnet_internal.audit_entries', '42501', NULL, 'the audit itself stays closed');

-- Rows that decide about rights do not come back.
CALL be('olga', 'North');
SELECT is(left(public.tried(format('SELECT casnet.undelete(%L, %L)', t, k)), 60), m, t) FROM (VALUES
	('casnet.user_tenants', :'mia', '42809 rows of table casnet.user_tenants do not come back'), ('casnet.users', :'mia', '42809 rows of table casnet.users do not come back'),
	('casnet.tenants', :'north', '42809 rows of table casnet.tenants do not come back'), ('casnet_internal.sessions', :'north', '42809 rows of table casnet_internal.sessions do not come bac')) AS v (t, k, m);
SELECT * FROM finish();
ROLLBACK;
