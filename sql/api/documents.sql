-- A tenant as JSON documents, one a row: what they are, and what is wrong with one.

-- No volatile part and no SET, so that the planner inlines it.
CREATE OR REPLACE FUNCTION casnet_internal.document_time(at timestamptz) RETURNS text
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
COMMENT ON FUNCTION casnet_internal.document_time(timestamptz) IS
	'internal: a time in ISO 8601, UTC, to the microsecond, whatever the settings';

-- The tables of casnet by their own names, those of the application with their schemas.
-- A table comes after those that it refers to, as far as there is such an order.
CREATE OR REPLACE FUNCTION casnet_internal.document_tables(
	OUT name text, OUT relation regclass, OUT is_own boolean)
	RETURNS SETOF record
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10
	SET search_path = pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	AS $$
DECLARE
	waiting regclass[] := ARRAY(
		SELECT t.relation FROM casnet_internal.managed_tables()
			   WITH ORDINALITY AS t (relation, kind, n)
		 WHERE t.kind = 'tenant' ORDER BY t.n);
	ours CONSTANT regclass[] := waiting;
BEGIN
	waiting := waiting || ARRAY(
		SELECT p.relation FROM casnet_internal.list_protected_tables() AS p
		  JOIN pg_class AS c ON c.oid = p.relation
		 ORDER BY c.relnamespace::regnamespace::text COLLATE "C",
				  c.relname COLLATE "C");
	WHILE waiting <> '{}' LOOP
		-- The first one in the list, when keys go round in a circle.
		SELECT w.relation INTO relation
		  FROM unnest(waiting) WITH ORDINALITY AS w (relation, n)
		 ORDER BY EXISTS (SELECT FROM pg_constraint AS f
						   WHERE f.contype = 'f' AND f.conrelid = w.relation
							 AND f.confrelid <> w.relation
							 AND f.confrelid = ANY (waiting)), w.n
		 LIMIT 1;
		is_own := relation <> ALL (ours);
		SELECT CASE WHEN is_own
					THEN format('%I.%I', n.nspname, c.relname)
					ELSE c.relname END
		  INTO name
		  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
		 WHERE c.oid = relation;
		RETURN NEXT;
		waiting := array_remove(waiting, relation);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.document_tables() IS
	'internal: the tables whose rows can be documents of a tenant, in the order of an import';

-- Kinds are those of document_value_fits(); "?" is: or null.  A member is shown by the
-- name.  An id changes in a copy.  It is the key of the table by itself, or refers to rows
-- of the tenant, or such rows refer to it.  A quoted value is JSON as a string.
CREATE OR REPLACE FUNCTION casnet_internal.document_columns(relation regclass,
	OUT name text, OUT type text, OUT kind text, OUT required boolean)
	RETURNS SETOF record
	LANGUAGE plpgsql STABLE ROWS 20
	SET search_path = pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	AS $$
