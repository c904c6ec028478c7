-- casnet.doctor(): functions and triggers of others.

-- What runs with its owner's rights, or before the policies.
CREATE OR REPLACE FUNCTION casnet_internal.doctor_functions()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	SET standard_conforming_strings = on
	AS $$
	WITH RECURSIVE application AS MATERIALIZED (
		SELECT a.role FROM casnet_internal.application_roles() AS a
		UNION ALL SELECT 0::oid			-- PUBLIC
	), through AS MATERIALIZED (
		SELECT t.role, t.relation FROM casnet_internal.unlimited_readers() AS t
	), shown (source, relation) AS (
		-- What is read by reading what: a table, or a view that whoever reads it, or its
		-- owner, reads through.
		SELECT t.relation, t.relation FROM through AS t
		UNION
		SELECT v.oid, s.relation
		  FROM shown AS s
		  JOIN pg_depend AS d
			ON d.classid = 'pg_rewrite'::regclass
			   AND d.refclassid = 'pg_class'::regclass AND d.refobjid = s.source
		  JOIN pg_rewrite AS r ON r.oid = d.objid
		  JOIN pg_class AS v ON v.oid = r.ev_class AND v.relkind = 'v'
		 WHERE coalesce((SELECT o.option_value::boolean
						   FROM pg_options_to_table(v.reloptions) AS o
						  WHERE o.option_name = 'security_invoker'), false)
			OR (v.relowner, s.relation) IN (SELECT t.role, t.relation FROM through AS t)
	), named AS MATERIALIZED (
		-- written is the name as it is in a body, quoted or not; the patterns
		-- are regular expressions for it.
		SELECT s.source, s.relation,
			   lower(replace(c.relname, '"', '""')) AS written,
			   regexp_replace(lower(replace(c.relname, '"', '""')),
							  '(\W)', '\\\1', 'g') AS pattern,
			   regexp_replace(lower(replace(n.nspname, '"', '""')),
							  '(\W)', '\\\1', 'g') AS schema_pattern
		  FROM shown AS s
		  JOIN pg_class AS c ON c.oid = s.source
		  JOIN pg_namespace AS n ON n.oid = c.relnamespace
	), definer AS MATERIALIZED (
		SELECT p.oid, p.oid::regprocedure AS name, p.proowner,
			   p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype)
			   AS is_trigger,
			   lower(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)) AS body,
			   n.nspname, s.path,
			   EXISTS (SELECT FROM aclexplode(coalesce(p.proacl,
								acldefault('f', p.proowner))) AS a
						WHERE a.grantee IN (SELECT role FROM application))
			   AS is_open
		  FROM pg_proc AS p
		  JOIN pg_namespace AS n ON n.oid = p.pronamespace
		  LEFT JOIN LATERAL (
			SELECT substr(c.text, 13) AS path FROM unnest(p.proconfig) AS c (text)
			 WHERE c.text LIKE 'search_path=%') AS s ON true
		 WHERE p.prosecdef AND n.nspname <> 'pg_catalog'
		   AND NOT EXISTS (SELECT FROM pg_depend AS d
							WHERE d.classid = 'pg_proc'::regclass
							  AND d.objid = p.oid AND d.deptype = 'e')
	)
	-- function-definer: the table, or a view of it, is named in its body, or in what the
	-- body depends on.  One that asks casnet about the session is trusted to do so
	-- before it reads.
	SELECT DISTINCT 'function-definer', d.name::text,
		   format('It reads %s with the rights of its owner %s, and does not ask casnet about the session.',
				  w.relation::regclass, d.proowner::regrole),
		   format('ALTER ROUTINE %s SECURITY INVOKER', d.name)
	  FROM definer AS d
	  JOIN through AS t ON t.role = d.proowner
	  JOIN named AS w ON w.relation = t.relation
	 WHERE d.is_open AND NOT d.is_trigger
	   AND d.body !~ 'casnet\.(tenant_with|require_user|can_in|can|tenant_to_manage|current_user_id)\s*\('
	   AND (EXISTS (SELECT FROM pg_depend AS p
					 WHERE p.classid = 'pg_proc'::regclass AND p.objid = d.oid
					   AND p.refclassid = 'pg_class'::regclass
					   AND p.refobjid = w.source)
			OR strpos(d.body, w.written) > 0
			   AND (d.body ~ ('(^|\W)' || w.schema_pattern || '"?\s*\.\s*"?'
							  || w.pattern || '(\W|$)')
					OR lower(coalesce(d.path, 'public'))
					   ~ ('(^|\W)' || w.schema_pattern || '(\W|$)')
					   AND d.body ~ ('(^|[^.\w])"?' || w.pattern || '(\W|$)')))

	-- function-search-path: the caller can put a function or operator of the same
	-- name in front, and it runs as the owner.
	UNION ALL
	SELECT DISTINCT 'function-search-path', d.name::text,
		   format('It runs with the rights of %s and finds names by the search_path of its caller.',
				  d.proowner::regrole),
		   format('ALTER ROUTINE %s SET search_path = pg_catalog, %I, pg_temp',
				  d.name, d.nspname)
	  FROM definer AS d
	 WHERE d.path IS NULL AND (d.is_open OR d.is_trigger)
	   AND EXISTS (SELECT FROM through AS t WHERE t.role = d.proowner)
	   AND d.nspname !~ '^pg_temp'

	-- function-leakproof: the planner runs it on rows that no policy has let
	-- through.  Members of extensions are left to their authors.
	UNION ALL
	SELECT 'function-leakproof', p.oid::regprocedure::text,
		   'It is marked LEAKPROOF, so it runs on rows of all tenants before the policies do.',
		   format('ALTER FUNCTION %s NOT LEAKPROOF', p.oid::regprocedure)
	  FROM pg_proc AS p
	 WHERE p.proleakproof AND p.pronamespace <> 'pg_catalog'::regnamespace
	   AND NOT EXISTS (SELECT FROM pg_depend AS d
						WHERE d.classid = 'pg_proc'::regclass
						  AND d.objid = p.oid AND d.deptype = 'e')
