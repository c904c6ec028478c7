-- The tables on the nodes of a Citus cluster.  Citus distributes, casnet protects.  Tables
-- that decide about access become reference tables: each node has all their rows, so its
-- policies ask as those of a single server do.  Tables of tenants are distributed by
-- tenant_id, so a tenant's rows are on one node.  Tables about tokens, codes and keys stay
-- where they are, on the coordinator, which alone signs anybody in.

CREATE OR REPLACE FUNCTION casnet_internal.is_distributed() RETURNS boolean
	LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_is_distributed';
COMMENT ON FUNCTION casnet_internal.is_distributed() IS
	'internal: whether Citus distributes the tables';

CREATE OR REPLACE FUNCTION casnet_internal.is_worker() RETURNS boolean
	LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_is_worker';
COMMENT ON FUNCTION casnet_internal.is_worker() IS
	'internal: whether this node is a worker of Citus';

CREATE OR REPLACE FUNCTION casnet_internal.refuse_distributed(name text) RETURNS void
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_refuse_distributed';
COMMENT ON FUNCTION casnet_internal.refuse_distributed(text) IS
	'internal: 0A000 for a function that does not work while Citus distributes the tables';

CREATE OR REPLACE FUNCTION casnet_internal.clear_references() RETURNS trigger
	LANGUAGE c VOLATILE
	AS 'MODULE_PATHNAME', 'casnet_clear_references';
COMMENT ON FUNCTION casnet_internal.clear_references() IS
	'internal: what refers to a deleted row forgets it, on the nodes of Citus';

-- Keys that Citus takes in no distributed table, or that would go from a table of this node
-- to one of all nodes, or for which a member would need to write roles.  clear_references() does what those with SET NULL do.
CREATE OR REPLACE FUNCTION casnet_internal.keys_without_nodes(
	OUT table_name text, OUT name text)
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	VALUES
	('casnet.user_tenants', 'user_tenants_role_fkey'),
	('casnet.tasks', 'tasks_assignee_id_tenant_id_fkey'),
	('casnet.tasks', 'tasks_record_id_tenant_id_fkey'),
	('casnet.calendar_events', 'calendar_events_record_id_tenant_id_fkey'),
	('casnet_internal.invitations', 'invitations_tenant_id_fkey'),
	('casnet_internal.invitations', 'invitations_invited_by_fkey'),
	('casnet_internal.invitations', 'invitations_role_fkey')
$$;
COMMENT ON FUNCTION casnet_internal.keys_without_nodes() IS
	'internal: the keys that tables of a distributed database do not have';

-- The same answer of each worker to a query that returns one text, or an error.
CREATE OR REPLACE FUNCTION casnet_internal.ask_workers(
	query text, OUT node text, OUT answer text)
	RETURNS SETOF record
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	succeeded boolean;
BEGIN
	FOR node, succeeded, answer IN EXECUTE
		'SELECT nodename || '':'' || nodeport, success, result FROM run_command_on_workers($1)'
		USING ask_workers.query
	LOOP
		IF NOT succeeded THEN
			RAISE EXCEPTION 'worker % failed', node
				USING ERRCODE = 'object_not_in_prerequisite_state',
					  DETAIL = answer,
					  HINT = 'Mend what the detail says, and call the function again.';
		END IF;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.ask_workers(text) IS
	'internal: what each worker answers';

-- Citus lets every role call these.  They lock tables and shards, change what Citus knows of
-- tables, show estimates, or read what Citus keeps for another session.  On workers Citus
-- calls some of them as the role of the session; there the library looks at the rest.
CREATE OR REPLACE FUNCTION casnet_internal.functions_for_nodes(OUT function regprocedure)
	RETURNS SETOF regprocedure
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT p.oid::regprocedure
	  FROM pg_proc AS p
	  JOIN pg_namespace AS n ON n.oid = p.pronamespace
	 WHERE CASE
		   -- Dropping a schema calls it as whoever does.
		   WHEN p.proname ~ 'unregister_tenant_schema_globally$' THEN false
		   -- CREATE FUNCTION and its like call it.
		   WHEN p.proname ~ 'add_object_metadata$' THEN
				casnet_internal.is_worker() IS NOT TRUE
		   -- It shows the commands that name sessions to workers, tokens among them.
		   WHEN p.proname = 'pg_stat_statements' THEN casnet_internal.is_worker()
		   WHEN n.nspname = 'citus_internal' THEN true
		   WHEN n.nspname <> 'pg_catalog' THEN false
		   WHEN p.proname IN ('assign_distributed_transaction_id', 'lock_shard_resources', 'lock_shard_metadata',
							  'worker_save_query_explain_analyze', 'worker_last_saved_explain_analyze',
							  -- It connects to any host.
							  'fetch_intermediate_results') THEN
				casnet_internal.is_worker() IS NOT TRUE
		   ELSE starts_with(p.proname, 'run_command_on_') OR starts_with(p.proname, 'citus_internal_')
				OR p.proname IN ('master_run_on_worker', 'citus_run_local_command', 'citus_unmark_object_distributed',
								 'citus_check_connection_to_node', 'citus_check_cluster_node_health',
								 'lock_relation_if_exists',
								 -- These end the server when their arguments are wrong.
								 'column_to_column_name', 'worker_split_copy', 'worker_copy_table_to_node')
		   END
