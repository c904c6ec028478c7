-- casnet.doctor(): roles.

-- What application roles are and can become, and what they are members of.
CREATE OR REPLACE FUNCTION casnet_internal.doctor_roles()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	-- role is what is dangerous, holder the role to report: an application
	-- role, or one on its way up whose membership leads there.
	WITH power AS MATERIALIZED (
		SELECT p.role, r.rolname, p.by_set, p.member IS NULL AS is_application,
			   coalesce(p.member, p.role)::regrole::text AS holder,
			   r.rolsuper, r.rolbypassrls, r.rolreplication, r.rolcreaterole
		  FROM casnet_internal.application_powers() AS p
		  JOIN pg_roles AS r ON r.oid = p.role
	), application AS MATERIALIZED (
		SELECT p.role FROM power AS p WHERE p.is_application
	), attribute AS (
		SELECT p.*, v.*
		  FROM power AS p
		 CROSS JOIN LATERAL (VALUES
			-- A superuser passes every policy and privilege.
			('role-superuser', 'SUPERUSER', p.rolsuper),
			-- Passes every policy.
			('role-bypassrls', 'BYPASSRLS',
			 p.rolbypassrls AND NOT p.rolsuper),
			-- pg_basebackup and logical decoding know no policy.
			('role-replication', 'REPLICATION',
			 p.rolreplication AND NOT p.rolsuper),
			-- Up to 15 it can grant itself any role that is no superuser, such as
			-- casnet_authenticator or pg_read_server_files.
			('role-createrole', 'CREATEROLE',
			 p.rolcreaterole AND NOT p.rolsuper
			 AND current_setting('server_version_num')::integer < 160000)
			) AS v (code, attribute, has)
		 WHERE v.has AND p.by_set
	)
	SELECT a.code, a.holder,
		   CASE WHEN a.is_application
				THEN format('Applications use this role, and it has %s.',
							a.attribute)
				ELSE format('Applications use this role, and it can become %I, which has %s.',
							a.rolname, a.attribute) END,
		   -- The role that initdb made cannot lose SUPERUSER.
		   CASE WHEN NOT a.is_application
				THEN format('REVOKE %I FROM %s', a.rolname, a.holder)
				WHEN a.role = 10
				THEN (SELECT string_agg(format('REVOKE %s FROM %s',
											   m.roleid::regrole, a.holder), '; ')
						FROM pg_auth_members AS m
					   WHERE m.member = a.role
						 AND m.roleid IN (SELECT role FROM application))
				ELSE format('ALTER ROLE %s NO%s', a.holder, a.attribute) END
	  FROM attribute AS a

	-- role-server-access, role-statistics: predefined roles.  Some read or
	-- write files or tables without a privilege on their columns, such as
	-- hashed_password.  The others show statements, and literals in them.
	UNION ALL
	SELECT CASE WHEN p.rolname IN ('pg_monitor', 'pg_read_all_stats')
				THEN 'role-statistics' ELSE 'role-server-access' END,
		   p.holder,
		   format('Applications use this role, and it is a member of %I.',
				  p.rolname),
		   format('REVOKE %I FROM %s', p.rolname, p.holder)
	  FROM power AS p
	 WHERE NOT p.is_application
	   AND (p.rolname IN ('pg_read_server_files', 'pg_write_server_files',
						  'pg_execute_server_program', 'pg_read_all_data',
						  'pg_write_all_data')
			-- pg_monitor brings pg_read_all_stats: once is enough.
			OR p.rolname = 'pg_monitor'
			OR p.rolname = 'pg_read_all_stats' AND p.holder <> 'pg_monitor')

	-- role-administers: it decides about users and keys of all tenants.
	UNION ALL
	SELECT DISTINCT 'role-administers', p.holder,
		   'Applications use this role, and it is a member of casnet_admin.',
		   format('REVOKE casnet_admin FROM %s', p.holder)
	  FROM power AS p
	 WHERE p.rolname = 'casnet_admin' AND NOT p.is_application
$$;
COMMENT ON FUNCTION casnet_internal.doctor_roles() IS
	'internal: doctor() about roles';

