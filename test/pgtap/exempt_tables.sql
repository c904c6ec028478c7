-- An exempt table is left alone.  The guard of a schema exempts tables with the names that
-- it was given, and takes shared and exempt ones that come from elsewhere.
BEGIN;
SELECT plan(38);
\ir include/fixtures.sql
\ir include/doctor.sql
CREATE ROLE tap_migrator;
CREATE SCHEMA app;
CREATE SCHEMA quiet;
CREATE SCHEMA lab;
GRANT ALL ON SCHEMA app, quiet, lab TO tap_migrator;
CREATE FUNCTION states() RETURNS SETOF text LANGUAGE sql AS $$SELECT concat_ws(' ', relation, kind, in_force) FROM casnet.declared_tables WHERE relation <> 'public.who'::regclass$$;

SELECT throws_ok(format('SELECT casnet.guard_schema(''app'', exempt => %L)', v.names), '22023', 'a name of an exempt table is null, empty or too long', v.names::text)
  FROM (VALUES ('{NULL}'::text[]), ('{""}'), (ARRAY[repeat('x', 64)])) AS v (names);
SELECT casnet.guard_schema('app', exempt => '{alembic_version,"Schema Migrations"}'), casnet.guard_schema('quiet', 'protect', '{version}');
SET LOCAL SESSION AUTHORIZATION tap_migrator;
SELECT lives_ok('CREATE TABLE app.alembic_version (version_num text PRIMARY KEY)', 'the table of a migration tool');
SELECT lives_ok('INSERT INTO app.alembic_version VALUES (''1''); UPDATE app.alembic_version SET version_num = ''2''', 'is the tool''s, as nobody');
SELECT lives_ok('CREATE TABLE app."Schema Migrations" AS SELECT 1 AS version', 'by any command');
SELECT lives_ok('CREATE TABLE quiet.version (number int)', 'also where others are protected');
SELECT throws_ok('CREATE TABLE app.version (number int)', '55000', 'table app.version would not be protected', 'the name counts in its schema');
SELECT throws_ok('CREATE TABLE app.alembic_version_2 (number int)', '55000', NULL, 'and no other name');
RESET SESSION AUTHORIZATION;
SELECT set_eq('SELECT states()', ARRAY['app.alembic_version exempt t', 'app."Schema Migrations" exempt t', 'quiet.version exempt t'], 'are exempt');
SELECT is((SELECT array_agg(attname::text) FROM pg_attribute WHERE attrelid = 'quiet.version'::regclass AND attnum > 0), '{number}', 'and as they were made');
GRANT USAGE ON SCHEMA app, quiet, lab TO tap_app;
GRANT SELECT ON ALL TABLES IN SCHEMA app, quiet TO tap_app;
SELECT is(diagnosis('table-reachable'), NULL, 'doctor() has nothing to say of them');

-- It was said of a name, and not of the rows of tenants.
DROP TABLE app.alembic_version;
SELECT throws_ok('CREATE TABLE app.alembic_version (id int, tenant_id uuid)', '42809', 'table app.alembic_version cannot be exempt', 'no table of tenants');
SELECT throws_ok('CREATE TABLE app.alembic_version (author uuid REFERENCES casnet.users)', '42809', NULL, 'or with a key to them');
SELECT lives_ok('CREATE TABLE app.alembic_version (version_num text PRIMARY KEY)', 'made again');
SELECT lives_ok('SELECT casnet.guard_schema(''app'', ''protect'')', 'another action');
DROP TABLE app.alembic_version;
SELECT lives_ok('CREATE TABLE app.alembic_version (version_num text PRIMARY KEY)', 'keeps the names');
SELECT is((SELECT count(*) FROM states() AS s WHERE s ~ 'alembic'), 1::bigint, 'and a table that is gone is forgotten');
SELECT lives_ok('SELECT casnet.guard_schema(''app'', ''refuse'', ''{}'')', 'no names');
DROP TABLE app.alembic_version;
SELECT throws_ok('CREATE TABLE app.alembic_version (version_num text PRIMARY KEY)', '55000', NULL, 'exempt no more');

-- From elsewhere.
CREATE TABLE lab.countries (code text);
CREATE TABLE lab.jobs (id int) PARTITION BY LIST (id);
CREATE TABLE lab.jobs_1 PARTITION OF lab.jobs FOR VALUES IN (1);
CREATE TABLE lab.notes (id int);
CREATE TABLE lab.plain (id int);
CREATE MATERIALIZED VIEW lab.sums AS SELECT 1 AS x;
SELECT throws_ok(format('ALTER TABLE lab.%s SET SCHEMA app', name), '55000', NULL, 'refused: ' || name) FROM unnest('{countries,jobs,jobs_1,plain,sums}'::text[]) AS name;
SELECT casnet.share('lab.countries') = '{}' AS shared \gset
SELECT casnet.exempt('lab.jobs'), casnet.exempt('lab.sums'), casnet.protect('lab.notes') = '{}';
SELECT lives_ok(format('ALTER TABLE lab.%s SET SCHEMA app', name), 'taken: ' || name) FROM unnest('{countries,jobs,jobs_1,sums,notes}'::text[]) AS name;
SELECT lives_ok('CREATE TABLE app.jobs_2 PARTITION OF app.jobs FOR VALUES IN (2)', 'a partition of an exempt table');
SELECT lives_ok(format('ALTER TABLE app.%s SET SCHEMA lab', name), 'and out again: ' || name) FROM unnest('{countries,notes}'::text[]) AS name;
ALTER TABLE lab.countries ADD COLUMN note text;
SELECT throws_ok('ALTER TABLE lab.countries SET SCHEMA app', '55000', NULL, 'not once it has changed');
SELECT throws_ok('SELECT casnet.exempt(''lab.notes'')', '55000', 'table lab.notes is protected', 'no protected table is exempt');
SELECT casnet.exempt('lab.plain');
SELECT is(casnet.protect('lab.plain'), '{}', 'an exempt one is protected');
SELECT is((SELECT count(*) FROM states() AS s WHERE s ~ 'plain'), 0::bigint, 'and no longer exempt');
SELECT throws_ok('SELECT casnet.exempt(''app.jobs_1'')', '42809', 'table app.jobs_1 cannot be exempt', 'no partition by itself');
SELECT * FROM finish();
ROLLBACK;
