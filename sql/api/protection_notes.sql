-- What casnet.protect() says of a table but leaves to its owner: keys and indexes that span
-- tenants, privileges, and permissions that somebody holds already.

CREATE OR REPLACE FUNCTION casnet_internal.key_within_tenant(relation regclass, columns name[])
	RETURNS regclass
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT i.indexrelid::regclass
	  FROM pg_index AS i
	 CROSS JOIN LATERAL
		   (SELECT array_agg(a.attname ORDER BY k.n)
			  FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, n)
			  JOIN pg_attribute AS a
				ON a.attrelid = i.indrelid AND a.attnum = k.attnum
			 WHERE k.n <= i.indnkeyatts) AS k (names)
	 CROSS JOIN casnet_internal.tenant_column(key_within_tenant.relation) AS t (name)
	 WHERE i.indrelid = key_within_tenant.relation AND i.indisvalid
	   AND i.indpred IS NULL AND k.names[1] = t.name
	   AND (columns IS NULL
			OR (i.indisunique AND i.indimmediate AND i.indexprs IS NULL
				AND k.names @> columns
				AND k.names <@ (t.name || columns)))
	 ORDER BY i.indisprimary DESC, i.indexrelid LIMIT 1
$$;
COMMENT ON FUNCTION casnet_internal.key_within_tenant(regclass, name[]) IS
	'internal: an index on the tenant and these columns that a foreign key can refer to; without columns, any index led by the tenant';

CREATE OR REPLACE FUNCTION casnet_internal.column_list(relation oid, columns int2[])
	RETURNS text
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.n)
	  FROM unnest(columns) WITH ORDINALITY AS k (attnum, n)
	  JOIN pg_attribute AS a ON a.attrelid = relation AND a.attnum = k.attnum
$$;
COMMENT ON FUNCTION casnet_internal.column_list(oid, int2[]) IS
	'internal: the names of columns, as SQL writes them';

CREATE OR REPLACE FUNCTION casnet_internal.key_columns(relation oid, columns int2[],
	is_temporal boolean, before text, after text DEFAULT '')
	RETURNS text
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT string_agg(
			CASE WHEN is_temporal AND k.n = cardinality(columns)
				 THEN key_columns.before || quote_ident(a.attname) || key_columns.after
				 ELSE quote_ident(a.attname) END, ', ' ORDER BY k.n)
	  FROM unnest(columns) WITH ORDINALITY AS k (attnum, n)
	  JOIN pg_attribute AS a ON a.attrelid = relation AND a.attnum = k.attnum
$$;
COMMENT ON FUNCTION casnet_internal.key_columns(oid, int2[], boolean, text, text) IS
	'internal: column_list() for a key; the last column of a temporal one is a period';

