-- Which entries of the audit are about a person and the rows that are or were the person's.
--
-- Entries have the names that tables and columns had.  A key of now says what refers to
-- what under the names of now.  Under another name, a value is known by being a UUID that is
-- the person's id, or the id of a row of the person's.

-- The tables whose rows are deleted with a person, or would have to be before, as the
-- audit names them, and which column repeats which one of the parent; the tenant is the same
-- anyway.  Keys of more columns are left out.
CREATE OR REPLACE FUNCTION casnet_internal.tables_below_persons(
	OUT number bigint, OUT child text, OUT parent text, OUT referring text, OUT referenced text)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	SET quote_all_identifiers = off
	AS $$
	WITH RECURSIVE reference (child, parent, referring, referenced) AS (
		SELECT coalesce(pg_partition_root(k.conrelid), k.conrelid),
			   coalesce(pg_partition_root(k.confrelid), k.confrelid),
			   c.referring, c.referenced
		  FROM pg_constraint AS k,
		  LATERAL (
			SELECT min(a.attname::text), min(b.attname::text), count(*)
			  FROM unnest(k.conkey, k.confkey) AS u (referring, referenced)
			  JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.referring
			  JOIN pg_attribute AS b ON b.attrelid = k.confrelid AND b.attnum = u.referenced
			 WHERE b.attname <> casnet_internal.tenant_column(k.confrelid)) AS c (referring, referenced, columns)
		 WHERE k.contype = 'f' AND k.conparentid = 0 AND k.confdeltype IN ('a', 'c', 'r')
		   AND c.columns = 1
	), below (child, parent, referring, referenced) AS (
		SELECT r.* FROM reference AS r WHERE r.parent = 'casnet.persons'::regclass
		UNION
		SELECT r.* FROM below AS b JOIN reference AS r ON r.parent = b.child
	)
	SELECT row_number() OVER (ORDER BY b.child, b.parent, b.referring, b.referenced),
		   casnet_internal.audit_name(b.child), casnet_internal.audit_name(b.parent),
		   b.referring, b.referenced
	  FROM below AS b
$$;
COMMENT ON FUNCTION casnet_internal.tables_below_persons() IS
	'internal: the tables whose rows are deleted with a person, by the names that the audit gives them; the numbers are those in audit_mentions()';

CREATE OR REPLACE FUNCTION casnet_internal.audit_name(relation regclass) RETURNS text
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	SET quote_all_identifiers = off
	AS $$
	SELECT format('%I.%I', n.nspname, c.relname)
	  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
	 WHERE c.oid = audit_name.relation
$$;
COMMENT ON FUNCTION casnet_internal.audit_name(regclass) IS
	'internal: the name of a table as the audit writes it';

