-- Tables of applications with the guarantees of ours.
--
-- protect() runs as its caller, who owns the table.  It takes casnet_admin
-- too, since it adds to role_permissions, and since whoever holds a foreign
-- key to tenants can find out with it whether a tenant exists.
--
-- The caller may be a superuser, or have more rights than the owner in another way.
-- What evaluates anything of the table's, such as an expression of an index or of a
-- check, runs as its owner: run_for_owner() for queries and run_on_for_owner() for
-- ALTER TABLE that may look at rows.  What remains with the caller changes catalogs only: policies,
-- triggers without a condition of the owner's, privileges, comments, row security, a
-- default of casnet's, and what is dropped.  CREATE INDEX is run as the owner by the
-- server itself.  What it makes
-- is marked by a comment; unprotect() takes away what is marked, and gives
-- back what casnet.protected says that there was before.

CREATE FUNCTION casnet.require_protector(relation regclass) RETURNS void
	LANGUAGE c STABLE
	AS 'MODULE_PATHNAME', 'casnet_require_protector';
COMMENT ON FUNCTION casnet.require_protector(regclass) IS
	'internal: 42501 unless the caller owns the table and is an administrator';

-- The server evaluates the constant parts of a partition key when it opens a
-- partitioned table to change it, as whoever does.
CREATE FUNCTION casnet.strange_partition_key(relation regclass) RETURNS regclass
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'casnet_strange_partition_key';
COMMENT ON FUNCTION casnet.strange_partition_key(regclass) IS
	'internal: the table, or one above or below it, whose partition key calls what is not a superuser''s, or NULL';

CREATE FUNCTION casnet.require_protectable(relation regclass) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	target record;
	trouble text;
	remedy text := 'Protect an ordinary or partitioned table of the application.';
BEGIN
	SELECT c.*, a.attnum AS tenant, a.atttypid, a.attgenerated
	  INTO target
	  FROM pg_class AS c
	  LEFT JOIN pg_attribute AS a
		ON a.attrelid = c.oid AND a.attname = 'tenant_id'
		   AND NOT a.attisdropped
	 WHERE c.oid = require_protectable.relation;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no such table'
			USING ERRCODE = 'P0002',
				  HINT = 'Give the name of a table, with its schema.';
	END IF;

	IF target.relkind IN ('v', 'm') THEN
		trouble := 'It is a view.';
		remedy := 'Protect the tables that it shows; make a view WITH (security_invoker).';
	ELSIF target.relkind = 'f' THEN
		trouble := 'Its rows are on another server, where the policies are not.';
	ELSIF target.relkind NOT IN ('r', 'p') THEN
		trouble := 'It is no table.';
	ELSIF target.oid < 16384 THEN
		trouble := 'It is a table of the system.';
	ELSIF EXISTS (SELECT FROM casnet.managed_tables() AS t
				  WHERE t.relation = target.oid) THEN
		trouble := 'It is a table of casnet.';
	ELSIF target.relispartition THEN
		trouble := 'It is a partition.';
		remedy := format('Protect %s; its partitions are protected with it.',
						 (SELECT root FROM pg_partition_root(target.oid) AS root));
	ELSIF target.relpersistence = 't' THEN
		trouble := 'It is temporary, and no other session reads it.';
	ELSIF EXISTS (SELECT FROM pg_depend AS d
				  WHERE d.classid = 'pg_class'::regclass
					AND d.objid = target.oid AND d.deptype = 'e') THEN
		trouble := 'It belongs to an extension, which would not keep the changes.';
	ELSIF EXISTS (SELECT FROM pg_inherits AS i
				  WHERE i.inhrelid = target.oid
					 OR (i.inhparent = target.oid AND target.relkind = 'r')) THEN
		trouble := 'It inherits, or others inherit from it, and the policies of one do not hold for the other.';
		remedy := 'Use a partitioned table, or end it with ALTER TABLE ... NO INHERIT.';
	ELSIF EXISTS (SELECT FROM pg_partition_tree(target.oid) AS p
				   JOIN pg_class AS c ON c.oid = p.relid
				  WHERE c.relkind = 'f') THEN
		trouble := 'A partition is a foreign table, where the policies are not.';
		remedy := 'Detach the partition.';
	ELSIF casnet.strange_partition_key(relation) IS NOT NULL THEN
		trouble := format('The partition key of %s calls a function of a role that is no superuser.',
						  casnet.strange_partition_key(relation));
		remedy := 'Use a key of columns, or of functions of the server.';
	ELSIF target.reloftype <> 0 AND target.tenant IS NULL THEN
		trouble := 'It is a table of a type, which has no attribute tenant_id.';
		remedy := 'ALTER TABLE ... NOT OF.';
	ELSIF target.atttypid <> 'uuid'::regtype OR target.attgenerated <> '' THEN
		trouble := format('Its column tenant_id is %s.',
						  CASE WHEN target.attgenerated <> '' THEN 'generated'
							   ELSE 'of type ' || target.atttypid::regtype END);
		remedy := 'Rename the column, or make it an ordinary one of type uuid.';
	END IF;
	IF trouble IS NOT NULL THEN
		RAISE EXCEPTION 'table % cannot be protected', relation
			USING ERRCODE = 'wrong_object_type', DETAIL = trouble,
				  HINT = remedy;
	END IF;
END
$$;
COMMENT ON FUNCTION casnet.require_protectable(regclass) IS
	'internal: 42809 with the reason for what casnet.protect() does not take';

CREATE FUNCTION casnet.wanted_policies(resource text,
	OUT name text, OUT command text, OUT expression text)
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT 'casnet_' || lower(v.command), v.command,
		   format('tenant_id = casnet.tenant_with(%L::text)',
				  v.verb || '_' || wanted_policies.resource)
	  FROM (VALUES ('SELECT', 'view'), ('INSERT', 'create'),
				   ('UPDATE', 'edit'), ('DELETE', 'delete')) AS v (command, verb)
$$;
COMMENT ON FUNCTION casnet.wanted_policies(text) IS
	'internal: the policies of a table with that resource';

CREATE FUNCTION casnet.foreign_policies(relation regclass, resource text)
	RETURNS SETOF pg_catalog.pg_policy
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT p.*
	  FROM pg_policy AS p
	 WHERE p.polrelid = foreign_policies.relation AND p.polpermissive
	   AND NOT EXISTS (
		SELECT FROM casnet.wanted_policies(foreign_policies.resource) AS w
		 WHERE w.name = p.polname AND p.polroles = '{0}'
		   AND p.polcmd = CASE w.command WHEN 'SELECT' THEN 'r'
							WHEN 'INSERT' THEN 'a' WHEN 'UPDATE' THEN 'w'
							ELSE 'd' END::"char"
		   AND pg_get_expr(coalesce(p.polqual, p.polwithcheck), p.polrelid)
			   = '(' || w.expression || ')'
		   AND (p.polqual IS NULL OR p.polwithcheck IS NULL))
$$;
COMMENT ON FUNCTION casnet.foreign_policies(regclass, text) IS
	'internal: the permissive policies of a table that are not as ours would be';

