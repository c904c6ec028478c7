-- Entries name their table.  undelete() takes only those that are of the table which has the
-- name now, and asks for view_analytics where no policy asks for a permission.
BEGIN;
SELECT plan(10);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_maker;
GRANT casnet_user TO tap_maker;
CREATE SCHEMA app;
GRANT USAGE, CREATE ON SCHEMA app TO tap_maker;
GRANT USAGE ON SCHEMA app TO casnet_user;
CREATE TABLE app.cases (id int, body text, tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(), PRIMARY KEY (tenant_id, id));
SELECT casnet.protect('app.cases') \g /dev/null
SELECT casnet.enable_audit('app.cases') \g /dev/null
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
INSERT INTO app.cases VALUES (1, 'confidential');
DELETE FROM app.cases;
RESET SESSION AUTHORIZATION;
ALTER TABLE app.cases RENAME TO dossiers;
CALL be('vic', 'North');
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TABLE app.cases (id int, body text, tenant_id uuid, PRIMARY KEY (tenant_id, id));
GRANT SELECT, INSERT ON app.cases TO tap_app;
PREPARE bring AS SELECT casnet.undelete('app.cases', '1', false);
SELECT throws_ok('bring', '42501', 'permission "view_analytics" is missing in the active tenant', 'a table without policies, of another role');
SELECT is((SELECT count(*) FROM app.cases), 0::bigint, 'gets nothing');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT throws_ok('bring', 'P0002', 'no deletion of this row is recorded', 'whoever calls');
RESET SESSION AUTHORIZATION;
SELECT casnet.enable_audit('app.cases') \g /dev/null
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok('bring', 'P0002', 'no deletion of this row is recorded', 'entries from before the audit of the table');
RESET SESSION AUTHORIZATION;
DROP TABLE app.cases;
ALTER TABLE app.dossiers RENAME TO cases;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('vic', 'North');
SELECT throws_ok('bring', '42501', 'permission "create_cases" is missing in the active tenant', 'a table asks for its permissions');
CALL be('olga', 'North');
SELECT lives_ok('bring', 'its own row comes back');
DELETE FROM app.cases;
RESET SESSION AUTHORIZATION;
ALTER TABLE app.cases ENABLE REPLICA TRIGGER casnet_audit;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok('bring', 'P0002', 'no deletion of this row is recorded', 'a trigger that fires on replicas only');
RESET SESSION AUTHORIZATION;
ALTER TABLE app.cases ENABLE TRIGGER casnet_audit;
ALTER TABLE app.cases DISABLE TRIGGER casnet_audit;
SELECT casnet.enable_audit('app.cases') \g /dev/null
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok('bring', 'P0002', 'no deletion of this row is recorded', 'a gap since');

-- A permission is asked for before it is known whether there is an entry, also where
-- several policies let rows through.
RESET SESSION AUTHORIZATION;
CREATE POLICY own ON app.cases FOR SELECT USING (tenant_id = casnet.tenant_with('view_analytics') AND id < 0);
SET LOCAL SESSION AUTHORIZATION tap_app;
INSERT INTO app.cases VALUES (2, 'x');
DELETE FROM app.cases;
CALL be('vic', 'North');
SELECT is(state_of(format('SELECT casnet.undelete(''app.cases'', %L)', k)), '42501', k) FROM unnest('{2,3}'::text[]) AS k;
SELECT * FROM finish();
ROLLBACK;
