-- casnet.doctor(): tables, policies, keys and indexes.

-- What is to be known about a stored expression, such as polqual::text, in one
-- pass over its nodes: whether it is a comparison of a column with
-- tenant_with(), alone or as a term of an AND; whether it has a subquery, or
-- one that reads nothing, as in (SELECT f()); and which functions have a column
-- in their arguments.
CREATE FUNCTION casnet.inspect_expression(
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
COMMENT ON FUNCTION casnet.inspect_expression(text) IS
	'internal: what doctor() has to know about a stored expression';

-- The policies that install() makes, read from the function that makes them, so
-- that there is one list of them.
CREATE FUNCTION casnet.expected_policies(
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
	  JOIN casnet.managed_tables() AS m
		ON m.relation = to_regclass('casnet.' || f.found[1])
	 WHERE p.oid = to_regprocedure('casnet.install_policies()')
	UNION ALL
	SELECT m.relation, 'casnet_admin', '*', 'true'
	  FROM casnet.managed_tables() AS m
	 WHERE m.kind = 'administration'
$$;
COMMENT ON FUNCTION casnet.expected_policies() IS
	'internal: the policies that casnet.install() makes';

CREATE FUNCTION casnet.doctor_tables()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH application AS MATERIALIZED (
		SELECT a.role FROM casnet.application_roles() AS a
	), watched AS MATERIALIZED (
		SELECT w.*, c.relrowsecurity, c.relforcerowsecurity, c.relowner
		  FROM casnet.watched_tables() AS w
		  JOIN pg_class AS c ON c.oid = w.relation
	)
	-- table-rls-off: policies are there, and nobody asks them.
	SELECT 'table-rls-off', w.relation::text,
		   'Row level security is off, so its policies do not apply.',
		   format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', w.relation)
	  FROM watched AS w
	 WHERE NOT w.relrowsecurity

	-- table-not-forced: functions and views of the owner see everything.
	UNION ALL
	SELECT 'table-not-forced', w.relation::text,
		   format('Its policies do not bind its owner %s.', w.relowner::regrole),
		   format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', w.relation)
	  FROM watched AS w
	 WHERE NOT w.relforcerowsecurity

	-- table-no-policy: everybody is refused; a SELECT is not even an error, it
	-- finds nothing.  The remedy says so openly.  For tables of casnet this is
	-- policy-changed.
	UNION ALL
	SELECT 'table-no-policy', w.relation::text,
		   format('No policy applies to %s, so it finds no row.', v.command),
		   format('CREATE POLICY %I ON %s FOR %s %s (false)',
				  'no_' || lower(v.command), w.relation, v.command,
				  CASE v.command WHEN 'INSERT' THEN 'WITH CHECK'
					   ELSE 'USING' END)
	  FROM watched AS w
	 CROSS JOIN (VALUES ('SELECT', 'r'::"char"), ('INSERT', 'a'), ('UPDATE', 'w'),
				 ('DELETE', 'd')) AS v (command, letter)
	 WHERE w.kind = 'application'
	   AND NOT EXISTS (SELECT FROM pg_policy AS p
						WHERE p.polrelid = w.relation AND p.polpermissive
						  AND p.polcmd IN ('*', v.letter))

	-- table-open, table-unprotected: a table that somebody meant to belong to
	-- tenants.  A partition is a matter of its parent, see partition-open.
	UNION ALL
	SELECT CASE WHEN o.is_open THEN 'table-open' ELSE 'table-unprotected' END,
		   c.oid::regclass::text,
		   CASE WHEN o.is_open
				THEN 'It has a column tenant_id and no row level security, and applications have privileges on it.'
				ELSE 'It has a column tenant_id and no row level security.' END,
		   format('SELECT casnet.protect(%L)', c.oid::regclass)
	  FROM pg_class AS c
	  JOIN pg_attribute AS a
		ON a.attrelid = c.oid AND a.attname = 'tenant_id'
		   AND a.atttypid = 'uuid'::regtype AND NOT a.attisdropped
	 CROSS JOIN LATERAL (
		SELECT c.relowner IN (SELECT role FROM application)
			   OR EXISTS (
				SELECT FROM aclexplode(c.relacl) AS x
				 WHERE x.grantee = 0
					OR x.grantee IN (SELECT role FROM application))
			   OR EXISTS (
				SELECT FROM pg_attribute AS b
				 CROSS JOIN LATERAL aclexplode(b.attacl) AS x
				 WHERE b.attrelid = c.oid AND NOT b.attisdropped
				   AND (x.grantee = 0
						OR x.grantee IN (SELECT role FROM application)))
			   AS is_open) AS o
	 WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
	   AND NOT c.relrowsecurity
	   AND c.relnamespace <> 'pg_catalog'::regnamespace
	   AND NOT EXISTS (SELECT FROM watched AS w WHERE w.relation = c.oid)
	   AND NOT EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhrelid = c.oid)
	   AND NOT EXISTS (SELECT FROM pg_depend AS d
						WHERE d.classid = 'pg_class'::regclass
						  AND d.objid = c.oid AND d.deptype = 'e')
$$;
COMMENT ON FUNCTION casnet.doctor_tables() IS
	'internal: doctor() about tables';

CREATE FUNCTION casnet.doctor_policies()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH application AS MATERIALIZED (
		SELECT a.role FROM casnet.application_roles() AS a
	), watched AS MATERIALIZED (
		SELECT w.* FROM casnet.watched_tables() AS w
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
		 CROSS JOIN LATERAL casnet.inspect_expression(e.tree) AS i
		 WHERE e.is_watched AND NOT e.is_bare
	), expected AS MATERIALIZED (
		SELECT x.* FROM casnet.expected_policies() AS x
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
COMMENT ON FUNCTION casnet.doctor_policies() IS
	'internal: doctor() about policies';

CREATE FUNCTION casnet.doctor_keys()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH RECURSIVE held AS MATERIALIZED (
		SELECT w.relation::oid AS relation, w.tenant_column, a.attname AS tenant
		  FROM casnet.watched_tables() AS w
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
	-- key-cast: the server checks a foreign key as the owner of the table that it
	-- refers to, and the cast is in that query.
	SELECT DISTINCT 'key-cast',
		   format('%I on %s', k.conname, k.conrelid::regclass),
		   format('Its column is of type %s, whose cast is run as the owner of %s.',
				  t.oid::regtype, k.confrelid::regclass),
		   format('ALTER TABLE %s DROP CONSTRAINT %I', k.conrelid::regclass,
				  k.conname)
	  FROM casnet.managed_tables() AS m
	  JOIN pg_constraint AS k
		ON k.confrelid = m.relation AND k.contype = 'f' AND k.conparentid = 0
	 CROSS JOIN unnest(k.conkey, k.confkey) AS n (a, b)
	  JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = n.a
	  JOIN pg_attribute AS b ON b.attrelid = k.confrelid AND b.attnum = n.b
	  JOIN pg_type AS t ON t.oid = a.atttypid
	 WHERE a.atttypid <> b.atttypid
	   AND t.typtype <> 'd' AND t.typnamespace <> 'pg_catalog'::regnamespace

	-- key-not-enforced: rows that refer to nothing, or to what the key is to keep
	-- out, come in.  A key of a table of an application is its own matter, but for
	-- one to its tenant.  protect() makes that as the owner of the table.
	UNION ALL
	SELECT 'key-not-enforced',
		   format('%I on %s', k.conname, k.conrelid::regclass),
		   CASE WHEN t.statements IS NOT NULL
				THEN 'Its triggers are switched off, so the server does not look whether it holds.'
				WHEN e.is_enforced
				THEN 'It is not validated, so rows of before may break it.'
				ELSE 'It is not enforced, so the server does not look whether it holds.' END,
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
		   AND k.conrelid NOT IN (SELECT m.relation FROM casnet.managed_tables() AS m)
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
	   AND (k.conrelid IN (SELECT m.relation FROM casnet.managed_tables() AS m)
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
		   format('It references %s without the tenant, so a row can point to a row of another tenant, and its error tells which exist.',
				  k.confrelid::regclass),
		   CASE WHEN n.within IS NOT NULL
				THEN coalesce(casnet.key_for_reference(k.oid, r.tenant) || '; ', '')
					 || format('ALTER TABLE %1$s DROP CONSTRAINT %2$I, ADD CONSTRAINT %2$I %3$s',
							   k.conrelid::regclass, k.conname, n.within)
				ELSE format('-- replace %I by a key with the tenants of both tables, without ON UPDATE SET NULL or SET DEFAULT and without MATCH FULL',
							k.conname) END
	  FROM pg_constraint AS k
	  JOIN held AS h ON h.relation = k.conrelid
	  JOIN held AS r ON r.relation = k.confrelid
	 CROSS JOIN LATERAL (
		SELECT casnet.reference_within(k.oid, h.tenant, r.tenant) AS within) AS n
	 WHERE k.contype = 'f' AND k.conparentid = 0
	   AND NOT EXISTS (SELECT FROM unnest(k.conkey, k.confkey) AS u (here, there)
						WHERE u.here = h.tenant_column AND u.there = r.tenant_column)

	-- key-without-tenant: 23505 tells that another tenant has the value.
	UNION ALL
	SELECT 'key-without-tenant',
		   coalesce(quote_ident(k.conname) || ' on ' || k.relation,
					k.indexrelid::regclass::text),
		   'It is unique across tenants, so its error tells that another tenant has the value.',
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
					THEN casnet.index_within(k.indexrelid, k.tenant)
					ELSE casnet.key_within(k.constraint, k.tenant) END AS within) AS d
	 WHERE (k.indisunique OR k.contype = 'x') AND NOT k.has_tenant

	-- index-without-tenant: a query of one tenant walks through those of all.
	-- Keys have another purpose, and ours were chosen.
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
					|| casnet.index_within(k.indexrelid, k.tenant),
					format('-- make %s again with %I in front',
						   k.indexrelid::regclass, k.tenant))
	  FROM key AS k
	 WHERE NOT k.is_led AND NOT k.indisunique AND k.contype IS NULL
	   AND NOT EXISTS (SELECT FROM casnet.managed_tables() AS m
						 JOIN pg_proc AS p
						   ON p.pronamespace = to_regnamespace('casnet')
							  AND p.proname LIKE 'install%'
						WHERE m.relation = k.relation
						  AND strpos(p.prosrc, k.relname) > 0)

	-- sequence-shared: who inserts twice sees how much the others did between.
	UNION ALL
	SELECT DISTINCT 'sequence-shared', s.sequence::regclass::text,
		   format('%s.%I takes its values from it, and the gaps tell a tenant how many rows the others made.',
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
COMMENT ON FUNCTION casnet.doctor_keys() IS
	'internal: doctor() about keys, indexes and sequences';
