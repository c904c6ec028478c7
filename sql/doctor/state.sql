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
COMMENT ON FUNCTION casnet_internal.server_holes(integer) IS
	'internal: the holes in row level security that a server of this version has';

CREATE OR REPLACE FUNCTION casnet_internal.doctor_state()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH managed AS MATERIALIZED (
		SELECT m.* FROM casnet_internal.managed_tables() AS m
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
		 WHERE p.oid = to_regprocedure('casnet_internal.install_triggers()')
	)
	-- server-outdated: update the packages and restart.
	SELECT 'server-outdated', h.cve,
		   format('This server (%s) lacks the fix: %s.',
				  current_setting('server_version'), h.meaning),
		   format('-- update PostgreSQL to %s or later', h.fixed_in)
	  FROM casnet_internal.server_holes(current_setting('server_version_num')::integer) AS h

	-- extension-outdated: the library and the functions do not match.
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

	-- table-missing: managed_tables() names those that are there.
	UNION ALL
	SELECT DISTINCT 'table-missing', f.found[1],
		   'The table is missing.', 'SELECT casnet.install()'
	  FROM pg_proc AS p
	 CROSS JOIN LATERAL regexp_matches(p.prosrc,
			$x$\('(casnet\w*\.\w+)', '\w+'\)$x$, 'g') AS f (found)
	 WHERE p.oid = to_regprocedure('casnet_internal.managed_tables()')
	   AND to_regclass(f.found[1]) IS NULL

	-- trigger-missing: what is written meanwhile escapes the rule, and sessions
	-- go on with permissions that are gone.
	UNION ALL
	SELECT 'trigger-missing', format('%I on %s', x.name, x.relation),
		   CASE WHEN t.oid IS NULL THEN 'The trigger is missing.'
				WHEN t.tgenabled = 'D' THEN 'The trigger is switched off.'
				WHEN f.pronamespace IS DISTINCT FROM to_regnamespace('casnet_internal')
				THEN 'The trigger calls a function that is not of casnet.'
				ELSE 'The trigger does not fire for every session.' END,
		   'SELECT casnet.install()'
	  FROM expected AS x
	  LEFT JOIN pg_trigger AS t
		ON t.tgrelid = x.relation AND t.tgname = x.name AND NOT t.tgisinternal
	  LEFT JOIN pg_proc AS f ON f.oid = t.tgfoid
	 WHERE t.oid IS NULL OR t.tgenabled NOT IN (x.enabled::"char", 'A')
		OR f.pronamespace IS DISTINCT FROM to_regnamespace('casnet_internal')

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
COMMENT ON FUNCTION casnet_internal.doctor_state() IS
	'internal: doctor() about versions and what install() makes';