-- Anybody can choose a name with a line break, which would end a comment.
CREATE OR REPLACE FUNCTION casnet_internal.comment_line(text text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT '-- ' || regexp_replace(comment_line.text, '[[:cntrl:]]', ' ', 'g')
$$;
COMMENT ON FUNCTION casnet_internal.comment_line(text) IS
	'internal: a comment that ends with its line, whatever names are in it';

CREATE OR REPLACE FUNCTION casnet_internal.note(comment text, statement text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT casnet_internal.comment_line(note.comment) || E'\n' || note.statement
$$;
COMMENT ON FUNCTION casnet_internal.note(text, text) IS
	'internal: a comment, and the statement that it is about';

-- Anybody can choose the names in a definition, so this searches for nothing in one.  It
-- builds the beginning from the catalogs.  The result is NULL if the server writes another
-- beginning, or if the definition could not stay the same but for the tenant.
CREATE OR REPLACE FUNCTION casnet_internal.index_within(index oid, tenant name) RETURNS text
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT format('CREATE %sINDEX %I ON %s USING %I (%I, ',
				  CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END, c.relname,
				  i.indrelid::regclass, am.amname, index_within.tenant) ||
		   substr(v.definition, length(v.head) + 1)
	  FROM pg_index AS i
	  JOIN pg_class AS c ON c.oid = i.indexrelid
	  JOIN pg_am AS am ON am.oid = c.relam
	 CROSS JOIN LATERAL (
		SELECT pg_get_indexdef(i.indexrelid) AS definition,
			   format('CREATE %sINDEX %I ON %s%s USING %I (',
					  CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END, c.relname,
					  CASE c.relkind WHEN 'I' THEN 'ONLY ' ELSE '' END,
					  i.indrelid::regclass, am.amname) AS head) AS v
	 WHERE i.indexrelid = index_within.index AND starts_with(v.definition, v.head)
$$;
COMMENT ON FUNCTION casnet_internal.index_within(oid, name) IS
	'internal: the statement that makes an index again with the tenant in front, or NULL';

CREATE OR REPLACE FUNCTION casnet_internal.key_within(key oid, tenant name) RETURNS text
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT h.head || format('%I%s, ', key_within.tenant,
							CASE k.contype WHEN 'x' THEN ' WITH =' ELSE '' END) ||
		   substr(d.definition, length(h.head) + 1)
	  FROM pg_constraint AS k
	  JOIN pg_class AS c ON c.oid = k.conindid
	  JOIN pg_am AS am ON am.oid = c.relam
	 CROSS JOIN LATERAL pg_get_constraintdef(k.oid) AS d (definition)
	  JOIN LATERAL (VALUES ('p', 'PRIMARY KEY ('), ('u', 'UNIQUE ('),
					('u', 'UNIQUE NULLS NOT DISTINCT ('),
					('x', format('EXCLUDE USING %I (', am.amname)))
		   AS h (contype, head)
		ON h.contype = k.contype AND starts_with(d.definition, h.head)
	 WHERE k.oid = key_within.key
$$;
COMMENT ON FUNCTION casnet_internal.key_within(oid, name) IS
	'internal: the definition of a key or exclusion with the tenant in front, or NULL';

-- NULL for ON UPDATE SET NULL and SET DEFAULT, which would clear the tenant, and for MATCH
-- FULL of several columns, since the tenant is never NULL.  The catalog has periods and
-- enforcement from 18 on.
CREATE OR REPLACE FUNCTION casnet_internal.reference_within(reference oid, tenant name, key_tenant name)
	RETURNS text
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT format('FOREIGN KEY (%I, %s) REFERENCES %s (%I, %s)%s%s%s%s%s',
				  reference_within.tenant,
				  casnet_internal.key_columns(f.conrelid, f.conkey, p.is_temporal, 'PERIOD '),
				  f.confrelid::regclass, reference_within.key_tenant,
				  casnet_internal.key_columns(f.confrelid, f.confkey, p.is_temporal, 'PERIOD '),
				  CASE f.confupdtype WHEN 'c' THEN ' ON UPDATE CASCADE'
					   WHEN 'r' THEN ' ON UPDATE RESTRICT' ELSE '' END,
				  CASE f.confdeltype WHEN 'c' THEN ' ON DELETE CASCADE'
					   WHEN 'r' THEN ' ON DELETE RESTRICT'
					   WHEN 'n' THEN format(' ON DELETE SET NULL (%s)', s.columns)
					   WHEN 'd' THEN format(' ON DELETE SET DEFAULT (%s)', s.columns)
					   ELSE '' END,
				  CASE WHEN f.condeferrable THEN ' DEFERRABLE' ELSE '' END,
				  CASE WHEN f.condeferred THEN ' INITIALLY DEFERRED' ELSE '' END,
				  CASE WHEN NOT p.is_enforced THEN ' NOT ENFORCED'
					   WHEN NOT f.convalidated THEN ' NOT VALID' ELSE '' END)
	  FROM pg_constraint AS f
	 CROSS JOIN LATERAL (
		SELECT coalesce((to_jsonb(f)->>'conperiod')::boolean, false) AS is_temporal,
			   coalesce((to_jsonb(f)->>'conenforced')::boolean, true) AS is_enforced
		) AS p
	 CROSS JOIN LATERAL (
		SELECT coalesce(casnet_internal.column_list(f.conrelid, f.confdelsetcols),
						casnet_internal.column_list(f.conrelid, f.conkey)) AS columns) AS s
	 WHERE f.oid = reference_within.reference AND f.contype = 'f'
	   AND f.confupdtype IN ('a', 'r', 'c')
	   AND (f.confmatchtype = 's' OR cardinality(f.conkey) = 1)
$$;
COMMENT ON FUNCTION casnet_internal.reference_within(oid, name, name) IS
	'internal: the definition of a foreign key with the tenants of both tables, or NULL';

-- The key that such a reference needs, unless it exists.
CREATE OR REPLACE FUNCTION casnet_internal.key_for_reference(reference oid, key_tenant name) RETURNS text
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT format('ALTER TABLE %s ADD UNIQUE (%I, %s)', f.confrelid::regclass,
				  key_for_reference.key_tenant,
				  casnet_internal.key_columns(f.confrelid, f.confkey, p.is_temporal, '',
									 ' WITHOUT OVERLAPS'))
	  FROM pg_constraint AS f
	  JOIN pg_attribute AS a
		ON a.attrelid = f.confrelid AND a.attname = key_for_reference.key_tenant
	 CROSS JOIN LATERAL (
		SELECT coalesce((to_jsonb(f)->>'conperiod')::boolean, false) AS is_temporal
		) AS p
	 WHERE f.oid = key_for_reference.reference
	   AND NOT EXISTS (
		SELECT FROM pg_index AS i
		 WHERE i.indrelid = f.confrelid AND i.indisunique AND i.indimmediate
		   AND i.indexprs IS NULL AND i.indpred IS NULL AND i.indisvalid
		   AND i.indisexclusion = p.is_temporal
		   AND (i.indkey::smallint[])[0:i.indnkeyatts - 1]
			   @> (a.attnum || f.confkey)
		   AND (i.indkey::smallint[])[0:i.indnkeyatts - 1]
			   <@ (a.attnum || f.confkey))
$$;
COMMENT ON FUNCTION casnet_internal.key_for_reference(oid, name) IS
	'internal: the statement that makes the key for a reference within the tenant, or NULL if it is there';

-- The table and its partitions; tenant is the number of the column with the tenant.
CREATE OR REPLACE FUNCTION casnet_internal.protected_members(
	relation regclass, OUT oid oid, OUT tenant smallint)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT c.oid, a.attnum
	  FROM pg_class AS c
	  JOIN pg_attribute AS a
		ON a.attrelid = c.oid
		   AND a.attname = casnet_internal.tenant_column(protected_members.relation)
	 WHERE c.oid = protected_members.relation
		OR c.oid IN (SELECT relid
					   FROM pg_partition_tree(protected_members.relation))
$$;
COMMENT ON FUNCTION casnet_internal.protected_members(regclass) IS
	'internal: a table and its partitions, and where the column with the tenant is in each';

-- Between protected tables only: others have nothing to keep apart.
CREATE OR REPLACE FUNCTION casnet_internal.loose_references(
	relation regclass, OUT reference oid)
	RETURNS SETOF oid
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH tenant_table AS (
		SELECT p.polrelid AS oid, a.attnum AS tenant
		  FROM pg_policy AS p
		  JOIN pg_attribute AS a
			ON a.attrelid = p.polrelid AND a.atttypid = 'uuid'::regtype
		 WHERE p.polname = 'casnet_select'
		   AND starts_with(pg_get_expr(p.polqual, p.polrelid),
						   format('(%I = casnet.tenant_with(', a.attname))
	)
	SELECT f.oid
	  FROM pg_constraint AS f
	  JOIN tenant_table AS t ON t.oid = f.conrelid
	  JOIN tenant_table AS r ON r.oid = f.confrelid
	 WHERE f.contype = 'f' AND f.conparentid = 0
	   AND loose_references.relation IN (f.conrelid, f.confrelid)
	   AND NOT EXISTS (SELECT FROM unnest(f.conkey, f.confkey) AS k (a, b)
					   WHERE k.a = t.tenant AND k.b = r.tenant)
$$;
COMMENT ON FUNCTION casnet_internal.loose_references(regclass) IS
	'internal: foreign keys to or from a table that can point into another tenant';

-- Foreign keys that can point into another tenant, or keep one from being deleted.
CREATE OR REPLACE FUNCTION casnet_internal.reference_notes(relation regclass)
	RETURNS TABLE (rank integer, name text, note text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT 1, l.conname,
		   CASE WHEN w.within IS NOT NULL
				THEN casnet_internal.note(
					format('foreign key %I of %s can point into another tenant',
						   l.conname, l.conrelid::regclass),
					coalesce(casnet_internal.key_for_reference(l.oid, w.key_tenant)
							 || E';\n', '') ||
					format('ALTER TABLE %1$s DROP CONSTRAINT %2$I, ADD CONSTRAINT %2$I %3$s;',
						   l.conrelid::regclass, l.conname, w.within))
				ELSE casnet_internal.comment_line(
					format('foreign key %I of %s can point into another tenant: replace it by one with the tenants, without ON UPDATE SET NULL or SET DEFAULT and without MATCH FULL',
						   l.conname, l.conrelid::regclass)) END
	  FROM casnet_internal.loose_references(reference_notes.relation) AS r
	  JOIN pg_constraint AS l ON l.oid = r.reference
	 CROSS JOIN LATERAL (
		SELECT t.key_tenant,
			   casnet_internal.reference_within(l.oid, t.tenant, t.key_tenant) AS within
		  FROM (SELECT casnet_internal.tenant_column(l.conrelid) AS tenant,
					   casnet_internal.tenant_column(l.confrelid) AS key_tenant) AS t) AS w
	UNION ALL
	SELECT 2, f.conname,
		   casnet_internal.note(
				  format('foreign key %I of %s keeps tenants from being deleted',
						 f.conname, f.conrelid::regclass),
				  format('ALTER TABLE %s DROP CONSTRAINT %I;',
						 f.conrelid::regclass, f.conname))
	  FROM pg_constraint AS f
	  JOIN casnet_internal.protected_members(reference_notes.relation) AS m
		ON m.oid = f.conrelid AND f.conkey = ARRAY[m.tenant]
	 WHERE f.contype = 'f' AND f.conparentid = 0
	   AND f.confrelid = 'casnet.tenants'::regclass
	   AND f.confdeltype <> 'c'
$$;
COMMENT ON FUNCTION casnet_internal.reference_notes(regclass) IS
	'internal: what casnet.protect() says of foreign keys';

-- Keys, exclusions and indexes that are unique over all tenants.
CREATE OR REPLACE FUNCTION casnet_internal.key_notes(relation regclass)
	RETURNS TABLE (rank integer, name text, note text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH loose_reference AS (		-- to or from the table, across tenants
		SELECT f.oid, f.confrelid
		  FROM casnet_internal.loose_references(key_notes.relation) AS l
		  JOIN pg_constraint AS f ON f.oid = l.reference
	), loose_key AS (			-- unique over all tenants
		SELECT t.relkind, i.indexrelid, i.indrelid, i.indisexclusion, k.contype,
			   k.conname, casnet_internal.key_within(k.oid, n.tenant) AS definition,
			   casnet_internal.index_within(i.indexrelid, n.tenant) AS statement,
			   (SELECT string_agg(DISTINCT f.conrelid::regclass::text, ', ')
				  FROM pg_constraint AS f
				 WHERE f.confrelid = i.indrelid AND f.contype = 'f'
				   AND f.conindid = i.indexrelid
				   AND f.oid NOT IN (SELECT l.oid FROM loose_reference AS l))
			   AS used_by,
			   casnet_internal.key_within_tenant(i.indrelid,
				(SELECT array_agg(a.attname)
				   FROM unnest(k.conkey) AS n (attnum)
				   JOIN pg_attribute AS a
					 ON a.attrelid = i.indrelid AND a.attnum = n.attnum))
			   AS within, n.tenant
		  FROM casnet_internal.tenant_column(key_notes.relation) AS n (tenant)
		 CROSS JOIN casnet_internal.protected_members(key_notes.relation) AS m
		  JOIN pg_index AS i ON i.indrelid = m.oid
		  JOIN pg_class AS t ON t.oid = i.indrelid
		  JOIN pg_class AS c ON c.oid = i.indexrelid
		  LEFT JOIN pg_constraint AS k
			ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid
			   AND k.contype IN ('p', 'u', 'x')
		 WHERE (i.indisunique OR i.indisexclusion) AND NOT c.relispartition
		   AND NOT m.tenant = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
	)
	SELECT 3, k.conname,
		   casnet_internal.note(
				  format('%s %I of %s does not include %I, so its error reveals that another tenant has the value%s',
				  CASE k.contype WHEN 'p' THEN 'primary key'
					   WHEN 'u' THEN 'unique key' ELSE 'exclusion' END,
				  k.conname, k.indrelid::regclass, k.tenant,
				  CASE WHEN k.used_by IS NOT NULL
					   THEN '; first replace the foreign keys of ' || k.used_by
					   ELSE '' END),
				  coalesce(format('ALTER TABLE %1$s DROP CONSTRAINT %2$I, ADD CONSTRAINT %2$I ',
				  k.indrelid::regclass, k.conname) ||
				  -- A temporal one has an index of another kind.
				  CASE WHEN k.relkind = 'r' AND k.contype = 'p'
							AND NOT k.indisexclusion
							AND NOT EXISTS (SELECT FROM pg_constraint AS o
											WHERE o.conindid = k.within
											  AND o.contype IN ('p', 'u'))
							AND k.within IS NOT NULL
					   THEN format('PRIMARY KEY USING INDEX %I',
							(SELECT c.relname FROM pg_class AS c
							  WHERE c.oid = k.within))
					   ELSE k.definition END || ';',
				  format('-- make it again with %I', k.tenant))) ||
		   -- What a foreign key could need is the new primary key now.
		   CASE WHEN k.relkind = 'p' AND k.contype = 'p'
					 AND obj_description(k.within, 'pg_class') LIKE 'casnet: %'
					 AND NOT EXISTS (SELECT FROM pg_constraint AS o
									 WHERE o.conindid = k.within)
					 AND NOT EXISTS (SELECT FROM loose_reference AS l
									 WHERE l.confrelid = k.indrelid)
				THEN format(E'\nDROP INDEX %s;', k.within) ELSE '' END
	  FROM loose_key AS k WHERE k.conname IS NOT NULL
	UNION ALL
	SELECT 4, c.relname,
		   CASE WHEN k.statement IS NOT NULL
				THEN casnet_internal.note(v.trouble,
					format('DROP INDEX %s; %s;', k.indexrelid::regclass,
						   k.statement))
				ELSE casnet_internal.comment_line(format('%s; make it again with %I in front',
														 v.trouble, k.tenant))
		   END
	  FROM loose_key AS k
	  JOIN pg_class AS c ON c.oid = k.indexrelid
	 CROSS JOIN LATERAL
		   format('unique index %I of %s does not include %I, so its error reveals that another tenant has the value',
				  c.relname, k.indrelid::regclass, k.tenant) AS v (trouble)
	 WHERE k.conname IS NULL
$$;
COMMENT ON FUNCTION casnet_internal.key_notes(regclass) IS
	'internal: what casnet.protect() says of keys and unique indexes';

-- Privileges that no policy limits, and those that the defaults of columns lack.
CREATE OR REPLACE FUNCTION casnet_internal.privilege_notes(relation regclass)
	RETURNS TABLE (rank integer, name text, note text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT 5, x.grantee::text,
		   casnet_internal.note(
				  format('%s may do what no policy limits, or has privileges that it does not need',
						 coalesce(quote_ident(x.rolname), 'PUBLIC')),
				  CASE WHEN x.grantee = 0
							OR x.grantee IN (SELECT a.role FROM casnet_internal.application_roles() AS a)
					   THEN s.statement
					   ELSE casnet_internal.comment_line('unless it is meant: ' || s.statement)
				  END)
	  FROM (SELECT m.oid, x.grantee, r.rolname,
				   string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type)
				   AS privileges
			  FROM casnet_internal.protected_members(privilege_notes.relation) AS m
			  JOIN pg_class AS c ON c.oid = m.oid
			 CROSS JOIN LATERAL aclexplode(c.relacl) AS x
			  LEFT JOIN pg_roles AS r ON r.oid = x.grantee
			 WHERE x.grantee = 0
				OR (r.oid <> c.relowner
					AND x.privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER'))
			 GROUP BY x.grantee, r.rolname, m.oid) AS x
	 CROSS JOIN LATERAL
		   format('REVOKE %s ON %s FROM %s;', x.privileges, x.oid::regclass,
				  coalesce(quote_ident(x.rolname), 'PUBLIC')) AS s (statement)
	UNION ALL
	SELECT DISTINCT 6, s.oid::text,
		   casnet_internal.note(
				  format('the default of column %I takes numbers from %s; the gaps reveal how many rows other tenants add',
						 a.attname, s.oid::regclass),
				  format('GRANT USAGE ON SEQUENCE %s TO casnet_user;',
						 s.oid::regclass))
	  FROM pg_attrdef AS d
	  JOIN pg_attribute AS a
		ON a.attrelid = d.adrelid AND a.attnum = d.adnum
	  JOIN pg_depend AS u
		ON u.classid = 'pg_attrdef'::regclass AND u.objid = d.oid
		   AND u.refclassid = 'pg_class'::regclass
	  JOIN pg_class AS s ON s.oid = u.refobjid
	 WHERE d.adrelid = privilege_notes.relation
	   AND CASE WHEN s.relkind = 'S'
				THEN NOT has_sequence_privilege('casnet_user', s.oid, 'USAGE')
		   END
$$;
COMMENT ON FUNCTION casnet_internal.privilege_notes(regclass) IS
	'internal: what casnet.protect() says of privileges';

-- What is left for the owner to do, each with a statement that does it, in an order that
-- works.  As with doctor_codes(), it is a statement if it adds or tightens protection, as a
-- key within the tenant does, and if another key does what the dropped one did.  It is a
-- comment if a role that is no application's would lose what it can have for a reason.
CREATE OR REPLACE FUNCTION casnet_internal.protection_notes(relation regclass) RETURNS text[]
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT coalesce(array_agg(n.note ORDER BY n.rank, n.name COLLATE "C", n.note COLLATE "C"), '{}')
	  FROM (SELECT * FROM casnet_internal.reference_notes(protection_notes.relation)
			UNION ALL SELECT * FROM casnet_internal.key_notes(protection_notes.relation)
			UNION ALL SELECT * FROM casnet_internal.privilege_notes(protection_notes.relation))
		   AS n
$$;
COMMENT ON FUNCTION casnet_internal.protection_notes(regclass) IS
	'internal: what casnet.protect() leaves to the owner of the table';

-- Whoever still holds the permissions of a dropped table, or got them for another purpose,
-- holds them for the new table too.
CREATE OR REPLACE FUNCTION casnet_internal.permission_notes(resource text) RETURNS text[]
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT coalesce(array_agg(casnet_internal.comment_line(format(
			'permission %I was there before: roles %s hold it, and members in person: %s',
			v.verb || '_' || permission_notes.resource,
			coalesce((SELECT string_agg(p.role, ', ' ORDER BY p.role)
						FROM casnet.role_permissions AS p
					   WHERE p.permission = v.verb || '_' || permission_notes.resource),
					 'none'),
			(SELECT count(*) FROM casnet.user_tenant_permissions AS g
			  WHERE g.permission = v.verb || '_' || permission_notes.resource)))
			ORDER BY v.n), '{}')
	  FROM (VALUES (1, 'view'), (2, 'create'), (3, 'edit'), (4, 'delete'))
		   AS v (n, verb)
	 WHERE (EXISTS (SELECT FROM casnet.role_permissions AS p
					 WHERE p.permission = v.verb || '_' || permission_notes.resource)
			OR EXISTS (SELECT FROM casnet.user_tenant_permissions AS g
						WHERE g.permission = v.verb || '_' || permission_notes.resource))
	   AND permission_notes.resource
		   NOT IN ('persons', 'records', 'tags', 'tasks', 'calendar')
	   AND NOT EXISTS (SELECT FROM casnet_internal.list_protected_tables() AS t
						WHERE t.resource = permission_notes.resource)
$$;
COMMENT ON FUNCTION casnet_internal.permission_notes(text) IS
	'internal: who already holds the permissions that a new protected table brings';
