-- The server evaluates the constant parts of a partition key when it opens the partitioned
-- table to change it.  If they call a function of a role that is no superuser, casnet does
-- not change the table.
BEGIN;
SELECT plan(20);
\ir include/fixtures.sql
\ir include/hostile.sql
SET LOCAL SESSION AUTHORIZATION tap_evil;
CREATE TABLE h.parts (id int, tenant_id uuid, updated_at timestamptz) PARTITION BY RANGE ((id + h.evil('partition key')));
CREATE TABLE h.part PARTITION OF h.parts DEFAULT;
CREATE TABLE h.wide (id int, tenant_id uuid, updated_at timestamptz) PARTITION BY LIST (id);
CREATE TABLE h.narrow PARTITION OF h.wide DEFAULT PARTITION BY RANGE ((id + h.evil('partition key')));
CREATE TABLE h.narrowest PARTITION OF h.narrow DEFAULT;
CREATE TABLE h.plain (id int, tenant_id uuid, updated_at timestamptz, day date) PARTITION BY RANGE ((id + 1), (extract(year FROM day)));
CREATE TABLE h.plain_part PARTITION OF h.plain DEFAULT PARTITION BY HASH (id);
CREATE TABLE h.plain_leaf PARTITION OF h.plain_part FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE INDEX evil_index ON h.plain ((h.evil('index expression')));
ALTER TABLE h.plain ADD CONSTRAINT evil_check CHECK (h.evil('check') = 1);
INSERT INTO h.plain SELECT n, '00000000-0000-7000-8000-0000000000a0', now(), '2024-01-01' FROM generate_series(1, 3) AS n;
RESET SESSION AUTHORIZATION;
SELECT h.rose() IS NOT NULL AS begun \gset

SELECT throws_ok('SELECT casnet.protect(''h.parts'')', '42809', 'table h.parts cannot be protected', 'a key with a function of another role');
SELECT throws_ok('SELECT casnet.protect(''h.wide'')', '42809', 'table h.wide cannot be protected', 'of a partition');
SELECT throws_ok(format('SELECT casnet.enable_audit(%L)', t), '42809', 'the partition key of table ' || p || ' calls a function of a role that is no superuser', 'nor is it audited: ' || t) FROM (VALUES ('h.parts', 'h.parts'), ('h.wide', 'h.narrow')) AS v (t, p);
SELECT lives_ok('SELECT casnet.doctor()', 'doctor() looks at them');
SET LOCAL SESSION AUTHORIZATION tap_boss;
SELECT throws_ok('SELECT casnet_internal.add_tenant_key(''h.parts'', ''tenant_id'')', '42809', NULL, 'nor does it get a key');
RESET SESSION AUTHORIZATION;
SELECT is(h.rose_if_at_all(), NULL, 'nothing ran');
SET LOCAL SESSION AUTHORIZATION tap_boss;
-- Nor if the same statement attached the partition just before.
SAVEPOINT a;
CREATE TABLE h.later (id int NOT NULL, tenant_id uuid) PARTITION BY RANGE (id);
CREATE FUNCTION h.attach() RETURNS regclass LANGUAGE plpgsql AS $$
BEGIN
	CREATE TABLE h.later_part PARTITION OF h.later DEFAULT PARTITION BY RANGE ((id + h.evil('partition key')));
	RETURN 'h.later';
END
$$;
SELECT throws_ok('SELECT casnet_internal.add_tenant_key(h.attach(), ''tenant_id'')', '42809', 'the partition key of table h.later calls a function of a role that is no superuser', 'nor one that is attached in the same statement');
ROLLBACK TO a;
RESET SESSION AUTHORIZATION;
SELECT h.rose() IS NOT NULL AS begun \gset

-- Partitions of several levels, with a key of the server's functions.
SELECT lives_ok('SELECT casnet.protect(''h.plain'')', 'keys of the server''s functions');
SELECT is(h.rose(), 'no', 'what else is there ran as its owner');
SELECT results_eq('SELECT conrelid::regclass::text, convalidated, conparentid <> 0 FROM pg_constraint WHERE confrelid = ''casnet.tenants''::regclass AND conrelid::regclass::text ~ ''^h'' ORDER BY 1',
	$$VALUES ('h.plain', true, false), ('h.plain_leaf', true, true), ('h.plain_part', true, true)$$, 'each has its key, under that of the table');
-- The planner calls it while rows are looked for, and it writes.
SELECT throws_ok(format('SELECT casnet.delete_tenant(%L)', :'north'), '55000', 'a table''s owner has code that wrote rows while those of the tenant were looked for', 'what writes when a query is planned could bring rows back');
DROP INDEX h.evil_index;
ALTER TABLE h.plain DROP CONSTRAINT evil_check;
SELECT casnet.delete_tenant(:'north') IS NOT NULL AS deleted \gset
CREATE INDEX evil_index ON h.plain ((h.evil('index expression')));
ALTER TABLE h.plain ADD CONSTRAINT evil_check CHECK (h.evil('check') = 1);
SELECT is((SELECT count(*) FROM h.plain), 0::bigint, 'rows go with their tenant');
SELECT h.rose() IS NOT NULL AS begun \gset

-- A partition added later.
DROP TABLE h.plain_part;
SET LOCAL SESSION AUTHORIZATION tap_evil;
DROP TRIGGER casnet_updated_at ON h.plain;
ALTER TABLE h.plain ALTER tenant_id DROP DEFAULT, NO FORCE ROW LEVEL SECURITY;
DROP POLICY casnet_select ON h.plain;
CREATE TABLE h.plain_part PARTITION OF h.plain DEFAULT PARTITION BY RANGE ((id + h.evil('partition key')));
RESET SESSION AUTHORIZATION;
SELECT h.rose() IS NOT NULL AS begun \gset
SELECT lives_ok('SELECT casnet.install()', 'install() goes on');
SELECT is((SELECT relforcerowsecurity FROM pg_class WHERE oid = 'h.plain'::regclass), true, 'with what evaluates nothing');
SELECT is(h.rose_if_at_all(), NULL, 'and leaves it alone');
SELECT throws_ok('SELECT casnet.unprotect(''h.plain'')', '42809', NULL, 'it is not given up with the partition');
SET LOCAL SESSION AUTHORIZATION tap_evil;
ALTER TABLE h.plain DETACH PARTITION h.plain_part;
SELECT h.rose_if_at_all() IS NOT NULL AS ran \gset
RESET SESSION AUTHORIZATION;
SELECT h.rose() IS NOT NULL AS begun \gset
SELECT lives_ok('SELECT casnet.unprotect(''h.plain'')', 'but without it');
SELECT is(h.rose_if_at_all(), NULL, 'as its owner');
SELECT is(casnet_internal.strange_partition_key(4294967295::oid::regclass), NULL, 'a number that is no table has no key');
SELECT * FROM finish();
ROLLBACK;
