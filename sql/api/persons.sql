-- All that is stored about a person, and its erasure.  Which entries of the audit are about
-- a person is in person_entries.sql.
--
-- export_person() judges the session and reads with its owner's rights, as
-- export_tenant() does.  erase_person() is in C, and deletes as its caller.  The functions
-- between take the tenant from one of these two, and nobody else may call them.

-- The query reads rows that refer to those in $1, a JSON array of rows of the table.
CREATE OR REPLACE FUNCTION casnet_internal.references_to(relation regclass,
	OUT child regclass, OUT fate text, OUT query text)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	SET quote_all_identifiers = off
	AS $$
	SELECT k.conrelid, CASE WHEN k.confdeltype = 'c' THEN 'deleted'
							WHEN k.confdeltype IN ('a', 'r') THEN 'forbids'
							ELSE 'cleared' END,
		   format('SELECT %s, pg_catalog.to_jsonb(t), '
				  'pg_catalog.concat(t.tableoid, t.ctid) '
				  'FROM pg_catalog.jsonb_to_recordset($1) AS k (%s) '
				  'JOIN %s %s AS t ON %s ORDER BY 1',
				  coalesce((SELECT format('pg_catalog.jsonb_build_object(%s)',
							string_agg(format('%L, t.%I', a.attname, a.attname), ', '))
							  FROM pg_index AS i
							  JOIN pg_attribute AS a
								ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
							 WHERE i.indrelid = k.conrelid AND i.indisprimary),
						   'NULL'),
				  c.named, CASE WHEN r.relkind = 'p' THEN '' ELSE 'ONLY' END,
				  k.conrelid::regclass, c.matched)
	  FROM pg_constraint AS k
	  JOIN pg_class AS r ON r.oid = k.conrelid,
	  LATERAL (
		SELECT string_agg(format('%I %s', p.attname, format_type(p.atttypid, p.atttypmod)),
						  ', ') AS named,
			   string_agg(format('k.%I OPERATOR(%I.%s) t.%I', p.attname, n.nspname,
								 o.oprname, f.attname), ' AND ') AS matched
		  FROM unnest(k.confkey, k.conkey, k.conpfeqop) AS u (referenced, referring, operator)
		  JOIN pg_attribute AS p ON p.attrelid = k.confrelid AND p.attnum = u.referenced
		  JOIN pg_attribute AS f ON f.attrelid = k.conrelid AND f.attnum = u.referring
		  JOIN pg_operator AS o ON o.oid = u.operator
		  JOIN pg_namespace AS n ON n.oid = o.oprnamespace) AS c
	 WHERE k.contype = 'f' AND k.conparentid = 0
	   AND (k.confrelid = references_to.relation
			OR k.confrelid IN (SELECT p.relid FROM pg_partition_tree(
					pg_partition_root(references_to.relation)) AS p))
	 ORDER BY k.conrelid::regclass::text, k.conname
$$;
COMMENT ON FUNCTION casnet_internal.references_to(regclass) IS
	'internal: the foreign keys to a table: what becomes of rows that refer to a deleted row, and a query that reads them';

CREATE OR REPLACE FUNCTION casnet_internal.rows_of_person(person_id uuid, for_update boolean,
	OUT relation text, OUT fate text, OUT row_key jsonb, OUT content jsonb)
	RETURNS SETOF record
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_rows_of_person';
COMMENT ON FUNCTION casnet_internal.rows_of_person(uuid, boolean) IS
	'internal: the rows of all tables that refer to a person, and those that are deleted with them; takes export_persons or erase_persons';

