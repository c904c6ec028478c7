-- No command adds a table without policies to a guarded schema, or a partition or child
-- without them to a protected table.
BEGIN;
SELECT plan(43);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE SCHEMA app;
CREATE SCHEMA strict;
CREATE SCHEMA loose;
CREATE ROLE tap_developer;
GRANT tap_developer TO tap_app;
GRANT ALL ON SCHEMA app, strict, loose TO tap_developer;
CREATE FOREIGN DATA WRAPPER tap_wrapper;
CREATE SERVER tap_server FOREIGN DATA WRAPPER tap_wrapper;
GRANT USAGE ON FOREIGN SERVER tap_server TO tap_developer;
SET LOCAL SESSION AUTHORIZATION tap_developer;
CREATE TABLE app.old (id int);
CREATE TABLE loose.plain (id int);
CREATE TABLE loose.parts (id int, tenant_id uuid NOT NULL) PARTITION BY LIST (id);
CREATE TABLE loose.shared (id int, tenant_id uuid NOT NULL);
CREATE TABLE loose.unshared (id int, tenant_id uuid NOT NULL) PARTITION BY LIST (id);
CREATE MATERIALIZED VIEW loose.kept AS SELECT 1 AS x;
CREATE FOREIGN TABLE loose.far (id int, tenant_id uuid NOT NULL) SERVER tap_server;
RESET SESSION AUTHORIZATION;
SELECT casnet.protect('loose.parts') IS NOT NULL AND casnet.protect('loose.shared') IS NOT NULL AS protected \gset
SELECT casnet.guard_schema('strict'), casnet.guard_schema('app', 'protect') \g /dev/null

SET LOCAL SESSION AUTHORIZATION tap_developer;
SELECT throws_ok(v.s, '55000', NULL, v.s)
  FROM (VALUES
	('CREATE MATERIALIZED VIEW %I.new AS SELECT 1 AS x'),
	('ALTER MATERIALIZED VIEW loose.kept SET SCHEMA %I'),
	('ALTER TABLE loose.kept SET SCHEMA %I'),
	('CREATE FOREIGN TABLE %I.new (id int) SERVER tap_server'),
	('ALTER FOREIGN TABLE loose.far SET SCHEMA %I'),
	('ALTER TABLE loose.far SET SCHEMA %I')) AS t (t)
 CROSS JOIN LATERAL (VALUES (format(t.t, 'strict')), (format(t.t, 'app'))) AS v (s);
SELECT throws_ok(v.s, '55000', NULL, v.s)
  FROM (VALUES
	('ALTER TABLE loose.plain SET SCHEMA strict'),
	('CREATE TABLE strict.new (LIKE loose.plain)'),
	('CREATE TABLE strict.new () INHERITS (loose.plain)'),
	('CREATE TABLE strict.new AS TABLE loose.plain'),
	('SELECT * INTO strict.new FROM loose.plain'),
	('CREATE UNLOGGED TABLE strict.new (id int)'),
	('DO ''BEGIN ALTER TABLE loose.plain SET SCHEMA strict; END'''),
	-- partitions and children of protected tables, and the other way round
	('CREATE TABLE loose.new () INHERITS (loose.shared)'),
	('ALTER TABLE loose.unshared ATTACH PARTITION loose.shared FOR VALUES IN (1)'),
	('ALTER TABLE app.old ADD COLUMN tenant_id uuid NOT NULL; ALTER TABLE app.old INHERIT loose.shared; '),
	('ALTER TABLE loose.shared INHERIT loose.plain')) AS v (s);

SELECT throws_ok(v.s, '42809', NULL, v.s)
  FROM (VALUES ('CREATE FOREIGN TABLE loose.new PARTITION OF loose.parts FOR VALUES IN (1) SERVER tap_server'),
			   ('ALTER TABLE loose.parts ATTACH PARTITION loose.far FOR VALUES IN (1)')) AS v (s);
SELECT lives_ok(v.s, v.s)
  FROM (VALUES
	('ALTER TABLE app.old ADD COLUMN x int'),
	('ALTER TABLE app.old RENAME TO older'),
	('ALTER TABLE loose.shared SET SCHEMA strict'),
	('ALTER TABLE loose.plain SET SCHEMA app'),
	('CREATE VIEW strict.shown AS SELECT 1 AS x'),
	('ALTER TABLE strict.shared ADD COLUMN y int'),
	('CREATE TABLE loose.part (id int, tenant_id uuid NOT NULL)'),
	('ALTER TABLE loose.parts ATTACH PARTITION loose.part FOR VALUES IN (1)'),
	('CREATE TABLE loose.below (id int, tenant_id uuid NOT NULL) PARTITION BY LIST (id)'),
	('CREATE TABLE loose.deep PARTITION OF loose.below DEFAULT'),
	('ALTER TABLE loose.parts ATTACH PARTITION loose.below DEFAULT'),
	('CREATE MATERIALIZED VIEW loose.another AS SELECT 1 AS x')) AS v (s);
RESET SESSION AUTHORIZATION;
SELECT set_eq('SELECT relation::text FROM casnet.protected_tables', ARRAY['app.plain', 'strict.shared', 'loose.parts'], 'what was moved is protected');
SELECT set_eq('SELECT tablename::text, count(*) FROM pg_policies WHERE schemaname IN (''app'', ''strict'', ''loose'') GROUP BY 1',
	$$VALUES ('plain', 4::bigint), ('shared', 4), ('parts', 4), ('part', 4), ('below', 4), ('deep', 4)$$, 'and what was attached');
CREATE TABLE loose.open (id int, tenant_id uuid NOT NULL);
CREATE POLICY everything ON loose.open USING (true);
SELECT throws_ok('ALTER TABLE loose.parts ATTACH PARTITION loose.open FOR VALUES IN (2)', '55000', NULL, 'but nothing with policies of its own');
SELECT throws_ok('SELECT casnet_internal.guard_created_table()', NULL, NULL, 'nobody calls it');
-- A guard as an older version made it.
DROP EVENT TRIGGER casnet_guard;
CREATE EVENT TRIGGER casnet_guard ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION casnet_internal.guard_created_table();
SELECT casnet.install() \g /dev/null
SELECT throws_ok('CREATE MATERIALIZED VIEW strict.new AS SELECT 1 AS x', '55000', NULL, 'install() has it know all commands');
SELECT casnet.guard_schema('strict', 'off'), casnet.guard_schema('app', 'off') \g /dev/null
SELECT lives_ok('CREATE MATERIALIZED VIEW strict.new AS SELECT 1 AS x', 'off');
SELECT * FROM finish();
ROLLBACK;