CREATE FUNCTION casnet.protect_rows(relation regclass, resource text)
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted record;
BEGIN
	FOR wanted IN
		SELECT p.polname FROM casnet.foreign_policies(relation, resource) AS p
		  JOIN casnet.wanted_policies(resource) AS w ON w.name = p.polname
	LOOP
		PERFORM casnet.run_on(format('DROP POLICY %I ON', wanted.polname),
							  relation, '');
	END LOOP;
	FOR wanted IN
		SELECT w.* FROM casnet.wanted_policies(resource) AS w
		 WHERE w.name NOT IN (SELECT p.polname FROM pg_policy AS p
							  WHERE p.polrelid = protect_rows.relation)
	LOOP
		PERFORM casnet.run_on(
			format('CREATE POLICY %I ON', wanted.name), relation,
			format('FOR %s TO PUBLIC %s (%s)', wanted.command,
				   CASE wanted.command WHEN 'INSERT' THEN 'WITH CHECK'
						ELSE 'USING' END,
				   wanted.expression));
		PERFORM casnet.run_on(
			format('COMMENT ON POLICY %I ON', wanted.name), relation,
			format('IS %L', 'casnet: whose rows anybody may ' ||
				   lower(wanted.command)));
	END LOOP;
	IF EXISTS (SELECT FROM pg_class AS c
			   WHERE c.oid = protect_rows.relation
				 AND NOT (c.relrowsecurity AND c.relforcerowsecurity)) THEN
		PERFORM casnet.run_on('ALTER TABLE', relation,
							  'ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY');
	END IF;
	-- Of partitions one by one, as the policies: who makes another one would need a
	-- privilege on the function to get a trigger of the table.  A row can go from one
	-- partition to another, by a deletion and an insertion.
	SELECT CASE WHEN c.relispartition THEN 31 ELSE 19 END AS type,
		   CASE WHEN c.relispartition THEN 'INSERT OR UPDATE OR DELETE'
				ELSE 'UPDATE OF tenant_id' END AS event
	  INTO wanted FROM pg_class AS c
	 WHERE c.oid = protect_rows.relation AND c.relkind = 'r';
	IF FOUND AND NOT EXISTS (SELECT FROM pg_trigger AS t
				   WHERE t.tgrelid = protect_rows.relation
					 AND t.tgname = 'casnet_keep_tenant'
					 AND t.tgtype = wanted.type) THEN
		PERFORM casnet.run_on(
			format('CREATE OR REPLACE TRIGGER casnet_keep_tenant BEFORE %s ON',
				   wanted.event),
			relation, 'FOR EACH ROW EXECUTE FUNCTION casnet.keep_tenant()');
		PERFORM casnet.run_on(
			'COMMENT ON TRIGGER casnet_keep_tenant ON', relation,
			'IS ''casnet: no row moves to another tenant''');
		PERFORM casnet.run_on(
			'CREATE OR REPLACE TRIGGER casnet_kept_tenant AFTER UPDATE ON',
			relation,
			'FOR EACH ROW WHEN (OLD.tenant_id IS DISTINCT FROM NEW.tenant_id) '
			'EXECUTE FUNCTION casnet.keep_tenant()');
		PERFORM casnet.run_on(
			'COMMENT ON TRIGGER casnet_kept_tenant ON', relation,
			'IS ''casnet: no trigger moves a row to another tenant''');
	END IF;
END
$$;
COMMENT ON FUNCTION casnet.protect_rows(regclass, text) IS
	'internal: puts the policies on one table, or on one partition, and keeps its rows in their tenant';

CREATE FUNCTION casnet.protect_updates(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_attribute AS a
				   WHERE a.attrelid = protect_updates.relation
					 AND a.attname = 'updated_at' AND NOT a.attisdropped
					 AND a.atttypid = 'timestamptz'::regtype
					 AND a.attgenerated = '')
	   OR EXISTS (SELECT FROM pg_trigger AS t
				  WHERE t.tgrelid = protect_updates.relation
					AND t.tgname = 'casnet_updated_at') THEN
		RETURN;
	ELSIF casnet.strange_partition_key(relation) IS NOT NULL THEN
		RAISE WARNING 'table % gets no trigger for updated_at', relation
			USING DETAIL = format('The partition key of %s calls a function of a role that is no superuser.',
								  casnet.strange_partition_key(relation));
		RETURN;
	END IF;
	PERFORM casnet.run_on(
		'CREATE TRIGGER casnet_updated_at BEFORE UPDATE ON', relation,
		'FOR EACH ROW EXECUTE FUNCTION casnet.touch_updated_at()');
	PERFORM casnet.run_on('COMMENT ON TRIGGER casnet_updated_at ON', relation,
						  'IS ''casnet: updated_at moves on every update''');
END
$$;
COMMENT ON FUNCTION casnet.protect_updates(regclass) IS
	'internal: keeps updated_at, where there is one';

-- The table about protected tables, read and written for casnet_admin.  A row
-- counts while the table has a foreign key to tenants, which outlives the
-- extension; else it is about a table that is gone.

CREATE FUNCTION casnet.tenant_references(relation regclass)
	RETURNS SETOF pg_catalog.pg_constraint
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT f.*
	  FROM pg_constraint AS f
	  JOIN pg_attribute AS a
		ON a.attrelid = f.conrelid AND a.attname = 'tenant_id'
		   AND f.conkey = ARRAY[a.attnum]
	 WHERE f.conrelid = tenant_references.relation AND f.contype = 'f'
	   AND f.confrelid = 'casnet.tenants'::regclass AND f.confdeltype = 'c'
$$;
COMMENT ON FUNCTION casnet.tenant_references(regclass) IS
	'internal: the foreign keys by which rows go with their tenant, whether they hold for all rows or not';

CREATE FUNCTION casnet.protection_of(relation regclass,
	OUT resource text, OUT before jsonb)
	RETURNS record
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	-- Of two, one is about a table that is gone.
	SELECT p.resource, p.before
	  FROM casnet.protected AS p
	 WHERE p.relation = protection_of.relation
	   AND EXISTS (SELECT FROM casnet.tenant_references(p.relation))
	 ORDER BY EXISTS (SELECT FROM casnet.foreign_policies(p.relation, p.resource)),
			  p.created_at DESC
	 LIMIT 1
$$;
COMMENT ON FUNCTION casnet.protection_of(regclass) IS
	'internal: what casnet.protect() noted about a table, or NULLs';

-- It reads all that unprotect() will rely on from the catalogs itself: the
-- default of a column comes back as a piece of SQL.
CREATE FUNCTION casnet.note_protection(relation regclass, resource text,
	is_named boolean)
	RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	made text[];
	taken_over text[];
BEGIN
	LOCK TABLE casnet.protected IN SHARE ROW EXCLUSIVE MODE;
	-- Of a table that is gone: what was made for it is this one's now.
	WITH gone AS (
		DELETE FROM casnet.protected AS p
		 WHERE p.resource = note_protection.resource
		   AND NOT EXISTS (SELECT FROM casnet.tenant_references(p.relation))
		RETURNING p.permissions
	)
	SELECT coalesce(array_agg(DISTINCT u.permission), '{}') INTO taken_over
	  FROM gone AS g CROSS JOIN unnest(g.permissions) AS u (permission);
	IF EXISTS (SELECT FROM casnet.protected AS p
			   WHERE p.relation = note_protection.relation
				 AND EXISTS (SELECT FROM casnet.tenant_references(p.relation))) THEN
		RAISE EXCEPTION 'table % is protected', relation
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'Call casnet.protect() or casnet.unprotect().';
	END IF;
	IF NOT is_named
	   AND (EXISTS (SELECT FROM casnet.protected AS p
					WHERE p.resource = note_protection.resource
					  AND EXISTS (SELECT FROM casnet.tenant_references(p.relation)))
			OR note_protection.resource
			   IN ('persons', 'records', 'tags', 'tasks', 'calendar')) THEN
		RAISE EXCEPTION 'another table has the permissions of resource "%"', resource
			USING ERRCODE = 'duplicate_object',
				  HINT = 'Name another resource, as in casnet.protect(''public.invoices'', ''bills''), or this one to share its permissions.';
	END IF;

	WITH permission (name, lowest) AS (
		SELECT v.verb || '_' || note_protection.resource, v.lowest
		  FROM (VALUES ('view', 1), ('create', 2), ('edit', 2), ('delete', 3))
			   AS v (verb, lowest)
	), inserted AS (
		INSERT INTO casnet.role_permissions (role, permission)
		SELECT r.name, p.name
		  FROM (VALUES ('viewer', 1), ('member', 2), ('admin', 3), ('owner', 4))
			   AS r (name, rank)
		  JOIN permission AS p ON r.rank >= p.lowest
		 WHERE p.name NOT IN (SELECT known.permission
								FROM casnet.role_permissions AS known)
		RETURNING permission
	)
	SELECT array_agg(DISTINCT i.permission) INTO made FROM inserted AS i;

	INSERT INTO casnet.protected (relation, resource, permissions, before)
	SELECT c.oid, note_protection.resource, coalesce(made, '{}') || taken_over,
		   jsonb_build_object(
				'column', a.attnum IS NOT NULL,
				'not_null', coalesce(a.attnotnull, false),
				'default', pg_get_expr(d.adbin, d.adrelid),
				'privileges', (SELECT jsonb_agg(DISTINCT x.privilege_type)
								 FROM aclexplode(c.relacl) AS x
								WHERE x.grantee = 'casnet_user'::regrole),
				'row_security', c.relrowsecurity,
				'forced', c.relforcerowsecurity,
				'partitions',
					(SELECT jsonb_object_agg(t.oid::regclass,
							jsonb_build_object('row_security', t.relrowsecurity,
											   'forced', t.relforcerowsecurity))
					   FROM pg_partition_tree(c.oid) AS p
					   JOIN pg_class AS t ON t.oid = p.relid
					  WHERE p.level > 0
						AND (t.relrowsecurity OR t.relforcerowsecurity)))
	  FROM pg_class AS c
	  LEFT JOIN pg_attribute AS a
		ON a.attrelid = c.oid AND a.attname = 'tenant_id'
	  LEFT JOIN pg_attrdef AS d
		ON d.adrelid = c.oid AND d.adnum = a.attnum
	 WHERE c.oid = note_protection.relation;