BEGIN
	RETURN QUERY
	-- Keys of the table, and those that refer to it; within a tenant or not.
	WITH keys AS MATERIALIZED (
		SELECT f.*, EXISTS (SELECT FROM pg_constraint AS w
							 WHERE w.conrelid = f.target AND w.contype = 'f'
							   AND w.confrelid = 'casnet.tenants'::regclass
							   AND w.confdeltype = 'c') AS is_within
		  FROM (SELECT k.contype, k.conkey AS columns, k.confrelid AS target
				  FROM pg_constraint AS k
				 WHERE k.conrelid = document_columns.relation
				   AND k.contype IN ('f', 'p')
				UNION ALL
				SELECT 'r', k.confkey, k.conrelid
				  FROM pg_constraint AS k
				 WHERE k.confrelid = document_columns.relation
				   AND k.contype = 'f') AS f
	), domains (id) AS MATERIALIZED (
		-- Over jsonb or json.
		WITH RECURSIVE d (id) AS (
			SELECT t.oid FROM pg_type AS t
			 WHERE t.typbasetype IN ('json'::regtype, 'jsonb'::regtype)
			UNION
			SELECT t.oid FROM pg_type AS t JOIN d ON t.typbasetype = d.id
		)
		SELECT d.id FROM d
	), tenant AS MATERIALIZED (
		SELECT t.attnum FROM pg_attribute AS t
		 WHERE t.attrelid = document_columns.relation AND t.attname =
			   casnet_internal.tenant_column(document_columns.relation)
	)
	SELECT a.attname::text, format_type(a.atttypid, a.atttypmod),
		   k.kind || CASE WHEN a.attnotnull THEN '' ELSE '?' END,
		   a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
	  FROM pg_attribute AS a
	 CROSS JOIN LATERAL (SELECT CASE a.atttypid
			WHEN 'uuid'::regtype THEN CASE
				WHEN EXISTS (SELECT FROM keys AS k
							  WHERE k.contype = 'f' AND a.attnum = ANY (k.columns)
								AND k.target IN ('casnet.users'::regclass,
												 'casnet.user_tenants'::regclass))
					THEN 'member'
				WHEN EXISTS (SELECT FROM keys AS k
							  WHERE a.attnum = ANY (k.columns)
								AND (k.is_within OR k.contype = 'p' AND a.attnum = ALL (
										SELECT c FROM unnest(k.columns) AS c
										 WHERE c NOT IN (SELECT t.attnum FROM tenant AS t))))
					THEN 'id'
				ELSE 'text' END
			WHEN 'timestamptz'::regtype THEN 'time'
			WHEN 'date'::regtype THEN 'date'
			WHEN 'boolean'::regtype THEN 'boolean'
			WHEN 'jsonb'::regtype THEN 'json'
			WHEN 'json'::regtype THEN 'quoted'
			WHEN 'smallint'::regtype THEN 'number'
			WHEN 'integer'::regtype THEN 'number'
			WHEN 'bigint'::regtype THEN 'number'
			WHEN 'numeric'::regtype THEN 'number'
			WHEN 'real'::regtype THEN 'number'
			WHEN 'double precision'::regtype THEN 'number'
			ELSE CASE WHEN a.atttypid IN (SELECT d.id FROM domains AS d)
					  THEN 'quoted' ELSE 'text' END END) AS k (kind)
	 WHERE a.attrelid = document_columns.relation AND a.attnum > 0
	   AND NOT a.attisdropped AND a.attgenerated = ''
	   AND a.attnum NOT IN (SELECT t.attnum FROM tenant AS t)
	 ORDER BY a.attnum;
END
$$;
COMMENT ON FUNCTION casnet_internal.document_columns(regclass) IS
	'internal: the columns of a table that its documents have, their types, their kinds, and whether an import needs them';

-- What somebody has added to a table that decides about access.
CREATE OR REPLACE FUNCTION casnet_internal.document_added_columns(relation regclass,
	OUT name text, OUT type text, OUT kind text)
	RETURNS SETOF record
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	AS $$
BEGIN
	RETURN QUERY
	SELECT c.name, c.type, c.kind
	  FROM casnet_internal.document_columns(document_added_columns.relation) AS c
	 WHERE c.name NOT IN (SELECT w.name FROM casnet_internal.wanted_account_columns() AS w
						   WHERE to_regclass(w.table_name) = document_added_columns.relation)
	   -- The latter three are keys of the documents of members.
	   AND c.name NOT IN ('created_at', 'updated_at', 'username', 'email', 'permissions');
END
$$;
COMMENT ON FUNCTION casnet_internal.document_added_columns(regclass) IS
	'internal: the columns that somebody has added to tenants or user_tenants';

CREATE OR REPLACE FUNCTION casnet_internal.document_keys(
	OUT table_name text, OUT key text, OUT kind text)
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	VALUES ('tenant', 'id', 'text'), ('tenant', 'name', 'text'),
		   ('tenant', 'description', 'text?'), ('tenant', 'created_at', 'time'),
		   ('members', 'username', 'text'), ('members', 'email', 'text'),
		   ('members', 'role', 'text'), ('members', 'permissions', 'names'),
		   ('members', 'created_at', 'time')
$$;
COMMENT ON FUNCTION casnet_internal.document_keys() IS
	'internal: the keys that a tenant and members always have in documents';

-- No SET, so that the planner inlines it.  With a constant kind, one comparison
-- is left of it.
CREATE OR REPLACE FUNCTION casnet_internal.document_value_fits(kind text, value jsonb)
	RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	AS $$
	SELECT CASE
		-- A key that may be NULL as a jsonb is left out then, since null is a jsonb.
		WHEN pg_catalog.left(kind, 4) OPERATOR(pg_catalog.=) 'json'
			 OR kind OPERATOR(pg_catalog.=) 'skip'
			THEN true
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
		WHEN kind OPERATOR(pg_catalog.=) 'names'
			THEN pg_catalog.jsonb_typeof(value) OPERATOR(pg_catalog.=) 'array'
				AND NOT value OPERATOR(pg_catalog.@?)
						'strict $[*] ? (@.type() != "string")'
		-- The numbers that JSON lacks, such as Infinity, are strings.
		WHEN pg_catalog.left(kind, 6) OPERATOR(pg_catalog.=) 'number'
			THEN pg_catalog.jsonb_typeof(value) OPERATOR(pg_catalog.=)
				ANY (ARRAY['number', 'string'])
		WHEN pg_catalog.left(kind, 6) OPERATOR(pg_catalog.=) 'member'
			THEN pg_catalog.jsonb_typeof(value) OPERATOR(pg_catalog.=) 'string'
				OR value OPERATOR(pg_catalog.@?) '$.id ? (@.type() == "string")'
		ELSE pg_catalog.jsonb_typeof(value) OPERATOR(pg_catalog.=)
			CASE WHEN pg_catalog.left(kind, 7) OPERATOR(pg_catalog.=) 'boolean'
				THEN 'boolean' ELSE 'string' END
		END
