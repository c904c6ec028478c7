-- Export of a tenant, as JSON documents.
--
-- Export is two functions.  The one for users judges the session and reads with
-- its owner's rights, since policies show the active tenant only.  The other is
-- for superusers, who need no session.  Functions of language SQL return their
-- rows one by one, so nothing is collected.

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
		PERFORM casnet_internal.refuse_in(wanted, 'manage_tenant');
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

CREATE OR REPLACE FUNCTION casnet_internal.table_documents(
	relation regclass, name text, tenant_column name, columns text[], kinds text[],
	tenant_id uuid, members jsonb)
	RETURNS SETOF jsonb
	LANGUAGE c STABLE STRICT ROWS 10000
	AS 'MODULE_PATHNAME', 'casnet_table_documents';
COMMENT ON FUNCTION casnet_internal.table_documents(regclass, text, name, text[], text[], uuid, jsonb) IS
	'internal: the rows of a tenant in a table, read as the owner of the table, as documents';

CREATE OR REPLACE FUNCTION casnet_internal.exported_tables(own_tables boolean) RETURNS jsonb
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	exported record;
	tables jsonb := '[]';
BEGIN
	FOR exported IN
		SELECT t.name, t.relation, t.is_own FROM casnet_internal.document_tables() AS t
	LOOP
		CONTINUE WHEN exported.is_own AND NOT own_tables;
		-- A query of a table runs the code of its partitions too.
		IF exported.is_own THEN
			PERFORM casnet_internal.require_one_owner(exported.relation);
		END IF;
		tables := tables || (
			SELECT jsonb_build_object('name', exported.name,
					'relation', exported.relation::oid, 'tenant_column',
					casnet_internal.tenant_column(exported.relation),
					'columns', jsonb_agg(c.name ORDER BY c.n),
					'kinds', jsonb_agg(c.kind ORDER BY c.n),
					'types', jsonb_object_agg(c.name, c.type))
			  FROM casnet_internal.document_columns(exported.relation)
				   WITH ORDINALITY AS c (name, type, kind, required, n));
	END LOOP;
	RETURN tables;
END
$$;
COMMENT ON FUNCTION casnet_internal.exported_tables(boolean) IS
	'internal: the tables of an export, and their columns';

-- The first document.  It names all columns, so that an import knows what it can carry.
CREATE OR REPLACE FUNCTION casnet_internal.document_header(tenant_id uuid, own_tables boolean,
	tables jsonb)
	RETURNS jsonb
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	left_out CONSTANT text[] := ARRAY(
		SELECT t.name FROM casnet_internal.document_tables() AS t
		 WHERE t.is_own AND NOT own_tables);
	added CONSTANT jsonb := (SELECT coalesce(jsonb_object_agg(c.name, c.type), '{}')
		FROM casnet_internal.document_added_columns('casnet.tenants') AS c);
	tenant jsonb;
BEGIN
	SELECT d->'row' INTO tenant
	  FROM casnet_internal.table_documents('casnet.tenants', 'tenants', 'id',
			'{id, name, description, created_at}'::text[]
				|| ARRAY(SELECT c.name FROM casnet_internal.document_added_columns('casnet.tenants') AS c),
			'{text, text, text?, time}'::text[]
				|| ARRAY(SELECT c.kind FROM casnet_internal.document_added_columns('casnet.tenants') AS c),
			document_header.tenant_id,
			casnet_internal.member_names(document_header.tenant_id)) AS d;
	IF left_out <> '{}' THEN
		RAISE NOTICE 'the export leaves out tables of the application: %',
				array_to_string(left_out, ', ')
			USING HINT = 'SELECT casnet.export_tenant(own_tables => true) exports them too.';
	END IF;
	RETURN jsonb_build_object('casnet', 'tenant', 'version', 1, 'tenant', tenant,
		'left_out', to_jsonb(left_out),
		'columns', jsonb_build_object('tenants', added, 'members',
				(SELECT coalesce(jsonb_object_agg(c.name, c.type), '{}')
				   FROM casnet_internal.document_added_columns('casnet.user_tenants') AS c))
			|| (SELECT jsonb_object_agg(t->>'name', t->'types')
				  FROM jsonb_array_elements(tables) AS t));
