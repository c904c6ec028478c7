-- Code in a table runs as the table's owner while the table is protected and unprotected,
-- whoever does that.
BEGIN;
SELECT plan(22);
\ir include/fixtures.sql
\ir include/hostile.sql
SET LOCAL SESSION AUTHORIZATION tap_evil;
CALL h.make('new');
CALL h.make('filled', 'tenant_id uuid DEFAULT ''00000000-0000-7000-8000-0000000000a0'',');
CALL h.make('kept', 'tenant_id uuid NOT NULL DEFAULT (''(00000000-0000-7000-8000-0000000000a0)''::h.pair).id,');
CALL h.make('wrong', 'tenant_id uuid DEFAULT ''00000000-0000-7000-8000-0000000000ff'',');
CALL h.make('nobodys', 'tenant_id uuid,');
CALL h.make('cast', 'tenant_id h.shade DEFAULT ''dark'',');
CALL h.make('checked', 'tenant_id h.id DEFAULT ''00000000-0000-7000-8000-0000000000a0'',');
RESET SESSION AUTHORIZATION;
SET CONSTRAINTS ALL IMMEDIATE;
SELECT h.rose() IS NOT NULL AS begun \gset

SELECT lives_ok(format('SELECT casnet.protect(''h.new'', tenant_id => %L)', :'north'), 'a superuser protects');
SELECT is(h.rose(), 'no', 'a new column');
SELECT lives_ok('SELECT casnet.protect(''h.filled'')', 'a superuser protects');
SELECT is(h.rose(), 'no', 'a column that can be null');
SELECT lives_ok('SELECT casnet.protect(''h.kept'')', 'a superuser protects');
SELECT is(h.rose(), 'no', 'a column with a default of its own');
SELECT throws_ok('SELECT casnet.protect(''h.wrong'')', '23503', NULL, 'rows of no tenant');
SELECT is(h.rose(), 'no', 'are counted');
SELECT throws_ok('SELECT casnet.protect(''h.nobodys'')', '23502', NULL, 'rows without a tenant');
SELECT is(h.rose(), 'no', 'are counted');
SELECT throws_ok('SELECT casnet.protect(''h.cast'')', '42809', NULL, 'a type with a cast to uuid');
SELECT throws_ok('SELECT casnet.protect(''h.checked'')', '42809', NULL, 'a domain');
SELECT lives_ok(format('SELECT casnet.unprotect(%L)', t), 'a superuser undoes it: ' || t) FROM unnest('{h.new,h.filled,h.kept}'::text[]) AS t;
SELECT is(h.rose(), 'no', 'with what there was before');

SET LOCAL SESSION AUTHORIZATION tap_boss;
SELECT lives_ok(format('SELECT casnet.protect(''h.new'', tenant_id => %L)', :'north'), 'an administrator with the rights of the owner protects');
SELECT lives_ok('SELECT casnet.protect(''h.kept'')', 'and another one');
SELECT is(h.rose(), 'no', 'an administrator');
SELECT lives_ok('SELECT casnet.unprotect(''h.new''), casnet.unprotect(''h.kept'')', 'undone');
SELECT is(h.rose(), 'no', 'an administrator undoes it');

RESET SESSION AUTHORIZATION;
SELECT is((SELECT string_agg(rolname, ',') FROM pg_roles WHERE rolsuper AND rolname ~ '^tap_'), NULL, 'nobody is a superuser');
SELECT * FROM finish();
ROLLBACK;
