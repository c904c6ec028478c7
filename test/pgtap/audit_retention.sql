-- Entries are kept by months.  They are removed when they are old or when their tenant is
-- forgotten, and not before.
BEGIN;
SELECT plan(21);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SELECT set_config('timezone', 'Pacific/Auckland', true), set_config('datestyle', 'SQL, DMY', true);
CREATE FUNCTION public.months() RETURNS SETOF text LANGUAGE sql AS
	$$SELECT right(relation::text, 7) FROM casnet_internal.audit_partitions() ORDER BY since NULLS FIRST$$;
CREATE FUNCTION public.old(age interval, tenant uuid DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
	INSERT INTO casnet_internal.audit_entries (at, id, tenant_id, transaction_id, session_role, role, relation, action)
	VALUES (now() - age, gen_random_uuid(), tenant, 1, 'r', 'r', 'public.old', 'INSERT')
$$;
SELECT results_eq('SELECT public.months()', ARRAY['default'], 'no month before any table is audited');
SELECT casnet.enable_audit('casnet.records');
SELECT results_eq('SELECT public.months()', (SELECT ARRAY['default'] || array_agg(to_char(date_trunc('month', now() AT TIME ZONE 'UTC') + n * interval '1 month', 'YYYY_MM')) FROM generate_series(0, 3) AS n), 'then this one and three more');
SELECT is(casnet.maintain_audit(), 0, 'which is enough');
SELECT is(casnet.maintain_audit(5), 2, 'two more');
SELECT is((SELECT count(*) FROM pg_class WHERE oid IN (SELECT relation FROM casnet_internal.audit_partitions()) AND relrowsecurity AND relforcerowsecurity AND relacl IS NULL AND relreplident = 'f'), 7::bigint, 'nobody reads them');
SELECT is((SELECT count(*) FROM pg_depend WHERE objid IN (SELECT relation FROM casnet_internal.audit_partitions()) AND deptype = 'e'), 0::bigint, 'nor are they the extension''s');
SELECT throws_ok(format('SELECT casnet.maintain_audit(%s)', n), '22023', NULL, n) FROM unnest('{-1,"NULL",121}'::text[]) AS n;

-- Entries written when their month had no table.
SELECT public.old('100 days'), public.old('99 days'), public.old('45 days'), public.old('-5 years'), public.old('30 hours'), public.old('30 hours', :'north'), public.old('0', :'north');
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries_default) >= 3, true, 'are in the default partition');
SELECT cmp_ok(casnet.maintain_audit(), '>=', 2, 'until there are months');
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries_default), 0::bigint, 'that take them');
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries), 7::bigint, 'all');
SELECT results_eq('SELECT 1 FROM casnet_internal.audit_entries AS e JOIN casnet_internal.audit_partitions() AS p ON p.relation = e.tableoid WHERE e.at < p.since OR e.at >= p.until', 'SELECT 1 WHERE false', 'where they belong');

SET LOCAL SESSION AUTHORIZATION tap_admin;
SELECT throws_ok(format('SELECT casnet.purge_audit(%s)', n), '22023', 'older_than must be at least one day', n) FROM unnest('{''23 hours'',"NULL"}'::text[]) AS n;
SELECT is(casnet.purge_audit('50 days'), 2::bigint, 'old ones go');
SELECT is(casnet.purge_audit('1 day'), 3::bigint, 'newer ones');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM public.months() AS m WHERE m < to_char(now() - interval '31 days', 'YYYY_MM')), 0::bigint, 'old months went as a whole');
SELECT is(casnet_internal.forget_audit(:'north'), 1::bigint, 'a tenant is forgotten');
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries), 1::bigint, 'and it alone');
SELECT * FROM finish();
ROLLBACK;