END
$$;
COMMENT ON FUNCTION casnet.note_protection(regclass, text, boolean) IS
	'internal: notes what a table has of its own, and makes the permissions of its resource that nobody has';

CREATE FUNCTION casnet.begin_protection(relation regclass, resource text,
	is_named boolean)
	RETURNS void
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'casnet_begin_protection';
COMMENT ON FUNCTION casnet.begin_protection(regclass, text, boolean) IS
	'internal: note_protection() for whoever may protect the table';

CREATE FUNCTION casnet.forget_protection(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	gone record;
BEGIN
	LOCK TABLE casnet.protected IN SHARE ROW EXCLUSIVE MODE;
	FOR gone IN
		DELETE FROM casnet.protected AS p
		 WHERE p.relation = forget_protection.relation
			OR forget_protection.relation IS NULL
			   AND NOT EXISTS (SELECT FROM casnet.tenant_references(p.relation))
		RETURNING p.resource, p.permissions
	LOOP
		-- Whoever uses the permissions next takes them over.
		UPDATE casnet.protected AS p
		   SET permissions = p.permissions || gone.permissions
		 WHERE (p.relation, p.created_at) =
			   (SELECT o.relation, o.created_at FROM casnet.protected AS o
				 WHERE o.resource = gone.resource
				   AND EXISTS (SELECT FROM casnet.tenant_references(o.relation))
				 ORDER BY o.created_at, o.relation LIMIT 1);
		CONTINUE WHEN FOUND;
		DELETE FROM casnet.user_tenant_permissions AS g
		 WHERE g.permission = ANY (gone.permissions);
		DELETE FROM casnet.role_permissions AS g
		 WHERE g.permission = ANY (gone.permissions);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet.forget_protection(regclass) IS
	'internal: forgets a table, or with NULL those that are gone, and the permissions that were made for it and that no other table uses';

CREATE FUNCTION casnet.end_protection(relation regclass) RETURNS void
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'casnet_end_protection';
COMMENT ON FUNCTION casnet.end_protection(regclass) IS
	'internal: forget_protection() for whoever may undo the protection of the table';

CREATE FUNCTION casnet.add_tenant_key(relation regclass) RETURNS void
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'casnet_add_tenant_key';
COMMENT ON FUNCTION casnet.add_tenant_key(regclass) IS
	'internal: the foreign key from tenant_id to casnet.tenants, for whoever may protect the table';

-- Partitions are looked at with their table.
CREATE FUNCTION casnet.require_one_owner(relation regclass) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	part record;
BEGIN
	SELECT p.oid::regclass AS relation, r.relowner::regrole AS owner INTO part
	  FROM pg_class AS r
	 CROSS JOIN pg_partition_tree(r.oid) AS t
	  JOIN pg_class AS p ON p.oid = t.relid AND p.relowner <> r.relowner
	 WHERE r.oid = require_one_owner.relation
	 ORDER BY p.oid LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'partition % belongs to another role than table %',
				part.relation, require_one_owner.relation
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = format('ALTER TABLE %s OWNER TO %s', part.relation, part.owner);
	END IF;
END
$$;
COMMENT ON FUNCTION casnet.require_one_owner(regclass) IS
	'internal: 55000 when a partition belongs to another role than its table, whose code would run as that role';

CREATE FUNCTION casnet.list_protected_tables(
	OUT relation regclass, OUT resource text, OUT policies text[],
	OUT row_security boolean, OUT forced boolean)
	RETURNS SETOF record
	LANGUAGE sql STABLE SECURITY DEFINER ROWS 20
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT c.oid::regclass, g.resource,
		   ARRAY(SELECT p.polname::text FROM pg_policy AS p
				  WHERE p.polrelid = c.oid ORDER BY 1),
		   c.relrowsecurity, c.relforcerowsecurity
	  FROM (SELECT DISTINCT p.relation FROM casnet.protected AS p) AS r
	  JOIN pg_class AS c ON c.oid = r.relation
	 CROSS JOIN LATERAL casnet.protection_of(c.oid) AS g
	 WHERE g.resource IS NOT NULL
$$;
COMMENT ON FUNCTION casnet.list_protected_tables() IS
	'internal: the rows of the view casnet.protected_tables';

CREATE FUNCTION casnet.key_within_tenant(relation regclass, columns name[])
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
	 WHERE i.indrelid = key_within_tenant.relation AND i.indisvalid
	   AND i.indpred IS NULL AND k.names[1] = 'tenant_id'
	   AND (columns IS NULL
			OR (i.indisunique AND i.indimmediate AND i.indexprs IS NULL
				AND k.names @> columns
				AND k.names <@ ('tenant_id'::name || columns)))
	 ORDER BY i.indisprimary DESC, i.indexrelid LIMIT 1
$$;
COMMENT ON FUNCTION casnet.key_within_tenant(regclass, name[]) IS
	'internal: an index on tenant_id and these columns that a foreign key can refer to, or without columns any led by tenant_id';

CREATE FUNCTION casnet.column_list(relation oid, columns int2[])
	RETURNS text
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.n)
	  FROM unnest(columns) WITH ORDINALITY AS k (attnum, n)
	  JOIN pg_attribute AS a ON a.attrelid = relation AND a.attnum = k.attnum
$$;
COMMENT ON FUNCTION casnet.column_list(oid, int2[]) IS
	'internal: the names of columns, as SQL writes them';

