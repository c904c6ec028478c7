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
-- has no policy on the others.  The tables about tokens and invitations, and the
-- audit, have no policy at all: only functions read and write them.

CREATE OR REPLACE FUNCTION casnet_internal.install_policies() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted record;
	policy_name text;
BEGIN
	FOR wanted IN
		SELECT t.relation, v.*
		  FROM (VALUES
	('persons', 'SELECT', $p$tenant_id = casnet.tenant_with('view_persons')$p$),
	('persons', 'INSERT', $p$tenant_id = casnet.tenant_with('create_persons')$p$),
	('persons', 'UPDATE', $p$tenant_id = casnet.tenant_with('edit_persons')$p$),
	('persons', 'DELETE', $p$tenant_id = casnet.tenant_with('delete_persons')$p$),

	('records', 'SELECT', $p$tenant_id = casnet.tenant_with('view_records')$p$),
	('records', 'INSERT', $p$tenant_id = casnet.tenant_with('create_records')$p$),
	('records', 'UPDATE', $p$tenant_id = casnet.tenant_with('edit_records')$p$),
	('records', 'DELETE', $p$tenant_id = casnet.tenant_with('delete_records')$p$),

	('tags', 'SELECT', $p$tenant_id = casnet.tenant_with('view_tags')$p$),
	('tags', 'INSERT', $p$tenant_id = casnet.tenant_with('create_tags')$p$),
	('tags', 'UPDATE', $p$tenant_id = casnet.tenant_with('edit_tags')$p$),
	('tags', 'DELETE', $p$tenant_id = casnet.tenant_with('delete_tags')$p$),

	-- A link belongs to its record.
	('record_tags', 'SELECT', $p$tenant_id = casnet.tenant_with('view_records')$p$),
	('record_tags', 'INSERT', $p$tenant_id = casnet.tenant_with('edit_records')$p$),
	('record_tags', 'UPDATE', $p$tenant_id = casnet.tenant_with('edit_records')$p$),
	('record_tags', 'DELETE', $p$tenant_id = casnet.tenant_with('edit_records')$p$),

	('tasks', 'SELECT', $p$tenant_id = casnet.tenant_with('view_tasks')$p$),
	('tasks', 'INSERT', $p$tenant_id = casnet.tenant_with('create_tasks')$p$),
	('tasks', 'UPDATE', $p$tenant_id = casnet.tenant_with('edit_tasks')$p$),
	('tasks', 'DELETE', $p$tenant_id = casnet.tenant_with('delete_tasks')$p$),

	('calendar_events', 'SELECT', $p$tenant_id = casnet.tenant_with('view_calendar')$p$),
	('calendar_events', 'INSERT', $p$tenant_id = casnet.tenant_with('create_calendar')$p$),
	('calendar_events', 'UPDATE', $p$tenant_id = casnet.tenant_with('edit_calendar')$p$),
	('calendar_events', 'DELETE', $p$tenant_id = casnet.tenant_with('delete_calendar')$p$),

	-- Yourself, and with view_users the members of the active tenant; your
	-- own account only is yours to change (and by column, not all of it).
	('users', 'SELECT', $p$id = ANY (casnet_internal.visible_user_ids())$p$),
	('users', 'INSERT', $p$false$p$),
	('users', 'UPDATE', $p$id = casnet_internal.require_user()$p$),
	('users', 'DELETE', $p$false$p$),

	-- The tenants you belong to; casnet.create_tenant() makes new ones.
	('tenants', 'SELECT', $p$id = ANY (casnet_internal.my_tenant_ids())$p$),
	('tenants', 'INSERT', $p$false$p$),
	('tenants', 'UPDATE', $p$id = casnet.tenant_with('manage_tenant')$p$),
	('tenants', 'DELETE', $p$id = casnet.tenant_with('delete_tenant')$p$),

	-- The triggers casnet_guard judge what may be granted.
	('user_tenants', 'SELECT', $p$tenant_id = casnet.tenant_with('view_users')$p$),
	('user_tenants', 'INSERT', $p$tenant_id = casnet.tenant_with('manage_users')$p$),
	('user_tenants', 'UPDATE', $p$tenant_id = casnet.tenant_with('assign_roles')$p$),
	('user_tenants', 'DELETE', $p$tenant_id = casnet.tenant_with('manage_users')$p$),

	('user_tenant_permissions', 'SELECT', $p$tenant_id = casnet.tenant_with('view_users')$p$),
	('user_tenant_permissions', 'INSERT', $p$tenant_id = casnet.tenant_with('manage_permissions')$p$),
	('user_tenant_permissions', 'UPDATE', $p$tenant_id = casnet.tenant_with('manage_permissions')$p$),
	('user_tenant_permissions', 'DELETE', $p$tenant_id = casnet.tenant_with('manage_permissions')$p$),

	-- What the roles mean is no secret; only administrators change it.
	('role_permissions', 'SELECT', $p$casnet_internal.require_user() IS NOT NULL$p$),
	('role_permissions', 'INSERT', $p$false$p$),
	('role_permissions', 'UPDATE', $p$false$p$),
	('role_permissions', 'DELETE', $p$false$p$)
		  ) AS v (name, command, expression)
		  JOIN casnet_internal.managed_tables() AS t
			ON t.relation = to_regclass('casnet.' || v.name)
	LOOP
		policy_name := 'casnet_' || lower(wanted.command);
		EXECUTE format('DROP POLICY IF EXISTS %I ON %s',
					   policy_name, wanted.relation);
		EXECUTE format('CREATE POLICY %I ON %s FOR %s TO PUBLIC %s (%s)',
					   policy_name, wanted.relation, wanted.command,
					   CASE wanted.command WHEN 'INSERT' THEN 'WITH CHECK'
							ELSE 'USING' END,
					   wanted.expression);
		EXECUTE format('COMMENT ON POLICY %I ON %s IS %L',
					   policy_name, wanted.relation,
					   'casnet: whose rows anybody may ' ||
					   lower(wanted.command));
	END LOOP;

	FOR wanted IN
		SELECT relation FROM casnet_internal.managed_tables() WHERE kind = 'administration'
	LOOP
		EXECUTE format('DROP POLICY IF EXISTS casnet_admin ON %s',
					   wanted.relation);
		EXECUTE format('CREATE POLICY casnet_admin ON %s FOR ALL '
					   'TO casnet_admin USING (true) WITH CHECK (true)',
					   wanted.relation);
		EXECUTE format('COMMENT ON POLICY casnet_admin ON %s IS %L',
					   wanted.relation,
					   'casnet: administrators decide about access');
	END LOOP;

	FOR wanted IN SELECT relation FROM casnet_internal.managed_tables() LOOP
		EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY',
					   wanted.relation);
		EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY',
					   wanted.relation);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.install_policies() IS
	'internal: puts the policies on the tables';
