-- In a guarded schema a new table is refused or protected at once.  Elsewhere, in a restore,
-- and after the guard is off, nothing happens.
BEGIN;
SELECT plan(32);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE SCHEMA app;
CREATE SCHEMA strict;
CREATE ROLE tap_developer;
GRANT ALL ON SCHEMA app, strict, public TO tap_developer;
CREATE TABLE strict.old (id int);
CREATE TABLE strict.parts (id int, tenant_id uuid NOT NULL) PARTITION BY LIST (id);
SELECT casnet.protect('strict.parts') IS NOT NULL AS protected \gset

SELECT is((SELECT count(*) FROM pg_event_trigger WHERE evtname = 'casnet_guard'), 0::bigint, 'no event trigger without need');
SELECT lives_ok('SELECT casnet.guard_schema(''strict'')', 'guard_schema() refuses by default');
SELECT lives_ok('SELECT casnet.guard_schema(''app'', ''protect'')', 'or protects');
SELECT lives_ok('SELECT casnet.guard_schema(''app'', ''protect'')', 'twice is once');
SELECT throws_ok(v.s, '22023', NULL, v.s)
  FROM (VALUES ('SELECT casnet.guard_schema(''casnet'')'), ('SELECT casnet.guard_schema(''casnet_internal'')'), ('SELECT casnet.guard_schema(''pg_catalog'')'), ('SELECT casnet.guard_schema(NULL)'),
		('SELECT casnet.guard_schema(''app'', ''maybe'')'), ('SELECT casnet.guard_schema(''app'', NULL)')) AS v (s);

SET LOCAL SESSION AUTHORIZATION tap_developer;
SELECT throws_ok(v.s, '55000', NULL, v.s)
  FROM (VALUES ('CREATE TABLE strict.new (id int)'), ('CREATE TABLE strict.new AS SELECT 1 AS x'), ('SELECT 1 AS x INTO strict.new'),
		('CREATE TABLE strict.new (id int) PARTITION BY LIST (id)')) AS v (s);
SELECT lives_ok('CREATE TABLE public.elsewhere (id int)', 'another schema');
SELECT lives_ok('CREATE TEMP TABLE passing (id int)', 'a temporary table');
SELECT lives_ok('CREATE VIEW strict.shown AS SELECT 1 AS x', 'a view');
SELECT lives_ok('CREATE TABLE app.visits (id int PRIMARY KEY)', 'where it protects, anybody''s table');
SELECT lives_ok('CREATE TABLE app.days (id int, day date) PARTITION BY RANGE (day)', 'or a partitioned one');
SELECT lives_ok('CREATE TABLE app.days_all PARTITION OF app.days DEFAULT', 'and its partition');
SELECT throws_ok('CREATE TABLE app.users (id int)', '22023', NULL, 'is refused with the reason if it cannot be');
RESET SESSION AUTHORIZATION;
SELECT set_eq('SELECT relation::text FROM casnet.protected_tables', ARRAY['app.visits', 'app.days', 'strict.parts'], 'are protected');
SELECT is((SELECT count(*) FROM pg_policies WHERE tablename = 'days_all'), 4::bigint, 'partitions have the policies');
CREATE TABLE strict.part PARTITION OF strict.parts DEFAULT;
SELECT is((SELECT count(*) FROM pg_policies WHERE tablename = 'part'), 4::bigint, 'of any protected table');

-- In the statement that creates the schema.
DROP SCHEMA strict CASCADE;
DROP SCHEMA app CASCADE;
SELECT throws_ok('CREATE SCHEMA strict CREATE TABLE new (id int)', '55000', NULL, 'with its schema, where it is refused');
SELECT lives_ok('CREATE SCHEMA app CREATE TABLE visits (id int PRIMARY KEY) CREATE VIEW shown AS SELECT id FROM visits', 'or protected');
SELECT is((SELECT count(*) FROM pg_policies WHERE schemaname = 'app'), 4::bigint, 'has policies');
CREATE TABLE public.parts (tenant_id uuid NOT NULL, id int) PARTITION BY LIST (id);
SELECT casnet.protect('public.parts') IS NOT NULL AS protected \gset
SELECT lives_ok('CREATE SCHEMA other CREATE TABLE part PARTITION OF public.parts DEFAULT', 'a partition with its schema');
SELECT is((SELECT count(*) FROM pg_policies WHERE schemaname = 'other'), 4::bigint, 'has the policies of its table');
CREATE SCHEMA strict;
SELECT lives_ok('SELECT casnet.install()', 'install() goes on');
SET LOCAL row_security = off;
SELECT lives_ok('CREATE TABLE strict.restored (id int)', 'and so does a restore');
SET LOCAL row_security = on;
SELECT casnet.guard_schema('strict', 'off'), casnet.guard_schema('app', 'off');
SELECT is((SELECT count(*) FROM pg_event_trigger WHERE evtname = 'casnet_guard'), 0::bigint, 'off');
SELECT * FROM finish();
ROLLBACK;
