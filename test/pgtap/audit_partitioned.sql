-- A partitioned table is audited as a whole, whichever of its tables a
-- statement names, and its partitions are not audited one by one.
BEGIN;
SELECT plan(14);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.visits (tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(), id int NOT NULL, n int, body text, PRIMARY KEY (tenant_id, id, n)) PARTITION BY RANGE (n);
CREATE TABLE public.visits_0 PARTITION OF public.visits FOR VALUES FROM (0) TO (10);
CREATE TABLE public.visits_1 (body text, gone int, n int NOT NULL, id int NOT NULL, tenant_id uuid NOT NULL) PARTITION BY LIST (n);
ALTER TABLE public.visits_1 DROP COLUMN gone;
ALTER TABLE public.visits ATTACH PARTITION public.visits_1 FOR VALUES FROM (10) TO (20);
CREATE TABLE public.visits_11 PARTITION OF public.visits_1 DEFAULT;
SELECT casnet.enable_audit('public.visits');
SELECT casnet.enable_audit('public.visits');
CREATE TABLE public.visits_2 PARTITION OF public.visits FOR VALUES FROM (20) TO (30);
SELECT set_config('casnet.tenant_id', :'north', true);
-- Entries since the last call.
CREATE SEQUENCE public.seen;
CREATE FUNCTION public.news(OUT n text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT concat_ws(' ', relation, action, row_key->>'id', coalesce(after, before)->>'n') FROM casnet_internal.audit_entries ORDER BY at, id;
	PERFORM casnet_internal.remove_audit_entries(NULL, '-infinity', NULL);
END
$$;

SELECT is((SELECT array_agg(relation::text) FROM casnet_internal.audited_tables()), '{visits}', 'one table is audited') FROM set_config('search_path', 'public', true);
INSERT INTO public.visits (id, n) VALUES (1, 1), (2, 12), (3, 21);
SELECT results_eq('SELECT * FROM public.news()', ARRAY['public.visits INSERT 1 1', 'public.visits INSERT 2 12', 'public.visits INSERT 3 21'], 'rows of each partition, also of a later one');
INSERT INTO public.visits_0 (id, n) VALUES (4, 4);
INSERT INTO public.visits_11 (id, n, tenant_id) VALUES (5, 15, :'north');
SELECT results_eq('SELECT * FROM public.news()', ARRAY['public.visits INSERT 4 4', 'public.visits INSERT 5 15'], 'by naming a partition');
UPDATE public.visits SET body = 'b' WHERE id = 2;
SELECT results_eq('SELECT after::text FROM casnet_internal.audit_entries', ARRAY['{"body": "b"}'], 'columns in another order');
SELECT count(*) AS n FROM public.news() \gset
UPDATE public.visits SET n = 22 WHERE id = 1;
SELECT results_eq('SELECT * FROM public.news() ORDER BY 1', ARRAY['public.visits DELETE 1 1', 'public.visits INSERT 1 22'], 'a row that moves is deleted and inserted');
DELETE FROM public.visits WHERE id IN (2, 3);
SELECT results_eq('SELECT * FROM public.news() ORDER BY 1', ARRAY['public.visits DELETE 2 12', 'public.visits DELETE 3 21'], 'deletion');
TRUNCATE public.visits_0;
SELECT results_eq('SELECT * FROM public.news()', ARRAY['public.visits TRUNCATE'], 'TRUNCATE of a partition');
-- A partition that has partitions itself is truncated with all of them, also with those
-- attached later.
ALTER TABLE public.visits_1 DETACH PARTITION public.visits_11;
CREATE TABLE public.visits_12 PARTITION OF public.visits_1 DEFAULT;
TRUNCATE public.visits_1;
SELECT ok('public.visits TRUNCATE' IN (SELECT * FROM public.news()), 'TRUNCATE of a partition with partitions');
DROP TABLE public.visits_12;
ALTER TABLE public.visits_1 ATTACH PARTITION public.visits_11 DEFAULT;
TRUNCATE public.visits;
SELECT ok('public.visits TRUNCATE' IN (SELECT * FROM public.news()), 'and of all');

SELECT throws_ok(format('SELECT casnet.enable_audit(%L)', t), '42809', 'table public.' || t || ' is a partition', t) FROM unnest('{visits_0,visits_1,visits_11}'::text[]) AS t;
SELECT casnet.disable_audit('public.visits');
INSERT INTO public.visits (id, n) VALUES (1, 1), (2, 12), (3, 21);
TRUNCATE public.visits_0, public.visits;
SELECT is((SELECT count(*) FROM public.news()), 0::bigint, 'nothing once it is disabled');
SELECT is((SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'casnet%' AND tgrelid::regclass::text LIKE 'visits%'), 0::bigint, 'no trigger is left');
SELECT * FROM finish();
ROLLBACK;
