-- casnet.doctor(): roles and privileges.

CREATE FUNCTION casnet.doctor_roles()
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
		  FROM casnet.application_powers() AS p
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
			-- Until 15 it grants itself any role that is no superuser, such as
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
	-- write files or tables without asking for a column privilege, as on
	-- hashed_password; the others show statements, and in them literals.
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

	-- role-owns-table: the owner switches row level security off, or drops
	-- a policy.
	UNION ALL
	SELECT 'role-owns-table', t.relation::text,
		   CASE WHEN p.is_application
				THEN format('The application role %s owns it, and so may change its policies.',
							p.holder)
				ELSE format('%s is a member of its owner %I, and so may change its policies.',
							p.holder, p.rolname) END,
		   CASE WHEN p.is_application
				-- Its triggers and expressions would run as the new owner.
				THEN CASE WHEN t.relation IN (SELECT m.relation
												FROM casnet.managed_tables() AS m)
						  THEN format('ALTER TABLE %s OWNER TO casnet_owner',
									  t.relation)
						  ELSE '-- give it to a role without other rights that no application uses'
							   ', once you have read its triggers and expressions' END
				ELSE format('REVOKE %I FROM %s', p.rolname, p.holder) END
	  FROM power AS p
	  JOIN pg_class AS c ON c.relowner = p.role
	  JOIN casnet.watched_tables() AS t ON t.relation = c.oid
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

	-- owner-other: code of others runs as it, in checks of keys and in triggers.
	UNION ALL
	SELECT 'owner-other', c.oid::regclass::text,
		   format('It belongs to %s.', c.relowner::regrole),
		   CASE WHEN r.rolsuper THEN 'SELECT casnet.install()'
				ELSE format('ALTER TABLE %s OWNER TO casnet_owner',
							c.oid::regclass) END
	  FROM casnet.managed_tables() AS m
	  JOIN pg_class AS c ON c.oid = m.relation
	  LEFT JOIN pg_roles AS r ON r.oid = c.relowner
	 WHERE c.relowner <> to_regrole('casnet_owner')
	UNION ALL
	SELECT 'owner-other', f.oid::regprocedure::text,
		   format('It runs with the rights of %s.', f.proowner::regrole),
		   format('ALTER FUNCTION %s OWNER TO casnet_owner', f.oid::regprocedure)
	  FROM pg_depend AS d
	  JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'casnet'
	  JOIN pg_proc AS f ON f.oid = d.objid
	 WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e' AND f.prosecdef
	   AND f.prorettype <> 'event_trigger'::regtype
	   AND f.proowner <> to_regrole('casnet_owner')

	-- identity-settable: SET on casnet.user_id makes a session anybody.
	-- parameter-granted: these switch triggers off or load libraries.
	UNION ALL
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
		OR g.parname IN ('session_replication_role',
						 'session_preload_libraries')
		OR g.parname <> 'casnet.user_id' AND g.privilege_type = 'ALTER SYSTEM'
$$;
COMMENT ON FUNCTION casnet.doctor_roles() IS
	'internal: doctor() about roles';

