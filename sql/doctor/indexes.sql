-- casnet.doctor(): unique keys, indexes and sequences.

-- What reveals something of other tenants, or reads the entries of all.
CREATE OR REPLACE FUNCTION casnet_internal.doctor_indexes()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH RECURSIVE held AS MATERIALIZED (
		SELECT w.relation::oid AS relation, w.tenant_column, a.attname AS tenant
		  FROM casnet_internal.watched_tables() AS w
		  JOIN pg_attribute AS a
			ON a.attrelid = w.relation AND a.attnum = w.tenant_column
	), below (relation, tenant) AS (
		SELECT h.relation, h.tenant FROM held AS h
		UNION
		SELECT i.inhrelid, b.tenant
		  FROM below AS b
		  JOIN pg_inherits AS i ON i.inhparent = b.relation
	), key AS MATERIALIZED (
		-- The indexes of these tables and their partitions, but for those that
		-- belong to an index of the parent.
		SELECT i.indexrelid, b.relation::regclass AS relation, c.relname,
			   b.tenant, i.indisunique, k.conname, k.contype, am.amname,
			   k.oid AS constraint,
			   a.attnum = ANY ((i.indkey::smallint[])[0:i.indnkeyatts - 1])
			   AS has_tenant,
			   i.indkey[0] = a.attnum AS is_led,
			   EXISTS (SELECT FROM pg_opclass AS o
						WHERE o.opcmethod = am.oid AND o.opcdefault
						  AND o.opcintype = a.atttypid) AS takes_tenant
		  FROM below AS b
		  JOIN pg_attribute AS a
			ON a.attrelid = b.relation AND a.attname = b.tenant
		  JOIN pg_index AS i ON i.indrelid = b.relation
		  JOIN pg_class AS c ON c.oid = i.indexrelid AND NOT c.relispartition
		  JOIN pg_am AS am ON am.oid = c.relam
		  LEFT JOIN pg_constraint AS k
			ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
	)
	-- key-without-tenant: 23505 reveals that another tenant has the value.
	SELECT 'key-without-tenant',
		   coalesce(quote_ident(k.conname) || ' on ' || k.relation,
					k.indexrelid::regclass::text),
		   'It is unique across tenants, so its error reveals that another tenant has the value.',
		   CASE WHEN k.contype = 'x'
				THEN format('-- make %I exclude rows of the same tenant only: %I WITH =',
							k.conname, k.tenant)
				ELSE coalesce(
					format(CASE WHEN k.contype IS NOT NULL
								THEN 'ALTER TABLE %1$s DROP CONSTRAINT %2$I, ADD CONSTRAINT %2$I '
								ELSE 'DROP INDEX %3$s; ' END,
						   k.relation, k.conname, k.indexrelid::regclass) || d.within,
					format('-- make %s again with %I in front',
						   k.indexrelid::regclass, k.tenant)) END
	  FROM key AS k
	 CROSS JOIN LATERAL (
		SELECT CASE WHEN k.constraint IS NULL
					THEN casnet_internal.index_within(k.indexrelid, k.tenant)
					ELSE casnet_internal.key_within(k.constraint, k.tenant) END AS within) AS d
	 WHERE (k.indisunique OR k.contype = 'x') AND NOT k.has_tenant

	-- index-without-tenant: a query of one tenant walks through the entries of all.
	-- Keys have another purpose, and casnet's own indexes were chosen.
	UNION ALL
	SELECT 'index-without-tenant', k.indexrelid::regclass::text,
		   format('It does not begin with %I, so a query of one tenant reads the entries of all.',
				  k.tenant),
		   CASE WHEN k.takes_tenant AND k.amname <> 'hash'
				THEN ''
				WHEN k.amname IN ('gin', 'gist')
				THEN format('CREATE EXTENSION IF NOT EXISTS btree_%s; ', k.amname)
				ELSE '-- no such index can begin with the tenant: ' END ||
		   coalesce(format('DROP INDEX %s; ', k.indexrelid::regclass)
					|| casnet_internal.index_within(k.indexrelid, k.tenant),
					format('-- make %s again with %I in front',
						   k.indexrelid::regclass, k.tenant))
	  FROM key AS k
	 WHERE NOT k.is_led AND NOT k.indisunique AND k.contype IS NULL
	   AND NOT EXISTS (SELECT FROM casnet_internal.wanted_indexes() AS w
						WHERE to_regclass(w.table_name) = k.relation
						  AND w.name = k.relname)

	-- sequence-shared: whoever inserts twice sees how much the others did in between.
	UNION ALL
	SELECT DISTINCT 'sequence-shared', s.sequence::regclass::text,
		   format('%s.%I takes its values from it, and the gaps reveal to a tenant how many rows the others add.',
				  h.relation::regclass, a.attname),
		   format('-- use keys such as: %I uuid DEFAULT casnet.uuid_v7()', a.attname)
	  FROM held AS h
	 CROSS JOIN LATERAL (
		SELECT d.objid AS sequence, d.refobjsubid AS attnum
		  FROM pg_depend AS d
		 WHERE d.classid = 'pg_class'::regclass
		   AND d.refclassid = 'pg_class'::regclass AND d.refobjid = h.relation
		   AND d.deptype IN ('a', 'i')
		UNION
		SELECT d.refobjid, f.adnum
		  FROM pg_attrdef AS f
		  JOIN pg_depend AS d
			ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid
			   AND d.refclassid = 'pg_class'::regclass
		 WHERE f.adrelid = h.relation) AS s
	  JOIN pg_class AS c ON c.oid = s.sequence AND c.relkind = 'S'
	  JOIN pg_attribute AS a
		ON a.attrelid = h.relation AND a.attnum = s.attnum AND NOT a.attisdropped
$$;
COMMENT ON FUNCTION casnet_internal.doctor_indexes() IS
	'internal: doctor() about unique keys, indexes and sequences';
