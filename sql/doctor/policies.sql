-- casnet.doctor(): policies.

-- What is to be known about a stored expression, such as polqual::text, in one
-- pass over its nodes: whether it is a comparison of a column with
-- tenant_with(), alone or as a term of an AND; whether it has a subquery, or
-- one that reads nothing, as in (SELECT f()); and which functions have a column
-- in their arguments.
CREATE OR REPLACE FUNCTION casnet_internal.inspect_expression(
	tree text, OUT is_narrow boolean, OUT has_subquery boolean,
	OUT has_wrapped_call boolean, OUT row_functions oid[])
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	tenant_with oid := to_regprocedure('casnet.tenant_with(text)');
	uuid_eq oid := 'pg_catalog.=(uuid,uuid)'::regoperator;
	token text;
	depth integer := 0;
	-- of the nodes that are open, by depth
	kind text[] := '{}';
	calls oid[] := '{}';
	has_column boolean[] := '{}';
	column_below boolean[] := '{}';		-- right below
	tenant_below boolean[] := '{}';
	reads_nothing boolean[] := '{}';
	is_and boolean := false;			-- the outermost
BEGIN
	is_narrow := false;
	has_subquery := false;
	has_wrapped_call := false;
	row_functions := '{}';
	FOR token IN
		SELECT m.found[1]
		  FROM regexp_matches(tree,
				'\\.|[{][A-Z_0-9]*|[}]|:funcid [0-9]+|:opno [0-9]+|:boolop and|:rtable <>',
				'g') AS m (found)
	LOOP
		CASE left(token, 1)
		WHEN '{' THEN
			depth := depth + 1;
			kind[depth] := substr(token, 2);
			calls[depth] := 0;
			has_column[depth] := token = '{VAR';
			column_below[depth] := false;
			tenant_below[depth] := false;
			reads_nothing[depth] := false;
		WHEN ':' THEN
			IF token LIKE ':rtable%' THEN
				-- The query is right below its SUBLINK.
				reads_nothing[depth - 1] := true;
			ELSIF token LIKE ':boolop%' THEN
				is_and := is_and OR depth = 1;
			ELSE
				calls[depth] := substring(token FROM '[0-9]+')::oid;
			END IF;
		WHEN '}' THEN
			IF kind[depth] = 'SUBLINK' THEN
				has_wrapped_call := has_wrapped_call OR reads_nothing[depth];
				has_subquery := has_subquery OR NOT reads_nothing[depth];
			ELSIF kind[depth] = 'FUNCEXPR' AND has_column[depth]
				  AND NOT calls[depth] = ANY (row_functions) THEN
				row_functions := row_functions || calls[depth];
			ELSIF kind[depth] = 'OPEXPR' AND calls[depth] = uuid_eq
				  AND column_below[depth] AND tenant_below[depth] THEN
				is_narrow := is_narrow OR depth = 1 OR depth = 2 AND is_and;
			END IF;
			IF depth > 1 THEN
				has_column[depth - 1] := has_column[depth - 1] OR has_column[depth];
				column_below[depth - 1] := column_below[depth - 1]
					OR kind[depth] = 'VAR';
				tenant_below[depth - 1] := tenant_below[depth - 1]
					OR kind[depth] = 'FUNCEXPR' AND calls[depth] = tenant_with;
			END IF;
			depth := depth - 1;
		ELSE
			NULL;			-- an escaped character, maybe a brace
		END CASE;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.inspect_expression(text) IS
	'internal: what doctor() has to know about a stored expression';

-- The policies that install() makes, read from the function that makes them, so
-- that there is one list of them.
CREATE OR REPLACE FUNCTION casnet_internal.expected_policies(
	OUT relation regclass, OUT name text, OUT command "char", OUT expression text)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT m.relation, 'casnet_' || lower(f.found[2]),
		   CASE f.found[2] WHEN 'SELECT' THEN 'r' WHEN 'INSERT' THEN 'a'
				WHEN 'UPDATE' THEN 'w' ELSE 'd' END::"char",
		   f.found[3]
	  FROM pg_proc AS p
	 CROSS JOIN LATERAL regexp_matches(p.prosrc,
			$x$\('(\w+)', '(SELECT|INSERT|UPDATE|DELETE)', \$p\$([^$]*)\$p\$\)$x$,
			'g') AS f (found)
	  JOIN casnet_internal.managed_tables() AS m
		ON m.relation = to_regclass('casnet.' || f.found[1])
	 WHERE p.oid = to_regprocedure('casnet_internal.install_policies()')
	UNION ALL
	SELECT m.relation, 'casnet_admin', '*', 'true'
	  FROM casnet_internal.managed_tables() AS m
	 WHERE m.kind = 'administration'
$$;
COMMENT ON FUNCTION casnet_internal.expected_policies() IS
	'internal: the policies that casnet.install() makes';

