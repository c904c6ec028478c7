-- The guard of a schema stays with it when the schema is renamed, and judges the tables of a
-- schema that gets the name of a guarded one.
BEGIN;
SELECT plan(21);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_builder;
CREATE SCHEMA app AUTHORIZATION tap_builder;
CREATE SCHEMA lab AUTHORIZATION tap_builder;
CREATE FUNCTION guarded() RETURNS text LANGUAGE sql AS $$SELECT string_agg(concat_ws(' ', schema, action, exempt), ', ' ORDER BY schema) FROM casnet_internal.guarded_schemas$$;
GRANT CREATE ON DATABASE :DBNAME TO tap_builder;
SELECT casnet.guard_schema('app', exempt => '{version}'), casnet.guard_schema('lab', 'protect');
SET LOCAL SESSION AUTHORIZATION tap_builder;
SELECT lives_ok('ALTER SCHEMA app RENAME TO area', 'a guarded schema is renamed');
RESET SESSION AUTHORIZATION;
SELECT is(guarded(), 'area refuse {version}, lab protect {}', 'and stays guarded');
SET LOCAL SESSION AUTHORIZATION tap_builder;
SELECT throws_ok('CREATE TABLE area.new (id int)', '55000', NULL, 'under its new name');
SELECT lives_ok('CREATE TABLE area.version (id int)', 'with its exemptions');
SELECT lives_ok('CREATE SCHEMA app', 'another schema gets the old name');
SELECT lives_ok('CREATE TABLE app.new (id int)', 'and no guard');

-- A schema that is gone leaves its guard.
SELECT lives_ok('DROP SCHEMA lab', 'a guarded schema is dropped');
SELECT throws_ok('ALTER SCHEMA app RENAME TO lab', '55000', 'table lab.new would not be protected', 'another gets its name, with a table');
SELECT lives_ok('CREATE VIEW app.shown AS SELECT * FROM app.new', 'a view');
DROP VIEW app.shown;
DROP TABLE app.new;
SELECT lives_ok('CREATE MATERIALIZED VIEW app.new AS SELECT 1 AS x', 'with a materialized view');
SELECT throws_ok('ALTER SCHEMA app RENAME TO lab', '55000', NULL, 'likewise');
DROP MATERIALIZED VIEW app.new;
CREATE TABLE app.bills (id int PRIMARY KEY, tenant_id uuid);
CREATE TABLE app.parts (id int, tenant_id uuid NOT NULL) PARTITION BY LIST (id);
CREATE TABLE app.part PARTITION OF app.parts DEFAULT;
CREATE TABLE app.countries (code text);
RESET SESSION AUTHORIZATION;
SELECT casnet.protect('app.bills') IS NOT NULL, casnet.protect('app.parts') IS NOT NULL, casnet.share('app.countries') IS NOT NULL;
SET LOCAL SESSION AUTHORIZATION tap_builder;
SELECT lives_ok('ALTER SCHEMA app RENAME TO lab', 'protected and shared ones come along');
SELECT lives_ok('CREATE TABLE lab.more (id int)', 'and the guard is there');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM casnet.protected_tables WHERE relation::text ~ '^lab\.'), 3::bigint, 'it protects');
SELECT is(guarded(), 'area refuse {version}, lab protect {}', 'as before');
-- Two that are guarded.
DROP SCHEMA lab CASCADE;
SELECT lives_ok('ALTER SCHEMA area RENAME TO lab', 'a guarded one gets the name of a guarded one');
SELECT is(guarded(), 'lab refuse {version}', 'and keeps its own guard');
SELECT lives_ok('ALTER SCHEMA lab OWNER TO tap_app', 'another owner');
SELECT is(guarded(), 'lab refuse {version}', 'is the same schema');
SELECT casnet.guard_schema('lab', 'off');
SELECT lives_ok('ALTER SCHEMA lab RENAME TO app', 'without a guard');
SELECT is(guarded(), NULL, 'there is none');
SELECT * FROM finish();
ROLLBACK;
