-- casnet.doctor() on versions, and on what casnet.install() makes.
BEGIN;
SELECT plan(41);
\ir include/fixtures.sql
\ir include/doctor.sql

SELECT is(diagnosis('schema-outdated'), NULL, 'tables of this version');
COMMENT ON SCHEMA casnet IS 'casnet: multi-tenant case management (schema version 0.0)';
SELECT is(diagnosis('schema-outdated'), 'warning casnet', 'of another');
SELECT is(after_remedy('schema-outdated'), 'silent', 'remedy');
COMMENT ON SCHEMA casnet IS NULL;
SELECT is(diagnosis('schema-outdated'), 'warning casnet', 'of none');
SELECT is(after_remedy('schema-outdated'), 'silent', 'remedy');

SELECT is(diagnosis('extension-outdated'), NULL, 'the version that is on this machine');
UPDATE pg_extension SET extversion = '0.0' WHERE extname = 'casnet';
SELECT is(diagnosis('extension-outdated'), 'warning casnet', 'an older one');
SELECT is((SELECT remedy FROM casnet.doctor() WHERE code = 'extension-outdated'), '-- no script updates this version: dump the database, restore it into a new one, and call casnet.install() there', 'from which no script leads');
SELECT is(after_remedy('extension-outdated'), 'nothing to paste', 'remedy');
UPDATE pg_extension SET extversion = '999.0' WHERE extname = 'casnet';
SELECT matches((SELECT remedy FROM casnet.doctor() WHERE code = 'extension-outdated'), '^-- no script updates', 'a newer one');
-- An update script exists for each release that can be updated; t/update.pl makes one up.
CREATE FUNCTION public.offered(version text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	UPDATE pg_extension SET extversion = version WHERE extname = 'casnet';
	RETURN (SELECT remedy FROM casnet.doctor() WHERE code = 'extension-outdated');
END
$$;
SELECT is_empty($$SELECT u.source, public.offered(u.source) FROM pg_extension_update_paths('casnet') AS u
	 WHERE u.target = (SELECT default_version FROM pg_available_extensions WHERE name = 'casnet')
	   AND u.path IS NOT NULL AND public.offered(u.source) IS DISTINCT FROM 'ALTER EXTENSION casnet UPDATE'$$, 'where a script is, it is offered');
UPDATE pg_extension SET extversion = (SELECT default_version FROM pg_available_extensions WHERE name = 'casnet') WHERE extname = 'casnet';

SELECT is(diagnosis('password-hash-left'), NULL, 'no hash in users');
SET LOCAL session_replication_role = replica;
UPDATE casnet.users SET hashed_password = rpad('$2b$12$left', 60, 'x') WHERE username = 'mia';
SET LOCAL session_replication_role = origin;
SELECT is(diagnosis('password-hash-left'), 'error casnet.users', 'one that came while triggers were off');
ANALYZE casnet.users (hashed_password);
SELECT matches((SELECT s::text FROM pg_stats AS s WHERE s.tablename = 'users' AND s.attname = 'hashed_password'), 'left', 'it is in statistics too');
SELECT is(after_remedy('password-hash-left'), 'silent', 'remedy');
SELECT casnet.install() \g /dev/null
SELECT doesnt_match(coalesce((SELECT s::text FROM pg_stats AS s WHERE s.tablename = 'users' AND s.attname = 'hashed_password'), ''), 'left', 'which leaves none there');

SELECT is(diagnosis('table-missing'), NULL, 'every table is there');
DROP TABLE casnet.calendar_events, casnet_internal.token_cutoffs;
SELECT is(diagnosis('table-missing'), 'error casnet.calendar_events, error casnet_internal.token_cutoffs', 'two are gone');
SELECT is(after_remedy('table-missing'), 'silent', 'remedy');

SELECT is(diagnosis('definition-missing'), NULL, 'every column, default, constraint and index is there');
ALTER TABLE casnet.roles DROP COLUMN description;
ALTER TABLE casnet.tags ALTER COLUMN tenant_id DROP DEFAULT;
ALTER TABLE casnet.tasks DROP CONSTRAINT tasks_tenant_id_fkey, DROP CONSTRAINT tasks_status_check;
DROP INDEX casnet.tasks_tenant_id_record_id_idx;
SELECT is(diagnosis('definition-missing'), 'warning description of casnet.roles, warning roles_description_check on casnet.roles, warning tasks_status_check on casnet.tasks, warning tasks_tenant_id_fkey on casnet.tasks, warning tasks_tenant_id_record_id_idx on casnet.tasks, warning tenant_id of casnet.tags', 'some of each is gone');
SELECT results_eq($$SELECT problem FROM casnet.doctor() WHERE code = 'definition-missing' ORDER BY object$$, ARRAY['The column is missing.', 'The constraint is missing.', 'The constraint is missing.', 'The constraint is missing.', 'The index is missing.', 'The default is missing.'], 'it says what each is');
SELECT is(after_remedy('definition-missing'), 'silent', 'remedy');

SELECT is(diagnosis('trigger-missing'), NULL, 'every trigger is there');
ALTER TABLE casnet.user_tenants DISABLE TRIGGER casnet_guard;
ALTER TABLE casnet.users ENABLE TRIGGER casnet_announce_row;
ALTER TABLE casnet.records ENABLE REPLICA TRIGGER casnet_updated_at;
DROP TRIGGER casnet_completed_at ON casnet.tasks;
DROP TRIGGER casnet_last_owner ON casnet.user_tenants;
CREATE FUNCTION public.guard_membership() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER casnet_last_owner BEFORE UPDATE ON casnet.user_tenants EXECUTE FUNCTION public.guard_membership();
ALTER TABLE casnet.tags ENABLE ALWAYS TRIGGER casnet_updated_at;
SELECT is(diagnosis('trigger-missing'), 'error casnet_announce_row on casnet.users, error casnet_completed_at on casnet.tasks, error casnet_guard on casnet.user_tenants, error casnet_last_owner on casnet.user_tenants, error casnet_updated_at on casnet.records', 'off, not always on, on standbys only, gone, another');
DROP TRIGGER casnet_last_owner ON casnet.user_tenants;
SELECT is(after_remedy('trigger-missing'), 'silent', 'remedy');

-- Event triggers, too.
CREATE TABLE public.papers (tenant_id uuid NOT NULL, title text);
SELECT casnet.protect('public.papers', 'records');
SELECT casnet.guard_schema('public');
SELECT is(diagnosis('trigger-missing'), NULL, 'every event trigger is there');
ALTER EVENT TRIGGER casnet_audit_partitions DISABLE;
ALTER EVENT TRIGGER casnet_guard ENABLE REPLICA;
DROP EVENT TRIGGER casnet_follow;
SELECT is(diagnosis('trigger-missing'), 'error event trigger casnet_audit_partitions, error event trigger casnet_follow, error event trigger casnet_guard', 'off, on standbys only, gone');
SELECT is(after_remedy('trigger-missing'), 'silent', 'remedy');
SELECT casnet.guard_schema('public', 'off');
SELECT casnet.unprotect('public.papers');
DROP TABLE public.papers;

-- doctor() reports much about a database that CASCADE left bare, and one call fixes it.
DROP EXTENSION casnet CASCADE;
SET LOCAL row_security = off;
CREATE EXTENSION casnet;
SET LOCAL row_security = on;
\set diagnosed 'SELECT string_agg(DISTINCT code, '' '') FROM casnet.doctor() WHERE severity <> ''notice'' AND code <> ''server-outdated'' AND object <> ''public.who'''
SELECT is((:diagnosed), 'definition-missing policy-changed trigger-missing', 'a database left bare');
SELECT casnet.install();
SELECT is((:diagnosed), NULL, 'is repaired');

-- The same for a database without tables, as a restore sees it.
DROP EXTENSION casnet CASCADE;
DROP SCHEMA casnet, casnet_internal CASCADE;
CREATE SCHEMA casnet;
SET LOCAL row_security = off;
CREATE EXTENSION casnet;
SET LOCAL row_security = on;
SELECT is((:diagnosed), 'schema-outdated table-missing', 'one without tables');
SELECT casnet.install();
SELECT is((:diagnosed), NULL, 'is repaired');

SELECT is(diagnosis('server-outdated'), (SELECT string_agg('warning ' || cve, ', ' ORDER BY cve) FROM casnet_internal.server_holes(current_setting('server_version_num')::int)), 'this server');
SELECT results_eq('SELECT cve FROM casnet_internal.server_holes(150002) ORDER BY cve', ARRAY['CVE-2023-2455', 'CVE-2023-39418', 'CVE-2024-10976', 'CVE-2024-4317', 'CVE-2025-8713'], '15.2');
SELECT results_eq('SELECT cve FROM casnet_internal.server_holes(150003) ORDER BY cve', ARRAY['CVE-2023-39418', 'CVE-2024-10976', 'CVE-2024-4317', 'CVE-2025-8713'], '15.3 fixes one');
SELECT results_eq('SELECT cve FROM casnet_internal.server_holes(150013)', ARRAY['CVE-2025-8713'], '15.13');
SELECT results_eq('SELECT cve FROM casnet_internal.server_holes(160004) ORDER BY cve', ARRAY['CVE-2024-10976', 'CVE-2025-8713'], '16.4');
SELECT results_eq('SELECT cve, fixed_in FROM casnet_internal.server_holes(170001)', $$VALUES ('CVE-2025-8713', '17.6')$$, '17.1');
SELECT is_empty('SELECT * FROM unnest(ARRAY[150014, 160010, 170006, 180000, 190000]) AS v (v), casnet_internal.server_holes(v)', 'fixed ones');
SELECT is((SELECT remedy FROM (SELECT '-- update PostgreSQL to ' || fixed_in || ' or later' AS remedy FROM casnet_internal.server_holes(170005)) AS x), '-- update PostgreSQL to 17.6 or later', 'and by which version');
SELECT * FROM finish();
ROLLBACK;
