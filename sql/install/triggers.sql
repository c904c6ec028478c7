-- The triggers.  Those that announce a change fire ALWAYS, so that they also
-- do for rows that logical replication brings; and those that keep rows in their
-- tenant, so that no setting turns them off.

CREATE OR REPLACE FUNCTION casnet_internal.install_triggers() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted record;
BEGIN
	FOR wanted IN
		SELECT 'casnet_updated_at' AS name, relation,
			   'BEFORE UPDATE' AS event, 'ROW' AS level,
			   'touch_updated_at()' AS call, '' AS enable,
			   'updated_at moves on every update' AS meaning
		  FROM casnet_internal.managed_tables() WHERE kind <> 'audit'
		UNION ALL
		SELECT 'casnet_keep_tenant', relation,
			   'BEFORE UPDATE OF tenant_id', 'ROW', 'keep_tenant()', 'ALWAYS',
			   'no row moves to another tenant'
		  FROM casnet_internal.managed_tables()
		 WHERE kind IN ('tenant', 'invitation')
			OR relation IN ('casnet.user_tenants'::regclass,
							'casnet.user_tenant_permissions'::regclass)
		UNION ALL
		SELECT 'casnet_kept_tenant', relation, 'AFTER UPDATE',
			   'ROW WHEN (OLD.tenant_id IS DISTINCT FROM NEW.tenant_id)',
			   'keep_tenant()', 'ALWAYS',
			   'no trigger moves a row to another tenant'
		  FROM casnet_internal.managed_tables()
		 WHERE kind IN ('tenant', 'invitation')
			OR relation IN ('casnet.user_tenants'::regclass,
							'casnet.user_tenant_permissions'::regclass)
		UNION ALL
		SELECT 'casnet_guard_cascade', relation,
			   'BEFORE DELETE OR TRUNCATE OR UPDATE OF '
			   || CASE relation WHEN 'casnet.user_tenants'::regclass
								THEN 'user_id, tenant_id' ELSE 'id' END,
			   'STATEMENT', 'guard_cascade()', 'ALWAYS',
			   'no code of others runs in the session of who deletes'
		  FROM casnet_internal.managed_tables()
		 WHERE relation IN ('casnet.users'::regclass,
							'casnet.tenants'::regclass,
							'casnet.user_tenants'::regclass)
		UNION ALL
		SELECT 'casnet_announce_row', relation,
			   'AFTER INSERT OR UPDATE OR DELETE', 'ROW',
			   'announce_change()', 'ALWAYS',
			   'every session looks permissions up again'
		  FROM casnet_internal.managed_tables() WHERE kind IN ('administration', 'token')
		UNION ALL
		SELECT 'casnet_announce_truncate', relation, 'AFTER TRUNCATE',
			   'STATEMENT', 'announce_change()', 'ALWAYS',
			   'every session looks permissions up again'
		  FROM casnet_internal.managed_tables() WHERE kind IN ('administration', 'token')
		UNION ALL
		SELECT 'casnet_append_only_truncate', relation, 'BEFORE TRUNCATE',
			   'STATEMENT', 'refuse_audit_change()', 'ALWAYS',
			   'entries of the audit stay as they are'
		  FROM casnet_internal.managed_tables() WHERE kind = 'audit'
		UNION ALL
		SELECT 'casnet_append_only_truncate', p.relation, 'BEFORE TRUNCATE',
			   'STATEMENT', 'refuse_audit_change()', 'ALWAYS',
			   'entries of the audit stay as they are'
		  FROM casnet_internal.audit_partitions() AS p WHERE p.since IS NOT NULL
		UNION ALL
		VALUES
		('casnet_append_only', 'casnet_internal.audit_entries'::regclass,
		 'BEFORE UPDATE OR DELETE', 'ROW', 'refuse_audit_change()', 'ALWAYS',
		 'entries of the audit stay as they are'),
		-- As install_checks(), with a hint.
		('casnet_check_full_name', 'casnet.users'::regclass,
		 'BEFORE INSERT OR UPDATE OF full_name', 'ROW',
		 $c$check_text('full_name', '1000')$c$, '',
		 'the name of a person has its bounds'),
		('casnet_check_description', 'casnet.tenants'::regclass,
		 'BEFORE INSERT OR UPDATE OF description', 'ROW',
		 $c$check_text('description', '10000')$c$, '',
		 'a description has its bounds'),
		('casnet_check_name', 'casnet.tenants'::regclass,
		 'BEFORE INSERT OR UPDATE OF name', 'ROW',
		 $c$check_text('name')$c$, '',
		 'no tenant is called like an id'),
		('casnet_take_password', 'casnet.users'::regclass,
		 'BEFORE INSERT OR UPDATE OF hashed_password', 'ROW', 'take_password()',
		 '', 'a hash is written and never read'),
		('casnet_keep_password', 'casnet.users'::regclass,
		 'AFTER INSERT OR DELETE OR UPDATE OF hashed_password', 'ROW',
		 'keep_password()', '',
		 'a hash goes where nobody reads it, and ends tokens'),
		('casnet_one_namespace', 'casnet.users'::regclass,
		 'AFTER INSERT OR UPDATE', 'ROW',
		 'keep_one_namespace()', '',
		 'no username is the email address of another account'),
		('casnet_end_invitations', 'casnet.users'::regclass,
		 'AFTER UPDATE OR DELETE', 'ROW', 'end_invitations()', '',
		 'who is deactivated is given nothing back by an invitation'),
		('casnet_end_invitations', 'casnet.user_tenants'::regclass,
		 'AFTER INSERT OR UPDATE OR DELETE', 'ROW', 'end_invitations()', '',
		 'what is taken away is not given back by an invitation'),
		('casnet_completed_at', 'casnet.tasks'::regclass,
		 'BEFORE INSERT OR UPDATE', 'ROW', 'stamp_completed_at()', '',
		 'completed_at follows status'),
		('casnet_guard', 'casnet.user_tenants'::regclass,
		 'BEFORE INSERT OR UPDATE OR DELETE', 'ROW', 'guard_membership()', '',
		 'nobody grants a role above their own'),
		('casnet_guard', 'casnet.user_tenant_permissions'::regclass,
		 'BEFORE INSERT OR UPDATE OR DELETE', 'ROW', 'guard_grant()', '',
		 'nobody grants a permission that they do not hold'),
		('casnet_last_owner', 'casnet.user_tenants'::regclass,
		 'AFTER UPDATE OR DELETE', 'ROW', 'keep_last_owner()', '',
		 'a tenant keeps its last owner'),
		('casnet_last_owner_truncate', 'casnet.user_tenants'::regclass,
		 'AFTER TRUNCATE', 'STATEMENT', 'keep_owners_on_truncate()', '',
		 'a tenant keeps its last owner'),
		('casnet_clear_assignee', 'casnet.user_tenants'::regclass,
		 'BEFORE DELETE', 'ROW',
		 $c$clear_references('tasks', 'assignee_id', 'user_id')$c$, '',
		 'tasks of a member who leaves are assigned to nobody'),
		('casnet_clear_tasks', 'casnet.records'::regclass,
		 'BEFORE DELETE', 'ROW',
		 $c$clear_references('tasks', 'record_id', 'id')$c$, '',
		 'tasks outlive their record'),
		('casnet_clear_events', 'casnet.records'::regclass,
		 'BEFORE DELETE', 'ROW',
		 $c$clear_references('calendar_events', 'record_id', 'id')$c$, '',
		 'events outlive their record')
	LOOP
		EXECUTE format('CREATE OR REPLACE TRIGGER %I %s ON %s '
					   'FOR EACH %s EXECUTE FUNCTION casnet_internal.%s',
					   wanted.name, wanted.event, wanted.relation,
					   wanted.level, wanted.call);
		EXECUTE format('ALTER TABLE %s ENABLE %s TRIGGER %I',
					   wanted.relation, wanted.enable, wanted.name);
		EXECUTE format('COMMENT ON TRIGGER %I ON %s IS %L',
					   wanted.name, wanted.relation, wanted.meaning);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.install_triggers() IS
	'internal: puts the triggers on the tables';
