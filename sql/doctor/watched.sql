-- What casnet.doctor() watches: roles, what they can become, and tables.
--
-- Functions that several checks call are in PL/pgSQL, which keeps the plan for the next one.

-- The roles that applications connect as or use: casnet_user and all below it.
-- From 16 on a membership can give neither SET nor the privileges.  A role that
-- made another one holds such a membership, which is nothing to worry about.
CREATE OR REPLACE FUNCTION casnet_internal.application_roles(OUT role oid) RETURNS SETOF oid
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN QUERY
	WITH RECURSIVE application (role) AS (
		SELECT r.oid FROM pg_roles AS r
		 WHERE r.rolname IN ('casnet_user', 'casnet_authenticator')
		UNION
		SELECT m.member
		  FROM application AS a
		  JOIN pg_auth_members AS m ON m.roleid = a.role
		 WHERE coalesce((to_jsonb(m)->>'set_option')::boolean, true)
			OR coalesce((to_jsonb(m)->>'inherit_option')::boolean, true)
	)
	SELECT a.role FROM application AS a;
END
$$;
COMMENT ON FUNCTION casnet_internal.application_roles() IS
	'internal: casnet_user, casnet_authenticator and their members, direct or not';

-- What application roles are or can become.  One row for each application role
-- (member is NULL) and for each membership on the way up.  A member gets attributes
-- such as SUPERUSER only by SET ROLE, and privileges by inheritance too.
CREATE OR REPLACE FUNCTION casnet_internal.application_powers(
	OUT role oid, OUT member oid, OUT by_set boolean)
	RETURNS SETOF record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN QUERY
	WITH RECURSIVE application AS MATERIALIZED (
		SELECT a.role FROM casnet_internal.application_roles() AS a
	), membership AS MATERIALIZED (
		SELECT m.roleid, m.member,
			   coalesce((to_jsonb(m)->>'set_option')::boolean, true) AS sets,
			   coalesce((to_jsonb(m)->>'inherit_option')::boolean, true)
			   AS inherits
		  FROM pg_auth_members AS m
	), power (role, member, by_set) AS (
		SELECT a.role, NULL::oid, true FROM application AS a
		UNION
		SELECT m.roleid, m.member, p.by_set AND m.sets
		  FROM power AS p
		  JOIN membership AS m ON m.member = p.role
		 WHERE (m.sets OR m.inherits)
		   AND NOT EXISTS (SELECT FROM application AS a WHERE a.role = m.roleid)
	)
	SELECT p.role, p.member, bool_or(p.by_set)
	  FROM power AS p
	 GROUP BY p.role, p.member;
END
$$;
COMMENT ON FUNCTION casnet_internal.application_powers() IS
	'internal: the roles that application roles are or can become, and by which membership';

-- The tables that doctor() watches: casnet's, by their kind, and those of applications that
-- are protected, whatever is left of that, or have a policy with tenant_with().  In tables
-- with rows of tenants, tenant_column is the column that names the tenant.
CREATE OR REPLACE FUNCTION casnet_internal.watched_tables(
	OUT relation regclass, OUT kind text, OUT tenant_column smallint)
	RETURNS SETOF record
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN QUERY
	WITH compared AS MATERIALIZED (
		SELECT p.polrelid AS relation, array_agg(p.oid) AS policies
		  FROM pg_depend AS d
		  JOIN pg_policy AS p ON p.oid = d.objid
		 WHERE d.classid = 'pg_policy'::regclass
		   AND d.refclassid = 'pg_proc'::regclass
		   AND d.refobjid = to_regprocedure('casnet.tenant_with(text)')
		   -- Shards are a matter of doctor_distributed().
		   AND p.polrelid NOT IN (SELECT s.relation FROM casnet_internal.shards() AS s
								   WHERE s.relation IS NOT NULL)
		 GROUP BY p.polrelid
	), watched AS (
		SELECT coalesce(m.relation, c.relation::regclass, p.relation) AS relation,
			   coalesce(m.kind, 'application') AS kind, c.policies
		  FROM casnet_internal.managed_tables() AS m
		  FULL JOIN compared AS c ON c.relation = m.relation
		  FULL JOIN casnet_internal.list_protected_tables() AS p
			ON p.relation = coalesce(m.relation, c.relation)
	)
	SELECT w.relation, w.kind,
		   CASE WHEN w.kind IN ('tenant', 'application')
				-- If nobody protected it, it is the first column that these policies name.
				THEN coalesce(a.attnum,
							  (SELECT min(d.refobjsubid)::smallint
								 FROM pg_depend AS d
								WHERE d.classid = 'pg_policy'::regclass
								  AND d.objid = ANY (w.policies)
								  AND d.refclassid = 'pg_class'::regclass
								  AND d.refobjid = w.relation AND d.refobjsubid > 0)) END
	  FROM watched AS w
	  LEFT JOIN pg_attribute AS a
		ON a.attrelid = w.relation
		   AND a.attname = casnet_internal.tenant_column(w.relation)
		   AND a.atttypid = 'uuid'::regtype AND NOT a.attisdropped;
END
$$;
COMMENT ON FUNCTION casnet_internal.watched_tables() IS
	'internal: the tables of casnet, and those of applications that are protected or have a policy of casnet';

-- The roles that read a watched table past its policies, among the owners of what reads
-- with its owner's rights: views, tables with rules, SECURITY DEFINER functions.
CREATE OR REPLACE FUNCTION casnet_internal.unlimited_readers(
	OUT role oid, OUT relation oid)
	RETURNS SETOF record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN QUERY
	SELECT r.oid, c.oid
	  FROM pg_roles AS r
	 CROSS JOIN (casnet_internal.watched_tables() AS w
				 JOIN pg_class AS c ON c.oid = w.relation)
	 WHERE (r.oid IN (SELECT v.relowner FROM pg_rewrite AS q
						JOIN pg_class AS v ON v.oid = q.ev_class)
			OR r.oid IN (SELECT p.proowner FROM pg_proc AS p
						  WHERE p.prosecdef))
	   AND (r.rolsuper OR r.rolbypassrls
			OR NOT c.relforcerowsecurity
			   AND pg_has_role(r.oid, c.relowner, 'USAGE')
			-- A policy for that role, which shows it more than those for everybody do.
			OR EXISTS (SELECT FROM pg_policy AS p
						WHERE p.polrelid = c.oid AND p.polpermissive
						  AND p.polcmd IN ('*', 'r')
						  AND EXISTS (SELECT FROM unnest(p.polroles) AS u (role)
									   WHERE u.role <> 0 AND pg_has_role(r.oid, u.role, 'USAGE'))
						  AND pg_get_expr(p.polqual, p.polrelid) <> 'false'
						  AND w.kind IN ('tenant', 'application')
						  AND NOT (SELECT i.is_narrow
									 FROM casnet_internal.inspect_expression(p.polqual) AS i))
			OR w.kind = 'administration'
			   AND pg_has_role(r.oid, 'casnet_admin', 'USAGE'));
END
$$;
COMMENT ON FUNCTION casnet_internal.unlimited_readers() IS
	'internal: the owners of views, rules and SECURITY DEFINER functions, and what they read past the policies';
