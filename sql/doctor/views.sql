-- casnet.doctor(): ways around the policies: views, functions, replication.

CREATE OR REPLACE FUNCTION casnet_internal.doctor_views()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH RECURSIVE application AS MATERIALIZED (
		SELECT a.role FROM casnet_internal.application_roles() AS a
		UNION ALL SELECT 0::oid			-- PUBLIC
	), watched AS MATERIALIZED (
		-- written is the name as it is in a body, quoted or not; the patterns
		-- are regular expressions for it.
		SELECT w.relation::oid AS relation, w.kind, n.nspname,
			   c.relnamespace,
			   c.relowner, c.relforcerowsecurity,
			   lower(replace(c.relname, '"', '""')) AS written,
			   regexp_replace(lower(replace(c.relname, '"', '""')),
							  '(\W)', '\\\1', 'g') AS pattern,
			   regexp_replace(lower(replace(n.nspname, '"', '""')),
							  '(\W)', '\\\1', 'g') AS schema_pattern
		  FROM casnet_internal.watched_tables() AS w
		  JOIN pg_class AS c ON c.oid = w.relation
		  JOIN pg_namespace AS n ON n.oid = c.relnamespace
	), ours AS MATERIALIZED (
		SELECT d.classid, d.objid
		  FROM pg_depend AS d
		  JOIN pg_extension AS e
			ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
		 WHERE e.extname = 'casnet' AND d.deptype = 'e'
	), refers AS MATERIALIZED (
		-- Which view, or table with a rule, names which relation.
		SELECT DISTINCT r.ev_class AS relation, c.relkind, c.relowner,
			   r.oid AS rule, r.rulename, d.refobjid AS target,
			   coalesce((SELECT o.option_value::boolean
						   FROM pg_options_to_table(c.reloptions) AS o
						  WHERE o.option_name = 'security_invoker'), false)
			   AS is_invoker
		  FROM pg_depend AS d
		  JOIN pg_rewrite AS r ON r.oid = d.objid
		  JOIN pg_class AS c ON c.oid = r.ev_class
		 WHERE d.classid = 'pg_rewrite'::regclass
		   AND d.refclassid = 'pg_class'::regclass
		   AND d.refobjid <> r.ev_class AND c.relpersistence <> 't'
	), through AS MATERIALIZED (
		-- Whose reading of which table the policies do not limit.
		SELECT r.oid AS role, w.relation
		  FROM pg_roles AS r
		 CROSS JOIN watched AS w
		 WHERE (r.oid IN (SELECT relowner FROM refers)
				OR r.oid IN (SELECT p.proowner FROM pg_proc AS p
							  WHERE p.prosecdef))
		   AND (r.rolsuper OR r.rolbypassrls
				OR NOT w.relforcerowsecurity
				   AND pg_has_role(r.oid, w.relowner, 'USAGE')
				OR w.kind = 'administration'
				   AND pg_has_role(r.oid, 'casnet_admin', 'USAGE'))
	), granted (relation) AS (
		-- What applications may read: by privilege, and then what the views
		-- that they may read name.
		SELECT DISTINCT r.relation
		  FROM refers AS r
		  JOIN pg_class AS c ON c.oid = r.relation
		 WHERE c.relowner IN (SELECT role FROM application)
			OR EXISTS (SELECT FROM aclexplode(c.relacl) AS a
						WHERE a.grantee IN (SELECT role FROM application))
			OR EXISTS (SELECT FROM pg_attribute AS t
						CROSS JOIN LATERAL aclexplode(t.attacl) AS a
						WHERE t.attrelid = c.oid AND NOT t.attisdropped
						  AND a.grantee IN (SELECT role FROM application))
		UNION
		SELECT r.target
		  FROM granted AS g
		  JOIN refers AS r ON r.relation = g.relation
	), inside (relation, target) AS (
		-- What is in a materialized view, also through other views.
		SELECT r.relation, r.target FROM refers AS r WHERE r.relkind = 'm'
		UNION
		SELECT i.relation, r.target
		  FROM inside AS i
		  JOIN refers AS r ON r.relation = i.target
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
	), cascading (relation) AS (
		-- Whose rows go, or change, with a row of casnet's.
		SELECT m.relation::oid FROM casnet_internal.managed_tables() AS m
		UNION
		SELECT f.conrelid
		  FROM cascading AS c
		  JOIN pg_constraint AS f
			ON f.confrelid = c.relation AND f.contype = 'f'
			   AND f.confdeltype IN ('c', 'n', 'd')
	)
	-- view-definer: a view reads with its owner's rights, and for a superuser
	-- that is everything.  A view that names the table counts, since a view
	-- between them is judged by itself.
	SELECT DISTINCT 'view-definer', r.relation::regclass::text,
		   format('It reads %s with the rights of its owner %s, who sees the rows of all tenants.',
				  w.relation::regclass, r.relowner::regrole),
		   format('ALTER VIEW %s SET (security_invoker = true)',
				  r.relation::regclass)
	  FROM refers AS r
	  JOIN watched AS w ON w.relation = r.target
	  JOIN through AS t ON t.role = r.relowner AND t.relation = r.target
	 WHERE r.relkind = 'v' AND NOT r.is_invoker
	   AND r.relation IN (SELECT g.relation FROM granted AS g)
	   AND NOT EXISTS (SELECT FROM ours AS o
						WHERE o.classid = 'pg_class'::regclass
						  AND o.objid = r.relation)

	-- view-materialized: holds what its maker saw, for whoever may read it.
	UNION ALL
	SELECT DISTINCT 'view-materialized', i.relation::regclass::text,
		   format('It holds rows of %s, and no policy can be made for it.',
				  w.relation::regclass),
		   coalesce((SELECT string_agg(DISTINCT
							format('REVOKE ALL ON %s FROM %s', i.relation::regclass,
								   CASE a.grantee WHEN 0 THEN 'PUBLIC'
										ELSE a.grantee::regrole::text END), '; ')
					   FROM (SELECT x.grantee FROM aclexplode(c.relacl) AS x
							 UNION
							 SELECT x.grantee
							   FROM pg_attribute AS b
							  CROSS JOIN LATERAL aclexplode(b.attacl) AS x
							  WHERE b.attrelid = c.oid AND NOT b.attisdropped) AS a
					  WHERE a.grantee <> c.relowner
						AND a.grantee IN (SELECT role FROM application)),
					format('-- drop it, or revoke the privileges on the views that name it: DROP MATERIALIZED VIEW %s',
						   i.relation::regclass))
	  FROM inside AS i
	  JOIN watched AS w ON w.relation = i.target
	  JOIN pg_class AS c ON c.oid = i.relation
	 WHERE i.relation IN (SELECT g.relation FROM granted AS g)

	-- rule-definer: what a rule on a table does, it does as the table's owner.
	UNION ALL
	SELECT DISTINCT 'rule-definer',
		   format('%I on %s', r.rulename, r.relation::regclass),
		   format('The rule reads or writes %s with the rights of %s, whom no policy limits.',
				  w.relation::regclass, r.relowner::regrole),
		   format('DROP RULE %I ON %s', r.rulename, r.relation::regclass)
	  FROM refers AS r
	  JOIN watched AS w ON w.relation = r.target
	  JOIN through AS t ON t.role = r.relowner AND t.relation = r.target
	 WHERE r.relkind IN ('r', 'p')
	   AND r.relation IN (SELECT g.relation FROM granted AS g)

	-- function-definer: the table is named in its body, or in what the body
	-- depends on.  One that asks casnet about the session is trusted to do so
	-- before it reads.
	UNION ALL
	SELECT DISTINCT 'function-definer', d.name::text,
		   format('It reads %s with the rights of its owner %s, and does not ask casnet about the session.',
				  w.relation::regclass, d.proowner::regrole),
		   format('ALTER ROUTINE %s SECURITY INVOKER', d.name)
	  FROM definer AS d
	  JOIN through AS t ON t.role = d.proowner
	  JOIN watched AS w ON w.relation = t.relation
	 WHERE d.is_open AND NOT d.is_trigger
	   AND d.body !~ 'casnet\.(tenant_with|require_user|can_in|can|tenant_to_manage|current_user_id)\s*\('
	   AND (EXISTS (SELECT FROM pg_depend AS p
					 WHERE p.classid = 'pg_proc'::regclass AND p.objid = d.oid
					   AND p.refclassid = 'pg_class'::regclass
					   AND p.refobjid = w.relation)
			OR strpos(d.body, w.written) > 0
			   AND (d.body ~ ('(^|\W)' || w.schema_pattern || '"?\s*\.\s*"?'
							  || w.pattern || '(\W|$)')
					OR lower(coalesce(d.path, 'public'))
					   ~ ('(^|\W)' || w.schema_pattern || '(\W|$)')
					   AND d.body ~ ('(^|[^.\w])"?' || w.pattern || '(\W|$)')))

	-- function-search-path: the caller puts a function or operator of the same
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

	-- later-trigger: a cascade runs as the owner of the table, and so do triggers
	-- that fire within it; others fire as whoever is current by then, at the end of
	-- the statement or of the transaction.
	UNION ALL
	SELECT 'later-trigger',
		   format('%I on %s', t.tgname, c.oid::regclass),
		   format('When a row of casnet goes with what refers to it, the trigger of %s can run as whoever deletes.',
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
	   AND NOT EXISTS (SELECT FROM ours AS o
						WHERE o.classid = 'pg_proc'::regclass
						  AND o.objid = t.tgfoid)

	-- publication-of-tenants: whoever subscribes gets all rows, save with a row
	-- filter.
	UNION ALL
	SELECT 'publication-of-tenants', quote_ident(p.pubname),
		   'It is for all tables, so it sends the rows of all tenants.',
		   format('DROP PUBLICATION %I', p.pubname)
	  FROM pg_publication AS p
	 WHERE p.puballtables
	UNION ALL
	SELECT 'publication-of-tenants', quote_ident(p.pubname),
		   format('It sends the rows that all tenants have in %s.',
				  w.relation::regclass),
		   format('ALTER PUBLICATION %I DROP TABLE %s', p.pubname,
				  w.relation::regclass)
	  FROM pg_publication_rel AS r
	  JOIN pg_publication AS p ON p.oid = r.prpubid
	  JOIN watched AS w ON w.relation = r.prrelid
	 WHERE r.prqual IS NULL
	UNION ALL
	SELECT DISTINCT 'publication-of-tenants', quote_ident(p.pubname),
		   format('It sends all tables in %I, and so the rows of all tenants.',
				  w.nspname),
		   format('ALTER PUBLICATION %I DROP TABLES IN SCHEMA %I', p.pubname,
				  w.nspname)
	  FROM pg_publication_namespace AS s
	  JOIN pg_publication AS p ON p.oid = s.pnpubid
	  JOIN watched AS w ON w.relnamespace = s.pnnspid

	-- slot-logical: decodes every change; a forgotten one also keeps the log.
	UNION ALL
	SELECT 'slot-logical', quote_ident(s.slot_name),
		   'Whoever reads this logical slot gets the changes of all tenants.',
		   format('SELECT pg_drop_replication_slot(%L)', s.slot_name)
	  FROM pg_replication_slots AS s
	 WHERE s.slot_type = 'logical' AND s.database = current_database()
$$;
COMMENT ON FUNCTION casnet_internal.doctor_views() IS
	'internal: doctor() about views, functions and replication';
