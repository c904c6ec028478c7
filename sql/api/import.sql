-- Import of a tenant from JSON documents.
--
-- Import runs as its caller, who names the table with the documents.  Nobody
-- else's rights touch that table, and the rows are inserted under the policies,
-- the triggers and the keys.  An administrator has more rights than the owners of
-- tables, whose code would get them.  So an administrator inserts as the owner of
-- each table (import.c).  Other rights only make a tenant with its old date, and
-- look up accounts.

CREATE OR REPLACE FUNCTION casnet_internal.reissue_uuid(id uuid, tenant_id uuid) RETURNS uuid
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_reissue_uuid';
COMMENT ON FUNCTION casnet_internal.reissue_uuid(uuid, uuid) IS
	'the id that a row gets as a copy in that tenant: the time of the old one, and a digest of both';

CREATE OR REPLACE FUNCTION casnet_internal.found_imported_tenant(
	name text, description text, created_at timestamptz)
	RETURNS uuid
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	founder uuid := casnet_internal.require_whole_user();
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
COMMENT ON FUNCTION casnet_internal.found_imported_tenant(text, text, timestamptz) IS
	'internal: a new tenant of the user of this session, with the creation time given';

-- x.r is the row of a document, $3 the tenant, and $4 the accounts of members.  Text becomes
-- a value by the input function of the type and by no cast, which could be somebody's code.
CREATE OR REPLACE FUNCTION casnet_internal.document_values(
	relation regclass, kinds jsonb, keep_ids boolean,
	OUT targets text, OUT expressions text, OUT source text)
	RETURNS record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT string_agg(quote_ident(c.name), ', '),
		   string_agg(CASE rtrim(k.kind, '?')
				WHEN 'json' THEN format('x.r->%L', c.name)
				-- Only the server has such casts, also to a domain.
				WHEN 'quoted' THEN format('(x.r->>%L)::%s', c.name, c.type)
				WHEN 'member' THEN
					format('casnet_internal.document_member($4, x.r->%L)', c.name)
				WHEN 'id' THEN format(CASE WHEN keep_ids THEN 'p.%I'
					ELSE 'casnet_internal.reissue_uuid(p.%I, $3)' END, c.name)
				ELSE format('p.%I', c.name) END, ', '),
		   ', jsonb_to_record(x.r) AS p (' ||
				string_agg(format('%I %s', c.name, c.type), ', ')
					FILTER (WHERE rtrim(k.kind, '?') NOT IN ('json', 'quoted', 'member')) || ')'
	  FROM jsonb_each_text(kinds) AS k (name, kind)
	  JOIN casnet_internal.document_columns(document_values.relation) AS c
		ON c.name = k.name AND k.kind <> 'skip'
$$;
COMMENT ON FUNCTION casnet_internal.document_values(regclass, jsonb, boolean) IS
	'internal: how the values of documents get into the columns of a table';

-- So the owner of the table needs nothing of casnet.
CREATE OR REPLACE FUNCTION casnet_internal.document_for_owner(kinds jsonb, keep_ids boolean)
	RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT coalesce('x.r || ' || string_agg(format('jsonb_build_object(%L, %s)', k.name,
		CASE rtrim(k.kind, '?') WHEN 'member'
			THEN format('casnet_internal.document_member($4, x.r->%L)', k.name)
			ELSE format('casnet_internal.reissue_uuid((x.r->>%L)::uuid, $3)', k.name) END), ' || '),
		'x.r')
	  FROM jsonb_each_text(kinds) AS k (name, kind)
	 WHERE rtrim(k.kind, '?') = 'member' OR rtrim(k.kind, '?') = 'id' AND NOT keep_ids
$$;
COMMENT ON FUNCTION casnet_internal.document_for_owner(jsonb, boolean) IS
	'internal: the row of a document with the new ids in it, and the accounts of members; see document_values()';

CREATE OR REPLACE FUNCTION casnet_internal.imports_as_owner(relation regclass) RETURNS boolean
	LANGUAGE c STABLE STRICT
	AS 'MODULE_PATHNAME', 'casnet_imports_as_owner';
COMMENT ON FUNCTION casnet_internal.imports_as_owner(regclass) IS
	'internal: whether an import by the caller reads and fills the table as its owner; 55000 if code of others would get the rights of an administrator';

CREATE OR REPLACE FUNCTION casnet_internal.insert_documents(
	relation regclass, query text, statement text, first tid, last tid, tenant_id uuid,
	members jsonb)
	RETURNS void
	LANGUAGE c VOLATILE
	AS 'MODULE_PATHNAME', 'casnet_insert_documents';
COMMENT ON FUNCTION casnet_internal.insert_documents(regclass, text, text, tid, tid, uuid, jsonb) IS
	'internal: inserts what a query of the caller''s returns as the owner of the table, for administrators who can become the owner';