$$;
COMMENT ON FUNCTION casnet_internal.functions_for_nodes() IS
	'internal: the functions with which a role could pass by policies and rights on nodes';

-- Whoever may call them reads and changes what belongs to other sessions.
CREATE OR REPLACE FUNCTION casnet_internal.keep_commands() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	name regprocedure;
BEGIN
	FOR name IN SELECT f.function FROM casnet_internal.functions_for_nodes() AS f LOOP
		EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', name);
	END LOOP;
	-- Citus moves a shard as the owner of its table.
	IF to_regprocedure('pg_catalog.worker_copy_table_to_node(regclass,integer)') IS NOT NULL THEN
		GRANT EXECUTE ON FUNCTION pg_catalog.worker_copy_table_to_node(regclass, integer) TO casnet_owner;
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.keep_commands() IS
	'internal: takes from PUBLIC the functions of functions_for_nodes()';

-- On a worker: what records and tokens need there.  The tables of this node stay empty but
-- for the key by which it knows what the coordinator says.
CREATE OR REPLACE FUNCTION casnet_internal.install_worker(public_key bytea) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET client_min_messages = warning
	AS $$
DECLARE
	wanted record;
BEGIN
	IF casnet_internal.is_operator() IS NOT TRUE THEN
		RAISE EXCEPTION 'only casnet.distribute() calls this'
			USING ERRCODE = 'insufficient_privilege',
				  HINT = 'Call casnet.distribute() on the coordinator as a superuser.';
	END IF;
	PERFORM set_config('citus.enable_ddl_propagation', 'off', true);
	PERFORM casnet_internal.install_search_configuration();
	PERFORM casnet_internal.install_search_vector();
	FOR wanted IN
		SELECT t.table_name, t.kind,
			   (SELECT string_agg(format('%I %s', c.name, c.type || CASE
								WHEN c.value <> '' THEN ' DEFAULT ' || c.value
								ELSE '' END), ', ' ORDER BY c.number)
				  FROM casnet_internal.wanted_columns() AS c
				 WHERE c.table_name = t.table_name) AS columns,
			   (SELECT string_agg(format('CONSTRAINT %I %s', k.name, k.definition), ', ')
				  FROM casnet_internal.wanted_keys() AS k
				 WHERE k.table_name = t.table_name
				   AND k.definition NOT LIKE 'FOREIGN%') AS keys
		  FROM casnet_internal.wanted_tables() AS t
		 WHERE t.kind IN ('token', 'invitation', 'registry')
		   AND to_regclass(t.table_name) IS NULL
	LOOP
		EXECUTE format('CREATE TABLE %s (%s)', wanted.table_name,
					   concat_ws(', ', wanted.columns, wanted.keys));
		EXECUTE format('ALTER TABLE %s OWNER TO casnet_owner', wanted.table_name);
		EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', wanted.table_name);
		EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', wanted.table_name);
		IF wanted.kind = 'token' THEN
			EXECUTE format('CREATE TRIGGER casnet_announce_row AFTER INSERT OR UPDATE OR DELETE '
						   'ON %s FOR EACH ROW EXECUTE FUNCTION casnet_internal.announce_change()',
						   wanted.table_name);
		END IF;
	END LOOP;
	DELETE FROM casnet_internal.signing_keys WHERE kid = 'casnet-relay';
	INSERT INTO casnet_internal.signing_keys (kid, algorithm, key)
	VALUES ('casnet-relay', 'EdDSA', install_worker.public_key);
	-- The coordinator's functions act as their owner on workers, too.
	ALTER ROLE casnet_owner LOGIN;
	-- Citus makes a shard that moves here as the owner of its table.
	GRANT CREATE ON SCHEMA casnet TO casnet_owner;
	FOR wanted IN
		SELECT p.oid::regprocedure AS function
		  FROM pg_proc AS p
		 WHERE p.pronamespace = 'casnet_internal'::regnamespace
		   AND p.prorettype = 'trigger'::regtype
	LOOP
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO casnet_owner', wanted.function);
	END LOOP;
	EXECUTE format('ALTER DATABASE %I SET track_activities = off', current_database());
	PERFORM casnet_internal.keep_commands();
