-- What the roles may do with the tables before any policy is asked.  Nobody
-- gets TRUNCATE, which no policy limits, nor REFERENCES or TRIGGER.  The column
-- hashed_password has marks, and no hash.  The server checks a foreign key by a
-- query that runs as the owner of tenants, so protect() makes those keys itself.

CREATE OR REPLACE FUNCTION casnet_internal.install_grants(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted text;
BEGIN
	FOR wanted IN
		SELECT v.statement
		  FROM (VALUES
	('users', 'GRANT SELECT (id, username, email, full_name, hashed_password, is_active, is_superuser, created_at, updated_at) ON casnet.users TO casnet_user, casnet_admin'),
	('users', 'GRANT UPDATE (full_name) ON casnet.users TO casnet_user'),
	('users', 'GRANT INSERT, UPDATE, DELETE ON casnet.users TO casnet_admin'),
	('tenants', 'GRANT SELECT, UPDATE (name, description), DELETE ON casnet.tenants TO casnet_user'),
	('tenants', 'GRANT SELECT, INSERT, UPDATE, DELETE ON casnet.tenants TO casnet_admin'),
	('user_tenants', 'GRANT SELECT, INSERT, UPDATE, DELETE ON casnet.user_tenants TO casnet_user, casnet_admin'),
	('user_tenant_permissions', 'GRANT SELECT, INSERT, UPDATE, DELETE ON casnet.user_tenant_permissions TO casnet_user, casnet_admin'),
	('roles', 'GRANT SELECT ON casnet.roles TO casnet_user'),
	('roles', 'GRANT SELECT, INSERT, UPDATE, DELETE ON casnet.roles TO casnet_admin'),
	('role_permissions', 'GRANT SELECT ON casnet.role_permissions TO casnet_user'),
	('role_permissions', 'GRANT SELECT, INSERT, UPDATE, DELETE ON casnet.role_permissions TO casnet_admin'),
	('persons', 'GRANT SELECT, INSERT, UPDATE, DELETE ON casnet.persons TO casnet_user'),
	('records', 'GRANT SELECT, INSERT, UPDATE, DELETE ON casnet.records TO casnet_user'),
	('record_persons', 'GRANT SELECT, INSERT, UPDATE, DELETE ON casnet.record_persons TO casnet_user'),
	('tags', 'GRANT SELECT, INSERT, UPDATE, DELETE ON casnet.tags TO casnet_user'),
	('record_tags', 'GRANT SELECT, INSERT, UPDATE, DELETE ON casnet.record_tags TO casnet_user'),
	('tasks', 'GRANT SELECT, INSERT, UPDATE, DELETE ON casnet.tasks TO casnet_user'),
	('calendar_events', 'GRANT SELECT, INSERT, UPDATE, DELETE ON casnet.calendar_events TO casnet_user')
		  ) AS v (name, statement)
		 WHERE to_regclass('casnet.' || v.name) = install_grants.relation
	LOOP
		EXECUTE wanted;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.install_grants(regclass) IS
	'internal: gives the roles their privileges on a new table';

-- The four roles that are always there.
CREATE OR REPLACE FUNCTION casnet_internal.install_roles() RETURNS void
	LANGUAGE sql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	INSERT INTO casnet.roles (name, description)
	VALUES ('owner', 'everything, the tenant itself included'),
		   ('admin', 'everything but changing and deleting the tenant'),
		   ('member', 'sees, makes and edits'),
		   ('viewer', 'sees')
		ON CONFLICT (name) DO NOTHING
$$;
COMMENT ON FUNCTION casnet_internal.install_roles() IS
	'internal: the roles that are always there';

-- The default permissions of the roles, for a role_permissions without a row:
-- a new one, or one from a dump without data.  SECURITY DEFINER, so that
-- casnet.bypass lets it pass.
CREATE OR REPLACE FUNCTION casnet_internal.install_role_permissions() RETURNS void
	LANGUAGE sql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH resource (name) AS (
		VALUES ('persons'), ('records'), ('tags'), ('tasks'), ('calendar')
	), permission (name, lowest) AS (
		SELECT 'view_' || r.name, 1 FROM resource AS r
		UNION ALL SELECT 'create_' || r.name, 2 FROM resource AS r
		UNION ALL SELECT 'edit_' || r.name, 2 FROM resource AS r
		UNION ALL SELECT 'delete_' || r.name, 3 FROM resource AS r
		UNION ALL VALUES ('view_users', 1), ('manage_users', 3),
			('assign_roles', 3), ('manage_permissions', 3),
			('view_analytics', 3), ('manage_tenant', 4), ('delete_tenant', 4),
			('export_persons', 4), ('erase_persons', 4)
	)
	INSERT INTO casnet.role_permissions (role, permission)
	SELECT r.name, p.name
	  FROM (VALUES ('viewer', 1), ('member', 2), ('admin', 3), ('owner', 4))
		   AS r (name, rank)
	  JOIN permission AS p ON r.rank OPERATOR(pg_catalog.>=) p.lowest
	 WHERE NOT EXISTS (SELECT FROM casnet.role_permissions)
$$;
COMMENT ON FUNCTION casnet_internal.install_role_permissions() IS
	'internal: the default permissions of the roles';
