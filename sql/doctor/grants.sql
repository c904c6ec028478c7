-- casnet.doctor(): privileges.

-- Everybody to whom a privilege can be granted, and whether applications have it then.  A
-- role that was dropped has no name and is left out.
CREATE OR REPLACE FUNCTION casnet_internal.grantees(
	OUT role oid, OUT name text, OUT applies boolean)
	RETURNS SETOF record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN QUERY
	SELECT 0::oid, 'PUBLIC', true
	UNION ALL
	SELECT r.oid, quote_ident(r.rolname),
		   r.oid IN (SELECT a.role FROM casnet_internal.application_roles() AS a)
	  FROM pg_roles AS r;
END
$$;
COMMENT ON FUNCTION casnet_internal.grantees() IS
	'internal: PUBLIC and all roles, as SQL writes them, and which of them are of applications';

-- Privileges on the watched tables and their columns.
CREATE OR REPLACE FUNCTION casnet_internal.doctor_grants()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH held AS MATERIALIZED (
		SELECT w.relation, w.kind, g.name, g.role, g.applies, p.privilege,
			   p.attname, w.relation = to_regclass('casnet.users') AS is_users
		  FROM casnet_internal.watched_tables() AS w
		  JOIN pg_class AS c ON c.oid = w.relation
		 CROSS JOIN LATERAL (
			SELECT a.grantee, a.privilege_type AS privilege, NULL::name AS attname
			  FROM aclexplode(c.relacl) AS a
			UNION ALL
			SELECT a.grantee, a.privilege_type, t.attname
			  FROM pg_attribute AS t
			 CROSS JOIN LATERAL aclexplode(t.attacl) AS a
			 WHERE t.attrelid = w.relation AND t.attnum > 0
			   AND NOT t.attisdropped) AS p
		  JOIN casnet_internal.grantees() AS g ON g.role = p.grantee
		 WHERE p.grantee <> c.relowner
	)
	-- grant-unpoliced: TRUNCATE empties all tenants; REFERENCES finds out which
	-- keys exist; a trigger sees the rows of everybody who writes.
	SELECT 'grant-unpoliced', h.relation::text,
		   format('%s has %s, which no policy limits.', h.name, h.privilege),
		   format('REVOKE %s%s ON %s FROM %s', h.privilege,
				  ' (' || quote_ident(h.attname) || ')', h.relation, h.name)
	  FROM held AS h
	 WHERE h.applies AND h.privilege IN ('TRUNCATE', 'REFERENCES', 'TRIGGER')

	-- grant-maintain: LOCK, VACUUM, CLUSTER and REINDEX make others wait.
	UNION ALL
	SELECT 'grant-maintain', h.relation::text,
		   format('%s has MAINTAIN, and so can make every tenant wait.', h.name),
		   format('REVOKE MAINTAIN ON %s FROM %s', h.relation, h.name)
	  FROM held AS h
	 WHERE h.applies AND h.privilege = 'MAINTAIN'

	-- grant-public: a role that was made for something else has the privilege too.
	UNION ALL
	SELECT 'grant-public', h.relation::text,
		   format('Every role has %s on it.', h.privilege),
		   format('REVOKE %s%s ON %s FROM PUBLIC', h.privilege,
				  ' (' || quote_ident(h.attname) || ')', h.relation)
	  FROM held AS h
	 WHERE h.role = 0 AND h.kind IN ('tenant', 'application', 'administration')
	   AND h.privilege IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
	   -- These are worse, and grant-account reports them.
	   AND NOT (h.is_users AND h.privilege IN ('SELECT', 'UPDATE'))

	-- grant-secret: only functions read and write these.
	UNION ALL
	SELECT 'grant-secret', h.relation::text,
		   format('%s has %s on a table that only functions are to use.',
				  h.name, h.privilege),
		   format('REVOKE %s%s ON %s FROM %s', h.privilege,
				  ' (' || quote_ident(h.attname) || ')', h.relation, h.name)
	  FROM held AS h
	 WHERE h.applies AND h.kind NOT IN ('tenant', 'application', 'administration')
	   AND h.privilege NOT IN ('TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN')

	-- grant-account: whoever may update any column of their account can become a
	-- superuser of the application.  REVOKE on the table takes the privileges on
	-- its columns too, so the remedy grants them again.
	UNION ALL
	SELECT 'grant-account', h.relation::text,
		   format('%s may change %s in the account of the session''s user.',
				  h.name, coalesce(quote_ident(h.attname), 'is_superuser')),
		   format('REVOKE %s%s ON %s FROM %s', h.privilege,
				  ' (' || quote_ident(h.attname) || ')', h.relation, h.name) ||
		   CASE WHEN h.attname IS NULL
					 AND h.name IN ('casnet_user', 'casnet_admin')
				THEN format('; SELECT casnet_internal.install_grants(%L)', h.relation)
				ELSE '' END
	  FROM held AS h
	 WHERE h.is_users AND h.privilege = 'UPDATE' AND h.applies
	   AND h.name <> 'casnet_admin' AND coalesce(h.attname, '') <> 'full_name'
$$;
COMMENT ON FUNCTION casnet_internal.doctor_grants() IS
	'internal: doctor() about privileges on tables';