CREATE FUNCTION casnet.key_columns(relation oid, columns int2[],
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
COMMENT ON FUNCTION casnet.key_columns(oid, int2[], boolean, text, text) IS
	'internal: the same of a key, whose last column is a period in a temporal one';

-- What is left to do for the owner, each with a statement that does it, in
-- the order in which they work.  As with doctor_codes(): a statement where it adds
-- protection or tightens it, as a key within the tenant does, or where another key
-- does what goes; a comment where a role that is no application's would lose what it
-- may have for a reason.
-- Names are anybody's choice, and a line ends a comment.
CREATE FUNCTION casnet.comment_line(text text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT '-- ' || regexp_replace(comment_line.text, '[[:cntrl:]]', ' ', 'g')
$$;
COMMENT ON FUNCTION casnet.comment_line(text) IS
	'internal: a comment that ends with its line, whatever names are in it';

CREATE FUNCTION casnet.note(comment text, statement text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT casnet.comment_line(note.comment) || E'\n' || note.statement
$$;
COMMENT ON FUNCTION casnet.note(text, text) IS
	'internal: a comment, and the statement that it is about';

-- Names in a definition are anybody's choice, so nothing is looked for in one.  What
-- it begins with is built from the catalogs; where the server writes something else,
-- or what takes the tenant cannot be the same otherwise, the result is NULL.
CREATE FUNCTION casnet.index_within(index oid, tenant name) RETURNS text
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
COMMENT ON FUNCTION casnet.index_within(oid, name) IS
	'internal: the statement that makes an index again with the tenant in front, or NULL';

CREATE FUNCTION casnet.key_within(key oid, tenant name) RETURNS text
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
COMMENT ON FUNCTION casnet.key_within(oid, name) IS
	'internal: the definition of a key or exclusion with the tenant in front, or NULL';

-- Neither a column of the tenant that an update clears, nor MATCH FULL of several
-- columns, of which the tenant is never NULL, can be had.  The catalog has what
-- belongs to periods and enforcement from 18 on.
CREATE FUNCTION casnet.reference_within(reference oid, tenant name, key_tenant name)
	RETURNS text
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT format('FOREIGN KEY (%I, %s) REFERENCES %s (%I, %s)%s%s%s%s%s',
				  reference_within.tenant,
				  casnet.key_columns(f.conrelid, f.conkey, p.is_temporal, 'PERIOD '),
				  f.confrelid::regclass, reference_within.key_tenant,
				  casnet.key_columns(f.confrelid, f.confkey, p.is_temporal, 'PERIOD '),
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
		SELECT coalesce(casnet.column_list(f.conrelid, f.confdelsetcols),
						casnet.column_list(f.conrelid, f.conkey)) AS columns) AS s
	 WHERE f.oid = reference_within.reference AND f.contype = 'f'
	   AND f.confupdtype IN ('a', 'r', 'c')
	   AND (f.confmatchtype = 's' OR cardinality(f.conkey) = 1)
$$;
COMMENT ON FUNCTION casnet.reference_within(oid, name, name) IS
	'internal: the definition of a foreign key with the tenants of both tables, or NULL';

-- The key that such a reference needs, unless there is one.
CREATE FUNCTION casnet.key_for_reference(reference oid, key_tenant name) RETURNS text
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT format('ALTER TABLE %s ADD UNIQUE (%I, %s)', f.confrelid::regclass,
				  key_for_reference.key_tenant,
				  casnet.key_columns(f.confrelid, f.confkey, p.is_temporal, '',
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
COMMENT ON FUNCTION casnet.key_for_reference(oid, name) IS
	'internal: the statement that makes the key for a reference within the tenant, or NULL if it is there';

CREATE FUNCTION casnet.protection_notes(relation regclass) RETURNS text[]
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH member AS (			-- the table and its partitions
		SELECT c.oid, c.relkind, c.relacl, c.relowner,
			   c.relispartition, a.attnum AS tenant
		  FROM pg_class AS c
		  JOIN pg_attribute AS a
			ON a.attrelid = c.oid AND a.attname = 'tenant_id'
		 WHERE c.oid = protection_notes.relation
			OR c.oid IN (SELECT relid
						   FROM pg_partition_tree(protection_notes.relation))
	), tenant_table AS (
		SELECT p.polrelid AS oid, a.attnum AS tenant
		  FROM pg_policy AS p
		  JOIN pg_attribute AS a
			ON a.attrelid = p.polrelid AND a.attname = 'tenant_id'
		 WHERE p.polname = 'casnet_select'
		   AND pg_get_expr(p.polqual, p.polrelid)
			   LIKE '(tenant_id = casnet.tenant\_with(%'
	), loose_reference AS (		-- to or from the table, across tenants
		SELECT f.*,
			   casnet.reference_within(f.oid, 'tenant_id', 'tenant_id') AS within
		  FROM pg_constraint AS f
		  JOIN tenant_table AS t ON t.oid = f.conrelid
		  JOIN tenant_table AS r ON r.oid = f.confrelid
		 WHERE f.contype = 'f' AND f.conparentid = 0
		   AND protection_notes.relation IN (f.conrelid, f.confrelid)
		   AND NOT EXISTS (SELECT FROM unnest(f.conkey, f.confkey) AS k (a, b)
						   WHERE k.a = t.tenant AND k.b = r.tenant)
	), loose_key AS (			-- unique over all tenants
		SELECT m.relkind, i.indexrelid, i.indrelid, i.indisexclusion, k.contype,
			   k.conname, casnet.key_within(k.oid, 'tenant_id') AS definition,
			   casnet.index_within(i.indexrelid, 'tenant_id') AS statement,
			   (SELECT string_agg(DISTINCT f.conrelid::regclass::text, ', ')
				  FROM pg_constraint AS f
				 WHERE f.confrelid = i.indrelid AND f.contype = 'f'
				   AND f.conindid = i.indexrelid
				   AND f.oid NOT IN (SELECT l.oid FROM loose_reference AS l))
			   AS used_by,
			   casnet.key_within_tenant(i.indrelid,
				(SELECT array_agg(a.attname)
				   FROM unnest(k.conkey) AS n (attnum)
				   JOIN pg_attribute AS a
					 ON a.attrelid = i.indrelid AND a.attnum = n.attnum))
			   AS within
		  FROM member AS m
		  JOIN pg_index AS i ON i.indrelid = m.oid
		  JOIN pg_class AS c ON c.oid = i.indexrelid
		  LEFT JOIN pg_constraint AS k
			ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid
			   AND k.contype IN ('p', 'u', 'x')
		 WHERE (i.indisunique OR i.indisexclusion) AND NOT c.relispartition
		   AND NOT m.tenant = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
	), note (rank, name, text) AS (
		SELECT 1, l.conname,
			   CASE WHEN l.within IS NOT NULL
					THEN casnet.note(
						format('foreign key %I of %s can point into another tenant',
							   l.conname, l.conrelid::regclass),
						coalesce(casnet.key_for_reference(l.oid, 'tenant_id')
								 || E';\n', '') ||
						format('ALTER TABLE %1$s DROP CONSTRAINT %2$I, ADD CONSTRAINT %2$I %3$s;',
							   l.conrelid::regclass, l.conname, l.within))
					ELSE casnet.comment_line(
						format('foreign key %I of %s can point into another tenant: replace it by one with tenant_id, without ON UPDATE SET NULL or SET DEFAULT and without MATCH FULL',
							   l.conname, l.conrelid::regclass)) END
		  FROM loose_reference AS l
		UNION ALL
		SELECT 2, f.conname,
			   casnet.note(
					  format('foreign key %I of %s keeps tenants from being deleted',
							 f.conname, f.conrelid::regclass),
					  format('ALTER TABLE %s DROP CONSTRAINT %I;',
							 f.conrelid::regclass, f.conname))
		  FROM pg_constraint AS f
		  JOIN member AS m ON m.oid = f.conrelid AND f.conkey = ARRAY[m.tenant]
		 WHERE f.contype = 'f' AND f.conparentid = 0
		   AND f.confrelid = 'casnet.tenants'::regclass
		   AND f.confdeltype <> 'c'
		UNION ALL
		SELECT 3, k.conname,
			   casnet.note(
					  format('%s %I of %s is not within a tenant, so it tells of rows in others%s',
					  CASE k.contype WHEN 'p' THEN 'primary key'
						   WHEN 'u' THEN 'unique key' ELSE 'exclusion' END,
					  k.conname, k.indrelid::regclass,
					  CASE WHEN k.used_by IS NOT NULL
						   THEN '; before it, foreign keys of ' || k.used_by
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
					  '-- make it again with tenant_id')) ||
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
					THEN casnet.note(v.trouble,
						format('DROP INDEX %s; %s;', k.indexrelid::regclass,
							   k.statement))
					ELSE casnet.comment_line(v.trouble || '; make it again with tenant_id in front')
			   END
		  FROM loose_key AS k
		  JOIN pg_class AS c ON c.oid = k.indexrelid
		 CROSS JOIN LATERAL
			   format('unique index %I of %s is not within a tenant, so it tells of rows in others',
					  c.relname, k.indrelid::regclass) AS v (trouble)
		 WHERE k.conname IS NULL
		UNION ALL
		SELECT 5, x.grantee::text,
			   casnet.note(
					  format('%s may do what no policy sees, or has privileges that it does not need',
							 coalesce(quote_ident(x.rolname), 'PUBLIC')),
					  CASE WHEN x.grantee = 0
								OR x.grantee IN (SELECT a.role FROM casnet.application_roles() AS a)
						   THEN s.statement
						   ELSE casnet.comment_line('unless it is meant: ' || s.statement)
					  END)
		  FROM (SELECT m.oid, x.grantee, r.rolname,
					   string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type)
					   AS privileges
				  FROM member AS m
				 CROSS JOIN LATERAL aclexplode(m.relacl) AS x
				  LEFT JOIN pg_roles AS r ON r.oid = x.grantee
				 WHERE x.grantee = 0
					OR (r.oid <> m.relowner
						AND x.privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER'))
				 GROUP BY x.grantee, r.rolname, m.oid) AS x
		 CROSS JOIN LATERAL
			   format('REVOKE %s ON %s FROM %s;', x.privileges, x.oid::regclass,
					  coalesce(quote_ident(x.rolname), 'PUBLIC')) AS s (statement)
		UNION ALL
		SELECT DISTINCT 6, s.oid::text,
			   casnet.note(
					  format('the default of column %I takes a number of %s; the gaps tell how many others took',
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
		 WHERE d.adrelid = protection_notes.relation
		   AND CASE WHEN s.relkind = 'S'
					THEN NOT has_sequence_privilege('casnet_user', s.oid, 'USAGE')
			   END
	)
	SELECT coalesce(array_agg(n.text ORDER BY n.rank, n.name, n.text), '{}')
	  FROM note AS n
$$;
COMMENT ON FUNCTION casnet.protection_notes(regclass) IS
	'internal: what casnet.protect() leaves to the owner of the table';

-- Whoever holds the permissions of a table that is gone, or was given them for another
-- purpose, holds them for the new one.
CREATE FUNCTION casnet.permission_notes(resource text) RETURNS text[]
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT coalesce(array_agg(casnet.comment_line(format(
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
	   AND NOT EXISTS (SELECT FROM casnet.list_protected_tables() AS t
						WHERE t.resource = permission_notes.resource)
$$;
COMMENT ON FUNCTION casnet.permission_notes(text) IS
	'internal: who holds what a new protected table brings with it already';

CREATE FUNCTION casnet.protect_column(relation regclass, tenant_id uuid)
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	has_rows boolean;
	holder uuid := coalesce(protect_column.tenant_id,
							casnet.current_tenant_id());
	tenants uuid[];
	wrong bigint;
	is_new boolean := NOT EXISTS (SELECT FROM pg_attribute AS a
								  WHERE a.attrelid = protect_column.relation
									AND a.attname = 'tenant_id');
BEGIN
	IF is_new THEN
		PERFORM casnet.require_one_owner(relation);
		has_rows := casnet.run_for_owner(relation,
			format('SELECT EXISTS (SELECT FROM %s)', relation))::boolean;
		IF has_rows AND holder IS NULL THEN
			RAISE EXCEPTION 'the rows of table % would belong to no tenant', relation
				USING ERRCODE = 'invalid_parameter_value',
					  HINT = 'Give the argument tenant_id, or choose a tenant with SET casnet.tenant_id, or add the column tenant_id and fill it.';
		ELSIF (has_rows OR protect_column.tenant_id IS NOT NULL)
			  AND NOT EXISTS (SELECT FROM casnet.tenants AS t
							  WHERE t.id = holder) THEN
			RAISE EXCEPTION 'there is no such tenant'
				USING ERRCODE = 'P0002',
					  HINT = 'SELECT id, name FROM casnet.tenants lists them.';
		END IF;
		-- A constant: no row is written, no trigger fires.
		PERFORM casnet.run_on_for_owner('ALTER TABLE', relation,
			format('ADD COLUMN tenant_id uuid NOT NULL DEFAULT %L',
				   coalesce(holder, casnet.uuid_v7())));
		PERFORM casnet.run_on('COMMENT ON COLUMN', relation,
							  '.tenant_id IS ''the tenant; defaults to the active one''');
	ELSIF NOT (SELECT a.attnotnull
					  -- From 18 on it may hold for new rows only.
					  AND NOT EXISTS (SELECT FROM pg_constraint AS k
									  WHERE k.conrelid = a.attrelid
										AND k.contype = 'n' AND NOT k.convalidated
										AND k.conkey = ARRAY[a.attnum])
			   FROM pg_attribute AS a
			   WHERE a.attrelid = protect_column.relation
				 AND a.attname = 'tenant_id') THEN
		PERFORM casnet.require_one_owner(relation);
		wrong := casnet.run_for_owner(relation,
			format('SELECT count(*) FROM %s WHERE tenant_id IS NULL', relation));
		IF wrong > 0 THEN
			RAISE EXCEPTION 'table % has % rows without a tenant', relation, wrong
				USING ERRCODE = 'not_null_violation',
					  HINT = format('UPDATE %s SET tenant_id = ... WHERE tenant_id IS NULL, and call it again.', relation);
		END IF;
		PERFORM casnet.set_not_null(relation);
	END IF;

	-- One that is not enforced is not validated either.
	IF NOT EXISTS (SELECT FROM casnet.tenant_references(relation) AS f
				   WHERE f.convalidated) THEN
		PERFORM casnet.require_one_owner(relation);
		IF NOT is_new THEN
			-- The owner need not be able to read tenants, nor the caller to run
			-- what is in the way of the rows.
			tenants := casnet.run_for_owner(relation,
				format('SELECT array_agg(DISTINCT tenant_id) FROM %s', relation));
			tenants := ARRAY(SELECT u.id FROM unnest(tenants) AS u (id)
							  WHERE NOT EXISTS (SELECT FROM casnet.tenants AS t
												 WHERE t.id = u.id));
			IF tenants <> '{}' THEN
				wrong := casnet.run_for_owner(relation,
					format('SELECT count(*) FROM %s WHERE tenant_id = ANY (%L)',
						   relation, tenants));
				RAISE EXCEPTION 'table % has % rows of tenants that do not exist', relation, wrong
					USING ERRCODE = 'foreign_key_violation',
						  HINT = format('DELETE FROM %s WHERE tenant_id NOT IN (SELECT id FROM casnet.tenants), or correct them, and call it again.', relation);
			END IF;
		END IF;
		PERFORM casnet.add_tenant_key(relation);
		PERFORM casnet.run_on(
			format('COMMENT ON CONSTRAINT %I ON',
				   (SELECT f.conname
					  FROM casnet.tenant_references(relation) AS f
					 WHERE f.convalidated)),
			relation, 'IS ''casnet: rows go with their tenant''');
	END IF;
	PERFORM casnet.protect_default(relation);
END
$$;
COMMENT ON FUNCTION casnet.protect_column(regclass, uuid) IS
	'internal: gives a table its column tenant_id, and existing rows to a tenant';

CREATE FUNCTION casnet.protect_default(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_attribute AS a
					 JOIN pg_attrdef AS d
					   ON d.adrelid = a.attrelid AND d.adnum = a.attnum
					WHERE a.attrelid = protect_default.relation
					  AND a.attname = 'tenant_id'
					  AND pg_get_expr(d.adbin, d.adrelid)
						  = 'casnet.current_tenant_id()') THEN
		PERFORM casnet.run_on(
			'ALTER TABLE', relation,
			'ALTER COLUMN tenant_id SET DEFAULT casnet.current_tenant_id()');
	END IF;
END
$$;
COMMENT ON FUNCTION casnet.protect_default(regclass) IS
	'internal: tenant_id defaults to the active tenant';

CREATE FUNCTION casnet.protect_index(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	key name[];
BEGIN
	SELECT array_agg(a.attname ORDER BY k.n) INTO key
	  FROM pg_index AS i
	 CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, n)
	  JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
	 WHERE i.indrelid = protect_index.relation AND i.indisprimary
	   AND k.n <= i.indnkeyatts AND a.attname <> 'tenant_id';
	IF casnet.key_within_tenant(relation, key) IS NULL THEN
		PERFORM casnet.run_on(
			format('CREATE %s INDEX ON',
				   CASE WHEN key IS NULL THEN '' ELSE 'UNIQUE' END),
			relation,
			format('(tenant_id%s)',
				   (SELECT string_agg(', ' || quote_ident(k), '' ORDER BY n)
					  FROM unnest(key) WITH ORDINALITY AS k (k, n))));
		PERFORM casnet.run_on('COMMENT ON INDEX',
							  casnet.key_within_tenant(relation, key),
							  'IS ''casnet: the rows of a tenant''');
	END IF;
END
$$;
COMMENT ON FUNCTION casnet.protect_index(regclass) IS
	'internal: an index led by tenant_id; with the primary key, for foreign keys within a tenant';

CREATE FUNCTION casnet.protect(
	relation regclass, resource text DEFAULT NULL, tenant_id uuid DEFAULT NULL)
	RETURNS text[]
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	member regclass;
	registered text;
	wanted text := protect.resource;
	others text[];
	remedy text;
	notes text[] := '{}';
BEGIN
	PERFORM casnet.require_protector(relation);
	PERFORM casnet.require_protectable(relation);
	PERFORM casnet.lock_tree(relation);
	-- It may have changed while we waited.
	PERFORM casnet.require_protector(relation);
	PERFORM casnet.require_protectable(relation);

	SELECT g.resource INTO registered FROM casnet.protection_of(relation) AS g;
	IF wanted IS NULL THEN
		SELECT coalesce(registered, lower(c.relname)) INTO wanted
		  FROM pg_class AS c WHERE c.oid = protect.relation;
	END IF;
	IF wanted !~ '^[a-z][a-z0-9_]*$' OR octet_length(wanted) > 56 THEN
		RAISE EXCEPTION '"%" is no name of a resource', wanted
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Give the argument resource: lower-case letters, digits and _, at most 56, beginning with a letter.';
	ELSIF wanted IN ('users', 'tenant', 'tenants', 'roles', 'permissions',
					 'analytics', 'audit') THEN
		RAISE EXCEPTION 'resource "%" is kept for the permissions of casnet', wanted
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Name another resource, as in casnet.protect(''public.invoices'', ''bills'').';
	ELSIF wanted <> registered THEN
		RAISE EXCEPTION 'table % is protected as resource "%"', relation, registered
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'Call casnet.unprotect() first, then the permissions change their names.';
	END IF;

	-- They would let through what ours do not.
	SELECT array_agg(format('%I', p.polname) ORDER BY p.polname),
		   string_agg(format('DROP POLICY %I ON %s;', p.polname,
							 p.polrelid::regclass), ' ' ORDER BY p.polname)
	  INTO others, remedy
	  FROM (SELECT protect.relation AS relid
			UNION SELECT relid FROM pg_partition_tree(protect.relation)) AS m
	 CROSS JOIN LATERAL casnet.foreign_policies(m.relid, wanted) AS p
	 WHERE registered IS NULL
		OR p.polname NOT IN (SELECT w.name FROM casnet.wanted_policies(wanted) AS w);
	IF others IS NOT NULL THEN
		RAISE EXCEPTION 'table % has permissive policies of its own', relation
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  DETAIL = format('They would let through what those of casnet do not: %s.',
								  array_to_string(others, ', ')),
				  HINT = remedy;
	END IF;

	IF registered IS NULL THEN
		notes := casnet.permission_notes(wanted);
		PERFORM casnet.begin_protection(relation, wanted,
										protect.resource IS NOT NULL);
	END IF;
	PERFORM casnet.protect_column(relation, protect.tenant_id);
	PERFORM casnet.protect_index(relation);
	FOR member IN
		SELECT protect.relation
		UNION SELECT relid FROM pg_partition_tree(protect.relation)
	LOOP
		PERFORM casnet.protect_rows(member, wanted);
	END LOOP;
	PERFORM casnet.protect_updates(relation);
	-- Privileges that somebody has changed stay changed.
	IF registered IS NULL THEN
		PERFORM casnet.run_on('GRANT SELECT, INSERT, UPDATE, DELETE ON', relation,
							  'TO casnet_user');
	END IF;
	RETURN notes || casnet.protection_notes(relation)
		|| casnet.protect_loading(relation);
END
$$;
COMMENT ON FUNCTION casnet.protect(regclass, text, uuid) IS
	'gives a table of yours the tenants, policies and permissions that those of casnet have; returns what is left to do for you';

CREATE FUNCTION casnet.protect_loading(relation regclass) RETURNS text[]
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM casnet.make_load_view(relation);
	RETURN '{}';
EXCEPTION WHEN insufficient_privilege OR duplicate_table OR name_too_long
			   OR dependent_objects_still_exist THEN
	RETURN ARRAY[casnet.note(
		'the view to load it through is missing or out of date: ' || SQLERRM,
		format('SELECT casnet.make_load_view(%L);', relation))];
END
$$;
COMMENT ON FUNCTION casnet.protect_loading(regclass) IS
	'internal: makes the view to load a table through; returns the reason why not';

CREATE FUNCTION casnet.unprotect_column(relation regclass, before jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	tenants bigint;
	users text;
BEGIN
	IF (before->>'column')::boolean THEN
		IF NOT (before->>'not_null')::boolean THEN
			PERFORM casnet.run_on('ALTER TABLE', relation,
								  'ALTER COLUMN tenant_id DROP NOT NULL');
		END IF;
		IF before->>'default' IS NULL THEN
			PERFORM casnet.run_on('ALTER TABLE', relation,
								  'ALTER COLUMN tenant_id DROP DEFAULT');
			RETURN;
		END IF;
		-- The owner's: to read a constant of a row type is to check its domains.
		PERFORM casnet.require_one_owner(relation);
		PERFORM casnet.run_on_for_owner('ALTER TABLE', relation,
			'ALTER COLUMN tenant_id SET DEFAULT ' || (before->>'default'));
		RETURN;
	END IF;

	PERFORM casnet.require_one_owner(relation);
	tenants := casnet.run_for_owner(relation,
		format('SELECT count(*) FROM (SELECT DISTINCT tenant_id FROM %s LIMIT 2) AS t',
			   relation));
	IF tenants > 1 THEN
		RAISE EXCEPTION 'table % has rows of more than one tenant', relation
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  DETAIL = 'Without its column tenant_id nothing would tell whose they are.',
				  HINT = 'Delete those of all tenants but one, or copy the table.';
	END IF;
	SELECT string_agg(u.name, ', ' ORDER BY u.name) INTO users
	  FROM pg_attribute AS a
	 CROSS JOIN LATERAL
		   (SELECT format('constraint %I of %s', k.conname, a.attrelid::regclass)
			  FROM pg_constraint AS k
			 WHERE k.conrelid = a.attrelid AND a.attnum = ANY (k.conkey)
			   AND k.contype <> 'n' AND k.conparentid = 0 AND k.conislocal
			UNION ALL
			SELECT format('index %s', i.indexrelid::regclass)
			  FROM pg_index AS i
			  JOIN pg_class AS c ON c.oid = i.indexrelid
			 WHERE i.indrelid = a.attrelid AND a.attnum = ANY (i.indkey)
			   AND NOT c.relispartition
			   AND NOT EXISTS (SELECT FROM pg_constraint AS k
							   WHERE k.conindid = i.indexrelid
								 AND k.conrelid = i.indrelid)) AS u (name)
	 WHERE a.attname = 'tenant_id'
	   AND (a.attrelid = unprotect_column.relation
			OR a.attrelid IN (SELECT relid
								FROM pg_partition_tree(unprotect_column.relation)));
	IF users IS NOT NULL THEN
		RAISE EXCEPTION 'column tenant_id of table % is used by what casnet did not make', relation
			USING ERRCODE = 'dependent_objects_still_exist',
				  DETAIL = format('They would go with the column: %s.', users),
				  HINT = 'Drop them, or replace them by ones without tenant_id.';
	END IF;
	PERFORM casnet.run_on_for_owner('ALTER TABLE', relation,
									'DROP COLUMN tenant_id');
END
$$;
COMMENT ON FUNCTION casnet.unprotect_column(regclass, jsonb) IS
	'internal: makes tenant_id what it was, or drops it';

CREATE FUNCTION casnet.unprotect(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	target record;
	member record;
	change record;
	statement text;
	privileges text;
	columns text[];
BEGIN
	PERFORM casnet.require_protector(relation);
	IF (SELECT c.relkind IN ('r', 'p') FROM pg_class AS c
		WHERE c.oid = unprotect.relation) THEN
		PERFORM casnet.lock_tree(relation);
		PERFORM casnet.require_protector(relation);
		IF casnet.strange_partition_key(relation) IS NOT NULL THEN
			RAISE EXCEPTION 'the partition key of % calls a function of a role that is no superuser',
							casnet.strange_partition_key(relation)
				USING ERRCODE = 'wrong_object_type',
					  HINT = 'Detach that partition first.';
		END IF;
	END IF;
	SELECT g.resource, g.before INTO target
	  FROM casnet.protection_of(relation) AS g;
	IF target.resource IS NULL THEN
		RAISE EXCEPTION 'table % is not protected', relation
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'SELECT relation FROM casnet.protected_tables lists the tables that are.';
	END IF;

	FOR member IN
		SELECT c.oid::regclass AS relation,
			   CASE WHEN c.oid = unprotect.relation THEN target.before
					ELSE target.before->'partitions'->(c.oid::regclass::text)
			   END AS before
		  FROM pg_class AS c
		 WHERE c.oid = unprotect.relation
			OR c.oid IN (SELECT relid FROM pg_partition_tree(unprotect.relation))
	LOOP
		FOR change IN
			SELECT format('DROP POLICY %I ON', p.polname) AS before, '' AS after
			  FROM pg_policy AS p
			  JOIN casnet.wanted_policies(target.resource) AS w
				ON w.name = p.polname
			 WHERE p.polrelid = member.relation
			UNION ALL
			SELECT format('DROP TRIGGER %I ON', t.tgname), ''
			  FROM pg_trigger AS t
			 WHERE t.tgrelid = member.relation
			   AND t.tgname IN ('casnet_keep_tenant', 'casnet_kept_tenant')
			   AND obj_description(t.oid, 'pg_trigger') LIKE 'casnet: %'
			UNION ALL
			SELECT 'ALTER TABLE',
				   format('%s ROW LEVEL SECURITY, %s ROW LEVEL SECURITY',
						  CASE WHEN (member.before->>'row_security')::boolean
							   THEN 'ENABLE' ELSE 'DISABLE' END,
						  CASE WHEN (member.before->>'forced')::boolean
							   THEN 'FORCE' ELSE 'NO FORCE' END)
		LOOP
			PERFORM casnet.run_on(change.before, member.relation, change.after);
		END LOOP;
	END LOOP;

	FOR change IN
		SELECT format('DROP TRIGGER %I ON', t.tgname) AS before,
			   unprotect.relation AS target, '' AS after
		  FROM pg_trigger AS t
		 WHERE t.tgrelid = unprotect.relation AND t.tgname = 'casnet_updated_at'
		   AND obj_description(t.oid, 'pg_trigger') LIKE 'casnet: %'
		UNION ALL
		SELECT 'ALTER TABLE', relation, format('DROP CONSTRAINT %I', f.conname)
		  FROM casnet.tenant_references(relation) AS f
		 WHERE obj_description(f.oid, 'pg_constraint') LIKE 'casnet: %'
		UNION ALL
		SELECT 'DROP INDEX', i.indexrelid::regclass, ''
		  FROM pg_index AS i
		 WHERE i.indrelid = unprotect.relation
		   AND obj_description(i.indexrelid, 'pg_class') LIKE 'casnet: %'
		   AND NOT EXISTS (SELECT FROM pg_constraint AS k
						   WHERE k.conindid = i.indexrelid
							 AND k.conrelid = i.indrelid)
		UNION ALL
		-- That of a table that was renamed is of no use any more.
		SELECT 'DROP VIEW', v.oid::regclass, ''
		  FROM pg_class AS c
		  JOIN pg_class AS v
			ON v.relnamespace = c.relnamespace AND v.relkind = 'v'
			   AND v.relowner = c.relowner AND v.relname ~ '_load$'
		  JOIN pg_trigger AS t
			ON t.tgrelid = v.oid AND t.tgname = 'casnet_load'
		  LEFT JOIN pg_class AS o
			ON o.relnamespace = v.relnamespace
			   AND o.relname || '_load' = v.relname
		 WHERE c.oid = unprotect.relation AND (o.oid IS NULL OR o.oid = c.oid)
	LOOP
		PERFORM casnet.run_on(change.before, change.target, change.after);
	END LOOP;
	PERFORM casnet.unprotect_column(relation, target.before);

	-- With a privilege on the table, those on its columns go.
	SELECT string_agg(v.privilege, ', ') INTO privileges
	  FROM unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) AS v (privilege)
	 WHERE NOT coalesce(target.before->'privileges' ? v.privilege, false);
	IF privileges IS NOT NULL THEN
		SELECT array_agg(format('GRANT %s (%I) ON', x.privilege_type, a.attname))
		  INTO columns
		  FROM pg_attribute AS a
		 CROSS JOIN LATERAL aclexplode(a.attacl) AS x
		 WHERE a.attrelid = unprotect.relation AND NOT a.attisdropped
		   AND x.grantee = 'casnet_user'::regrole;
		PERFORM casnet.run_on(format('REVOKE %s ON', privileges), relation,
							  'FROM casnet_user');
		FOREACH statement IN ARRAY coalesce(columns, '{}') LOOP
			PERFORM casnet.run_on(statement, relation, 'TO casnet_user');
		END LOOP;
	END IF;
	PERFORM casnet.end_protection(relation);
END
$$;
COMMENT ON FUNCTION casnet.unprotect(regclass) IS
	'undoes casnet.protect(): takes away what it made, the column tenant_id and what it says included, and gives back what there was';

-- Schemas where nobody shall forget it.  One event trigger, made with the
-- first schema and dropped with the last one; it is no member of the
-- extension, so that it is dumped, at the very end of a dump.

-- It runs as the owner of the event trigger's function, who is a superuser: the maker
-- of the table may make no policies that ask casnet.  Nothing of the table's is
-- evaluated as that; protect() runs it as the owner of the table.  joined: a partition or child was attached, and
-- tables of a guarded schema that nobody protected stay as they are.
CREATE FUNCTION casnet.guard_tables(joined boolean) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	made record;
	member record;
	resource text;
BEGIN
	IF to_regclass('casnet.protected') IS NULL
	   OR to_regclass('casnet.guarded_schemas') IS NULL THEN
		RETURN;
	END IF;
	-- With an old snapshot there are two versions of it, and this would see the older.
	PERFORM casnet.require_current(e.objid)
	   FROM pg_event_trigger_ddl_commands() AS e
	  WHERE e.classid = 'pg_class'::regclass AND NOT e.in_extension;
	FOR made IN
		SELECT DISTINCT c.oid::regclass AS relation, c.relkind, c.relispartition,
			   coalesce(pg_partition_root(c.oid), c.oid) AS root,
			   CASE WHEN NOT joined THEN g.action END AS action
		  FROM pg_event_trigger_ddl_commands() AS e
		  JOIN pg_class AS c
			ON c.oid = e.objid AND c.relkind IN ('r', 'p', 'f', 'm')
		  JOIN pg_namespace AS n ON n.oid = c.relnamespace
		 CROSS JOIN LATERAL casnet.guard_action(n.nspname) AS g (action)
		 WHERE e.classid = 'pg_class'::regclass AND NOT e.in_extension
		   AND c.relpersistence <> 't'
		   AND (joined OR g.action IS NOT NULL OR c.relispartition
				OR EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhrelid = c.oid))
		   -- Every script of pg_dump sets row_security off, and protects by
		   -- itself.  Anybody can set it; a new table is still its maker's.
		   AND NOT (current_setting('row_security') = 'off'
					AND EXISTS (SELECT FROM pg_roles AS r
								 WHERE r.oid = c.relowner AND r.rolsuper))
	LOOP
		-- A query of the parent asks the policies of the parent only, and one of
		-- the child those of the child.
		SELECT p.relation INTO member
		  FROM casnet.list_protected_tables() AS p
		 WHERE p.relation <> made.root
		   AND (p.relation IN (SELECT t.relid
								 FROM pg_partition_tree(made.root) AS t)
				AND NOT EXISTS (SELECT FROM casnet.list_protected_tables() AS r
								 WHERE r.relation = made.root)
				OR made.relkind <> 'p' AND NOT made.relispartition
				   AND EXISTS (SELECT FROM pg_inherits AS i
								WHERE i.inhrelid = made.relation
								  AND i.inhparent = p.relation))
			OR p.relation = made.relation
			   AND NOT made.relispartition AND made.relkind <> 'p'
			   AND EXISTS (SELECT FROM pg_inherits AS i
							WHERE made.relation IN (i.inhrelid, i.inhparent))
		 LIMIT 1;
		IF FOUND THEN
			RAISE EXCEPTION 'rows of table % could be read without its policies', member.relation
				USING ERRCODE = 'object_not_in_prerequisite_state',
					  HINT = 'Make a partitioned table, call casnet.protect() for it, and attach partitions to it.';
		END IF;

		SELECT p.resource INTO resource
		  FROM casnet.list_protected_tables() AS p
		 WHERE p.relation = made.root;
		IF FOUND THEN
			-- No foreign table: the key to tenants does not take one.
			FOR member IN
				SELECT c.oid::regclass AS relation,
					   EXISTS (SELECT FROM casnet.foreign_policies(c.oid, resource) AS p
								WHERE p.polname NOT IN
									  (SELECT w.name FROM casnet.wanted_policies(resource) AS w))
					   AS has_policies
				  FROM pg_class AS c
				 WHERE c.oid = made.relation
					OR c.oid IN (SELECT relid FROM pg_partition_tree(made.relation))
			LOOP
				IF member.has_policies THEN
					RAISE EXCEPTION 'partition % has permissive policies of its own',
							member.relation
						USING ERRCODE = 'object_not_in_prerequisite_state',
							  HINT = 'Drop them: they would let through what those of its table do not.';
				END IF;
				PERFORM casnet.protect_rows(member.relation, resource);
			END LOOP;
			CONTINUE;
		END IF;

		CONTINUE WHEN made.action IS NULL;
		IF made.relkind IN ('m', 'f') THEN
			RAISE EXCEPTION '% % would have no policies',
					CASE made.relkind WHEN 'm' THEN 'materialized view'
						 ELSE 'foreign table' END, made.relation
				USING ERRCODE = 'object_not_in_prerequisite_state',
					  HINT = CASE made.relkind
						WHEN 'm' THEN 'Make a view WITH (security_invoker), or make it in a schema that is not guarded and that applications do not use.'
						ELSE 'Make it in a schema that is not guarded and that applications do not use.' END;
		ELSIF made.action = 'refuse' OR made.relispartition THEN
			RAISE EXCEPTION 'table % would not be protected', made.relation
				USING ERRCODE = 'object_not_in_prerequisite_state',
					  HINT = 'Make it in another schema, call casnet.protect() and move it here with ALTER TABLE ... SET SCHEMA; or have new tables protected with casnet.guard_schema(..., ''protect'').';
		END IF;
		PERFORM casnet.protect(made.relation);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet.guard_tables(boolean) IS
	'internal: what the event trigger does about the tables of the command that ends';

CREATE FUNCTION casnet.guard_created_table() RETURNS event_trigger
	LANGUAGE c VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'casnet_guard_created_table';
COMMENT ON FUNCTION casnet.guard_created_table() IS
	'event trigger: a table that comes into a guarded schema is refused or protected, and a partition that comes to a protected table gets its policies';

CREATE FUNCTION casnet.install_guard() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	is_there boolean := EXISTS (SELECT FROM pg_event_trigger
								WHERE evtname = 'casnet_guard');
	is_wanted boolean := EXISTS (SELECT FROM casnet.guarded_schemas);
	tags text[] := ARRAY['CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO',
						 'CREATE SCHEMA', 'CREATE MATERIALIZED VIEW',
						 'CREATE FOREIGN TABLE', 'IMPORT FOREIGN SCHEMA',
						 'ALTER TABLE', 'ALTER MATERIALIZED VIEW',
						 'ALTER FOREIGN TABLE'];
BEGIN
	-- One of an older version may know fewer commands.
	IF is_there AND NOT (is_wanted
						 AND EXISTS (SELECT FROM pg_event_trigger AS e
									  WHERE e.evtname = 'casnet_guard'
										AND e.evttags @> tags)) THEN
		DROP EVENT TRIGGER casnet_guard;
		is_there := false;
	END IF;
	IF is_wanted AND NOT is_there THEN
		EXECUTE format('CREATE EVENT TRIGGER casnet_guard ON ddl_command_end '
					   'WHEN TAG IN (%s) '
					   'EXECUTE FUNCTION casnet.guard_created_table()',
					   (SELECT string_agg(quote_literal(t), ', ' ORDER BY n)
						  FROM unnest(tags) WITH ORDINALITY AS u (t, n)));
		COMMENT ON EVENT TRIGGER casnet_guard IS
			'casnet: new tables of guarded schemas are protected';
		IF EXISTS (SELECT FROM pg_depend AS d
					WHERE d.classid = 'pg_event_trigger'::regclass
					  AND d.deptype = 'e'
					  AND d.objid = (SELECT oid FROM pg_event_trigger
									 WHERE evtname = 'casnet_guard')) THEN
			ALTER EXTENSION casnet DROP EVENT TRIGGER casnet_guard;
		END IF;
	END IF;
END
$$;
COMMENT ON FUNCTION casnet.install_guard() IS
	'internal: makes the event trigger while a schema is guarded';

CREATE FUNCTION casnet.guard_schema(
	schema regnamespace, action text DEFAULT 'refuse')
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	schema_name text;
BEGIN
	IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
		RAISE EXCEPTION 'casnet.guard_schema() takes a superuser'
			USING ERRCODE = 'insufficient_privilege',
				  HINT = 'Connect as a superuser and call it again.';
	END IF;
	SELECT n.nspname INTO schema_name FROM pg_namespace AS n
	 WHERE n.oid = guard_schema.schema;
	IF schema_name IS NULL OR schema_name ~ '^pg_'
	   OR schema_name IN ('casnet', 'information_schema') THEN
		RAISE EXCEPTION 'schema % cannot be guarded', coalesce(schema_name, '')
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Name a schema of the application, such as ''public''.';
	ELSIF action IS NULL OR action NOT IN ('refuse', 'protect', 'off') THEN
		RAISE EXCEPTION 'unknown action "%"', coalesce(action, '')
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'The actions are refuse, protect and off.';
	END IF;

	DELETE FROM casnet.guarded_schemas AS g
	 WHERE g.schema = schema_name AND g.action <> guard_schema.action;
	IF action <> 'off' THEN
		INSERT INTO casnet.guarded_schemas (schema, action)
		VALUES (schema_name, guard_schema.action)
		ON CONFLICT DO NOTHING;
	END IF;
	PERFORM casnet.install_guard();
END
$$;
COMMENT ON FUNCTION casnet.guard_schema(regnamespace, text) IS
	'from now on a table that is made in the schema or moved there is refused unless protected, or protected at once, or again neither (off); takes a superuser';

-- Part of casnet.install(): what DROP EXTENSION CASCADE took away comes back.
CREATE FUNCTION casnet.install_protection() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	target record;
	member regclass;
BEGIN
	FOR target IN
		SELECT p.relation, p.resource FROM casnet.list_protected_tables() AS p
	LOOP
		PERFORM casnet.protect_default(target.relation);
		FOR member IN
			SELECT target.relation
			UNION SELECT relid FROM pg_partition_tree(target.relation)
		LOOP
			PERFORM casnet.protect_rows(member, target.resource);
		END LOOP;
		PERFORM casnet.protect_updates(target.relation);
		PERFORM casnet.protect_loading(target.relation);
	END LOOP;
	PERFORM casnet.install_guard();

	-- Made here, and no member of the extension, so that it comes and goes
	-- with the table that it is about; a dump has it.
	IF to_regclass('casnet.protected_tables') IS NULL THEN
		CREATE VIEW casnet.protected_tables AS
			SELECT relation, resource, policies, row_security, forced
			  FROM casnet.list_protected_tables();
		COMMENT ON VIEW casnet.protected_tables IS
			'the tables of applications that are protected, and the policies on them';
		GRANT SELECT ON casnet.protected_tables TO casnet_user, casnet_admin;
		IF EXISTS (SELECT FROM pg_depend AS d
					WHERE d.classid = 'pg_class'::regclass
					  AND d.objid = 'casnet.protected_tables'::regclass
					  AND d.deptype = 'e') THEN
			ALTER EXTENSION casnet DROP VIEW casnet.protected_tables;
		END IF;
	END IF;
END
$$;
COMMENT ON FUNCTION casnet.install_protection() IS
	'internal: puts back on protected tables what is missing, and makes the view of them';