END
$$;
COMMENT ON FUNCTION casnet_internal.install_worker(bytea) IS
	'internal: prepares a worker of Citus';

-- Raises 55000 unless casnet can distribute the tables here and now.
CREATE OR REPLACE FUNCTION casnet_internal.check_nodes() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	problem text;
	hint text;
	workers integer;
	has_coordinator boolean;
	keeps_shards boolean;
	local_group integer;
	version text;
	worker record;
BEGIN
	IF to_regclass('pg_catalog.pg_dist_node') IS NULL THEN
		RAISE EXCEPTION 'this database does not have the extension citus'
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'Install Citus on all nodes, run CREATE EXTENSION citus in this database on each, and add the workers with citus_add_node().';
	END IF;
	EXECUTE 'SELECT (SELECT groupid FROM pg_dist_local_group),
					count(*) FILTER (WHERE groupid <> 0 AND isactive AND noderole = ''primary''),
					bool_or(groupid = 0), bool_or(groupid = 0 AND shouldhaveshards)
			   FROM pg_dist_node'
	   INTO local_group, workers, has_coordinator, keeps_shards;
	IF local_group <> 0 THEN
		problem := 'this node is a worker';
		hint := 'Call the function on the coordinator.';
	ELSIF workers = 0 THEN
		problem := 'there is no worker';
		hint := 'Add one with citus_add_node(''host'', 5432).';
	ELSIF NOT has_coordinator THEN
		problem := 'the coordinator is not among the nodes';
		hint := 'Add it with citus_set_coordinator_host(''host'', 5432).';
	ELSIF keeps_shards THEN
		problem := 'the coordinator keeps shards';
		hint := 'Run SELECT citus_set_node_property(nodename, nodeport, ''shouldhaveshards'', false) FROM pg_dist_node WHERE groupid = 0.';
	ELSIF casnet_internal.preload_setting('shared_preload_libraries') !~ casnet_internal.preload_for_nodes() THEN
		problem := 'the coordinator does not load casnet after Citus';
		hint := 'Set shared_preload_libraries = ''citus,casnet'' on every node, and restart them.';
	END IF;
	IF problem IS NULL THEN
		FOR worker IN SELECT * FROM casnet_internal.ask_workers(
			'SELECT current_setting(''shared_preload_libraries'')') LOOP
			IF worker.answer !~ casnet_internal.preload_for_nodes() THEN
				problem := format('worker %s does not load casnet after Citus', worker.node);
				hint := 'Set shared_preload_libraries = ''citus,casnet'' on every node, and restart them.';
			END IF;
		END LOOP;
	END IF;
	IF problem IS NULL THEN
		SELECT e.extversion INTO STRICT version FROM pg_extension AS e WHERE e.extname = 'casnet';
		FOR worker IN SELECT * FROM casnet_internal.ask_workers(
			'SELECT coalesce(max(extversion), ''none'') FROM pg_extension WHERE extname = ''casnet''') LOOP
			IF worker.answer <> version THEN
				problem := format('worker %s has casnet %s, and the coordinator %s',
								  worker.node, worker.answer, version);
				hint := 'Install the same version of casnet on every node, and run ALTER EXTENSION casnet UPDATE on the coordinator.';
			END IF;
		END LOOP;
	END IF;
	IF problem IS NOT NULL THEN
		RAISE EXCEPTION '%', problem
			USING ERRCODE = 'object_not_in_prerequisite_state', HINT = hint;
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.check_nodes() IS
	'internal: refuses a cluster on which casnet cannot distribute its tables';

