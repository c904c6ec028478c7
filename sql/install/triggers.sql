-- The triggers.  Those that announce a change fire ALWAYS, also for rows that logical
-- replication brings.  So do those that keep rows in their tenant: no setting turns them off.

-- Triggers of many tables, by the kind of the table.  The level includes the condition.
CREATE OR REPLACE FUNCTION casnet_internal.wanted_general_triggers(
	OUT table_name text, OUT name text, OUT event text, OUT level text, OUT call text,
	OUT enable text, OUT meaning text)
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT w.table_name, v.name, v.event, v.level, v.call, v.enable, v.meaning
	  FROM (SELECT t.table_name, t.kind,
				   t.kind = 'tenant' OR t.table_name IN (
						'casnet.user_tenants', 'casnet.user_tenant_permissions')
				   AS is_of_tenant
			  FROM casnet_internal.wanted_tables() AS t) AS w
	  JOIN LATERAL (VALUES
		(w.kind <> 'audit', 'casnet_updated_at', 'BEFORE UPDATE', 'ROW',
		 'touch_updated_at()', '', 'updated_at moves on every update'),
		(w.is_of_tenant, 'casnet_fill_tenant', 'BEFORE INSERT', 'ROW',
		 'fill_tenant()', '', 'NULL stands for the active tenant'),
		(w.is_of_tenant OR w.kind = 'invitation', 'casnet_keep_tenant',
		 'BEFORE UPDATE OF tenant_id', 'ROW', 'keep_tenant()', 'ALWAYS',
		 'no row moves to another tenant'),
		(w.is_of_tenant OR w.kind = 'invitation', 'casnet_kept_tenant', 'AFTER UPDATE',
		 'ROW WHEN (OLD.tenant_id IS DISTINCT FROM NEW.tenant_id)', 'keep_tenant()',
		 'ALWAYS', 'no trigger moves a row to another tenant'),
		(w.table_name IN ('casnet.users', 'casnet.tenants', 'casnet.user_tenants',
						  'casnet.roles'),
		 'casnet_guard_cascade', 'BEFORE DELETE OR TRUNCATE OR UPDATE OF '
			|| CASE w.table_name WHEN 'casnet.user_tenants' THEN 'user_id, tenant_id'
					WHEN 'casnet.roles' THEN 'name' ELSE 'id' END,
		 'STATEMENT', 'guard_cascade()', 'ALWAYS',
		 'no code of others runs in the session of whoever deletes'),
		(w.kind IN ('administration', 'token'), 'casnet_announce_row',
		 'AFTER INSERT OR UPDATE OR DELETE', 'ROW', 'announce_change()', 'ALWAYS',
		 'every session looks permissions up again'),
		(w.kind IN ('administration', 'token'), 'casnet_announce_truncate',
		 'AFTER TRUNCATE', 'STATEMENT', 'announce_change()', 'ALWAYS',
		 'every session looks permissions up again'),
		(w.kind = 'audit', 'casnet_append_only_truncate', 'BEFORE TRUNCATE',
		 'STATEMENT', 'refuse_audit_change()', 'ALWAYS',
		 'entries of the audit stay as they are'))
			AS v (is_wanted, name, event, level, call, enable, meaning)
		ON v.is_wanted
$$;
COMMENT ON FUNCTION casnet_internal.wanted_general_triggers() IS
	'internal: the triggers that tables have by their kind';

