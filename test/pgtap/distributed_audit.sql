-- The audit of a distributed database.  A worker writes the entry of a tenant's row into the
-- shard that stays beside the row, and none for a copy of a reference table.  A coordinator
-- records its own copies and all other tables.
BEGIN;
SELECT plan(41);
\ir include/fixtures.sql
\ir include/nodes.sql
RESET SESSION AUTHORIZATION;
\set north_id '00000000-0000-7000-8000-0000000000a0'
\set south_id '00000000-0000-7000-8000-0000000000b0'
-- Each tenant has a shard of its own.
SELECT greatest(uuid_hash(:'north_id'), uuid_hash(:'south_id')) AS border \gset
UPDATE pg_catalog.pg_dist_shard SET shardmaxvalue = (:border - 1)::text WHERE shardmaxvalue = '-1';
UPDATE pg_catalog.pg_dist_shard SET shardminvalue = :'border' WHERE shardminvalue = '0';
SELECT casnet.enable_audit(t) IS NULL AS made FROM unnest('{casnet.records,casnet.users,casnet.user_tenants}'::regclass[]) AS t \g /dev/null
-- Citus makes these for rows only.
SELECT public.change_copy(s.shell, format('CREATE TRIGGER casnet_audit_%1$s AFTER INSERT OR UPDATE OR DELETE ON %2$s FOR EACH ROW EXECUTE FUNCTION casnet_internal.record_change()',
		s.number, s.relation)) IS NULL AS made
  FROM casnet_internal.shards() AS s WHERE s.shell = ANY ('{casnet.records,casnet.users,casnet.user_tenants}'::regclass[]) \g /dev/null
CREATE FUNCTION public.shard_with(shell regclass, tenant uuid) RETURNS text LANGUAGE sql AS
	'SELECT shell || ''_'' || s.shardid FROM pg_catalog.pg_dist_shard AS s WHERE s.logicalrelid = shell
	    AND uuid_hash(tenant) BETWEEN s.shardminvalue::integer AND s.shardmaxvalue::integer';
-- How many entries each table has.
CREATE FUNCTION public.written() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
	one bigint;
	result text := '';
	part regclass;
BEGIN
	FOREACH part IN ARRAY ARRAY['casnet_internal.audit_entries', 'casnet_internal.audit_on_nodes',
		public.shard_with('casnet_internal.audit_on_nodes', '00000000-0000-7000-8000-0000000000a0'),
		public.shard_with('casnet_internal.audit_on_nodes', '00000000-0000-7000-8000-0000000000b0')]::regclass[] LOOP
		EXECUTE 'SELECT count(*) FROM ' || part INTO one;
		result := result || one || ' ';
	END LOOP;
	RETURN result;
END
$$;
SELECT shard_with('casnet.records', :'north_id') AS records, shard_with('casnet.records', :'south_id') AS southern,
	shard_with('casnet_internal.audit_on_nodes', :'north_id') AS audit,
	shard_of('casnet.users') AS users, shard_of('casnet.user_tenants') AS members \gset
SELECT is(written(), '0 0 0 0 ', 'there is no entry');

-- A coordinator.
SELECT public.change_copy('casnet.users', $$UPDATE %s SET full_name = 'Mia M' WHERE username = 'mia'$$);
SELECT is(written(), '1 0 0 0 ', 'the coordinator records its copy of a reference table');
SELECT results_eq('SELECT relation, action, after FROM casnet_internal.audit_entries',
	$$VALUES ('casnet.users', 'UPDATE', '{"full_name": "Mia M"}'::jsonb)$$, 'by the name of the table');
CREATE TABLE public.plain_102008 (id uuid PRIMARY KEY, tenant_id uuid);
SELECT casnet.enable_audit('public.plain_102008') IS NULL AS made \g /dev/null
INSERT INTO public.plain_102008 VALUES (casnet.uuid_v7(), :'north_id');
SELECT results_eq($$SELECT relation FROM casnet_internal.audit_entries WHERE tenant_id IS NOT NULL$$, $$VALUES ('public.plain_102008')$$,
	'a table with a number in its name is no shard');
