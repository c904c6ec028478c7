-- Protecting a new table in a guarded schema runs none of its code with more rights than
-- its maker's.  No setting gets past the guard.
BEGIN;
SELECT plan(15);
\ir include/fixtures.sql
\ir include/hostile.sql
CREATE SCHEMA strict;
GRANT ALL ON SCHEMA strict TO tap_evil, tap_boss, tap_app;
SELECT casnet.guard_schema('h', 'protect'), casnet.guard_schema('strict');
SELECT h.rose() IS NOT NULL AS begun \gset

SET LOCAL SESSION AUTHORIZATION tap_evil;
SELECT lives_ok($$CREATE TABLE h.new (id int PRIMARY KEY, tenant_id uuid, said int DEFAULT h.evil('default'), own h.id DEFAULT ('(00000000-0000-7000-8000-0000000000a0)'::h.pair).id,
	CHECK (h.evil('check') = 1), EXCLUDE USING btree ((h.evil('exclusion')) WITH =) WHERE (h.evil('index predicate') = 1))$$, 'a table of anybody''s');
SELECT is(h.rose(), 'no', 'its check and its index');
SELECT lives_ok($$CREATE TABLE h.filled AS SELECT n AS id, h.evil('query') AS own FROM generate_series(1, 3) AS n WITH NO DATA$$, 'by a query');
SELECT is(h.rose_if_at_all(), NULL, 'its query');
SELECT throws_ok($$CREATE TABLE h.parts (id int, tenant_id uuid) PARTITION BY RANGE ((id + h.evil('partition key')))$$, '42809', NULL, 'a partition key of theirs');
SELECT is(h.rose(), 'no', 'its key');
SET LOCAL SESSION AUTHORIZATION tap_boss;
SELECT lives_ok($$CREATE TABLE h.bosses (id int PRIMARY KEY, tenant_id uuid, CHECK (h.evil('check') = 1))$$, 'a table of an administrator with code of another role');
SELECT is(h.rose(), 'check as tap_boss', 'which runs it, as in any query');
RESET SESSION AUTHORIZATION;
SELECT set_eq('SELECT relation::text FROM casnet.protected_tables', ARRAY['h.new', 'h.filled', 'h.bosses'], 'all are protected');

-- No setting gets past it.
SET LOCAL row_security = off;
SET LOCAL xmloption = content;
SELECT lives_ok('CREATE TABLE strict.restored (id int)', 'a superuser restores');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok('CREATE TABLE strict.new (id int)', '55000', 'table strict.new would not be protected', 'others set row_security for nothing');
SET LOCAL SESSION AUTHORIZATION tap_boss;
SELECT throws_ok('CREATE TABLE strict.new (id int)', '55000', NULL, 'administrators too');
SELECT lives_ok('CREATE TABLE h.more (id int)', 'where it protects');
SET LOCAL row_security = on;
SELECT is((SELECT count(*) FROM casnet.protected_tables WHERE relation = 'h.more'::regclass), 1::bigint, 'they are protected');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT string_agg(rolname, ',') FROM pg_roles WHERE rolsuper AND rolname ~ '^tap_'), NULL, 'nobody is a superuser');
SELECT * FROM finish();
ROLLBACK;
