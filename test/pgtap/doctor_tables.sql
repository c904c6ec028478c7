-- casnet.doctor() on row level security of casnet's and the application's tables.
BEGIN;
SELECT plan(27);
\ir include/fixtures.sql
\ir include/doctor.sql
CREATE TABLE public.notes (tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(), note text);
CREATE POLICY notes ON public.notes USING (tenant_id = casnet.tenant_with('view_records'));
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT ALL ON public.notes TO tap_operator;
CREATE TABLE public.plain (id int);
CREATE POLICY plain ON public.plain USING (casnet.can('view_records'));
GRANT ALL ON public.plain TO PUBLIC;

SELECT is(diagnosis('table-rls-off'), NULL, 'row level security on');
ALTER TABLE public.notes DISABLE ROW LEVEL SECURITY;
ALTER TABLE casnet_internal.signing_keys DISABLE ROW LEVEL SECURITY;
SELECT is(diagnosis('table-rls-off'), 'error casnet_internal.signing_keys, error public.notes', 'off');
SELECT is(after_remedy('table-rls-off'), 'silent', 'remedy');

SELECT is(diagnosis('table-not-forced'), NULL, 'forced');
ALTER TABLE public.notes NO FORCE ROW LEVEL SECURITY;
ALTER TABLE casnet.tasks NO FORCE ROW LEVEL SECURITY;
SELECT is(diagnosis('table-not-forced'), 'warning casnet.tasks, warning public.notes', 'not');
SELECT is(after_remedy('table-not-forced'), 'silent', 'remedy');

SELECT is(diagnosis('table-no-policy'), NULL, 'a policy for all commands');
ALTER POLICY notes ON public.notes RENAME TO notes_all;
CREATE POLICY notes_select ON public.notes FOR SELECT USING (tenant_id = casnet.tenant_with('view_records'));
DROP POLICY notes_all ON public.notes;
SELECT is(diagnosis('table-no-policy'), 'warning public.notes', 'for one only');
SELECT is((SELECT count(*) FROM casnet.doctor() WHERE code = 'table-no-policy'), 3::bigint, 'so three are missing');
SELECT is(after_remedy('table-no-policy'), 'silent', 'remedy');
SELECT is(diagnosis('policy-widens'), NULL, 'which lets nothing through');
DROP POLICY no_insert ON public.notes;
CREATE POLICY narrows ON public.notes AS RESTRICTIVE FOR INSERT WITH CHECK (true);
SELECT is(diagnosis('table-no-policy'), 'warning public.notes', 'a restrictive one does not count');

CREATE TABLE public.visits (tenant_id uuid, day date);
CREATE TABLE public.tenant_names (tenant_id text, name text);
GRANT SELECT ON public.tenant_names TO PUBLIC;
CREATE TEMPORARY TABLE visits_tmp (tenant_id uuid);
CREATE VIEW public.visits_view AS SELECT * FROM public.visits;
SELECT is(diagnosis('table-open'), NULL, 'no application reaches it');
SELECT is(diagnosis('table-unprotected'), 'warning public.visits', 'yet');
GRANT SELECT (day) ON public.visits TO tap_app;
SELECT is(diagnosis('table-unprotected'), NULL, 'now');
SELECT is(diagnosis('table-open'), 'error public.visits', 'one does');
REVOKE SELECT (day) ON public.visits FROM tap_app;
GRANT INSERT ON public.visits TO PUBLIC;
SELECT is(diagnosis('table-open'), 'error public.visits', 'all do');
SELECT is((SELECT remedy FROM casnet.doctor() WHERE code = 'table-open'), 'SELECT casnet.protect(''public.visits'')', 'protect() repairs it');
SELECT is(after_remedy('table-open'), 'silent', 'remedy');
ALTER TABLE public.visits OWNER TO tap_app;
SELECT is(diagnosis('table-open'), NULL, 'no row comes through');
SELECT is(diagnosis('table-unprotected'), NULL, 'neither');
CREATE TABLE public.calls (tenant_id uuid);
SELECT is(after_remedy('table-unprotected'), 'silent', 'remedy before anybody reaches it');
CREATE TABLE public.own (tenant_id uuid);
ALTER TABLE public.own OWNER TO tap_app;
SELECT is(diagnosis('table-open'), 'error public.own', 'that of an application');

-- A table of the application calls its tenant column by another name.
CREATE TABLE public.cases (org uuid, id uuid, UNIQUE (org, id), n int UNIQUE);
CREATE POLICY cases ON public.cases USING (org = casnet.tenant_with('view_records'));
SELECT is(diagnosis('table-rls-off'), 'error public.cases', 'is known by its policy');
SELECT is(diagnosis('key-without-tenant'), 'error cases_n_key on public.cases', 'and the column by that, too');
SELECT is(after_remedy('key-without-tenant'), 'silent', 'remedy');
SELECT is(diagnosis('sequence-shared'), NULL, 'no more');
SELECT * FROM finish();
ROLLBACK;
