-- However many permissions exist, each is asked for by itself.  Of the last of 70,000 nobody
-- holds one because it reuses another's number.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
SET LOCAL SESSION AUTHORIZATION tap_operator;
INSERT INTO casnet.role_permissions SELECT 'viewer', 'many_' || n FROM generate_series(1, 70000) AS n;
INSERT INTO casnet.role_permissions VALUES ('owner', 'many_70000'), ('admin', 'many_69999');
DELETE FROM casnet.role_permissions WHERE role = 'viewer' AND permission = 'many_69999';
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE TABLE public.last (tenant_id uuid DEFAULT casnet.current_tenant_id(), n int);
CREATE TABLE public.lost (LIKE public.last INCLUDING DEFAULTS);
INSERT INTO public.last VALUES (:'north', 1);
INSERT INTO public.lost VALUES (:'north', 2);
ALTER TABLE public.last ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE public.lost ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON public.last USING (tenant_id = casnet.tenant_with('many_70000'));
CREATE POLICY p ON public.lost USING (tenant_id = casnet.tenant_with('many_69999'));
SET LOCAL plan_cache_mode = force_generic_plan;
PREPARE last AS SELECT n FROM public.last;
PREPARE lost AS SELECT n FROM public.lost;

CALL be('vic', 'North');
SELECT results_eq('last', ARRAY[1], 'held by a role with all of them');
SELECT throws_ok('EXECUTE lost', '42501', 'permission "many_69999" is missing in the active tenant', 'but for this one');
SELECT results_eq('last', ARRAY[1], 'again');
CALL be('olga', 'North');
SELECT results_eq('last', ARRAY[1], 'held alone');
CALL be('mia', 'North');
SELECT throws_ok('EXECUTE last', '42501', 'permission "many_70000" is missing in the active tenant', 'not held');
SELECT throws_ok('EXECUTE lost', '42501', 'permission "many_69999" is missing in the active tenant', 'nor that one');
SELECT * FROM finish();
ROLLBACK;
