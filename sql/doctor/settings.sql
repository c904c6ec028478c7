-- casnet.doctor(): settings.

CREATE OR REPLACE FUNCTION casnet_internal.preload_setting(setting text) RETURNS text
	LANGUAGE c STABLE STRICT
	AS 'MODULE_PATHNAME', 'casnet_preload_setting';
COMMENT ON FUNCTION casnet_internal.preload_setting(text) IS
	'internal: one of the settings that name libraries, which superusers see';

-- A list as SET takes it.  Names of files with commas or spaces at their ends are in
-- double quotes in the setting, and stay so.
CREATE OR REPLACE FUNCTION casnet_internal.preload_with_casnet(libraries text) RETURNS text
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
COMMENT ON FUNCTION casnet_internal.preload_with_casnet(text) IS
	'internal: a list of libraries and casnet, as a statement writes it';

-- What is set in this database by ALTER ROLE and ALTER DATABASE; whose is what these name.
-- Of the server's settings, only those that doctor() looks at are here.  setting is the
-- statement up to the value, alter_what is that up to SET or RESET.  applies means that
-- sessions of applications have it.
CREATE OR REPLACE FUNCTION casnet_internal.settings_in_force(
	OUT name text, OUT value text, OUT object text, OUT alter_what text,
	OUT setting text, OUT afterwards text, OUT whose text, OUT role oid,
	OUT applies boolean)
	RETURNS SETOF record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN QUERY
	-- What this session has; what came from ALTER is below.
	SELECT p.name, CASE p.name WHEN 'session_replication_role' THEN p.reset_val
							   ELSE p.setting END,
		   p.name, 'ALTER SYSTEM', format('ALTER SYSTEM SET %s', p.name),
		   '; SELECT pg_reload_conf()', NULL::text, NULL::oid, true
	  FROM pg_settings AS p
	 WHERE p.name IN ('log_statement', 'log_min_duration_statement',
					  'log_min_duration_sample',
					  'log_transaction_sample_rate',
					  'log_parameter_max_length',
					  'log_parameter_max_length_on_error',
					  'debug_print_parse', 'debug_print_rewritten',
					  'debug_print_plan', 'session_replication_role')
	   AND p.source NOT IN ('database', 'user', 'database user')
	UNION ALL
	SELECT s.name, s.value, s.whose, s.alter_what,
		   format('%s SET %s', s.alter_what, s.name), '', s.whose, s.setrole,
		   s.setrole = 0
		   OR s.setrole IN (SELECT a.role FROM casnet_internal.application_roles() AS a)
	  FROM (SELECT s.setrole, lower(split_part(c.text, '=', 1)) AS name,
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
			   AND (s.setrole = 0 OR r.oid IS NOT NULL)) AS s;
END
$$;
COMMENT ON FUNCTION casnet_internal.settings_in_force() IS
	'internal: what is set for roles, this database and the server, and how it is changed';

-- Settings that switch protection off, or say who a session is.
CREATE OR REPLACE FUNCTION casnet_internal.doctor_settings()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH setting AS MATERIALIZED (
		SELECT s.* FROM casnet_internal.settings_in_force() AS s
	)
	-- setting-row-security: queries under policies fail, or with a table that
	-- is not FORCEd show its owner everything.
	SELECT 'setting-row-security', s.object,
		   'row_security is off, so every query under a policy is an error.',
		   format('%s RESET row_security', s.alter_what)
	  FROM setting AS s
	 WHERE s.applies AND s.name = 'row_security'
	   AND lower(s.value) IN ('off', 'false', 'no', '0', 'of', 'f', 'n')

	-- setting-replication-role: no guard, no last-owner rule, no foreign key.
	UNION ALL
	SELECT 'setting-replication-role', s.object,
		   format('session_replication_role is %s, so triggers and foreign keys do not hold.',
				  s.value),
		   format('%s RESET session_replication_role%s', s.alter_what, s.afterwards)
	  FROM setting AS s
	 WHERE s.applies AND s.name = 'session_replication_role' AND s.value = 'replica'

	-- setting-token: every role can read pg_db_role_setting.
	UNION ALL
	SELECT 'setting-token', s.whose,
		   'It sets casnet.token, where every role can read it.',
		   format('%s RESET casnet.token', s.alter_what)
	  FROM setting AS s
	 WHERE s.name = 'casnet.token' AND s.value <> ''

	-- setting-identity: for a role of its own, such as that of a nightly job, it
	-- is intended; for everybody it makes signing in needless.
	UNION ALL
	SELECT 'setting-identity', s.whose,
		   format('Every session is user %s without signing in.', s.value),
		   format('%s RESET casnet.user_id', s.alter_what)
	  FROM setting AS s
	 WHERE s.name = 'casnet.user_id' AND s.value <> '' AND s.role = 0
$$;
COMMENT ON FUNCTION casnet_internal.doctor_settings() IS
	'internal: doctor() about settings';

-- What the log shows of statements.
CREATE OR REPLACE FUNCTION casnet_internal.doctor_logging()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	SET standard_conforming_strings = on
	AS $$
	WITH setting AS MATERIALIZED (
		SELECT s.* FROM casnet_internal.settings_in_force() AS s WHERE s.applies
	)
	-- log-statement: "all" also logs SET and SELECT, and what is literal there;
	-- "ddl" and "mod" do not.  A statement that fails is logged by default
	-- (log_min_error_statement), and no check can change that.
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
COMMENT ON FUNCTION casnet_internal.doctor_logging() IS
	'internal: doctor() about what is logged';