CREATE FUNCTION casnet.doctor_grants()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	-- A grantee that is no role any more has no name and is left out.
	WITH RECURSIVE grantee AS MATERIALIZED (
		SELECT 0::oid AS role, 'PUBLIC' AS name, true AS applies
		UNION ALL
		SELECT r.oid, quote_ident(r.rolname),
			   r.oid IN (SELECT a.role FROM casnet.application_roles() AS a)
		  FROM pg_roles AS r
	), watched AS MATERIALIZED (
		SELECT w.relation, w.kind, c.relowner, c.relacl
		  FROM casnet.watched_tables() AS w
		  JOIN pg_class AS c ON c.oid = w.relation
	), held AS MATERIALIZED (
		SELECT w.relation, w.kind, g.name, g.role, g.applies, p.privilege,
			   p.attname, w.relation = to_regclass('casnet.users') AS is_users
		  FROM watched AS w
		 CROSS JOIN LATERAL (
			SELECT a.grantee, a.privilege_type AS privilege, NULL::name AS attname
			  FROM aclexplode(w.relacl) AS a
			UNION ALL
			SELECT a.grantee, a.privilege_type, t.attname
			  FROM pg_attribute AS t
			 CROSS JOIN LATERAL aclexplode(t.attacl) AS a
			 WHERE t.attrelid = w.relation AND t.attnum > 0
			   AND NOT t.attisdropped) AS p
		  JOIN grantee AS g ON g.role = p.grantee
		 WHERE p.grantee <> w.relowner
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

	-- grant-public: also a role that was made for something else.
	UNION ALL
	SELECT 'grant-public', h.relation::text,
		   format('Every role has %s on it.', h.privilege),
		   format('REVOKE %s%s ON %s FROM PUBLIC', h.privilege,
				  ' (' || quote_ident(h.attname) || ')', h.relation)
	  FROM held AS h
	 WHERE h.role = 0 AND h.kind IN ('tenant', 'application', 'administration')
	   AND h.privilege IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
	   -- the account's columns are worse, and next
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

	-- grant-account: who may update any column of the own account becomes a
	-- superuser of the application.  REVOKE on the table takes the columns'
	-- privileges too, so they are given again.
	UNION ALL
	SELECT 'grant-account', h.relation::text,
		   format('%s may change %s in the account of the session''s user.',
				  h.name, coalesce(quote_ident(h.attname), 'is_superuser')),
		   format('REVOKE %s%s ON %s FROM %s', h.privilege,
				  ' (' || quote_ident(h.attname) || ')', h.relation, h.name) ||
		   CASE WHEN h.attname IS NULL
					 AND h.name IN ('casnet_user', 'casnet_admin')
				THEN format('; SELECT casnet.install_grants(%L)', h.relation)
				ELSE '' END
	  FROM held AS h
	 WHERE h.is_users AND h.privilege = 'UPDATE' AND h.applies
	   AND h.name <> 'casnet_admin' AND coalesce(h.attname, '') <> 'full_name'

	-- grant-schema: an object with the name of one of ours would be taken for it.
	UNION ALL
	SELECT 'grant-schema', 'casnet', format('%s may create objects in it.', g.name),
		   format('REVOKE CREATE ON SCHEMA casnet FROM %s', g.name)
	  FROM pg_namespace AS n
	 CROSS JOIN LATERAL aclexplode(n.nspacl) AS a
	  JOIN grantee AS g ON g.role = a.grantee
	 WHERE n.nspname = 'casnet' AND a.privilege_type = 'CREATE'
	   AND a.grantee NOT IN (n.nspowner, to_regrole('casnet_owner'))

	-- grant-function: as GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA does.  What
	-- the extension's script granted is in pg_init_privs, but for what PUBLIC has of
	-- two triggers: pg_upgrade takes that for the server's default.
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
	   AND p.proname NOT IN ('touch_updated_at', 'keep_tenant')
	   AND NOT EXISTS (
			SELECT FROM pg_init_privs AS i
			 CROSS JOIN LATERAL aclexplode(i.initprivs) AS was
			 WHERE i.classoid = 'pg_proc'::regclass AND i.objoid = p.oid
			   AND was.grantee IN (0, a.grantee,
								   to_regrole('casnet_user')))

	-- partition-open: the policies of the parent hold for queries that name
	-- the parent.
	UNION ALL
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
	  JOIN grantee AS g ON g.role = a.grantee AND g.applies
	 WHERE a.grantee <> t.relowner
	UNION ALL
	SELECT 'partition-open', t.relation::text,
		   format('%s owns it, and the policies of its parent do not hold here.',
				  g.name),
		   format('ALTER TABLE %s OWNER TO %s', t.relation,
				  (SELECT e.extowner::regrole FROM pg_extension AS e
					WHERE e.extname = 'casnet'))
	  FROM part AS t
	  JOIN grantee AS g ON g.role = t.relowner AND g.applies

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
COMMENT ON FUNCTION casnet.doctor_grants() IS
	'internal: doctor() about privileges';
