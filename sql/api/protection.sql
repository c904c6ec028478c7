-- What casnet records about protected tables.  A row of casnet_internal.protected counts
-- while the table is there.  A row about a table that is gone stays, and after a restore
-- another table can have its OID.  So the table must still have something that protect()
-- made, or the column with the tenant.  Whoever takes all of that away has another table.

CREATE OR REPLACE FUNCTION casnet_internal.is_of_table(relation regclass, tenant name)
	RETURNS boolean
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT EXISTS (SELECT FROM pg_class AS c
					WHERE c.oid = is_of_table.relation AND c.relkind IN ('r', 'p')
					  AND c.relnamespace NOT IN (to_regnamespace('casnet'),
												 to_regnamespace('casnet_internal')))
	   AND (EXISTS (SELECT FROM pg_attribute AS a
					 WHERE a.attrelid = is_of_table.relation AND NOT a.attisdropped
					   AND a.attname = is_of_table.tenant AND a.atttypid = 'uuid'::regtype)
			OR EXISTS (SELECT FROM pg_constraint AS f
						WHERE f.conrelid = is_of_table.relation AND f.contype = 'f'
						  AND f.confrelid = to_regclass('casnet.tenants')
						  AND f.confdeltype = 'c')
			OR EXISTS (SELECT FROM pg_policy AS p
						WHERE p.polrelid = is_of_table.relation AND p.polname IN
							  ('casnet_select', 'casnet_insert', 'casnet_update', 'casnet_delete'))
			OR EXISTS (SELECT FROM pg_trigger AS t
						WHERE t.tgrelid = is_of_table.relation AND t.tgname IN
							  ('casnet_keep_tenant', 'casnet_kept_tenant', 'casnet_fill_tenant')))
$$;
COMMENT ON FUNCTION casnet_internal.is_of_table(regclass, name) IS
	'internal: whether what protect() noted with that OID and that column is about the table, and not about one that is gone';

-- Where several rows have the OID, that of the table itself names one of its columns.  A
-- partition has the column of the uppermost table that is protected.
CREATE OR REPLACE FUNCTION casnet_internal.tenant_column(relation regclass) RETURNS name
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	-- As list_declared_tables().
	IF has_table_privilege(to_regclass('casnet_internal.protected'), 'SELECT')
	   IS NOT TRUE THEN
		RETURN 'tenant_id';
	END IF;
	RETURN coalesce((
		SELECT p.tenant_column
		  FROM casnet_internal.protected AS p
		  JOIN (SELECT tenant_column.relation AS relid, 0 AS n
				UNION ALL
				SELECT t.relid, t.n
				  FROM pg_partition_ancestors(tenant_column.relation)
					   WITH ORDINALITY AS t (relid, n)) AS t ON t.relid = p.relation
		 ORDER BY EXISTS (SELECT FROM pg_attribute AS a
						   WHERE a.attrelid = p.relation
							 AND a.attname = p.tenant_column) DESC,
				  t.n DESC, p.created_at DESC
		 LIMIT 1), 'tenant_id');
END
$$;
COMMENT ON FUNCTION casnet_internal.tenant_column(regclass) IS
	'internal: the column that names the tenant in a protected table or one of its partitions, else tenant_id';

CREATE OR REPLACE FUNCTION casnet_internal.protection_of(relation regclass,
	OUT resource text, OUT before jsonb)
	RETURNS record
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	-- Of two rows, one is about a table that is gone.
	SELECT p.resource, p.before
	  FROM casnet_internal.protected AS p
	 WHERE p.relation = protection_of.relation
	   AND casnet_internal.is_of_table(p.relation, p.tenant_column)
	 ORDER BY EXISTS (SELECT FROM casnet_internal.foreign_policies(p.relation, p.resource)),
			  p.created_at DESC
	 LIMIT 1
$$;
COMMENT ON FUNCTION casnet_internal.protection_of(regclass) IS
	'internal: what casnet.protect() noted about a table, or NULLs';

-- It reads all that unprotect() relies on from the catalogs itself, since unprotect()
-- runs the default of a column as a piece of SQL.
CREATE OR REPLACE FUNCTION casnet_internal.note_protection(relation regclass, resource text,
	is_named boolean, tenant name)
	RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	made text[];
	taken_over text[];