-- Who owns the schemas, tables and functions, and what else casnet_owner can do.
CREATE OR REPLACE FUNCTION casnet_internal.doctor_owners()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	-- role and holder as for doctor_roles().
	WITH power AS MATERIALIZED (
		SELECT p.role, r.rolname, p.member IS NULL AS is_application,
			   coalesce(p.member, p.role)::regrole::text AS holder, r.rolsuper
		  FROM casnet_internal.application_powers() AS p
		  JOIN pg_roles AS r ON r.oid = p.role
	)
	-- role-owns-table: the owner can switch row level security off, or drop
	-- a policy.
	SELECT 'role-owns-table', t.relation::text,
		   CASE WHEN p.is_application
				THEN format('The application role %s owns it, and so may change its policies.',
							p.holder)
				ELSE format('%s is a member of its owner %I, and so may change its policies.',
							p.holder, p.rolname) END,
		   CASE WHEN p.is_application
				-- Its triggers and expressions would run as the new owner.
				THEN CASE WHEN t.relation IN (SELECT m.relation
												FROM casnet_internal.managed_tables() AS m)
						  THEN format('ALTER TABLE %s OWNER TO casnet_owner',
									  t.relation)
						  ELSE '-- give it to a role without other rights that no application uses'
							   ', once you have read its triggers and expressions' END
				ELSE format('REVOKE %I FROM %s', p.rolname, p.holder) END
	  FROM power AS p
	  JOIN pg_class AS c ON c.relowner = p.role
	  JOIN casnet_internal.watched_tables() AS t ON t.relation = c.oid
	 WHERE NOT p.rolsuper

	-- owner-powerful: what the server runs as the owner of a table would have it.
	UNION ALL
	SELECT 'owner-powerful', r.rolname::text, format('It has %s.', v.power),
		   format(v.remedy, r.rolname)
	  FROM pg_roles AS r
	 CROSS JOIN LATERAL (VALUES
			('SUPERUSER', r.rolsuper, 'ALTER ROLE %I NOSUPERUSER'),
			('LOGIN', r.rolcanlogin, 'ALTER ROLE %I NOLOGIN'),
			('CREATEROLE', r.rolcreaterole, 'ALTER ROLE %I NOCREATEROLE'),
			('CREATEDB', r.rolcreatedb, 'ALTER ROLE %I NOCREATEDB'),
			('REPLICATION', r.rolreplication, 'ALTER ROLE %I NOREPLICATION'))
			AS v (power, has, remedy)
	 WHERE r.rolname = 'casnet_owner' AND v.has
	UNION ALL
	SELECT 'owner-powerful', 'casnet_owner',
		   CASE m.roleid WHEN to_regrole('casnet_owner')
				THEN format('%s is a member of it.', m.member::regrole)
				ELSE format('It is a member of %s.', m.roleid::regrole) END,
		   format('REVOKE %s FROM %s', m.roleid::regrole, m.member::regrole)
	  FROM pg_auth_members AS m
	  JOIN pg_roles AS r ON r.oid = m.member AND NOT r.rolsuper
	 WHERE to_regrole('casnet_owner') IN (m.roleid, m.member)

	-- role-powerful: members may become it, and CREATE EXTENSION in another database
	-- of the cluster refuses it.
	UNION ALL
	SELECT 'role-powerful', r.rolname::text, format('It has %s.', v.power),
		   format('ALTER ROLE %I NO%s', r.rolname, v.power)
	  FROM pg_roles AS r
	 CROSS JOIN LATERAL (VALUES
			('SUPERUSER', r.rolsuper), ('LOGIN', r.rolcanlogin),
			('CREATEROLE', r.rolcreaterole), ('CREATEDB', r.rolcreatedb),
			('REPLICATION', r.rolreplication), ('BYPASSRLS', r.rolbypassrls))
			AS v (power, has)
	 WHERE r.rolname IN ('casnet_user', 'casnet_authenticator', 'casnet_admin')
	   AND v.has

	-- owner-other: code of others runs as it, in checks of keys and in triggers.
	UNION ALL
	SELECT 'owner-other', c.oid::regclass::text,
		   format('It belongs to %s.', c.relowner::regrole),
		   CASE WHEN r.rolsuper THEN 'SELECT casnet.install()'
				ELSE format('ALTER TABLE %s OWNER TO casnet_owner',
							c.oid::regclass) END
	  FROM casnet_internal.managed_tables() AS m
	 CROSS JOIN LATERAL (SELECT m.relation
						 UNION SELECT t.relid FROM pg_partition_tree(m.relation) AS t)
			AS p
	  JOIN pg_class AS c ON c.oid = p.relation
	  LEFT JOIN pg_roles AS r ON r.oid = c.relowner
	 WHERE c.relowner <> to_regrole('casnet_owner')
	UNION ALL
	-- Others are a superuser's.  Policies call them, and their owner can replace them.
	SELECT 'owner-other', f.oid::regprocedure::text,
		   format(CASE WHEN v.is_of_tables THEN 'It runs with the rights of %s.'
					   ELSE 'It belongs to %s, who can replace it.' END, f.proowner::regrole),
		   format('ALTER FUNCTION %s OWNER TO %I', f.oid::regprocedure,
				  CASE WHEN v.is_of_tables THEN 'casnet_owner' ELSE
						(SELECT s.rolname FROM pg_roles AS s WHERE s.rolsuper ORDER BY s.oid LIMIT 1) END)
	  FROM pg_depend AS d
	  JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'casnet'
	  JOIN pg_proc AS f ON f.oid = d.objid
	  JOIN pg_roles AS r ON r.oid = f.proowner
	 CROSS JOIN LATERAL (SELECT f.prosecdef AND f.prorettype <> 'event_trigger'::regtype)
			AS v (is_of_tables)
	 WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
	   AND f.proowner <> to_regrole('casnet_owner') AND (v.is_of_tables OR NOT r.rolsuper)

	-- owner-schema: the owner of a schema can drop what is in it, and put something else
	-- there that superusers run.
	UNION ALL
	SELECT 'owner-schema', n.nspname::text, format('It belongs to %s.', n.nspowner::regrole),
		   format('ALTER SCHEMA %I OWNER TO %I', n.nspname,
				  (SELECT s.rolname FROM pg_roles AS s WHERE s.rolsuper ORDER BY s.oid LIMIT 1))
		   -- A role that needs the schema loses its privileges on it with the ownership.
		   || CASE WHEN r.rolname IN ('casnet_user', 'casnet_admin', 'casnet_owner')
				   THEN format('; GRANT USAGE%s ON SCHEMA %I TO %I',
							   CASE WHEN n.nspname = 'casnet_internal'
										 AND r.rolname = 'casnet_owner' THEN ', CREATE' END,
							   n.nspname, r.rolname)
				   ELSE '' END
	  FROM pg_namespace AS n
	  JOIN pg_roles AS r ON r.oid = n.nspowner
	 WHERE n.nspname IN ('casnet', 'casnet_internal') AND NOT r.rolsuper
