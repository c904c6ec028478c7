-- An entry has the tenant of its row.  A row that changes its tenant is deleted for the one
-- and inserted for the other.  A tenant_id that is no uuid counts as none.
BEGIN;
SELECT plan(5);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.mine (tenant_id uuid, id int PRIMARY KEY, n int);
SELECT casnet.enable_audit('public.mine');
GRANT INSERT, SELECT, UPDATE ON public.mine TO tap_app;
CREATE FUNCTION public.news() RETURNS text[] LANGUAGE sql SECURITY DEFINER AS $$
	SELECT array_agg(concat_ws(' ', action, coalesce(w.name, '-')) ORDER BY at, e.id) FROM casnet_internal.audit_entries AS e LEFT JOIN public.who AS w ON w.id = e.tenant_id
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
INSERT INTO public.mine VALUES (NULL, 1);
UPDATE public.mine SET n = 1;
SELECT is(public.news(), '{INSERT -,UPDATE -}', 'without a tenant');
UPDATE public.mine SET tenant_id = :'north';
UPDATE public.mine SET tenant_id = :'south';
UPDATE public.mine SET tenant_id = NULL;
SELECT is((public.news())[3:], '{DELETE -,INSERT North,DELETE North,INSERT South,DELETE South,INSERT -}', 'from none to one, another, and none');
-- Whoever has the privilege TRIGGER moves no entry to another tenant.
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_maker;
GRANT CREATE ON SCHEMA public TO tap_maker;
ALTER TABLE public.mine ADD other uuid;
GRANT TRIGGER ON public.mine TO tap_maker;
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE FUNCTION public.fill_tenant() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER casnet_fill_tenant BEFORE INSERT ON public.mine FOR EACH ROW EXECUTE FUNCTION public.fill_tenant('other');
RESET SESSION AUTHORIZATION;
INSERT INTO public.mine (tenant_id, id, other) VALUES (:'north', 9, :'south');
SELECT is((SELECT tenant_id FROM casnet_internal.audit_entries WHERE relation = 'public.mine' ORDER BY at DESC, id DESC LIMIT 1), :'north', 'a trigger of that name');
DROP TRIGGER casnet_fill_tenant ON public.mine;
ALTER TABLE public.mine DROP other;
RESET SESSION AUTHORIZATION;
ALTER TABLE public.mine ALTER tenant_id TYPE text;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok('INSERT INTO public.mine VALUES (''x'', 2)', '55000', 'audited table public.mine has no column tenant_id of type uuid', 'a tenant that is a text');
RESET SESSION AUTHORIZATION;
ALTER TABLE public.mine DROP tenant_id;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok('INSERT INTO public.mine VALUES (2)', '55000', 'audited table public.mine has no column tenant_id of type uuid', 'and one that was dropped');
SELECT * FROM finish();
ROLLBACK;
