-- casnet.doctor(): what of protected tables is not as casnet.protect() makes it.
--
-- The list is that of what somebody has protected, whatever is left of it by now.  The
-- owner of a table can change all of it.

-- A partition without row security is a matter of partition-open.
CREATE OR REPLACE FUNCTION casnet_internal.protected_parts(OUT root regclass, OUT resource text,
	OUT tenant name, OUT relation regclass)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT p.relation, p.resource, p.tenant_column, c.oid::regclass
	  FROM casnet_internal.list_protected_tables() AS p
	 CROSS JOIN LATERAL (SELECT p.relation AS relid
						 UNION SELECT t.relid FROM pg_partition_tree(p.relation) AS t) AS t
	  JOIN pg_class AS c ON c.oid = t.relid AND c.relkind IN ('r', 'p')
	 WHERE c.oid = p.relation OR c.relrowsecurity
$$;
COMMENT ON FUNCTION casnet_internal.protected_parts() IS
	'internal: protected tables, and those of their partitions that have row security';

-- Whoever reads the parent of a table meets the policies of the parent only.  protect()
-- refuses tables with a parent, and so does the guard of a schema.
CREATE OR REPLACE FUNCTION casnet_internal.parents_of_protected(OUT relation regclass,
	OUT parent regclass, OUT ending text)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH RECURSIVE protected AS MATERIALIZED (
		SELECT p.relation FROM casnet_internal.list_protected_tables() AS p
	), above (relation, parent, ending) AS (
		SELECT p.relation, i.inhparent,
			   format(CASE WHEN c.relispartition THEN 'ALTER TABLE %2$s DETACH PARTITION %1$s'
						   ELSE 'ALTER TABLE %1$s NO INHERIT %2$s' END,
					  p.relation, i.inhparent::regclass)
		  FROM protected AS p
		  JOIN pg_inherits AS i ON i.inhrelid = p.relation
		  JOIN pg_class AS c ON c.oid = i.inhrelid
		UNION
		SELECT a.relation, i.inhparent, a.ending
		  FROM above AS a
		  JOIN pg_inherits AS i ON i.inhrelid = a.parent
	)
	SELECT a.relation, a.parent::regclass, a.ending
	  FROM above AS a
	 -- A partitioned table that is protected protects all below it.
	 WHERE NOT EXISTS (SELECT FROM protected AS p
						WHERE p.relation = a.parent
						   OR p.relation IN (SELECT t.relid FROM pg_partition_ancestors(a.parent) AS t))
$$;
COMMENT ON FUNCTION casnet_internal.parents_of_protected() IS
	'internal: the tables above protected ones that are not protected, and the statement that ends that';

