-- A policy can give rows by one of two permissions and ask for the first with can().  It is
-- not refused for lack of the other.  A permission that it needs in any case is still
-- required.
BEGIN;
SELECT plan(11);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.role_permissions VALUES ('owner', 'view_all'), ('owner', 'view_more');
CREATE TABLE public.papers (tenant_id uuid NOT NULL, owner uuid, body text);
CREATE TABLE public.notes (tenant_id uuid NOT NULL, body text);
INSERT INTO public.papers VALUES (:'north', :'mia', 'of mia'), (:'north', :'olga', 'of olga'), (:'south', :'mia', 'of South');
INSERT INTO public.notes VALUES (:'north', 'note');
ALTER TABLE public.papers ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON public.notes USING (tenant_id = casnet.tenant_with('view_more'));
GRANT SELECT, UPDATE, DELETE ON public.papers, public.notes TO tap_app;
CREATE PROCEDURE public.policy(expression text) LANGUAGE plpgsql AS $$ BEGIN DROP POLICY IF EXISTS own ON public.papers; EXECUTE format('CREATE POLICY own ON public.papers USING (%s)', expression); END $$;
CALL public.policy($$tenant_id = CASE WHEN casnet.can('view_all') THEN casnet.tenant_with('view_all')
	WHEN owner = casnet.current_user_id() THEN casnet.tenant_with('view_records') END$$);
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT is((SELECT string_agg(body, ', ' ORDER BY body) FROM public.papers), 'of mia', 'one of the two permissions');
SELECT is((SELECT string_agg(p.body, ', ' ORDER BY p.body) FROM public.papers AS p JOIN casnet.tags AS t USING (tenant_id)), 'of mia', 'beside a table of casnet');
WITH u AS (UPDATE public.papers SET body = body RETURNING body) SELECT is((SELECT string_agg(body, ', ' ORDER BY body) FROM u), 'of mia', 'UPDATE');
SELECT throws_ok('SELECT FROM public.papers, public.notes', '42501', 'permission "view_more" is missing in the active tenant', 'what is asked in any case is refused');
CALL be('olga', 'North');
SELECT is((SELECT string_agg(body, ', ' ORDER BY body) FROM public.papers), 'of mia, of olga', 'both of them');
SELECT is((SELECT count(*) FROM public.papers, public.notes), 2::bigint, 'and the other table');
RESET SESSION AUTHORIZATION;
CALL public.policy($$CASE WHEN casnet.can('view_all') THEN tenant_id = casnet.tenant_with('view_all')
	ELSE owner = casnet.current_user_id() AND tenant_id = casnet.tenant_with('view_records') END$$);
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT is((SELECT string_agg(body, ', ' ORDER BY body) FROM public.papers), 'of mia', 'CASE of conditions');
CALL be('olga', 'North');
SELECT is((SELECT string_agg(body, ', ' ORDER BY body) FROM public.papers), 'of mia, of olga', 'with both');
-- A policy that asks in the check of a domain counts as a policy, and is evaluated first.
RESET SESSION AUTHORIZATION;
CREATE DOMAIN public.own_tenant AS uuid CHECK (VALUE = casnet.tenant_with('view_records'));
CALL public.policy('tenant_id = current_setting(''casnet.tenant_id'')::public.own_tenant');
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE FUNCTION public.seen(body text) RETURNS boolean LANGUAGE plpgsql COST 1e-37 AS $$ BEGIN PERFORM set_config('mine.seen', concat_ws(' ', nullif(current_setting('mine.seen', true), ''), body), true); RETURN true; END $$;
CALL be('mia', 'North');
SELECT is((SELECT count(*) FROM public.papers WHERE public.seen(body)), 2::bigint, 'by a domain');
SELECT is(current_setting('mine.seen') ~ 'South', false, 'rows of the own tenant alone are looked at');
SELECT set_config('mine.seen', '', true) \g /dev/null
SELECT is((SELECT count(*) FROM public.papers WHERE tenant_id = :'south' AND public.seen(body) AND current_setting('mine.seen') = ''), 0::bigint, 'and of no other');
SELECT * FROM finish();
ROLLBACK;