-- The parameters of the statement are the first and the last tid, the tenant, and the accounts of members.
CREATE OR REPLACE FUNCTION casnet_internal.import_statement(
	relation regclass, kinds jsonb, keep_ids boolean, source text, as_owner boolean)
	RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	v CONSTANT record := casnet_internal.document_values(relation,
		CASE WHEN as_owner
			 THEN (SELECT jsonb_object_agg(k.name, regexp_replace(k.kind, '^(member|id)', 'text'))
					 FROM jsonb_each_text(kinds) AS k (name, kind))
			 ELSE kinds END, keep_ids);
	targets CONSTANT text := concat_ws(', ',
		quote_ident(casnet_internal.tenant_column(relation)), v.targets);
BEGIN
	IF as_owner THEN
		RETURN format('SELECT casnet_internal.insert_documents(%s::oid::regclass, %L, %L, $1, $2, $3, $4)',
			relation::oid,
			format('SELECT %s AS r FROM %s AS x',
				   casnet_internal.document_for_owner(kinds, keep_ids), source),
			format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM casnet_documents AS x%s',
				   relation, targets, concat_ws(', ', '$1', v.expressions), v.source));
	END IF;
	RETURN format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %s AS x%s',
		relation, targets, concat_ws(', ', '$3', v.expressions), source, v.source);
END
$$;
COMMENT ON FUNCTION casnet_internal.import_statement(regclass, jsonb, boolean, text, boolean) IS
	'internal: the statement that inserts documents into a table';

