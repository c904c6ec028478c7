-- casnet.doctor(): settings, versions, and what is in the tables of casnet.

-- Fixed holes of the server through which rows escape row level security.
CREATE FUNCTION casnet.server_holes(
	version integer, OUT cve text, OUT fixed_in text, OUT meaning text)
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT h.cve, format('%s.%s', h.fixed / 10000, h.fixed % 10000), h.meaning
	  FROM (VALUES
		('CVE-2023-2455', 150003,
		 'a policy may be applied for another role after inlining'),
		('CVE-2023-39418', 150004, 'MERGE does not hold new rows against the policies'),
		('CVE-2024-4317', 150007,
		 'pg_stats_ext shows values of hidden rows'),
		('CVE-2024-4317', 160003,
		 'pg_stats_ext shows values of hidden rows'),
		('CVE-2024-10976', 150009,
		 'a plan made for one role is used for another below subqueries'),
		('CVE-2024-10976', 160005,
		 'a plan made for one role is used for another below subqueries'),
		('CVE-2024-10976', 170001,
		 'a plan made for one role is used for another below subqueries'),
		('CVE-2025-8713', 150014, 'statistics show values of hidden rows'),
		('CVE-2025-8713', 160010, 'statistics show values of hidden rows'),
		('CVE-2025-8713', 170006, 'statistics show values of hidden rows')
	  ) AS h (cve, fixed, meaning)
	 WHERE version / 10000 = h.fixed / 10000 AND version < h.fixed
$$;
COMMENT ON FUNCTION casnet.server_holes(integer) IS
	'internal: the holes in row level security that a server of this version has';

