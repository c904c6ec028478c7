-- casnet.doctor(): tables that Citus distributes.
--
-- Workers are asked twice.  The first query names only catalogs, which every server has.
-- The second one calls casnet, and only a worker with the same version gets it.

-- Run on each node.  Citus hides shards from pg_class unless the setting is off.
CREATE OR REPLACE FUNCTION casnet_internal.shards(
	OUT relation regclass, OUT shell regclass, OUT number text)
	RETURNS SETOF record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF casnet_internal.is_distributed() THEN
		RETURN QUERY EXECUTE format($q$
			SELECT to_regclass(format('%%I.%%I', n.nspname, c.relname || '_' || s.shardid)),
				   s.logicalrelid::regclass, s.shardid::text
			  FROM pg_dist_shard AS s
			  JOIN casnet_internal.managed_tables() AS m ON m.relation = s.logicalrelid
			  JOIN pg_class AS c ON c.oid = s.logicalrelid
			  JOIN pg_namespace AS n ON n.oid = c.relnamespace
			 WHERE %s$q$,
			CASE WHEN to_regclass('pg_catalog.pg_dist_placement') IS NULL THEN 'true'
				ELSE 's.shardid IN (SELECT p.shardid FROM pg_dist_placement AS p
					JOIN pg_dist_local_group AS g ON g.groupid = p.groupid)' END);
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.shards() IS
	'internal: the shards of casnet''s tables that belong on this node; relation is NULL if one is missing';

-- A shard has the policies and the triggers for rows of its table.
CREATE OR REPLACE FUNCTION casnet_internal.shard_faults(OUT shard text, OUT fault text)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	SET citus.override_table_visibility = off
	AS $$
	WITH shard AS MATERIALIZED (
		SELECT s.* FROM casnet_internal.shards() AS s
	), policy AS (
		SELECT s.relation, s.shell::text AS shell, p.polname, p.polpermissive, p.polcmd,
			   p.polroles, e.text
		  FROM shard AS s
		  JOIN pg_policy AS p ON p.polrelid = s.relation
		 CROSS JOIN LATERAL (
			SELECT string_agg(DISTINCT regexp_replace(pg_get_expr(u.tree, p.polrelid),
													  '::text|[()[:space:]]', '', 'g'), ' ')
			  FROM (VALUES (p.polqual), (p.polwithcheck)) AS u (tree)) AS e (text)
	), expected AS (
		SELECT s.relation, w.name,
			   CASE w.command WHEN 'SELECT' THEN 'r' WHEN 'INSERT' THEN 'a'
					WHEN 'UPDATE' THEN 'w' WHEN 'DELETE' THEN 'd'
					ELSE '*' END::"char" AS command,
			   regexp_replace(w.expression, '::text|[()[:space:]]', '', 'g') AS text,
			   ARRAY[CASE w.role WHEN 'PUBLIC' THEN 0::oid ELSE to_regrole(w.role)::oid END] AS roles
		  FROM shard AS s
		  JOIN casnet_internal.wanted_policies() AS w ON to_regclass(w.table_name) = s.shell
		 WHERE s.relation IS NOT NULL
	)
	SELECT format('%s_%s', s.shell, s.number), 'The shard is missing.'
	  FROM shard AS s WHERE s.relation IS NULL
	UNION ALL
	SELECT s.relation::text, 'Row level security is off or does not bind the owner.'
	  FROM shard AS s
	  JOIN pg_class AS c ON c.oid = s.relation
	 WHERE NOT (c.relrowsecurity AND c.relforcerowsecurity)
	UNION ALL
	SELECT s.relation::text, 'It belongs to another role than its table.'
	  FROM shard AS s
	  JOIN pg_class AS c ON c.oid = s.relation
	  JOIN pg_class AS t ON t.oid = s.shell
	 WHERE c.relowner <> t.relowner
	UNION ALL
	SELECT s.relation::text, format('It has privileges that its table does not have: %s.',
									string_agg(x.item, ', ' ORDER BY x.item))
	  FROM shard AS s
	  JOIN pg_class AS c ON c.oid = s.relation
	  JOIN pg_class AS t ON t.oid = s.shell
	 CROSS JOIN LATERAL (
		SELECT format('%s to %s', a.privilege_type, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)
		  FROM aclexplode(c.relacl) AS a
		EXCEPT
		SELECT format('%s to %s', a.privilege_type, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)
		  FROM aclexplode(coalesce(t.relacl, acldefault('r', t.relowner))) AS a) AS x (item)
	 GROUP BY s.relation
	UNION ALL
	SELECT x.relation::text, format('Policy %I is missing or changed.', x.name)
	  FROM expected AS x
	 WHERE NOT EXISTS (SELECT FROM policy AS p
						WHERE p.relation = x.relation AND p.polname = x.name
						  AND p.polpermissive AND p.polcmd = x.command
						  AND p.polroles = x.roles AND p.text = x.text)
	UNION ALL
	SELECT p.relation::text, format('Policy %I is not one of casnet.', p.polname)
	  FROM policy AS p
	 WHERE NOT EXISTS (SELECT FROM expected AS x
						WHERE x.relation = p.relation AND x.name = p.polname)
	UNION ALL
	SELECT s.relation::text, format('Trigger %I is missing or switched off.', w.name)
	  FROM shard AS s
	  JOIN casnet_internal.wanted_triggers() AS w ON to_regclass(w.table_name) = s.shell
	 WHERE s.relation IS NOT NULL AND w.level LIKE 'ROW%'
	   AND NOT EXISTS (SELECT FROM pg_trigger AS t
						 JOIN pg_proc AS f ON f.oid = t.tgfoid
						WHERE t.tgrelid = s.relation AND NOT t.tgisinternal
						  -- Citus adds the number of the shard.
						  AND t.tgname IN (w.name, w.name || '_' || s.number)
						  AND t.tgenabled IN (CASE w.enable WHEN 'ALWAYS' THEN 'A' ELSE 'O' END, 'A')
						  AND f.pronamespace = to_regnamespace('casnet_internal'))
	UNION ALL
	SELECT s.relation::text, 'Its changes are not recorded as those of its table.'
	  FROM shard AS s
	  JOIN pg_trigger AS a ON a.tgrelid = s.shell AND a.tgname = 'casnet_audit'
	 WHERE s.relation IS NOT NULL
	   AND NOT EXISTS (SELECT FROM pg_trigger AS t
						WHERE t.tgrelid = s.relation
						  AND t.tgname IN (a.tgname, a.tgname || '_' || s.number)
						  AND (t.tgfoid, t.tgtype, t.tgenabled, t.tgargs)
							= (a.tgfoid, a.tgtype, a.tgenabled, a.tgargs))
