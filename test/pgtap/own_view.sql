-- An application's view, materialized view or rule shows each reader only what that reader
-- may see.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
CREATE VIEW public.all_records AS SELECT * FROM casnet.records;
CREATE VIEW public.invoker WITH (security_invoker) AS SELECT * FROM casnet.records;
CREATE VIEW public.barrier WITH (security_barrier) AS SELECT title FROM casnet.records;

CALL be('olga', 'North');
SELECT results_eq('SELECT DISTINCT tenant_id FROM public.all_records', ARRAY[:'north'::uuid], 'a view');
SELECT results_eq('SELECT DISTINCT tenant_id FROM public.invoker', ARRAY[:'north'::uuid], 'one with the rights of who asks');
SELECT is((SELECT count(*) FROM public.barrier), 3::bigint, 'one that is a barrier');
SELECT lives_ok('CREATE MATERIALIZED VIEW public.kept AS SELECT * FROM casnet.records', 'a materialized view keeps');
SELECT results_eq('SELECT DISTINCT tenant_id FROM public.kept', ARRAY[:'north'::uuid], 'what its maker saw');
SELECT throws_ok($$UPDATE public.all_records SET tenant_id = '00000000-0000-7000-8000-0000000000b0'$$, '42501', NULL, 'a write through a view obeys');
CALL be('otto', 'South');
SELECT results_eq('SELECT DISTINCT tenant_id FROM public.all_records', ARRAY[:'south'::uuid], 'the same view for another user');
SELECT throws_ok('CREATE RULE r AS ON INSERT TO casnet.records DO ALSO SELECT 1', '42501', NULL, 'no rule on a table of casnet');
CALL be('');
SELECT throws_ok('TABLE public.all_records', '28000', NULL, 'and nobody sees nothing');
SELECT * FROM finish();
ROLLBACK;