-- An entry is of a table of now if it is from the time since which that table is audited.
-- Another table can have had the name before.  Columns that a key clears say nothing about
-- whose a row is, whenever it was.
CREATE OR REPLACE FUNCTION casnet_internal.audited_columns(
	OUT relation text, OUT since timestamptz, OUT columns text[], OUT cleared text[])
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH cleared (relation, columns) AS (
		SELECT coalesce(pg_partition_root(k.conrelid), k.conrelid),
			   array_agg(DISTINCT a.attname::text)
		  FROM pg_constraint AS k
		  JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
		 WHERE k.contype = 'f' AND k.confdeltype IN ('n', 'd')
		 GROUP BY 1
	)
	SELECT casnet_internal.audit_name(c.oid),
		   CASE WHEN c.relnamespace = 'casnet'::regnamespace THEN '-infinity'
				ELSE coalesce(t.since, 'infinity') END,
		   ARRAY(SELECT a.attname::text FROM pg_attribute AS a
				  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
		   coalesce(r.columns, '{}')
	  FROM pg_class AS c
	  LEFT JOIN casnet_internal.audited_tables() AS t ON t.relation = c.oid AND t.enabled
	  LEFT JOIN cleared AS r ON r.relation = c.oid
	 WHERE c.relkind IN ('r', 'p')
	   AND (t.relation IS NOT NULL OR r.relation IS NOT NULL
			OR c.relnamespace = 'casnet'::regnamespace)
$$;
COMMENT ON FUNCTION casnet_internal.audited_columns() IS
	'internal: since when entries of the audit under the name of a table are about it, its columns, and those that keys clear';

-- Keys of rows are compared without the tenant: a primary key can have got it later.
CREATE OR REPLACE FUNCTION casnet_internal.tenant_columns() RETURNS text[]
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT array_agg(DISTINCT p.tenant_column::text) || 'tenant_id'::text
	  FROM casnet_internal.protected AS p
$$;
COMMENT ON FUNCTION casnet_internal.tenant_columns() IS
	'internal: the names of the columns with the tenant in all tables';

-- What entries say of which row a row belongs to, by the number of a key in
-- tables_below_persons().  The number -1 stands for a UUID in a column that has another
-- name now, or in a table that has; -2 for a row that got another key, which is the same
-- row.  Who has a former id of a person now is somebody else.  Part 2 is after part 1.
CREATE OR REPLACE FUNCTION casnet_internal.audit_mentions(tenant_id uuid,
	OUT relation text, OUT row_key jsonb, OUT number bigint, OUT key jsonb,
	OUT at timestamptz, OUT id uuid, OUT part integer)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	SET enable_nestloop = off
	SET enable_memoize = off
	SET jit = off
	AS $$
	WITH entry AS NOT MATERIALIZED (
		SELECT e.relation, e.row_key - (SELECT casnet_internal.tenant_columns()) AS row_key,
			   coalesce(e.before, '{}') || e.row_key AS before, e.after, e.action, e.at, e.id
		  FROM casnet_internal.audit_entries AS e
		 WHERE e.tenant_id = audit_mentions.tenant_id AND e.action <> 'ERASE'
	), renamed AS MATERIALIZED (
		SELECT e.*, CASE WHEN e.at >= c.since THEN c.columns
						 ELSE coalesce(c.cleared, '{}') END AS columns
		  FROM entry AS e
		  LEFT JOIN casnet_internal.audited_columns() AS c ON c.relation = e.relation
		 WHERE c.since IS NULL OR e.at < c.since OR e.before - c.columns <> '{}'
			OR e.after - c.columns <> '{}'
	)
	SELECT e.relation, e.row_key, l.number, v.key, e.at, e.id, v.part
	  FROM entry AS e
	  JOIN casnet_internal.tables_below_persons() AS l ON l.child = e.relation,
	  LATERAL (VALUES (1, e.before -> l.referring), (2, e.after -> l.referring)) AS v (part, key)
	 WHERE v.key IS NOT NULL
	UNION ALL
	SELECT e.relation, e.row_key, -1, v.value, e.at, e.id, o.part
	  FROM renamed AS e,
	  LATERAL (VALUES (1, e.before - e.columns), (2, e.after - e.columns)) AS o (part, object),
	  LATERAL jsonb_each(o.object) AS v
	 WHERE v.value::text LIKE '"________-____-____-____-____________"'
	   AND v.value <> to_jsonb(audit_mentions.tenant_id)
	UNION ALL
	SELECT e.relation, e.row_key, -2, jsonb_build_array(e.relation, n.row_key), e.at, e.id, 1
	  FROM entry AS e,
	  LATERAL (SELECT jsonb_object_agg(k.key, coalesce(e.after -> k.key, k.value)) AS row_key
				 FROM jsonb_each(e.row_key) AS k) AS n
	 WHERE e.action = 'UPDATE' AND e.after ?| ARRAY(SELECT jsonb_object_keys(e.row_key))
	   AND n.row_key <> e.row_key
	   AND (e.relation <> 'casnet.persons'
			OR NOT EXISTS (SELECT FROM casnet.persons AS p
							WHERE p.tenant_id = audit_mentions.tenant_id
							  AND p.id = (e.row_key->>'id')::uuid))
$$;
COMMENT ON FUNCTION casnet_internal.audit_mentions(uuid) IS
	'internal: what entries of the audit say of which row a row belongs to';

-- Of the entries about these rows those that are about the person to whom all of the rows
-- belong or belonged.
CREATE OR REPLACE FUNCTION casnet_internal.attributed_entries(tenant_id uuid, rows jsonb,
	OUT at timestamptz, OUT id uuid)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	SET enable_nestloop = off
	SET jit = off
	AS $$
	WITH link AS MATERIALIZED (
		SELECT t.* FROM casnet_internal.tables_below_persons() AS t
	), mine AS MATERIALIZED (
		SELECT r.* FROM jsonb_to_recordset(attributed_entries.rows)
						AS r (relation text, row_key jsonb, is_guessed boolean, is_person boolean)
	), owner AS MATERIALIZED (
		SELECT DISTINCT l.number, m.row_key -> l.referenced AS key
		  FROM mine AS m JOIN link AS l ON l.parent = m.relation
	), said AS (
		SELECT m.relation, m.row_key, e.at, e.id, l.number,
			   m.is_guessed AND e.at >= c.since
			   AND coalesce(e.before, '{}') - c.columns = '{}'
			   AND coalesce(e.after, '{}') - c.columns = '{}' AS is_known,
			   e.after -> l.referring AS after,
			   coalesce(e.before -> l.referring, e.row_key -> l.referring) AS before
		  FROM mine AS m
		  JOIN casnet_internal.audit_entries AS e
			ON e.relation = m.relation
			   AND e.row_key - (SELECT casnet_internal.tenant_columns()) = m.row_key
		  LEFT JOIN link AS l ON l.child = m.relation AND NOT m.is_person
		  LEFT JOIN casnet_internal.audited_columns() AS c ON c.relation = m.relation
		 WHERE e.tenant_id = attributed_entries.tenant_id
	), somebody AS (
		SELECT s.*, coalesce(nullif(s.before, 'null'), nullif(s.after, 'null')) AS named
		  FROM said AS s
	), counted AS (
		SELECT s.*, count(s.after) OVER earlier AS since, count(s.before) OVER later AS until,
			   count(s.named) OVER later AS until_named
		  FROM somebody AS s
		WINDOW earlier AS (PARTITION BY s.relation, s.row_key, s.number ORDER BY s.at, s.id),
			   later AS (PARTITION BY s.relation, s.row_key, s.number
						 ORDER BY s.at DESC, s.id DESC)
	), told AS (
		SELECT c.*, coalesce(c.before, c.after,
					first_value(c.after) OVER (
						PARTITION BY c.relation, c.row_key, c.number, c.since
						ORDER BY c.at, c.id),
					first_value(c.before) OVER (
						PARTITION BY c.relation, c.row_key, c.number, c.until
						ORDER BY c.at DESC, c.id DESC)) AS state,
			   first_value(c.named) OVER (
					PARTITION BY c.relation, c.row_key, c.number, c.until_named
					ORDER BY c.at DESC, c.id DESC) AS next
		  FROM counted AS c
	)
	SELECT t.at, t.id
	  FROM told AS t
	 WHERE CASE WHEN t.number IS NULL THEN t.is_known IS NOT TRUE
				WHEN t.state IS NULL THEN true
				WHEN t.named IS NULL THEN
					(t.number, CASE WHEN t.state = 'null' THEN t.next ELSE t.state END)
					IN (SELECT o.number, o.key FROM owner AS o)
				ELSE (t.number, t.before) IN (SELECT o.number, o.key FROM owner AS o)
					 OR (t.number, t.after) IN (SELECT o.number, o.key FROM owner AS o) END
$$;
COMMENT ON FUNCTION casnet_internal.attributed_entries(uuid, jsonb) IS
	'internal: the entries of the audit about rows of a person while they were the person''s';

-- A row is the person's while its key names the person, or a row of the person's.  Entries
-- of an UPDATE that leaves the key alone belong to whom the entries around them name; while
-- the row was nobody's, to whom it went then.  What refers to a row that has become another
-- person's is that person's, too, unless it was deleted before.  What is known by a UUID
-- alone can be a row that stays, so only entries under former names are its.  Without
-- statistics of what it joins, the planner would take nested loops.
CREATE OR REPLACE FUNCTION casnet_internal.entries_of_person(
	tenant_id uuid, person_id uuid, rows jsonb, OUT at timestamptz, OUT id uuid)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	SET quote_all_identifiers = off
	SET enable_nestloop = off
	SET jit = off
	AS $$
	WITH RECURSIVE link AS MATERIALIZED (
		SELECT t.* FROM casnet_internal.tables_below_persons() AS t
	), mention AS MATERIALIZED (
		SELECT m.* FROM casnet_internal.audit_mentions(entries_of_person.tenant_id) AS m
	), first (relation, row_key) AS MATERIALIZED (
		SELECT 'casnet.persons', jsonb_build_object('id', entries_of_person.person_id)
		UNION
		SELECT r.relation, r.row_key - (SELECT casnet_internal.tenant_columns())
		  FROM jsonb_to_recordset(entries_of_person.rows)
			   AS r (relation text, fate text, row_key jsonb)
		 WHERE r.fate = 'deleted' AND r.row_key IS NOT NULL
	), ever (relation, row_key) AS (
		SELECT f.* FROM first AS f
		UNION
		SELECT m.relation, m.row_key
		  FROM ever AS p,
		  LATERAL (SELECT l.number, p.row_key -> l.referenced FROM link AS l WHERE l.parent = p.relation
				   UNION ALL SELECT -1, k.value FROM jsonb_each(p.row_key) AS k
							  WHERE p.row_key = jsonb_build_object(k.key, k.value)
				   UNION ALL SELECT -2, jsonb_build_array(p.relation, p.row_key)) AS n (number, key)
		  JOIN mention AS m USING (number, key)
	), gone AS MATERIALIZED (
		SELECT g.relation, g.row_key, g.at, g.id
		  FROM (SELECT DISTINCT ON (r.relation, r.row_key) r.*, e.at, e.id, e.action
				  FROM ever AS r
				  JOIN casnet_internal.audit_entries AS e
					ON e.relation = r.relation
					   AND e.row_key - (SELECT casnet_internal.tenant_columns()) = r.row_key
				 WHERE e.tenant_id = entries_of_person.tenant_id AND e.action <> 'ERASE'
				 ORDER BY r.relation, r.row_key, e.at DESC, e.id DESC) AS g
		 WHERE g.action = 'DELETE'
	), named AS MATERIALIZED (
		SELECT m.relation, m.row_key, m.number, m.key, g.at AS gone_at, g.id AS gone_id,
			   lead(m.at) OVER later AS left_at, lead(m.id) OVER later AS left_id
		  FROM mention AS m
		  JOIN ever AS r USING (relation, row_key)
		  LEFT JOIN gone AS g USING (relation, row_key)
		WINDOW later AS (PARTITION BY m.relation, m.row_key, m.number
						 ORDER BY m.at, m.id, m.part)
	), mine (relation, row_key, left_at, left_id, is_guessed) AS (
		SELECT f.*, NULL::timestamptz, NULL::uuid, false FROM first AS f
		UNION
		SELECT m.relation, m.row_key, CASE WHEN m.number > 0 THEN m.left_at END,
			   CASE WHEN m.number > 0 THEN m.left_id END, m.number = -1 OR m.number = -2 AND p.is_guessed
		  FROM mine AS p,
		  LATERAL (SELECT l.number, p.row_key -> l.referenced FROM link AS l WHERE l.parent = p.relation
				   UNION ALL SELECT -1, k.value FROM jsonb_each(p.row_key) AS k
							  WHERE p.row_key = jsonb_build_object(k.key, k.value)
				   UNION ALL SELECT -2, jsonb_build_array(p.relation, p.row_key)) AS n (number, key)
		  JOIN named AS m USING (number, key)
		 WHERE p.left_at IS NULL
			OR m.left_at IS NULL AND (m.gone_at, m.gone_id) < (p.left_at, p.left_id)
	)
	SELECT DISTINCT a.at, a.id
	  FROM casnet_internal.attributed_entries(entries_of_person.tenant_id,
			(SELECT jsonb_agg(to_jsonb(r)) FROM (
				SELECT m.relation, m.row_key, bool_and(m.is_guessed) AS is_guessed,
					   m.relation = 'casnet.persons' AND m.row_key->>'id'
							= entries_of_person.person_id::text AS is_person
				  FROM mine AS m GROUP BY m.relation, m.row_key) AS r)) AS a
$$;
COMMENT ON FUNCTION casnet_internal.entries_of_person(uuid, uuid, jsonb) IS
	'internal: the entries of the audit about a person and the rows that are or were the person''s';
