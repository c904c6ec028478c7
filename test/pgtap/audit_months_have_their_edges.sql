-- An entry of the first or the last instant of a month can be written late.  It still
-- belongs to that month: no entry is lost, changed, or in another month.
BEGIN;
SELECT plan(13);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SET LOCAL timezone = 'Pacific/Kiritimati';
CREATE TABLE public.edges AS
SELECT m.at + e.off AS at FROM (SELECT date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - n * interval '1 month' AS at FROM unnest('{0,3,4,14}'::int[]) AS n
	UNION ALL VALUES (timestamptz '2024-02-01Z'), ('2024-03-01Z'), ('2023-12-01Z'), ('2024-01-01Z'), ('2027-01-01Z')) AS m (at),
	unnest('{0,1 microsecond,-1 microsecond,12:00,-12:00}'::interval[]) AS e (off);
INSERT INTO casnet_internal.audit_entries (at, id, tenant_id, transaction_id, session_role, role, relation, action, row_key, before, after)
SELECT at, gen_random_uuid(), CASE n % 2 WHEN 0 THEN :'north'::uuid END, n, 'r', 'r' || n, 'public.edges', (ARRAY['INSERT', 'UPDATE', 'DELETE'])[n % 3 + 1], jsonb_build_object('n', n), jsonb_build_object('b', n), '{}'
  FROM (SELECT at, row_number() OVER (ORDER BY at) AS n FROM public.edges) AS v, unnest('{1,2}'::int[]);
CREATE TABLE public.entries_before AS SELECT to_jsonb(e) AS entry FROM casnet_internal.audit_entries AS e;
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries_default), (SELECT 2 * count(*) FROM public.edges), 'all are without a month');
SELECT cmp_ok(casnet.maintain_audit(), '>=', 8, 'until these are made');
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries_default), 0::bigint, 'all have one');
SELECT bag_eq('SELECT to_jsonb(e) FROM casnet_internal.audit_entries AS e', 'SELECT entry FROM public.entries_before', 'and are what they were');
SELECT is_empty($$SELECT e.tableoid::regclass, e.at FROM casnet_internal.audit_entries AS e WHERE e.tableoid <> to_regclass('casnet_internal.audit_entries_' || to_char(e.at AT TIME ZONE 'UTC', 'YYYY_MM'))$$, 'each in its month');
SELECT is_empty($$SELECT FROM casnet_internal.audit_partitions() AS p WHERE p.since IS NOT NULL AND (p.relation::text <> 'casnet_internal.audit_entries_' || to_char(p.since AT TIME ZONE 'UTC', 'YYYY_MM')
	OR p.since AT TIME ZONE 'UTC' <> date_trunc('month', p.since AT TIME ZONE 'UTC') OR p.until AT TIME ZONE 'UTC' <> p.since AT TIME ZONE 'UTC' + interval '1 month')$$, 'which goes from one to the next');
SELECT is(casnet.maintain_audit(), 0, 'again: none');
-- No month covers these.
SAVEPOINT a;
INSERT INTO casnet_internal.audit_entries (at, id, transaction_id, session_role, role, relation, action)
SELECT at, gen_random_uuid(), 1, 'r', 'r', 'public.edges', 'INSERT' FROM unnest('{infinity,-infinity}'::timestamptz[]) AS at;
SELECT is(casnet.maintain_audit(), 0, 'for entries without a time: none');
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries_default), 2::bigint, 'they stay where they are');
ROLLBACK TO a;
-- Removal by age also compares the instant.
SELECT date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - interval '3 months' AS edge \gset
DELETE FROM public.entries_before WHERE (entry->>'at')::timestamptz < :'edge';
SET LOCAL SESSION AUTHORIZATION tap_admin;
SELECT cmp_ok(casnet.purge_audit(now() - :'edge'::timestamptz), '>', 0::bigint, 'all that is older goes');
RESET SESSION AUTHORIZATION;
SELECT bag_eq('SELECT to_jsonb(e) FROM casnet_internal.audit_entries AS e', 'SELECT entry FROM public.entries_before', 'what is as old stays');
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries WHERE at = :'edge'), 2::bigint, 'with the first instant of the month');
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries WHERE at < :'edge'), 0::bigint, 'and nothing before');
SELECT * FROM finish();
ROLLBACK;
