-- Export of a tenant, as JSON documents.
--
-- Export is two functions: one for users, which judges the session and reads
-- with its owner's rights, since policies show the active tenant only; one
-- for superusers, who need no session.  Functions of language SQL return
-- their rows one by one, so nothing is collected.

CREATE OR REPLACE FUNCTION casnet_internal.managed_tenant(tenant_id uuid) RETURNS uuid
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted uuid := coalesce(managed_tenant.tenant_id,
							casnet.current_tenant_id());
BEGIN
	PERFORM casnet_internal.require_user();
	IF wanted IS NULL THEN
		RAISE EXCEPTION 'no tenant is active'
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'Give the id of a tenant, or choose one with SELECT casnet.use_tenant(''name'').';
	ELSIF casnet_internal.can_in(wanted, 'manage_tenant') THEN
		RETURN wanted;
	ELSIF wanted = ANY (casnet_internal.my_tenant_ids()) THEN
		RAISE EXCEPTION 'permission "manage_tenant" is missing in that tenant'
			USING ERRCODE = 'insufficient_privilege',
				  HINT = 'An owner of the tenant can do it.';
	END IF;
	RAISE EXCEPTION 'the tenant does not exist, or you are not a member of it'
		USING ERRCODE = 'P0002',
			  HINT = 'casnet.my_tenants() lists the tenants you belong to.';
END
$$;
COMMENT ON FUNCTION casnet_internal.managed_tenant(uuid) IS
	'internal: the tenant, or the active one for NULL, if the user of this session holds manage_tenant there, else an error';

CREATE OR REPLACE FUNCTION casnet_internal.existing_tenant(tenant_id uuid) RETURNS uuid
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted uuid := coalesce(existing_tenant.tenant_id,
							casnet.current_tenant_id());
BEGIN
	IF wanted IS NULL THEN
		RAISE EXCEPTION 'no tenant is active'
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'Give the id of a tenant.';
	ELSIF NOT EXISTS (SELECT FROM casnet.tenants AS t WHERE t.id = wanted) THEN
		RAISE EXCEPTION 'there is no such tenant'
			USING ERRCODE = 'P0002',
				  HINT = 'SELECT id, name FROM casnet.tenants lists them.';
	END IF;
	RETURN wanted;
END
$$;
COMMENT ON FUNCTION casnet_internal.existing_tenant(uuid) IS
	'internal: the tenant, or the active one for NULL, or an error when there is none; for superusers';

-- It asks existing_tenant(), which users may not call.
CREATE OR REPLACE FUNCTION casnet_internal.tenant_documents(tenant_id uuid) RETURNS SETOF jsonb
	LANGUAGE sql STABLE ROWS 10000
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT jsonb_build_object('casnet', 'tenant', 'version', 1, 'tenant',
			jsonb_build_object('name', t.name, 'description', t.description,
				'created_at', casnet_internal.document_time(t.created_at)))
	  FROM casnet_internal.existing_tenant(tenant_documents.tenant_id) AS wanted (id)
	  LEFT JOIN casnet.tenants AS t ON t.id = wanted.id
	UNION ALL
	(SELECT jsonb_build_object('table', 'members', 'row',
			jsonb_build_object('username', u.username, 'email', u.email,
				'role', m.role, 'permissions', ARRAY(
					SELECT p.permission
					  FROM casnet.user_tenant_permissions AS p
					 WHERE p.user_id = m.user_id AND p.tenant_id = m.tenant_id
					 ORDER BY p.permission COLLATE "C"),
				'created_at', casnet_internal.document_time(m.created_at)))
	  FROM casnet.user_tenants AS m
	  JOIN casnet.users AS u ON u.id = m.user_id
	 WHERE m.tenant_id = tenant_documents.tenant_id
	 ORDER BY u.username COLLATE "C")
	UNION ALL
	(SELECT jsonb_build_object('table', 'persons', 'row',
			jsonb_build_object('id', p.id, 'name', p.name,
				'date_of_birth', p.date_of_birth, 'gender', p.gender,
				'contact_info', p.contact_info,
				'created_at', casnet_internal.document_time(p.created_at),
				'updated_at', casnet_internal.document_time(p.updated_at)))
	  FROM casnet.persons AS p
	 WHERE p.tenant_id = tenant_documents.tenant_id
	 ORDER BY p.id)
	UNION ALL
	(SELECT jsonb_build_object('table', 'records', 'row',
			jsonb_build_object('id', r.id, 'title', r.title,
				'content', r.content,
				'created_at', casnet_internal.document_time(r.created_at),
				'updated_at', casnet_internal.document_time(r.updated_at)))
	  FROM casnet.records AS r
	 WHERE r.tenant_id = tenant_documents.tenant_id
	 ORDER BY r.id)
	UNION ALL
	(SELECT jsonb_build_object('table', 'tags', 'row',
			jsonb_build_object('id', t.id, 'name', t.name,
				'created_at', casnet_internal.document_time(t.created_at),
				'updated_at', casnet_internal.document_time(t.updated_at)))
	  FROM casnet.tags AS t
	 WHERE t.tenant_id = tenant_documents.tenant_id
	 ORDER BY t.id)
	UNION ALL
	(SELECT jsonb_build_object('table', 'record_tags', 'row',
			jsonb_build_object('record_id', l.record_id, 'tag_id', l.tag_id,
				'created_at', casnet_internal.document_time(l.created_at),
				'updated_at', casnet_internal.document_time(l.updated_at)))
	  FROM casnet.record_tags AS l
	 WHERE l.tenant_id = tenant_documents.tenant_id
	 ORDER BY l.record_id, l.tag_id)
	UNION ALL
	(SELECT jsonb_build_object('table', 'tasks', 'row',
			jsonb_build_object('id', t.id, 'title', t.title,
				'description', t.description, 'status', t.status,
				'priority', t.priority,
				'due_date', casnet_internal.document_time(t.due_date),
				'completed_at', casnet_internal.document_time(t.completed_at),
				'assignee', (SELECT u.username FROM casnet.users AS u
							 WHERE u.id = t.assignee_id),
				'record_id', t.record_id,
				'created_at', casnet_internal.document_time(t.created_at),
				'updated_at', casnet_internal.document_time(t.updated_at)))
	  FROM casnet.tasks AS t
	 WHERE t.tenant_id = tenant_documents.tenant_id
	 ORDER BY t.id)
	UNION ALL
	(SELECT jsonb_build_object('table', 'calendar_events', 'row',
			jsonb_build_object('id', e.id, 'title', e.title,
				'description', e.description, 'location', e.location,
				'starts_at', casnet_internal.document_time(e.starts_at),
				'ends_at', casnet_internal.document_time(e.ends_at),
				'all_day', e.all_day, 'recurrence_rule', e.recurrence_rule,
				'status', e.status, 'record_id', e.record_id,
				'created_at', casnet_internal.document_time(e.created_at),
				'updated_at', casnet_internal.document_time(e.updated_at)))
	  FROM casnet.calendar_events AS e
	 WHERE e.tenant_id = tenant_documents.tenant_id
	 ORDER BY e.id)
