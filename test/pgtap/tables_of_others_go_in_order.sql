-- Deleting a tenant empties an application's tables in the order of their keys, even if
-- checks are deferred, as Django makes them.  Rows that only refer to the tenant's rows
-- follow their key.  How checks are deferred does not change.
BEGIN;
SELECT plan(8);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_maker;
CREATE SCHEMA shop AUTHORIZATION tap_maker;
CREATE TABLE shop.orders (id uuid NOT NULL, parent uuid, title text);
CREATE TABLE shop.lines (id uuid NOT NULL, order_id uuid);
CREATE TABLE shop.notes (id integer, record_id uuid, tenant uuid);
SELECT casnet.protect('shop.orders') IS NOT NULL AND casnet.protect('shop.lines') IS NOT NULL AS protected \gset
ALTER TABLE shop.orders ADD UNIQUE (tenant_id, id),
	ADD FOREIGN KEY (tenant_id, parent) REFERENCES shop.orders (tenant_id, id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE shop.lines ADD FOREIGN KEY (tenant_id, order_id) REFERENCES shop.orders (tenant_id, id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE shop.notes ADD FOREIGN KEY (tenant, record_id) REFERENCES casnet.records (tenant_id, id) ON DELETE SET NULL (record_id);
ALTER TABLE shop.orders OWNER TO tap_maker;
ALTER TABLE shop.lines OWNER TO tap_maker;
ALTER TABLE shop.notes OWNER TO tap_maker;
INSERT INTO shop.orders (tenant_id, id, parent) VALUES (:'north', :'olga', NULL), (:'north', :'adam', :'olga'), (:'south', :'olga', NULL);
INSERT INTO shop.lines (tenant_id, id, order_id) VALUES (:'north', :'mia', :'adam'), (:'south', :'mia', :'olga');
INSERT INTO shop.notes SELECT 1, r.id, r.tenant_id FROM casnet.records AS r WHERE r.title IN ('North record 1', 'South record 1');
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
SAVEPOINT before;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT cmp_ok(casnet.delete_tenant(:'north'), '>', 10::bigint, 'an administrator deletes the tenant');
RESET SESSION AUTHORIZATION;
SET CONSTRAINTS ALL IMMEDIATE;
SELECT is((SELECT count(*) FROM shop.orders), 1::bigint, 'orders');
SELECT is((SELECT count(*) FROM shop.lines), 1::bigint, 'lines');
SELECT is((SELECT string_agg(coalesce(record_id::text, 'none'), ', ' ORDER BY record_id NULLS LAST) FROM shop.notes), '00000000-0000-7000-8000-0000000001b0, none', 'a note stays without its record');
ROLLBACK TO before;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT cmp_ok(casnet.delete_tenant(:'north'), '>', 10::bigint, 'so does its owner');
RESET SESSION AUTHORIZATION;
SELECT lives_ok(format('INSERT INTO shop.lines (tenant_id, id, order_id) VALUES (%L, %L, %L)', :'south', :'vic', :'vic'), 'checks are deferred as before');
SELECT throws_ok('SET CONSTRAINTS ALL IMMEDIATE', '23503', NULL, 'and made');
SELECT is((SELECT count(*) FROM casnet.tenants WHERE id = :'north'), 0::bigint, 'the tenant is gone');
SELECT * FROM finish();
ROLLBACK;
