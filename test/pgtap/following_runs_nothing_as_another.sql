-- When the owner of a protected table alters it, the view to load it through follows, and no
-- code of the owner runs with more rights than the owner has.
BEGIN;
SELECT plan(17);
\ir include/fixtures.sql
\ir include/hostile.sql
CREATE SCHEMA h2 AUTHORIZATION tap_evil;
GRANT USAGE ON SCHEMA h2 TO tap_operator;
SELECT casnet.guard_schema('h', 'protect');
SELECT h.rose() IS NOT NULL AS begun \gset
SET LOCAL SESSION AUTHORIZATION tap_evil;
CREATE TABLE h.new (id int PRIMARY KEY, tenant_id uuid, said int DEFAULT h.evil('default'));
SELECT h.rose_if_at_all() AS begun \gset
SELECT lives_ok($$ALTER TABLE h.new ADD COLUMN own h.id DEFAULT ('(00000000-0000-7000-8000-0000000000a0)'::h.pair).id$$, 'a column with a constant that has checks');
SELECT lives_ok($$ALTER TABLE h.new ADD COLUMN n h.number DEFAULT h.evil('new default')$$, 'one with a function');
SELECT lives_ok($$ALTER TABLE h.new ALTER said SET DEFAULT h.evil('other default'), ALTER n SET DEFAULT 1$$, 'other defaults');
SELECT is(h.rose(), 'no', 'none of them');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'h.new_load'::regclass AND attnum > 0), 'id tenant_id said own n', 'the view has the columns');
SET LOCAL SESSION AUTHORIZATION tap_evil;
CREATE TRIGGER fires INSTEAD OF INSERT ON h.new_load FOR EACH ROW EXECUTE FUNCTION h.fires();
CREATE RULE also AS ON UPDATE TO h.new_load DO INSTEAD SELECT h.now('rule');
SELECT lives_ok('ALTER TABLE h.new RENAME COLUMN tenant_id TO "x); SELECT h.now(''name'')"', 'a name that is a statement');
SELECT lives_ok('ALTER TABLE h.new RENAME TO "new; SELECT h.now(''name'')"', 'for a column and a table');
SELECT lives_ok('ALTER TABLE h."new; SELECT h.now(''name'')" SET SCHEMA h2', 'and another schema');
SELECT is(coalesce(h.rose_if_at_all(), 'no'), 'no', 'nothing of it');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relnamespace = 'h2'::regnamespace AND relkind = 'v'), 'new; SELECT h.now(''name'')_load', 'the view follows');
-- A view that its owner has given a query is not casnet's.
SET LOCAL SESSION AUTHORIZATION tap_evil;
CREATE OR REPLACE VIEW h2."new; SELECT h.now('name')_load" AS SELECT id, said, own, n, "x); SELECT h.now('name')" FROM h2."new; SELECT h.now('name')" WHERE h.evil('query') = 1;
SELECT lives_ok('ALTER TABLE h2."new; SELECT h.now(''name'')" RENAME TO new', 'a view with a query');
SELECT is(coalesce(h.rose_if_at_all(), 'no'), 'no', 'which nobody runs');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT string_agg(relname, ' ') FROM pg_class WHERE relnamespace = 'h2'::regnamespace AND relkind = 'v'), 'new; SELECT h.now(''name'')_load', 'stays');
SELECT is((SELECT count(*) FROM casnet.protected_tables WHERE relation = 'h2.new'::regclass AND tenant_column = 'x); SELECT h.now(''name'')'), 1::bigint, 'the table is protected');
SET LOCAL SESSION AUTHORIZATION tap_evil;
SELECT throws_ok('SELECT casnet_internal.keep_load_view(''h2.new'')', '42501', NULL, 'nobody else names a view');
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT throws_ok('SELECT casnet_internal.keep_load_view(''h2.new'')', '42501', 'only its owner may protect table h2.new or undo it', 'no other administrator either');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT string_agg(rolname, ',') FROM pg_roles WHERE rolsuper AND rolname ~ '^tap_'), NULL, 'nobody is a superuser');
SELECT * FROM finish();
ROLLBACK;