-- Raises 55000 for what could not be protected on the nodes.
CREATE OR REPLACE FUNCTION casnet_internal.check_for_nodes() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	found text;
BEGIN
	IF casnet_internal.is_distributed() THEN
		RAISE EXCEPTION 'the tables are distributed already'
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'casnet.undistribute() brings them back to one node.';
	END IF;
	SELECT string_agg(format('%I on %s', p.polname, p.polrelid::regclass), ', ') INTO found
	  FROM pg_policy AS p
	  JOIN casnet_internal.managed_tables() AS m ON m.relation = p.polrelid
	 WHERE NOT p.polpermissive;
	IF found IS NOT NULL THEN
		RAISE EXCEPTION 'Citus does not keep restrictive policies'
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  DETAIL = format('These would be lost: %s.', found),
				  HINT = 'Drop them, or leave the database on one node.';
	END IF;
	SELECT string_agg(p.relation::text, ', ') INTO found FROM casnet_internal.protected AS p;
	IF found IS NOT NULL THEN
		RAISE EXCEPTION 'casnet does not distribute protected tables of applications yet'
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  DETAIL = format('They are: %s.', found),
				  HINT = 'Leave the database on one node, or take the protection away with casnet.unprotect().';
	END IF;
	SELECT string_agg(DISTINCT k.conrelid::regclass::text, ', ') INTO found
	  FROM pg_constraint AS k
	  JOIN casnet_internal.managed_tables() AS m ON m.relation = k.confrelid
	 WHERE k.contype = 'f'
	   AND k.conrelid NOT IN (SELECT o.relation FROM casnet_internal.managed_tables() AS o);
	IF found IS NOT NULL THEN
		RAISE EXCEPTION 'tables of the application refer to tables of casnet'
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  DETAIL = format('They are: %s.', found),
				  HINT = 'Drop these foreign keys first.';
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.check_for_nodes() IS
	'internal: refuses a database that casnet cannot protect on several nodes';

CREATE OR REPLACE FUNCTION casnet.distribute(shard_count integer DEFAULT 32) RETURNS integer
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET client_min_messages = warning
	SET quote_all_identifiers = off
	AS $$
DECLARE
	dropped record;
	wanted record;
	first regclass;
	moved integer := 0;
	language text;
	audit text[];
BEGIN
	IF casnet_internal.is_operator() IS NOT TRUE THEN
		RAISE EXCEPTION 'only superusers may call casnet.distribute()'
			USING ERRCODE = 'insufficient_privilege',
				  HINT = 'Connect as a superuser and call it again.';
	END IF;
	IF distribute.shard_count IS NULL OR distribute.shard_count NOT BETWEEN 1 AND 64000 THEN
		RAISE EXCEPTION 'the number of shards is not between 1 and 64000'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Give two to four for each core of the workers that you will ever have.';
	END IF;
	PERFORM casnet_internal.check_nodes();
	PERFORM casnet_internal.check_for_nodes();
	PERFORM casnet_internal.ask_workers(format(
		'SELECT casnet_internal.install_worker(%L)', casnet_internal.relay_key()));
	-- The comment on the configuration keeps the language.  Workers find the words of rows.
	language := substring(obj_description('casnet.search'::regconfig, 'pg_ts_config')
						  FROM '[(]([^(),]+)[,)]');
	IF language IS NOT NULL THEN
		PERFORM casnet_internal.ask_workers(format(
			'SELECT casnet_internal.map_search_language(%L)', language));
	END IF;

	audit := casnet_internal.audit_definitions();
	PERFORM casnet_internal.allow_triggers_on_nodes();
	PERFORM set_config('citus.enable_local_reference_table_foreign_keys', 'off', true);

	-- Rows that are copied are no news: no trigger fires for them.
	FOR dropped IN
		SELECT t.tgname, t.tgrelid::regclass AS relation
		  FROM pg_trigger AS t
		  JOIN casnet_internal.managed_tables() AS m ON m.relation = t.tgrelid
		 WHERE m.kind IN ('administration', 'tenant') AND NOT t.tgisinternal
		   AND starts_with(t.tgname, 'casnet_')
	LOOP
		EXECUTE format('DROP TRIGGER %I ON %s', dropped.tgname, dropped.relation);
	END LOOP;
	FOR dropped IN
		SELECT k.conname, k.conrelid::regclass AS relation
		  FROM casnet_internal.keys_without_nodes() AS w
		  JOIN pg_constraint AS k
			ON k.conrelid = to_regclass(w.table_name) AND k.conname = w.name
	LOOP
		EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', dropped.relation, dropped.conname);
	END LOOP;

	FOR wanted IN
		SELECT to_regclass(w.table_name) AS relation, w.kind
		  FROM casnet_internal.wanted_tables() WITH ORDINALITY AS w
		 WHERE w.kind IN ('administration', 'tenant')
		 ORDER BY w.kind, w.ordinality
	LOOP
		IF wanted.kind = 'administration' THEN
			EXECUTE 'SELECT create_reference_table($1)' USING wanted.relation;
		ELSIF first IS NULL THEN
			first := wanted.relation;
			EXECUTE 'SELECT create_distributed_table($1, ''tenant_id'', colocate_with => ''none'', shard_count => $2)'
				USING wanted.relation, distribute.shard_count;
		ELSE
			EXECUTE 'SELECT create_distributed_table($1, ''tenant_id'', colocate_with => $2)'
				USING wanted.relation, first::text;
		END IF;
		moved := moved + 1;
	END LOOP;
	PERFORM casnet_internal.make_audit_on_nodes();
	EXECUTE 'SELECT create_distributed_table($1, ''tenant_id'', colocate_with => $2)'
		USING 'casnet_internal.audit_on_nodes'::regclass, first::text;
	-- The rows are on the nodes now, and not twice.
	FOR wanted IN
		SELECT m.relation FROM casnet_internal.managed_tables() AS m
		 WHERE m.kind IN ('administration', 'tenant')
	LOOP
		EXECUTE 'SELECT truncate_local_data_after_distributing_table($1)' USING wanted.relation;
	END LOOP;
	PERFORM casnet_internal.install_triggers();
	PERFORM casnet_internal.run_definitions(audit);
	PERFORM casnet_internal.keep_commands();
	RETURN moved;