$$;
COMMENT ON FUNCTION casnet_internal.shard_faults() IS
	'internal: what protects the shards on this node less than their tables';

-- What each worker answers, or why it does not.
CREATE OR REPLACE FUNCTION casnet_internal.try_workers(
	query text, OUT node text, OUT succeeded boolean, OUT answer text)
	RETURNS SETOF record
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN QUERY EXECUTE
		'SELECT nodename || '':'' || nodeport, success, result FROM run_command_on_workers($1)'
		USING try_workers.query;
END
$$;
COMMENT ON FUNCTION casnet_internal.try_workers(text) IS
	'internal: what each worker answers, or its error';

-- The coordinator, by its own catalogs.
CREATE OR REPLACE FUNCTION casnet_internal.doctor_coordinator()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	-- node-keeps-shards: a tenant's rows on the coordinator are planned and written there,
	-- where a statement can be local and Citus asks no policy.
	IF to_regclass('pg_catalog.pg_dist_node') IS NOT NULL THEN
		RETURN QUERY EXECUTE $q$
			SELECT 'node-keeps-shards', format('%s:%s', n.nodename, n.nodeport),
				   'Citus may put shards on the coordinator.',
				   format('SELECT citus_set_node_property(%L, %s, ''shouldhaveshards'', false)',
						  n.nodename, n.nodeport)
			  FROM pg_dist_node AS n
			 WHERE n.groupid = 0 AND n.shouldhaveshards
			UNION ALL
			SELECT 'node-unreachable', format('%s:%s', n.nodename, n.nodeport),
				   'The node is not active, so nobody knows what it protects.',
				   format('-- SELECT citus_activate_node(%L, %s)', n.nodename, n.nodeport)
			  FROM pg_dist_node AS n
			 WHERE n.groupid <> 0 AND n.noderole = 'primary' AND NOT n.isactive$q$;
	END IF;

	-- table-not-distributed: what decides is copied, rows of tenants go by tenant_id to the
	-- same node, and all else stays.
	RETURN QUERY EXECUTE $q$
		WITH spread AS (
			SELECT m.relation, m.kind, d.partmethod, d.repmodel, d.colocationid,
				   d.partkey, d.logicalrelid IS NOT NULL AS is_spread,
				   min(d.colocationid) FILTER (WHERE m.kind = 'tenant') OVER () AS first
			  FROM (SELECT o.relation, CASE o.relation WHEN to_regclass('casnet_internal.audit_on_nodes')
							THEN 'tenant' ELSE o.kind END
					  FROM casnet_internal.managed_tables() AS o) AS m (relation, kind)
			  LEFT JOIN pg_dist_partition AS d ON d.logicalrelid = m.relation
		)
		SELECT 'table-not-distributed', s.relation::text,
			   CASE WHEN s.kind = 'administration' THEN 'It decides about access, and is not a reference table.'
					WHEN s.kind = 'tenant' THEN 'It has rows of tenants, and is not distributed by tenant_id together with the others.'
					ELSE 'It belongs on the coordinator alone, and Citus distributes it.' END,
			   '-- SELECT casnet.undistribute(); SELECT casnet.distribute()'
		  FROM spread AS s
		 WHERE CASE s.kind
				WHEN 'administration' THEN (s.partmethod = 'n' AND s.repmodel = 't') IS NOT TRUE
				WHEN 'tenant' THEN (s.partmethod = 'h' AND s.colocationid = s.first
					AND (substring(s.partkey FROM ':varattno ([0-9]+)'))::smallint =
						(SELECT a.attnum FROM pg_attribute AS a
						  WHERE a.attrelid = s.relation AND a.attname = 'tenant_id')) IS NOT TRUE
				ELSE s.is_spread END$q$;

	-- shell-not-empty: rows from before, which a dump would write twice.
	RETURN QUERY EXECUTE $q$
		SELECT 'shell-not-empty', d.logicalrelid::text,
			   'Rows from before the distribution are still in the table of the coordinator.',
			   format('SELECT truncate_local_data_after_distributing_table(%L)', d.logicalrelid)
		  FROM pg_dist_partition AS d
		  JOIN casnet_internal.managed_tables() AS m ON m.relation = d.logicalrelid
		 WHERE d.partmethod IN ('h', 'n') AND pg_relation_size(d.logicalrelid) > 0$q$;

	-- policy-lost: Citus keeps permissive policies only.
	RETURN QUERY EXECUTE $q$
		SELECT 'policy-lost', format('%I on %s', p.polname, p.polrelid::regclass),
			   'It is restrictive, and Citus does not put it on shards.',
			   format('-- DROP POLICY %I ON %s', p.polname, p.polrelid::regclass)
		  FROM pg_policy AS p
		  JOIN pg_dist_partition AS d ON d.logicalrelid = p.polrelid
		 WHERE NOT p.polpermissive$q$;

	RETURN QUERY
	SELECT 'shard-unprotected', format('%s on the coordinator', f.shard), f.fault,
		   '-- repair the shard as casnet.install() makes its table, or call casnet.undistribute() and casnet.distribute()'
	  FROM casnet_internal.shard_faults() AS f;

	-- node-commands: with these functions of Citus a role passes by policies and rights.
	RETURN QUERY
	SELECT 'node-commands', format('%s on the coordinator', f.function),
		   format('%s may call this function of Citus, and so pass by policies and rights.', string_agg(DISTINCT
				CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END, ', ')),
		   string_agg(DISTINCT format('REVOKE EXECUTE ON FUNCTION %s FROM %s', f.function,
				CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END), '; ')
	  FROM casnet_internal.functions_for_nodes() AS f
	  JOIN pg_proc AS p ON p.oid = f.function
	 CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
	 WHERE a.privilege_type = 'EXECUTE'
	   AND (a.grantee = 0 OR a.grantee IN (SELECT r.role FROM casnet_internal.application_roles() AS r))
	 GROUP BY f.function;
