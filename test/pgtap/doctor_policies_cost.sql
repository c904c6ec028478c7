-- casnet.doctor() on policies that run for each row, or hide their value.
BEGIN;
SELECT plan(13);
\ir include/fixtures.sql
\ir include/doctor.sql
CREATE TABLE public.notes (tenant_id uuid NOT NULL, title text, n int);
CREATE POLICY notes ON public.notes USING (tenant_id = casnet.tenant_with('view_records'));
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE ROLE tap_report;

CREATE TABLE public.plain (id int);
CREATE POLICY sub ON public.plain USING (id IN (SELECT 1 FROM public.who));
CREATE POLICY plain ON public.notes FOR SELECT TO tap_report USING (tenant_id = ANY (ARRAY['00000000-0000-0000-0000-000000000000'::uuid]) AND title IN ('SELECT (a)', '{SUBLINK'));
SELECT is(diagnosis('policy-subquery'), NULL, 'on another table; in a literal');
CREATE POLICY sub ON public.notes TO tap_report USING (tenant_id IN (SELECT id FROM public.who));
SELECT is(diagnosis('policy-subquery'), 'warning sub on public.notes', 'a subquery');
SELECT is(after_remedy('policy-subquery'), 'nothing to paste', 'takes thought');
DROP POLICY sub ON public.notes;

SELECT is(diagnosis('policy-wrapped-call'), NULL, 'no (SELECT f())');
CREATE POLICY wrapped ON public.notes FOR SELECT USING (tenant_id = (SELECT casnet.tenant_with('view_records')));
SELECT is(diagnosis('policy-wrapped-call'), 'warning wrapped on public.notes', 'one');
SELECT is(diagnosis('policy-subquery'), NULL, 'which is not reported twice');
SELECT is(after_remedy('policy-wrapped-call'), 'nothing to paste', 'its author has to rewrite it');
ALTER POLICY wrapped ON public.notes USING (tenant_id = casnet.tenant_with('view_records'));
SELECT is(diagnosis('policy-wrapped-call'), NULL, 'with the bare call');
CREATE POLICY odd ON public.notes TO tap_report USING (tenant_id = (SELECT CASE WHEN true THEN casnet.current_tenant_id() END));
SELECT is(diagnosis('policy-wrapped-call'), 'warning odd on public.notes', 'one of an expression');
SELECT is(after_remedy('policy-wrapped-call'), 'nothing to paste', 'likewise');
DROP POLICY odd ON public.notes;

CREATE FUNCTION public.may(uuid) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT $1 = casnet.current_tenant_id()';
CREATE FUNCTION public.mine() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT casnet.current_tenant_id()';
CREATE POLICY mine ON public.notes TO tap_report USING (tenant_id = public.mine() AND title LIKE 'a%' AND n::bigint = 1);
SELECT is(diagnosis('policy-row-function'), NULL, 'a function of the session; an operator');
CREATE POLICY may ON public.notes TO tap_report USING (n > 0 AND public.may(coalesce(tenant_id, tenant_id)));
SELECT is(diagnosis('policy-row-function'), 'warning may on public.notes', 'one of the row');
SELECT is(after_remedy('policy-row-function'), 'nothing to paste', 'takes thought');
DROP POLICY may ON public.notes;
SELECT * FROM finish();
ROLLBACK;