TRUNCATE public.plain_102008;
SELECT is(written(), '3 0 0 0 ', 'TRUNCATE of a plain table is recorded');
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON :records FOR EACH STATEMENT EXECUTE FUNCTION casnet_internal.record_change();
SAVEPOINT truncated;
TRUNCATE :records;
SELECT is(written(), '3 0 0 0 ', 'that of a shard is the table''s');
ROLLBACK TO truncated;

-- A worker.
UPDATE pg_catalog.pg_dist_local_group SET groupid = 7;
ALTER TABLE pg_catalog.pg_dist_partition SET (fillfactor = 90);		-- sends a message
SELECT ok(casnet_internal.is_worker(), 'this is a worker');
SELECT public.change_copy('casnet.users', $$UPDATE %s SET full_name = 'Mia N' WHERE username = 'mia'$$);
SELECT is(written(), '3 0 0 0 ', 'a worker does not record its copy');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
INSERT INTO :records (title) VALUES ('new');
SELECT is(written(), '3 0 1 0 ', 'it records a row of a tenant, in the shard of the tenant');
RESET SESSION AUTHORIZATION;
SELECT results_eq(format('SELECT tenant_id, user_id, session_role, role, relation, action, after ->> ''title'' FROM %s', :'audit'),
	format('VALUES (%L::uuid, casnet.current_user_id(), ''tap_app'', ''tap_app'', ''casnet.records'', ''INSERT'', ''new'')', :'north_id'),
	'by whom, and the name of the table');
SELECT results_eq(format('SELECT transaction_id >> 48, transaction_id & ((1::bigint << 48) - 1) FROM %s', :'audit'),
	'SELECT 7::bigint, pg_current_xact_id()::text::bigint', 'and by the number of the node');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
UPDATE :records SET title = 'newer' WHERE title = 'new';
DELETE FROM :records WHERE title = 'newer';
SELECT is(written(), '3 0 3 0 ', 'each change');
SAVEPOINT undone;
INSERT INTO :records (title) VALUES ('undone');
ROLLBACK TO undone;
SELECT is(written(), '3 0 3 0 ', 'but none that is undone');
CALL be('otto', 'South');
INSERT INTO :southern (title) VALUES ('foreign');
SELECT is(written(), '3 0 3 1 ', 'another tenant''s elsewhere');
RESET SESSION AUTHORIZATION;
-- Rows of a superuser, of both tenants in one table.
ALTER TABLE :records NO FORCE ROW LEVEL SECURITY;
INSERT INTO :records (tenant_id, title) SELECT CASE WHEN i % 2 = 0 THEN :'north_id' ELSE :'south_id' END::uuid, 'row' FROM generate_series(1, 20) AS i;
SELECT is(written(), '3 0 13 11 ', 'rows of two tenants in one statement');
SAVEPOINT lost;
DELETE FROM pg_catalog.pg_dist_shard WHERE logicalrelid = 'casnet_internal.audit_on_nodes'::regclass;
ALTER TABLE casnet_internal.audit_on_nodes SET (fillfactor = 90);
SELECT is(state_of(format('INSERT INTO %s (tenant_id, title) VALUES (%L, ''lost'')', :'records', :'north_id')), '55000', 'without a shard for the entry the change is refused');
SELECT alike(error_of(format('INSERT INTO %s (tenant_id, title) VALUES (%L, ''lost'')', :'records', :'north_id')), '%undistribute()%', 'with a hint');
ROLLBACK TO lost;