$$;
COMMENT ON FUNCTION casnet_internal.tenant_documents(uuid) IS
	'internal: the documents of export_tenant()';

CREATE OR REPLACE FUNCTION casnet_internal.export_tenant_in_session(tenant_id uuid)
	RETURNS SETOF jsonb
	LANGUAGE sql STABLE SECURITY DEFINER ROWS 10000
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT casnet_internal.tenant_documents(
		casnet_internal.managed_tenant(export_tenant_in_session.tenant_id))
$$;
COMMENT ON FUNCTION casnet_internal.export_tenant_in_session(uuid) IS
	'internal: export_tenant() for users';

-- A superuser may read every tenant, but what is in the tables' indexes and checks is
-- their owner's.  Nobody else may call this.
CREATE OR REPLACE FUNCTION casnet_internal.export_tenant_as_owner(tenant_id uuid)
	RETURNS SETOF jsonb
	LANGUAGE sql STABLE SECURITY DEFINER ROWS 10000
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT casnet_internal.tenant_documents(export_tenant_as_owner.tenant_id)
$$;
COMMENT ON FUNCTION casnet_internal.export_tenant_as_owner(uuid) IS
	'internal: export_tenant() with the rights of the owner of the tables';

-- Between the two, since all that a query calls is asked for before it runs.
CREATE OR REPLACE FUNCTION casnet_internal.export_tenant_for_operator(tenant_id uuid)
	RETURNS SETOF jsonb
	LANGUAGE sql STABLE ROWS 10000
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT casnet_internal.export_tenant_as_owner(
		coalesce(export_tenant_for_operator.tenant_id,
				 casnet.current_tenant_id()))
$$;
COMMENT ON FUNCTION casnet_internal.export_tenant_for_operator(uuid) IS
	'internal: export_tenant() for superusers';

CREATE OR REPLACE FUNCTION casnet.export_tenant(tenant_id uuid DEFAULT NULL)
	RETURNS SETOF jsonb
	LANGUAGE sql STABLE ROWS 10000
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT casnet_internal.export_tenant_in_session(export_tenant.tenant_id)
	 WHERE NOT casnet_internal.is_operator()
	UNION ALL
	SELECT casnet_internal.export_tenant_for_operator(export_tenant.tenant_id)
	 WHERE casnet_internal.is_operator()
$$;
COMMENT ON FUNCTION casnet.export_tenant(uuid) IS
	'a tenant, or the active one, with its members and everything in it, a JSON document a row; takes manage_tenant there';
