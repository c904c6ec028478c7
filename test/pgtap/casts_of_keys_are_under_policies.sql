-- To check a foreign key the server can call a cast of the application, as the owner of the
-- referenced table.  Policies bind that owner there too, whether the server looked up the
-- cast for the key or earlier.
BEGIN;
SELECT plan(2);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_maker;
CREATE SCHEMA shop AUTHORIZATION tap_maker;
GRANT casnet_user TO tap_maker;
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TABLE shop.orders (id integer, note text);
RESET SESSION AUTHORIZATION;
SELECT casnet.protect('shop.orders', 'records') IS NOT NULL AS protected \g /dev/null
INSERT INTO shop.orders (tenant_id, id, note) VALUES (:'north', 1, 'of North'), (:'south', 2, 'of South');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TABLE shop.seen (orders bigint);
-- Two types, each with its own cast, since the server caches what it has looked up.
CREATE PROCEDURE shop.make(name text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TYPE shop.%I AS (n integer)', name);
	EXECUTE format($f$CREATE FUNCTION shop.to_integer(shop.%I) RETURNS integer LANGUAGE plpgsql AS $b$
		BEGIN
			EXECUTE 'INSERT INTO shop.seen SELECT count(*) FROM shop.orders';
			RETURN $1.n;
		END
		$b$
	$f$, name);
	EXECUTE format('CREATE CAST (shop.%1$I AS integer) WITH FUNCTION shop.to_integer(shop.%1$I) AS IMPLICIT', name);
	EXECUTE format('CREATE TABLE shop.%I (id shop.%I, note text)', name || '_child', name);
END
$$;
CREATE TABLE shop.parent (id integer PRIMARY KEY);
INSERT INTO shop.parent VALUES (1), (2);
CALL shop.make('for_key');
ALTER TABLE shop.for_key_child ADD FOREIGN KEY (id) REFERENCES shop.parent;
INSERT INTO shop.for_key_child VALUES (ROW(1));
SELECT is((SELECT string_agg(DISTINCT orders::text, ' ') FROM shop.seen), '1', 'looked up for the key');
DELETE FROM shop.seen;
CALL shop.make('before');
INSERT INTO shop.before_child VALUES (ROW(1));
ALTER TABLE shop.before_child ADD FOREIGN KEY (id) REFERENCES shop.parent NOT VALID;
-- The server checks as the updating role whether the key changes.
UPDATE shop.before_child SET note = 'x';
UPDATE shop.before_child SET id = ROW(2);
INSERT INTO shop.before_child VALUES (ROW(2));
SELECT is((SELECT string_agg(DISTINCT orders::text, ' ') FROM shop.seen), '1', 'looked up before');
SELECT * FROM finish();
ROLLBACK;
