-- A key of a single partition, or to one, counts as a key of the table.  When a tenant is
-- deleted, tables are emptied in the order of such keys, too.  Deferred ones are checked at
-- once.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_maker;
CREATE SCHEMA shop AUTHORIZATION tap_maker;
CREATE TABLE shop.orders (id integer NOT NULL, kind integer NOT NULL) PARTITION BY LIST (kind);
CREATE TABLE shop.orders_1 PARTITION OF shop.orders FOR VALUES IN (1);
CREATE TABLE shop.lines (id integer NOT NULL, kind integer NOT NULL, order_id integer) PARTITION BY LIST (kind);
CREATE TABLE shop.lines_1 PARTITION OF shop.lines FOR VALUES IN (1);
-- Made first, so that only the key determines the order.
SELECT casnet.protect('shop.orders') IS NOT NULL AND casnet.protect('shop.lines') IS NOT NULL AS protected \gset
ALTER TABLE shop.orders_1 ADD UNIQUE (tenant_id, id);
ALTER TABLE shop.orders OWNER TO tap_maker;
ALTER TABLE shop.orders_1 OWNER TO tap_maker;
ALTER TABLE shop.lines OWNER TO tap_maker;
ALTER TABLE shop.lines_1 OWNER TO tap_maker;
INSERT INTO shop.orders (tenant_id, id, kind) VALUES (:'north', 1, 1), (:'south', 1, 1);
INSERT INTO shop.lines (tenant_id, id, kind, order_id) VALUES (:'north', 1, 1, 1), (:'south', 1, 1, 1);
CREATE FUNCTION public.left_by(person text, key text) RETURNS text LANGUAGE plpgsql SET search_path = public AS $$
DECLARE
	rows text;
BEGIN
	EXECUTE 'ALTER TABLE shop.lines_1 ADD CONSTRAINT of_partition FOREIGN KEY (tenant_id, order_id) REFERENCES shop.orders_1 (tenant_id, id) ' || key;
	SET LOCAL ROLE tap_app;
	CALL public.be(person, 'North');
	PERFORM casnet.delete_tenant(casnet.current_tenant_id());
	RESET ROLE;
	SET CONSTRAINTS ALL IMMEDIATE;
	SELECT concat_ws(' ', (SELECT count(*) FROM shop.orders), (SELECT count(*) FROM shop.lines), (SELECT count(*) FROM casnet.tenants WHERE name = 'North')) INTO rows;
	RAISE EXCEPTION USING ERRCODE = 'ZZZZY', MESSAGE = rows;
EXCEPTION WHEN OTHERS THEN
	RETURN CASE SQLSTATE WHEN 'ZZZZY' THEN SQLERRM ELSE SQLSTATE || ' ' || SQLERRM END;
END
$$;
SELECT is(public.left_by('olga', key), '1 1 0', 'key of a partition ' || key)
  FROM unnest('{"",DEFERRABLE,DEFERRABLE INITIALLY DEFERRED,ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED}'::text[]) AS key;
-- Also for a partition of a partition.
CREATE TABLE shop.lines_2 PARTITION OF shop.lines FOR VALUES IN (2) PARTITION BY LIST (kind);
CREATE TABLE shop.lines_21 PARTITION OF shop.lines_2 DEFAULT;
ALTER TABLE shop.lines_21 ADD FOREIGN KEY (tenant_id, order_id) REFERENCES shop.orders_1 (tenant_id, id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE shop.lines_2 OWNER TO tap_maker;
ALTER TABLE shop.lines_21 OWNER TO tap_maker;
INSERT INTO shop.lines (tenant_id, id, kind, order_id) VALUES (:'north', 1, 2, 1), (:'south', 1, 2, 1);
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
SELECT is(public.left_by('olga', 'DEFERRABLE'), '1 2 0', 'key of a partition of a partition');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT throws_ok(format('SELECT casnet.delete_tenant(%L)', :'north'), '42501', NULL, 'only by a user who may');
SELECT * FROM finish();
ROLLBACK;
