-- If a statement compares tenant_id with its own tenant, the server takes that comparison
-- for the policy's.  So casnet evaluates it as early: no other condition sees rows of other
-- tenants.
BEGIN;
SELECT plan(52);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.parts (id integer, tenant_id uuid NOT NULL, code text) PARTITION BY HASH (id);
CREATE TABLE public.parts_0 PARTITION OF public.parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE public.parts_1 PARTITION OF public.parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
SELECT casnet.protect('public.parts', 'records') IS NOT NULL AS protected \gset
INSERT INTO public.parts (tenant_id, id, code)
SELECT CASE WHEN n % 2 = 0 THEN :'north' ELSE :'south' END::uuid, n / 2, 'c' || n % 4 FROM generate_series(1, 400) AS n;
ANALYZE public.parts;
CREATE TABLE public.invoices (id integer, code text);
SELECT casnet.protect('public.invoices', 'records') IS NOT NULL AS protected \gset
INSERT INTO public.invoices (tenant_id, id, code)
SELECT CASE WHEN n % 2 = 0 THEN :'north' ELSE :'south' END::uuid, n, 'c' || n % 4 FROM generate_series(1, 400) AS n;
CREATE INDEX by_code ON public.invoices USING hash (code);
CREATE INDEX ON public.invoices USING hash (tenant_id);
ANALYZE public.invoices;
GRANT SELECT ON public.invoices TO casnet_user;
GRANT SELECT, UPDATE, DELETE ON public.parts, public.parts_0 TO casnet_user;
SET LOCAL SESSION AUTHORIZATION tap_app;
\ir include/seen.sql
CREATE FUNCTION public.here() RETURNS uuid LANGUAGE sql IMMUTABLE RETURN :'north'::uuid;
CREATE VIEW public.called WITH (security_barrier) AS SELECT * FROM casnet.records WHERE public.seen(tenant_id, 1);
CALL be('olga', 'North');
SELECT format('CREATE TEMPORARY TABLE conditions AS SELECT * FROM (VALUES
	(%L), (%L), (%L), (%L)) AS c (condition)',
	format('tenant_id = %L', :'north'), format('%L = tenant_id', :'north'),
	'tenant_id = public.here()',
	format('tenant_id = casnet.current_tenant_id() AND tenant_id = %L', :'north')) \gexec
SET LOCAL enable_indexscan = off;
SET LOCAL enable_indexonlyscan = off;
SET LOCAL enable_bitmapscan = off;
SELECT is(public.seen_by(format(s, condition)), 0, format(s, condition))
  FROM conditions, unnest(ARRAY[
	'SELECT FROM casnet.records WHERE %s AND public.seen(tenant_id, 1)',
	'SELECT FROM casnet.records TABLESAMPLE bernoulli (100) WHERE %s AND public.seen(tenant_id, 1)',
	'SELECT FROM casnet.records WHERE %s AND public.seen(tenant_id, 1) FOR UPDATE',
	'SELECT FROM casnet.tags AS t LEFT JOIN (SELECT * FROM casnet.records WHERE %s) AS r ON public.seen(r.tenant_id, 1)',
	'SELECT FROM public.called WHERE %s',
	'SELECT FROM casnet.persons WHERE %s AND public.seen(tenant_id, 1)',
	'SELECT FROM public.parts WHERE %s AND public.seen(tenant_id, 1)',
	'SELECT FROM public.parts_0 WHERE %s AND public.seen(tenant_id, 1)',
	'UPDATE casnet.records SET title = title WHERE %s AND public.seen(tenant_id, 1)',
	'DELETE FROM public.parts WHERE %s AND public.seen(tenant_id, 1)']) AS s;
-- A condition that an index rechecks comes later, too: for a value of another tenant no
-- more is evaluated than for a value that nobody has.
CREATE FUNCTION public.looked(code text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
	PERFORM set_config('mine.seen', (current_setting('mine.seen')::integer + 1)::text, true);
	RETURN code;
END
$$;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_indexscan = on;
SET LOCAL plan_cache_mode = force_generic_plan;
PREPARE looks (uuid, text) AS SELECT FROM public.invoices WHERE tenant_id = $1 AND code = public.looked($2);
SELECT is(public.seen_by(format(s, :'north', 'c1')), public.seen_by(format(s, :'north', 'c9')), 'by an index, ' || s)
  FROM unnest(ARRAY['SELECT FROM public.invoices WHERE tenant_id = %L AND code = public.looked(%L)', 'EXECUTE looks (%L, %L)']) AS s;
SET LOCAL enable_indexscan = off;
SET LOCAL enable_bitmapscan = on;
DEALLOCATE looks;
PREPARE looks (uuid, text) AS SELECT FROM public.invoices WHERE tenant_id = $1 AND code = public.looked($2);
SELECT is(public.seen_by(format(s, :'north', 'c1')), public.seen_by(format(s, :'north', 'c9')), 'by a bitmap, ' || s)
  FROM unnest(ARRAY['SELECT FROM public.invoices WHERE tenant_id = %L AND code = public.looked(%L)', 'EXECUTE looks (%L, %L)',
	'SELECT FROM public.invoices WHERE tenant_id = %L AND (code = public.looked(%L) OR code = public.looked(''c8''))']) AS s;
SET LOCAL enable_bitmapscan = off;
RESET enable_seqscan;
-- To the plan a parameter is a constant, whatever its value.
SET LOCAL plan_cache_mode = force_generic_plan;
PREPARE p (uuid) AS SELECT FROM casnet.records WHERE tenant_id = $1 AND public.seen(tenant_id, 1);
SELECT set_config('mine.seen', '0', true) AS seen \gset
EXECUTE p (:'north') \g /dev/null
SELECT is(current_setting('mine.seen'), '0', 'with a parameter');

-- A policy with its call in a subquery is a policy as well.
RESET SESSION AUTHORIZATION;
CREATE TABLE public.wrapped (tenant_id uuid, title text);
INSERT INTO public.wrapped SELECT id, name || n FROM casnet.tenants, generate_series(1, 20) AS n;
ALTER TABLE public.wrapped ENABLE ROW LEVEL SECURITY;
CREATE POLICY wrapped ON public.wrapped USING (tenant_id = (SELECT casnet.tenant_with('view_records')));
GRANT SELECT ON public.wrapped TO casnet_user;
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE FUNCTION public.moving() RETURNS uuid LANGUAGE plpgsql STABLE COST 0.00001 AS $$
BEGIN
	PERFORM set_config('mine.seen', (current_setting('mine.seen')::integer + 1)::text, true);
	RETURN CASE WHEN current_setting('mine.seen')::integer > current_setting('mine.after')::integer
		THEN '00000000-0000-7000-8000-0000000000b0' ELSE '00000000-0000-7000-8000-0000000000a0' END;
END
$$;
CREATE FUNCTION public.read_after(calls integer) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('mine.seen', '0', true), set_config('mine.after', calls::text, true);
	RETURN (SELECT count(*) FROM public.wrapped WHERE tenant_id = public.moving() AND title ~ '^South');
END
$$;
SELECT is(public.read_after(calls), 0::bigint, 'a value that moves after ' || calls || ' calls') FROM generate_series(0, 4) AS calls;
SELECT is(public.seen_by(format('SELECT FROM public.wrapped WHERE tenant_id = %L AND public.seen(tenant_id, 1)', :'north')), 0, 'a policy in a subquery');
SELECT * FROM finish();
ROLLBACK;
