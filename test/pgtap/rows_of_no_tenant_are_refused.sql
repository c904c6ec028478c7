-- Each row belongs to a tenant.  A null in its place is refused, whoever writes it; so it is
-- with memberships and permissions.
BEGIN;
SELECT plan(26);
\ir include/fixtures.sql
CREATE TEMP TABLE rows (t, columns, written) AS VALUES
	('persons', 'name', '''x'''), ('records', 'title', '''x'''), ('tags', 'name', '''x'''), ('tasks', 'title', '''x'''),
	('calendar_events', 'title, starts_at', '''x'', now()'),
	('record_tags', 'record_id, tag_id', '''00000000-0000-7000-8000-0000000003a0'', ''00000000-0000-7000-8000-0000000009a0'''),
	('user_tenants', 'user_id, role', '''00000000-0000-7000-8000-000000000008'', ''viewer'''),
	('user_tenant_permissions', 'user_id, permission', '''00000000-0000-7000-8000-000000000003'', ''view_tags''');
GRANT SELECT ON rows TO PUBLIC;
CREATE FUNCTION pg_temp.insert_into(r rows) RETURNS text LANGUAGE sql AS $$
	SELECT format('INSERT INTO casnet.%I (tenant_id, %s) VALUES (NULL, %s)', r.t, r.columns, r.written)
$$;

CALL be('olga', 'North');
INSERT INTO casnet.user_tenant_permissions (user_id, permission) VALUES (:'mia', 'delete_tags');
SELECT throws_ok(pg_temp.insert_into(r), '42501', format('new row violates row-level security policy for table "%s"', t), 'an owner adds none: ' || t) FROM rows AS r;
SELECT throws_ok(format('UPDATE casnet.%I SET tenant_id = NULL', t), '42501', NULL, 'nor makes one: ' || t) FROM rows;
CALL be('sue', 'North');
SELECT throws_ok(pg_temp.insert_into(r), '42501', format('new row violates row-level security policy for table "%s"', t), 'nor does a superuser of the application: ' || t) FROM rows AS r;

-- An administrator, whom no such policy binds, meets the column.
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT throws_ok(pg_temp.insert_into(r), '23502', NULL, 'nor does an administrator: ' || t) FROM rows AS r WHERE t ~ '^user_tenant';
SELECT * FROM finish();
ROLLBACK;
