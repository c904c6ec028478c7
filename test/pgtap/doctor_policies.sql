-- casnet.doctor() on policies that are missing, changed or too wide.
BEGIN;
SELECT plan(12);
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
CREATE POLICY unasked ON public.notes FOR DELETE USING (tenant_id = casnet.current_tenant_id());
CREATE POLICY checked ON public.notes FOR UPDATE USING (tenant_id = casnet.tenant_with('edit_records')) WITH CHECK (true);
CREATE POLICY other ON casnet.records FOR SELECT TO tap_app USING (tenant_id = casnet.tenant_with('view_tags'));
CREATE POLICY keys ON casnet_internal.signing_keys TO casnet_user USING (true);
SELECT is(diagnosis('policy-widens'), 'error by_or on public.notes, error checked on public.notes, error keys on casnet_internal.signing_keys, error other on casnet.records, error other on public.notes, error unasked on public.notes', 'whatever lets more through');
SELECT is(after_remedy('policy-widens'), 'silent', 'remedy');

SELECT is(diagnosis('policy-restrictive'), NULL, 'permissive');
CREATE POLICY narrows ON public.notes AS RESTRICTIVE USING (n > 0);
SELECT is(diagnosis('policy-restrictive'), 'notice narrows on public.notes', 'restrictive');
SELECT is(after_reading('policy-restrictive'), 'silent', 'remedy');

SELECT cmp_ok((SELECT count(*) FROM casnet_internal.wanted_policies()), '>=', 49::bigint, 'the policies that are expected');
SELECT * FROM finish();
ROLLBACK;
