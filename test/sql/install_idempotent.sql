-- A second casnet.install() changes nothing.  It restores what is missing, and keeps what
-- somebody added, granted or revoked.
\set QUIET on
\set SHOW_CONTEXT never
CREATE TEMP VIEW state AS
	SELECT 'policy' AS kind, tablename || '.' || policyname || ': ' || coalesce(qual, '') || coalesce(with_check, '') AS what FROM pg_policies WHERE schemaname IN ('casnet', 'casnet_internal')
	UNION ALL SELECT 'trigger', tgrelid::regclass || '.' || tgname || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal AND tgrelid::regclass::text ~ '^casnet(_internal)?[.]'
	UNION ALL SELECT 'relation', relname || coalesce(relacl::text, '') || relrowsecurity::text || relforcerowsecurity::text FROM pg_class WHERE relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace)
	UNION ALL SELECT 'column', attrelid::regclass || '.' || attname || coalesce(attacl::text, '') || coalesce(pg_get_expr(adbin, adrelid), '') FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid::regclass::text ~ '^casnet(_internal)?[.]' AND attnum > 0 AND NOT attisdropped
	UNION ALL SELECT 'row', role || ' ' || permission FROM casnet.role_permissions;
CREATE TEMP TABLE before AS SELECT * FROM state;

SELECT casnet.install() = casnet.schema_version() AS current;
(TABLE before EXCEPT TABLE state) UNION ALL (TABLE state EXCEPT TABLE before);

BEGIN;
DROP POLICY casnet_select ON casnet.records;
DROP POLICY casnet_admin ON casnet.users;
DROP TRIGGER casnet_guard ON casnet.user_tenants;
ALTER TABLE casnet.user_tenants DISABLE TRIGGER casnet_last_owner;
ALTER TABLE casnet.records ALTER COLUMN tenant_id DROP DEFAULT, ALTER COLUMN id DROP DEFAULT, NO FORCE ROW LEVEL SECURITY;
ALTER TABLE casnet.tasks DISABLE ROW LEVEL SECURITY;
ALTER POLICY casnet_select ON casnet.tags USING (true);
DROP INDEX casnet.records_tenant_id_created_at_id_idx;
SELECT count(*) > 0 AS changed FROM (TABLE before EXCEPT TABLE state) AS x;
SELECT casnet.install() IS NOT NULL AS installed;
(TABLE before EXCEPT TABLE state) UNION ALL (TABLE state EXCEPT TABLE before);
ROLLBACK;

-- Changes by others stay.
BEGIN;
ALTER TABLE casnet.records ADD COLUMN case_number text;
CREATE INDEX my_index ON casnet.records (tenant_id, case_number);
CREATE POLICY mine ON casnet.records AS RESTRICTIVE FOR SELECT USING (title <> '');
REVOKE DELETE ON casnet.records FROM casnet_user;
GRANT SELECT ON casnet.tenants TO regress_nobody;
DELETE FROM casnet.role_permissions WHERE role = 'viewer' AND permission = 'view_tasks';
SELECT casnet.install() IS NOT NULL AS installed;
SELECT kind, what FROM (TABLE state EXCEPT TABLE before) AS x WHERE kind IN ('policy', 'column') ORDER BY 1, 2;
SELECT has_table_privilege('casnet_user', 'casnet.records', 'DELETE') AS revoked,
	   has_table_privilege('regress_nobody', 'casnet.tenants', 'SELECT') AS granted,
	   to_regclass('casnet.my_index') AS index,
	   (SELECT count(*) FROM casnet.role_permissions WHERE role = 'viewer') AS viewer_has;
ROLLBACK;

SET SESSION AUTHORIZATION regress_admin;
SELECT casnet.install();
\echo :LAST_ERROR_SQLSTATE