CREATE OR REPLACE FUNCTION casnet_internal.doctor_policies()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH application AS MATERIALIZED (
		SELECT a.role FROM casnet_internal.application_roles() AS a
	), watched AS MATERIALIZED (
		SELECT w.* FROM casnet_internal.watched_tables() AS w
	), policy AS MATERIALIZED (
		SELECT p.oid, p.polname, p.polrelid, p.polcmd, p.polpermissive,
			   p.polroles, p.polqual, p.polwithcheck,
			   format('%I on %s', p.polname, p.polrelid::regclass) AS name,
			   format('DROP POLICY %I ON %s', p.polname, p.polrelid::regclass)
			   AS dropping,
			   0 = ANY (p.polroles)
			   OR EXISTS (SELECT FROM application AS a
						   WHERE a.role = ANY (p.polroles)) AS applies,
			   w.relation IS NOT NULL AS is_watched, w.kind
		  FROM pg_policy AS p
		  LEFT JOIN watched AS w ON w.relation = p.polrelid
	), expression AS MATERIALIZED (
		SELECT p.*, e.clause, e.tree::text AS tree, g.source,
			   g.source = 'false'
			   OR g.source ~ $x$^\([^()' ]+ = casnet\.tenant_with\('[^']*'::text\)\)\Z$x$
			   AS is_bare
		  FROM policy AS p
		 CROSS JOIN LATERAL (VALUES ('USING', p.polqual),
							 ('WITH CHECK', p.polwithcheck))
			   AS e (clause, tree)
		 CROSS JOIN LATERAL pg_get_expr(e.tree, p.polrelid) AS g (source)
		 WHERE e.tree IS NOT NULL
	), inspected AS MATERIALIZED (
		-- Bare policies, which is all but a few, need no closer look.
		SELECT e.*, true AS is_narrow, false AS has_subquery,
			   false AS has_wrapped_call, '{}'::oid[] AS row_functions
		  FROM expression AS e
		 WHERE e.is_watched AND e.is_bare
		UNION ALL
		SELECT e.*, i.*
		  FROM expression AS e
		 CROSS JOIN LATERAL casnet_internal.inspect_expression(e.tree) AS i
		 WHERE e.is_watched AND NOT e.is_bare
	), expected AS MATERIALIZED (
		SELECT x.* FROM casnet_internal.expected_policies() AS x
	)
	-- policy-changed: the policy that the table is to have, as far as text shows.
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

	-- policy-widens: permissive policies are joined by OR.  On tables about
	-- tokens any policy does.
	UNION ALL
	SELECT 'policy-widens', p.name,
		   'It is permissive and applies to applications, so it lets rows through that the others do not.',
		   p.dropping
	  FROM policy AS p
	 WHERE p.is_watched AND p.polpermissive AND p.applies
	   AND NOT EXISTS (SELECT FROM expected AS x
						WHERE x.relation = p.polrelid AND x.name = p.polname)
	   AND EXISTS (SELECT FROM inspected AS i
					WHERE i.oid = p.oid
					  AND (p.kind <> 'application' AND i.source <> 'false'
						   OR NOT i.is_narrow))

	-- policy-restrictive: it only narrows, and is one more condition on each row.
	UNION ALL
	SELECT 'policy-restrictive', p.name,
		   'It is restrictive: one more condition that each plan on the table has.',
		   p.dropping
	  FROM policy AS p
	 WHERE p.is_watched AND NOT p.polpermissive

	-- policy-subquery: a filter for each row instead of an index condition;
	-- what it reads is under policies itself, or goes past them in a function.
	UNION ALL
	SELECT 'policy-subquery', i.name,
		   format('%s has a subquery: no index condition comes of it, and each row is held against it.',
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

	-- policy-immutable: its value is put into the plan when that is made, and a
	-- kept plan has it for the next user too.
	UNION ALL
	SELECT DISTINCT 'policy-immutable', p.name,
		   format('It calls %s, which is marked IMMUTABLE and depends on the session.',
				  f.oid::regprocedure),
		   format('ALTER FUNCTION %s STABLE', f.oid::regprocedure)
	  FROM policy AS p
	  JOIN pg_depend AS d
		ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid
		   AND d.refclassid = 'pg_proc'::regclass
	  JOIN pg_proc AS f ON f.oid = d.refobjid AND f.provolatile = 'i'
	 WHERE coalesce(pg_get_function_sqlbody(f.oid), f.prosrc)
		   ~* '\mcurrent_setting\M|\mcurrent_user\M|\msession_user\M|\mcurrent_role\M|\mcasnet\.'

	-- policy-forgeable: any role can SET a name with a dot.  casnet.user_id
	-- takes a privilege.
	UNION ALL
	SELECT DISTINCT 'policy-forgeable', e.name,
		   format('It trusts %s, which any role can set to anything.',
				  quote_literal(s.name[1])),
		   '-- compare with casnet.current_user_id() or casnet.tenant_with(''permission'')'
	  FROM expression AS e
	 CROSS JOIN LATERAL (
		SELECT e.source AS text
		 WHERE e.source ~ 'current_setting'
		UNION ALL
		SELECT coalesce(pg_get_function_sqlbody(f.oid), f.prosrc)
		  FROM pg_depend AS d
		  JOIN pg_proc AS f ON f.oid = d.refobjid
		 WHERE d.classid = 'pg_policy'::regclass AND d.objid = e.oid
		   AND d.refclassid = 'pg_proc'::regclass) AS body
	 CROSS JOIN LATERAL regexp_matches(body.text,
			$x$\mcurrent_setting\s*\(\s*'([^']*\.[^']*)'$x$, 'gi') AS s (name)
	 WHERE lower(s.name[1]) <> 'casnet.user_id'
$$;
COMMENT ON FUNCTION casnet_internal.doctor_policies() IS
	'internal: doctor() about policies';