CREATE OR REPLACE FUNCTION casnet_internal.doctor_protected()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH part AS MATERIALIZED (
		SELECT p.*, format('SELECT casnet.protect(%L)', p.root) AS remedy
		  FROM casnet_internal.protected_parts() AS p
	)
	-- policy-changed, as for tables of casnet
	SELECT 'policy-changed', format('%I on %s', w.name, p.relation),
		   CASE WHEN q.oid IS NULL THEN 'The policy is missing.'
				ELSE 'The policy is not the one that casnet.protect() makes.' END,
		   p.remedy
	  FROM part AS p
	 CROSS JOIN LATERAL casnet_internal.wanted_policies(p.resource, p.tenant) AS w
	  LEFT JOIN pg_policy AS q ON q.polrelid = p.relation AND q.polname = w.name
	 WHERE w.name NOT IN (SELECT m.polname
							FROM casnet_internal.made_policies(p.relation, p.resource, p.tenant) AS m)

	-- partition-open, seen from below
	UNION ALL
	SELECT 'partition-open', a.relation::text,
		   format('Whoever reads %s reads its rows, and its policies do not hold there.', a.parent),
		   a.ending
	  FROM casnet_internal.parents_of_protected() AS a

	-- trigger-missing: rows move to other tenants, or code of the owner runs instead.
	UNION ALL
	SELECT 'trigger-missing', format('%I on %s', w.name, p.relation),
		   CASE WHEN t.oid IS NULL THEN 'The trigger is missing.'
				WHEN pg_get_triggerdef(t.oid) <> w.definition
				THEN 'The trigger is not the one that casnet.protect() makes.'
				WHEN t.tgenabled = 'D' THEN 'The trigger is switched off.'
				ELSE 'The trigger does not fire for every session.' END,
		   CASE WHEN pg_get_triggerdef(t.oid) = w.definition
				THEN format('ALTER TABLE %s ENABLE TRIGGER %I', p.relation, w.name)
				ELSE p.remedy END
	  FROM part AS p
	 CROSS JOIN LATERAL casnet_internal.wanted_triggers(p.relation) AS w
	  LEFT JOIN pg_trigger AS t ON t.tgrelid = p.relation AND t.tgname = w.name
	 WHERE t.oid IS NULL OR pg_get_triggerdef(t.oid) <> w.definition
		OR t.tgenabled NOT IN ('O', 'A')

	-- load-view-changed: its owner can put code on it that gets the rows of a load.
	UNION ALL
	SELECT 'load-view-changed', v.load_view::text,
		   format('It belongs to another role than table %s, or is not as casnet made it.', p.root),
		   format('-- look at it, drop it, and SELECT casnet.protect(%L)', p.root)
	  FROM part AS p
	 CROSS JOIN casnet_internal.noted_load_view(p.root) AS v (load_view)
	 WHERE p.relation = p.root AND v.load_view IS NOT NULL
	   AND v.load_view IS DISTINCT FROM casnet_internal.load_view_of(p.root)
	UNION ALL
	SELECT 'load-view-changed', v.oid::regclass::text,
		   format('It belongs to another role than table %s, or is not as casnet made it.', c.oid::regclass),
		   '-- look at it, drop it, and SELECT casnet.install()'
	  FROM casnet_internal.managed_tables() AS m
	  JOIN pg_class AS c ON c.oid = m.relation
	  JOIN pg_class AS v ON v.relnamespace = c.relnamespace AND v.relname = c.relname || '_load'
	  JOIN pg_roles AS o ON o.oid = v.relowner
	 WHERE m.kind = 'tenant'
	   -- Without the extension it has no trigger.
	   AND (NOT casnet_internal.shows_nothing(v.oid)
			OR NOT (v.relowner = c.relowner OR o.rolsuper OR o.rolname = 'casnet_owner')
			OR EXISTS (SELECT FROM pg_trigger AS g
						WHERE g.tgrelid = v.oid AND NOT g.tgisinternal
						  AND g.tgfoid <> 'casnet_internal.load_row()'::regprocedure))

	-- key-not-enforced: doctor_keys() looks at keys that are there.
	UNION ALL
	SELECT 'key-not-enforced', p.root::text,
		   'It has no foreign key to casnet.tenants that deletes its rows with their tenant.',
		   p.remedy
	  FROM part AS p
	 WHERE p.relation = p.root
	   AND NOT EXISTS (SELECT FROM casnet_internal.tenant_references(p.root))

	-- definition-missing: the column that the policies compare
	UNION ALL
	SELECT 'definition-missing', format('%I on %s', p.tenant, p.root), v.problem,
		   CASE WHEN a.attnum IS NULL
				THEN '-- give the column its name and type uuid again, or call casnet.unprotect() and protect the table by another one'
				ELSE p.remedy END
	  FROM part AS p
	  LEFT JOIN pg_attribute AS a
		ON a.attrelid = p.root AND a.attname = p.tenant AND NOT a.attisdropped
		   AND a.atttypid = 'uuid'::regtype
	  LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
	 CROSS JOIN LATERAL (VALUES
		(a.attnum IS NULL, 'The column with the tenant is missing.'),
		(NOT a.attnotnull, 'The column with the tenant takes NULL.'),
		(a.attnum IS NOT NULL AND pg_get_expr(d.adbin, d.adrelid)
			IS DISTINCT FROM 'casnet.current_tenant_id()',
		 'The column with the tenant does not default to the active tenant.'))
		AS v (holds, problem)
	 WHERE p.relation = p.root AND v.holds
$$;
COMMENT ON FUNCTION casnet_internal.doctor_protected() IS
	'internal: doctor() about protected tables that are not as casnet.protect() makes them';
