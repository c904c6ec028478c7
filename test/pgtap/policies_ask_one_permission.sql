-- Each command on each table needs one permission.  Without it all others do not help, and
-- with it none of the others is needed.
BEGIN;
SELECT plan(86);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.role_permissions WHERE role = 'viewer';
INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (:'nora', :'north', 'viewer');
-- In North Nora holds only this one, or all but this one.
CREATE PROCEDURE public.hold(asked text, only_this boolean) LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	DELETE FROM casnet.user_tenant_permissions;
	INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission)
	SELECT n.id, t.id, p.permission
	  FROM (SELECT DISTINCT permission FROM casnet.role_permissions) AS p, public.who AS n, public.who AS t
	 WHERE n.name = 'nora' AND t.name = 'North' AND (p.permission = asked) = only_this;
END
$$;
CREATE FUNCTION public.error_holding(asked text, only_this boolean, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	CALL public.hold(asked, only_this);
	RETURN public.error_of(statement);
END
$$;
CREATE TEMP TABLE asks (command, permission, statement) AS VALUES
	('SELECT persons', 'view_persons', 'SELECT FROM casnet.persons'),
	('INSERT persons', 'create_persons', 'INSERT INTO casnet.persons (name) VALUES (''x'')'),
	('UPDATE persons', 'edit_persons', 'UPDATE casnet.persons SET gender = NULL'),
	('DELETE persons', 'delete_persons', 'DELETE FROM casnet.persons'),
	('SELECT records', 'view_records', 'SELECT FROM casnet.records'),
	('INSERT records', 'create_records', 'INSERT INTO casnet.records (title) VALUES (''x'')'),
	('UPDATE records', 'edit_records', 'UPDATE casnet.records SET content = ''x'''),
	('DELETE records', 'delete_records', 'DELETE FROM casnet.records'),
	('SELECT tags', 'view_tags', 'SELECT FROM casnet.tags'),
	('INSERT tags', 'create_tags', 'INSERT INTO casnet.tags (name) VALUES (''x'')'),
	('UPDATE tags', 'edit_tags', 'UPDATE casnet.tags SET name = ''x'''),
	('DELETE tags', 'delete_tags', 'DELETE FROM casnet.tags'),
	('SELECT record_persons', 'view_records', 'SELECT FROM casnet.record_persons'),
	('INSERT record_persons', 'edit_records', 'INSERT INTO casnet.record_persons (record_id, person_id) VALUES (''00000000-0000-7000-8000-0000000003a0'', ''00000000-0000-7000-8000-0000000001a0'')'),
	('UPDATE record_persons', 'edit_records', 'UPDATE casnet.record_persons SET created_at = now()'),
	('DELETE record_persons', 'edit_records', 'DELETE FROM casnet.record_persons'),
	('SELECT record_tags', 'view_records', 'SELECT FROM casnet.record_tags'),
	('INSERT record_tags', 'edit_records', 'INSERT INTO casnet.record_tags (record_id, tag_id) VALUES (''00000000-0000-7000-8000-0000000003a0'', ''00000000-0000-7000-8000-0000000009a0'')'),
	('UPDATE record_tags', 'edit_records', 'UPDATE casnet.record_tags SET created_at = now()'),
	('DELETE record_tags', 'edit_records', 'DELETE FROM casnet.record_tags'),
	('SELECT tasks', 'view_tasks', 'SELECT FROM casnet.tasks'),
	('INSERT tasks', 'create_tasks', 'INSERT INTO casnet.tasks (title) VALUES (''x'')'),
	('UPDATE tasks', 'edit_tasks', 'UPDATE casnet.tasks SET title = ''x'''),
	('DELETE tasks', 'delete_tasks', 'DELETE FROM casnet.tasks'),
	('SELECT calendar_events', 'view_calendar', 'SELECT FROM casnet.calendar_events'),
	('INSERT calendar_events', 'create_calendar', 'INSERT INTO casnet.calendar_events (title, starts_at) VALUES (''x'', now())'),
	('UPDATE calendar_events', 'edit_calendar', 'UPDATE casnet.calendar_events SET title = ''x'''),
	('DELETE calendar_events', 'delete_calendar', 'DELETE FROM casnet.calendar_events'),
	('UPDATE tenants', 'manage_tenant', 'UPDATE casnet.tenants SET description = ''x'''),
	('DELETE tenants', 'delete_tenant', 'DELETE FROM casnet.tenants'),
	('SELECT user_tenants', 'view_users', 'SELECT FROM casnet.user_tenants'),
	('INSERT user_tenants', 'manage_users', 'INSERT INTO casnet.user_tenants (user_id, role) VALUES (''00000000-0000-7000-8000-000000000005'', ''viewer'')'),
	('UPDATE user_tenants', 'assign_roles', 'UPDATE casnet.user_tenants SET role = ''viewer'''),
	('DELETE user_tenants', 'manage_users', 'DELETE FROM casnet.user_tenants'),
	('SELECT user_tenant_permissions', 'view_users', 'SELECT FROM casnet.user_tenant_permissions'),
	('INSERT user_tenant_permissions', 'manage_permissions', 'INSERT INTO casnet.user_tenant_permissions (user_id, permission) VALUES (''00000000-0000-7000-8000-000000000004'', ''view_tags'')'),
	('UPDATE user_tenant_permissions', 'manage_permissions', 'UPDATE casnet.user_tenant_permissions SET created_at = now()'),
	('DELETE user_tenant_permissions', 'manage_permissions', 'DELETE FROM casnet.user_tenant_permissions');
GRANT SELECT ON asks TO tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('nora', 'North');
SELECT is(split_part(error_holding(permission, false, statement), ' | ', 2), format('permission "%s" is missing in the active tenant', permission),
		  command || ' takes ' || permission) FROM asks;
SELECT doesnt_match(error_holding(permission, true, statement), 'permission ".*" is missing|row-level security', command || ' takes no other') FROM asks;

-- A row of one tenant is not inserted into the other, nor moved there.
SELECT is(split_part(error_holding('create_' || CASE t WHEN 'calendar_events' THEN 'calendar' ELSE t END, true,
		  format('INSERT INTO casnet.%I (tenant_id, %s VALUES (%L, ''x'' %s)', t,
				 CASE t WHEN 'persons' THEN 'name)' WHEN 'tags' THEN 'name)' WHEN 'calendar_events' THEN 'title, starts_at)' ELSE 'title)' END,
				 :'south', CASE t WHEN 'calendar_events' THEN ', now()' END)), ' | ', 2),
		  format('new row violates row-level security policy for table "%s"', t), t || ' of another tenant')
  FROM unnest(ARRAY['persons', 'records', 'tags', 'tasks', 'calendar_events']) AS t;
SELECT is(split_part(error_holding('edit_records', true, format('INSERT INTO casnet.record_tags VALUES (%L, %L, %L)', :'south',
		  '00000000-0000-7000-8000-0000000003b0', '00000000-0000-7000-8000-0000000009b0')), ' | ', 2),
		  'new row violates row-level security policy for table "record_tags"', 'record_tags of another tenant');
SELECT is(split_part(error_holding('edit_records', true, format('INSERT INTO casnet.record_persons VALUES (%L, %L, %L)',
		  '00000000-0000-7000-8000-0000000003b0', '00000000-0000-7000-8000-0000000001b0', :'south')), ' | ', 2),
		  'new row violates row-level security policy for table "record_persons"', 'record_persons of another tenant');
SELECT is(split_part(error_holding('manage_users', true, format('INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (%L, %L, %L)',
		  :'vic', :'south', 'viewer')), ' | ', 2), 'new row violates row-level security policy for table "user_tenants"', 'a member of another tenant');
SELECT is(split_part(error_holding('manage_permissions', true, format('INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES (%L, %L, %L)',
		  :'mia', :'south', 'view_tags')), ' | ', 2), 'new row violates row-level security policy for table "user_tenant_permissions"', 'a permission in another tenant');
SELECT is(split_part(error_holding('manage_permissions', true, format('UPDATE casnet.user_tenant_permissions SET tenant_id = %L', :'south')), ' | ', 2),
		  'new row violates row-level security policy for table "user_tenant_permissions"', 'nor is one moved there');
SELECT * FROM finish();
ROLLBACK;
