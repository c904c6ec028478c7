-- casnet.doctor(): policies.

-- What doctor() has to know about a stored expression, such as polqual.  Is it a
-- comparison of a column with tenant_with(), alone or as a term of an AND?  Has it a
-- subquery, or one that reads nothing, as in (SELECT f())?  Which functions have a
-- column in their arguments?
CREATE OR REPLACE FUNCTION casnet_internal.inspect_expression(
	tree pg_node_tree, OUT is_narrow boolean, OUT has_subquery boolean,
	OUT has_wrapped_call boolean, OUT row_functions oid[])
	RETURNS record
	LANGUAGE c STABLE STRICT
	AS 'MODULE_PATHNAME', 'casnet_inspect_expression';
COMMENT ON FUNCTION casnet_internal.inspect_expression(pg_node_tree) IS
	'internal: what doctor() has to know about a stored expression';

-- The policies that install() makes.
CREATE OR REPLACE FUNCTION casnet_internal.doctor_made_policies()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH expected AS MATERIALIZED (
		SELECT to_regclass(w.table_name) AS relation, w.name,
			   CASE w.command WHEN 'SELECT' THEN 'r' WHEN 'INSERT' THEN 'a'
					WHEN 'UPDATE' THEN 'w' WHEN 'DELETE' THEN 'd'
					ELSE '*' END::"char" AS command, w.expression
		  FROM casnet_internal.wanted_policies() AS w
		 WHERE to_regclass(w.table_name) IS NOT NULL
	)
	-- policy-changed: not the policy that install() makes, as far as its text shows.
	SELECT 'policy-changed', format('%I on %s', x.name, x.relation),
		   CASE WHEN p.oid IS NULL THEN 'The policy is missing.'
				ELSE 'The policy is not the one that casnet.install() makes.' END,
		   'SELECT casnet.install()'
	  FROM expected AS x
	  LEFT JOIN pg_policy AS p
		ON p.polrelid = x.relation AND p.polname = x.name
	 CROSS JOIN LATERAL (
		SELECT bool_and(regexp_replace(pg_get_expr(u.tree, p.polrelid),
									   '::text|[()[:space:]]', '', 'g')
						= regexp_replace(x.expression,
										 '::text|[()[:space:]]', '', 'g'))
			   AS holds
		  FROM (VALUES (p.polqual), (p.polwithcheck)) AS u (tree)
		 WHERE u.tree IS NOT NULL) AS text_of
	 WHERE p.oid IS NULL OR NOT coalesce(text_of.holds, false)
		OR p.polcmd <> x.command OR NOT p.polpermissive
		OR x.name <> 'casnet_admin' AND p.polroles <> ARRAY[0::oid]
		OR x.name = 'casnet_admin' AND p.polroles <> ARRAY[to_regrole('casnet_admin')::oid]
$$;
COMMENT ON FUNCTION casnet_internal.doctor_made_policies() IS
	'internal: doctor() about the policies that install() makes';

