-- The table that import_tenant() reads documents from, and whether they can be imported.

CREATE OR REPLACE FUNCTION casnet_internal.document_column(documents regclass) RETURNS name
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
		RAISE EXCEPTION 'the table with the documents does not have exactly one column of type jsonb'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Load them into a table of their own, such as a temporary one: CREATE TEMP TABLE documents (document jsonb).';
	ELSIF row_security_active(documents) THEN
		RAISE EXCEPTION 'the table with the documents has row security'
			USING ERRCODE = 'wrong_object_type',
				  HINT = 'Copy them into a table without it, such as a temporary one. What a policy shows can change with the active tenant.';
	ELSIF NOT has_table_privilege(documents, 'SELECT')
		  OR NOT has_table_privilege(documents, 'UPDATE, DELETE, TRUNCATE') THEN
		RAISE EXCEPTION 'the table with the documents is not yours to read and lock'
			USING ERRCODE = 'insufficient_privilege',
				  HINT = 'Copy them into a table of your own, or get SELECT and one of UPDATE, DELETE and TRUNCATE on it, since nobody may change them during the import.';
	END IF;
	RETURN columns[1];
END
$$;
COMMENT ON FUNCTION casnet_internal.document_column(regclass) IS
	'internal: the column of the documents, or an error for a table that cannot be imported from';

CREATE OR REPLACE FUNCTION casnet_internal.lock_documents(documents regclass) RETURNS void
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'casnet_lock_documents';
COMMENT ON FUNCTION casnet_internal.lock_documents(regclass) IS
	'internal: nobody changes the documents while they are imported';

CREATE OR REPLACE FUNCTION casnet_internal.read_documents(
	documents regclass, document_column name, first tid, last tid,
	OUT at tid, OUT document jsonb)
	RETURNS SETOF record
	LANGUAGE c STABLE STRICT ROWS 1000
	AS 'MODULE_PATHNAME', 'casnet_read_documents';
COMMENT ON FUNCTION casnet_internal.read_documents(regclass, name, tid, tid, OUT tid, OUT jsonb) IS
	'internal: the documents between two places of a table that the caller may read; nothing of the table is evaluated';

-- The owner of another role's table can have put code into its indexes, checks and types.
-- None of it runs, and what is done with the documents runs as the caller.
CREATE OR REPLACE FUNCTION casnet_internal.document_source(documents regclass, document_column name)
	RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT format('(SELECT t.at AS ctid, t.document AS d '
				  'FROM casnet_internal.read_documents(%s::oid::regclass, %L, $1, $2) '
				  'AS t OFFSET 0)',
				  documents::oid, document_column)
$$;
COMMENT ON FUNCTION casnet_internal.document_source(regclass, name) IS
	'internal: a query for the documents from tid $1 to tid $2';

-- Documents are read in ranges of so many blocks.  So what the server remembers until
-- the end of a statement stays small, however many rows there are.
CREATE OR REPLACE FUNCTION casnet_internal.document_range(
	batch bigint, OUT first tid, OUT last tid)
	RETURNS record
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT format('(%s,0)', batch * 1024)::tid,
		   format('(%s,65535)', batch * 1024 + 1023)::tid
$$;
COMMENT ON FUNCTION casnet_internal.document_range(bigint, OUT tid, OUT tid) IS
	'internal: the first and last tid that a document of a batch can have';

-- A place in the documents, for messages: the number, and what is in it.
CREATE OR REPLACE FUNCTION casnet_internal.document_place(
	documents regclass, document_column name, at tid, OUT place text, OUT document jsonb)
	RETURNS record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	source CONSTANT text := casnet_internal.document_source(documents, document_column);
	range record;
	-- No place is beyond the end of the table.
	blocks CONSTANT bigint := coalesce(pg_relation_size(documents), 0)
		/ current_setting('block_size')::bigint;
	number bigint := 0;
	label text;
