-- Protected tables and guarded schemas outlive the extension.  When it returns, they get
-- back what it took along: the load view, the tenant's default, updated_at, and the guard.
BEGIN;
SELECT plan(10);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO tap_app;
CREATE TABLE app.visits (id int NOT NULL, updated_at timestamptz NOT NULL DEFAULT '2020-01-01');
SELECT casnet.protect('app.visits') IS NOT NULL AS protected \gset
SELECT casnet.guard_schema('app');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT lives_ok('INSERT INTO app.visits_load (id) VALUES (1)', 'a row by the view');
RESET SESSION AUTHORIZATION;

DROP EXTENSION casnet CASCADE;
SELECT lives_ok('CREATE TABLE app.passing (id int)', 'without the extension nobody guards');
DROP TABLE app.passing;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok(format('INSERT INTO app.visits_load (tenant_id, id) VALUES (%L, 2)', :'north'), '55000', NULL, 'nor does the view take rows');
RESET SESSION AUTHORIZATION;

CREATE EXTENSION casnet;
SELECT throws_ok('CREATE TABLE app.passing (id int)', '55000', NULL, 'it is back, and guards');
SELECT is_empty($$SELECT objid FROM pg_depend WHERE deptype = 'e' AND classid = 'pg_event_trigger'::regclass AND objid = (SELECT oid FROM pg_event_trigger WHERE evtname = 'casnet_guard')$$, 'the guard is in a dump as before');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT lives_ok('INSERT INTO app.visits_load (id) VALUES (3)', 'the view takes rows again');
SELECT lives_ok('INSERT INTO app.visits (id) VALUES (4)', 'so does the table');
SELECT is((SELECT count(*) FROM app.visits), 3::bigint, 'of the active tenant');
UPDATE app.visits SET id = id;
SELECT is((SELECT count(*) FROM app.visits WHERE updated_at > '2020-01-01'), 3::bigint, 'an update moves updated_at');
CALL be('mia', 'South');
SELECT is((SELECT count(*) FROM app.visits), 0::bigint, 'and no other tenant sees them');
SELECT * FROM finish();
ROLLBACK;
