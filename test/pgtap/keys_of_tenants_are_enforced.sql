-- doctor() reports a foreign key of casnet that the server does not check, and protect()
-- makes one that it does.
BEGIN;
SELECT plan(13);
\ir include/fixtures.sql
\ir include/doctor.sql
SELECT is(diagnosis('key-not-enforced'), NULL, 'all hold');
ALTER TABLE casnet.tasks DISABLE TRIGGER ALL;
SELECT matches(diagnosis('key-not-enforced'), 'error tasks_record_id_tenant_id_fkey on casnet.tasks', 'but one whose triggers are off');
SELECT is(after_remedy('key-not-enforced'), 'silent', 'remedy');
ALTER TABLE casnet.tasks ENABLE TRIGGER ALL;
CREATE TABLE public.notes (id integer);
SELECT casnet.protect('public.notes', 'remarks') IS NOT NULL AS protected \gset
ALTER TABLE public.notes DROP CONSTRAINT notes_tenant_id_fkey;
ALTER TABLE public.notes ADD FOREIGN KEY (tenant_id) REFERENCES casnet.tenants ON DELETE CASCADE NOT VALID;
SELECT is(diagnosis('key-not-enforced'), 'error notes_tenant_id_fkey on public.notes', 'one that is not validated');
SELECT is((SELECT resource FROM casnet.protected_tables WHERE relation = 'public.notes'::regclass), 'remarks', 'whose table is protected as it was');
SELECT is(after_remedy('key-not-enforced'), 'silent', 'remedy');

SELECT current_setting('server_version_num')::integer >= 180000 AS has_not_enforced \gset
\if :has_not_enforced
ALTER TABLE casnet.tasks ALTER CONSTRAINT tasks_record_id_tenant_id_fkey NOT ENFORCED;
ALTER TABLE public.notes ALTER CONSTRAINT notes_tenant_id_fkey NOT ENFORCED;
SELECT is(diagnosis('key-not-enforced'), 'error notes_tenant_id_fkey on public.notes, error tasks_record_id_tenant_id_fkey on casnet.tasks', 'keys that are not enforced');
SELECT is(after_remedy('key-not-enforced'), 'silent', 'remedy');
SELECT lives_ok('SELECT casnet.unprotect(''public.notes'')', 'it can be undone');
CREATE TABLE public.bills (id integer, tenant_id uuid NOT NULL REFERENCES casnet.tenants ON DELETE CASCADE NOT ENFORCED);
SELECT lives_ok('SELECT casnet.protect(''public.bills'')', 'protect() makes another key beside one that is not');
SELECT is((SELECT count(*) FROM pg_constraint WHERE conrelid = 'public.bills'::regclass AND contype = 'f' AND convalidated), 1::bigint, 'that holds');
CREATE TABLE public.loose (tenant_id uuid);
INSERT INTO public.loose VALUES (NULL);
ALTER TABLE public.loose ADD CONSTRAINT there NOT NULL tenant_id NOT VALID;
SELECT throws_ok('SELECT casnet.protect(''public.loose'')', '23502', 'table public.loose has 1 rows without a tenant', 'rows of before a constraint');
UPDATE public.loose SET tenant_id = :'north';
SELECT lives_ok('SELECT casnet.protect(''public.loose'')', 'and then');
\else
SELECT skip('keys that are not enforced come with PostgreSQL 18', 7);
\endif
SELECT * FROM finish();
ROLLBACK;
