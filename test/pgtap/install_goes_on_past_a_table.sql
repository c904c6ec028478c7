-- The owner of a protected table can make it what casnet.install() cannot put right.  install()
-- warns, protects the other tables, and brings everything else up to date.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
\ir include/doctor.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_owner;
CREATE SCHEMA shop AUTHORIZATION tap_owner;
SET LOCAL SESSION AUTHORIZATION tap_owner;
CREATE TABLE shop.a (firm uuid NOT NULL, v text);
CREATE TABLE shop.b (firm uuid NOT NULL, v text);
CREATE FUNCTION shop.own() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
RESET SESSION AUTHORIZATION;
SELECT casnet.protect('shop.a', tenant_column => 'firm'), casnet.protect('shop.b', tenant_column => 'firm') \g /dev/null
SET LOCAL SESSION AUTHORIZATION tap_owner;
DROP TRIGGER casnet_keep_tenant ON shop.a;
CREATE CONSTRAINT TRIGGER casnet_keep_tenant AFTER UPDATE ON shop.a FOR EACH ROW EXECUTE FUNCTION shop.own();
DROP POLICY casnet_select ON shop.b;
RESET SESSION AUTHORIZATION;
SELECT is(diagnosis('policy-changed'), 'error casnet_select on shop.b', 'both differ');
SELECT is(diagnosis('trigger-missing'), 'error casnet_keep_tenant on shop.a', 'from what protect() makes');
SET LOCAL client_min_messages = error;
SELECT lives_ok('SELECT casnet.install()', 'install() goes on');
SELECT is(diagnosis('policy-changed'), NULL, 'and protects the other table');
SELECT is(diagnosis('trigger-missing'), 'error casnet_keep_tenant on shop.a', 'doctor() reports the one');
SELECT throws_ok('SELECT casnet.protect(''shop.a'')', '42710', NULL, 'protect() says why');
DROP TRIGGER casnet_keep_tenant ON shop.a;
SELECT casnet.install() IS NOT NULL AS installed \gset
SELECT is(diagnosis('trigger-missing'), NULL, 'without it install() makes its own');

-- A parent that is not protected does not hide which column names the tenant.
SET LOCAL SESSION AUTHORIZATION tap_owner;
CREATE TABLE shop.above (firm uuid NOT NULL, v text) PARTITION BY LIST (v);
ALTER TABLE shop.above ATTACH PARTITION shop.a DEFAULT;
RESET SESSION AUTHORIZATION;
SELECT is((SELECT tenant_column::text FROM casnet.protected_tables WHERE relation = 'shop.a'::regclass), 'firm', 'a table below another one keeps its column');
SELECT lives_ok('SELECT casnet.install()', 'and is no trouble to install()');
SELECT * FROM finish();
ROLLBACK;