END
$$;
COMMENT ON FUNCTION casnet.distribute(integer) IS
	'distributes the tables over the nodes of Citus, by tenant; superusers only; returns the number of tables';

CREATE OR REPLACE FUNCTION casnet.undistribute() RETURNS integer
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET client_min_messages = warning
	AS $$
DECLARE
	wanted record;
	moved integer := 0;
	audit text[];
BEGIN
	IF casnet_internal.is_operator() IS NOT TRUE THEN
		RAISE EXCEPTION 'only superusers may call casnet.undistribute()'
			USING ERRCODE = 'insufficient_privilege',
				  HINT = 'Connect as a superuser and call it again.';
	END IF;
	IF casnet_internal.is_distributed() IS NOT TRUE THEN
		RAISE EXCEPTION 'the tables are not distributed'
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'There is nothing to bring back.';
	END IF;
	audit := casnet_internal.audit_definitions();
	PERFORM casnet_internal.allow_triggers_on_nodes();
	PERFORM set_config('citus.enable_local_reference_table_foreign_keys', 'off', true);
	FOR wanted IN
		SELECT t.tgname, t.tgrelid::regclass AS relation
		  FROM pg_trigger AS t
		  JOIN casnet_internal.managed_tables() AS m ON m.relation = t.tgrelid
		 WHERE m.kind IN ('administration', 'tenant') AND NOT t.tgisinternal
		   AND starts_with(t.tgname, 'casnet_')
	LOOP
		EXECUTE format('DROP TRIGGER %I ON %s', wanted.tgname, wanted.relation);
	END LOOP;
	PERFORM casnet_internal.gather_audit();
	LOOP
		EXECUTE 'SELECT logicalrelid AS relation FROM pg_dist_partition
				  WHERE logicalrelid IN (SELECT relation FROM casnet_internal.managed_tables())
				  ORDER BY partmethod LIMIT 1' INTO wanted;
		EXIT WHEN wanted.relation IS NULL;
		EXECUTE 'SELECT undistribute_table($1, cascade_via_foreign_keys => true)'
			USING wanted.relation;
		moved := moved + 1;
	END LOOP;
	PERFORM casnet_internal.run_definitions(audit);
	PERFORM casnet.install();
	RETURN moved;
END
$$;
COMMENT ON FUNCTION casnet.undistribute() IS
	'brings distributed tables back to this node; superusers only';
