-- A policy for the owner of a table only shows all rows through the owner's views and
-- SECURITY DEFINER functions.  casnet.doctor() reports these.
BEGIN;
SELECT plan(8);
\ir include/fixtures.sql
\ir include/doctor.sql
CREATE ROLE tap_owner;
CREATE ROLE tap_group;
GRANT tap_group TO tap_owner;
CREATE SCHEMA shop AUTHORIZATION tap_owner;
GRANT USAGE ON SCHEMA shop TO casnet_user;
SET LOCAL SESSION AUTHORIZATION tap_owner;
CREATE TABLE shop.bills (tenant_id uuid NOT NULL, n int);
RESET SESSION AUTHORIZATION;
SELECT casnet.protect('shop.bills') \g /dev/null
SET LOCAL SESSION AUTHORIZATION tap_owner;
CREATE VIEW shop.all_bills AS SELECT * FROM shop.bills;
GRANT SELECT ON shop.all_bills TO casnet_user;
CREATE FUNCTION shop.sum_of() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT sum(n) FROM shop.bills';
RESET SESSION AUTHORIZATION;
SELECT is(diagnosis('view-definer'), NULL, 'the policies bind the owner');
SELECT is(diagnosis('function-definer'), NULL, 'in functions, too');
SET LOCAL SESSION AUTHORIZATION tap_owner;
CREATE POLICY own ON shop.bills TO tap_group USING (true);
RESET SESSION AUTHORIZATION;
SELECT is(diagnosis('view-definer'), 'error shop.all_bills', 'until a policy is for a role of the owner');
SELECT is(diagnosis('function-definer'), 'error shop.sum_of()', 'in functions, too');
SELECT is(after_remedy('view-definer'), 'silent', 'remedy');
SELECT is(after_remedy('function-definer'), 'silent', 'remedy');
ALTER VIEW shop.all_bills RESET (security_invoker);
DROP POLICY own ON shop.bills;
CREATE POLICY own ON shop.bills FOR UPDATE TO tap_owner USING (true);
SELECT is(diagnosis('view-definer'), NULL, 'one for another command shows nothing');
CREATE POLICY narrow ON shop.bills FOR SELECT TO tap_owner USING (tenant_id = casnet.tenant_with('view_bills') AND n > 0);
SELECT is(diagnosis('view-definer'), NULL, 'nor does one that asks casnet');
SELECT * FROM finish();
ROLLBACK;
