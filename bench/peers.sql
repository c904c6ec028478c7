-- What bench/peers.sh compares with casnet, after load.sql: tasks and events for every
-- tenant; the same rows in plain tables, under policies that people write; and the same
-- rows in a schema for each tenant.  Variable: schemas, the number of tenants that get
-- one.  Nothing here is random.
--
-- The plain tables have the columns and as many indexes as casnet's, but no composite
-- keys: id alone is the primary key, and foreign keys have one column.  They have no
-- trigger.  All policies are on the same tables, each for a role of its own, so all ways
-- read the same pages.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET timezone = 'UTC';
-- copies have the order of their source
SET synchronize_seqscans = off;
SET synchronous_commit = off;
SELECT set_config('bench.schemas', :'schemas', false) \g /dev/null

-- Foreign keys need not be checked one by one.
SET session_replication_role = replica;

-- One task and one event for five records, in order of creation.
INSERT INTO casnet.tasks (tenant_id, id, title, status, priority, due_date,
						  completed_at, assignee_id, record_id, created_at, updated_at)
	SELECT bench.tenant(n), bench.item(n, 33554432 + i), 'Call about case ' || i,
		   s.status, CASE WHEN bench.chance(n, i, 23) < 0.2 THEN 'HIGH' ELSE 'MEDIUM' END,
		   at + interval '30 days' * bench.chance(n, i, 21),
		   CASE s.status WHEN 'COMPLETED' THEN at + interval '20 days' END,
		   bench.item(0, n), bench.item(n, i), at, at
	  FROM (SELECT n, i, timestamptz '2020-01-01' + interval '1500 days'
						 * ((i + bench.chance(n, i, 2)) / records) AS at
			  FROM bench.size, generate_series(1, records, 5) AS i) AS r,
		   LATERAL (SELECT CASE width_bucket(bench.chance(n, i, 22),
											 ARRAY[0, 0.3, 0.4, 0.95])
						   WHEN 1 THEN 'PENDING' WHEN 2 THEN 'IN_PROGRESS'
						   WHEN 3 THEN 'COMPLETED' ELSE 'CANCELLED' END AS status) AS s
	 ORDER BY at, n, i;
INSERT INTO casnet.calendar_events (tenant_id, id, title, starts_at, ends_at,
									record_id, created_at, updated_at)
	SELECT bench.tenant(n), bench.item(n, 50331648 + i), 'Meeting on case ' || i,
		   starts_at, starts_at + interval '1 hour', bench.item(n, i), at, at
	  FROM (SELECT n, i, timestamptz '2020-01-01' + interval '1500 days'
						 * ((i + bench.chance(n, i, 2)) / records) AS at
			  FROM bench.size, generate_series(2, records, 5) AS i) AS r,
		   LATERAL (SELECT at + interval '14 days' * bench.chance(n, i, 24)
						   AS starts_at) AS s
	 ORDER BY at, n, i;

-- The plain tables.
CREATE SCHEMA plain;
CREATE EXTENSION IF NOT EXISTS btree_gin;
CREATE TEXT SEARCH CONFIGURATION plain.search (COPY = casnet.search);

CREATE TABLE plain.tenants AS SELECT id, name FROM casnet.tenants;
CREATE TABLE plain.users AS SELECT id, username FROM casnet.users;
CREATE TABLE plain.memberships AS
	SELECT user_id, tenant_id, role FROM casnet.user_tenants;
ALTER TABLE plain.tenants ADD PRIMARY KEY (id);
ALTER TABLE plain.users ADD PRIMARY KEY (id);
ALTER TABLE plain.memberships ADD PRIMARY KEY (user_id, tenant_id),
	ADD FOREIGN KEY (user_id) REFERENCES plain.users ON DELETE CASCADE,
	ADD FOREIGN KEY (tenant_id) REFERENCES plain.tenants ON DELETE CASCADE;
CREATE INDEX ON plain.memberships (tenant_id, user_id);

DO $$
DECLARE
	name text;
	columns text;
BEGIN
	FOREACH name IN ARRAY ARRAY['records', 'tags', 'record_tags', 'tasks', 'calendar_events'] LOOP
		EXECUTE format('CREATE TABLE plain.%I (LIKE casnet.%I INCLUDING DEFAULTS '
					   'INCLUDING CONSTRAINTS INCLUDING GENERATED)', name, name);
		EXECUTE format('ALTER TABLE plain.%I ALTER tenant_id DROP DEFAULT', name);
		SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO columns
		  FROM pg_attribute WHERE attrelid = format('casnet.%I', name)::regclass
		   AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
		EXECUTE format('INSERT INTO plain.%I (%s) SELECT %s FROM casnet.%I',
					   name, columns, columns, name);
	END LOOP;
