-- casnet.doctor(): versions, and the tables of casnet.

-- Fixed holes of the server through which rows escape row level security.
CREATE OR REPLACE FUNCTION casnet_internal.server_holes(
	version integer, OUT cve text, OUT fixed_in text, OUT meaning text)
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT h.cve, format('%s.%s', h.fixed / 10000, h.fixed % 10000), h.meaning
	  FROM (VALUES
		('CVE-2023-2455', 150003,
		 'a policy can be applied for another role after inlining'),
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
COMMENT ON FUNCTION casnet_internal.server_holes(integer) IS
	'internal: the holes in row level security that a server of this version has';

-- An index for substrings is wanted only where pg_trgm is.  An application may change
-- NOT NULL, and defaults but for those that make keys and tenants.
CREATE OR REPLACE FUNCTION casnet_internal.missing_definitions(
	OUT kind text, OUT object text)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT CASE WHEN a.attnum IS NULL THEN 'column' ELSE 'default' END,
		   format('%I of %s', w.name, w.table_name)
	  FROM casnet_internal.wanted_columns() AS w
	  LEFT JOIN pg_attribute AS a
		ON a.attrelid = to_regclass(w.table_name) AND a.attname = w.name
		   AND NOT a.attisdropped
	 WHERE to_regclass(w.table_name) IS NOT NULL
	   AND (a.attnum IS NULL OR w.value LIKE 'casnet.%' AND NOT a.atthasdef)
	UNION ALL
	SELECT w.kind, format('%I on %s', w.name, w.table_name)
	  FROM (SELECT 'constraint' AS kind, k.table_name, k.name
			  FROM casnet_internal.wanted_keys() AS k
			UNION ALL
			SELECT 'constraint', c.table_name, c.name
			  FROM casnet_internal.wanted_checks() AS c) AS w
	 WHERE to_regclass(w.table_name) IS NOT NULL
	   AND NOT EXISTS (SELECT FROM pg_constraint AS k
						WHERE k.conrelid = to_regclass(w.table_name)
						  AND k.conname = w.name)
	UNION ALL
	SELECT 'index', format('%I on %s', w.name, w.table_name)
	  FROM casnet_internal.wanted_indexes() AS w
	 WHERE to_regclass(w.table_name) IS NOT NULL
	   AND to_regclass(split_part(w.table_name, '.', 1) || '.' || w.name) IS NULL
$$;
COMMENT ON FUNCTION casnet_internal.missing_definitions() IS
	'internal: columns, defaults, constraints and indexes that casnet.install() makes and that are missing';

CREATE OR REPLACE FUNCTION casnet_internal.doctor_state()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH managed AS MATERIALIZED (
		SELECT m.* FROM casnet_internal.managed_tables() AS m
	)
	-- server-outdated: update the packages and restart.
	SELECT 'server-outdated', h.cve,
		   format('This server (%s) lacks the fix: %s.',
				  current_setting('server_version'), h.meaning),
		   format('-- update PostgreSQL to %s or later', h.fixed_in)
	  FROM casnet_internal.server_holes(current_setting('server_version_num')::integer) AS h

	-- extension-outdated: the library does not match the functions.
	UNION ALL
	SELECT 'extension-outdated', 'casnet',
		   format('Version %s is installed here, and %s is available.',
				  e.extversion, a.default_version),
		   CASE WHEN EXISTS (SELECT FROM pg_extension_update_paths('casnet') AS u
							  WHERE u.source = e.extversion
								AND u.target = a.default_version
								AND u.path IS NOT NULL)
				THEN 'ALTER EXTENSION casnet UPDATE'
				ELSE '-- no script updates this version: dump the database, restore it into a new one, and call casnet.install() there'
				END
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

	-- table-missing, definition-missing: somebody dropped what install() makes.
	UNION ALL
	SELECT 'table-missing', w.table_name, 'The table is missing.',
		   'SELECT casnet.install()'
	  FROM casnet_internal.wanted_tables() AS w
	 WHERE to_regclass(w.table_name) IS NULL
	UNION ALL
	SELECT 'definition-missing', 'parameter ' || p.name,
		   format('%s may not set it in a session that has not loaded the library.', p.role),
		   'SELECT casnet.install()'
	  FROM (VALUES ('casnet_authenticator', 'casnet.user_id'),
				   ('casnet_user', 'casnet.tenant_id')) AS p (role, name)
	 WHERE to_regrole(p.role) IS NOT NULL
	   AND NOT has_parameter_privilege(p.role, p.name, 'SET')
	UNION ALL
	SELECT 'definition-missing', d.object, format('The %s is missing.', d.kind),
		   'SELECT casnet.install()'
	  FROM casnet_internal.missing_definitions() AS d

	-- trigger-missing: what is written meanwhile escapes the rule, and sessions
	-- keep permissions that were taken away.
	UNION ALL
	SELECT 'trigger-missing', format('%I on %s', x.name, x.table_name),
		   CASE WHEN t.oid IS NULL THEN 'The trigger is missing.'
				WHEN t.tgenabled = 'D' THEN 'The trigger is switched off.'
				WHEN f.pronamespace IS DISTINCT FROM to_regnamespace('casnet_internal')
				THEN 'The trigger calls a function that is not of casnet.'
				ELSE 'The trigger does not fire for every session.' END,
		   'SELECT casnet.install()'
	  FROM casnet_internal.wanted_triggers() AS x
	  LEFT JOIN pg_trigger AS t
		ON t.tgrelid = to_regclass(x.table_name) AND t.tgname = x.name
		   AND NOT t.tgisinternal
	  LEFT JOIN pg_proc AS f ON f.oid = t.tgfoid
	 WHERE to_regclass(x.table_name) IS NOT NULL
	   AND (t.oid IS NULL
			OR t.tgenabled NOT IN (CASE x.enable WHEN 'ALWAYS' THEN 'A' ELSE 'O' END, 'A')
			OR f.pronamespace IS DISTINCT FROM to_regnamespace('casnet_internal'))

	-- install() makes casnet_guard only while a schema is guarded.
	UNION ALL
	SELECT 'trigger-missing', format('event trigger %s', x.name),
		   CASE WHEN e.oid IS NULL THEN 'The event trigger is missing.'
				ELSE 'The event trigger is switched off.' END,
		   CASE WHEN e.oid IS NULL THEN 'SELECT casnet.install()'
				ELSE format('ALTER EVENT TRIGGER %I ENABLE', x.name) END
	  FROM (VALUES ('casnet_audit_partitions'::name, false),
				   ('casnet_guard', false),
				   ('casnet_follow', EXISTS (SELECT FROM casnet_internal.list_protected_tables()))
		   ) AS x (name, is_wanted)
	  LEFT JOIN pg_event_trigger AS e ON e.evtname = x.name
	 WHERE x.is_wanted AND e.oid IS NULL OR e.evtenabled NOT IN ('O', 'A')

	-- check-not-valid: install() found rows that the check would refuse.
	UNION ALL
	SELECT 'check-not-valid', format('%I on %s', k.conname, k.conrelid::regclass),
		   'Some rows break the check, which new rows have to pass.',
		   format('-- SELECT * FROM %s WHERE NOT (%s); correct them, then SELECT casnet.install()',
				  k.conrelid::regclass, pg_get_expr(k.conbin, k.conrelid))
	  FROM managed AS m
	  JOIN pg_constraint AS k
		ON k.conrelid = m.relation AND k.contype = 'c' AND NOT k.convalidated
$$;
COMMENT ON FUNCTION casnet_internal.doctor_state() IS
	'internal: doctor() about versions and what install() makes';
