-- casnet.doctor(): tables without row security, and those that somebody has declared.

-- Applications reach a table by a privilege on it, and by a view that reads it as its owner.
CREATE OR REPLACE FUNCTION casnet_internal.reached_tables(OUT relation oid, OUT way text)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH RECURSIVE application AS MATERIALIZED (
		-- PUBLIC, and what applications are or can become, but for superusers.
		SELECT 0::oid AS role, 'PUBLIC' AS name
		UNION ALL
		SELECT DISTINCT r.oid, quote_ident(r.rolname)
		  FROM casnet_internal.application_powers() AS p
		  JOIN pg_roles AS r ON r.oid = p.role AND NOT r.rolsuper
	), privileged AS MATERIALIZED (
		SELECT c.oid, c.relkind, c.relowner, x.grantee
		  FROM pg_class AS c
		 CROSS JOIN LATERAL (
			SELECT a.grantee FROM aclexplode(c.relacl) AS a
			UNION
			SELECT a.grantee
			  FROM pg_attribute AS t
			 CROSS JOIN LATERAL aclexplode(t.attacl) AS a
			 WHERE t.attrelid = c.oid AND NOT t.attisdropped
			UNION
			SELECT c.relowner) AS x
		 WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND c.relpersistence <> 't'
		   AND c.relnamespace NOT IN ('pg_catalog'::regnamespace,
									  'information_schema'::regnamespace,
									  'pg_toast'::regnamespace)
	), reached (relation, way) AS (
		SELECT p.oid, a.name ||
			   CASE WHEN a.role = p.relowner THEN ' owns it' ELSE ' has privileges on it' END
		  FROM privileged AS p
		  JOIN pg_class AS c ON c.oid = p.oid
		  JOIN application AS a ON a.role = p.grantee
		 -- A privilege is none without USAGE on the schema.
		 WHERE EXISTS (SELECT FROM application AS u
						WHERE u.role <> 0
						  AND has_schema_privilege(u.role, c.relnamespace, 'USAGE'))
		UNION
		SELECT d.refobjid, format('view %s reads it as its owner', v.oid::regclass)
		  FROM reached AS r
		  JOIN pg_class AS v ON v.oid = r.relation AND v.relkind IN ('v', 'm')
			   AND NOT coalesce((SELECT o.option_value::boolean
								   FROM pg_options_to_table(v.reloptions) AS o
								  WHERE o.option_name = 'security_invoker'), false)
		  JOIN pg_rewrite AS q ON q.ev_class = v.oid
		  JOIN pg_depend AS d
			ON d.classid = 'pg_rewrite'::regclass AND d.objid = q.oid
			   AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> v.oid
	)
	SELECT r.relation, min(r.way COLLATE "C") FROM reached AS r GROUP BY r.relation
$$;
COMMENT ON FUNCTION casnet_internal.reached_tables() IS
	'internal: the tables and views that applications reach, and one way to each';

