-- A prepared statement, planned once for all, answers for the session's identity at each
-- execution.
BEGIN;
SELECT plan(13);
\ir include/fixtures.sql
SET LOCAL plan_cache_mode = force_generic_plan;

CALL be('mia', 'North');
PREPARE titles AS SELECT title FROM casnet.records ORDER BY title;
PREPARE one (uuid) AS SELECT title FROM casnet.records WHERE id = $1;
PREPARE ask (text) AS SELECT casnet.can($1);
PREPARE rename (text) AS UPDATE casnet.persons SET name = $1;
PREPARE tenant (text) AS SELECT casnet.tenant_with($1);
SELECT results_eq('titles', ARRAY['North record 1', 'North record 2', 'North record 3'], 'in North');
SELECT is_empty($$EXECUTE one ('00000000-0000-7000-8000-0000000001b0')$$, 'nothing of South');
SELECT results_eq($$EXECUTE ask ('create_records')$$, ARRAY[true], 'a member creates');
SELECT results_eq($$EXECUTE ask ('delete_records')$$, ARRAY[false], 'and does not delete');
SELECT results_eq($$EXECUTE tenant ('view_records')$$, ARRAY[:'north'::uuid], 'tenant_with(), allowed');
SELECT throws_ok($$EXECUTE tenant ('delete_records')$$, '42501', NULL, 'and refused');
SELECT lives_ok($$EXECUTE rename ('x')$$, 'a member edits');

CALL be('mia', 'South');
SELECT results_eq('titles', ARRAY['South record 1', 'South record 2', 'South record 3'], 'in South');
SELECT results_eq($$EXECUTE one ('00000000-0000-7000-8000-0000000001b0')$$, ARRAY['South record 1'], 'the very record');
SELECT results_eq($$EXECUTE ask ('create_records')$$, ARRAY[false], 'where she is a viewer');
SELECT throws_ok($$EXECUTE rename ('x')$$, '42501', 'permission "edit_persons" is missing in the active tenant', 'and edits nothing');
CALL be('nora', 'South');
SELECT throws_ok('EXECUTE titles', '42501', 'not a member of the active tenant', 'a stranger');
CALL be('');
SELECT throws_ok('EXECUTE titles', '28000', NULL, 'nobody');
SELECT * FROM finish();
ROLLBACK;
