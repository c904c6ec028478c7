-- Export and import of a tenant, as JSON documents.
--
-- Export is two functions: one for users, which judges the session and reads
-- with its owner's rights, since policies show the active tenant only; one
-- for superusers, who need no session.  Functions of language SQL return
-- their rows one by one, so nothing is collected.
--
-- Import runs as its caller, who names the table with the documents: nobody
-- else's rights touch that table, and the rows go in under the policies, the
-- triggers and the keys.  All that is done with other rights is to make a
-- tenant with its old date, and to look up accounts.

-- Identity of a copy.

CREATE FUNCTION casnet.reissue_uuid(id uuid, tenant_id uuid) RETURNS uuid
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_reissue_uuid';
COMMENT ON FUNCTION casnet.reissue_uuid(uuid, uuid) IS
	'the id that a row gets as a copy in that tenant: the time of the old one, and a digest of both';

-- Which tenant, and whether the session may.

CREATE FUNCTION casnet.managed_tenant(tenant_id uuid) RETURNS uuid
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted uuid := coalesce(managed_tenant.tenant_id,
							casnet.current_tenant_id());
BEGIN
	PERFORM casnet.require_user();
	IF wanted IS NULL THEN
		RAISE EXCEPTION 'no tenant is active'
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'Give the id of a tenant, or choose one with SELECT casnet.use_tenant(''name'').';
	ELSIF casnet.can_in(wanted, 'manage_tenant') THEN
		RETURN wanted;
	ELSIF wanted = ANY (casnet.my_tenant_ids()) THEN
		RAISE EXCEPTION 'permission "manage_tenant" is missing in that tenant'
			USING ERRCODE = 'insufficient_privilege',
				  HINT = 'An owner of the tenant can do it.';
	END IF;
	RAISE EXCEPTION 'there is no such tenant among yours'
		USING ERRCODE = 'P0002',
			  HINT = 'casnet.my_tenants() lists the tenants you belong to.';
END
$$;
COMMENT ON FUNCTION casnet.managed_tenant(uuid) IS
	'internal: the tenant, or the active one for NULL, if the user of this session holds manage_tenant there, else an error';

CREATE FUNCTION casnet.existing_tenant(tenant_id uuid) RETURNS uuid
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
COMMENT ON FUNCTION casnet.existing_tenant(uuid) IS
	'internal: the tenant, or the active one for NULL, or an error when there is none; for superusers';

-- Export.

