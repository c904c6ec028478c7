-- A key that the owner of protected tables adds or validates is checked for the rows of all
-- tenants, whoever is signed in and whatever the policies show them.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_keeper;
GRANT casnet_authenticator, casnet_admin TO tap_keeper;
CREATE SCHEMA garage AUTHORIZATION tap_keeper;
SET LOCAL SESSION AUTHORIZATION tap_keeper;
CREATE TABLE garage.vehicles (id int, tenant_id uuid);
CREATE TABLE garage.trips (vehicle_id int, tenant_id uuid);
INSERT INTO garage.vehicles VALUES (1, :'north'), (2, :'south');
INSERT INTO garage.trips VALUES (1, :'north'), (2, :'north');
SELECT is(count(*), 2::bigint, 'the tables are protected')
  FROM unnest(ARRAY['garage.vehicles', 'garage.trips']::regclass[]) AS t, casnet.protect(t);
ALTER TABLE garage.vehicles ADD UNIQUE (tenant_id, id);
CREATE FUNCTION pg_temp.seen() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM garage.trips';

\set key 'FOREIGN KEY (tenant_id, vehicle_id) REFERENCES garage.vehicles (tenant_id, id)'
SELECT throws_ok('ALTER TABLE garage.trips ADD ' || :'key', '23503', NULL, 'nobody is signed in: a row is found');
CALL be('otto', 'South');
SELECT is((SELECT count(*) FROM garage.trips), 0::bigint, 'somebody who sees none of the rows');
SELECT throws_ok('ALTER TABLE garage.trips ADD ' || :'key', '23503', NULL, 'still the row is found');
SELECT lives_ok('ALTER TABLE garage.trips ADD CONSTRAINT to_vehicle ' || :'key' || ' NOT VALID', 'a key for new rows');
SELECT throws_ok('ALTER TABLE garage.trips VALIDATE CONSTRAINT to_vehicle', '23503', NULL, 'the others are found when it is validated');
SELECT is((SELECT count(*) FROM garage.trips), 0::bigint, 'afterwards the policies bind the owner again');
CALL be('olga', 'North');
DELETE FROM garage.trips WHERE vehicle_id = 2;
CALL be('otto', 'South');
SELECT lives_ok('ALTER TABLE garage.trips VALIDATE CONSTRAINT to_vehicle', 'it holds');
SELECT ok(convalidated, 'for all') FROM pg_constraint WHERE conname = 'to_vehicle';
SELECT * FROM finish();
ROLLBACK;
