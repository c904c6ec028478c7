-- tenant_with() and can() answer in every expression: once for many rows, of a generic
-- plan's parameter, in a CHECK, in a default.  A policy that asks for no permission is
-- refused (42501, 22023).
BEGIN;
SELECT plan(17);
\ir include/fixtures.sql
CALL be('mia', 'North');
SELECT is((SELECT count(*) FROM generate_series(1, 5) AS n WHERE casnet.can('view_records') AND n > 0), 5::bigint, 'can() for many rows');
SELECT is((SELECT count(*) FROM generate_series(1, 5) AS n WHERE casnet.can('manage_users') OR n = 0), 0::bigint, 'and cannot');

SET LOCAL plan_cache_mode = force_generic_plan;
PREPARE ask(text) AS SELECT casnet.tenant_with($1 || '_records');
SELECT results_eq('EXECUTE ask(''view'')', ARRAY[:'north'::uuid], 'a parameter that is known when the statement runs');
SELECT throws_ok('EXECUTE ask(''delete'')', '42501', NULL, 'and what it asks for is judged');
SELECT results_eq($$SELECT casnet.tenant_with(p || '_records') FROM (VALUES ('view'), ('delete')) AS v (p) OFFSET 0$$, ARRAY[NULL::uuid, NULL::uuid],
	'an argument from a row is not');

-- Nor is a column of an outer query, which is a parameter there.
SELECT results_eq($$SELECT (SELECT casnet.tenant_with(p || '_records') OFFSET 0) FROM (VALUES ('view'), ('delete'), ('fly')) AS v (p)$$, ARRAY[NULL, NULL, NULL]::uuid[], 'in a subquery');
SELECT is_empty($$SELECT FROM (VALUES ('view_records'), ('fly')) AS v (p) WHERE EXISTS (SELECT FROM casnet.tags WHERE tenant_id = casnet.tenant_with(v.p))$$, 'nor in a condition of one');
SELECT results_eq($$SELECT t FROM (VALUES ('view_records'), ('fly')) AS v (p), LATERAL (SELECT casnet.tenant_with(v.p) AS t OFFSET 0) AS l$$, ARRAY[NULL, NULL]::uuid[], 'nor beside it');

-- As an operator of a user's own.
CREATE OPERATOR public.!@ (RIGHTARG = text, FUNCTION = casnet.tenant_with);
SELECT is(!@ 'view_records', :'north'::uuid, 'an operator');
SELECT throws_ok($$SELECT !@ 'delete_records'$$, '42501', NULL, 'is refused');
SELECT is_empty($$SELECT title FROM casnet.records WHERE tenant_id = (!@ title)$$, 'and does not reveal a row');

CREATE TABLE public.mine (tenant_id uuid DEFAULT casnet.tenant_with('create_records'), title text,
	CHECK (tenant_id = casnet.tenant_with('view_records')));
SELECT lives_ok('INSERT INTO public.mine (title) VALUES (''x'')', 'a default and a CHECK');
SELECT throws_ok(format('INSERT INTO public.mine VALUES (%L)', :'south'), '23514', NULL, 'that compares');
CALL be('vic', 'North');
SELECT throws_ok('INSERT INTO public.mine (title) VALUES (''x'')', '42501', 'permission "create_records" is missing in the active tenant', 'and judges');

ALTER TABLE public.mine ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY a ON public.mine USING (tenant_id = casnet.tenant_with(NULL));
SELECT throws_ok('SELECT FROM public.mine', '22023', 'the name of the permission is null', 'a policy that names no permission');
DROP POLICY a ON public.mine;
CREATE POLICY a ON public.mine USING (tenant_id = casnet.tenant_with(lower('VIEW_RECORDS')));
SELECT results_eq('SELECT m.title FROM public.mine AS m, casnet.tasks', ARRAY['x'], 'one that computes the name, beside another table');
SELECT is(error_of('SELECT FROM public.mine AS m, casnet.records'), 'none', 'or with one of the same permission');
SELECT * FROM finish();
ROLLBACK;