CREATE OR REPLACE FUNCTION casnet_internal.doctor_declared()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH declared AS MATERIALIZED (
		SELECT d.* FROM casnet_internal.list_declared_tables() AS d
	)
	-- table-reachable: whoever has an application reads and writes it, whatever the tenant.
	-- One with a column tenant_id is table-open; below a watched table it is partition-open.
	SELECT 'table-reachable', c.oid::regclass::text,
		   format('It has no row level security, and applications reach it: %s.', r.way),
		   CASE c.relkind
				WHEN 'f' THEN format('-- REVOKE the privileges on it, or SELECT casnet.exempt(%L)',
									 c.oid::regclass)
				ELSE format('-- SELECT casnet.protect(%1$L) if its rows belong to tenants, casnet.share(%1$L) if all tenants read them, else casnet.exempt(%1$L)',
							c.oid::regclass) END
	  FROM casnet_internal.reached_tables() AS r
	  JOIN pg_class AS c ON c.oid = r.relation
	 WHERE c.relkind IN ('r', 'p', 'f') AND NOT c.relrowsecurity
	   AND c.relnamespace NOT IN ('pg_catalog'::regnamespace,
								  'information_schema'::regnamespace)
	   AND NOT EXISTS (SELECT FROM pg_attribute AS a
						WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'
						  AND a.atttypid = 'uuid'::regtype AND c.relkind <> 'f')
	   AND NOT EXISTS (SELECT FROM casnet_internal.watched_tables() AS w
						WHERE w.relation IN (SELECT c.oid
											 UNION SELECT a.relid
											   FROM pg_partition_ancestors(c.oid) AS a))
	   AND NOT EXISTS (SELECT FROM declared AS d
						WHERE d.in_force
						  AND d.relation = coalesce(pg_partition_root(c.oid), c.oid))
	   AND NOT EXISTS (SELECT FROM pg_depend AS d
						WHERE d.classid = 'pg_class'::regclass
						  AND d.objid = c.oid AND d.deptype = 'e')

	-- declaration-ended: what somebody has looked at is not what is there.
	UNION ALL
	SELECT 'declaration-ended', d.relation::text,
		   format('It was declared %s, and has changed since: %s.', d.kind,
				  CASE WHEN d.is_as_declared THEN 'its row level security, its policies or its children'
					   ELSE 'its name, its owner, its columns, its keys or its children' END),
		   format('-- Look at it, and call SELECT casnet.%s(%L) again, or casnet.unprotect(%2$L)',
				  CASE d.kind WHEN 'shared' THEN 'share' ELSE 'exempt' END, d.relation)
	  FROM declared AS d
	 WHERE NOT d.in_force

	-- table-unguarded: it was there before the guard; or EXPLAIN ANALYZE, for which the
	-- server fires no event trigger, made it before the library was loaded.
	UNION ALL
	SELECT 'table-unguarded', u.relation::text,
		   format('Schema %I is guarded, and it is neither protected nor shared nor exempt.',
				  u.schema),
		   format('-- SELECT casnet.protect(%1$L) if its rows belong to tenants, casnet.share(%1$L) if all tenants read them, else casnet.exempt(%1$L)',
				  u.relation)
	  FROM casnet_internal.unguarded_tables() AS u

	-- grant-unpoliced, as on a table of tenants
	UNION ALL
	SELECT 'grant-unpoliced', d.relation::text,
		   format('%s has %s, which no policy limits.', g.name, a.privilege_type),
		   format('REVOKE %s ON %s FROM %s', a.privilege_type, d.relation, g.name)
	  FROM declared AS d
	  JOIN pg_class AS c ON c.oid = d.relation
	 CROSS JOIN LATERAL aclexplode(c.relacl) AS a
	  JOIN casnet_internal.grantees() AS g ON g.role = a.grantee AND g.applies
	 WHERE d.kind = 'shared' AND a.grantee <> c.relowner
	   AND a.privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER')
$$;
COMMENT ON FUNCTION casnet_internal.doctor_declared() IS
	'internal: doctor() about tables without row level security, and shared and exempt ones';

-- A dump of one schema has the tables with their policies, and not what casnet keeps about
-- them in a schema of its own.
CREATE OR REPLACE FUNCTION casnet_internal.doctor_unnoted()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	SET standard_conforming_strings = on
	AS $$
BEGIN
	IF to_regclass('casnet_internal.protected') IS NULL THEN
		RETURN;
	END IF;
	-- protection-unnoted: the permission in the policy says what the resource was.
	RETURN QUERY
	SELECT 'protection-unnoted', w.relation::text,
		   'It has the policies of casnet.protect(), and casnet does not know that it is protected. No export has its rows, and roles may lack its permissions.',
		   format('SELECT casnet.protect(%L, %L, tenant_column => %L)', w.relation, v.resource,
				  a.attname)
	  FROM casnet_internal.watched_tables() AS w
	  JOIN pg_class AS c ON c.oid = w.relation AND NOT c.relispartition
	  JOIN pg_attribute AS a ON a.attrelid = w.relation AND a.attnum = w.tenant_column
	  JOIN pg_policy AS p ON p.polrelid = w.relation AND p.polname = 'casnet_select'
	 CROSS JOIN LATERAL (
		SELECT substring(pg_get_expr(p.polqual, p.polrelid)
						 FROM '\(''view_([a-z][a-z0-9_]*)''') AS resource) AS v
	 WHERE w.kind = 'application' AND v.resource IS NOT NULL
	   AND starts_with(obj_description(p.oid, 'pg_policy'), 'casnet: ')
	   AND w.relation NOT IN (SELECT l.relation
								FROM casnet_internal.list_protected_tables() AS l);
END
$$;
COMMENT ON FUNCTION casnet_internal.doctor_unnoted() IS
	'internal: doctor() about protected tables of which casnet has no note';
