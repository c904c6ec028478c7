-- If rows of an application prevent a tenant's deletion, casnet looks for them as the owner
-- of their table.  It does not call the cast of another role's type as that owner.
BEGIN;
SELECT plan(5);
\ir include/fixtures.sql
\ir include/hostile.sql
CREATE ROLE tap_maker;
CREATE SCHEMA shop AUTHORIZATION tap_maker;
GRANT USAGE ON SCHEMA h TO tap_maker;
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TABLE shop.kept (id uuid, shade h.shade);
INSERT INTO shop.kept VALUES (NULL, 'dark');
RESET SESSION AUTHORIZATION;
SELECT h.shade_id('dark') = :'north' AS is_north \gset
SELECT is(:'is_north'::boolean, true, 'the cast names a tenant');
ALTER TABLE shop.kept ADD FOREIGN KEY (shade) REFERENCES casnet.tenants ON DELETE RESTRICT NOT VALID;
SELECT h.rose() IS NOT NULL AS begun \gset
SELECT throws_ok(format('SELECT casnet.delete_tenant(%L)', :'north'), '55000', 'function "shade_id" would run with more rights than its owner has', 'rows are looked for');
SELECT is(h.rose_if_at_all(), NULL, 'and nothing ran');
-- A type of the server is looked up as before.
ALTER TABLE shop.kept DROP COLUMN shade, ADD FOREIGN KEY (id) REFERENCES casnet.tenants ON DELETE RESTRICT;
UPDATE shop.kept SET id = :'north';
SELECT throws_ok(format('SELECT casnet.delete_tenant(%L)', :'north'), '23503', 'rows of table "kept" refer to the tenant', 'rows that refer to it');
DELETE FROM shop.kept;
SELECT lives_ok(format('SELECT casnet.delete_tenant(%L)', :'north'), 'none do');
SELECT * FROM finish();
ROLLBACK;