END
$$;
RESET session_replication_role;

ALTER TABLE plain.records ADD PRIMARY KEY (id);
ALTER TABLE plain.tags ADD PRIMARY KEY (id), ADD UNIQUE (tenant_id, name);
ALTER TABLE plain.record_tags ADD PRIMARY KEY (record_id, tag_id);
ALTER TABLE plain.tasks ADD PRIMARY KEY (id);
ALTER TABLE plain.calendar_events ADD PRIMARY KEY (id);
CREATE INDEX ON plain.records (tenant_id, created_at, id);
CREATE INDEX ON plain.records USING gin (tenant_id, search_vector);
CREATE INDEX ON plain.record_tags (tenant_id, tag_id, record_id);
CREATE INDEX ON plain.tasks (tenant_id, assignee_id);
CREATE INDEX ON plain.tasks (tenant_id, created_at, id);
-- A foreign key finds the referencing rows by the referenced key.
CREATE INDEX ON plain.tasks (record_id);
CREATE INDEX ON plain.tasks (tenant_id, status, due_date);
CREATE INDEX ON plain.calendar_events (record_id);
CREATE INDEX ON plain.calendar_events (tenant_id, starts_at);
ALTER TABLE plain.records ADD FOREIGN KEY (tenant_id) REFERENCES plain.tenants ON DELETE CASCADE;
ALTER TABLE plain.tags ADD FOREIGN KEY (tenant_id) REFERENCES plain.tenants ON DELETE CASCADE;
ALTER TABLE plain.record_tags
	ADD FOREIGN KEY (tenant_id) REFERENCES plain.tenants ON DELETE CASCADE,
	ADD FOREIGN KEY (record_id) REFERENCES plain.records ON DELETE CASCADE,
	ADD FOREIGN KEY (tag_id) REFERENCES plain.tags ON DELETE CASCADE;
ALTER TABLE plain.tasks
	ADD FOREIGN KEY (tenant_id) REFERENCES plain.tenants ON DELETE CASCADE,
	ADD FOREIGN KEY (assignee_id) REFERENCES plain.users,
	ADD FOREIGN KEY (record_id) REFERENCES plain.records ON DELETE SET NULL;
ALTER TABLE plain.calendar_events
	ADD FOREIGN KEY (tenant_id) REFERENCES plain.tenants ON DELETE CASCADE,
	ADD FOREIGN KEY (record_id) REFERENCES plain.records ON DELETE SET NULL;

-- The user and the memberships, in the form that policies use.
CREATE FUNCTION plain.current_user_id() RETURNS uuid
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN nullif(current_setting('app.user_id', true), '')::uuid;
CREATE FUNCTION plain.my_tenants() RETURNS SETOF uuid
	LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE
	SET search_path = ''
	AS $$SELECT tenant_id FROM plain.memberships
		  WHERE user_id = plain.current_user_id()$$;
CREATE FUNCTION plain.is_member(tenant uuid) RETURNS boolean
	LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE
	SET search_path = ''
	AS $$SELECT EXISTS (SELECT FROM plain.memberships AS m
						 WHERE m.user_id = plain.current_user_id()
						   AND m.tenant_id = is_member.tenant)$$;

-- One policy for each way, on every table, for the role of that way.
DO $$
DECLARE
	way record;
	name text;
BEGIN
	CREATE ROLE bench_peers;
	-- so that EXPLAIN shows its numbers
	GRANT pg_read_all_stats TO bench_peers;
	FOR way IN VALUES
		('bench_setting', $p$tenant_id = current_setting('app.tenant_id')::uuid$p$),
		('bench_subselect', $p$tenant_id = (SELECT current_setting('app.tenant_id')::uuid)$p$),
		('bench_in', $p$tenant_id IN (SELECT m.tenant_id FROM plain.memberships AS m
									   WHERE m.user_id = (SELECT plain.current_user_id()))$p$),
		('bench_set', $p$tenant_id IN (SELECT plain.my_tenants())$p$),
		('bench_any', $p$tenant_id = ANY (ARRAY(SELECT plain.my_tenants()))$p$),
		('bench_row', $p$plain.is_member(tenant_id)$p$)
	LOOP
		EXECUTE format('CREATE ROLE %I LOGIN IN ROLE bench_peers', way.column1);
		FOREACH name IN ARRAY ARRAY['records', 'tags', 'record_tags', 'tasks', 'calendar_events'] LOOP
			EXECUTE format('CREATE POLICY %I ON plain.%I TO %I USING (%s) WITH CHECK (%s)',
						   way.column1, name, way.column1, way.column2, way.column2);
			EXECUTE format('ALTER TABLE plain.%I ENABLE ROW LEVEL SECURITY', name);
		END LOOP;
	END LOOP;
	CREATE ROLE bench_schema LOGIN IN ROLE bench_peers;
