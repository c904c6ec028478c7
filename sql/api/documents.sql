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

CREATE OR REPLACE FUNCTION casnet_internal.document_keys(
	OUT table_name text, OUT key text, OUT kind text)
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT v.table_name, split_part(k.pair, ' ', 1), split_part(k.pair, ' ', 2)
	  FROM (VALUES
		('tenant', 'name text, description text?, created_at time'),
		('members', 'username text, email text, role text, '
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
COMMENT ON FUNCTION casnet_internal.document_keys() IS
	'internal: the keys of the documents of a tenant and their kinds; "?" is: or null';

-- No SET, so that the planner inlines it.  With a constant kind, one comparison
-- is left of it.
CREATE OR REPLACE FUNCTION casnet_internal.document_value_fits(kind text, value jsonb)
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
COMMENT ON FUNCTION casnet_internal.document_value_fits(text, jsonb) IS
	'internal: whether a value has the JSON type, and a time or date the form, of its kind';

CREATE OR REPLACE FUNCTION casnet_internal.document_row_problem(table_name text, value jsonb)
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
							WHEN 'object' THEN 'object'
							ELSE 'string' END) END
	  INTO problem
	  FROM (SELECT d.key, d.kind FROM casnet_internal.document_keys() AS d
			 WHERE d.table_name = document_row_problem.table_name) AS k
	  FULL JOIN jsonb_each(document_row_problem.value) AS given (key, value)
		ON given.key = k.key
	 WHERE k.key IS NULL OR given.key IS NULL
		OR NOT casnet_internal.document_value_fits(k.kind, given.value)
	 ORDER BY k.key COLLATE "C", given.key COLLATE "C" LIMIT 1;
	IF problem IS NULL AND table_name = 'tasks'
	   AND (value->>'status' = 'COMPLETED') = (value->>'completed_at' IS NULL)
	THEN
		RETURN 'A task has "completed_at" when its "status" is COMPLETED, and only then.';
	END IF;
	RETURN problem;
END
$$;
COMMENT ON FUNCTION casnet_internal.document_row_problem(text, jsonb) IS
	'internal: what is wrong with the row of a document, or NULL';

CREATE OR REPLACE FUNCTION casnet_internal.document_problem(document jsonb) RETURNS text
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
		RETURN casnet_internal.document_row_problem('tenant', document->'tenant');
	ELSIF jsonb_typeof(document->'table') <> 'string'
		  OR document->>'table' = 'tenant'
		  OR NOT EXISTS (SELECT FROM casnet_internal.document_keys() AS d
						  WHERE d.table_name = document->>'table') THEN
		RETURN format('There is no table %s.',
					  left((document->'table')::text, 100));
	END IF;
	RETURN casnet_internal.document_row_problem(document->>'table', document->'row');
END
$$;
COMMENT ON FUNCTION casnet_internal.document_problem(jsonb) IS
	'internal: what is wrong with a document, or NULL';

CREATE OR REPLACE FUNCTION casnet_internal.document_member(members jsonb, username text)
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
COMMENT ON FUNCTION casnet_internal.document_member(jsonb, text) IS
	'internal: the account of a member of the documents, NULL for NULL, or an error';
