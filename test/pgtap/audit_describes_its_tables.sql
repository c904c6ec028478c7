-- Each object made for the audit has a comment, even beside other indexes.  Only a column
-- tenant_id says which tenant an entry belongs to.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE INDEX ON casnet_internal.audit_entries (at);
CREATE TABLE public.no_tenant (id uuid PRIMARY KEY, name text);
CREATE TABLE public.text_tenant (id uuid PRIMARY KEY, tenant_id text);
SELECT ok(casnet_internal.add_audit_month('2031-05-06'), 'a month');
SELECT is(obj_description((SELECT oid FROM pg_trigger WHERE tgrelid = 'casnet_internal.audit_entries_2031_05'::regclass AND tgname = 'casnet_append_only'), 'pg_trigger'),
	'entries of the audit stay as they are', 'its trigger is described');
SELECT is((SELECT string_agg(d, ', ') FROM pg_inherits JOIN pg_index ON indexrelid = inhrelid, obj_description(inhrelid, 'pg_class') AS d
	WHERE indrelid = 'casnet_internal.audit_entries_2031_05'::regclass AND inhparent = 'casnet_internal.audit_entries_tenant_id_at_id_idx'::regclass), 'the entries of a tenant, newest first', 'its index, too');
SELECT is((SELECT count(*) FROM pg_index WHERE indrelid = 'casnet_internal.audit_entries_2031_05'::regclass AND obj_description(indexrelid, 'pg_class') = 'the entries of a tenant, newest first'), 1::bigint, 'and no other');
SELECT throws_ok(format('SELECT casnet_internal.check_auditable(%L, NULL)', t), '42703', NULL, t) FROM unnest('{no_tenant,text_tenant}'::text[]) AS t;
SELECT * FROM finish();
ROLLBACK;