END
$$;
ALTER TABLE plain.memberships ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON plain.memberships FOR SELECT TO bench_peers
	USING (user_id = (SELECT plain.current_user_id()));
GRANT bench_peers TO bench_hand;
GRANT USAGE ON SCHEMA plain TO bench_peers;
GRANT ALL ON ALL TABLES IN SCHEMA plain TO bench_peers;
GRANT EXECUTE ON FUNCTION casnet.uuid_v7() TO bench_peers;
-- for sessions with tokens, see peers.py
CREATE ROLE bench_token LOGIN;
GRANT casnet_user TO bench_token;

-- A schema for each tenant: the same tables without the tenant.
CREATE SCHEMA one_tenant;
DO $$
DECLARE
	tenant record;
	name text;
	columns text;
BEGIN
	FOREACH name IN ARRAY ARRAY['records', 'tags', 'record_tags', 'tasks', 'calendar_events'] LOOP
		EXECUTE format('CREATE TABLE one_tenant.%I (LIKE plain.%I INCLUDING DEFAULTS '
					   'INCLUDING CONSTRAINTS INCLUDING GENERATED)', name, name);
		EXECUTE format('ALTER TABLE one_tenant.%I DROP COLUMN tenant_id', name);
	END LOOP;
	FOR tenant IN SELECT n, bench.tenant(n) AS id, 'tenant_' || n AS nspname
					FROM bench.size WHERE n <= current_setting('bench.schemas')::int
					  OR n = (SELECT count(*) / 2 FROM bench.size) ORDER BY n
	LOOP
		EXECUTE format('CREATE SCHEMA %I', tenant.nspname);
		PERFORM set_config('search_path', tenant.nspname || ', public', true);
		FOREACH name IN ARRAY ARRAY['records', 'tags', 'record_tags', 'tasks', 'calendar_events'] LOOP
			EXECUTE format('CREATE TABLE %I (LIKE one_tenant.%I INCLUDING DEFAULTS '
						   'INCLUDING CONSTRAINTS INCLUDING GENERATED)', name, name);
			SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO columns
			  FROM pg_attribute WHERE attrelid = name::regclass AND attnum > 0
			   AND attgenerated = '';
			EXECUTE format('INSERT INTO %I (%s) SELECT %s FROM plain.%I WHERE tenant_id = %L ORDER BY created_at',
						   name, columns, columns, name, tenant.id);
		END LOOP;
		ALTER TABLE records ADD PRIMARY KEY (id);
		ALTER TABLE tags ADD PRIMARY KEY (id), ADD UNIQUE (name);
		ALTER TABLE record_tags ADD PRIMARY KEY (record_id, tag_id),
			ADD FOREIGN KEY (record_id) REFERENCES records ON DELETE CASCADE,
			ADD FOREIGN KEY (tag_id) REFERENCES tags ON DELETE CASCADE;
		ALTER TABLE tasks ADD PRIMARY KEY (id),
			ADD FOREIGN KEY (assignee_id) REFERENCES plain.users,
			ADD FOREIGN KEY (record_id) REFERENCES records ON DELETE SET NULL;
		ALTER TABLE calendar_events ADD PRIMARY KEY (id),
			ADD FOREIGN KEY (record_id) REFERENCES records ON DELETE SET NULL;
		CREATE INDEX ON records (created_at, id);
		CREATE INDEX ON records USING gin (search_vector);
		CREATE INDEX ON record_tags (tag_id, record_id);
		CREATE INDEX ON tasks (assignee_id);
		CREATE INDEX ON tasks (created_at, id);
		CREATE INDEX ON tasks (record_id);
		CREATE INDEX ON tasks (status, due_date);
		CREATE INDEX ON calendar_events (record_id);
		CREATE INDEX ON calendar_events (starts_at);
		EXECUTE format('GRANT USAGE ON SCHEMA %I TO bench_schema', tenant.nspname);
		EXECUTE format('GRANT ALL ON ALL TABLES IN SCHEMA %I TO bench_schema', tenant.nspname);
		COMMIT;
	END LOOP;
END
$$;
RESET search_path;

VACUUM (FREEZE, ANALYZE);
CREATE TABLE bench.peers_loaded AS SELECT now() AS at;
CHECKPOINT;