CREATE FUNCTION casnet.doctor_settings()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH stored AS MATERIALIZED (
		-- ALTER ROLE and ALTER DATABASE ... SET, as far as this database goes;
		-- each as (whose, name, value, the statement up to SET or RESET).
		SELECT s.setrole, s.setdatabase, lower(split_part(c.text, '=', 1)) AS name,
			   substr(c.text, strpos(c.text, '=') + 1) AS value,
			   v.alter_what, substr(v.alter_what, 7) AS whose
		  FROM pg_db_role_setting AS s
		  LEFT JOIN pg_roles AS r ON r.oid = s.setrole
		  LEFT JOIN pg_database AS d ON d.oid = s.setdatabase
		 CROSS JOIN LATERAL unnest(s.setconfig) AS c (text)
		 CROSS JOIN LATERAL (
			SELECT CASE WHEN s.setrole = 0 AND s.setdatabase = 0
						THEN 'ALTER ROLE ALL'
						WHEN s.setrole = 0
						THEN format('ALTER DATABASE %I', d.datname)
						WHEN s.setdatabase = 0
						THEN format('ALTER ROLE %I', r.rolname)
						ELSE format('ALTER ROLE %I IN DATABASE %I', r.rolname,
									d.datname) END AS alter_what) AS v
		 WHERE (s.setdatabase = 0 OR d.datname = current_database())
		   AND (s.setrole = 0 OR r.oid IS NOT NULL)
	), applied AS MATERIALIZED (
		SELECT s.* FROM stored AS s
		 WHERE s.setrole = 0
			OR s.setrole IN (SELECT a.role FROM casnet.application_roles() AS a)
	), session AS MATERIALIZED (
		-- Of this session; what came from ALTER is among the above.
		SELECT p.name, p.setting AS value
		  FROM pg_settings AS p
		 WHERE p.name IN ('log_statement', 'log_min_duration_statement',
						  'log_min_duration_sample',
						  'log_transaction_sample_rate',
						  'log_parameter_max_length',
						  'log_parameter_max_length_on_error',
						  'debug_print_parse', 'debug_print_rewritten',
						  'debug_print_plan')
		   AND p.source NOT IN ('database', 'user', 'database user')
		UNION ALL
		SELECT p.name, p.reset_val
		  FROM pg_settings AS p
		 WHERE p.name = 'session_replication_role'
		   AND p.source NOT IN ('database', 'user', 'database user')
	), setting AS MATERIALIZED (
		SELECT s.name, s.value, s.name AS object, 'ALTER SYSTEM' AS alter_what,
			   format('ALTER SYSTEM SET %s', s.name) AS setting,
			   '; SELECT pg_reload_conf()' AS afterwards, NULL::text AS whose
		  FROM session AS s
		UNION ALL
		SELECT a.name, a.value, a.whose, a.alter_what,
			   format('%s SET %s', a.alter_what, a.name), '', a.whose
		  FROM applied AS a
	)
	-- setting-row-security: queries under policies fail, or with a table that
	-- is not FORCEd show its owner everything.
	SELECT 'setting-row-security', a.whose,
		   'row_security is off, so every query under a policy is an error.',
		   format('%s RESET row_security', a.alter_what)
	  FROM applied AS a
	 WHERE a.name = 'row_security'
	   AND lower(a.value) IN ('off', 'false', 'no', '0', 'of', 'f', 'n')

	-- setting-replication-role: no guard, no last-owner rule, no foreign key.
	UNION ALL
	SELECT 'setting-replication-role', s.object,
		   format('session_replication_role is %s, so triggers and foreign keys do not hold.',
				  s.value),
		   format('%s RESET session_replication_role%s', s.alter_what, s.afterwards)
	  FROM setting AS s
	 WHERE s.name = 'session_replication_role' AND s.value = 'replica'

	-- setting-token: every role can read pg_db_role_setting.
	UNION ALL
	SELECT 'setting-token', s.whose,
		   'casnet.token is set by it, where every role can read it.',
		   format('%s RESET casnet.token', s.alter_what)
	  FROM stored AS s
	 WHERE s.name = 'casnet.token' AND s.value <> ''

	-- setting-identity: for a role of its own, such as a nightly job, it is
	-- meant so; for everybody it is a sign-in that nobody needs.
	UNION ALL
	SELECT 'setting-identity', s.whose,
		   format('Every session is user %s without signing in.', s.value),
		   format('%s RESET casnet.user_id', s.alter_what)
	  FROM stored AS s
	 WHERE s.name = 'casnet.user_id' AND s.value <> '' AND s.setrole = 0

	-- log-statement: "all" also logs SET and SELECT, and what is literal there;
	-- "ddl" and "mod" do not.  A statement that fails is logged by default
	-- (log_min_error_statement), and no check of ours can change that.
	UNION ALL
	SELECT 'log-statement', s.object,
		   'log_statement is all, so a token or password that a statement contains is in the log.',
		   format('%s = ''none''%s', s.setting, s.afterwards)
	  FROM setting AS s
	 WHERE s.name = 'log_statement' AND s.value = 'all'

	-- log-parameters: what a driver binds is in the log as a detail of each
	-- statement logged.
	UNION ALL
	SELECT 'log-parameters', s.object,
		   format('%s is %s, so bound values are in the log: set log_parameter_max_length to 0.',
				  s.name, s.value),
		   format('%s SET log_parameter_max_length = 0%s', s.alter_what, s.afterwards)
	  FROM setting AS s
	 WHERE (s.name = 'log_statement' AND s.value IN ('mod', 'all')
			OR s.name IN ('log_min_duration_statement',
						  'log_min_duration_sample')
			AND s.value NOT LIKE '-%'
			OR s.name = 'log_transaction_sample_rate' AND s.value !~ '^[0.]*$')
	   AND NOT EXISTS (SELECT FROM setting AS l
						WHERE l.name = 'log_parameter_max_length'
						  AND l.value IN ('0', '0B')
						  AND (l.whose IS NULL OR l.whose = s.whose))

	-- log-parameters-on-error: the same for those that fail, such as a login.
	UNION ALL
	SELECT 'log-parameters-on-error', s.object,
		   'log_parameter_max_length_on_error is not 0, so bound values of statements that fail are in the log.',
		   format('%s = 0%s', s.setting, s.afterwards)
	  FROM setting AS s
	 WHERE s.name = 'log_parameter_max_length_on_error'
	   AND s.value NOT IN ('0', '0B')

	-- log-trees: constants are in a tree as they are in the statement.
	UNION ALL
	SELECT 'log-trees', s.object,
		   format('%s is on, so the constants of every statement are in the log.', s.name),
		   format('%s = off%s', s.setting, s.afterwards)
	  FROM setting AS s
	 WHERE s.name LIKE 'debug\_print\_%' AND s.name <> 'debug_pretty_print'
	   AND lower(s.value) IN ('on', 'true', 'yes', '1', 't', 'y')