END
$$;
COMMENT ON FUNCTION casnet_internal.document_header(uuid, boolean, jsonb) IS
	'internal: the header of the documents of a tenant, which says what they have';

CREATE OR REPLACE FUNCTION casnet_internal.member_names(tenant_id uuid) RETURNS jsonb
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT coalesce(jsonb_object_agg(u.id, u.username), '{}')
	  FROM casnet.user_tenants AS m
	  JOIN casnet.users AS u ON u.id = m.user_id
	 WHERE m.tenant_id = member_names.tenant_id
$$;
COMMENT ON FUNCTION casnet_internal.member_names(uuid) IS
	'internal: the usernames of the members of a tenant, by id';

-- By username; NULL without such columns.
CREATE OR REPLACE FUNCTION casnet_internal.added_to_members(tenant_id uuid) RETURNS jsonb
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT jsonb_object_agg(d#>>'{row,user_id}', (d->'row') - 'user_id')
	  FROM (SELECT array_agg(a.name) AS names, array_agg(a.kind) AS kinds
			  FROM casnet_internal.document_added_columns('casnet.user_tenants') AS a
			HAVING count(*) > 0) AS c
	 CROSS JOIN LATERAL casnet_internal.table_documents('casnet.user_tenants',
			'members', 'tenant_id', 'user_id'::text || c.names, 'member'::text || c.kinds,
			added_to_members.tenant_id,
			casnet_internal.member_names(added_to_members.tenant_id)) AS d
$$;
COMMENT ON FUNCTION casnet_internal.added_to_members(uuid) IS
	'internal: the values of the columns that somebody has added to user_tenants';

-- It asks existing_tenant(), which users may not call.
CREATE OR REPLACE FUNCTION casnet_internal.tenant_documents(tenant_id uuid, own_tables boolean)
	RETURNS SETOF jsonb
	LANGUAGE sql STABLE ROWS 10000
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH exported AS MATERIALIZED (
		SELECT casnet_internal.exported_tables(tenant_documents.own_tables) AS tables,
			   casnet_internal.member_names(tenant_documents.tenant_id) AS members
	)
	SELECT casnet_internal.document_header(
			casnet_internal.existing_tenant(tenant_documents.tenant_id),
			tenant_documents.own_tables, x.tables)
	  FROM exported AS x
	UNION ALL
	(SELECT jsonb_build_object('table', 'members', 'row',
			coalesce(a.added->u.username, '{}') ||
			jsonb_build_object('username', u.username, 'email', u.email,
				'role', m.role, 'permissions', ARRAY(
					SELECT p.permission
					  FROM casnet.user_tenant_permissions AS p
					 WHERE p.user_id = m.user_id AND p.tenant_id = m.tenant_id
					 ORDER BY p.permission COLLATE "C"),
				'created_at', casnet_internal.document_time(m.created_at)))
	  FROM casnet.user_tenants AS m
	  JOIN casnet.users AS u ON u.id = m.user_id
	 CROSS JOIN (SELECT casnet_internal.added_to_members(tenant_documents.tenant_id)
				 OFFSET 0) AS a (added)
	 WHERE m.tenant_id = tenant_documents.tenant_id
	 ORDER BY u.username COLLATE "C")
	UNION ALL
	SELECT casnet_internal.table_documents(t.relation::regclass, t.name, t.tenant_column,
			t.columns, t.kinds, tenant_documents.tenant_id, t.members)
	  FROM (SELECT t.*, x.members
			  FROM exported AS x
			 CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(x.tables)
				AS (name text, relation oid, tenant_column name, columns text[], kinds text[]))
				WITH ORDINALITY AS t (name, relation, tenant_column, columns, kinds, n)
			 ORDER BY t.n OFFSET 0) AS t
$$;
COMMENT ON FUNCTION casnet_internal.tenant_documents(uuid, boolean) IS
	'internal: the documents of export_tenant()';

