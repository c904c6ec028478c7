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
				  HINT = 'Copy them into a table of your own, since nobody may change them during the import.';
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
	blocks CONSTANT bigint := pg_relation_size(documents)
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
					(document#>>'{row,tag_id}'))), 200);
	place := number || CASE WHEN label = '' THEN '' ELSE ' (' || label || ')' END;
END
$$;
COMMENT ON FUNCTION casnet_internal.document_place(regclass, name, tid, OUT text, OUT jsonb) IS
	'internal: which document that is, in words, and the document';

CREATE OR REPLACE FUNCTION casnet_internal.refuse_document(
	documents regclass, document_column name, at tid, problem text)
	RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	refused CONSTANT record := casnet_internal.document_place(documents, document_column, at);
BEGIN
	RAISE EXCEPTION 'document % cannot be imported', refused.place
		USING ERRCODE = 'invalid_parameter_value',
			  DETAIL = coalesce(problem, casnet_internal.document_problem(refused.document),
								'It is not of the expected shape.'),
			  HINT = 'Import what casnet.export_tenant() returned, all of it and unchanged.';
END
$$;
COMMENT ON FUNCTION casnet_internal.refuse_document(regclass, name, tid, text) IS
	'internal: an error that says which document cannot be imported, and why';

CREATE OR REPLACE FUNCTION casnet_internal.check_documents(
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
	-- One expression of server functions for each table, for speed.  It is for
	-- document_problem() to find out why a document does not fit.
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
		casnet_internal.document_source(documents, document_column))
	  INTO statement
	  FROM (SELECT d.table_name, array_agg(d.key) AS keys,
				   string_agg(format(
						'casnet_internal.document_value_fits(%L, n.r->%L)',
						d.kind, d.key), ' AND ') AS fits
			  FROM casnet_internal.document_keys() AS d GROUP BY d.table_name) AS k;

	batches := '{}';
	FOR batch IN 0..last_batch LOOP
		range := casnet_internal.document_range(batch);
		bad := NULL;
		FOR part IN EXECUTE statement
			USING range.first, range.last
		LOOP
			bad := least(bad, part.bad);
			IF part.name = 'tenant' AND part.bad IS NULL THEN
				IF header IS NOT NULL OR part.first <> part.last THEN
					PERFORM casnet_internal.refuse_document(documents, document_column,
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
			PERFORM casnet_internal.refuse_document(documents, document_column, bad,
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
COMMENT ON FUNCTION casnet_internal.check_documents(regclass, name) IS
	'internal: the header of documents that are all of the expected shape, and for each table the first and last batch with one of it';

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
