-- casnet reads a partitioned table together with its partitions, so one role must own them
-- all.  Otherwise code of one owner would run with the rights of the other.
BEGIN;
SELECT plan(15);
\ir include/fixtures.sql
\ir include/hostile.sql
CREATE ROLE tap_other;
GRANT ALL ON SCHEMA h TO tap_other;
SET LOCAL SESSION AUTHORIZATION tap_other;
CREATE TABLE h.wide (id int, tenant_id uuid) PARTITION BY LIST (id);
CREATE TABLE h.part PARTITION OF h.wide DEFAULT;
INSERT INTO h.wide VALUES (1, '00000000-0000-7000-8000-0000000000a0');
RESET SESSION AUTHORIZATION;
ALTER TABLE h.part OWNER TO tap_evil;
SET LOCAL SESSION AUTHORIZATION tap_evil;
ALTER TABLE h.part ADD CHECK (h.evil('check') = 1);
CREATE INDEX ON h.part (id) WHERE h.evil('index predicate') = 1;
RESET SESSION AUTHORIZATION;
SELECT h.rose() IS NOT NULL AS begun \gset
SELECT throws_ok('SELECT casnet.protect(''h.wide'')', '55000', 'partition h.part belongs to another role than table h.wide', 'a partition of another role');
SELECT alike(error_of('SELECT casnet.protect(''h.wide'')'), '%| ALTER TABLE h.part OWNER TO tap_other |%', 'the hint says what to do');
SELECT is(h.rose_if_at_all(), NULL, 'nothing ran');
ALTER TABLE h.wide ALTER tenant_id SET NOT NULL;
SELECT h.rose() IS NOT NULL AS begun \gset
SELECT throws_ok('SELECT casnet.protect(''h.wide'')', '55000', NULL, 'with a column that is filled too');
SELECT is(h.rose_if_at_all(), NULL, 'nothing ran');
ALTER TABLE h.part OWNER TO tap_other;
SELECT lives_ok('SELECT casnet.protect(''h.wide'')', 'of one owner');
SELECT h.rose() IS NOT NULL AS begun \gset

-- A protected table stays protected.
ALTER TABLE h.part OWNER TO tap_evil;
SELECT lives_ok('SELECT casnet.protect(''h.wide'')', 'again');
SELECT lives_ok('SELECT casnet.install()', 'install() goes on');
SELECT lives_ok('SELECT casnet.unprotect(''h.wide'')', 'a column that was there stays, so nothing is looked at');
SELECT is(h.rose_if_at_all(), NULL, 'nothing ran');

-- A column that protect() added is dropped.
SET LOCAL SESSION AUTHORIZATION tap_other;
CREATE TABLE h.new (id int) PARTITION BY LIST (id);
CREATE TABLE h.new_part PARTITION OF h.new DEFAULT;
RESET SESSION AUTHORIZATION;
SELECT lives_ok('SELECT casnet.protect(''h.new'')', 'a table without the column');
ALTER TABLE h.new_part OWNER TO tap_evil;
SELECT throws_ok('SELECT casnet.unprotect(''h.new'')', '55000', 'partition h.new_part belongs to another role than table h.new', 'it is not undone');
ALTER TABLE h.new_part OWNER TO tap_other;
SELECT lives_ok('SELECT casnet.unprotect(''h.new'')', 'until it is of one owner');
SELECT is((SELECT count(*) FROM pg_attribute WHERE attrelid = 'h.new'::regclass AND attname = 'tenant_id' AND NOT attisdropped), 0::bigint, 'the column is gone');
SELECT is((SELECT string_agg(rolname, ',') FROM pg_roles WHERE rolsuper AND rolname ~ '^tap_'), NULL, 'nobody is a superuser');
SELECT * FROM finish();
ROLLBACK;