END
$$;
COMMENT ON FUNCTION casnet_internal.doctor_coordinator() IS
	'internal: doctor() about a coordinator of Citus';

CREATE OR REPLACE FUNCTION casnet_internal.preload_for_nodes() RETURNS text
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $r$SELECT '^[[:space:]]*"?citus"?[[:space:]]*,(.*,)?[[:space:]]*"?casnet"?[[:space:]]*(,|$)'$r$;
COMMENT ON FUNCTION casnet_internal.preload_for_nodes() IS
	'internal: what shared_preload_libraries has to match on each node';

CREATE OR REPLACE FUNCTION casnet_internal.remedy_for_nodes() RETURNS text
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT 'SELECT * FROM run_command_on_workers(format(''SELECT casnet_internal.install_worker(%L)'', casnet_internal.relay_key()))'
$$;
COMMENT ON FUNCTION casnet_internal.remedy_for_nodes() IS
	'internal: the statement that prepares all workers again';

-- What the server of each worker says.
CREATE OR REPLACE FUNCTION casnet_internal.doctor_worker_settings()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	own text;
	worker record;
	said jsonb;
BEGIN
	SELECT e.extversion INTO own FROM pg_extension AS e WHERE e.extname = 'casnet';
	FOR worker IN SELECT * FROM casnet_internal.try_workers($q$
		SELECT jsonb_build_object(
			'version', (SELECT e.extversion FROM pg_extension AS e WHERE e.extname = 'casnet'),
			'preload', current_setting('shared_preload_libraries'),
			'login', (SELECT r.rolcanlogin FROM pg_roles AS r WHERE r.rolname = 'casnet_owner'),
			-- As a new session has it.
			'activities', coalesce(
				(SELECT o.option_value FROM pg_db_role_setting AS s
				   CROSS JOIN LATERAL pg_options_to_table(s.setconfig) AS o
				  WHERE s.setrole = 0 AND o.option_name = 'track_activities'
					AND s.setdatabase = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())),
				(SELECT CASE s.source WHEN 'configuration file' THEN s.setting ELSE 'on' END
				   FROM pg_settings AS s WHERE s.name = 'track_activities')),
			'activities_of', (SELECT string_agg(DISTINCT s.setrole::regrole::text, ', ')
				FROM pg_db_role_setting AS s
			   CROSS JOIN LATERAL pg_options_to_table(s.setconfig) AS o
			   WHERE s.setrole <> 0 AND o.option_name = 'track_activities'
				 AND o.option_value::boolean),
			'commands', (SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc AS p
			   WHERE (p.pronamespace = 'pg_catalog'::regnamespace
					  AND (starts_with(p.proname, 'run_command_on_')
						   OR p.proname IN ('master_run_on_worker', 'citus_run_local_command', 'lock_relation_if_exists',
											'column_to_column_name', 'worker_split_copy', 'worker_copy_table_to_node'))
					  OR p.proname = 'pg_stat_statements'
					  OR p.pronamespace = to_regnamespace('citus_internal')
					  AND p.proname NOT IN ('unregister_tenant_schema_globally', 'add_object_metadata'))
				 AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
							  WHERE a.grantee = 0)))::text
		$q$)
	LOOP
		object := worker.node;
		-- node-unreachable: it is a finding, and the others are asked all the same.
		IF NOT worker.succeeded THEN
			code := 'node-unreachable';
			problem := format('The worker does not answer: %s', split_part(worker.answer, E'\n', 1));
			remedy := '-- start the server, or remove the node with citus_remove_node()';
			RETURN NEXT;
			CONTINUE;
		END IF;
		said := worker.answer::jsonb;
		IF said->>'version' IS DISTINCT FROM own THEN
			code := 'node-version';
			problem := format('The worker has casnet %s, and the coordinator %s.',
							  coalesce(said->>'version', 'not'), own);
			remedy := '-- install the same version of casnet on every node, and run ALTER EXTENSION casnet UPDATE on the coordinator';
			RETURN NEXT;
		END IF;
		IF said->>'preload' !~ casnet_internal.preload_for_nodes() THEN
			code := 'node-preload';
			problem := 'The server does not load casnet after Citus.';
			remedy := '-- on this node: ALTER SYSTEM SET shared_preload_libraries = ''citus'', ''casnet''; then restart the server';
			RETURN NEXT;
		END IF;
		IF (said->>'activities')::boolean OR said->>'activities_of' IS NOT NULL THEN
			code := 'node-activities';
			problem := format('track_activities is on%s, so sessions of one role read the tokens of each other.',
							  CASE WHEN NOT (said->>'activities')::boolean
								   THEN ' for ' || (said->>'activities_of') END);
			remedy := CASE WHEN (said->>'activities')::boolean THEN casnet_internal.remedy_for_nodes()
				ELSE format('-- on this node: ALTER ROLE %s RESET track_activities', said->>'activities_of') END;
			RETURN NEXT;
		END IF;
		IF (said->>'login')::boolean IS NOT TRUE THEN
			code := 'node-owner';
			problem := 'casnet_owner cannot log in, so functions of the coordinator fail.';
			remedy := casnet_internal.remedy_for_nodes();
			RETURN NEXT;
		END IF;
		IF said->>'commands' IS NOT NULL THEN
			code := 'node-commands';
			problem := format('PUBLIC may call functions that pass by policies and rights: %s.', said->>'commands');
			remedy := casnet_internal.remedy_for_nodes();
			RETURN NEXT;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.doctor_worker_settings() IS
	'internal: doctor() about the settings of workers';

