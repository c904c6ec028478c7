-- casnet.doctor() on keys of tables of tenants.
BEGIN;
SELECT plan(13);
\ir include/fixtures.sql
\ir include/doctor.sql
CREATE TABLE public.sites (tenant_id uuid NOT NULL, id uuid NOT NULL, code text, PRIMARY KEY (tenant_id, id));
CREATE TABLE public.visits (tenant_id uuid NOT NULL, id uuid NOT NULL, site_id uuid, day date, words tsvector, PRIMARY KEY (id, tenant_id),
	FOREIGN KEY (tenant_id, site_id) REFERENCES public.sites, visitor uuid REFERENCES casnet.users);
CREATE TABLE public.plain (id int PRIMARY KEY);
CREATE POLICY sites ON public.sites USING (tenant_id = casnet.tenant_with('view_records'));
CREATE POLICY visits ON public.visits USING (tenant_id = casnet.tenant_with('view_records'));
ALTER TABLE public.sites ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE public.visits ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

SELECT is(diagnosis('key-without-tenant'), NULL, 'the tenant is in every key');
ALTER TABLE public.sites ADD CONSTRAINT sites_id_key UNIQUE (id), ADD CONSTRAINT "sites code" UNIQUE NULLS NOT DISTINCT (code) INCLUDE (tenant_id) DEFERRABLE;
CREATE UNIQUE INDEX visits_day ON public.visits ((day + 1)) WHERE day > '2024-01-01';
SELECT is(diagnosis('key-without-tenant'), 'error "sites code" on public.sites, error public.visits_day, error sites_id_key on public.sites', 'not in these');

SELECT is(diagnosis('key-across-tenants'), NULL, 'references within the tenant, and to accounts');
ALTER TABLE public.visits ADD COLUMN parent uuid, ADD COLUMN other uuid,
	ADD CONSTRAINT visits_parent FOREIGN KEY (parent) REFERENCES public.sites (id) ON DELETE SET NULL ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED,
	ADD CONSTRAINT visits_swapped FOREIGN KEY (other, tenant_id) REFERENCES public.sites;
SELECT is(diagnosis('key-across-tenants'), 'error visits_parent on public.visits, error visits_swapped on public.visits', 'without the tenant, or with another column in its place');
ALTER TABLE public.visits DROP CONSTRAINT visits_swapped;
SELECT is(after_remedy('key-across-tenants'), 'silent', 'remedy');
SELECT is((SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'visits_parent'),
	'FOREIGN KEY (tenant_id, parent) REFERENCES sites(tenant_id, id) ON UPDATE CASCADE ON DELETE SET NULL (parent) DEFERRABLE INITIALLY DEFERRED', 'keeps the actions, and the tenant');
SELECT is(after_remedy('key-without-tenant'), 'silent', 'remedy of the keys');
SELECT results_eq($$SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'public.sites'::regclass AND contype = 'u' ORDER BY conname$$,
	ARRAY['UNIQUE NULLS NOT DISTINCT (tenant_id, code) INCLUDE (tenant_id) DEFERRABLE', 'UNIQUE (tenant_id, id)'], 'with the tenant in front');
SELECT is(pg_get_indexdef('public.visits_day'::regclass), $$CREATE UNIQUE INDEX visits_day ON public.visits USING btree (tenant_id, ((day + 1))) WHERE (day > '2024-01-01'::date)$$, 'also of an index');
ALTER TABLE public.visits ADD CONSTRAINT visits_once EXCLUDE USING btree (day WITH =);
SELECT is(diagnosis('key-without-tenant'), 'error visits_once on public.visits', 'an exclusion constraint');
SELECT is(after_remedy('key-without-tenant'), 'nothing to paste', 'takes thought');
ALTER TABLE public.visits DROP CONSTRAINT visits_once;
-- A missing key is made first.
ALTER TABLE public.sites ADD COLUMN short text CONSTRAINT sites_short UNIQUE;
ALTER TABLE public.visits ADD COLUMN short text CONSTRAINT visits_short REFERENCES public.sites (short);
CREATE UNIQUE INDEX sites_partial ON public.sites (tenant_id, short) WHERE short <> '';
CREATE UNIQUE INDEX sites_wider ON public.sites (tenant_id, short, code);
SELECT is(after_remedy('key-across-tenants'), 'silent', 'with the key that it needs');
SELECT is(after_remedy('key-without-tenant'), 'silent', 'and then the old one goes');
SELECT * FROM finish();
ROLLBACK;
