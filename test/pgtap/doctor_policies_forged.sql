-- casnet.doctor() on policies that trust what anybody sets, or keep a value.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
\ir include/doctor.sql
CREATE TABLE public.notes (tenant_id uuid NOT NULL, title text, n int);
CREATE POLICY notes ON public.notes USING (tenant_id = casnet.tenant_with('view_records'));
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE ROLE tap_report;

CREATE TABLE public.plain (id int);
CREATE FUNCTION public.mine() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT casnet.current_tenant_id()';
CREATE POLICY mine ON public.notes TO tap_report USING (tenant_id = public.mine());

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
SELECT * FROM finish();
ROLLBACK;