-- No volatile part and no SET, so that the planner puts it into the statement.
CREATE FUNCTION casnet.document_time(at timestamptz) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	AS $$
	SELECT CASE
		WHEN at OPERATOR(pg_catalog.=) 'infinity' THEN 'infinity'
		WHEN at OPERATOR(pg_catalog.=) '-infinity' THEN '-infinity'
		ELSE pg_catalog.to_char(
			pg_catalog.timezone('UTC', at),
			CASE WHEN at OPERATOR(pg_catalog.<) '0001-01-01 00:00:00Z'
				THEN 'YYYY-MM-DD"T"HH24:MI:SS.US"Z BC"'
				ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"' END)
		END
$$;
COMMENT ON FUNCTION casnet.document_time(timestamptz) IS
	'internal: a time in ISO 8601, UTC, to the microsecond, whatever the settings';

-- It asks existing_tenant(), which users may not call.
CREATE FUNCTION casnet.tenant_documents(tenant_id uuid) RETURNS SETOF jsonb
	LANGUAGE sql STABLE ROWS 10000
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT jsonb_build_object('casnet', 'tenant', 'version', 1, 'tenant',
			jsonb_build_object('name', t.name, 'description', t.description,
				'created_at', casnet.document_time(t.created_at)))
	  FROM casnet.existing_tenant(tenant_documents.tenant_id) AS wanted (id)
	  LEFT JOIN casnet.tenants AS t ON t.id = wanted.id
	UNION ALL
	(SELECT jsonb_build_object('table', 'members', 'row',
			jsonb_build_object('username', u.username, 'email', u.email,
				'role', m.role, 'permissions', ARRAY(
					SELECT p.permission
					  FROM casnet.user_tenant_permissions AS p
					 WHERE p.user_id = m.user_id AND p.tenant_id = m.tenant_id
					 ORDER BY p.permission COLLATE "C"),
				'created_at', casnet.document_time(m.created_at)))
	  FROM casnet.user_tenants AS m
	  JOIN casnet.users AS u ON u.id = m.user_id
	 WHERE m.tenant_id = tenant_documents.tenant_id
	 ORDER BY u.username COLLATE "C")
	UNION ALL
	(SELECT jsonb_build_object('table', 'persons', 'row',
			jsonb_build_object('id', p.id, 'name', p.name,
				'date_of_birth', p.date_of_birth, 'gender', p.gender,
				'contact_info', p.contact_info,
				'created_at', casnet.document_time(p.created_at),
				'updated_at', casnet.document_time(p.updated_at)))
	  FROM casnet.persons AS p
	 WHERE p.tenant_id = tenant_documents.tenant_id
	 ORDER BY p.id)
	UNION ALL
	(SELECT jsonb_build_object('table', 'records', 'row',
			jsonb_build_object('id', r.id, 'title', r.title,
				'content', r.content,
				'created_at', casnet.document_time(r.created_at),
				'updated_at', casnet.document_time(r.updated_at)))
	  FROM casnet.records AS r
	 WHERE r.tenant_id = tenant_documents.tenant_id
	 ORDER BY r.id)
	UNION ALL
	(SELECT jsonb_build_object('table', 'tags', 'row',
			jsonb_build_object('id', t.id, 'name', t.name,
				'created_at', casnet.document_time(t.created_at),
				'updated_at', casnet.document_time(t.updated_at)))
	  FROM casnet.tags AS t
	 WHERE t.tenant_id = tenant_documents.tenant_id
	 ORDER BY t.id)
	UNION ALL
	(SELECT jsonb_build_object('table', 'record_tags', 'row',
			jsonb_build_object('record_id', l.record_id, 'tag_id', l.tag_id,
				'created_at', casnet.document_time(l.created_at),
				'updated_at', casnet.document_time(l.updated_at)))
	  FROM casnet.record_tags AS l
	 WHERE l.tenant_id = tenant_documents.tenant_id
	 ORDER BY l.record_id, l.tag_id)
	UNION ALL
	(SELECT jsonb_build_object('table', 'tasks', 'row',
			jsonb_build_object('id', t.id, 'title', t.title,
				'description', t.description, 'status', t.status,
				'priority', t.priority,
				'due_date', casnet.document_time(t.due_date),
				'completed_at', casnet.document_time(t.completed_at),
				'assignee', (SELECT u.username FROM casnet.users AS u
							 WHERE u.id = t.assignee_id),
				'record_id', t.record_id,
				'created_at', casnet.document_time(t.created_at),
				'updated_at', casnet.document_time(t.updated_at)))
	  FROM casnet.tasks AS t
	 WHERE t.tenant_id = tenant_documents.tenant_id
	 ORDER BY t.id)
	UNION ALL
	(SELECT jsonb_build_object('table', 'calendar_events', 'row',
			jsonb_build_object('id', e.id, 'title', e.title,
				'description', e.description, 'location', e.location,
				'starts_at', casnet.document_time(e.starts_at),
				'ends_at', casnet.document_time(e.ends_at),
				'all_day', e.all_day, 'recurrence_rule', e.recurrence_rule,
				'status', e.status, 'record_id', e.record_id,
				'created_at', casnet.document_time(e.created_at),
				'updated_at', casnet.document_time(e.updated_at)))
	  FROM casnet.calendar_events AS e
	 WHERE e.tenant_id = tenant_documents.tenant_id
	 ORDER BY e.id)
$$;
COMMENT ON FUNCTION casnet.tenant_documents(uuid) IS
	'internal: the documents of export_tenant()';

CREATE FUNCTION casnet.export_tenant_in_session(tenant_id uuid)
	RETURNS SETOF jsonb
	LANGUAGE sql STABLE SECURITY DEFINER ROWS 10000
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT casnet.tenant_documents(
		casnet.managed_tenant(export_tenant_in_session.tenant_id))
$$;
COMMENT ON FUNCTION casnet.export_tenant_in_session(uuid) IS
	'internal: export_tenant() for users';

CREATE FUNCTION casnet.is_operator() RETURNS boolean
	LANGUAGE c STABLE
	AS 'MODULE_PATHNAME', 'casnet_is_operator';
COMMENT ON FUNCTION casnet.is_operator() IS
	'internal: whether the current database role is a superuser';

-- A superuser may read every tenant, but what is in the tables' indexes and checks is
-- their owner's.  Nobody else may call this.
CREATE FUNCTION casnet.export_tenant_as_owner(tenant_id uuid)
	RETURNS SETOF jsonb
	LANGUAGE sql STABLE SECURITY DEFINER ROWS 10000
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT casnet.tenant_documents(export_tenant_as_owner.tenant_id)
$$;
COMMENT ON FUNCTION casnet.export_tenant_as_owner(uuid) IS
	'internal: export_tenant() with the rights of the owner of the tables';

-- Between the two, since all that a query calls is asked for before it runs.
CREATE FUNCTION casnet.export_tenant_for_operator(tenant_id uuid)
	RETURNS SETOF jsonb
	LANGUAGE sql STABLE ROWS 10000
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT casnet.export_tenant_as_owner(
		coalesce(export_tenant_for_operator.tenant_id,
				 casnet.current_tenant_id()))
$$;
COMMENT ON FUNCTION casnet.export_tenant_for_operator(uuid) IS
	'internal: export_tenant() for superusers';

CREATE FUNCTION casnet.export_tenant(tenant_id uuid DEFAULT NULL)
	RETURNS SETOF jsonb
	LANGUAGE sql STABLE ROWS 10000
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT casnet.export_tenant_in_session(export_tenant.tenant_id)
	 WHERE NOT casnet.is_operator()
	UNION ALL
	SELECT casnet.export_tenant_for_operator(export_tenant.tenant_id)
	 WHERE casnet.is_operator()
$$;
COMMENT ON FUNCTION casnet.export_tenant(uuid) IS
	'a tenant, or the active one, with its members and everything in it, a JSON document a row; takes manage_tenant there';

-- The shape of the documents.

CREATE FUNCTION casnet.document_keys(
	OUT table_name text, OUT key text, OUT kind text)
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT v.table_name, split_part(k.pair, ' ', 1), split_part(k.pair, ' ', 2)
	  FROM (VALUES
		('tenant', 'name text, description text?, created_at time'),
		('members', 'username text, email text, role role, '
			'permissions names, created_at time'),
		('persons', 'id uuid, name text, date_of_birth date?, gender text?, '
			'contact_info object, created_at time, updated_at time'),
		('records', 'id uuid, title text, content text, created_at time, '
			'updated_at time'),
		('tags', 'id uuid, name text, created_at time, updated_at time'),
		('record_tags', 'record_id uuid, tag_id uuid, created_at time, '
			'updated_at time'),
		('tasks', 'id uuid, title text, description text?, status text, '
			'priority text, due_date time?, completed_at time?, '
			'assignee member?, record_id uuid?, created_at time, '
			'updated_at time'),
		('calendar_events', 'id uuid, title text, description text?, '
			'location text?, starts_at time, ends_at time?, all_day boolean, '
			'recurrence_rule text?, status text, record_id uuid?, '
			'created_at time, updated_at time')
	  ) AS v (table_name, shape),
	  LATERAL string_to_table(v.shape, ', ') WITH ORDINALITY AS k (pair, n)
	 ORDER BY v.table_name, k.n
$$;
COMMENT ON FUNCTION casnet.document_keys() IS
	'internal: the keys of the documents of a tenant and their kinds; "?" is: or null';

-- No SET, so that the planner puts it into the statement: with a constant
-- kind, one comparison is left of it.
CREATE FUNCTION casnet.document_value_fits(kind text, value jsonb)
	RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	AS $$
	SELECT CASE
		WHEN pg_catalog.right(kind, 1) OPERATOR(pg_catalog.=) '?'
			 AND pg_catalog.jsonb_typeof(value) OPERATOR(pg_catalog.=) 'null'
			THEN true
		WHEN pg_catalog.left(kind, 4) OPERATOR(pg_catalog.=) 'time'
			THEN pg_catalog.jsonb_typeof(value) OPERATOR(pg_catalog.=) 'string'
				AND (value OPERATOR(pg_catalog.#>>) '{}'
						OPERATOR(pg_catalog.~~) '____%-__-__T__:__:__.______Z%'
					 OR value OPERATOR(pg_catalog.#>>) '{}'
						OPERATOR(pg_catalog.=)
						ANY (ARRAY['infinity', '-infinity']))
		WHEN pg_catalog.left(kind, 4) OPERATOR(pg_catalog.=) 'date'
			THEN pg_catalog.jsonb_typeof(value) OPERATOR(pg_catalog.=) 'string'
				AND (value OPERATOR(pg_catalog.#>>) '{}'
						OPERATOR(pg_catalog.~~) '____%-__-__%'
					 OR value OPERATOR(pg_catalog.#>>) '{}'
						OPERATOR(pg_catalog.=)
						ANY (ARRAY['infinity', '-infinity']))
		WHEN kind OPERATOR(pg_catalog.=) 'role'
			THEN pg_catalog.jsonb_typeof(value) OPERATOR(pg_catalog.=) 'string'
				AND value OPERATOR(pg_catalog.#>>) '{}'
					OPERATOR(pg_catalog.=)
					ANY (ARRAY['owner', 'admin', 'member', 'viewer'])
		WHEN kind OPERATOR(pg_catalog.=) 'names'
			THEN pg_catalog.jsonb_typeof(value) OPERATOR(pg_catalog.=) 'array'
				AND NOT value OPERATOR(pg_catalog.@?)
						'strict $[*] ? (@.type() != "string")'
		ELSE pg_catalog.jsonb_typeof(value) OPERATOR(pg_catalog.=)
			CASE WHEN kind OPERATOR(pg_catalog.=) 'boolean' THEN 'boolean'
				WHEN kind OPERATOR(pg_catalog.=) 'object' THEN 'object'
				ELSE 'string' END
		END
$$;
COMMENT ON FUNCTION casnet.document_value_fits(text, jsonb) IS
	'internal: whether a value has the JSON type, and a time or date the form, of its kind';

CREATE FUNCTION casnet.document_row_problem(table_name text, value jsonb)
	RETURNS text
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	owner CONSTANT text :=
		CASE table_name WHEN 'tenant' THEN 'tenant' ELSE 'row' END;
	problem text;
BEGIN
	IF jsonb_typeof(value) IS DISTINCT FROM 'object' THEN
		RETURN format('"%s" is not an object.', owner);
	END IF;
	SELECT CASE
			WHEN k.key IS NULL
				THEN format('"%s" has the unknown key %s.', owner,
							to_json(left(given.key, 100)))
			WHEN given.key IS NULL
				THEN format('"%s" lacks the key "%s".', owner, k.key)
			ELSE format('"%s" of "%s" is no %s.', k.key, owner,
						CASE rtrim(k.kind, '?')
							WHEN 'time' THEN 'time in UTC such as 2024-12-31T23:59:59.000000Z'
							WHEN 'date' THEN 'date such as 2024-12-31'
							WHEN 'role' THEN 'role'
							WHEN 'names' THEN 'array of strings'
							WHEN 'boolean' THEN 'boolean'
							WHEN 'object' THEN 'object'
							ELSE 'string' END) END
	  INTO problem
	  FROM (SELECT d.key, d.kind FROM casnet.document_keys() AS d
			 WHERE d.table_name = document_row_problem.table_name) AS k
	  FULL JOIN jsonb_each(document_row_problem.value) AS given (key, value)
		ON given.key = k.key
	 WHERE k.key IS NULL OR given.key IS NULL
		OR NOT casnet.document_value_fits(k.kind, given.value)
	 ORDER BY k.key COLLATE "C", given.key COLLATE "C" LIMIT 1;
	IF problem IS NULL AND table_name = 'tasks'
	   AND (value->>'status' = 'COMPLETED') = (value->>'completed_at' IS NULL)
	THEN
		RETURN 'A task has "completed_at" when its "status" is COMPLETED, and only then.';
	END IF;
	RETURN problem;
END
$$;
COMMENT ON FUNCTION casnet.document_row_problem(text, jsonb) IS
	'internal: what is wrong with the row of a document, or NULL';

CREATE FUNCTION casnet.document_problem(document jsonb) RETURNS text
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	is_header CONSTANT boolean :=
		coalesce(jsonb_typeof(document) = 'object' AND document ? 'casnet', false);
	expected CONSTANT text[] := CASE WHEN is_header
		THEN '{casnet, version, tenant}' ELSE '{table, row}' END;
	problem text;
BEGIN
	IF document IS NULL OR jsonb_typeof(document) <> 'object' THEN
		RETURN 'It is not an object.';
	ELSIF is_header AND document->'casnet' <> '"tenant"' THEN
		RETURN '"casnet" is not "tenant".';
	ELSIF is_header AND document ? 'version'
		  AND document->'version' IS DISTINCT FROM '1' THEN
		RETURN format('It is version %s, and this is casnet for version 1.',
					  left((document->'version')::text, 100));
	END IF;
	SELECT format('It lacks the key "%s".', e) INTO problem
	  FROM unnest(expected) AS e WHERE NOT document ? e LIMIT 1;
	IF problem IS NULL THEN
		SELECT format('It has the unknown key %s.', to_json(left(k, 100)))
		  INTO problem
		  FROM jsonb_object_keys(document) AS k
		 WHERE k <> ALL (expected) LIMIT 1;
	END IF;
	IF problem IS NOT NULL THEN
		RETURN problem;
	ELSIF is_header THEN
		RETURN casnet.document_row_problem('tenant', document->'tenant');
	ELSIF jsonb_typeof(document->'table') <> 'string'
		  OR document->>'table' = 'tenant'
		  OR NOT EXISTS (SELECT FROM casnet.document_keys() AS d
						  WHERE d.table_name = document->>'table') THEN
		RETURN format('There is no table %s.',
					  left((document->'table')::text, 100));
	END IF;
	RETURN casnet.document_row_problem(document->>'table', document->'row');
END
$$;
COMMENT ON FUNCTION casnet.document_problem(jsonb) IS
	'internal: what is wrong with a document, or NULL';

-- Import.

CREATE FUNCTION casnet.document_column(documents regclass) RETURNS name
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	columns name[];
BEGIN
	IF documents IS NULL OR NOT EXISTS
		(SELECT FROM pg_class AS c WHERE c.oid = documents AND c.relkind = 'r')
	   OR EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhparent = documents)
	THEN
		RAISE EXCEPTION 'the documents are not in an ordinary table'
			USING ERRCODE = 'wrong_object_type',
				  HINT = 'Load them into a table of their own, such as a temporary one: CREATE TEMP TABLE documents (document jsonb).';
	END IF;
	SELECT array_agg(a.attname) INTO columns
	  FROM pg_attribute AS a
	 WHERE a.attrelid = documents AND a.attnum > 0 AND NOT a.attisdropped
	   AND a.atttypid = 'jsonb'::regtype;
	IF cardinality(columns) IS DISTINCT FROM 1 THEN
		RAISE EXCEPTION 'the table with the documents has not exactly one column of type jsonb'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Load them into a table of their own, such as a temporary one: CREATE TEMP TABLE documents (document jsonb).';
	ELSIF row_security_active(documents) THEN
		RAISE EXCEPTION 'the table with the documents has row security'
			USING ERRCODE = 'wrong_object_type',
				  HINT = 'Copy them into a table without, such as a temporary one: what a policy shows may change with the active tenant.';
	ELSIF NOT has_table_privilege(documents, 'SELECT')
		  OR NOT has_table_privilege(documents, 'UPDATE, DELETE, TRUNCATE') THEN
		RAISE EXCEPTION 'the table with the documents is not yours to read and lock'
			USING ERRCODE = 'insufficient_privilege',
				  HINT = 'Copy them into a table of your own: nobody may change them during the import.';
	END IF;
	RETURN columns[1];
END
$$;
COMMENT ON FUNCTION casnet.document_column(regclass) IS
	'internal: the column of the documents, or an error for a table that cannot be imported from';

CREATE FUNCTION casnet.lock_documents(documents regclass) RETURNS void
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'casnet_lock_documents';
COMMENT ON FUNCTION casnet.lock_documents(regclass) IS
	'internal: nobody changes the documents while they are imported';

CREATE FUNCTION casnet.read_documents(
	documents regclass, document_column name, first tid, last tid,
	OUT at tid, OUT document jsonb)
	RETURNS SETOF record
	LANGUAGE c STABLE STRICT ROWS 1000
	AS 'MODULE_PATHNAME', 'casnet_read_documents';
COMMENT ON FUNCTION casnet.read_documents(regclass, name, tid, tid, OUT tid, OUT jsonb) IS
	'internal: the documents between two places of a table that the caller may read, read as its owner';

-- In a table of somebody else there is what that one put into indexes and checks: it
-- is read as its owner, and what is done with the documents is the caller's.
CREATE FUNCTION casnet.document_source(documents regclass, document_column name)
	RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT format('(SELECT t.at AS ctid, t.document AS d '
				  'FROM casnet.read_documents(%s::oid::regclass, %L, $1, $2) '
				  'AS t OFFSET 0)',
				  documents::oid, document_column)
$$;
COMMENT ON FUNCTION casnet.document_source(regclass, name) IS
	'internal: a query for the documents from tid $1 to tid $2';

-- Documents are read in ranges of so many blocks: what the server remembers
-- until the end of a statement stays small however many rows there are.
CREATE FUNCTION casnet.document_range(
	batch bigint, OUT first tid, OUT last tid)
	RETURNS record
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT format('(%s,0)', batch * 1024)::tid,
		   format('(%s,65535)', batch * 1024 + 1023)::tid
$$;
COMMENT ON FUNCTION casnet.document_range(bigint, OUT tid, OUT tid) IS
	'internal: the first and last tid that a document of a batch can have';

CREATE FUNCTION casnet.refuse_document(
	documents regclass, document_column name, at tid, problem text)
	RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	source CONSTANT text := casnet.document_source(documents, document_column);
	document jsonb;
	range record;
	-- No place is behind the end of the table.
	blocks CONSTANT bigint := pg_relation_size(documents)
		/ current_setting('block_size')::bigint;
	place bigint := 0;
	label text;
BEGIN
	EXECUTE format('SELECT s.d FROM %s AS s', source) INTO document
	  USING at, at;
	FOR batch IN 0..least((at::text::point)[0]::bigint, blocks) / 1024 LOOP
		range := casnet.document_range(batch);
		EXECUTE format('SELECT $3 + count(*) FROM %s AS s', source) INTO place
		  USING range.first, least(range.last, at), place;
	END LOOP;
	label := left(concat_ws(' ', document->>'table', coalesce(
					document#>>'{row,id}', document#>>'{row,username}',
					(document#>>'{row,record_id}') || ' ' ||
					(document#>>'{row,tag_id}'))), 200);
	RAISE EXCEPTION 'document % cannot be imported', place
			|| CASE WHEN label = '' THEN '' ELSE ' (' || label || ')' END
		USING ERRCODE = 'invalid_parameter_value',
			  DETAIL = coalesce(problem, casnet.document_problem(document),
								'It is not of the expected shape.'),
			  HINT = 'Import what casnet.export_tenant() returned, all of it and unchanged.';
END
$$;
COMMENT ON FUNCTION casnet.refuse_document(regclass, name, tid, text) IS
	'internal: an error that says which document cannot be imported, and why';

CREATE FUNCTION casnet.check_documents(
	documents regclass, document_column name,
	OUT header jsonb, OUT batches jsonb)
	RETURNS record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	last_batch CONSTANT bigint := ceil(pg_relation_size(documents)
		/ current_setting('block_size')::numeric / 1024) - 1;
	statement text;
	range record;
	part record;
	bad tid;
BEGIN
	-- One expression of server functions for each table, to be fast; why a
	-- document does not fit is for casnet.document_problem().
	SELECT format($q$
		SELECT n.name, min(n.ctid) AS first, max(n.ctid) AS last,
			   min(n.ctid) FILTER (WHERE (n.whole AND CASE n.name %s END)
								   IS NOT TRUE) AS bad,
			   (array_agg(n.r) FILTER (WHERE n.name = 'tenant'))[1] AS header
		  FROM (
			SELECT c.ctid, c.name,
				   CASE WHEN c.name IS NULL THEN false
					WHEN c.name = 'tenant' THEN
						c.d->'casnet' = '"tenant"' AND c.d->'version' = '1'
						AND c.d - '{casnet, version, tenant}'::text[] = '{}'
					ELSE c.d - '{table, row}'::text[] = '{}' END AS whole,
				   c.d->CASE c.name WHEN 'tenant' THEN 'tenant'
									ELSE 'row' END AS r
			  FROM (
				SELECT s.ctid, s.d, CASE
						WHEN jsonb_typeof(s.d) IS DISTINCT FROM 'object'
							THEN NULL
						WHEN s.d ? 'casnet' THEN 'tenant'
						WHEN s.d->>'table' IN (%s) THEN s.d->>'table'
						END AS name
				  FROM %s AS s OFFSET 0
			  ) AS c OFFSET 0
		  ) AS n GROUP BY n.name
		$q$,
		string_agg(format(
			'WHEN %L THEN CASE WHEN jsonb_typeof(n.r) = ''object'' '
			'THEN n.r ?& %L AND n.r - %L::text[] = ''{}'' AND %s%s END',
			k.table_name, k.keys, k.keys, k.fits,
			CASE k.table_name WHEN 'tasks' THEN
				' AND (n.r->>''status'' = ''COMPLETED'') '
				'= (n.r->>''completed_at'' IS NOT NULL)'
			ELSE '' END), ' '),
		string_agg(quote_literal(k.table_name), ', ')
			FILTER (WHERE k.table_name <> 'tenant'),
		casnet.document_source(documents, document_column))
	  INTO statement
	  FROM (SELECT d.table_name, array_agg(d.key) AS keys,
				   string_agg(format(
						'casnet.document_value_fits(%L, n.r->%L)',
						d.kind, d.key), ' AND ') AS fits
			  FROM casnet.document_keys() AS d GROUP BY d.table_name) AS k;

	batches := '{}';
	FOR batch IN 0..last_batch LOOP
		range := casnet.document_range(batch);
		bad := NULL;
		FOR part IN EXECUTE statement
			USING range.first, range.last
		LOOP
			bad := least(bad, part.bad);
			IF part.name = 'tenant' AND part.bad IS NULL THEN
				IF header IS NOT NULL OR part.first <> part.last THEN
					PERFORM casnet.refuse_document(documents, document_column,
						part.last, 'It is a second header.');
				END IF;
				header := part.header;
			ELSIF part.name IS NOT NULL THEN
				batches := jsonb_set(batches, ARRAY[part.name],
					jsonb_build_array(
						coalesce(batches->part.name->0, to_jsonb(batch)),
						batch));
			END IF;
		END LOOP;
		IF bad IS NOT NULL THEN
			PERFORM casnet.refuse_document(documents, document_column, bad,
										   NULL);
		END IF;
	END LOOP;
	IF header IS NULL THEN
		RAISE EXCEPTION 'the documents lack their header'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Import all that casnet.export_tenant() returned; its first document is the header.';
	END IF;
END
$$;
COMMENT ON FUNCTION casnet.check_documents(regclass, name) IS
	'internal: the header of documents that are all of the expected shape, and for each table the first and last batch with one of it';

CREATE FUNCTION casnet.found_imported_tenant(
	name text, description text, created_at timestamptz)
	RETURNS uuid
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	founder uuid := casnet.require_user();
	tenant_id uuid := casnet.uuid_v7();
BEGIN
	INSERT INTO casnet.tenants (id, name, description, created_at)
	VALUES (tenant_id, found_imported_tenant.name,
			found_imported_tenant.description,
			found_imported_tenant.created_at);
	INSERT INTO casnet.user_tenants (user_id, tenant_id, role)
	VALUES (founder, tenant_id, 'owner');
	RETURN tenant_id;
END
$$;
COMMENT ON FUNCTION casnet.found_imported_tenant(text, text, timestamptz) IS
	'internal: a new tenant of the user of this session, created at some former time';

CREATE FUNCTION casnet.find_account(username text, email text) RETURNS uuid
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	tenant_id uuid := casnet.tenant_with('manage_users');
BEGIN
	-- Not by a collation of the caller's; see find_user().
	RETURN (SELECT u.id FROM casnet.users AS u
			WHERE lower(u.username) = lower(find_account.username COLLATE "default")
			  AND lower(u.email) = lower(find_account.email COLLATE "default"));
END
$$;
COMMENT ON FUNCTION casnet.find_account(text, text) IS
	'internal: the account with a username and an email address, for whoever may add it';

-- Members come before all else, since tasks name them; importer is NULL for a
-- superuser.  The importer's own membership waits until everything is in.
CREATE FUNCTION casnet.import_members(
	documents regclass, document_column name, batches jsonb, target uuid,
	importer uuid, OUT members jsonb, OUT importer_at tid)
	RETURNS record
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	usernames text[] := '{}';
	accounts uuid[] := '{}';
	account uuid;
	range record;
	document record;
	at tid;
BEGIN
	members := '{}';
	IF batches IS NULL THEN
		RETURN;
	END IF;
	FOR batch IN (batches->0)::bigint..(batches->1)::bigint LOOP
		range := casnet.document_range(batch);
		FOR document IN EXECUTE format(
			'SELECT s.ctid AS at, s.d->''row'' AS r FROM %s AS s '
			'WHERE s.d->>''table'' = %L',
			casnet.document_source(documents, document_column), 'members')
			USING range.first, range.last
		LOOP
			at := document.at;
			IF importer IS NULL THEN
				account := (SELECT u.id FROM casnet.users AS u
					WHERE lower(u.username) = lower(document.r->>'username')
					  AND lower(u.email) = lower(document.r->>'email'));
			ELSE
				account := casnet.find_account(document.r->>'username',
											   document.r->>'email');
			END IF;
			IF account IS NULL THEN
				RAISE EXCEPTION 'there is no account "%" with the email address of the documents',
						document.r->>'username'
					USING ERRCODE = 'P0002',
						  HINT = 'All members need accounts; an administrator makes them with casnet.create_user().';
			END IF;
			usernames := array_append(usernames, document.r->>'username');
			accounts := array_append(accounts, account);

			IF account = importer AND EXISTS
				(SELECT FROM casnet.user_tenants AS m
				  WHERE m.user_id = account
					AND m.tenant_id = target) THEN
				importer_at := document.at;
			ELSE
				INSERT INTO casnet.user_tenants AS m
					(user_id, tenant_id, role, created_at)
				VALUES (account, target,
						document.r->>'role',
						(document.r->>'created_at')::timestamptz)
				ON CONFLICT (user_id, tenant_id) DO UPDATE
				   SET role = excluded.role, created_at = excluded.created_at
				 WHERE (m.role, m.created_at)
					IS DISTINCT FROM (excluded.role, excluded.created_at);
			END IF;
			INSERT INTO casnet.user_tenant_permissions
				(user_id, tenant_id, permission)
			SELECT account, target, p
			  FROM jsonb_array_elements_text(document.r->'permissions') AS p
			ON CONFLICT DO NOTHING;
		END LOOP;
	END LOOP;

	members := jsonb_object(usernames, accounts::text[]);
	IF cardinality(accounts) <> (SELECT count(DISTINCT a)
								   FROM unnest(accounts) AS a) THEN
		RAISE EXCEPTION 'a member occurs twice in the documents'
			USING ERRCODE = 'unique_violation',
				  HINT = 'Import what casnet.export_tenant() returned, all of it and unchanged.';
	END IF;
EXCEPTION
	WHEN unique_violation THEN
		RAISE;
	WHEN data_exception OR integrity_constraint_violation THEN
		-- Before the first document it is no document's fault.
		IF at IS NULL THEN
			RAISE;
		END IF;
		PERFORM casnet.refuse_document(documents, document_column, at,
									   SQLERRM);
END
$$;
COMMENT ON FUNCTION casnet.import_members(regclass, name, jsonb, uuid, uuid, OUT jsonb, OUT tid) IS
	'internal: adds the members of documents to a tenant; their ids by name, and where the importer''s own document is';

CREATE FUNCTION casnet.import_importer(
	documents regclass, document_column name, at tid, target uuid,
	importer uuid)
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	document jsonb;
BEGIN
	EXECUTE format('SELECT s.d->''row'' FROM %s AS s',
				   casnet.document_source(documents, document_column))
	   INTO document USING at, at;
	UPDATE casnet.user_tenants AS m
	   SET created_at = (document->>'created_at')::timestamptz,
		   role = CASE WHEN EXISTS
				(SELECT FROM casnet.user_tenants AS o
				  WHERE o.tenant_id = target
					AND o.role = 'owner' AND o.user_id <> importer)
			THEN document->>'role' ELSE m.role END
	 WHERE m.tenant_id = target AND m.user_id = importer;
EXCEPTION
	WHEN data_exception OR integrity_constraint_violation THEN
		PERFORM casnet.refuse_document(documents, document_column, at,
									   SQLERRM);
END
$$;
COMMENT ON FUNCTION casnet.import_importer(regclass, name, tid, uuid, uuid) IS
	'internal: gives the importer the exported role, if another owner is left, and date of joining';

CREATE FUNCTION casnet.document_member(members jsonb, username text)
	RETURNS uuid
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF username IS NOT NULL AND NOT members ? username THEN
		RAISE EXCEPTION 'there is no member "%" in the documents', username
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Import what casnet.export_tenant() returned, all of it and unchanged.';
	END IF;
	RETURN (members->>username)::uuid;
END
$$;
COMMENT ON FUNCTION casnet.document_member(jsonb, text) IS
	'internal: the account of a member of the documents, NULL for NULL, or an error';

CREATE FUNCTION casnet.import_rows(
	documents regclass, document_column name, table_name text, batches jsonb,
	target uuid, members jsonb, keep_ids boolean)
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	-- No table has a longer name, and the server cannot quote any.
	source CONSTANT text := format(
		'(SELECT s.ctid, s.d->''row'' AS r FROM %s AS s '
		'WHERE s.d->>''table'' = %L OFFSET 0)',
		casnet.document_source(documents, document_column),
		left(table_name, 64));
	statement text;
	range record;
	at tid;
BEGIN
	IF batches IS NULL THEN
		RETURN;
	END IF;
	SELECT format('INSERT INTO casnet.%I (tenant_id, %s) '
				  'SELECT $3, %s FROM %s AS x',
				  import_rows.table_name,
				  string_agg(quote_ident(
					CASE d.key WHEN 'assignee' THEN 'assignee_id'
						ELSE d.key END), ', '),
				  string_agg(CASE rtrim(d.kind, '?')
					WHEN 'uuid' THEN
						format(CASE WHEN keep_ids THEN '(x.r->>%L)::uuid'
							ELSE 'casnet.reissue_uuid((x.r->>%L)::uuid, $3)'
							END, d.key)
					WHEN 'time' THEN format('(x.r->>%L)::timestamptz', d.key)
					WHEN 'date' THEN format('(x.r->>%L)::date', d.key)
					WHEN 'boolean' THEN format('(x.r->>%L)::boolean', d.key)
					WHEN 'object' THEN format('x.r->%L', d.key)
					WHEN 'member' THEN
						format('casnet.document_member($4, x.r->>%L)', d.key)
					ELSE format('x.r->>%L', d.key) END, ', '),
				  source)
	  INTO STRICT statement
	  FROM casnet.document_keys() AS d
	 WHERE d.table_name = import_rows.table_name;

	FOR batch IN (batches->0)::bigint..(batches->1)::bigint LOOP
		range := casnet.document_range(batch);
		BEGIN
			EXECUTE statement
			  USING range.first, range.last, target, members;
		EXCEPTION
			WHEN data_exception OR integrity_constraint_violation THEN
				-- Once more, one by one, to find out which document it is.
				BEGIN
					FOR at IN EXECUTE format('SELECT x.ctid FROM %s AS x',
											 source)
						USING range.first, range.last
					LOOP
						EXECUTE statement USING at, at, target, members;
					END LOOP;
				EXCEPTION
					WHEN unique_violation THEN
						RAISE;
					WHEN data_exception OR integrity_constraint_violation THEN
						PERFORM casnet.refuse_document(
							documents, document_column, at, SQLERRM);
				END;
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet.import_rows(regclass, name, text, jsonb, uuid, jsonb, boolean) IS
	'internal: puts the documents of one table into it';

CREATE FUNCTION casnet.import_tenant(
	documents regclass, name text DEFAULT NULL, tenant_id uuid DEFAULT NULL,
	keep_ids boolean DEFAULT false)
	RETURNS uuid
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	-- So that the active tenant is the caller's again at the end.
	SET casnet.tenant_id = ''
	-- LLVM keeps memory of each of the many statements that it compiles.
	SET jit = off
	AS $$
DECLARE
	tables CONSTANT text[] :=
		'{persons, records, tags, record_tags, tasks, calendar_events}';
	document_column CONSTANT name := casnet.document_column(documents);
	importer uuid;
	target uuid;
	table_name text;
	is_filled boolean;
	checked record;
	new_name text;
	founded_at timestamptz;
	imported record;
BEGIN
	IF import_tenant.tenant_id IS NOT NULL AND import_tenant.name IS NOT NULL
	THEN
		RAISE EXCEPTION 'a tenant that exists keeps its name'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Give the name of a new tenant, or the id of an empty one.';
	END IF;
	-- A superuser needs no session, and does not become a member.
	IF NOT casnet.is_operator() THEN
		importer := casnet.require_user();
	END IF;
	PERFORM casnet.lock_documents(documents);

	IF import_tenant.tenant_id IS NOT NULL THEN
		IF importer IS NULL THEN
			target := casnet.existing_tenant(import_tenant.tenant_id);
		ELSE
			target := casnet.managed_tenant(import_tenant.tenant_id);
		END IF;
		PERFORM set_config('casnet.tenant_id', target::text, true);
		-- From here on nobody else adds rows.
		PERFORM FROM casnet.tenants AS t WHERE t.id = target FOR UPDATE;
		FOREACH table_name IN ARRAY tables LOOP
			EXECUTE format('SELECT EXISTS (SELECT FROM casnet.%I AS t '
						   'WHERE t.tenant_id = $1)', table_name)
			   INTO is_filled USING target;
			IF is_filled THEN
				RAISE EXCEPTION 'the tenant is not empty'
					USING ERRCODE = 'object_not_in_prerequisite_state',
						  DETAIL = format('There are rows in casnet.%I.', table_name),
						  HINT = 'Import into a new tenant, or delete the rows first.';
			END IF;
		END LOOP;
	END IF;

	checked := casnet.check_documents(documents, document_column);
	IF target IS NULL THEN
		new_name := coalesce(import_tenant.name, checked.header->>'name');
		IF btrim(left(new_name, 2001)) = '' THEN
			RAISE EXCEPTION 'the name of the tenant is blank'
				USING ERRCODE = 'invalid_parameter_value',
					  HINT = 'Give the tenant a name.';
		END IF;
		BEGIN
			founded_at := (checked.header->>'created_at')::timestamptz;
		EXCEPTION WHEN data_exception THEN
			RAISE EXCEPTION 'the header of the documents cannot be imported'
				USING ERRCODE = 'invalid_parameter_value', DETAIL = SQLERRM,
					  HINT = 'Import what casnet.export_tenant() returned, all of it and unchanged.';
		END;
		IF importer IS NULL THEN
			target := casnet.uuid_v7();
			INSERT INTO casnet.tenants (id, name, description, created_at)
			VALUES (target, new_name, checked.header->>'description',
					founded_at);
		ELSE
			target := casnet.found_imported_tenant(
				new_name, checked.header->>'description', founded_at);
		END IF;
		PERFORM set_config('casnet.tenant_id', target::text, true);
	END IF;

	imported := casnet.import_members(documents, document_column,
		checked.batches->'members', target, importer);
	FOREACH table_name IN ARRAY tables LOOP
		PERFORM casnet.import_rows(documents, document_column, table_name,
			checked.batches->table_name, target, imported.members, keep_ids);
	END LOOP;
	IF imported.importer_at IS NOT NULL THEN
		PERFORM casnet.import_importer(documents, document_column,
			imported.importer_at, target, importer);
	END IF;
	RETURN target;
END
$$;
COMMENT ON FUNCTION casnet.import_tenant(regclass, text, uuid, boolean) IS
	'makes a tenant, or fills an empty one, from the documents of export_tenant() in a table with one jsonb column; returns its id';
