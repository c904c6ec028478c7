-- However many and however long the rows that a statement writes, its entries wait for its
-- end in little memory, and none is lost.
BEGIN;
SELECT plan(5);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.mine (tenant_id uuid, id int PRIMARY KEY, body text);
SELECT casnet.enable_audit('public.mine');
GRANT INSERT ON public.mine TO tap_app;
-- After the trigger of the audit, for each row.
CREATE SEQUENCE public.most MINVALUE 0;
CREATE FUNCTION public.measure() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	PERFORM setval('public.most', greatest(sum(total_bytes), (SELECT last_value FROM public.most))::bigint)
	   FROM pg_backend_memory_contexts WHERE name = 'casnet audit';
	RETURN NULL;
END
$$;
CREATE TRIGGER measure AFTER INSERT ON public.mine FOR EACH ROW WHEN (NEW.body IS NOT NULL) EXECUTE FUNCTION public.measure();
SET LOCAL SESSION AUTHORIZATION tap_app;

INSERT INTO public.mine SELECT NULL, n, repeat('x', 20000) FROM generate_series(1, 100) AS n;
SELECT lives_ok('INSERT INTO public.mine SELECT NULL, n FROM generate_series(101, 5000) AS n', 'many short rows');
RESET SESSION AUTHORIZATION;
SELECT cmp_ok((SELECT last_value FROM public.most), '>', 100000::bigint, 'entries of long rows wait together');
SELECT cmp_ok((SELECT last_value FROM public.most), '<', 1000000::bigint, 'but not all of them');
SELECT is((SELECT count(DISTINCT row_key) FROM casnet_internal.audit_entries), 5000::bigint, 'each has an entry');
SELECT is((SELECT sum(length(after->>'body')) FROM casnet_internal.audit_entries), 2000000::bigint, 'in full');
SELECT * FROM finish();
ROLLBACK;
