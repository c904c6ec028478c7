-- The audit of a distributed database.  A change of a tenant's row writes its entry on the
-- same node, in the shard of audit_on_nodes that moves with the row.  The coordinator writes
-- entries of all other tables, as one server does, and keeps those of before.  The table is
-- there only while the tables are distributed.

CREATE OR REPLACE FUNCTION casnet_internal.entry_goes(id uuid) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_entry_goes';
COMMENT ON FUNCTION casnet_internal.entry_goes(uuid) IS
	'internal: a condition with which remove_audit_entries() deletes entries on workers; it is no constant, but Citus sends no other to workers';

CREATE OR REPLACE FUNCTION casnet_internal.allow_triggers_on_nodes() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM set_config('citus.enable_unsafe_triggers', 'on', true),
			set_config('citus.multi_shard_modify_mode', 'sequential', true);
END
$$;
COMMENT ON FUNCTION casnet_internal.allow_triggers_on_nodes() IS
	'internal: Citus takes triggers on its tables until the transaction ends';

-- The comment says since when a table is audited.
CREATE OR REPLACE FUNCTION casnet_internal.audit_definitions() RETURNS text[]
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT coalesce(array_agg(c.command ORDER BY t.tgrelid, t.tgname, c.number), '{}')
	  FROM pg_trigger AS t
	  JOIN casnet_internal.managed_tables() AS m
		ON m.relation = t.tgrelid AND m.kind IN ('administration', 'tenant')
	 CROSS JOIN LATERAL (VALUES
		(1, pg_get_triggerdef(t.oid)),
		(2, format('ALTER TABLE %s %s TRIGGER %I', t.tgrelid::regclass,
				   CASE t.tgenabled WHEN 'O' THEN 'ENABLE' WHEN 'A' THEN 'ENABLE ALWAYS'
					WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'DISABLE' END, t.tgname)),
		(3, format('COMMENT ON TRIGGER %I ON %s IS %L', t.tgname, t.tgrelid::regclass,
				   obj_description(t.oid, 'pg_trigger')))) AS c (number, command)
	 WHERE t.tgname IN ('casnet_audit', 'casnet_audit_truncate')
	   AND t.tgfoid = 'casnet_internal.record_change()'::regprocedure
$$;
COMMENT ON FUNCTION casnet_internal.audit_definitions() IS
	'internal: the statements that make the triggers of audited tables of casnet as they are';

CREATE OR REPLACE FUNCTION casnet_internal.run_definitions(definitions text[]) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	definition text;
BEGIN
	FOREACH definition IN ARRAY run_definitions.definitions LOOP
		EXECUTE definition;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.run_definitions(text[]) IS
	'internal: runs what audit_definitions() returned';

CREATE OR REPLACE FUNCTION casnet_internal.gather_audit() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF to_regclass('casnet_internal.audit_on_nodes') IS NOT NULL THEN
		INSERT INTO casnet_internal.audit_entries
		SELECT e.* FROM casnet_internal.audit_on_nodes AS e;
		DROP TABLE casnet_internal.audit_on_nodes;
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.gather_audit() IS
	'internal: brings the entries of workers to this node';

-- A month has no table of its own there: each would be one for each shard.
CREATE OR REPLACE FUNCTION casnet_internal.make_audit_on_nodes() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	-- A dump of a distributed database can have brought one.
	PERFORM casnet_internal.gather_audit();
	CREATE TABLE casnet_internal.audit_on_nodes
		(LIKE casnet_internal.audit_entries INCLUDING ALL);
	COMMENT ON TABLE casnet_internal.audit_on_nodes IS
		'who changed what in distributed tables; each node has the entries of its tenants';
	ALTER TABLE casnet_internal.audit_on_nodes ALTER tenant_id SET NOT NULL;
	ALTER TABLE casnet_internal.audit_on_nodes REPLICA IDENTITY FULL;
	ALTER TABLE casnet_internal.audit_on_nodes ENABLE ROW LEVEL SECURITY;
	ALTER TABLE casnet_internal.audit_on_nodes FORCE ROW LEVEL SECURITY;
	ALTER TABLE casnet_internal.audit_on_nodes OWNER TO casnet_owner;
END
$$;
COMMENT ON FUNCTION casnet_internal.make_audit_on_nodes() IS
	'internal: makes the table that Citus distributes for the audit';
