-- An audit entry does not depend on the settings of the session that writes.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.payments (tenant_id uuid, id integer, amount float8, day date, period tstzrange, total money, bytes bytea, span interval, relation regclass, points point[], PRIMARY KEY (tenant_id, id));
SELECT casnet.protect('public.payments', 'records') AS notes \gset
SELECT casnet.enable_audit('public.payments');
CREATE FUNCTION public.written(number integer) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('INSERT INTO public.payments (id, amount, day, period, total, bytes, span, relation, points) VALUES (%s, 1499.123456789, ''2026-02-01'', ''[2026-02-01 12:00Z,2026-02-01 13:00Z)'', 1499, ''\x00ff'', ''1 day 02:03:04'', ''public.payments'', ''{"(1.23456789,2)"}'')', number);
	RETURN (SELECT (e.after - 'id')::text FROM casnet.audit_log() AS e WHERE e.relation = 'public.payments' AND (e.after->>'id')::integer = number);
END
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT public.written(1) AS usual \gset
SELECT alike(:'usual'::text, '%1499.123456789%', 'as it was written');
SELECT alike(:'usual'::text, '%"day": "2026-02-01"%', 'a date in the form of jsonb');
SELECT alike(:'usual'::text, '%2026-02-01 12:00:00+00%', 'in UTC');
SET LOCAL extra_float_digits = -15;
SET LOCAL DateStyle = 'SQL, DMY';
SET LOCAL TimeZone = 'UTC+7';
SELECT is(public.written(2), :'usual'::text, 'with few digits, and another clock');
SET LOCAL IntervalStyle = 'sql_standard';
SET LOCAL bytea_output = 'escape';
SET LOCAL lc_monetary = 'C.UTF-8';
SET LOCAL search_path = public, casnet;
SELECT is(public.written(3), :'usual'::text, 'with other forms and names');
SELECT is(current_setting('extra_float_digits') || current_setting('search_path') || current_setting('bytea_output'), '-15public, casnetescape', 'which stay the session''s');
SELECT * FROM finish();
ROLLBACK;
