-- A statement under several policies asks for all their permissions, and is refused if one
-- is missing.  A name with a comma is no permission.
BEGIN;
SELECT plan(16);
\ir include/fixtures.sql
CALL be('mia', 'North');
SELECT is(casnet.tenant_with('view_records,edit_records'), casnet.current_tenant_id(), 'two that a member holds');
SELECT throws_ok($$SELECT casnet.tenant_with('view_records,delete_records')$$, '42501', 'permission "delete_records" is missing in the active tenant', 'one that is missing');
SELECT throws_ok($$SELECT casnet.tenant_with('view_records,fly')$$, '22023', 'unknown permission "fly"', 'one that is unknown');
SELECT throws_ok($$SELECT casnet.tenant_with('view_records,')$$, '22023', 'unknown permission ""', 'one that is empty');
SELECT throws_ok($$DELETE FROM casnet.records$$, '42501', 'permission "delete_records" is missing in the active tenant', 'DELETE is under two policies');
SELECT throws_ok($$SELECT casnet.tenant_with('manage_users,delete_records') FROM public.who$$, '42501', 'permission "manage_users" is missing in the active tenant', 'in the order in which they are named');
SELECT lives_ok($$SELECT FROM casnet.records AS r JOIN casnet.record_tags AS l USING (tenant_id) JOIN casnet.tags AS t USING (tenant_id) JOIN casnet.tasks AS k USING (tenant_id)$$, 'a join under three');
RESET SESSION AUTHORIZATION;
SELECT throws_ok($$INSERT INTO casnet.role_permissions VALUES ('member', 'a,b')$$, '23514', NULL, 'no permission has a comma');
DELETE FROM casnet.role_permissions WHERE role = 'member' AND permission = 'view_tasks';
CALL be('mia', 'North');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok($$SELECT FROM casnet.records AS r LEFT JOIN casnet.tasks AS k USING (tenant_id)$$, '42501', 'permission "view_tasks" is missing in the active tenant', 'a join with a table that is refused');
-- More permissions than one call asks for: each policy asks for its own.
\set ten 'WITH a AS (UPDATE casnet.persons SET name = name RETURNING 1), b AS (UPDATE casnet.records SET title = title RETURNING 1), c AS (UPDATE casnet.tags SET name = name RETURNING 1), d AS (UPDATE casnet.tasks SET title = title RETURNING 1), e AS (UPDATE casnet.calendar_events SET title = title RETURNING 1) SELECT concat_ws('' '', (SELECT count(*) FROM a), (SELECT count(*) FROM b), (SELECT count(*) FROM c), (SELECT count(*) FROM d), (SELECT count(*) FROM e))'
CALL be('olga', 'North');
SELECT results_eq(:'ten', ARRAY['1 3 1 1 1'], 'ten of them');
CALL be('otto', 'South');
SELECT results_eq(:'ten', ARRAY['1 3 1 1 1'], 'in another tenant');
CALL be('vic', 'North');
SELECT throws_ok(:'ten', '42501', NULL, 'and refused for one that is missing');
-- And many more.
\set many 'WITH a AS (UPDATE casnet.persons SET name = name RETURNING 1), b AS (UPDATE casnet.records SET title = title RETURNING 1), c AS (UPDATE casnet.tags SET name = name RETURNING 1), d AS (UPDATE casnet.tasks SET title = title RETURNING 1), e AS (UPDATE casnet.calendar_events SET title = title RETURNING 1), f AS (DELETE FROM casnet.persons WHERE name = ''x''), g AS (DELETE FROM casnet.records WHERE title = ''x''), h AS (DELETE FROM casnet.tags WHERE name = ''x''), i AS (DELETE FROM casnet.tasks WHERE title = ''x''), j AS (DELETE FROM casnet.calendar_events WHERE title = ''x'') SELECT count(*) FROM b'
CALL be('olga', 'North');
SELECT results_eq(:'many', ARRAY[3::bigint], 'fifteen of them');
-- A policy whose names cannot be united asks by itself, and quickly.
RESET SESSION AUTHORIZATION;
CREATE TABLE public.odd (tenant_id uuid, body text);
INSERT INTO public.odd VALUES (:'north', 'odd');
ALTER TABLE public.odd ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON public.odd TO tap_app;
CREATE PROCEDURE public.policy(argument text) LANGUAGE plpgsql AS $$ BEGIN DROP POLICY IF EXISTS p ON public.odd; EXECUTE format('CREATE POLICY p ON public.odd USING (tenant_id = casnet.tenant_with(%L))', argument); END $$;
CALL public.policy('view_records,');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT throws_ok('SELECT FROM casnet.tags JOIN public.odd USING (tenant_id)', '22023', 'unknown permission ""', 'an empty name is not lost beside other policies');
RESET SESSION AUTHORIZATION;
CALL public.policy(repeat('view_records,', 8) || 'view_records');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT throws_ok('SELECT FROM casnet.tags JOIN public.odd USING (tenant_id)', '22023', NULL, 'nor are too many that are equal');
RESET SESSION AUTHORIZATION;
SELECT string_agg(lpad(i::text, 6, '0'), ',') AS names FROM generate_series(1, 30000) AS i \gset
CALL public.policy(:'names');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SET LOCAL statement_timeout = '1500ms';
SELECT throws_ok('SELECT FROM casnet.tags JOIN public.odd USING (tenant_id)', '22023', NULL, 'many different names take no time');
SELECT * FROM finish();
ROLLBACK;
