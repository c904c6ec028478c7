-- The view to load a protected table through belongs to the owner of the table.  With a new
-- owner the former one can put no code on it, and its query gets no rights by the change.  A
-- view that casnet did not make is not taken for one, even if it shows nothing.
BEGIN;
SELECT plan(17);
\ir include/fixtures.sql
\ir include/doctor.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_maker;
CREATE ROLE tap_buyer;
CREATE SCHEMA shop AUTHORIZATION tap_maker;
GRANT USAGE ON SCHEMA shop TO casnet_user, tap_buyer;
GRANT CREATE ON SCHEMA shop TO tap_buyer;
CREATE TABLE shop.secret AS SELECT 'secret'::text AS note;
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TABLE shop.orders (note text);
CREATE TABLE shop.other (note text);
CREATE FUNCTION shop.told() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
RESET SESSION AUTHORIZATION;
SELECT casnet.protect('shop.orders'), casnet.protect('shop.other') \g /dev/null
CREATE FUNCTION public.owner_of(name regclass) RETURNS text LANGUAGE sql AS 'SELECT relowner::regrole::text FROM pg_class WHERE oid = name';
SELECT is(diagnosis('load-view-changed'), NULL, 'as it was made');
ALTER TABLE shop.orders OWNER TO tap_buyer;
SELECT is(public.owner_of('shop.orders_load'), 'tap_buyer', 'it goes with its table');
SET LOCAL SESSION AUTHORIZATION tap_maker;
SELECT throws_ok('CREATE TRIGGER told INSTEAD OF INSERT ON shop.orders_load FOR EACH ROW EXECUTE FUNCTION shop.told()', '42501', NULL, 'the former owner puts nothing on it');
RESET SESSION AUTHORIZATION;
SELECT is(diagnosis('load-view-changed'), NULL, 'and nothing is wrong');

-- Views that would read or write with the rights of the new owner.
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE OR REPLACE VIEW shop.other_load AS SELECT note, NULL::uuid AS tenant_id FROM shop.secret UNION ALL SELECT NULL, NULL WHERE false;
RESET SESSION AUTHORIZATION;
SELECT is(diagnosis('load-view-changed'), 'error shop.other_load', 'another query is reported');
SET LOCAL client_min_messages = error;
ALTER TABLE shop.other OWNER TO CURRENT_USER;
SELECT is(public.owner_of('shop.other_load'), 'tap_maker', 'and gets no rights');
SELECT is(diagnosis('load-view-changed'), 'error shop.other_load', 'which is reported');
DROP VIEW shop.other_load;
SELECT casnet.protect('shop.other') \g /dev/null
SELECT is(public.owner_of('shop.other_load'), current_user::text, 'there is a new one');
SELECT is(diagnosis('load-view-changed'), NULL, 'remedy');
CREATE RULE told AS ON INSERT TO shop.orders_load DO ALSO INSERT INTO shop.secret VALUES ('x');
SELECT is(diagnosis('load-view-changed'), 'error shop.orders_load', 'a rule is reported');
ALTER TABLE shop.orders OWNER TO tap_maker;
SELECT is(public.owner_of('shop.orders_load'), 'tap_buyer', 'and the view stays where it is');
DROP RULE told ON shop.orders_load;
ALTER TABLE shop.orders ADD COLUMN n int;
SELECT is(public.owner_of('shop.orders_load'), 'tap_maker', 'without it the view follows again');

-- A view of somebody else with the name.
CREATE VIEW shop.bulk_load AS SELECT note FROM shop.secret WHERE false;
CREATE VIEW shop.plain_load AS SELECT NULL::text AS note WHERE false;
SET LOCAL SESSION AUTHORIZATION tap_maker;
ALTER TABLE shop.orders RENAME TO bulk;
RESET SESSION AUTHORIZATION;
SELECT is(public.owner_of('shop.bulk_load'), current_user::text, 'a view of a superuser stays its own');
SELECT is(public.owner_of('shop.orders_load'), 'tap_maker', 'beside the former one');
SET LOCAL SESSION AUTHORIZATION tap_maker;
ALTER TABLE shop.bulk RENAME TO plain;
RESET SESSION AUTHORIZATION;
SELECT is(public.owner_of('shop.plain_load'), current_user::text, 'also one that names no table');
SET LOCAL SESSION AUTHORIZATION tap_maker;
ALTER INDEX shop.plain RENAME TO sales;
RESET SESSION AUTHORIZATION;
SELECT is(public.owner_of('shop.sales_load'), 'tap_maker', 'ALTER INDEX renames a table, too');
SELECT is(diagnosis('load-view-changed'), NULL, 'nothing is wrong in the end');
SELECT * FROM finish();
ROLLBACK;
