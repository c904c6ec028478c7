-- Only protect() makes keys to the tables of casnet, since the server checks keys as the
-- owner of these tables.  The internal steps of protect() serve only the owner of a table.
BEGIN;
SELECT plan(30);
\ir include/fixtures.sql
\ir include/hostile.sql
\ir include/doctor.sql
SET LOCAL SESSION AUTHORIZATION tap_boss;
SELECT throws_ok('CREATE TABLE h.cast (x h.shade REFERENCES casnet.tenants (id))', '42501', NULL, 'an administrator makes no key with a cast');
SELECT throws_ok('CREATE TABLE h.plain (x uuid REFERENCES casnet.tenants (id))', '42501', NULL, 'nor any other');
CREATE TABLE h.t (id int PRIMARY KEY, tenant_id uuid NOT NULL);
CREATE TABLE h.u (id int PRIMARY KEY, tenant_id uuid NOT NULL);
SELECT lives_ok('SELECT casnet.protect(''h.t'')', 'but protects');
SELECT throws_ok('ALTER TABLE h.t ALTER tenant_id DROP DEFAULT, ALTER tenant_id TYPE h.shade USING ''dark''', NULL, NULL, 'and changes no type under the key');
SELECT is((SELECT count(*) FROM pg_class AS c CROSS JOIN aclexplode(c.relacl) AS a WHERE c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND a.privilege_type = 'REFERENCES' AND a.grantee <> c.relowner), 0::bigint, 'nobody has REFERENCES on a table');
SELECT is((SELECT count(*) FROM pg_class AS c JOIN pg_attribute AS t ON t.attrelid = c.oid CROSS JOIN aclexplode(t.attacl) AS a WHERE c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND a.privilege_type = 'REFERENCES'), 0::bigint, 'nor on a column');
RESET SESSION AUTHORIZATION;

-- Step by step.
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT throws_ok(s, '42501', 'only its owner may protect table h.' || t || ' or undo it', s)
  FROM (VALUES ('SELECT casnet_internal.begin_protection(''h.u'', ''x'', true, ''tenant_id'')', 'u'), ('SELECT casnet_internal.end_protection(''h.t'')', 't'),
		('SELECT casnet_internal.add_tenant_key(''h.u'', ''tenant_id'')', 'u'), ('SELECT casnet_internal.require_protector(''h.t'')', 't')) AS v (s, t);
SELECT throws_ok('SELECT casnet_internal.run_for_owner(''h.t'', ''SELECT 1'')', '42501', 'must be owner of table t', 'nothing runs for another owner');
SELECT throws_ok('SELECT casnet_internal.run_for_owner(''casnet.tenants'', ''ALTER ROLE tap_operator SUPERUSER'')', '42501', NULL, 'nor for that of casnet');
SELECT throws_ok(s, '42501', 'permission denied for function ' || f, s)
  FROM (VALUES ('SELECT casnet_internal.run_as_owner(''h.t'', ''SELECT 1'')', 'run_as_owner'), ('SELECT casnet_internal.note_protection(''h.t'', ''x'', true, ''tenant_id'')', 'note_protection'),
		('SELECT casnet_internal.forget_protection(''h.t'')', 'forget_protection'), ('SELECT casnet_internal.export_tenant_as_owner(NULL, NULL)', 'export_tenant_as_owner')) AS v (s, f);
SELECT throws_ok('SELECT casnet_internal.run_for_owner(1::regclass, ''SELECT 1'')', '42P01', NULL, 'no table');
SELECT throws_ok('SELECT casnet_internal.require_protector(NULL)', '42P01', NULL, 'NULL is no table');
SELECT throws_ok('SELECT casnet_internal.end_protection(1::regclass)', '42P01', NULL, 'nor one to end');
SET LOCAL SESSION AUTHORIZATION tap_evil;
SELECT throws_ok('SELECT casnet_internal.run_for_owner(''h.log'', ''SELECT 1'')', '42501', NULL, 'nothing of it is for others than administrators');
SET LOCAL SESSION AUTHORIZATION tap_boss;
SELECT is(casnet_internal.run_for_owner('h.log', 'SELECT current_user'), 'tap_evil', 'who run it as the owner of the table');
SELECT is(casnet_internal.run_for_owner('h.log', 'SELECT set_config(''search_path'', ''h'', false)'), 'h', 'who sets what he likes');
SELECT isnt(current_setting('search_path'), 'h', 'for as long as it runs');
SELECT is(casnet_internal.run_for_owner('h.log', 'SELECT NULL'), NULL, 'nothing is NULL');
SELECT throws_ok('SELECT casnet_internal.run_for_owner(''h.log'', ''SET ROLE tap_boss'')', '42501', NULL, 'a role is not changed');
RESET SESSION AUTHORIZATION;
SELECT ok(EXISTS (SELECT FROM casnet.protected_tables WHERE relation = 'h.t'::regclass), 'and the table is protected as before');
-- A key made before.
SELECT is(diagnosis('key-cast'), NULL, 'no key has a cast');
GRANT REFERENCES ON casnet.tenants TO tap_boss;
SET LOCAL SESSION AUTHORIZATION tap_boss;
CREATE TABLE h.cast (x h.shade REFERENCES casnet.tenants (id), y uuid REFERENCES casnet.tenants (id), z h.id REFERENCES casnet.tenants (id));
RESET SESSION AUTHORIZATION;
SELECT is(diagnosis('key-cast'), 'error cast_x_fkey on h."cast"', 'but one that was made before, or by who was given the privilege');
SELECT is(after_reading('key-cast'), 'silent', 'remedy');
SELECT is((SELECT count(*) FROM pg_constraint WHERE conrelid = 'h.cast'::regclass AND contype = 'f'), 2::bigint, 'others stay');
SELECT * FROM finish();
ROLLBACK;
