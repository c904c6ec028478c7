-- casnet.doctor() on keys, indexes and sequences of tables of tenants.
BEGIN;
SELECT plan(32);
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
-- A key that is not there is made first.
ALTER TABLE public.sites ADD COLUMN short text CONSTRAINT sites_short UNIQUE;
ALTER TABLE public.visits ADD COLUMN short text CONSTRAINT visits_short REFERENCES public.sites (short);
SELECT is(after_remedy('key-across-tenants'), 'silent', 'with the key that it needs');
SELECT is(after_remedy('key-without-tenant'), 'silent', 'and then the old one goes');

SELECT is(diagnosis('index-without-tenant'), NULL, 'keys are there for another reason');
CREATE INDEX visits_led ON public.visits (tenant_id, day);
CREATE INDEX visits_day_idx ON public.visits (day DESC);
CREATE INDEX visits_lower ON public.visits ((day + 1));
CREATE INDEX records_title ON casnet.records (title);
CREATE INDEX plain_id ON public.plain (id);
SELECT is(diagnosis('index-without-tenant'), 'notice casnet.records_title, notice public.visits_day_idx, notice public.visits_lower', 'not led by the tenant');
SELECT is(after_remedy('index-without-tenant'), 'silent', 'remedy');
SELECT is(pg_get_indexdef('public.visits_day_idx'::regclass), 'CREATE INDEX visits_day_idx ON public.visits USING btree (tenant_id, day DESC)', 'puts it in front');
CREATE INDEX visits_words ON public.visits USING gin (words);
SELECT is(after_remedy('index-without-tenant'), 'silent', 'remedy with an extension');
SELECT matches(pg_get_indexdef('public.visits_words'::regclass), 'USING gin \(tenant_id, words\)', 'that can');
CREATE INDEX visits_hash ON public.visits USING hash (day);
SELECT is(diagnosis('index-without-tenant'), 'notice public.visits_hash', 'an index of one column');
SELECT is(after_remedy('index-without-tenant'), 'nothing to paste', 'cannot');
DROP INDEX public.visits_hash;
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.visits_led'::regclass;
SELECT lives_ok('SELECT * FROM casnet.doctor()', 'an invalid index');

-- Partitions have the indexes of their parent, and maybe others.
CREATE TABLE public.calls (tenant_id uuid NOT NULL, day date, PRIMARY KEY (tenant_id, day)) PARTITION BY RANGE (day);
CREATE TABLE public.calls_1 PARTITION OF public.calls DEFAULT;
CREATE POLICY calls ON public.calls USING (tenant_id = casnet.tenant_with('view_records'));
SELECT is(diagnosis('key-without-tenant'), NULL, 'the parent''s');
CREATE UNIQUE INDEX calls_day ON public.calls_1 (day);
CREATE INDEX calls_all ON public.calls (day);
SELECT is(diagnosis('key-without-tenant'), 'error public.calls_day', 'one''s own');
SELECT is(diagnosis('index-without-tenant'), 'notice public.calls_all', 'one of all partitions is told once');
SELECT is(after_remedy('key-without-tenant') || after_remedy('index-without-tenant'), 'silentsilent', 'remedy');

SELECT is(diagnosis('sequence-shared'), NULL, 'no sequence');
CREATE SEQUENCE public.numbers;
ALTER TABLE public.plain ALTER id SET DEFAULT nextval('public.numbers');
CREATE TABLE public.plain_serial (id serial);
SELECT is(diagnosis('sequence-shared'), NULL, 'elsewhere');
ALTER TABLE public.visits ADD COLUMN n int GENERATED ALWAYS AS IDENTITY, ADD COLUMN s serial;
ALTER TABLE public.sites ADD COLUMN k bigint DEFAULT nextval('public.numbers');
SELECT is(diagnosis('sequence-shared'), 'warning public.numbers, warning public.visits_n_seq, warning public.visits_s_seq', 'identity, serial, default');
SELECT is(after_remedy('sequence-shared'), 'nothing to paste', 'takes thought');
ALTER TABLE public.visits DROP COLUMN n, DROP COLUMN s;
ALTER TABLE public.sites ALTER k DROP DEFAULT;
SELECT is(diagnosis('sequence-shared'), NULL, 'without them');
SELECT is(diagnosis('policy-widens'), NULL, 'and nothing else is said');
SELECT * FROM finish();
ROLLBACK;
