-- A user's settings do not change which rows a deletion reaches, or what is recorded.
BEGIN;
SELECT plan(13);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.notes (id integer, other_tenant uuid, other_record uuid);
GRANT SELECT, INSERT ON public.notes TO tap_app;
SELECT casnet.protect('public.notes', tenant_id => :'south') IS NOT NULL AS protected \g /dev/null
ALTER TABLE public.notes ADD FOREIGN KEY (other_record, other_tenant) REFERENCES casnet.records (id, tenant_id) ON DELETE CASCADE;
INSERT INTO public.notes (tenant_id, id, other_tenant, other_record) VALUES (:'north', 1, NULL, NULL), (:'south', 2, :'north', NULL), (:'south', 3, NULL, NULL),
	(:'south', 4, :'north', (SELECT id FROM casnet.records WHERE tenant_id = :'north' LIMIT 1));
SELECT casnet.enable_audit('casnet.persons');
SAVEPOINT deleted;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');

-- A statement that writes would leave an entry about a row of the tenant.
SELECT throws_ok(format('WITH w AS (UPDATE casnet.persons SET name = name || ''.'' RETURNING 1) SELECT (SELECT count(*) FROM w), casnet.delete_tenant(%L)', :'north'),
	'55000', 'a tenant cannot be deleted within a statement that writes', 'within an UPDATE');
SELECT throws_ok(format('INSERT INTO public.notes (id) SELECT casnet.delete_tenant(%L)', :'north'), '55000', 'a tenant cannot be deleted within a statement that writes', 'within an INSERT');

-- Quotes around all names.
SET LOCAL quote_all_identifiers = on;
UPDATE casnet.persons SET name = 'Renamed';
SELECT is(casnet.delete_tenant(:'north') > 10, true, 'the tenant is deleted');
RESET SESSION AUTHORIZATION;
SELECT results_eq('SELECT id FROM public.notes ORDER BY id', ARRAY[2, 3], 'with its rows of an application, and of the others only those that refer to it');
SELECT is_empty(format('SELECT FROM casnet_internal.audit_entries WHERE tenant_id = %L', :'north'), 'and its entries');
RESET quote_all_identifiers;
ROLLBACK TO deleted;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SET LOCAL quote_all_identifiers = on;
UPDATE casnet.persons SET name = 'Renamed';
SELECT is((SELECT count(*) FROM casnet.audit_log() WHERE relation = 'casnet.persons'), 1::bigint, 'the audit has the name as always');

-- What administrators call.
RESET SESSION AUTHORIZATION;
SELECT is_empty($$SELECT * FROM casnet.doctor() WHERE code IN ('policy-changed', 'trigger-changed', 'key-changed', 'definition-missing')$$, 'doctor() finds nothing changed');
SELECT lives_ok('SELECT casnet.install()', 'install()');
CREATE TABLE public.more (id integer PRIMARY KEY);
SELECT lives_ok($$SELECT casnet.protect('public.more')$$, 'protect()');
SELECT lives_ok($$SELECT casnet.enable_audit('public.more')$$, 'enable_audit()');
SELECT lives_ok($$SELECT casnet.disable_audit('public.more')$$, 'disable_audit()');
SELECT lives_ok($$SELECT casnet.unprotect('public.more')$$, 'unprotect()');
SELECT lives_ok($$SELECT casnet.maintain_audit(1)$$, 'maintain_audit()');
SELECT * FROM finish();
ROLLBACK;