-- Partitions and children of the watched tables, which have no policies of their own.
CREATE OR REPLACE FUNCTION casnet_internal.doctor_partitions()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH RECURSIVE grantee AS MATERIALIZED (
		SELECT g.role, g.name FROM casnet_internal.grantees() AS g WHERE g.applies
	), watched AS MATERIALIZED (
		SELECT w.relation FROM casnet_internal.watched_tables() AS w
	), below (relation) AS (
		SELECT i.inhrelid
		  FROM pg_inherits AS i
		  JOIN watched AS w ON w.relation = i.inhparent
		UNION
		SELECT i.inhrelid
		  FROM below AS b
		  JOIN pg_inherits AS i ON i.inhparent = b.relation
	), part AS (
		SELECT c.oid::regclass AS relation, c.relowner, c.relacl
		  FROM below AS b
		  JOIN pg_class AS c ON c.oid = b.relation
		 WHERE c.relkind IN ('r', 'p', 'f') AND NOT c.relrowsecurity
		   AND NOT EXISTS (SELECT FROM watched AS w WHERE w.relation = c.oid)
	)
	-- partition-open: the policies of the parent hold only for queries that
	-- name the parent.
	SELECT 'partition-open', t.relation::text,
		   format('%s has %s on it, and the policies of its parent do not hold here.',
				  g.name, a.privilege_type),
		   format('REVOKE %s ON %s FROM %s', a.privilege_type, t.relation,
				  g.name)
	  FROM part AS t
	 CROSS JOIN LATERAL (
		SELECT x.grantee, x.privilege_type FROM aclexplode(t.relacl) AS x
		UNION
		SELECT x.grantee, x.privilege_type
		  FROM pg_attribute AS b CROSS JOIN LATERAL aclexplode(b.attacl) AS x
		 WHERE b.attrelid = t.relation AND NOT b.attisdropped) AS a
	  JOIN grantee AS g ON g.role = a.grantee
	 WHERE a.grantee <> t.relowner
	UNION ALL
	SELECT 'partition-open', t.relation::text,
		   format('%s owns it, and the policies of its parent do not hold here.',
				  g.name),
		   format('ALTER TABLE %s OWNER TO %s', t.relation,
				  (SELECT e.extowner::regrole FROM pg_extension AS e
					WHERE e.extname = 'casnet'))
	  FROM part AS t
	  JOIN grantee AS g ON g.role = t.relowner
$$;
COMMENT ON FUNCTION casnet_internal.doctor_partitions() IS
	'internal: doctor() about partitions and children of tables';

-- Privileges on the schemas of casnet and on functions.
CREATE OR REPLACE FUNCTION casnet_internal.doctor_function_grants()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH grantee AS MATERIALIZED (
		SELECT g.role, g.name, g.applies FROM casnet_internal.grantees() AS g
	)
	-- grant-schema: an object with the name of one of casnet's would be taken for it.
	SELECT 'grant-schema', n.nspname::text,
		   format('%s may create objects in it.', g.name),
		   format('REVOKE CREATE ON SCHEMA %I FROM %s', n.nspname, g.name)
	  FROM pg_namespace AS n
	 CROSS JOIN LATERAL aclexplode(n.nspacl) AS a
	  JOIN grantee AS g ON g.role = a.grantee
	 WHERE n.nspname IN ('casnet', 'casnet_internal') AND a.privilege_type = 'CREATE'
	   AND a.grantee NOT IN (n.nspowner, to_regrole('casnet_owner'))

	-- grant-function: as GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA does.  What
	-- the extension's script granted is in pg_init_privs, but for what PUBLIC has of
	-- three triggers: pg_upgrade takes that for the server's default.
	UNION ALL
	SELECT 'grant-function', p.oid::regprocedure::text,
		   format('%s may call it, and it is not for applications.', g.name),
		   CASE a.grantee WHEN p.proowner
				THEN format('ALTER FUNCTION %s OWNER TO %s', p.oid::regprocedure,
							e.extowner::regrole)
				ELSE format('REVOKE EXECUTE ON FUNCTION %s FROM %s',
							p.oid::regprocedure, g.name) END
	  FROM pg_depend AS d
	  JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'casnet'
	  JOIN pg_proc AS p ON p.oid = d.objid
	 CROSS JOIN LATERAL aclexplode(coalesce(p.proacl,
			acldefault('f', p.proowner))) AS a
	  JOIN grantee AS g ON g.role = a.grantee AND g.applies
	 WHERE d.classid = 'pg_proc'::regclass
	   AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
	   AND p.proname NOT IN ('touch_updated_at', 'fill_tenant', 'keep_tenant')
	   AND NOT EXISTS (
			SELECT FROM pg_init_privs AS i
			 CROSS JOIN LATERAL aclexplode(i.initprivs) AS was
			 WHERE i.classoid = 'pg_proc'::regclass AND i.objoid = p.oid
			   AND was.grantee IN (0, a.grantee,
								   to_regrole('casnet_user')))

	-- statements-readable: all users of an application are one database role
	-- there, and SET keeps its literals, tokens among them.
	UNION ALL
	SELECT 'statements-readable', p.oid::regprocedure::text,
		   format('%s may call it, and reads the statements of all who share the database role.',
				  g.name),
		   CASE a.grantee WHEN p.proowner
				THEN format('ALTER FUNCTION %s OWNER TO %s', p.oid::regprocedure,
							(SELECT c.extowner::regrole FROM pg_extension AS c
							  WHERE c.extname = 'casnet'))
				ELSE format('REVOKE EXECUTE ON FUNCTION %s FROM %s',
							p.oid::regprocedure, g.name) END
	  FROM pg_extension AS e
	  JOIN pg_depend AS d
		ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
		   AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
	  JOIN pg_proc AS p ON p.oid = d.objid AND p.proname = 'pg_stat_statements'
	 CROSS JOIN LATERAL aclexplode(coalesce(p.proacl,
			acldefault('f', p.proowner))) AS a
	  JOIN grantee AS g ON g.role = a.grantee AND g.applies
	 WHERE e.extname = 'pg_stat_statements'
$$;
COMMENT ON FUNCTION casnet_internal.doctor_function_grants() IS
	'internal: doctor() about privileges on schemas and functions';
