-- All policies, on one page.
--
-- One permissive policy per table and command, for every role, and FORCEd, so
-- the owner of the tables has no way around them either.  The expressions are
-- bare comparisons with a function of the session: no subquery, no recursion,
-- and the planner sees the value.  An UPDATE's new row is held against the
-- same expression as the old one, so no row moves to another tenant.  The
-- functions raise an error where there is no session, tenant or permission.
--
-- casnet_admin may do everything on the tables that decide about access, and
-- has no policy on the others.  The tables about tokens and codes, and the audit,
-- have no policy at all: only functions read and write them.

CREATE OR REPLACE FUNCTION casnet_internal.wanted_policies(
	OUT table_name text, OUT name text, OUT command text, OUT role text,
	OUT expression text, OUT meaning text)
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT v.table_name, 'casnet_' || lower(v.command), v.command, 'PUBLIC',
		   v.expression, 'casnet: which rows anybody may ' || lower(v.command)
	  FROM (VALUES
	('casnet.persons', 'SELECT', $p$tenant_id = casnet.tenant_with('view_persons')$p$),
	('casnet.persons', 'INSERT', $p$tenant_id = casnet.tenant_with('create_persons')$p$),
	('casnet.persons', 'UPDATE', $p$tenant_id = casnet.tenant_with('edit_persons')$p$),
	('casnet.persons', 'DELETE', $p$tenant_id = casnet.tenant_with('delete_persons')$p$),

	('casnet.records', 'SELECT', $p$tenant_id = casnet.tenant_with('view_records')$p$),
	('casnet.records', 'INSERT', $p$tenant_id = casnet.tenant_with('create_records')$p$),
	('casnet.records', 'UPDATE', $p$tenant_id = casnet.tenant_with('edit_records')$p$),
	('casnet.records', 'DELETE', $p$tenant_id = casnet.tenant_with('delete_records')$p$),

	('casnet.tags', 'SELECT', $p$tenant_id = casnet.tenant_with('view_tags')$p$),
	('casnet.tags', 'INSERT', $p$tenant_id = casnet.tenant_with('create_tags')$p$),
	('casnet.tags', 'UPDATE', $p$tenant_id = casnet.tenant_with('edit_tags')$p$),
	('casnet.tags', 'DELETE', $p$tenant_id = casnet.tenant_with('delete_tags')$p$),

	-- A link belongs to its record.
	('casnet.record_persons', 'SELECT', $p$tenant_id = casnet.tenant_with('view_records')$p$),
	('casnet.record_persons', 'INSERT', $p$tenant_id = casnet.tenant_with('edit_records')$p$),
	('casnet.record_persons', 'UPDATE', $p$tenant_id = casnet.tenant_with('edit_records')$p$),
	('casnet.record_persons', 'DELETE', $p$tenant_id = casnet.tenant_with('edit_records')$p$),

	('casnet.record_tags', 'SELECT', $p$tenant_id = casnet.tenant_with('view_records')$p$),
	('casnet.record_tags', 'INSERT', $p$tenant_id = casnet.tenant_with('edit_records')$p$),
	('casnet.record_tags', 'UPDATE', $p$tenant_id = casnet.tenant_with('edit_records')$p$),
	('casnet.record_tags', 'DELETE', $p$tenant_id = casnet.tenant_with('edit_records')$p$),

	('casnet.tasks', 'SELECT', $p$tenant_id = casnet.tenant_with('view_tasks')$p$),
	('casnet.tasks', 'INSERT', $p$tenant_id = casnet.tenant_with('create_tasks')$p$),
	('casnet.tasks', 'UPDATE', $p$tenant_id = casnet.tenant_with('edit_tasks')$p$),
	('casnet.tasks', 'DELETE', $p$tenant_id = casnet.tenant_with('delete_tasks')$p$),

	('casnet.calendar_events', 'SELECT', $p$tenant_id = casnet.tenant_with('view_calendar')$p$),
	('casnet.calendar_events', 'INSERT', $p$tenant_id = casnet.tenant_with('create_calendar')$p$),
	('casnet.calendar_events', 'UPDATE', $p$tenant_id = casnet.tenant_with('edit_calendar')$p$),
	('casnet.calendar_events', 'DELETE', $p$tenant_id = casnet.tenant_with('delete_calendar')$p$),

	-- Yourself, and with view_users the members of the active tenant.  You may
	-- change only your own account, and only some of its columns.
	('casnet.users', 'SELECT', $p$id = ANY (casnet_internal.visible_user_ids())$p$),
	('casnet.users', 'INSERT', $p$false$p$),
	('casnet.users', 'UPDATE', $p$id = casnet_internal.require_user()$p$),
	('casnet.users', 'DELETE', $p$false$p$),

	-- The tenants you belong to; casnet.create_tenant() makes new ones.
	('casnet.tenants', 'SELECT', $p$id = ANY (casnet_internal.my_tenant_ids())$p$),
	('casnet.tenants', 'INSERT', $p$false$p$),
	('casnet.tenants', 'UPDATE', $p$id = casnet.tenant_with('manage_tenant')$p$),
	('casnet.tenants', 'DELETE', $p$id = casnet.tenant_with('delete_tenant')$p$),

	-- The triggers casnet_guard judge what may be granted.
	('casnet.user_tenants', 'SELECT', $p$tenant_id = casnet.tenant_with('view_users')$p$),
	('casnet.user_tenants', 'INSERT', $p$tenant_id = casnet.tenant_with('manage_users')$p$),
	('casnet.user_tenants', 'UPDATE', $p$tenant_id = casnet.tenant_with('assign_roles')$p$),
	('casnet.user_tenants', 'DELETE', $p$tenant_id = casnet.tenant_with('manage_users')$p$),

	('casnet.user_tenant_permissions', 'SELECT', $p$tenant_id = casnet.tenant_with('view_users')$p$),
	('casnet.user_tenant_permissions', 'INSERT', $p$tenant_id = casnet.tenant_with('manage_permissions')$p$),
	('casnet.user_tenant_permissions', 'UPDATE', $p$tenant_id = casnet.tenant_with('manage_permissions')$p$),
	('casnet.user_tenant_permissions', 'DELETE', $p$tenant_id = casnet.tenant_with('manage_permissions')$p$),

	-- What the roles mean is no secret; only administrators change it.
	('casnet.role_permissions', 'SELECT', $p$casnet_internal.require_user() IS NOT NULL$p$),
	('casnet.role_permissions', 'INSERT', $p$false$p$),
	('casnet.role_permissions', 'UPDATE', $p$false$p$),
	('casnet.role_permissions', 'DELETE', $p$false$p$),

	-- Which roles there are is no secret either.
	('casnet.roles', 'SELECT', $p$casnet_internal.require_user() IS NOT NULL$p$),
	('casnet.roles', 'INSERT', $p$false$p$),
	('casnet.roles', 'UPDATE', $p$false$p$),
	('casnet.roles', 'DELETE', $p$false$p$)
		  ) AS v (table_name, command, expression)
	UNION ALL
	SELECT w.table_name, 'casnet_admin', 'ALL', 'casnet_admin', 'true',
		   'casnet: administrators decide about access'
	  FROM casnet_internal.wanted_tables() AS w
	 WHERE w.kind = 'administration'
