-- The condition of an updatable view with security_barrier stands beside the
-- policies of its table.  It comes after them, whatever it calls, and whatever an
-- index has checked again.
BEGIN;
SELECT plan(12);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.invoices (id integer PRIMARY KEY, code text);
SELECT casnet.protect('public.invoices') IS NOT NULL AS protected \gset
INSERT INTO public.invoices (tenant_id, id, code)
SELECT CASE WHEN n % 2 = 0 THEN :'north' ELSE :'south' END::uuid, n, 'c' || n % 4 FROM generate_series(1, 400) AS n;
CREATE INDEX ON public.invoices USING hash (code);
ANALYZE public.invoices;
SET LOCAL SESSION AUTHORIZATION tap_app;
-- Counts the rows of others that it is asked about.
CREATE FUNCTION public.seen(tenant uuid, anything anyelement) RETURNS boolean LANGUAGE plpgsql COST 1e-37 AS $$
BEGIN
	IF tenant <> casnet.current_tenant_id() THEN
		PERFORM set_config('mine.seen', (current_setting('mine.seen')::integer + 1)::text, true);
	END IF;
	RETURN true;
END
$$;
CREATE FUNCTION public.seen_by(statement text) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('mine.seen', '0', true);
	EXECUTE statement;
	RETURN current_setting('mine.seen');
END
$$;
CREATE VIEW public.own WITH (security_barrier) AS SELECT * FROM casnet.records WHERE public.seen(tenant_id, casnet.current_tenant_id());
CREATE VIEW public.called WITH (security_barrier) AS SELECT * FROM casnet.records WHERE public.seen(tenant_id, casnet.tenant_with('view_records'));
CREATE VIEW public.bills WITH (security_barrier) AS SELECT * FROM public.invoices WHERE public.seen(tenant_id, casnet.tenant_with('view_invoices'));
CALL be('olga', 'North');
SET LOCAL enable_indexscan = off;
SET LOCAL enable_indexonlyscan = off;
SET LOCAL enable_bitmapscan = off;
SELECT is(public.seen_by(format(s, v)), 0, format(s, v))
  FROM unnest(ARRAY['public.own', 'public.called']) AS v,
	   unnest(ARRAY['SELECT FROM %s', 'UPDATE %s SET content = ''x''', 'DELETE FROM %s WHERE title ~ ''3$''',
			'UPDATE %s AS v SET content = ''y'' FROM casnet.tasks AS t WHERE t.record_id = v.id']) AS s;
SELECT is(public.seen_by('UPDATE public.bills SET code = code'), 0, 'a protected table');
RESET enable_bitmapscan;
SET LOCAL enable_seqscan = off;
SELECT is(public.seen_by('UPDATE public.bills SET code = code WHERE code = ''c1'''), 0, 'by a bitmap');
RESET enable_indexscan;
SET LOCAL enable_bitmapscan = off;
SELECT is(public.seen_by('UPDATE public.bills SET code = code WHERE code = ''c1'''), 0, 'by an index that has rows checked again');
SELECT is(public.seen_by('SELECT FROM public.invoices WHERE code = ''c1'' AND public.seen(tenant_id, casnet.tenant_with(''view_invoices''))'), 0, 'a condition of the statement''s own');
SELECT * FROM finish();
ROLLBACK;