BEGIN
	EXECUTE format('SELECT s.d FROM %s AS s', source) INTO document
	  USING at, at;
	FOR batch IN 0..least((at::text::point)[0]::bigint, blocks) / 1024 LOOP
		range := casnet_internal.document_range(batch);
		EXECUTE format('SELECT $3 + count(*) FROM %s AS s', source) INTO number
		  USING range.first, least(range.last, at), number;
	END LOOP;
	label := left(concat_ws(' ', document->>'table', coalesce(
					document#>>'{row,id}', document#>>'{row,username}',
					(document#>>'{row,record_id}') || ' ' ||
					coalesce(document#>>'{row,tag_id}', document#>>'{row,person_id}'))), 200);
	place := number || CASE WHEN label = '' THEN '' ELSE ' (' || label || ')' END;
END
$$;
COMMENT ON FUNCTION casnet_internal.document_place(regclass, name, tid, OUT text, OUT jsonb) IS
	'internal: which document that is, in words, and the document';

CREATE OR REPLACE FUNCTION casnet_internal.refuse_document(
	documents regclass, document_column name, at tid, problem text,
	shape jsonb DEFAULT '{}')
	RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	refused CONSTANT record := casnet_internal.document_place(documents, document_column, at);
BEGIN
	RAISE EXCEPTION 'document % cannot be imported', refused.place
		USING ERRCODE = 'invalid_parameter_value',
			  DETAIL = coalesce(problem, casnet_internal.document_problem(shape, refused.document),
								'It is not of the expected shape.'),
			  HINT = 'Import what casnet.export_tenant() returned, all of it and unchanged.';
END
$$;
COMMENT ON FUNCTION casnet_internal.refuse_document(regclass, name, tid, text, jsonb) IS
	'internal: an error that says which document cannot be imported, and why';

CREATE OR REPLACE FUNCTION casnet_internal.document_batches(documents regclass)
	RETURNS SETOF bigint
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT generate_series(0, ceil(pg_relation_size(documents)
		/ current_setting('block_size')::numeric / 1024)::bigint - 1)
$$;
COMMENT ON FUNCTION casnet_internal.document_batches(regclass) IS
	'internal: the numbers of the batches of documents';

-- It need not be the first row of the table.
CREATE OR REPLACE FUNCTION casnet_internal.read_header(
	documents regclass, document_column name)
	RETURNS jsonb
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	batch bigint;
	range record;
	found record;
BEGIN
	FOR batch IN SELECT casnet_internal.document_batches(documents) LOOP
		range := casnet_internal.document_range(batch);
		EXECUTE format('SELECT s.ctid AS at, s.d FROM %s AS s '
					   'WHERE s.d ? ''casnet'' AND jsonb_typeof(s.d) = ''object'' '
					   'ORDER BY s.ctid LIMIT 1',
					   casnet_internal.document_source(documents, document_column))
		   INTO found USING range.first, range.last;
		CONTINUE WHEN found.at IS NULL;
		IF found.d->'casnet' <> '"tenant"'
		   OR found.d->'version' IS DISTINCT FROM '1'
		   OR NOT found.d ?& '{tenant, columns, left_out}' THEN
			PERFORM casnet_internal.refuse_document(documents, document_column,
													found.at, NULL);
		ELSIF jsonb_typeof(found.d->'columns') <> 'object'
			  OR found.d @? 'strict $.columns.* ? (@.type() != "object")'
			  OR found.d @? 'strict $.columns.*.* ? (@.type() != "string")'
			  -- No name is longer.
			  OR EXISTS (SELECT FROM jsonb_each(found.d->'columns') AS t (key, value)
						  WHERE length(t.key) > 300
							 OR EXISTS (SELECT FROM jsonb_object_keys(t.value) AS c (key)
										 WHERE length(c.key) > 63)) THEN
			PERFORM casnet_internal.refuse_document(documents, document_column,
				found.at, '"columns" does not name the type of each column of each table.');
		END IF;
		RETURN found.d;
	END LOOP;
	RAISE EXCEPTION 'the documents lack their header'
		USING ERRCODE = 'invalid_parameter_value',
			  HINT = 'Import all that casnet.export_tenant() returned; its first document is the header.';
END
$$;
COMMENT ON FUNCTION casnet_internal.read_header(regclass, name) IS
	'internal: the header of documents, or an error';

CREATE OR REPLACE FUNCTION casnet_internal.importable_columns(
	OUT table_name text, OUT key text, OUT kind text, OUT required boolean)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT t.name, c.name, c.kind, c.required
	  FROM casnet_internal.document_tables() AS t
	 CROSS JOIN LATERAL casnet_internal.document_columns(t.relation) AS c
	UNION ALL
	SELECT t.name, c.name, c.kind, false
	  FROM (VALUES ('tenants', 'casnet.tenants'::regclass),
				   ('members', 'casnet.user_tenants')) AS t (name, relation)
	 CROSS JOIN LATERAL casnet_internal.document_added_columns(t.relation) AS c
$$;
COMMENT ON FUNCTION casnet_internal.importable_columns() IS
	'internal: the columns of this database that documents can have';

-- For each table in the header, the kinds of its keys.  A table that this database lacks
-- has null, a column that it lacks is of kind skip.
CREATE OR REPLACE FUNCTION casnet_internal.document_shape(columns jsonb, skip_unknown boolean)
	RETURNS jsonb
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	known CONSTANT jsonb := '{"tenants": {}, "members": {}}' || (SELECT jsonb_object_agg(c.table_name, c.columns)
		FROM (SELECT i.table_name, jsonb_object_agg(i.key, i.kind) AS columns
				FROM casnet_internal.importable_columns() AS i GROUP BY i.table_name) AS c);
	unknown text;
	missing text;
	shape jsonb;
BEGIN
	-- Documents can name any number.
	SELECT string_agg(left(n.name, 200), E'\n' ORDER BY n.place) FILTER (WHERE n.place <= 50)
		   || CASE WHEN count(*) > 50 THEN format(E'\nand %s more', count(*) - 50) ELSE '' END
	  INTO unknown
	  FROM (SELECT n.name, row_number() OVER (ORDER BY n.name COLLATE "C") AS place
			  FROM (SELECT 'table ' || left(t.key, 150) || CASE WHEN EXISTS (
				SELECT FROM pg_class AS r
				 WHERE r.relkind IN ('r', 'p')
				   AND r.relnamespace NOT IN ('casnet'::regnamespace,
											  'casnet_internal'::regnamespace)
				   AND format('%s.%I', r.relnamespace::regnamespace, r.relname) = t.key)
				THEN ', which is there and not protected' ELSE '' END AS name
			  FROM jsonb_object_keys(columns) AS t (key)
			 WHERE NOT known ? t.key
			UNION ALL
			SELECT format('column %s.%s %s', t.key, c.key, c.type)
			  FROM jsonb_each(columns) AS t (key, value)
			 CROSS JOIN LATERAL jsonb_each_text(t.value) AS c (key, type)
			 WHERE known ? t.key AND NOT known->t.key ? c.key) AS n) AS n;
	IF unknown IS NOT NULL AND skip_unknown THEN
		RAISE WARNING 'this database lacks tables or columns of the documents, which are left out'
			USING DETAIL = unknown;
	ELSIF unknown IS NOT NULL THEN
		RAISE EXCEPTION 'this database lacks tables or columns of the documents'
			USING ERRCODE = 'invalid_parameter_value', DETAIL = unknown,
				  HINT = 'Make and protect the tables, and add the columns. Or leave them out with skip_unknown => true.';
	END IF;
	SELECT string_agg(i.table_name || '.' || i.key, E'\n' ORDER BY i.table_name, i.key)
	  INTO missing
	  FROM casnet_internal.importable_columns() AS i
	 WHERE i.required AND columns ? i.table_name AND NOT columns->i.table_name ? i.key;
	IF missing IS NOT NULL THEN
		RAISE EXCEPTION 'the documents lack columns that have no default in this database'
			USING ERRCODE = 'invalid_parameter_value', DETAIL = missing,
				  HINT = 'Give the columns a default, or take documents of a database that has them.';
	END IF;

	SELECT coalesce(jsonb_object_agg(t.key, CASE
			WHEN known ? t.key THEN
				(SELECT coalesce(jsonb_object_agg(c.key,
							coalesce(known->t.key->>c.key, 'skip')), '{}')
				   FROM jsonb_object_keys(t.value) AS c (key)) END), '{}')
	  INTO shape
	  FROM jsonb_each(columns) AS t (key, value);
	RETURN shape - 'tenants'
		|| (SELECT jsonb_object_agg(k.table_name, k.keys || coalesce(shape->k.given, '{}'))
			  FROM (SELECT d.table_name, jsonb_object_agg(d.key, d.kind) AS keys,
						   CASE d.table_name WHEN 'tenant' THEN 'tenants'
											 ELSE d.table_name END AS given
					  FROM casnet_internal.document_keys() AS d
					 GROUP BY d.table_name) AS k);
END
$$;
COMMENT ON FUNCTION casnet_internal.document_shape(jsonb, boolean) IS
	'internal: what documents with these columns must look like to be imported; an error, or else a warning, for columns and tables that this database lacks';

CREATE OR REPLACE FUNCTION casnet_internal.check_documents(
	documents regclass, document_column name, shape jsonb)
	RETURNS jsonb
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	batches jsonb := '{}';
	has_header boolean := false;
	statement text;
	batch bigint;
	range record;
	part record;
	bad tid;
BEGIN
	-- One expression of server functions for each table, for speed.  It is for
	-- document_problem() to find out why a document does not fit.
	SELECT format($q$
		SELECT n.name, min(n.ctid) AS first, max(n.ctid) AS last,
			   min(n.ctid) FILTER (WHERE (n.whole AND CASE n.name %s END)
								   IS NOT TRUE) AS bad
		  FROM (
			SELECT c.ctid, c.name,
				   CASE WHEN c.name IS NULL THEN false
					WHEN c.name = 'tenant' THEN
						c.d - '{casnet, version, tenant, columns, left_out}'::text[] = '{}'
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
		string_agg(CASE WHEN k.keys IS NULL THEN
			format('WHEN %L THEN n.r IS NOT NULL', k.table_name) ELSE format(
			'WHEN %L THEN CASE WHEN jsonb_typeof(n.r) = ''object'' '
			'THEN n.r ?& %L AND n.r - %L::text[] = ''{}''%s%s END',
			k.table_name, k.needed, k.keys, k.fits,
			CASE k.table_name WHEN 'tasks' THEN
				' AND (n.r->>''status'' = ''COMPLETED'') '
				'= (n.r->>''completed_at'' IS NOT NULL)'
			ELSE '' END) END, ' '),
		string_agg(quote_literal(k.table_name), ', ')
			FILTER (WHERE k.table_name <> 'tenant'),
		casnet_internal.document_source(documents, document_column))
	  INTO statement
	  FROM (SELECT t.key AS table_name,
				   CASE WHEN jsonb_typeof(t.value) = 'object' THEN c.keys END AS keys,
				   c.needed, c.fits
			  FROM jsonb_each(shape) AS t (key, value)
			 CROSS JOIN LATERAL (
				SELECT coalesce(array_agg(d.key), '{}') AS keys,
					   coalesce(array_agg(d.key) FILTER
						(WHERE d.kind NOT IN ('json?', 'skip')), '{}') AS needed,
					   coalesce(string_agg(format(
							' AND casnet_internal.document_value_fits(%L, n.r->%L)',
							d.kind, d.key), ''), '') AS fits
				  FROM jsonb_each_text(CASE jsonb_typeof(t.value) WHEN 'object'
											THEN t.value ELSE '{}' END) AS d (key, kind))
				   AS c) AS k;

	FOR batch IN SELECT casnet_internal.document_batches(documents) LOOP
		range := casnet_internal.document_range(batch);
		bad := NULL;
		FOR part IN EXECUTE statement
			USING range.first, range.last
		LOOP
			bad := least(bad, part.bad);
			IF part.name = 'tenant' AND part.bad IS NULL THEN
				IF has_header OR part.first <> part.last THEN
					PERFORM casnet_internal.refuse_document(documents, document_column,
						part.last, 'It is a second header.');
				END IF;
				has_header := true;
			ELSIF part.name IS NOT NULL THEN
				batches := jsonb_set(batches, ARRAY[part.name],
					jsonb_build_array(
						coalesce(batches->part.name->0, to_jsonb(batch)),
						batch));
			END IF;
		END LOOP;
		IF bad IS NOT NULL THEN
			PERFORM casnet_internal.refuse_document(documents, document_column, bad,
										   NULL, shape);
		END IF;
	END LOOP;
	RETURN batches;
END
$$;
COMMENT ON FUNCTION casnet_internal.check_documents(regclass, name, jsonb) IS
	'internal: an error unless all documents are of that shape; for each table, the first and last batch with one of it';

-- What a role gives is decided in this database, so no import adds one.
CREATE OR REPLACE FUNCTION casnet_internal.check_document_roles(
	documents regclass, document_column name, batches jsonb)
	RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	range record;
	unknown record;
BEGIN
	IF batches IS NULL THEN
		RETURN;
	END IF;
	FOR batch IN (batches->0)::bigint..(batches->1)::bigint LOOP
		range := casnet_internal.document_range(batch);
		EXECUTE format(
			'SELECT s.ctid AS at, s.d#>>''{row,role}'' AS role FROM %s AS s '
			'WHERE s.d->>''table'' = ''members'' '
			'AND s.d#>>''{row,role}'' NOT IN (SELECT r.name FROM casnet.roles AS r) '
			'ORDER BY s.ctid LIMIT 1',
			casnet_internal.document_source(documents, document_column))
			INTO unknown USING range.first, range.last;
		CONTINUE WHEN unknown.at IS NULL;
		RAISE EXCEPTION 'unknown role "%"', left(unknown.role, 100)
			USING ERRCODE = 'invalid_parameter_value',
				  DETAIL = format('Document %s has it.',
					(casnet_internal.document_place(documents, document_column,
													unknown.at)).place),
				  HINT = 'An administrator has to add it to casnet.roles first, and what it may do to casnet.role_permissions.';
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.check_document_roles(regclass, name, jsonb) IS
	'internal: an error if a member in the documents has a role that does not exist';
