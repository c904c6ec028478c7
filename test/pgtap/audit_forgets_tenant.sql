-- delete_tenant() removes every entry about the tenant, even that of its deletion, and
-- keeps every entry about others.
BEGIN;
SELECT plan(5);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.enable_audit(t) FROM unnest(ARRAY['casnet.records', 'casnet.tags', 'casnet.user_tenants', 'casnet.tenants']::regclass[]) AS t;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('otto', 'South');
UPDATE casnet.records SET title = 'of South';
CALL be('olga', 'North');
UPDATE casnet.records SET title = 'of North';
SELECT is((SELECT count(*) FROM casnet.audit_log()), 3::bigint, 'there are entries');
SELECT is(casnet.delete_tenant(:'north'), 16::bigint, 'which do not count as rows of the tenant');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries WHERE tenant_id = :'north'), 0::bigint, 'they go with the tenant');
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries WHERE tenant_id = :'south'), 3::bigint, 'those of others stay');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('otto', 'South');
SELECT is((SELECT count(*) FROM casnet.audit_log()), 3::bigint, 'for them to read');
SELECT * FROM finish();
ROLLBACK;