BEGIN
	LOCK TABLE casnet_internal.protected IN SHARE ROW EXCLUSIVE MODE;
	-- What was made for a table that is gone belongs to this one now.
	WITH gone AS (
		DELETE FROM casnet_internal.protected AS p
		 WHERE p.resource = note_protection.resource
		   AND NOT casnet_internal.is_of_table(p.relation, p.tenant_column)
		RETURNING p.permissions
	)
	SELECT coalesce(array_agg(DISTINCT u.permission), '{}') INTO taken_over
	  FROM gone AS g CROSS JOIN unnest(g.permissions) AS u (permission);
	IF EXISTS (SELECT FROM casnet_internal.protected AS p
			   WHERE p.relation = note_protection.relation
				 AND casnet_internal.is_of_table(p.relation, p.tenant_column)) THEN
		RAISE EXCEPTION 'table % is protected', relation
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'Call casnet.protect() or casnet.unprotect().';
	END IF;
	IF NOT is_named
	   AND (EXISTS (SELECT FROM casnet_internal.protected AS p
					WHERE p.resource = note_protection.resource
					  AND casnet_internal.is_of_table(p.relation, p.tenant_column))
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

	DELETE FROM casnet_internal.declared AS d		-- it is exempt no longer
	 WHERE d.relation = note_protection.relation;
	INSERT INTO casnet_internal.protected (relation, resource, permissions,
										   tenant_column, before)
	SELECT c.oid, note_protection.resource, coalesce(made, '{}') || taken_over,
		   note_protection.tenant,
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
		ON a.attrelid = c.oid AND a.attname = note_protection.tenant
	  LEFT JOIN pg_attrdef AS d
		ON d.adrelid = c.oid AND d.adnum = a.attnum
	 WHERE c.oid = note_protection.relation;
END
$$;
COMMENT ON FUNCTION casnet_internal.note_protection(regclass, text, boolean, name) IS
	'internal: records what a table has of its own, and makes those permissions of its resource that no role has';

CREATE OR REPLACE FUNCTION casnet_internal.begin_protection(relation regclass, resource text,
	is_named boolean, tenant name)
	RETURNS void
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'casnet_begin_protection';
COMMENT ON FUNCTION casnet_internal.begin_protection(regclass, text, boolean, name) IS
	'internal: note_protection() for whoever may protect the table';

CREATE OR REPLACE FUNCTION casnet_internal.forget_protection(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	gone record;
BEGIN
	LOCK TABLE casnet_internal.protected IN SHARE ROW EXCLUSIVE MODE;
	FOR gone IN
		DELETE FROM casnet_internal.protected AS p
		 WHERE p.relation = forget_protection.relation
			OR forget_protection.relation IS NULL
			   AND NOT casnet_internal.is_of_table(p.relation, p.tenant_column)
		RETURNING p.resource, p.permissions
	LOOP
		-- Another table that uses the permissions takes them over.
		UPDATE casnet_internal.protected AS p
		   SET permissions = p.permissions || gone.permissions
		 WHERE (p.relation, p.created_at) =
			   (SELECT o.relation, o.created_at FROM casnet_internal.protected AS o
				 WHERE o.resource = gone.resource
				   AND casnet_internal.is_of_table(o.relation, o.tenant_column)
				 ORDER BY o.created_at, o.relation LIMIT 1);
		CONTINUE WHEN FOUND;
		DELETE FROM casnet.user_tenant_permissions AS g
		 WHERE g.permission = ANY (gone.permissions);
		DELETE FROM casnet.role_permissions AS g
		 WHERE g.permission = ANY (gone.permissions);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.forget_protection(regclass) IS
	'internal: forgets a table, or with NULL those that are gone, and the permissions that were made for it and that no other table uses';

-- The view that make_load_view() has just made, by its OID, which survives other names.
CREATE OR REPLACE FUNCTION casnet_internal.note_load_view(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	UPDATE casnet_internal.protected AS p
	   SET load_view = v.oid
	  FROM pg_class AS t
	  JOIN pg_class AS v
		ON v.relnamespace = t.relnamespace AND v.relname = t.relname || '_load'
		   AND v.relkind = 'v'
	 WHERE t.oid = note_load_view.relation AND p.relation = t.oid
	   AND p.load_view IS DISTINCT FROM v.oid::regclass;
END
$$;
COMMENT ON FUNCTION casnet_internal.note_load_view(regclass) IS
	'internal: records the view to load a protected table through';

CREATE OR REPLACE FUNCTION casnet_internal.keep_load_view(relation regclass) RETURNS void
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'casnet_keep_load_view';
COMMENT ON FUNCTION casnet_internal.keep_load_view(regclass) IS
	'internal: note_load_view() for whoever may protect the table';

CREATE OR REPLACE FUNCTION casnet_internal.noted_load_view(relation regclass) RETURNS regclass
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	-- As list_declared_tables().
	IF has_table_privilege(to_regclass('casnet_internal.protected'), 'SELECT')
	   IS NOT TRUE THEN
		RETURN NULL;
	END IF;
	RETURN (SELECT v.oid
			  FROM casnet_internal.protected AS p
			  JOIN pg_class AS v ON v.oid = p.load_view AND v.relkind = 'v'
			 WHERE p.relation = noted_load_view.relation
			 ORDER BY p.created_at DESC LIMIT 1);
END
$$;
COMMENT ON FUNCTION casnet_internal.noted_load_view(regclass) IS
	'internal: the view that casnet made to load a protected table through, or NULL; somebody can have changed it';

-- A rule or a query that names a relation would read or write it as the owner of the view.
CREATE OR REPLACE FUNCTION casnet_internal.shows_nothing(load_view regclass) RETURNS boolean
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT pg_get_viewdef(shows_nothing.load_view) ~ '[[:<:]]WHERE false;$'
	   AND NOT EXISTS (SELECT FROM pg_rewrite AS r
						 JOIN pg_depend AS d
						   ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
							  AND d.refclassid = 'pg_class'::regclass
							  AND d.refobjid <> r.ev_class
						WHERE r.ev_class = shows_nothing.load_view)
$$;
COMMENT ON FUNCTION casnet_internal.shows_nothing(regclass) IS
	'internal: whether a view has no rows and names no relation';

CREATE OR REPLACE FUNCTION casnet_internal.is_load_view(load_view regclass) RETURNS boolean
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT casnet_internal.shows_nothing(is_load_view.load_view)
	   AND EXISTS (SELECT FROM pg_trigger AS g
					WHERE g.tgrelid = is_load_view.load_view AND g.tgname = 'casnet_load'
					  AND g.tgfoid = 'casnet_internal.load_row()'::regprocedure)
$$;
COMMENT ON FUNCTION casnet_internal.is_load_view(regclass) IS
	'internal: whether a view shows nothing and has the trigger of those to load tables through';

-- What looks like it by now, whatever somebody has made of it.
CREATE OR REPLACE FUNCTION casnet_internal.load_view_of(relation regclass) RETURNS regclass
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT v.oid::regclass
	  FROM casnet_internal.noted_load_view(load_view_of.relation) AS n (load_view)
	  JOIN pg_class AS v ON v.oid = n.load_view
	  JOIN pg_class AS t ON t.oid = load_view_of.relation AND t.relowner = v.relowner
	 WHERE casnet_internal.is_load_view(v.oid)
$$;
COMMENT ON FUNCTION casnet_internal.load_view_of(regclass) IS
	'internal: the view that casnet made to load a protected table through, whatever its name is, or NULL';

-- The key knows the column whose name has changed, and so do the policies.
CREATE OR REPLACE FUNCTION casnet_internal.note_tenant_column(relation regclass)
	RETURNS boolean
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	UPDATE casnet_internal.protected AS p
	   SET tenant_column = a.attname
	  FROM (SELECT coalesce(
				(SELECT min(f.conkey[1])
				   FROM casnet_internal.tenant_references(note_tenant_column.relation) AS f),
				(SELECT min(d.refobjsubid)::smallint
				   FROM pg_policy AS q
				   JOIN pg_depend AS d
					 ON d.classid = 'pg_policy'::regclass AND d.objid = q.oid
						AND d.refclassid = 'pg_class'::regclass
						AND d.refobjid = q.polrelid AND d.refobjsubid > 0
				  WHERE q.polrelid = note_tenant_column.relation
					AND q.polname = 'casnet_select')) AS attnum) AS f
	  JOIN pg_attribute AS a
		ON a.attrelid = note_tenant_column.relation AND a.attnum = f.attnum
		   AND a.atttypid = 'uuid'::regtype
	 WHERE p.relation = note_tenant_column.relation
	   AND NOT EXISTS (SELECT FROM pg_attribute AS o
						WHERE o.attrelid = p.relation AND o.attname = p.tenant_column);
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION casnet_internal.note_tenant_column(regclass) IS
	'internal: records the new name of the column with the tenant; returns whether it was renamed';

CREATE OR REPLACE FUNCTION casnet_internal.end_protection(relation regclass) RETURNS void
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'casnet_end_protection';
COMMENT ON FUNCTION casnet_internal.end_protection(regclass) IS
	'internal: forget_protection() for whoever may undo the protection of the table';

CREATE OR REPLACE FUNCTION casnet_internal.list_protected_tables(
	OUT relation regclass, OUT resource text, OUT policies text[],
	OUT row_security boolean, OUT forced boolean, OUT tenant_column name)
	RETURNS SETOF record
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 20
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	-- As list_declared_tables().
	IF has_table_privilege(to_regclass('casnet_internal.protected'), 'SELECT')
	   IS NOT TRUE THEN
		RETURN;
	END IF;
	RETURN QUERY
	SELECT c.oid::regclass, g.resource,
		   ARRAY(SELECT p.polname::text FROM pg_policy AS p
				  WHERE p.polrelid = c.oid ORDER BY 1),
		   c.relrowsecurity, c.relforcerowsecurity, casnet_internal.tenant_column(c.oid)
	  FROM (SELECT p.relation,
				   CASE count(*) WHEN 1 THEN min(p.resource)
						-- Only to choose between several, since it takes long.
						ELSE (SELECT o.resource FROM casnet_internal.protection_of(p.relation) AS o)
						END AS resource
			  FROM casnet_internal.protected AS p
			 WHERE casnet_internal.is_of_table(p.relation, p.tenant_column)
			 GROUP BY p.relation) AS g
	  JOIN pg_class AS c ON c.oid = g.relation;
END
$$;
COMMENT ON FUNCTION casnet_internal.list_protected_tables() IS
	'internal: the rows of the view casnet.protected_tables';

-- They are made here and no members of the extension: a dump has them, as it has the
-- tables that they are about.
CREATE OR REPLACE FUNCTION casnet_internal.install_table_views() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	made regclass;
BEGIN
	IF to_regclass('casnet.protected_tables') IS NULL THEN
		CREATE VIEW casnet.protected_tables AS
			SELECT relation, resource, policies, row_security, forced, tenant_column
			  FROM casnet_internal.list_protected_tables();
		COMMENT ON VIEW casnet.protected_tables IS
			'the tables of applications that are protected, and the policies on them';
		GRANT SELECT ON casnet.protected_tables TO casnet_user, casnet_admin;
	END IF;
	IF to_regclass('casnet.declared_tables') IS NULL THEN
		CREATE VIEW casnet.declared_tables AS
			SELECT relation, kind, in_force FROM casnet_internal.list_declared_tables();
		COMMENT ON VIEW casnet.declared_tables IS
			'the tables of applications that are shared or exempt, and whether that is in force or the table has changed since';
		GRANT SELECT ON casnet.declared_tables TO casnet_user, casnet_admin;
	END IF;
	FOR made IN
		SELECT d.objid::regclass FROM pg_depend AS d
		 WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'e'
		   AND d.objid IN ('casnet.protected_tables'::regclass,
						   'casnet.declared_tables'::regclass)
	LOOP
		EXECUTE format('ALTER EXTENSION casnet DROP VIEW %s', made);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.install_table_views() IS
	'internal: makes the views of tables that are protected, shared or exempt';

-- Part of casnet.install(): puts back what DROP EXTENSION CASCADE dropped.
CREATE OR REPLACE FUNCTION casnet_internal.install_protection_of(relation regclass, resource text)
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	member regclass;
BEGIN
	PERFORM casnet_internal.protect_default(relation);
	FOR member IN
		SELECT install_protection_of.relation
		UNION SELECT relid FROM pg_partition_tree(install_protection_of.relation)
	LOOP
		PERFORM casnet_internal.protect_rows(member, resource);
	END LOOP;
	PERFORM casnet_internal.protect_writes(relation);
	PERFORM casnet_internal.protect_loading(relation);
END
$$;
COMMENT ON FUNCTION casnet_internal.install_protection_of(regclass, text) IS
	'internal: puts back what is missing on one protected table';

-- The owner of one table must not keep the others, and the extension, from coming up to date.
CREATE OR REPLACE FUNCTION casnet_internal.install_protection() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	target record;
BEGIN
	FOR target IN
		SELECT p.relation, p.resource FROM casnet_internal.list_protected_tables() AS p
		UNION ALL
		SELECT d.relation, NULL FROM casnet_internal.list_declared_tables() AS d
		 WHERE d.kind = 'shared' AND d.is_as_declared
		   AND NOT EXISTS (SELECT FROM casnet_internal.strange_sharing_policies(d.relation))
	LOOP
		BEGIN
			IF target.resource IS NULL THEN
				PERFORM casnet_internal.share_rows(target.relation);
			ELSE
				PERFORM casnet_internal.install_protection_of(target.relation, target.resource);
			END IF;
		EXCEPTION WHEN OTHERS THEN
			RAISE WARNING 'table % is not protected as it should be', target.relation
				USING DETAIL = SQLERRM,
					  HINT = 'casnet.doctor() says what differs.';
		END;
	END LOOP;
	PERFORM casnet_internal.install_guard();
	PERFORM casnet_internal.install_follow();
	PERFORM casnet_internal.install_table_views();
END
$$;
COMMENT ON FUNCTION casnet_internal.install_protection() IS
	'internal: puts back on protected tables what is missing, and makes the view of them';
