-- casnet.doctor() on indexes, partitions' too, and sequences of tables of tenants.
BEGIN;
SELECT plan(19);
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

SELECT is(diagnosis('index-without-tenant'), NULL, 'keys are there for another reason');
CREATE INDEX visits_led ON public.visits (tenant_id, day);
CREATE INDEX visits_day_idx ON public.visits (day DESC);
CREATE INDEX visits_lower ON public.visits ((day + 1));
CREATE INDEX records_title ON casnet.records (title);
CREATE INDEX plain_id ON public.plain (id);
SELECT is(diagnosis('index-without-tenant'), 'warning casnet.records_title, warning public.visits_day_idx, warning public.visits_lower', 'not led by the tenant');
SELECT is(after_remedy('index-without-tenant'), 'silent', 'remedy');
SELECT is(pg_get_indexdef('public.visits_day_idx'::regclass), 'CREATE INDEX visits_day_idx ON public.visits USING btree (tenant_id, day DESC)', 'puts it in front');
CREATE INDEX visits_words ON public.visits USING gin (words);
SELECT is(after_remedy('index-without-tenant'), 'silent', 'remedy with an extension');
SELECT matches(pg_get_indexdef('public.visits_words'::regclass), 'USING gin \(tenant_id, words\)', 'that can');
CREATE INDEX visits_hash ON public.visits USING hash (day);
SELECT is(diagnosis('index-without-tenant'), 'warning public.visits_hash', 'an index of one column');
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
SELECT is(diagnosis('index-without-tenant'), 'warning public.calls_all', 'one of all partitions is reported once');
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
