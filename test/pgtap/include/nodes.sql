-- After fixtures.sql: catalogs as Citus has them, and shards beside the tables of casnet.
-- The server knows nothing of nodes, so statements read the tables themselves, and only
-- casnet looks at the copies of reference tables.  Rows are in both.
RESET SESSION AUTHORIZATION;
SET LOCAL allow_system_table_mods = on;
CREATE SEQUENCE public.shard_numbers START 102008;

-- A shard, with what protects it.
CREATE FUNCTION public.make_shard(shell regclass, number bigint) RETURNS void LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	shard text := shell || '_' || number;
	part record;
BEGIN
	EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING ALL)', shard, shell);
	SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns INTO part
	  FROM pg_attribute AS a WHERE a.attrelid = shell AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '';
	EXECUTE format('INSERT INTO %s (%s) SELECT %s FROM %s', shard, part.columns, part.columns, shell);
	EXECUTE format('ALTER TABLE %s OWNER TO casnet_owner', shard);
	EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', shard);
	FOR part IN SELECT w.* FROM casnet_internal.wanted_policies() AS w WHERE w.table_name = shell::text LOOP
		EXECUTE format('CREATE POLICY %I ON %s FOR %s TO %s', part.name, shard, part.command, part.role)
			|| CASE WHEN part.command <> 'INSERT' THEN format(' USING (%s)', part.expression) ELSE '' END
			|| CASE WHEN part.command IN ('INSERT', 'ALL') THEN format(' WITH CHECK (%s)', part.expression) ELSE '' END;
	END LOOP;
	FOR part IN SELECT a.grantee::regrole AS role, a.privilege_type AS privilege FROM pg_class AS c, aclexplode(c.relacl) AS a
				 WHERE c.oid = shell AND a.grantee <> c.relowner LOOP
		EXECUTE format('GRANT %s ON %s TO %s', part.privilege, shard, part.role);
	END LOOP;
END
$$;

-- Citus makes triggers for rows only, with the number in their names.
CREATE FUNCTION public.make_shard_triggers(shard regclass, shell regclass, number bigint) RETURNS void LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	part record;
BEGIN
	FOR part IN SELECT w.* FROM casnet_internal.wanted_triggers() AS w WHERE w.table_name = shell::text AND w.level LIKE 'ROW%' LOOP
		EXECUTE format('CREATE TRIGGER %I %s ON %s FOR EACH %s EXECUTE FUNCTION casnet_internal.%s',
					   part.name || '_' || number, part.event, shard, part.level, part.call);
		EXECUTE format('ALTER TABLE %s ENABLE %s TRIGGER %I', shard, part.enable, part.name || '_' || number);
	END LOOP;
END
$$;

SELECT casnet_internal.make_audit_on_nodes() \g /dev/null
CREATE VIEW public.spread AS
SELECT m.relation, CASE m.relation WHEN to_regclass('casnet_internal.audit_on_nodes') THEN 'tenant' ELSE m.kind END AS kind
  FROM casnet_internal.managed_tables() AS m;
CREATE TABLE pg_catalog.pg_dist_shard AS
SELECT m.relation AS logicalrelid, nextval('public.shard_numbers') AS shardid, 't'::"char" AS shardstorage,
	   CASE WHEN m.kind = 'tenant' THEN r.first END AS shardminvalue, CASE WHEN m.kind = 'tenant' THEN r.last END AS shardmaxvalue
  FROM public.spread AS m
  JOIN (VALUES (1, '-2147483648', '-1'), (2, '0', '2147483647')) AS r (n, first, last) ON r.n = 1 OR m.kind = 'tenant'
 WHERE m.kind IN ('administration', 'tenant');
SELECT public.make_shard(s.logicalrelid, s.shardid) IS NULL AS made FROM pg_catalog.pg_dist_shard AS s \g /dev/null
CREATE TABLE IF NOT EXISTS pg_catalog.pg_dist_local_group AS SELECT 0 AS groupid;
CREATE TABLE pg_catalog.pg_dist_partition AS
SELECT m.relation AS logicalrelid, CASE m.kind WHEN 'tenant' THEN 'h' ELSE 'n' END::"char" AS partmethod,
	   (SELECT format('{VAR :varno 1 :varattno %s :vartype 2950}', a.attnum) FROM pg_attribute AS a
		 WHERE a.attrelid = m.relation AND a.attname = 'tenant_id' AND m.kind = 'tenant') AS partkey,
	   CASE m.kind WHEN 'tenant' THEN 2 ELSE 1 END AS colocationid, CASE m.kind WHEN 'tenant' THEN 's' ELSE 't' END::"char" AS repmodel
  FROM public.spread AS m WHERE m.kind IN ('administration', 'tenant');
-- As distribute() leaves them.
SELECT casnet_internal.install_triggers() \g /dev/null
ALTER TABLE casnet.tasks DROP CONSTRAINT tasks_assignee_id_tenant_id_fkey, DROP CONSTRAINT tasks_record_id_tenant_id_fkey;
ALTER TABLE casnet.calendar_events DROP CONSTRAINT calendar_events_record_id_tenant_id_fkey;
ALTER TABLE casnet_internal.invitations DROP CONSTRAINT invitations_tenant_id_fkey, DROP CONSTRAINT invitations_invited_by_fkey,
	DROP CONSTRAINT invitations_role_fkey;
SELECT public.make_shard_triggers((s.logicalrelid || '_' || s.shardid)::regclass, s.logicalrelid, s.shardid) IS NULL AS made
  FROM pg_catalog.pg_dist_shard AS s \g /dev/null
-- A copy or a shard of a table, by its name.
CREATE FUNCTION public.shard_of(shell regclass) RETURNS text LANGUAGE sql AS
	'SELECT shell || ''_'' || min(s.shardid) FROM pg_catalog.pg_dist_shard AS s WHERE s.logicalrelid = shell';
CREATE FUNCTION public.change_copy(shell regclass, change text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	EXECUTE format(change, public.shard_of(shell));
END
$$;
GRANT SELECT ON pg_catalog.pg_dist_shard, pg_catalog.pg_dist_partition, pg_catalog.pg_dist_local_group TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_app;