-- An export passes all policies.  Those of casnet let whoever manages the tenant see all of
-- it, but a restrictive policy of somebody else can hide rows from them.
CREATE OR REPLACE FUNCTION casnet_internal.unnarrowed_tenant(tenant_id uuid) RETURNS uuid
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	narrowing text;
BEGIN
	SELECT string_agg(format('%I on %s', p.polname, p.polrelid::regclass), ', '
					  ORDER BY p.polrelid::regclass::text, p.polname)
	  INTO narrowing
	  FROM pg_policy AS p
	 WHERE NOT p.polpermissive AND p.polcmd IN ('r', '*')
	   AND (p.polrelid IN (SELECT m.relation FROM casnet_internal.managed_tables() AS m)
			OR p.polrelid IN (SELECT t.relation
								FROM casnet_internal.list_protected_tables() AS t));
	IF narrowing IS NOT NULL THEN
		RAISE EXCEPTION 'an export would have rows that restrictive policies hide'
			USING ERRCODE = 'insufficient_privilege',
				  DETAIL = format('The policies are %s.', narrowing),
				  HINT = 'Ask a superuser to export the tenant.';
	END IF;
	RETURN tenant_id;
END
$$;
COMMENT ON FUNCTION casnet_internal.unnarrowed_tenant(uuid) IS
	'internal: the tenant; 42501 if a restrictive policy hides rows from members';

CREATE OR REPLACE FUNCTION casnet_internal.export_tenant_in_session(tenant_id uuid,
	own_tables boolean)
	RETURNS SETOF jsonb
	LANGUAGE sql STABLE SECURITY DEFINER ROWS 10000
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT casnet_internal.tenant_documents(
		casnet_internal.unnarrowed_tenant(
			casnet_internal.managed_tenant(export_tenant_in_session.tenant_id)),
		export_tenant_in_session.own_tables)
$$;
COMMENT ON FUNCTION casnet_internal.export_tenant_in_session(uuid, boolean) IS
	'internal: export_tenant() for users';

-- A superuser may read every tenant, but the code in the tables' indexes and checks is
-- their owner's and runs as that.  Nobody else may call this.
CREATE OR REPLACE FUNCTION casnet_internal.export_tenant_as_owner(tenant_id uuid,
	own_tables boolean)
	RETURNS SETOF jsonb
	LANGUAGE sql STABLE SECURITY DEFINER ROWS 10000
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT casnet_internal.tenant_documents(export_tenant_as_owner.tenant_id,
		export_tenant_as_owner.own_tables)
$$;
COMMENT ON FUNCTION casnet_internal.export_tenant_as_owner(uuid, boolean) IS
	'internal: export_tenant() with the rights of the owner of the tables';

-- It stands between those two, since the server asks for EXECUTE on all that a query calls
-- before the query runs.
CREATE OR REPLACE FUNCTION casnet_internal.export_tenant_for_operator(tenant_id uuid,
	own_tables boolean)
	RETURNS SETOF jsonb
	LANGUAGE sql STABLE ROWS 10000
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT casnet_internal.export_tenant_as_owner(
		coalesce(export_tenant_for_operator.tenant_id,
				 casnet.current_tenant_id()),
		export_tenant_for_operator.own_tables)
$$;
COMMENT ON FUNCTION casnet_internal.export_tenant_for_operator(uuid, boolean) IS
	'internal: export_tenant() for superusers';

CREATE OR REPLACE FUNCTION casnet.export_tenant(tenant_id uuid DEFAULT NULL,
	own_tables boolean DEFAULT false)
	RETURNS SETOF jsonb
	LANGUAGE sql STABLE ROWS 10000
	SET search_path = pg_catalog, pg_temp
	-- LLVM would compile many small statements.
	SET jit = off
	AS $$
	SELECT casnet_internal.export_tenant_in_session(export_tenant.tenant_id,
													coalesce(own_tables, false))
	 WHERE NOT casnet_internal.is_operator()
	UNION ALL
	SELECT casnet_internal.export_tenant_for_operator(export_tenant.tenant_id,
													  coalesce(own_tables, false))
	 WHERE casnet_internal.is_operator()
$$;
COMMENT ON FUNCTION casnet.export_tenant(uuid, boolean) IS
	'a tenant, or the active one, with its members and everything in it, a JSON document a row; also protected tables if own_tables is true; takes manage_tenant there';