-- What casnet says on each worker.
CREATE OR REPLACE FUNCTION casnet_internal.doctor_worker_shards()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	key text;
	worker record;
	said jsonb;
BEGIN
	-- The private key is a retired one.
	IF EXISTS (SELECT FROM casnet_internal.signing_keys AS k
				WHERE k.kid = 'casnet-relay' AND k.retired_at IS NOT NULL) THEN
		key := encode(sha256(casnet_internal.relay_key()), 'hex');
	END IF;
	-- Those with another version have been reported.
	FOR worker IN SELECT * FROM casnet_internal.try_workers($q$
		SELECT jsonb_build_object(
			'key', (SELECT encode(sha256(k.key), 'hex') FROM casnet_internal.signing_keys AS k
					 WHERE k.kid = 'casnet-relay' AND k.retired_at IS NULL),
			'faults', (SELECT jsonb_object_agg(f.shard, f.faults)
						 FROM (SELECT s.shard, string_agg(s.fault, ' ' ORDER BY s.fault)
								 FROM casnet_internal.shard_faults() AS s
								GROUP BY s.shard) AS f (shard, faults)))::text
		$q$)
	LOOP
		CONTINUE WHEN NOT worker.succeeded;
		said := worker.answer::jsonb;
		IF said->>'key' IS DISTINCT FROM key OR key IS NULL THEN
			code := 'node-key';
			object := worker.node;
			problem := CASE WHEN key IS NULL THEN 'The coordinator has no key to name sessions by.'
				WHEN said->>'key' IS NULL THEN 'The worker has no key to know the coordinator by.'
				ELSE 'The worker has another key than the coordinator.' END;
			remedy := casnet_internal.remedy_for_nodes();
			RETURN NEXT;
		END IF;
		RETURN QUERY
		SELECT 'shard-unprotected', format('%s on %s', f.key, worker.node), f.value,
			   '-- repair the shard as casnet.install() makes its table, or call casnet.undistribute() and casnet.distribute()'
		  FROM jsonb_each_text(CASE jsonb_typeof(said->'faults') WHEN 'object' THEN said->'faults'
							   ELSE '{}' END) AS f;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.doctor_worker_shards() IS
	'internal: doctor() about the keys and shards of workers';

