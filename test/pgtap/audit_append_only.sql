-- Only the audit's trigger and functions read or write the audit.  Nobody changes an entry,
-- not even the superuser.
BEGIN;
SELECT plan(24);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.enable_audit('casnet.records');
UPDATE casnet.records SET title = 'x';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('sue', 'North');
SELECT throws_ok(s, '42501', NULL, 'an application: ' || s) FROM unnest(ARRAY[
	'SELECT count(*) FROM casnet_internal.audit_entries', 'SELECT count(*) FROM casnet_internal.audit_entries_default',
	'INSERT INTO casnet_internal.audit_entries SELECT', 'UPDATE casnet_internal.audit_entries SET before = NULL', 'DELETE FROM casnet_internal.audit_entries',
	'TRUNCATE casnet_internal.audit_entries', 'TRUNCATE casnet_internal.audit_entries_default',
	$s$SELECT casnet.enable_audit('casnet.tags')$s$, $s$SELECT casnet.disable_audit('casnet.records')$s$,
	$s$SELECT casnet.purge_audit('1 year')$s$, $s$SELECT casnet_internal.remove_audit_entries(NULL, '-infinity', NULL)$s$,
	$s$SELECT casnet_internal.forget_audit(casnet.current_tenant_id())$s$, 'SELECT casnet.maintain_audit()']) AS s;
CREATE TABLE public.mine (tenant_id uuid, id int PRIMARY KEY);
SELECT throws_ok('CREATE TRIGGER t AFTER INSERT ON public.mine FOR EACH ROW EXECUTE FUNCTION casnet_internal.record_change()', '42501', NULL, 'nor does it forge entries with a table of its own');
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_admin;
SELECT throws_ok(s, '42501', NULL, 'casnet_admin: ' || s) FROM unnest(ARRAY['SELECT count(*) FROM casnet_internal.audit_entries', 'DELETE FROM casnet_internal.audit_entries',
	$s$SELECT casnet.disable_audit('casnet.records')$s$]) AS s;
RESET SESSION AUTHORIZATION;
SELECT 'TRUNCATE ' || tableoid::regclass AS month FROM casnet_internal.audit_entries LIMIT 1 \gset
SELECT throws_ok(s, '42501', 'entries of the audit cannot be changed or deleted', 'the superuser: ' || s) FROM unnest(ARRAY['UPDATE casnet_internal.audit_entries SET before = NULL', 'DELETE FROM casnet_internal.audit_entries',
	'TRUNCATE casnet_internal.audit_entries', 'TRUNCATE casnet_internal.audit_entries_default', :'month']) AS s;
SET LOCAL session_replication_role = replica;
SELECT throws_ok('DELETE FROM casnet_internal.audit_entries', '42501', 'entries of the audit cannot be changed or deleted', 'nor as a replica');
UPDATE casnet.records SET title = 'y';
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries), 6::bigint, 'where changes of other servers are not recorded again');
SELECT * FROM finish();
ROLLBACK;
