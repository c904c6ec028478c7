-- casnet.doctor() on policies: missing, changed, wide, slow, forgeable.
BEGIN;
SELECT plan(32);
\ir include/fixtures.sql
\ir include/doctor.sql
CREATE TABLE public.notes (tenant_id uuid NOT NULL, title text, n int);
CREATE POLICY notes ON public.notes USING (tenant_id = casnet.tenant_with('view_records'));
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE ROLE tap_report;

SELECT is(diagnosis('policy-changed'), NULL, 'as casnet.install() makes them');
DROP POLICY casnet_select ON casnet.records;
ALTER POLICY casnet_update ON casnet.tags WITH CHECK (true);
ALTER POLICY casnet_delete ON casnet.tasks USING (tenant_id = casnet.tenant_with('view_tasks'));
ALTER POLICY casnet_admin ON casnet.users TO casnet_admin, casnet_user;
ALTER POLICY casnet_insert ON casnet.persons TO tap_app;
SELECT is(diagnosis('policy-changed'), 'error casnet_admin on casnet.users, error casnet_delete on casnet.tasks, error casnet_insert on casnet.persons, error casnet_select on casnet.records, error casnet_update on casnet.tags', 'missing, wider, of another permission, for others');
SELECT is(after_remedy('policy-changed'), 'silent', 'remedy');
DROP POLICY casnet_delete ON casnet.users;
CREATE POLICY casnet_delete ON casnet.users AS RESTRICTIVE FOR DELETE USING (false);
SELECT is(diagnosis('policy-changed'), 'error casnet_delete on casnet.users', 'restrictive');
SELECT is(after_remedy('policy-changed'), 'silent', 'remedy');

CREATE POLICY report ON casnet.records TO tap_report USING (true);
CREATE POLICY twice ON public.notes FOR SELECT USING (tenant_id = casnet.tenant_with('view_tasks') AND n > 0);
CREATE POLICY never ON public.notes FOR DELETE USING (false);
SELECT is(diagnosis('policy-widens'), NULL, 'for a role that is no application; no wider; never');
CREATE POLICY by_or ON public.notes FOR SELECT USING (tenant_id = casnet.tenant_with('view_records') OR n = 0);
CREATE POLICY other ON public.notes FOR INSERT WITH CHECK (title <> '');
CREATE POLICY checked ON public.notes FOR UPDATE USING (tenant_id = casnet.tenant_with('edit_records')) WITH CHECK (true);
CREATE POLICY other ON casnet.records FOR SELECT TO tap_app USING (tenant_id = casnet.tenant_with('view_tags'));
CREATE POLICY keys ON casnet.signing_keys TO casnet_user USING (true);
SELECT is(diagnosis('policy-widens'), 'error by_or on public.notes, error checked on public.notes, error keys on casnet.signing_keys, error other on casnet.records, error other on public.notes', 'whatever lets more through');
SELECT is(after_remedy('policy-widens'), 'silent', 'remedy');

SELECT is(diagnosis('policy-restrictive'), NULL, 'permissive');
CREATE POLICY narrows ON public.notes AS RESTRICTIVE USING (n > 0);
SELECT is(diagnosis('policy-restrictive'), 'notice narrows on public.notes', 'restrictive');
SELECT is(after_remedy('policy-restrictive'), 'silent', 'remedy');

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
SELECT is(diagnosis('policy-subquery'), NULL, 'which is not told twice');
SELECT is(after_remedy('policy-wrapped-call'), 'silent', 'remedy');
SELECT is((SELECT pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polname = 'wrapped'), $$(tenant_id = casnet.tenant_with('view_records'::text))$$, 'leaves the bare call');
CREATE POLICY odd ON public.notes TO tap_report USING (tenant_id = (SELECT CASE WHEN true THEN casnet.current_tenant_id() END));
SELECT is(diagnosis('policy-wrapped-call'), 'warning odd on public.notes', 'one that is not rewritten');
SELECT is(after_remedy('policy-wrapped-call'), 'nothing to paste', 'by itself');
DROP POLICY odd ON public.notes;

CREATE FUNCTION public.may(uuid) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT $1 = casnet.current_tenant_id()';
CREATE FUNCTION public.mine() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT casnet.current_tenant_id()';
CREATE POLICY mine ON public.notes TO tap_report USING (tenant_id = public.mine() AND title LIKE 'a%' AND n::bigint = 1);
SELECT is(diagnosis('policy-row-function'), NULL, 'a function of the session; an operator');
CREATE POLICY may ON public.notes TO tap_report USING (n > 0 AND public.may(coalesce(tenant_id, tenant_id)));
SELECT is(diagnosis('policy-row-function'), 'warning may on public.notes', 'one of the row');
SELECT is(after_remedy('policy-row-function'), 'nothing to paste', 'takes thought');
DROP POLICY may ON public.notes;

CREATE FUNCTION public.zero() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 0';
CREATE FUNCTION public.unused() RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT current_user::text';
CREATE POLICY zero ON public.plain FOR SELECT USING (id = public.zero() AND public.mine() IS NOT NULL);
SELECT is(diagnosis('policy-immutable'), NULL, 'immutable indeed, or used in no policy');
ALTER FUNCTION public.mine() IMMUTABLE;
CREATE FUNCTION public.sql_body() RETURNS boolean LANGUAGE sql IMMUTABLE RETURN session_user = 'x';
CREATE POLICY body ON public.plain FOR DELETE USING (public.sql_body());
SELECT is(diagnosis('policy-immutable'), 'error body on public.plain, error mine on public.notes, error zero on public.plain', 'falsely so, on any table');
SELECT is(after_remedy('policy-immutable'), 'silent', 'remedy');

CREATE POLICY asserted ON public.plain FOR SELECT USING (current_setting('casnet.user_id') = 'x' AND current_setting('server_version') = '1');
SELECT is(diagnosis('policy-forgeable'), NULL, 'settings that not everybody can set');
CREATE POLICY forged ON public.plain FOR UPDATE USING (current_setting('app.user', true) = 'x');
CREATE FUNCTION public.app_user() RETURNS text LANGUAGE plpgsql STABLE AS $$BEGIN RETURN current_setting ('casnet.tenant_id'); END$$;
CREATE POLICY by_function ON public.notes TO tap_report USING (title = public.app_user());
SELECT is(diagnosis('policy-forgeable'), 'warning by_function on public.notes, warning forged on public.plain', 'that everybody can, also in a function');
SELECT is(after_remedy('policy-forgeable'), 'nothing to paste', 'takes thought');

-- The walk over a stored expression.
SELECT results_eq($$SELECT is_narrow, has_subquery, has_wrapped_call, row_functions FROM casnet.inspect_expression('{FUNCEXPR :funcid 7 :x \{VAR\} \} :args ({FUNCEXPR :funcid 8 :args ({VAR}{FUNCEXPR :funcid 9})} {SUBLINK {QUERY :rtable ({RTE})}})}')$$,
	$$VALUES (false, true, false, '{8,7}'::oid[])$$, 'functions around a column; no escaped brace');
SELECT cmp_ok((SELECT count(*) FROM casnet.expected_policies()), '>=', 49::bigint, 'the policies that are expected');
SELECT * FROM finish();
ROLLBACK;
