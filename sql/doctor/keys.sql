-- casnet.doctor(): foreign keys.

-- What foreign keys let through, and whose casts they run.
CREATE OR REPLACE FUNCTION casnet_internal.doctor_keys()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH held AS MATERIALIZED (
		SELECT w.relation::oid AS relation, w.tenant_column, a.attname AS tenant
		  FROM casnet_internal.watched_tables() AS w
		  JOIN pg_attribute AS a
			ON a.attrelid = w.relation AND a.attnum = w.tenant_column
	)
	-- key-cast: the server checks a foreign key as the owner of the table that it
	-- refers to, and the cast is in that query.
	SELECT DISTINCT 'key-cast',
		   format('%I on %s', k.conname, k.conrelid::regclass),
		   format('Its column is of type %s, whose cast is run as the owner of %s.',
				  t.oid::regtype, k.confrelid::regclass),
		   format('ALTER TABLE %s DROP CONSTRAINT %I', k.conrelid::regclass,
				  k.conname)
	  FROM casnet_internal.managed_tables() AS m
	  JOIN pg_constraint AS k
		ON k.confrelid = m.relation AND k.contype = 'f' AND k.conparentid = 0
	 CROSS JOIN unnest(k.conkey, k.confkey) AS n (a, b)
	  JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = n.a
	  JOIN pg_attribute AS b ON b.attrelid = k.confrelid AND b.attnum = n.b
	  JOIN pg_type AS t ON t.oid = a.atttypid
	 WHERE a.atttypid <> b.atttypid
	   AND t.typtype <> 'd' AND t.typnamespace <> 'pg_catalog'::regnamespace

	-- key-not-enforced: rows can come in that refer to nothing, or to what the key must
	-- keep out.  Of a table of an application only the key to its tenant counts, the others
	-- are its own matter.  protect() makes that key as the owner of the table.
	UNION ALL
	SELECT 'key-not-enforced',
		   format('%I on %s', k.conname, k.conrelid::regclass),
		   CASE WHEN t.statements IS NOT NULL
				THEN 'Its triggers are switched off, so the server does not check it.'
				WHEN e.is_enforced
				THEN 'It is not validated, so existing rows can break it.'
				ELSE 'It is not enforced, so the server does not check it.' END,
		   CASE WHEN t.statements IS NOT NULL THEN t.statements
				WHEN p.oid IS NOT NULL
				THEN format('SELECT casnet.protect(%L)', k.conrelid::regclass)
				ELSE format(CASE WHEN e.is_enforced
								 THEN 'ALTER TABLE %s VALIDATE CONSTRAINT %I'
								 ELSE 'ALTER TABLE %s ALTER CONSTRAINT %I ENFORCED' END,
							k.conrelid::regclass, k.conname) END
	  FROM pg_constraint AS k
	  LEFT JOIN held AS h ON h.relation = k.conrelid
	  LEFT JOIN pg_policy AS p
		ON p.polrelid = k.conrelid AND p.polname = 'casnet_select'
		   AND k.conrelid NOT IN (SELECT m.relation FROM casnet_internal.managed_tables() AS m)
	 CROSS JOIN LATERAL (
		SELECT coalesce((to_jsonb(k)->>'conenforced')::boolean, true) AS is_enforced
		) AS e
	 CROSS JOIN LATERAL (
		SELECT string_agg(format('ALTER TABLE %s ENABLE TRIGGER %I',
								 t.tgrelid::regclass, t.tgname), '; ' ORDER BY t.oid)
			   AS statements
		  FROM pg_trigger AS t
		 WHERE t.tgconstraint = k.oid AND t.tgenabled IN ('D', 'R')) AS t
	 WHERE k.contype = 'f' AND k.conparentid = 0
	   AND (NOT k.convalidated OR NOT e.is_enforced OR t.statements IS NOT NULL)
	   AND (k.conrelid IN (SELECT m.relation FROM casnet_internal.managed_tables() AS m)
			OR k.confrelid = to_regclass('casnet.tenants')
			   AND k.conkey = ARRAY[h.tenant_column]
			   AND NOT EXISTS (
				SELECT FROM pg_constraint AS o
				 WHERE o.conrelid = k.conrelid AND o.conkey = k.conkey
				   AND o.confrelid = k.confrelid AND o.contype = 'f'
				   AND o.confdeltype = 'c' AND o.convalidated
				   AND NOT EXISTS (SELECT FROM pg_trigger AS t
									WHERE t.tgconstraint = o.oid
									  AND t.tgenabled IN ('D', 'R'))))

	-- key-across-tenants: referential integrity asks no policy.  The remedy
	-- keeps the actions; SET NULL and SET DEFAULT leave the tenant alone.
	UNION ALL
	SELECT 'key-across-tenants',
		   format('%I on %s', k.conname, k.conrelid::regclass),
		   format('It references %s without the tenant, so a row can point to a row of another tenant, and its error reveals which rows exist.',
				  k.confrelid::regclass),
		   CASE WHEN n.within IS NOT NULL
				THEN coalesce(casnet_internal.key_for_reference(k.oid, r.tenant) || '; ', '')
					 || format('ALTER TABLE %1$s DROP CONSTRAINT %2$I, ADD CONSTRAINT %2$I %3$s',
							   k.conrelid::regclass, k.conname, n.within)
				ELSE format('-- replace %I by a key with the tenants of both tables, without ON UPDATE SET NULL or SET DEFAULT and without MATCH FULL',
							k.conname) END
	  FROM pg_constraint AS k
	  JOIN held AS h ON h.relation = k.conrelid
	  JOIN held AS r ON r.relation = k.confrelid
	 CROSS JOIN LATERAL (
		SELECT casnet_internal.reference_within(k.oid, h.tenant, r.tenant) AS within) AS n
	 WHERE k.contype = 'f' AND k.conparentid = 0
	   AND NOT EXISTS (SELECT FROM unnest(k.conkey, k.confkey) AS u (here, there)
						WHERE u.here = h.tenant_column AND u.there = r.tenant_column)
$$;
COMMENT ON FUNCTION casnet_internal.doctor_keys() IS
	'internal: doctor() about foreign keys';