$$;
COMMENT ON FUNCTION casnet_internal.doctor_owners() IS
	'internal: doctor() about the owners of schemas, tables and functions';

-- Who may set parameters that say who a session is, or that switch protection off.
CREATE OR REPLACE FUNCTION casnet_internal.doctor_parameters()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH application AS MATERIALIZED (
		SELECT r.oid AS role
		  FROM casnet_internal.application_roles() AS a
		  JOIN pg_roles AS r ON r.oid = a.role
	)
	-- identity-settable: with SET on casnet.user_id a session can be anybody.
	-- parameter-granted: these switch triggers or checks of casnet off, or load libraries.
	SELECT CASE g.parname WHEN 'casnet.user_id' THEN 'identity-settable'
				ELSE 'parameter-granted' END,
		   g.parname,
		   format('%s may %s it.', g.name, g.privilege_type),
		   format('REVOKE %s ON PARAMETER %s FROM %s', g.privilege_type,
				  g.parname, g.name)
	  FROM (SELECT p.parname, a.privilege_type, a.grantee,
				   CASE a.grantee WHEN 0 THEN 'PUBLIC'
						ELSE a.grantee::regrole::text END AS name
			  FROM pg_parameter_acl AS p
			 CROSS JOIN LATERAL aclexplode(p.paracl) AS a
			 WHERE a.grantee = 0
				OR a.grantee IN (SELECT role FROM application)) AS g
	 WHERE g.parname = 'casnet.user_id'
		   AND (g.privilege_type <> 'SET' OR g.grantee = 0
				OR NOT pg_has_role(g.grantee, 'casnet_authenticator', 'MEMBER'))
		OR g.parname IN ('session_replication_role', 'session_preload_libraries',
						 'dynamic_library_path', 'casnet.bypass')
		OR g.parname <> 'casnet.user_id' AND g.privilege_type = 'ALTER SYSTEM'
$$;
COMMENT ON FUNCTION casnet_internal.doctor_parameters() IS
	'internal: doctor() about privileges on parameters';
