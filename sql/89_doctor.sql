-- casnet.doctor() finds what is unsafe in a database, and says what to paste.
--
-- Everything is read from the catalogs, as whoever asks; doctor_data() alone
-- reads tables of ours and settings that only superusers see, so it runs as
-- its owner and is for casnet_admin.  The checks are in 89_doctor_*.sql.  Each
-- code has one severity, here.
--
-- error: a row of another tenant, a secret or another identity is in reach.
-- warning: it would be after one more mistake, or something is told or lost.
-- notice: could be better, or is good to know.
--
-- A remedy is a statement, to be pasted, where it adds protection, or tightens it:
-- a power that goes past the policies is taken from applications, a key gets its
-- tenant.  It is a comment, to be read, where it would remove a protection, rows, an
-- object of the application or somebody's access that can be meant, and where
-- somebody has to decide.

CREATE FUNCTION casnet.doctor_codes(
	OUT code text, OUT severity text, OUT remedy text, OUT meaning text)
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	VALUES
	-- 89_doctor_access.sql: roles
	('role-superuser', 'error', 'statement', 'an application role is a superuser or can become one'),
	('role-bypassrls', 'error', 'statement', 'an application role has BYPASSRLS or can become a role that has'),
	('role-replication', 'error', 'statement', 'an application role may copy the whole cluster'),
	('role-createrole', 'error', 'statement', 'an application role may give itself memberships'),
	('role-server-access', 'error', 'statement', 'an application role is in a predefined role that goes past the privileges or the policies'),
	('role-owns-table', 'error', 'statement', 'an application role owns a table of tenants, or is a member of its owner'),
	('owner-powerful', 'error', 'statement', 'casnet_owner has a power or a member'),
	('owner-other', 'error', 'statement', 'a table or function of casnet belongs to another role than casnet_owner'),
	('role-statistics', 'warning', 'statement', 'an application role sees the statements of others'),
	('role-administers', 'notice', 'comment', 'an application role is a member of casnet_admin'),
	('identity-settable', 'error', 'statement', 'roles besides casnet_authenticator may set casnet.user_id'),
	('parameter-granted', 'error', 'statement', 'an application role may set a parameter that switches protection off'),
	-- 89_doctor_access.sql: privileges
	('grant-unpoliced', 'error', 'statement', 'TRUNCATE, REFERENCES or TRIGGER, which no policy limits, is granted'),
	('grant-maintain', 'notice', 'comment', 'MAINTAIN is granted'),
	('grant-public', 'warning', 'statement', 'PUBLIC has a privilege on a table of tenants'),
	('grant-secret', 'error', 'statement', 'an application role has a privilege on keys, tokens, invitations or the like'),
	('grant-account', 'error', 'statement', 'accounts can be raised to superusers'),
	('grant-schema', 'error', 'statement', 'somebody may create objects in schema casnet'),
	('grant-function', 'error', 'statement', 'an application role may call a function that is not for applications'),
	('partition-open', 'error', 'statement', 'a partition or child can be reached around the policies of its parent'),
	('statements-readable', 'warning', 'statement', 'pg_stat_statements shows statements to application roles'),
	-- 89_doctor_schema.sql: tables
	('table-rls-off', 'error', 'statement', 'a table of tenants has row level security switched off'),
	('table-not-forced', 'warning', 'statement', 'the policies of a table do not bind its owner'),
	('table-no-policy', 'warning', 'statement', 'a table of tenants has no policy for a command'),
	('table-open', 'error', 'statement', 'a table with tenant_id has no row level security, and applications reach it'),
	('table-unprotected', 'warning', 'statement', 'a table with tenant_id has no row level security; no application reaches it yet'),
	-- 89_doctor_schema.sql: policies
	('policy-changed', 'error', 'statement', 'a policy of casnet is missing or not what casnet.install() makes'),
	('policy-widens', 'error', 'statement', 'another permissive policy lets more rows through'),
	('policy-restrictive', 'notice', 'comment', 'a restrictive policy stands beside those of casnet'),
	('policy-subquery', 'warning', 'comment', 'a policy has a subquery'),
	('policy-wrapped-call', 'warning', 'comment', 'a policy hides a function in (SELECT f())'),
	('policy-row-function', 'warning', 'comment', 'a policy calls a function for each row'),
	('policy-immutable', 'error', 'statement', 'a policy calls a function that is marked IMMUTABLE and depends on the session'),
	('policy-forgeable', 'warning', 'comment', 'a policy trusts a setting that anybody can set'),
	-- 89_doctor_schema.sql: keys and indexes
	('key-across-tenants', 'error', 'statement', 'a foreign key can point to a row of another tenant'),
	('key-not-enforced', 'error', 'statement', 'a foreign key of casnet, or of a table of tenants to them, does not hold for all rows'),
	('key-cast', 'error', 'comment', 'a foreign key runs the cast of a type as the owner of a table of casnet'),
	('key-without-tenant', 'error', 'statement', 'a unique key tells that another tenant has the value'),
	('index-without-tenant', 'warning', 'statement', 'an index of a table of tenants does not begin with the tenant'),
	('sequence-shared', 'warning', 'comment', 'tenants share a sequence, whose gaps tell what others do'),
	-- 89_doctor_views.sql
	('view-definer', 'error', 'statement', 'a view shows applications the rows of all tenants'),
	('view-materialized', 'error', 'statement', 'a materialized view has rows of tenants and no policies'),
	('rule-definer', 'error', 'comment', 'a rule reads or writes a table of tenants past its policies'),
	('function-definer', 'error', 'statement', 'a SECURITY DEFINER function reads a table of tenants past its policies'),
	('function-search-path', 'warning', 'statement', 'a SECURITY DEFINER function of a powerful role follows the search_path of its caller'),
	('function-leakproof', 'warning', 'statement', 'a function of this database is marked LEAKPROOF'),
	('later-trigger', 'warning', 'comment', 'a trigger of another role runs as whoever deletes a tenant or a member'),
	('publication-of-tenants', 'notice', 'comment', 'a publication sends the rows of all tenants'),
	('slot-logical', 'notice', 'comment', 'a logical replication slot reads the changes of all tenants'),
	-- 89_doctor_state.sql: settings
	('setting-row-security', 'warning', 'statement', 'row_security is off for a role or database'),
	('setting-replication-role', 'error', 'statement', 'triggers are switched off by session_replication_role'),
	('setting-token', 'error', 'statement', 'a token is in a setting that every role can read'),
	('setting-identity', 'warning', 'statement', 'everybody is made the same user by a setting'),
	('log-statement', 'warning', 'statement', 'tokens and passwords in statements are in the log'),
	('log-parameters', 'warning', 'statement', 'bound values, such as tokens and passwords, are in the log'),
	('log-parameters-on-error', 'warning', 'statement', 'bound values of statements that fail are in the log'),
	('log-trees', 'warning', 'statement', 'statements are in the log as trees'),
	('preload-shared', 'notice', 'statement', 'failed logins are counted for each connection alone'),
	('preload-session', 'notice', 'statement', 'the first statements of a session meet settings that nothing has checked'),
	-- 89_doctor_state.sql: versions, tables and rows of casnet
	('server-outdated', 'warning', 'comment', 'the server has a known hole in row level security'),
	('extension-outdated', 'warning', 'statement', 'a newer version of casnet is on this machine than in this database'),
	('schema-outdated', 'warning', 'statement', 'the tables are not at the version of the extension'),
	('table-missing', 'error', 'statement', 'a table of casnet is missing'),
	('check-not-valid', 'warning', 'comment', 'rows are in a table of casnet that a check would refuse, such as a tenant called like an id'),
	('trigger-missing', 'error', 'statement', 'a trigger of casnet is missing or switched off'),
	('trigram-absent', 'notice', 'statement', 'substrings cannot be searched by an index'),
	('unaccent-absent', 'notice', 'statement', 'searches cannot disregard accents'),
	('password-hash-left', 'error', 'statement', 'casnet.users has password hashes, which whoever reads accounts sees'),
	('name-clash', 'warning', 'comment', 'a username is the email address of another account'),
	('signing-key-missing', 'warning', 'statement', 'no key verifies tokens'),
	('signing-key-old', 'warning', 'statement', 'the key that signs tokens is older than a year'),
	('signing-key-left', 'notice', 'comment', 'a replaced key still verifies tokens'),
	('signing-key-issuer', 'warning', 'comment', 'an outside key is trusted whatever the token says of its issuer'),
	('signing-key-audience', 'notice', 'comment', 'an outside key is trusted for tokens meant for others'),
	('permission-left', 'notice', 'comment', 'permissions of a protected table that was dropped are there'),
	('tenant-without-owner', 'warning', 'comment', 'a tenant has no owner'),
	('tenant-owner-inactive', 'warning', 'comment', 'no owner of a tenant is active'),
	('application-superusers', 'notice', 'comment', 'more than three users hold every permission in every tenant')
