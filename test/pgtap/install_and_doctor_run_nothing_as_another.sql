-- install() and doctor() look at tables that contain another role's code, even at tables of
-- casnet that belong to that role.  They run none of it with other rights.
BEGIN;
SELECT plan(13);
\ir include/fixtures.sql
\ir include/hostile.sql
SET LOCAL SESSION AUTHORIZATION tap_evil;
CALL h.make('t', 'tenant_id uuid NOT NULL DEFAULT ''00000000-0000-7000-8000-0000000000a0'',');
RESET SESSION AUTHORIZATION;
SET CONSTRAINTS ALL IMMEDIATE;
SELECT casnet.protect('h.t') IS NOT NULL AS made \gset
GRANT USAGE ON SCHEMA casnet, casnet_internal TO tap_evil;
GRANT EXECUTE ON FUNCTION casnet_internal.gin_extract_uuid(uuid, internal), casnet.uuid_v7(), casnet_internal.search_vector(regconfig, text, text) TO tap_evil;
ALTER TABLE casnet.records OWNER TO tap_evil;
ALTER TABLE casnet.tags OWNER TO tap_evil;
ALTER TABLE casnet_internal.signing_keys OWNER TO tap_evil;
SET LOCAL SESSION AUTHORIZATION tap_evil;
ALTER TABLE casnet.tags ADD COLUMN own h.id DEFAULT ('(00000000-0000-7000-8000-0000000000a0)'::h.pair).id,
	ADD COLUMN said int DEFAULT h.evil('default'), ADD CHECK (h.evil('check') = 1),
	ADD COLUMN computed int GENERATED ALWAYS AS (h.evil('generated column')) STORED;
ALTER TABLE casnet.records ADD CHECK (h.evil('check') = 1), ADD COLUMN computed int GENERATED ALWAYS AS (h.evil('generated column')) STORED;
ALTER TABLE casnet_internal.signing_keys ADD CONSTRAINT evil CHECK (h.evil('check') = 1);
CREATE TRIGGER before_row BEFORE UPDATE ON casnet.records FOR EACH ROW EXECUTE FUNCTION h.fires();
RESET SESSION AUTHORIZATION;
SELECT h.rose() IS NOT NULL AS begun \gset

SELECT lives_ok('SELECT casnet.install()', 'a superuser installs');
SELECT is(h.rose(), 'no', 'expressions of tables of casnet run as their owner');
SELECT view_owner_is('casnet', 'tags_load', 'tap_evil', 'who owns the view that has the defaults');
DROP INDEX casnet.records_tenant_id_created_at_id_idx;
SELECT lives_ok('SELECT casnet.install()', 'an index is made again');
SELECT is(h.rose_if_at_all(), NULL, 'as the owner, if anything of it runs');
SELECT lives_ok('SELECT casnet.set_search_language(''german'')', 'a superuser rewrites the records');
SELECT is(h.rose(), 'no', 'as their owner');
-- doctor() queries keys as the owner of its function, who also owns the table.
ALTER TABLE casnet_internal.signing_keys DROP CONSTRAINT evil, OWNER TO casnet_owner;
SELECT lives_ok('SELECT casnet.doctor()', 'a superuser asks doctor()');
SELECT is(h.rose_if_at_all(), NULL, 'which reads catalogs only');
SET LOCAL SESSION AUTHORIZATION tap_boss;
SELECT lives_ok('SELECT casnet.doctor()', 'an administrator asks');
SELECT is(h.rose_if_at_all(), NULL, 'which reads catalogs only');
RESET SESSION AUTHORIZATION;
SELECT casnet.guard_schema('h', 'protect'), casnet.guard_schema('h', 'off');
SELECT is(h.rose_if_at_all(), NULL, 'a schema is guarded, and not');
SELECT is((SELECT string_agg(rolname, ',') FROM pg_roles WHERE rolsuper AND rolname ~ '^tap_'), NULL, 'nobody is a superuser');
SELECT * FROM finish();
ROLLBACK;