$$;
COMMENT ON FUNCTION casnet_internal.wanted_policies() IS
	'internal: the policies that casnet.install() makes';

CREATE OR REPLACE FUNCTION casnet_internal.install_policies() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted record;
BEGIN
	FOR wanted IN SELECT w.* FROM casnet_internal.wanted_policies() AS w LOOP
		EXECUTE format('DROP POLICY IF EXISTS %I ON %s', wanted.name, wanted.table_name);
		EXECUTE format('CREATE POLICY %I ON %s FOR %s TO %s', wanted.name,
					   wanted.table_name, wanted.command, wanted.role) ||
				CASE WHEN wanted.command <> 'INSERT'
					 THEN format(' USING (%s)', wanted.expression) ELSE '' END ||
				CASE WHEN wanted.command IN ('INSERT', 'ALL')
					 THEN format(' WITH CHECK (%s)', wanted.expression) ELSE '' END;
		EXECUTE format('COMMENT ON POLICY %I ON %s IS %L', wanted.name,
					   wanted.table_name, wanted.meaning);
	END LOOP;

	FOR wanted IN SELECT m.relation FROM casnet_internal.managed_tables() AS m LOOP
		EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', wanted.relation);
		EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', wanted.relation);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.install_policies() IS
	'internal: puts the policies on the tables';