CREATE OR REPLACE FUNCTION casnet_internal.blank_key(row_key jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT jsonb_object_agg(k.key, CASE
			WHEN jsonb_typeof(k.value) IN ('number', 'boolean')
				 OR k.value #>> '{}' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
				THEN k.value
			ELSE 'null' END)
	  FROM jsonb_each(blank_key.row_key) AS k
$$;
COMMENT ON FUNCTION casnet_internal.blank_key(jsonb) IS
	'internal: the key of a row, without values that could name somebody: all but numbers and UUIDs';

CREATE OR REPLACE FUNCTION casnet_internal.blank_audit_entries(
	tenant_id uuid, times timestamptz[], ids uuid[]) RETURNS bigint
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_blank_audit_entries';
COMMENT ON FUNCTION casnet_internal.blank_audit_entries(uuid, timestamptz[], uuid[]) IS
	'internal: blanks the values in entries of the audit, which nothing else can; returns their number';

-- Nobody refers to the person or its rows anew after this, or changes them.
CREATE OR REPLACE FUNCTION casnet_internal.hold_person(tenant_id uuid, person_id uuid)
	RETURNS jsonb
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM FROM casnet.persons AS p
	  WHERE p.tenant_id = hold_person.tenant_id AND p.id = hold_person.person_id
		FOR UPDATE;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	RETURN (SELECT jsonb_agg(jsonb_build_object(
					'relation', r.relation, 'fate', r.fate, 'row_key', r.row_key))
			  FROM (SELECT 'casnet.persons' AS relation, 'deleted' AS fate,
						   jsonb_build_object('id', hold_person.person_id,
											  'tenant_id', hold_person.tenant_id) AS row_key
					UNION ALL
					SELECT w.relation, w.fate, w.row_key
					  FROM casnet_internal.rows_of_person(hold_person.person_id, true) AS w) AS r);
END
$$;
COMMENT ON FUNCTION casnet_internal.hold_person(uuid, uuid) IS
	'internal: locks a person; returns the rows that belong to it, NULL if there is no such person';

-- What others have committed while the deletion waited for them is among the entries by
-- now.  Somebody can bring the person back from an entry before it is blank.
CREATE OR REPLACE FUNCTION casnet_internal.blank_person(
	tenant_id uuid, person_id uuid, rows jsonb, records uuid[]) RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	times timestamptz[];
	ids uuid[];
	linked text[];
	blanked bigint;
BEGIN
	SELECT array_agg(e.at) FILTER (WHERE coalesce(e.before, e.after) IS NOT NULL),
		   array_agg(e.id) FILTER (WHERE coalesce(e.before, e.after) IS NOT NULL),
		   array_agg(e.row_key->>'record_id') FILTER (WHERE e.relation = 'casnet.record_persons')
	  INTO times, ids, linked
	  FROM casnet_internal.entries_of_person(blank_person.tenant_id,
					blank_person.person_id, blank_person.rows) AS o
	  JOIN casnet_internal.audit_entries AS e
		ON e.tenant_id = blank_person.tenant_id AND e.at = o.at AND e.id = o.id
	 WHERE e.action <> 'ERASE';
	linked := linked || ARRAY(
		SELECT r.row_key->>'record_id'
		  FROM jsonb_to_recordset(blank_person.rows) AS r (relation text, row_key jsonb)
		 WHERE r.relation = 'casnet.record_persons');
	IF NOT blank_person.records::text[] <@ linked THEN
		RAISE EXCEPTION 'a record is not about the person'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Name records to which casnet.record_persons links the person.';
	END IF;
	SELECT times || array_agg(e.at), ids || array_agg(e.id) INTO times, ids
	  FROM casnet_internal.audit_entries AS e
	 WHERE e.tenant_id = blank_person.tenant_id AND e.relation = 'casnet.records'
	   AND e.row_key->>'id' = ANY (blank_person.records::text[])
	   AND coalesce(e.before, e.after) IS NOT NULL AND e.action <> 'ERASE';
	blanked := coalesce(casnet_internal.blank_audit_entries(blank_person.tenant_id,
															times, ids), 0);
	IF EXISTS (SELECT FROM casnet.persons AS p
				WHERE p.tenant_id = blank_person.tenant_id
				  AND p.id = blank_person.person_id) THEN
		RAISE EXCEPTION 'the person was brought back while it was erased'
			USING ERRCODE = 'serialization_failure',
				  HINT = 'Run the statement again.';
	END IF;
	-- Neither a person nor anything about one that was deleted before.
	RETURN nullif(blanked, CASE WHEN blank_person.rows = '[]' THEN 0 ELSE -1 END);
END
$$;
COMMENT ON FUNCTION casnet_internal.blank_person(uuid, uuid, jsonb, uuid[]) IS
	'internal: blanks the entries of the audit about a person who was deleted, and about these records; returns their number, NULL if there is nothing to erase';

CREATE OR REPLACE FUNCTION casnet_internal.erased(rows jsonb, entries bigint,
	OUT relation text, OUT action text, OUT rows bigint, OUT row_keys jsonb)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	(SELECT r.relation, r.fate, count(*), jsonb_agg(r.row_key - 'tenant_id' ORDER BY r.row_key)
	  FROM jsonb_to_recordset(erased.rows) AS r (relation text, fate text, row_key jsonb)
	 GROUP BY r.relation, r.fate
	 ORDER BY r.relation <> 'casnet.persons', r.relation COLLATE "C", r.fate)
	UNION ALL
	SELECT 'casnet_internal.audit_entries', 'blanked', erased.entries, NULL
$$;
COMMENT ON FUNCTION casnet_internal.erased(jsonb, bigint) IS
	'internal: what erase_person() returns';

CREATE OR REPLACE FUNCTION casnet_internal.erasure_summary(
	rows jsonb, entries bigint, reason text, records uuid[]) RETURNS jsonb
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT jsonb_build_object('reason', nullif(erasure_summary.reason, ''),
			'records', coalesce(to_jsonb(erasure_summary.records), '[]'), 'erased',
			jsonb_agg(jsonb_build_object('relation', e.relation, 'action', e.action,
										 'rows', e.rows)))
	  FROM casnet_internal.erased(erasure_summary.rows, erasure_summary.entries) AS e
$$;
COMMENT ON FUNCTION casnet_internal.erasure_summary(jsonb, bigint, text, uuid[]) IS
	'internal: what the audit records about an erasure';

CREATE OR REPLACE FUNCTION casnet.erase_person(
	person_id uuid, reason text DEFAULT NULL, records uuid[] DEFAULT '{}',
	OUT relation text, OUT action text, OUT rows bigint, OUT row_keys jsonb)
	RETURNS SETOF record
	LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_erase_person';
COMMENT ON FUNCTION casnet.erase_person(uuid, text, uuid[]) IS
	'deletes a person with the rows that refer to it, and blanks what the audit has about them, and about these records, which must be about the person and stay; returns what it did; takes erase_persons and delete_persons';

CREATE OR REPLACE FUNCTION casnet.export_person(person_id uuid) RETURNS SETOF jsonb
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
	SET search_path = pg_catalog, pg_temp
	SET timezone = 'UTC'
	SET datestyle = 'ISO'
	AS $$
DECLARE
	tenant uuid := casnet.tenant_with('export_persons');
	person jsonb;
	belonging jsonb;
BEGIN
	PERFORM casnet_internal.refuse_distributed('export_person');
	person := (SELECT to_jsonb(p) FROM casnet.persons AS p
				WHERE p.tenant_id = tenant AND p.id = export_person.person_id);
	belonging := (SELECT coalesce(jsonb_agg(to_jsonb(w)), '[]')
					FROM casnet_internal.rows_of_person(export_person.person_id, false) AS w);
	IF person IS NULL AND NOT EXISTS (
		SELECT FROM casnet_internal.entries_of_person(tenant, export_person.person_id,
													  belonging)) THEN
		RAISE EXCEPTION 'there is no such person'
			USING ERRCODE = 'P0002',
				  HINT = 'SELECT id, name FROM casnet.persons lists those of the active tenant.';
	END IF;
	RETURN QUERY
	SELECT jsonb_build_object('casnet', 'person', 'version', 1, 'tenant', t.name,
							  'person', export_person.person_id)
	  FROM casnet.tenants AS t WHERE t.id = tenant
	UNION ALL
	SELECT jsonb_build_object('table', 'casnet.persons', 'row', person - 'tenant_id')
	 WHERE person IS NOT NULL
	UNION ALL
	SELECT jsonb_build_object('table', 'casnet.records',
							  'row', to_jsonb(r) - '{tenant_id,search_vector}'::text[])
	  FROM jsonb_to_recordset(belonging) AS w (relation text, content jsonb)
	  JOIN casnet.records AS r
		ON r.tenant_id = tenant AND r.id = (w.content->>'record_id')::uuid
	 WHERE w.relation = 'casnet.record_persons'
	UNION ALL
	SELECT jsonb_build_object('table', w.relation, 'row', w.content - 'tenant_id' ||
			CASE WHEN t.id IS NULL THEN '{}' ELSE jsonb_build_object('name', t.name) END)
	  FROM jsonb_to_recordset(belonging) AS w (relation text, content jsonb)
	  LEFT JOIN casnet.tags AS t
		ON w.relation = 'casnet.record_tags' AND t.tenant_id = tenant
		   AND t.id::text = w.content->>'tag_id'
	UNION ALL
	(SELECT jsonb_build_object('table', 'casnet_internal.audit_entries', 'row',
			jsonb_build_object('at', e.at, 'relation', e.relation,
				'row_key', e.row_key - 'tenant_id', 'action', e.action,
				'before', e.before - 'tenant_id', 'after', e.after - 'tenant_id'))
	  FROM casnet_internal.entries_of_person(tenant, export_person.person_id, belonging) AS o
	  JOIN casnet_internal.audit_entries AS e
		ON e.tenant_id = tenant AND e.at = o.at AND e.id = o.id
	 ORDER BY e.at, e.id);
END
$$;
COMMENT ON FUNCTION casnet.export_person(uuid) IS
	'all that is stored about a person of the active tenant, a JSON document a row: the person, the rows that refer to it, the records about it and what belongs to them, and the history of these; takes export_persons';