$$;
COMMENT ON FUNCTION casnet_internal.doctor_functions() IS
	'internal: doctor() about functions';

-- Triggers on tables whose rows are deleted or changed with rows of casnet.
CREATE OR REPLACE FUNCTION casnet_internal.doctor_triggers()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH RECURSIVE cascading (relation) AS (
		-- The tables whose rows are deleted or changed with a row of casnet's.
		SELECT m.relation::oid FROM casnet_internal.managed_tables() AS m
		UNION
		SELECT f.conrelid
		  FROM cascading AS c
		  JOIN pg_constraint AS f
			ON f.confrelid = c.relation AND f.contype = 'f'
			   AND f.confdeltype IN ('c', 'n', 'd')
	)
	-- later-trigger: a cascade runs as the owner of the table, and so do triggers
	-- that fire within it; others fire as whoever is current by then, at the end of
	-- the statement or of the transaction.
	SELECT 'later-trigger',
		   format('%I on %s', t.tgname, c.oid::regclass),
		   format('When a row of casnet is deleted with what refers to it, the trigger of %s can run as whoever deletes it.',
				  c.relowner::regrole),
		   format('-- make it a trigger BEFORE the deletion or the update, or: DROP TRIGGER %I ON %s',
				  t.tgname, c.oid::regclass)
	  FROM cascading AS g
	  JOIN pg_class AS c ON c.oid = g.relation
	  JOIN pg_roles AS r ON r.oid = c.relowner
	  JOIN pg_trigger AS t ON t.tgrelid = c.oid
	 WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND t.tgenabled <> 'D'
	   AND NOT r.rolsuper
	   AND c.relowner <> (SELECT o.relowner FROM pg_class AS o
						   WHERE o.oid = to_regclass('casnet.tenants'))
	   AND c.oid NOT IN (SELECT m.relation FROM casnet_internal.managed_tables() AS m)
	   -- tgtype: 1 is FOR EACH ROW, 2 BEFORE, 8 DELETE, 16 UPDATE.
	   AND t.tgtype & 2 = 0 AND t.tgtype & 24 <> 0
	   AND (t.tgdeferrable OR t.tgtype & 1 = 0
			OR current_setting('server_version_num')::integer < 180000)
	   AND NOT EXISTS (SELECT FROM pg_depend AS d
						 JOIN pg_extension AS e ON e.oid = d.refobjid
						WHERE d.classid = 'pg_proc'::regclass AND d.objid = t.tgfoid
						  AND d.refclassid = 'pg_extension'::regclass
						  AND d.deptype = 'e' AND e.extname = 'casnet')
$$;
COMMENT ON FUNCTION casnet_internal.doctor_triggers() IS
	'internal: doctor() about triggers of others';
