-- casnet.doctor(): views and rules.

-- What reads or writes with the rights of its owner, whoever names it.
CREATE OR REPLACE FUNCTION casnet_internal.doctor_views()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH RECURSIVE application AS MATERIALIZED (
		SELECT a.role FROM casnet_internal.application_roles() AS a
		UNION ALL SELECT 0::oid			-- PUBLIC
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
		SELECT t.role, t.relation FROM casnet_internal.unlimited_readers() AS t
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
	)
	-- view-definer: a view reads with its owner's rights, and for a superuser
	-- that is everything.  Only a view that names the table counts, since a view
	-- between them is judged by itself.
	SELECT DISTINCT 'view-definer', r.relation::regclass::text,
		   format('It reads %s with the rights of its owner %s, who sees the rows of all tenants.',
				  r.target::regclass, r.relowner::regrole),
		   format('ALTER VIEW %s SET (security_invoker = true)',
				  r.relation::regclass)
	  FROM refers AS r
	  JOIN through AS t ON t.role = r.relowner AND t.relation = r.target
	 WHERE r.relkind = 'v' AND NOT r.is_invoker
	   AND r.relation IN (SELECT g.relation FROM granted AS g)
	   AND NOT EXISTS (SELECT FROM pg_depend AS d
						 JOIN pg_extension AS e ON e.oid = d.refobjid
						WHERE d.classid = 'pg_class'::regclass AND d.objid = r.relation
						  AND d.refclassid = 'pg_extension'::regclass
						  AND d.deptype = 'e' AND e.extname = 'casnet')

	-- view-materialized: holds what its maker saw, for whoever may read it.
	UNION ALL
	SELECT DISTINCT 'view-materialized', i.relation::regclass::text,
		   format('It holds rows of %s, and no policy can be made for it.',
				  i.target::regclass),
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
	  JOIN pg_class AS c ON c.oid = i.relation
	 -- An array, so that watched_tables() is called only if there is such a view.
	 WHERE i.target = ANY (ARRAY(SELECT w.relation
								   FROM casnet_internal.watched_tables() AS w))
	   AND i.relation IN (SELECT g.relation FROM granted AS g)

	-- rule-definer: a rule on a table reads and writes as the table's owner.
	UNION ALL
	SELECT DISTINCT 'rule-definer',
		   format('%I on %s', r.rulename, r.relation::regclass),
		   format('The rule reads or writes %s with the rights of %s, whom no policy limits.',
				  r.target::regclass, r.relowner::regrole),
		   format('DROP RULE %I ON %s', r.rulename, r.relation::regclass)
	  FROM refers AS r
	  JOIN through AS t ON t.role = r.relowner AND t.relation = r.target
	 WHERE r.relkind IN ('r', 'p')
	   AND r.relation IN (SELECT g.relation FROM granted AS g)
$$;
COMMENT ON FUNCTION casnet_internal.doctor_views() IS
	'internal: doctor() about views and rules';
