-- The server fires no event trigger for EXPLAIN ANALYZE of CREATE TABLE AS, which makes the
-- table.  So casnet refuses it while a schema is guarded, and doctor() reports what is in a
-- guarded schema unprotected.
BEGIN;
SELECT plan(11);
\ir include/fixtures.sql
\ir include/doctor.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_maker;
CREATE SCHEMA g AUTHORIZATION tap_maker;
SET LOCAL SESSION AUTHORIZATION tap_maker;
PREPARE numbers AS SELECT 1 AS n;
CREATE MATERIALIZED VIEW g.early AS SELECT 1 AS n;
SELECT lives_ok('EXPLAIN ANALYZE CREATE TABLE g.zero AS SELECT 1 AS n', 'without a guard');
RESET SESSION AUTHORIZATION;
SELECT is(diagnosis('table-unguarded'), NULL, 'nothing is guarded');
SELECT casnet.guard_schema('g');
SELECT is(diagnosis('table-unguarded'), 'warning g.early, warning g.zero', 'what was there before the guard');
SET LOCAL SESSION AUTHORIZATION tap_maker;
SELECT is(error_of('EXPLAIN (ANALYZE, COSTS off) CREATE TABLE g.one AS SELECT 1 AS n'), '55000 | EXPLAIN ANALYZE would make a table that no guard sees | A schema of this database is guarded. | Run EXPLAIN ANALYZE of the query by itself, or CREATE TABLE AS without EXPLAIN. | ', 'a table');
SELECT throws_ok('EXPLAIN ANALYZE CREATE MATERIALIZED VIEW g.two AS SELECT 1 AS n', '55000', NULL, 'a materialized view');
SELECT throws_ok('EXPLAIN (ANALYZE) CREATE TABLE g.three AS EXECUTE numbers', '55000', NULL, 'a prepared query');
SELECT throws_ok('EXPLAIN (ANALYZE) SELECT 1 AS n INTO g.four', '55000', NULL, 'SELECT INTO');
SELECT lives_ok('EXPLAIN CREATE TABLE g.five AS SELECT 1 AS n', 'what makes none');
SELECT lives_ok('EXPLAIN (ANALYZE off) CREATE TABLE g.six AS SELECT 1 AS n', 'nor this');
SELECT lives_ok('EXPLAIN ANALYZE CREATE TEMP TABLE seven AS SELECT 1 AS n', 'a temporary one');
SELECT lives_ok('EXPLAIN ANALYZE SELECT 1', 'and a query');
SELECT * FROM finish();
ROLLBACK;