$$;
COMMENT ON FUNCTION casnet_internal.document_value_fits(text, jsonb) IS
	'internal: whether a value has the JSON type, and a time or date the form, of its kind';

-- shape says for each table the kinds of its keys; see document_shape().
CREATE OR REPLACE FUNCTION casnet_internal.document_row_problem(
	shape jsonb, table_name text, value jsonb)
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
							WHEN 'names' THEN 'array of strings'
							WHEN 'boolean' THEN 'boolean'
							WHEN 'number' THEN 'number'
							WHEN 'member' THEN 'name or object with an id'
							ELSE 'string' END) END
	  INTO problem
	  FROM jsonb_each_text(shape->document_row_problem.table_name) AS k (key, kind)
	  FULL JOIN jsonb_each(document_row_problem.value) AS given (key, value)
		ON given.key = k.key
	 WHERE k.key IS NULL
		OR given.key IS NULL AND k.kind NOT IN ('json?', 'skip')
		OR casnet_internal.document_value_fits(k.kind, given.value) IS FALSE
	 ORDER BY k.key COLLATE "C", given.key COLLATE "C" LIMIT 1;
	IF problem IS NULL AND table_name = 'tasks'
	   AND (value->>'status' = 'COMPLETED') = (value->>'completed_at' IS NULL)
	THEN
		RETURN 'A task has "completed_at" when its "status" is COMPLETED, and only then.';
	END IF;
	RETURN problem;
END
$$;
COMMENT ON FUNCTION casnet_internal.document_row_problem(jsonb, text, jsonb) IS
	'internal: what is wrong with the row of a document, or NULL';

CREATE OR REPLACE FUNCTION casnet_internal.document_problem(shape jsonb, document jsonb)
	RETURNS text
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	is_header CONSTANT boolean :=
		coalesce(jsonb_typeof(document) = 'object' AND document ? 'casnet', false);
	expected CONSTANT text[] := CASE WHEN is_header
		THEN '{casnet, version, tenant, columns, left_out}' ELSE '{table, row}' END;
	problem text;
BEGIN
	IF document IS NULL OR jsonb_typeof(document) <> 'object' THEN
		RETURN 'It is not an object.';
	ELSIF is_header AND document->'casnet' <> '"tenant"' THEN
		RETURN '"casnet" is not "tenant".';
	ELSIF is_header AND document ? 'version'
		  AND document->'version' IS DISTINCT FROM '1' THEN
		RETURN format('It is version %s, and this casnet reads version 1.',
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
		RETURN casnet_internal.document_row_problem(shape, 'tenant',
													document->'tenant');
	ELSIF jsonb_typeof(document->'table') <> 'string'
		  OR document->>'table' = 'tenant' OR NOT shape ? (document->>'table') THEN
		RETURN format('Its header names no table %s.',
					  left((document->'table')::text, 100));
	ELSIF shape->(document->>'table') = 'null' THEN
		RETURN NULL;
	END IF;
	RETURN casnet_internal.document_row_problem(shape, document->>'table',
												document->'row');
END
$$;
COMMENT ON FUNCTION casnet_internal.document_problem(jsonb, jsonb) IS
	'internal: what is wrong with a document, or NULL';

CREATE OR REPLACE FUNCTION casnet_internal.document_member(members jsonb, value jsonb)
	RETURNS uuid
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF jsonb_typeof(value) = 'object' THEN
		RETURN (value->>'id')::uuid;
	ELSIF value#>>'{}' IS NOT NULL AND NOT members ? (value#>>'{}') THEN
		RAISE EXCEPTION 'there is no member "%" in the documents', value#>>'{}'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Import what casnet.export_tenant() returned, all of it and unchanged.';
	END IF;
	RETURN (members->>(value#>>'{}'))::uuid;
END
$$;
COMMENT ON FUNCTION casnet_internal.document_member(jsonb, jsonb) IS
	'internal: the account that a document names, NULL for null, or an error';
