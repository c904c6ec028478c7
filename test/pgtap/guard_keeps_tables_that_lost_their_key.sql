-- A protected table stays one when its owner drops the key to tenants.  So the guard of a
-- schema still refuses a parent, through which its rows could be read, and an exempt table
-- is exempt no longer once a protected table is below it.
BEGIN;
SELECT plan(8);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_owner;
CREATE SCHEMA shop AUTHORIZATION tap_owner;
CREATE SCHEMA guarded;
SET LOCAL SESSION AUTHORIZATION tap_owner;
CREATE TABLE shop.t (firm uuid NOT NULL, v text);
CREATE TABLE shop.above (v text);
CREATE TABLE shop.parts (firm uuid NOT NULL, v text) PARTITION BY LIST (v);
CREATE TABLE shop.log (v text) PARTITION BY LIST (v);
CREATE TABLE shop.log1 PARTITION OF shop.log DEFAULT;
RESET SESSION AUTHORIZATION;
SELECT casnet.protect('shop.t', tenant_column => 'firm'), casnet.exempt('shop.above'), casnet.exempt('shop.parts'), casnet.exempt('shop.log') \g /dev/null
SELECT results_eq('SELECT relation::text, in_force FROM casnet.declared_tables WHERE relation::text ~ ''^shop'' ORDER BY 1', $$VALUES ('shop.above', true), ('shop.log', true), ('shop.parts', true)$$, 'exempt tables can have partitions');
SELECT casnet.guard_schema('guarded');
SET LOCAL SESSION AUTHORIZATION tap_owner;
SELECT throws_ok('ALTER TABLE shop.t INHERIT shop.above', '55000', 'rows of table shop.t could be read without its policies', 'a parent is refused');
ALTER TABLE shop.t DROP CONSTRAINT t_firm_fkey;
SELECT throws_ok('ALTER TABLE shop.t INHERIT shop.above', '55000', 'rows of table shop.t could be read without its policies', 'also without the key');
SELECT throws_ok('ALTER TABLE shop.parts ATTACH PARTITION shop.t DEFAULT', '55000', 'rows of table shop.t could be read without its policies', 'and a partitioned table');
RESET SESSION AUTHORIZATION;
SELECT casnet.guard_schema('guarded', 'off');
SET LOCAL SESSION AUTHORIZATION tap_owner;
ALTER TABLE shop.parts ATTACH PARTITION shop.t DEFAULT;
RESET SESSION AUTHORIZATION;
SELECT results_eq('SELECT relation::text, in_force FROM casnet.declared_tables WHERE relation::text ~ ''^shop'' ORDER BY 1', $$VALUES ('shop.above', true), ('shop.log', true), ('shop.parts', false)$$, 'a protected child ends an exemption');
SELECT is((SELECT tenant_column::text FROM casnet.protected_tables WHERE resource = 't'), 'firm', 'and the child keeps its column');
SELECT throws_ok('SELECT casnet.exempt(''shop.parts'')', '42809', 'table shop.parts cannot be exempt', 'it cannot be exempt again');
ALTER TABLE shop.parts DETACH PARTITION shop.t;
ALTER TABLE shop.t INHERIT shop.above;
SELECT is((SELECT in_force FROM casnet.declared_tables WHERE relation = 'shop.above'::regclass), false, 'nor a parent by inheritance');
SELECT * FROM finish();
ROLLBACK;