$$;
COMMENT ON FUNCTION casnet.doctor_settings() IS
	'internal: doctor() about settings';

CREATE FUNCTION casnet.doctor_state()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH managed AS MATERIALIZED (
		SELECT m.* FROM casnet.managed_tables() AS m
	), expected AS (
		-- As 50_triggers.sql; those on one table are named in its source.
		SELECT m.relation, v.name, v.enabled
		  FROM managed AS m
		 CROSS JOIN LATERAL (VALUES
			('casnet_updated_at', 'O',
			 EXISTS (SELECT FROM pg_attribute AS a
					  WHERE a.attrelid = m.relation AND a.attname = 'updated_at'
						AND NOT a.attisdropped)),
			('casnet_keep_tenant', 'A',
			 m.kind IN ('tenant', 'invitation')
				OR m.relation::text IN ('casnet.user_tenants',
										'casnet.user_tenant_permissions')),
			('casnet_kept_tenant', 'A',
			 m.kind IN ('tenant', 'invitation')
				OR m.relation::text IN ('casnet.user_tenants',
										'casnet.user_tenant_permissions')),
			('casnet_guard_cascade', 'A',
			 m.relation::text IN ('casnet.users', 'casnet.tenants',
								  'casnet.user_tenants')),
			('casnet_announce_row', 'A', m.kind IN ('administration', 'token')),
			('casnet_announce_truncate', 'A',
			 m.kind IN ('administration', 'token')))
			AS v (name, enabled, is_wanted)
		 WHERE v.is_wanted
		UNION ALL
		SELECT m.relation, f.found[1], 'O'
		  FROM pg_proc AS p
		 CROSS JOIN LATERAL regexp_matches(p.prosrc,
				$x$\('(casnet_\w+)', '(casnet\.\w+)'::regclass$x$, 'g')
			AS f (found)
		  JOIN managed AS m ON m.relation = to_regclass(f.found[2])
		 WHERE p.oid = to_regprocedure('casnet.install_triggers()')
	)
	-- server-outdated: update the packages and restart.
	SELECT 'server-outdated', h.cve,
		   format('This server (%s) lacks the fix: %s.',
				  current_setting('server_version'), h.meaning),
		   format('-- update PostgreSQL to %s or later', h.fixed_in)
	  FROM casnet.server_holes(current_setting('server_version_num')::integer) AS h

	-- extension-outdated: the library and the functions do not match.
	UNION ALL
	SELECT 'extension-outdated', 'casnet',
		   format('Version %s is installed here, and %s is available.',
				  e.extversion, a.default_version),
		   'ALTER EXTENSION casnet UPDATE; SELECT casnet.install()'
	  FROM pg_extension AS e
	  JOIN pg_available_extensions AS a ON a.name = e.extname
	 WHERE e.extname = 'casnet' AND a.default_version <> e.extversion

	-- schema-outdated: an old dump was restored, or an update not finished.
	UNION ALL
	SELECT 'schema-outdated', 'casnet',
		   format('The tables are at version %s, the extension at %s.',
				  coalesce(casnet.schema_version(), 'none'), e.extversion),
		   'SELECT casnet.install()'
	  FROM pg_extension AS e
	 WHERE e.extname = 'casnet'
	   AND casnet.schema_version() IS DISTINCT FROM e.extversion

	-- table-missing: managed_tables() names those that are there.
	UNION ALL
	SELECT DISTINCT 'table-missing', 'casnet.' || f.found[1],
		   'The table is missing.', 'SELECT casnet.install()'
	  FROM pg_proc AS p
	 CROSS JOIN LATERAL regexp_matches(p.prosrc,
			$x$\('(\w+)', '\w+'\)$x$, 'g') AS f (found)
	 WHERE p.oid = to_regprocedure('casnet.managed_tables()')
	   AND to_regclass('casnet.' || f.found[1]) IS NULL

	-- trigger-missing: what is written meanwhile escapes the rule, and sessions
	-- go on with permissions that are gone.
	UNION ALL
	SELECT 'trigger-missing', format('%I on %s', x.name, x.relation),
		   CASE WHEN t.oid IS NULL THEN 'The trigger is missing.'
				WHEN t.tgenabled = 'D' THEN 'The trigger is switched off.'
				WHEN f.pronamespace IS DISTINCT FROM to_regnamespace('casnet')
				THEN 'The trigger calls a function that is not of casnet.'
				ELSE 'The trigger does not fire for every session.' END,
		   'SELECT casnet.install()'
	  FROM expected AS x
	  LEFT JOIN pg_trigger AS t
		ON t.tgrelid = x.relation AND t.tgname = x.name AND NOT t.tgisinternal
	  LEFT JOIN pg_proc AS f ON f.oid = t.tgfoid
	 WHERE t.oid IS NULL OR t.tgenabled NOT IN (x.enabled::"char", 'A')
		OR f.pronamespace IS DISTINCT FROM to_regnamespace('casnet')

	-- check-not-valid: install() found rows of before that it would refuse.
	UNION ALL
	SELECT 'check-not-valid', format('%I on %s', k.conname, k.conrelid::regclass),
		   'Rows of before are not as new ones have to be.',
		   format('-- SELECT * FROM %s WHERE NOT (%s); correct them, then SELECT casnet.install()',
				  k.conrelid::regclass, pg_get_expr(k.conbin, k.conrelid))
	  FROM managed AS m
	  JOIN pg_constraint AS k
		ON k.conrelid = m.relation AND k.contype = 'c' AND NOT k.convalidated

	-- trigram-absent, unaccent-absent: casnet uses them where they are.
	UNION ALL
	SELECT v.code, v.extension,
		   v.problem,
		   format('CREATE EXTENSION %I; SELECT casnet.install()', v.extension)
	  FROM (VALUES
		('trigram-absent', 'pg_trgm',
		 'Without pg_trgm no index finds a part of a word.'),
		('unaccent-absent', 'unaccent',
		 'Without unaccent a search finds a word with accents only if they are given.'))
		AS v (code, extension, problem)
	 WHERE NOT EXISTS (SELECT FROM pg_extension AS e WHERE e.extname = v.extension)
	   AND EXISTS (SELECT FROM pg_available_extensions AS a
					WHERE a.name = v.extension)
$$;
COMMENT ON FUNCTION casnet.doctor_state() IS
	'internal: doctor() about versions and what install() makes';

CREATE FUNCTION casnet.preload_setting(setting text) RETURNS text
	LANGUAGE c STABLE STRICT
	AS 'MODULE_PATHNAME', 'casnet_preload_setting';
COMMENT ON FUNCTION casnet.preload_setting(text) IS
	'internal: one of the settings that name libraries, which superusers see';

-- A list as SET takes it.  Names of files with commas or spaces at their ends are in
-- double quotes in the setting, and stay so.
CREATE FUNCTION casnet.preload_with_casnet(libraries text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT string_agg(
			CASE WHEN l.name ~ '^[a-z_][a-z0-9_]*$' THEN l.name
				 ELSE quote_literal(l.name) END, ', ' ORDER BY l.n)
	  FROM (SELECT CASE WHEN m.found[1] IS NOT NULL
						THEN replace(m.found[1], '""', '"')
						ELSE btrim(m.found[2], E' \t\n\r\f') END, m.n
			  FROM regexp_matches(libraries, '"((?:[^"]|"")*)"|([^",]+)', 'g')
				   WITH ORDINALITY AS m (found, n)
			UNION ALL SELECT 'casnet', NULL) AS l (name, n)
	 WHERE l.name <> ''
$$;
COMMENT ON FUNCTION casnet.preload_with_casnet(text) IS
	'internal: a list of libraries and casnet, as a statement writes it';

-- Reads rows of casnet and settings that only superusers see, so it is for
-- casnet_admin, who may know all that it returns.  Without the tables, as in a
-- restore, there is nothing to say.
CREATE FUNCTION casnet.doctor_data()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	shared text := casnet.preload_setting('shared_preload_libraries');
	own text := casnet.preload_setting('session_preload_libraries');
BEGIN
	-- preload-shared: takes a restart.
	IF shared !~ '\mcasnet\M' THEN
		code := 'preload-shared';
		object := 'shared_preload_libraries';
		problem := 'Each connection counts failed logins for itself, so that many connections try in parallel.';
		remedy := format('ALTER SYSTEM SET shared_preload_libraries = %s; -- then restart the server',
						 casnet.preload_with_casnet(shared));
		RETURN NEXT;

		-- preload-session: a value set before the library is loaded is checked
		-- only when it is.
		IF own !~ '\mcasnet\M'
		   AND NOT EXISTS (SELECT FROM pg_db_role_setting AS s
							CROSS JOIN LATERAL unnest(s.setconfig) AS c (text)
							WHERE s.setrole = 0
							  AND s.setdatabase IN (0,
								(SELECT d.oid FROM pg_database AS d
								  WHERE d.datname = current_database()))
							  AND c.text ~ '^session_preload_libraries=.*\mcasnet\M')
		THEN
			code := 'preload-session';
			object := 'session_preload_libraries';
			problem := 'A bad value of a setting of casnet is refused only after the first call of a function.';
			remedy := format('ALTER DATABASE %I SET session_preload_libraries = %s',
							 current_database(),
							 casnet.preload_with_casnet(own));
			RETURN NEXT;
		END IF;
	END IF;

	-- Who else owns a table is told by another check.
	IF has_table_privilege(to_regclass('casnet.signing_keys'), 'SELECT') THEN
		RETURN QUERY
		WITH live AS (
			SELECT k.kid, k.issuer, k.audience, k.created_at,
				   k.algorithm = 'HS256' AND k.issuer IS NULL
				   AND k.audience IS NULL AS signs
			  FROM casnet.signing_keys AS k
			 WHERE k.retired_at IS NULL
		), own_key AS (
			SELECT l.*, lead(l.created_at) OVER (ORDER BY l.created_at, l.kid DESC)
				   AS replaced_at
			  FROM live AS l
			 WHERE l.signs
		)
		-- signing-key-missing: login() fails, and no token is good.
		SELECT 'signing-key-missing', 'casnet.signing_keys',
			   'No live key verifies tokens, so nobody can sign in with one.',
			   format('SELECT casnet.add_signing_key(%L)',
					  'casnet-' || gen_random_uuid())
		 WHERE NOT EXISTS (SELECT FROM live)

		-- signing-key-old: the newest signs.
		UNION ALL
		SELECT 'signing-key-old', quote_literal(o.kid),
			   format('The key signs tokens since %s; a year is long enough to lose one.',
					  to_char(o.created_at, 'YYYY-MM-DD')),
			   format('SELECT casnet.add_signing_key(%L)',
					  'casnet-' || gen_random_uuid())
		  FROM own_key AS o
		 WHERE o.replaced_at IS NULL AND o.created_at < now() - interval '1 year'

		-- signing-key-left: no token lives longer than a year, most half an
		-- hour.  What is retired ends its tokens at once.
		UNION ALL
		SELECT 'signing-key-left', quote_literal(o.kid),
			   format('Another key signs tokens since %s, and this one still verifies them.',
					  to_char(o.replaced_at, 'YYYY-MM-DD')),
			   format('SELECT casnet.retire_signing_key(%L)', o.kid)
		  FROM own_key AS o
		 WHERE o.replaced_at < now() - interval '30 days'

		-- signing-key-issuer, signing-key-audience: of another's public key.
		UNION ALL
		SELECT 'signing-key-issuer', quote_literal(k.kid),
			   'Tokens signed with this outside key are good whoever they name as issuer.',
			   format('-- SELECT casnet.retire_signing_key(%L); SELECT casnet.add_signing_key(''new kid'', ''the JWK'', issuer => ''the iss of its tokens'')',
					  k.kid)
		  FROM casnet.signing_keys AS k
		 WHERE k.retired_at IS NULL AND k.algorithm <> 'HS256' AND k.issuer IS NULL
		UNION ALL
		SELECT 'signing-key-audience', quote_literal(k.kid),
			   'Tokens that the outside issuer made for another application are good here.',
			   format('-- SELECT casnet.retire_signing_key(%L); SELECT casnet.add_signing_key(''new kid'', ''the JWK'', issuer => %L, audience => ''the aud of its tokens'')',
					  k.kid, k.issuer)
		  FROM casnet.signing_keys AS k
		 WHERE k.retired_at IS NULL AND k.algorithm <> 'HS256'
		   AND k.issuer IS NOT NULL AND k.audience IS NULL;
	END IF;

	IF has_table_privilege(to_regclass('casnet.protected'), 'SELECT') THEN
		-- permission-left: DROP TABLE tells nobody of it.  Members hold them, and a
		-- new table with the same name brings them to life.
		RETURN QUERY
		SELECT DISTINCT 'permission-left', p.resource,
			   format('The permissions of a protected table that is gone are there: %s.',
					  array_to_string(p.permissions, ', ')),
			   'SELECT casnet.forget_protection(NULL)'
		  FROM casnet.protected AS p
		 WHERE p.permissions <> '{}'
		   AND NOT EXISTS (
			SELECT FROM casnet.protected AS o
			 WHERE o.resource = p.resource
			   AND EXISTS (SELECT FROM casnet.tenant_references(o.relation)));
	END IF;

	IF has_table_privilege(to_regclass('casnet.users'), 'SELECT') THEN
		-- password-hash-left: by an older version, or while triggers were off.
		RETURN QUERY
		SELECT 'password-hash-left', 'casnet.users',
			   format('Accounts whose hash is in the table: %s. None of them logs in with its password.',
					  count(*)),
			   'SELECT casnet.install()'
		  FROM casnet.users AS u
		 WHERE u.hashed_password !~ '^[$]casnet[$]'
		HAVING count(*) > 0;

		-- name-clash: from before it was refused, or while triggers were off.
		RETURN QUERY
		SELECT 'name-clash', 'casnet.users',
			   format('Usernames that are the email address of another account: %s. Such a name signs in neither, and adds neither as a member.',
					  count(*)),
			   '-- Give one account of each another name: SELECT u.id, e.id FROM casnet.users AS u JOIN casnet.users AS e ON lower(e.email) = lower(u.username) AND e.id <> u.id'
		  FROM casnet.users AS u
		  JOIN casnet.users AS e
			ON lower(e.email) = lower(u.username) AND e.id <> u.id
		HAVING count(*) > 0;
	END IF;

	IF has_table_privilege(to_regclass('casnet.tenants'), 'SELECT')
	   AND has_table_privilege(to_regclass('casnet.user_tenants'), 'SELECT')
	   AND has_table_privilege(to_regclass('casnet.users'), 'SELECT') THEN
		RETURN QUERY
		WITH tenant AS (
			SELECT t.id, count(m.user_id) AS owners,
				   count(m.user_id) FILTER (WHERE u.is_active) AS active
			  FROM casnet.tenants AS t
			  LEFT JOIN casnet.user_tenants AS m
				ON m.tenant_id = t.id AND m.role = 'owner'
			  LEFT JOIN casnet.users AS u ON u.id = m.user_id
			 GROUP BY t.id
		)
		-- tenant-without-owner, tenant-owner-inactive: nobody there can manage
		-- or delete it.
		SELECT CASE t.owners WHEN 0 THEN 'tenant-without-owner'
					ELSE 'tenant-owner-inactive' END,
			   t.id::text,
			   CASE t.owners WHEN 0 THEN 'The tenant has no owner.'
					ELSE 'No owner of the tenant is an active user.' END,
			   format('-- INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (''the user'', %L, ''owner'')',
					  t.id)
		  FROM tenant AS t
		 WHERE t.active = 0;

		-- application-superusers
		RETURN QUERY
		SELECT 'application-superusers', 'casnet.users',
			   format('%s active users hold every permission in every tenant: %s.',
					  count(*), string_agg(u.username, ', ' ORDER BY u.username)),
			   '-- UPDATE casnet.users SET is_superuser = false WHERE username = ''one of them'''
		  FROM casnet.users AS u
		 WHERE u.is_superuser AND u.is_active
		HAVING count(*) > 3;
	END IF;
END
$$;
COMMENT ON FUNCTION casnet.doctor_data() IS
	'internal: doctor() about keys, owners and libraries; for casnet_admin';
