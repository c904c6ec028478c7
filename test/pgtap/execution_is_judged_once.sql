-- The policies of a plan are a parameter of its execution.  It is set from the session's
-- identity at the start; EXPLAIN shows the call in its place.
BEGIN;
SELECT plan(17);
\ir include/fixtures.sql
\ir include/plan_of.sql
SET LOCAL plan_cache_mode = force_generic_plan;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;

CALL be('mia', 'North');
SELECT matches(plan_of('SELECT * FROM casnet.records'), $$tenant_id = casnet.tenant_with\('view_records'$$, 'EXPLAIN shows the call');
PREPARE one AS SELECT title FROM casnet.records WHERE id = '00000000-0000-7000-8000-0000000001a0';
PREPARE rename AS UPDATE casnet.records SET title = title || '!' WHERE title LIKE '%1' RETURNING title;
PREPARE joined AS SELECT r.title, t.title FROM casnet.records AS r JOIN casnet.tasks AS t ON t.record_id = r.id;
PREPARE deep AS SELECT (SELECT count(*) FROM casnet.persons), count(*) FROM (SELECT id FROM casnet.records UNION ALL SELECT id FROM casnet.tags) AS u;
PREPARE plain AS SELECT count(*) FROM public.who;
SELECT results_eq('one', ARRAY['North record 1'], 'a row');
SELECT matches(plan_of('EXECUTE one'), $$tenant_id = \$0\)$$, 'the plan that is kept has a parameter');
SELECT doesnt_match(plan_of('EXECUTE joined'), 'tenant_with', 'so has each table of a join');
SELECT doesnt_match(plan_of('EXECUTE deep'), 'tenant_with', 'and each subquery');
SELECT matches(plan_of('EXECUTE rename'), $$tenant_id = casnet.tenant_with\($$, 'a change may wait for its row, and asks again');
SELECT results_eq('rename', ARRAY['North record 1!'], 'which changes its row');
SELECT results_eq('deep', $$VALUES (1::bigint, 4::bigint)$$, 'and counts its own');
SELECT results_eq('plain', ARRAY[10::bigint], 'a plan without policies needs nobody');

CALL be('otto', 'South');
SELECT is_empty('EXECUTE one', 'another tenant has not got it');
SELECT results_eq('joined', $$VALUES ('South record 1', 'South task')$$, 'and gets its own');
SELECT throws_ok('EXECUTE rename; EXECUTE none', '26000', NULL, 'an error in between');
CALL be('vic', 'North');
SELECT results_eq('one', ARRAY['North record 1!'], 'a viewer views');
SELECT throws_ok('EXECUTE rename', '42501', 'permission "edit_records" is missing in the active tenant', 'and changes nothing');
CALL be('');
SELECT throws_ok('EXECUTE deep', '28000', NULL, 'nobody');
CALL be('vic', 'North');
SELECT is((SELECT count(*) FROM casnet.records WHERE CASE WHEN title = 'South record 1' THEN casnet.tenant_with('manage_tenant') IS NULL END), 0::bigint, 'a call for some rows is made for those');
SELECT is((SELECT count(*) FROM casnet.records WHERE tenant_id = casnet.tenant_with('view_records')), 3::bigint, 'one of the statement itself');
SELECT * FROM finish();
ROLLBACK;