CREATE OR REPLACE FUNCTION casnet_internal.wanted_triggers(
	OUT table_name text, OUT name text, OUT event text, OUT level text, OUT call text,
	OUT enable text, OUT meaning text)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT w.* FROM casnet_internal.wanted_general_triggers() AS w
	UNION ALL
	SELECT p.relation::text, w.name, w.event, w.level, w.call, w.enable, w.meaning
	  FROM casnet_internal.audit_partitions() AS p
	  JOIN casnet_internal.wanted_general_triggers() AS w
		ON w.table_name = 'casnet_internal.audit_entries_default'
	 WHERE p.since IS NOT NULL
	UNION ALL
	-- Triggers fire in the order of their names.  This is the first of casnet's, so the others
	-- see the form.  Functions find a row by that form only, so rows that replication and tools
	-- for loading bring get it, too, and no other trigger changes it.
	SELECT v.table_name, w.name, w.event, 'ROW', v.call, 'ALWAYS', w.meaning
	  FROM (VALUES
		('casnet_canonical_names', 'BEFORE INSERT OR UPDATE', 'names are stored in their form'),
		('casnet_kept_names', 'AFTER INSERT OR UPDATE',
		 'no trigger changes the form of a name')) AS w (name, event, meaning)
	 CROSS JOIN (VALUES
		('casnet.users', $c$normalize_account_names('username', 'email')$c$),
		('casnet.tenants', $c$normalize_names('name')$c$),
		('casnet.tags', $c$normalize_names('name')$c$),
		('casnet.persons', $c$normalize_names('name')$c$),
		('casnet.record_persons', $c$normalize_names('relation')$c$),
		('casnet_internal.invitations', $c$normalize_account_names('email')$c$))
			AS v (table_name, call)
	UNION ALL
	VALUES
	('casnet_internal.audit_entries', 'casnet_append_only',
	 'BEFORE UPDATE OR DELETE', 'ROW', 'refuse_audit_change()', 'ALWAYS',
	 'entries of the audit stay as they are'),
	-- As wanted_checks(), but with a hint.
	('casnet.users', 'casnet_check_full_name',
	 'BEFORE INSERT OR UPDATE OF full_name', 'ROW',
	 $c$check_text('full_name', '1000')$c$, '',
	 'the full name is not too long'),
	('casnet.tenants', 'casnet_check_description',
	 'BEFORE INSERT OR UPDATE OF description', 'ROW',
	 $c$check_text('description', '10000')$c$, '',
	 'a description is not too long'),
	('casnet.tenants', 'casnet_check_name',
	 'BEFORE INSERT OR UPDATE OF name', 'ROW',
	 $c$check_text('name')$c$, '',
	 'no tenant has a name that is an id'),
	('casnet.users', 'casnet_take_password',
	 'BEFORE INSERT OR UPDATE OF hashed_password', 'ROW', 'take_password()',
	 '', 'a hash is written and never read'),
	('casnet.users', 'casnet_keep_password',
	 'AFTER INSERT OR DELETE OR UPDATE OF hashed_password', 'ROW',
	 'keep_password()', '',
	 'a hash is stored where nobody reads it, and ends tokens'),
	('casnet.users', 'casnet_one_namespace',
	 'AFTER INSERT OR UPDATE', 'ROW',
	 'keep_one_namespace()', '',
	 'no username is the email address of another account'),
	('casnet.users', 'casnet_end_invitations',
	 'AFTER UPDATE OR DELETE', 'ROW', 'end_invitations()', '',
	 'an invitation gives nothing back to a deactivated account'),
	('casnet.users', 'casnet_end_codes',
	 'AFTER UPDATE OR DELETE', 'ROW', 'end_codes()', '',
	 'a code gives nothing back after a change of address or password'),
	('casnet.user_tenants', 'casnet_end_invitations',
	 'AFTER INSERT OR UPDATE OR DELETE', 'ROW', 'end_invitations()', '',
	 'an invitation gives back nothing that was taken away'),
	('casnet.user_tenant_permissions', 'casnet_end_invitations',
	 'AFTER UPDATE OR DELETE', 'ROW', 'end_invitations()', '',
	 'an invitation ends with the rights of whoever made it'),
	('casnet.role_permissions', 'casnet_end_invitations',
	 'AFTER UPDATE OR DELETE', 'ROW', 'end_invitations()', '',
	 'an invitation ends with the rights of whoever made it'),
	('casnet.tasks', 'casnet_completed_at',
	 'BEFORE INSERT OR UPDATE', 'ROW', 'stamp_completed_at()', '',
	 'completed_at follows status'),
	('casnet.calendar_events', 'casnet_check_event',
	 'BEFORE INSERT OR UPDATE', 'ROW', 'check_event()', '',
	 'time zone and recurrence rule are right, and whole days begin at midnight'),
	('casnet.user_tenants', 'casnet_guard',
	 'BEFORE INSERT OR UPDATE OR DELETE', 'ROW', 'guard_membership()', '',
	 'nobody grants a role above their own'),
	('casnet.user_tenant_permissions', 'casnet_guard',
	 'BEFORE INSERT OR UPDATE OR DELETE', 'ROW', 'guard_grant()', '',
	 'nobody grants a permission that they do not hold'),
	('casnet.roles', 'casnet_keep_role',
	 'BEFORE UPDATE OR DELETE', 'ROW', 'keep_role()', '',
	 'a role that casnet names, or that a member has, stays'),
	('casnet.user_tenants', 'casnet_last_owner',
	 'AFTER UPDATE OR DELETE', 'ROW', 'keep_last_owner()', '',
	 'a tenant keeps its last owner'),
	('casnet.user_tenants', 'casnet_last_owner_truncate',
	 'AFTER TRUNCATE', 'STATEMENT', 'keep_owners_on_truncate()', '',
	 'a tenant keeps its last owner')
	UNION ALL
	-- In the place of keys that Citus does not take.
	SELECT v.table_name, 'casnet_clear_references', 'BEFORE DELETE', 'ROW', v.call, 'ALWAYS',
		   'what refers to a deleted row forgets it'
	  FROM (VALUES
		('casnet.records', $c$clear_references('tasks', 'record_id', 'id', 'calendar_events', 'record_id', 'id')$c$),
		('casnet.user_tenants', $c$clear_references('tasks', 'assignee_id', 'user_id')$c$))
			AS v (table_name, call)
	 WHERE casnet_internal.is_distributed()
	UNION ALL
	SELECT 'casnet_internal.audit_on_nodes', v.name, v.event, v.level, 'refuse_audit_change()',
		   'ALWAYS', 'entries of the audit stay as they are'
	  FROM (VALUES
		('casnet_append_only', 'BEFORE UPDATE OR DELETE', 'ROW'),
		('casnet_append_only_truncate', 'BEFORE TRUNCATE', 'STATEMENT')) AS v (name, event, level)
	 WHERE to_regclass('casnet_internal.audit_on_nodes') IS NOT NULL
$$;
COMMENT ON FUNCTION casnet_internal.wanted_triggers() IS
	'internal: the triggers that casnet.install() makes';

CREATE OR REPLACE FUNCTION casnet_internal.install_triggers() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted record;
BEGIN
	FOR wanted IN SELECT w.* FROM casnet_internal.wanted_triggers() AS w LOOP
		EXECUTE format('CREATE OR REPLACE TRIGGER %I %s ON %s FOR EACH %s '
					   'EXECUTE FUNCTION casnet_internal.%s', wanted.name, wanted.event,
					   wanted.table_name, wanted.level, wanted.call);
		EXECUTE format('ALTER TABLE %s ENABLE %s TRIGGER %I',
					   wanted.table_name, wanted.enable, wanted.name);
		EXECUTE format('COMMENT ON TRIGGER %I ON %s IS %L',
					   wanted.name, wanted.table_name, wanted.meaning);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.install_triggers() IS
	'internal: puts the triggers on the tables';
