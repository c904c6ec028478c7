-- The condition of an updatable view with security_barrier is evaluated after the policies
-- of its table.  That holds whatever the condition calls, and whatever an index rechecks.
BEGIN;
SELECT plan(16);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.invoices (id integer PRIMARY KEY, code text);
SELECT casnet.protect('public.invoices') IS NOT NULL AS protected \gset
INSERT INTO public.invoices (tenant_id, id, code)
SELECT CASE WHEN n % 2 = 0 THEN :'north' ELSE :'south' END::uuid, n, 'c' || n % 4 FROM generate_series(1, 400) AS n;
CREATE INDEX ON public.invoices USING hash (code);
ANALYZE public.invoices;
SET LOCAL SESSION AUTHORIZATION tap_app;
\ir include/seen.sql
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
-- A plain view whose condition calls the functions of policies, under an index that
-- rechecks: a value of another tenant is evaluated as often as one that nobody has.
CREATE FUNCTION public.looked(code text, tenant uuid) RETURNS text LANGUAGE plpgsql STABLE COST 0.0001 AS $$
BEGIN
	PERFORM set_config('mine.seen', (current_setting('mine.seen')::integer + 1)::text, true);
	RETURN code;
END
$$;
CREATE VIEW public.asked AS SELECT * FROM public.invoices WHERE code = public.looked(current_setting('mine.code'), casnet.tenant_with('view_invoices'));
CREATE VIEW public.united AS SELECT * FROM public.invoices WHERE code = public.looked(current_setting('mine.code'), casnet.current_tenant_id());
SELECT set_config('mine.code', 'c1', true) AS code \gset
SELECT public.seen_by('SELECT FROM public.asked') AS asked, public.seen_by('SELECT FROM public.united') AS united \gset
SELECT set_config('mine.code', 'c9', true) AS code \gset
SELECT is(public.seen_by('SELECT FROM public.asked'), :asked, 'a view that calls tenant_with(), by an index');
SELECT is(public.seen_by('SELECT FROM public.united'), :united, 'or current_tenant_id()');

-- Policies of a statement in WITH, below a statement that reads no table.
CREATE FUNCTION public.raises(tenant uuid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'seen' USING ERRCODE = 'ZZ001';
END
$$;
SELECT is(state_of('INSERT INTO public.invoices (id, code) VALUES (1, ''x'') ON CONFLICT (id) DO UPDATE SET code = ''x'' WHERE public.raises(invoices.tenant_id)'), '42501', 'ON CONFLICT does not look at a row of others');
SELECT is(state_of('WITH x AS (INSERT INTO public.invoices (id, code) VALUES (1, ''x'') ON CONFLICT (id) DO UPDATE SET code = ''x'' WHERE public.raises(invoices.tenant_id) RETURNING 1) SELECT 1'), '42501', 'nor in WITH');
SELECT * FROM finish();
ROLLBACK;