-- Entries stay as they are.
SELECT is(state_of(format('DELETE FROM %s', :'audit')), '42501', 'nobody deletes an entry');
SELECT is(state_of(format('UPDATE %s SET role = ''x''', :'audit')), '42501', 'nor changes one');
SELECT is(state_of(format('UPDATE %s SET role = ''x'' WHERE casnet_internal.entry_goes(id)', :'audit')), '42501', 'with no condition');
SELECT is(state_of(format('SELECT casnet_internal.entry_goes(id) FROM %s LIMIT 1', :'audit')), 'none', 'who only asks');
SELECT is(state_of(format('DELETE FROM %s WHERE id <> (SELECT id FROM %1$s WHERE casnet_internal.entry_goes(id) LIMIT 1)', :'audit')), '42501', 'lets no other entry go');
SAVEPOINT kept;
SELECT is(rows_of(format('DELETE FROM %s WHERE action = ''DELETE'' AND casnet_internal.entry_goes(id)', :'audit')), 1::bigint, 'what a coordinator deletes goes');
SELECT is(state_of(format('DELETE FROM %s', :'audit')), '42501', 'and nothing else');
ROLLBACK TO kept;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(state_of($$SELECT casnet_internal.entry_goes('00000000-0000-7000-8000-0000000000a0')$$), '42501', 'no application asks');
SELECT is(state_of(format('SELECT count(*) FROM %s', :'audit')), '42501', 'or reads entries');
SELECT is(state_of('SELECT count(*) FROM casnet_internal.audit_on_nodes'), '42501', 'or the table');
RESET SESSION AUTHORIZATION;
UPDATE pg_catalog.pg_dist_local_group SET groupid = 0;
ALTER TABLE pg_catalog.pg_dist_partition SET (fillfactor = 80);
SELECT is(state_of(format('DELETE FROM %s WHERE casnet_internal.entry_goes(id)', :'audit')), '42501', 'nothing goes by a condition on a coordinator');

-- A coordinator reads both; here the table itself has the rows.
SET LOCAL session_replication_role = replica;
SELECT format('INSERT INTO casnet_internal.audit_on_nodes SELECT * FROM %s', :'audit') AS fill \gset
:fill;
RESET session_replication_role;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT is(outcome('SELECT count(*) FROM casnet.audit_log()'), '14', 'the log is of both');
SELECT is(outcome('SELECT string_agg(action, '' '' ORDER BY at, id) FROM casnet.audit_log() WHERE relation = ''casnet.records'' AND after ->> ''title'' IS DISTINCT FROM ''row'''), 'INSERT UPDATE DELETE', 'in order');
SELECT is(outcome('SELECT count(*) FROM casnet.audit_log(max_rows => 5)'), '5', 'by pages');
SELECT is(outcome($$SELECT count(*) FROM casnet.audit_log(for_relation => 'public.plain_102008')$$), '1', 'of one table');
CALL be('mia', 'North');
SELECT is(outcome('SELECT count(*) FROM casnet.audit_log()'), '42501', 'for those who may');
RESET SESSION AUTHORIZATION;
SELECT is(diagnosis.n, 0::bigint, 'doctor() has nothing to say of the shards') FROM (SELECT count(*) FROM casnet_internal.shard_faults() AS f WHERE f.shard LIKE '%audit_on_nodes%') AS diagnosis (n);
ALTER TABLE :users DISABLE TRIGGER ALL;
SELECT ok(EXISTS (SELECT FROM casnet_internal.shard_faults() AS f WHERE f.shard = :'users' AND f.fault = 'Its changes are not recorded as those of its table.'), 'but of a copy that is not recorded');
SELECT is(casnet_internal.remove_audit_entries(:'north_id', NULL, NULL), 14::bigint, 'entries of a tenant go from both');
SELECT is(casnet_internal.remove_audit_entries(NULL, '-infinity', 'infinity'), 2::bigint, 'and all others');

-- The way there and back.
SELECT is(cardinality(casnet_internal.audit_definitions()), 18, 'three statements for each trigger');
SELECT casnet_internal.audit_definitions() AS definitions \gset
SELECT casnet.disable_audit(t) IS NULL AS ended FROM unnest('{casnet.records,casnet.users,casnet.user_tenants}'::regclass[]) AS t \g /dev/null
SELECT casnet_internal.run_definitions(:'definitions');
SELECT is(casnet_internal.audit_definitions(), :'definitions'::text[], 'make them as they were');
SET LOCAL session_replication_role = replica;
SELECT format('INSERT INTO casnet_internal.audit_on_nodes SELECT * FROM %s', :'audit') AS fill \gset
:fill;
RESET session_replication_role;
SELECT casnet_internal.gather_audit();
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries), 13::bigint, 'one server gets the entries');
SELECT is(to_regclass('casnet_internal.audit_on_nodes'), NULL, 'and the table is gone');
SELECT * FROM finish();
ROLLBACK;