CREATE OR REPLACE FUNCTION casnet_internal.doctor_workers()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF to_regprocedure('run_command_on_workers(text,boolean)') IS NULL THEN
		RETURN;
	ELSIF casnet_internal.is_operator() IS NOT TRUE THEN
		RETURN QUERY SELECT 'node-unasked', 'workers', 'Only superusers may ask the workers.',
			'-- call casnet.doctor() as a superuser';
		RETURN;
	END IF;
	-- node-preload: the hooks of casnet come before those of Citus.
	IF casnet_internal.preload_setting('shared_preload_libraries') !~ casnet_internal.preload_for_nodes() THEN
		RETURN QUERY SELECT 'node-preload', 'coordinator',
			'The server does not load casnet after Citus.',
			'-- ALTER SYSTEM SET shared_preload_libraries = ''citus'', ''casnet''; then restart the server';
	END IF;
	RETURN QUERY SELECT * FROM casnet_internal.doctor_worker_settings();
	RETURN QUERY SELECT * FROM casnet_internal.doctor_worker_shards();
END
$$;
COMMENT ON FUNCTION casnet_internal.doctor_workers() IS
	'internal: doctor() about workers of Citus';

CREATE OR REPLACE FUNCTION casnet_internal.doctor_distributed()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF casnet_internal.is_distributed() IS NOT TRUE THEN
		RETURN;
	ELSIF casnet_internal.is_worker() THEN
		RETURN QUERY SELECT 'node-worker', 'this node',
			'It is a worker of Citus. Only the coordinator has all tables.',
			'-- call casnet.doctor() on the coordinator, which asks the workers';
		RETURN QUERY
		SELECT 'shard-unprotected', f.shard, f.fault,
			   '-- call casnet.doctor() on the coordinator'
		  FROM casnet_internal.shard_faults() AS f;
	ELSE
		RETURN QUERY SELECT * FROM casnet_internal.doctor_coordinator();
		RETURN QUERY SELECT * FROM casnet_internal.doctor_workers();
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.doctor_distributed() IS
	'internal: doctor() about tables that Citus distributes';