-- Policies of others on the watched tables, and what any policies cost.
CREATE OR REPLACE FUNCTION casnet_internal.doctor_policies()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH application AS MATERIALIZED (
		SELECT a.role FROM casnet_internal.application_roles() AS a
	), policy AS MATERIALIZED (
		SELECT p.oid, p.polname, p.polrelid, p.polpermissive, p.polqual,
			   p.polwithcheck, w.kind,
			   format('%I on %s', p.polname, p.polrelid::regclass) AS name,
			   format('DROP POLICY %I ON %s', p.polname, p.polrelid::regclass)
			   AS dropping,
			   0 = ANY (p.polroles)
			   OR EXISTS (SELECT FROM application AS a
						   WHERE a.role = ANY (p.polroles)) AS applies
		  FROM pg_policy AS p
		  JOIN casnet_internal.watched_tables() AS w ON w.relation = p.polrelid
	), inspected AS MATERIALIZED (
		SELECT p.oid, p.name, p.polrelid, e.clause, e.tree, i.*
		  FROM policy AS p
		 CROSS JOIN LATERAL (VALUES ('USING', p.polqual),
							 ('WITH CHECK', p.polwithcheck))
			   AS e (clause, tree)
		 CROSS JOIN LATERAL casnet_internal.inspect_expression(e.tree) AS i
		 WHERE e.tree IS NOT NULL
	)
	-- policy-widens: permissive policies are joined by OR.  On tables about
	-- tokens any policy widens.
	SELECT 'policy-widens', p.name,
		   'It is permissive and applies to applications, so it lets rows through that the others do not.',
		   p.dropping
	  FROM policy AS p
	 WHERE p.polpermissive AND p.applies
	   AND NOT EXISTS (SELECT FROM casnet_internal.wanted_policies() AS x
						WHERE to_regclass(x.table_name) = p.polrelid
						  AND x.name = p.polname)
	   AND EXISTS (SELECT FROM inspected AS i
					WHERE i.oid = p.oid
					  AND (p.kind <> 'application' OR NOT i.is_narrow)
					  AND pg_get_expr(i.tree, i.polrelid) <> 'false')

	-- policy-restrictive: it only narrows, and is one more condition on each row.
	UNION ALL
	SELECT 'policy-restrictive', p.name,
		   'It is restrictive: one more condition that each plan on the table has.',
		   p.dropping
	  FROM policy AS p
	 WHERE NOT p.polpermissive

	-- policy-subquery: a filter for each row instead of an index condition;
	-- what it reads is under policies itself, or past them in a function.
	UNION ALL
	SELECT 'policy-subquery', i.name,
		   format('%s has a subquery, so it is no index condition, and the server checks each row against it.',
				  i.clause),
		   '-- compare instead: tenant_id = casnet.tenant_with(''permission'')'
	  FROM inspected AS i
	 WHERE i.has_subquery

	-- policy-wrapped-call: the planner does not see the value, so it estimates
	-- for no tenant in particular.  A bare STABLE call is computed once, too.
	UNION ALL
	SELECT 'policy-wrapped-call', i.name,
		   format('%s has (SELECT f()), which hides the value from the planner.',
				  i.clause),
		   '-- write f() in place of (SELECT f())'
	  FROM inspected AS i
	 WHERE i.has_wrapped_call

	-- policy-row-function: called for the rows of all tenants, unless an index
	-- condition comes first.
	UNION ALL
	SELECT 'policy-row-function', i.name,
		   format('%s calls %s with a column, so it runs for each row and serves no index.',
				  i.clause, f.oid::regprocedure),
		   '-- compare the column with a value of the session instead'
	  FROM inspected AS i
	  JOIN pg_proc AS f ON f.oid = ANY (i.row_functions) AND NOT f.proleakproof
$$;
COMMENT ON FUNCTION casnet_internal.doctor_policies() IS
	'internal: doctor() about policies of others';

-- What the policies of all tables call, and which settings they trust.
CREATE OR REPLACE FUNCTION casnet_internal.doctor_policy_functions()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	SET standard_conforming_strings = on
	AS $$
	-- policy-immutable: the planner puts its value into the plan, and a cached plan
	-- has it for the next user too.
	SELECT DISTINCT 'policy-immutable', format('%I on %s', p.polname, p.polrelid::regclass),
		   format('It calls %s, which is marked IMMUTABLE and depends on the session.',
				  f.oid::regprocedure),
		   format('ALTER FUNCTION %s STABLE', f.oid::regprocedure)
	  FROM pg_policy AS p
	  JOIN pg_depend AS d
		ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid
		   AND d.refclassid = 'pg_proc'::regclass
	  JOIN pg_proc AS f ON f.oid = d.refobjid AND f.provolatile = 'i'
	 WHERE coalesce(pg_get_function_sqlbody(f.oid), f.prosrc)
		   ~* '\mcurrent_setting\M|\mcurrent_user\M|\msession_user\M|\mcurrent_role\M|\mcasnet\.'

	-- policy-forgeable: any role can SET a name with a dot.  casnet.user_id
	-- takes a privilege.
	UNION ALL
	SELECT DISTINCT 'policy-forgeable', format('%I on %s', p.polname, p.polrelid::regclass),
		   format('It trusts %s, which any role can set to anything.',
				  quote_literal(s.name[1])),
		   '-- compare with casnet.current_user_id() or casnet.tenant_with(''permission'')'
	  FROM pg_policy AS p
	 CROSS JOIN LATERAL (VALUES (p.polqual), (p.polwithcheck)) AS e (tree)
	 CROSS JOIN LATERAL pg_get_expr(e.tree, p.polrelid) AS g (source)
	 CROSS JOIN LATERAL (
		SELECT g.source AS text
		 WHERE g.source ~ 'current_setting'
		UNION ALL
		SELECT coalesce(pg_get_function_sqlbody(f.oid), f.prosrc)
		  FROM pg_depend AS d
		  JOIN pg_proc AS f ON f.oid = d.refobjid
		 WHERE d.classid = 'pg_policy'::regclass AND d.objid = p.oid
		   AND d.refclassid = 'pg_proc'::regclass) AS body
	 CROSS JOIN LATERAL regexp_matches(body.text,
			$x$\mcurrent_setting\s*\(\s*'([^']*\.[^']*)'$x$, 'gi') AS s (name)
	 WHERE e.tree IS NOT NULL AND lower(s.name[1]) <> 'casnet.user_id'
$$;
COMMENT ON FUNCTION casnet_internal.doctor_policy_functions() IS
	'internal: doctor() about functions and settings in policies';
