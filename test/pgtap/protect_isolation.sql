-- On a protected table each command reaches only the rows of the active tenant, and reveals
-- nothing of others.
BEGIN;
SELECT plan(24);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.invoices (id uuid NOT NULL DEFAULT casnet.uuid_v7(), title text NOT NULL, updated_at timestamptz NOT NULL DEFAULT 'epoch');
INSERT INTO public.invoices (title) VALUES ('North old');
SELECT is(casnet.protect('public.invoices', tenant_id => :'north'), '{}', 'nothing is left to do');
INSERT INTO public.invoices (tenant_id, title) VALUES (:'north', 'North 2'), (:'south', 'South 1'), (:'south', 'South 2');
CREATE FUNCTION public.tell(title text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$
	BEGIN IF title ~ 'South' THEN RAISE 'a hidden row'; END IF; RETURN true; END $$;
SET LOCAL SESSION AUTHORIZATION tap_app;

SELECT throws_ok(v.s, '28000', NULL, 'nobody: ' || v.s)
  FROM (VALUES ('TABLE public.invoices'), ('UPDATE public.invoices SET title = title'), ('DELETE FROM public.invoices'),
		('INSERT INTO public.invoices (tenant_id, title) VALUES (gen_random_uuid(), ''x'')')) AS v (s);
CALL be('olga', 'North');
SELECT is((SELECT array_agg(title ORDER BY title) FROM public.invoices), '{North 2,North old}', 'SELECT');
SELECT is((SELECT count(*) FROM public.invoices WHERE public.tell(title)), 2::bigint, 'a leaky function sees none of the others');
SELECT lives_ok('INSERT INTO public.invoices (title) VALUES (''North 3'')', 'INSERT');
SELECT throws_ok(format('INSERT INTO public.invoices (tenant_id, title) VALUES (%L, ''x'')', :'south'), '42501', NULL, 'none for another tenant');
SELECT is(error_of(format('INSERT INTO public.invoices (tenant_id, title) VALUES (%L, ''x'')', :'south')),
	error_of(format('INSERT INTO public.invoices (tenant_id, title) VALUES (%L, ''x'')', :'nowhere')), 'which exists or not');
SELECT is(rows_of('UPDATE public.invoices SET title = title || ''!'''), 3::bigint, 'UPDATE');
SELECT is((SELECT min(updated_at) > 'epoch' FROM public.invoices WHERE title <> 'North 3!'), true, 'updated_at moves');
SELECT throws_ok(format('UPDATE public.invoices SET tenant_id = %L', :'south'), '42501', NULL, 'no row moves');
SELECT is(rows_of(format('UPDATE public.invoices SET title = ''x'' WHERE tenant_id = %L', :'south')), 0::bigint, 'nor changes over there');
SELECT is(rows_of('DELETE FROM public.invoices WHERE title ~ ''South'''), 0::bigint, 'DELETE finds none of the others');
SELECT is(rows_of('DELETE FROM public.invoices WHERE title ~ ''North 3'''), 1::bigint, 'and its own');
SELECT throws_ok('TRUNCATE public.invoices', '42501', NULL, 'no TRUNCATE');
CALL be('otto', 'South');
SELECT is((SELECT array_agg(title ORDER BY title) FROM public.invoices), '{South 1,South 2}', 'the other tenant sees its own');
CALL be('otto', 'North');
SELECT throws_ok('TABLE public.invoices', '42501', NULL, 'who is no member sees nothing');
CALL be('sue', 'South');
SELECT is((SELECT count(*) FROM public.invoices), 2::bigint, 'a superuser of the application: one tenant at a time');
CALL be('otto', 'South');
SELECT lives_ok(format('SELECT casnet.delete_tenant(%L)', :'south'), 'a tenant is deleted');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT array_agg(title ORDER BY title) FROM public.invoices), '{North 2!,North old!}', 'and its rows with it');
CALL be(NULL);
SELECT throws_ok('INSERT INTO public.invoices (title) VALUES (''x'')', '23502', NULL, 'no row without a tenant, whoever writes it');
SELECT throws_ok(format('INSERT INTO public.invoices (tenant_id, title) VALUES (%L, ''x'')', :'nowhere'), '23503', NULL, 'nor of one that is not');
SELECT * FROM finish();
ROLLBACK;
