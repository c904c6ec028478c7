-- protect() makes a load view, which belongs to the owner of the table.  It never uses a
-- view of another role, whatever it looks like: that view's query would get the rights of
-- the table's owner.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_maker;
CREATE ROLE tap_builder;
GRANT casnet_admin TO tap_builder;
CREATE SCHEMA shop;
GRANT USAGE, CREATE ON SCHEMA shop TO tap_maker, tap_builder;
CREATE TABLE shop.secret AS SELECT 'secret'::text AS note;
CREATE TABLE shop.orders (note text);
SET LOCAL SESSION AUTHORIZATION tap_builder;
CREATE TABLE shop.own (note text);
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE VIEW shop.orders_load AS SELECT note, NULL::uuid AS tenant_id FROM shop.secret UNION ALL SELECT NULL, NULL WHERE false;
CREATE VIEW shop.own_load AS SELECT NULL::text AS note, NULL::uuid AS tenant_id WHERE false;
GRANT SELECT ON shop.orders_load, shop.own_load TO PUBLIC;
RESET SESSION AUTHORIZATION;
SELECT matches(array_to_string(casnet.protect('shop.orders'), ' '), 'shop.orders_load is not a view that casnet made', 'a superuser gets a note');
SELECT is((SELECT relowner::regrole::text FROM pg_class WHERE oid = 'shop.orders_load'::regclass), 'tap_maker', 'the view stays with its maker');
SET LOCAL SESSION AUTHORIZATION tap_maker;
SELECT throws_ok('TABLE shop.orders_load', '42501', 'permission denied for table secret', 'who still has no rights by it');
SET LOCAL SESSION AUTHORIZATION tap_builder;
SELECT matches(array_to_string(casnet.protect('shop.own'), ' '), 'shop.own_load is not a view that casnet made', 'nor does one of the right form count');
SELECT throws_ok($$SELECT casnet_internal.give_view('shop.own_load', 'shop.own')$$, '42710', NULL, 'nor is it given away');
RESET SESSION AUTHORIZATION;
SELECT throws_ok($$SELECT casnet_internal.give_view('shop.orders_load', 'shop.orders')$$, '42710', NULL, 'by a superuser either');
DROP VIEW shop.orders_load;
SELECT is(casnet_internal.make_load_view('shop.orders')::text, 'shop.orders_load', 'without it there is one of casnet');
ALTER TABLE shop.orders OWNER TO tap_builder;
SELECT is(casnet_internal.make_load_view('shop.orders')::text, 'shop.orders_load', 'which goes with the table');
SELECT is((SELECT relowner::regrole::text FROM pg_class WHERE oid = 'shop.orders_load'::regclass), 'tap_builder', 'to its new owner');
SELECT * FROM finish();
ROLLBACK;