$$;
COMMENT ON FUNCTION casnet.doctor_codes() IS
	'what casnet.doctor() may find: codes, their severity, whether the remedy is a statement or a comment, and their meaning';

-- The roles that applications connect as or use: casnet_user and all below it.
-- From 16 on a membership may give neither SET nor the privileges; a role that
-- made another holds one of these, and it is nothing to worry about.
CREATE FUNCTION casnet.application_roles(OUT role oid) RETURNS SETOF oid
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
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
	SELECT role FROM application
$$;
COMMENT ON FUNCTION casnet.application_roles() IS
	'internal: casnet_user, casnet_authenticator and their members, direct or not';

-- What application roles are or can become.  One row for each application role
-- (member is NULL) and for each membership on the way up; attributes such as
-- SUPERUSER are had only by SET ROLE, privileges by inheritance too.
CREATE FUNCTION casnet.application_powers(
	OUT role oid, OUT member oid, OUT by_set boolean)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH RECURSIVE application AS MATERIALIZED (
		SELECT a.role FROM casnet.application_roles() AS a
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
	 GROUP BY p.role, p.member
$$;
COMMENT ON FUNCTION casnet.application_powers() IS
	'internal: the roles that application roles are or can become, and by which membership';

-- The tables that doctor() watches: ours, by their kind, and those of
-- applications that have a policy with tenant_with().  tenant_column is the
-- one that tells the tenant, in tables with rows of tenants.
CREATE FUNCTION casnet.watched_tables(
	OUT relation regclass, OUT kind text, OUT tenant_column smallint)
	RETURNS SETOF record
	LANGUAGE sql STABLE ROWS 100
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH compared AS MATERIALIZED (
		SELECT p.polrelid AS relation, min(c.refobjsubid)::smallint AS attnum
		  FROM pg_depend AS d
		  JOIN pg_policy AS p ON p.oid = d.objid
		  LEFT JOIN pg_depend AS c
			ON c.classid = d.classid AND c.objid = d.objid
			   AND c.refclassid = 'pg_class'::regclass
			   AND c.refobjid = p.polrelid AND c.refobjsubid > 0
		 WHERE d.classid = 'pg_policy'::regclass
		   AND d.refclassid = 'pg_proc'::regclass
		   AND d.refobjid = to_regprocedure('casnet.tenant_with(text)')
		 GROUP BY p.polrelid
	), watched AS (
		SELECT coalesce(m.relation, c.relation::regclass) AS relation,
			   coalesce(m.kind, 'application') AS kind, c.attnum
		  FROM casnet.managed_tables() AS m
		  FULL JOIN compared AS c ON c.relation = m.relation
	)
	SELECT w.relation, w.kind,
		   CASE WHEN w.kind IN ('tenant', 'application')
				THEN coalesce(a.attnum, w.attnum) END
	  FROM watched AS w
	  LEFT JOIN pg_attribute AS a
		ON a.attrelid = w.relation AND a.attname = 'tenant_id'
		   AND a.atttypid = 'uuid'::regtype AND NOT a.attisdropped
$$;
COMMENT ON FUNCTION casnet.watched_tables() IS
	'internal: the tables of casnet, and those of applications with a policy of casnet';

-- Each checker returns code, object, problem and remedy.
CREATE FUNCTION casnet.doctor()
	RETURNS TABLE (severity text, code text, object text, problem text,
				   remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	SET jit = off			-- takes longer than all the checks
	AS $$
	WITH finding AS (
		SELECT * FROM casnet.doctor_roles()
		UNION ALL SELECT * FROM casnet.doctor_grants()
		UNION ALL SELECT * FROM casnet.doctor_tables()
		UNION ALL SELECT * FROM casnet.doctor_policies()
		UNION ALL SELECT * FROM casnet.doctor_keys()
		UNION ALL SELECT * FROM casnet.doctor_views()
		UNION ALL SELECT * FROM casnet.doctor_settings()
		UNION ALL SELECT * FROM casnet.doctor_state()
		UNION ALL SELECT * FROM casnet.doctor_data()
	)
	SELECT c.severity, f.code, f.object, f.problem,
		   CASE WHEN f.remedy LIKE '--%'
				THEN casnet.comment_line(ltrim(substr(f.remedy, 3)))
				WHEN c.remedy = 'comment'
				THEN casnet.comment_line('unless it is meant: ' || f.remedy)
				ELSE f.remedy END
	  FROM finding AS f
	  LEFT JOIN casnet.doctor_codes() AS c ON c.code = f.code
	 ORDER BY array_position(ARRAY['error', 'warning', 'notice'], c.severity),
			  f.code COLLATE "C", f.object COLLATE "C", f.problem COLLATE "C"
$$;
COMMENT ON FUNCTION casnet.doctor() IS
	'what is unsafe in this database, worst first, each with a statement to paste; for casnet_admin';
