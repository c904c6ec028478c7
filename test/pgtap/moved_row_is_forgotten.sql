-- After a row moves to another partition within its tenant, the same statement can insert
-- other rows, in whatever tenant.
BEGIN;
SELECT plan(7);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.parted (tenant_id uuid NOT NULL, kind int, id int) PARTITION BY LIST (kind);
CREATE TABLE public.parted_1 PARTITION OF public.parted FOR VALUES IN (1);
CREATE TABLE public.parted_2 PARTITION OF public.parted FOR VALUES IN (2);
SELECT casnet.protect('public.parted') IS NOT NULL AS protected \gset
INSERT INTO public.parted VALUES (:'north', 1, 1), (:'north', 1, 2), (:'south', 1, 3);
CREATE VIEW public.found AS SELECT string_agg(concat_ws(' ', w.name, kind, p.id), ', ' ORDER BY p.id) AS rows FROM public.parted AS p JOIN public.who AS w ON w.id = tenant_id;
SELECT format('MERGE INTO public.parted AS t USING (VALUES (%L::uuid, 1), (%L, 4), (%L, 3), (%L, 5), (%L, 2)) AS v (tenant_id, id) ON t.id = v.id WHEN MATCHED THEN UPDATE SET kind = 3 - t.kind WHEN NOT MATCHED THEN INSERT VALUES (v.tenant_id, 1, v.id)',
	:'north', :'south', :'south', :'north', :'north') AS merge \gset
SELECT lives_ok(:'merge', 'rows move, and others are made, by a superuser');
SELECT is((SELECT rows FROM public.found), 'North 2 1, North 2 2, South 2 3, South 1 4, North 1 5', 'each where it belongs');
SELECT lives_ok('UPDATE public.parted SET kind = 3 - kind', 'all move');
SELECT is((SELECT rows FROM public.found), 'North 1 1, North 1 2, South 1 3, South 2 4, North 2 5', 'each within its tenant');
-- A trigger that inserts a row of another tenant on the way.
CREATE FUNCTION public.copy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO public.parted VALUES ((SELECT id FROM public.who WHERE name = 'South'), 1, old.id + 10);
	RETURN old;
END
$$;
CREATE TRIGGER copy BEFORE DELETE ON public.parted_2 FOR EACH ROW EXECUTE FUNCTION public.copy();
SELECT lives_ok('UPDATE public.parted SET kind = 1 WHERE id = 5', 'also while a trigger makes a row for somebody else');
SELECT is((SELECT rows FROM public.found), 'North 1 1, North 1 2, South 1 3, South 2 4, North 1 5, South 1 15', 'which is there');
SELECT throws_ok(format('UPDATE public.parted SET kind = 1, tenant_id = %L WHERE id = 4', :'north'), '23514', NULL, 'while none moves to another tenant');
SELECT * FROM finish();
ROLLBACK;