-- Those of tenants and memberships that somebody has added.  What the caller may not
-- write stays as it is.
CREATE OR REPLACE FUNCTION casnet_internal.import_added(
	relation regclass, kinds jsonb, source text, condition text, first tid, last tid,
	target uuid, members jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	added CONSTANT name[] := ARRAY(
		SELECT a.name FROM casnet_internal.document_added_columns(relation) AS a
		 WHERE kinds ? a.name ORDER BY a.name);
	writable CONSTANT name[] := ARRAY(
		SELECT a.name FROM unnest(added) AS a (name)
		 WHERE has_column_privilege(relation, a.name, 'UPDATE'));
	v record;
BEGIN
	IF writable <> added THEN
		RAISE WARNING 'columns of table % are not imported', relation
			USING DETAIL = array_to_string(ARRAY(
					SELECT a.name FROM unnest(added) AS a (name)
					 WHERE a.name <> ALL (writable)), E'\n'),
				  HINT = 'Your role lacks the privilege UPDATE on them. A superuser can import them.';
	END IF;
	v := casnet_internal.document_values(relation,
		(SELECT jsonb_object_agg(w, kinds->w) FROM unnest(writable::text[]) AS w), false);
	IF v.targets IS NOT NULL THEN
		EXECUTE format('UPDATE %s AS m SET (%s) = ROW(%s) FROM %s AS x%s WHERE %s',
					   relation, v.targets, v.expressions, source, v.source, condition)
		  USING first, last, target, members;
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.import_added(regclass, jsonb, text, text, tid, tid, uuid, jsonb) IS
	'internal: writes the columns that somebody has added to tenants or user_tenants, as far as the caller may';

CREATE OR REPLACE FUNCTION casnet_internal.import_rows(
	documents regclass, document_column name, table_name text, relation regclass,
	kinds jsonb, batches jsonb, target uuid, members jsonb, keep_ids boolean)
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	-- No table has a longer name, and the server cannot quote a text of any length.
	source CONSTANT text := format(
		'(SELECT s.ctid, s.d->''row'' AS r FROM %s AS s '
		'WHERE s.d->>''table'' = %L OFFSET 0)',
		casnet_internal.document_source(documents, document_column),
		left(table_name, 300));
	-- A row can refer to a later one, so one statement inserts them all.
	at_once CONSTANT boolean := EXISTS (
		SELECT FROM pg_constraint AS f
		 WHERE f.contype = 'f' AND f.conrelid = relation AND f.confrelid = relation);
	statement text;
	range record;
	problem text;
	at tid;
BEGIN
	IF batches IS NULL THEN
		RETURN;
	END IF;
	statement := casnet_internal.import_statement(relation, kinds, keep_ids, source,
		casnet_internal.imports_as_owner(relation));
	FOR batch IN (batches->0)::bigint..(batches->CASE WHEN at_once THEN 0 ELSE 1 END)::bigint LOOP
		range := casnet_internal.document_range(batch);
		IF at_once THEN
			range.last := (casnet_internal.document_range((batches->1)::bigint)).last;
		END IF;
		BEGIN
			EXECUTE statement
			  USING range.first, range.last, target, members;
		EXCEPTION
			WHEN data_exception OR integrity_constraint_violation THEN
				-- Once more, one by one, to find out which document it is.
				problem := SQLERRM;
				BEGIN
					FOR at IN EXECUTE format('SELECT x.ctid FROM %s AS x',
											 source)
						USING range.first, range.last
					LOOP
						BEGIN
							EXECUTE statement USING at, at, target, members;
						EXCEPTION WHEN foreign_key_violation THEN
							-- It can refer to a document that comes later.
							IF NOT at_once THEN
								RAISE;
							END IF;
						END;
					END LOOP;
				EXCEPTION
					WHEN unique_violation THEN
						RAISE;
					WHEN data_exception OR integrity_constraint_violation THEN
						PERFORM casnet_internal.refuse_document(
							documents, document_column, at, SQLERRM);
				END;
				RAISE EXCEPTION 'the documents of table % cannot be imported', table_name
					USING ERRCODE = 'invalid_parameter_value', DETAIL = problem,
						  HINT = 'Import what casnet.export_tenant() returned, all of it and unchanged.';
		END;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.import_rows(regclass, name, text, regclass, jsonb, jsonb, uuid, jsonb, boolean) IS
	'internal: inserts the documents of one table into it';

CREATE OR REPLACE FUNCTION casnet_internal.require_empty_tenant(tenant_id uuid, tables regclass[])
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	relation regclass;
	is_filled boolean;
BEGIN
	-- From here on nobody else adds rows.
	PERFORM FROM casnet.tenants AS t WHERE t.id = require_empty_tenant.tenant_id FOR UPDATE;
	FOREACH relation IN ARRAY tables LOOP
		IF casnet_internal.imports_as_owner(relation) THEN
			PERFORM casnet_internal.require_one_owner(relation);
			is_filled := casnet_internal.run_for_owner(relation,
				format('SELECT EXISTS (SELECT FROM %s AS t WHERE t.%I = %L::uuid)', relation,
					   casnet_internal.tenant_column(relation), require_empty_tenant.tenant_id));
		ELSE
			EXECUTE format('SELECT EXISTS (SELECT FROM %s AS t WHERE t.%I = $1)', relation,
						   casnet_internal.tenant_column(relation))
			   INTO is_filled USING require_empty_tenant.tenant_id;
		END IF;
		IF is_filled THEN
			RAISE EXCEPTION 'the tenant is not empty'
				USING ERRCODE = 'object_not_in_prerequisite_state',
					  DETAIL = format('There are rows in %s.', relation),
					  HINT = 'Import into a new tenant, or delete the rows first.';
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.require_empty_tenant(uuid, regclass[]) IS
	'internal: locks a tenant; an error if it has a row in one of these tables';

-- importer is NULL for a superuser.  An id can be another tenant's, so only administrators,
-- who see all tenants, choose one.
CREATE OR REPLACE FUNCTION casnet_internal.import_new_tenant(
	header jsonb, name text, keep_id boolean, importer uuid)
	RETURNS uuid
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	new_name CONSTANT text := coalesce(import_new_tenant.name, header->>'name');
	founded_at timestamptz;
	new_id uuid := casnet.uuid_v7();
BEGIN
	IF casnet_internal.name_form(new_name) = '' THEN
		RAISE EXCEPTION 'the name of the tenant is blank'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Give the tenant a name.';
	END IF;
	BEGIN
		founded_at := (header->>'created_at')::timestamptz;
		IF keep_id THEN
			new_id := (header->>'id')::uuid;
		END IF;
	EXCEPTION WHEN data_exception THEN
		RAISE EXCEPTION 'the header of the documents cannot be imported'
			USING ERRCODE = 'invalid_parameter_value', DETAIL = SQLERRM,
				  HINT = 'Import what casnet.export_tenant() returned, all of it and unchanged.';
	END;
	IF NOT keep_id AND importer IS NOT NULL THEN
		RETURN casnet_internal.found_imported_tenant(new_name,
			header->>'description', founded_at);
	ELSIF keep_id AND EXISTS (SELECT FROM casnet.tenants AS t WHERE t.id = new_id) THEN
		RAISE EXCEPTION 'a tenant with the id of the documents exists'
			USING ERRCODE = 'unique_violation',
				  HINT = 'Delete that tenant first, or import without keep_tenant_id.';
	END IF;
	INSERT INTO casnet.tenants (id, name, description, created_at)
	VALUES (new_id, new_name, header->>'description', founded_at);
	IF importer IS NOT NULL THEN
		INSERT INTO casnet.user_tenants (user_id, tenant_id, role)
		VALUES (importer, new_id, 'owner');
	END IF;
	RETURN new_id;
END
$$;
COMMENT ON FUNCTION casnet_internal.import_new_tenant(jsonb, text, boolean, uuid) IS
	'internal: makes the tenant of documents';

CREATE OR REPLACE FUNCTION casnet.import_tenant(
	documents regclass, name text DEFAULT NULL, tenant_id uuid DEFAULT NULL,
	keep_ids boolean DEFAULT false, keep_tenant_id boolean DEFAULT false,
	skip_unknown boolean DEFAULT false)
	RETURNS uuid
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	-- So that the active tenant is the caller's again at the end.
	SET casnet.tenant_id = ''
	-- LLVM keeps memory for each of the many statements that it compiles.
	SET jit = off
	-- The forms of values in documents.
	SET datestyle = 'ISO, YMD'
	SET intervalstyle = postgres
	SET xmloption = content
	AS $$
DECLARE
	document_column name;
	importer uuid;
	target uuid := import_tenant.tenant_id;
	header jsonb;
	shape jsonb;
	batches jsonb;
	members jsonb;
	importer_at tid;
	range record;
	part record;
BEGIN
	PERFORM casnet_internal.refuse_distributed('import_tenant');
	document_column := casnet_internal.document_column(documents);
	IF import_tenant.tenant_id IS NOT NULL
	   AND (import_tenant.name IS NOT NULL OR keep_tenant_id) THEN
		RAISE EXCEPTION 'a tenant that exists keeps its name and its id'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Give the name of a new tenant, or the id of an empty one.';
	ELSIF keep_tenant_id AND NOT casnet_internal.is_administrator() THEN
		RAISE EXCEPTION 'only administrators may keep the id of a tenant'
			USING ERRCODE = 'insufficient_privilege',
				  HINT = 'Import without keep_tenant_id. Or call it as a superuser, or as a member of casnet_admin.';
	END IF;
	-- A superuser needs no session, and does not become a member.
	IF NOT casnet_internal.is_operator() THEN
		importer := casnet_internal.require_whole_user();
	END IF;
	PERFORM casnet_internal.lock_documents(documents);
	IF target IS NOT NULL AND importer IS NULL THEN
		target := casnet_internal.existing_tenant(target);
	ELSIF target IS NOT NULL THEN
		target := casnet_internal.managed_tenant(target);
	END IF;

	header := casnet_internal.read_header(documents, document_column);
	shape := casnet_internal.document_shape(header->'columns',
											coalesce(skip_unknown, false));
	IF target IS NOT NULL THEN
		PERFORM set_config('casnet.tenant_id', target::text, true);
		PERFORM casnet_internal.require_empty_tenant(target, ARRAY(
			SELECT t.relation FROM casnet_internal.document_tables() AS t
			 WHERE NOT t.is_own OR shape ? t.name));
	END IF;
	batches := casnet_internal.check_documents(documents, document_column, shape);
	PERFORM casnet_internal.check_document_roles(documents, document_column,
		batches->'members');
	IF target IS NULL THEN
		target := casnet_internal.import_new_tenant(header->'tenant',
			import_tenant.name, coalesce(keep_tenant_id, false), importer);
		PERFORM set_config('casnet.tenant_id', target::text, true);
	END IF;

	members := casnet_internal.find_members(documents, document_column,
		batches->'members', importer);
	importer_at := casnet_internal.import_members(documents, document_column,
		batches->'members', target, importer, members);
	IF import_tenant.tenant_id IS NULL THEN
		PERFORM casnet_internal.import_added('casnet.tenants', shape->'tenant',
			format('(SELECT %L::jsonb AS r)', header->'tenant'), 'm.id = $3',
			NULL, NULL, target, members);
	END IF;
	IF batches ? 'members' THEN
		PERFORM casnet_internal.import_added('casnet.user_tenants', shape->'members',
			format('(SELECT s.d->''row'' AS r FROM %s AS s WHERE s.d->>''table'' = %L)',
				   casnet_internal.document_source(documents, document_column), 'members'),
			'm.tenant_id = $3 AND m.user_id = ($4->>(x.r->>''username''))::uuid',
			(casnet_internal.document_range((batches->'members'->0)::bigint)).first,
			(casnet_internal.document_range((batches->'members'->1)::bigint)).last,
			target, members);
	END IF;
	FOR part IN SELECT t.name, t.relation FROM casnet_internal.document_tables() AS t LOOP
		PERFORM casnet_internal.import_rows(documents, document_column, part.name,
			part.relation, shape->part.name, batches->part.name, target, members,
			coalesce(keep_ids, false));
	END LOOP;
	IF importer_at IS NOT NULL THEN
		PERFORM casnet_internal.import_importer(documents, document_column,
			importer_at, target, importer);
	END IF;
	RETURN target;
END
$$;
COMMENT ON FUNCTION casnet.import_tenant(regclass, text, uuid, boolean, boolean, boolean) IS
	'makes a tenant, or fills an empty one, from the documents of export_tenant() in a table with one jsonb column; returns its id';
