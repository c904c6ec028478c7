-- A plan for any tags looks expensive, so that the server keeps planning for the tags of
-- each execution.  No other plan does, since that would not help.
BEGIN;
SELECT plan(7);
\ir include/fixtures.sql
\ir include/plan_of.sql
RESET SESSION AUTHORIZATION;
GRANT pg_read_all_stats TO tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
CREATE FUNCTION pg_temp.looks_expensive(statement text) RETURNS boolean LANGUAGE sql AS $$
	SELECT substring(public.plan_of(statement, 'COSTS'), 'cost=[0-9.]*\.\.([0-9]*)')::numeric >= 1e10
$$;
PREPARE given (text[]) AS SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged($1));
PREPARE half_given (text) AS SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(ARRAY[$1, current_setting('tap.name', true)]));
SET LOCAL plan_cache_mode = force_generic_plan;
SELECT is(pg_temp.looks_expensive('EXECUTE given (''{a}'')'), true, 'for any tags');
SET LOCAL plan_cache_mode = force_custom_plan;
SELECT is(pg_temp.looks_expensive('EXECUTE given (''{a}'')'), false, 'for these');
SELECT is(pg_temp.looks_expensive('EXECUTE half_given (''a'')'), false, 'for these and another that nobody knows yet');
RESET plan_cache_mode;
SELECT is(pg_temp.looks_expensive('SELECT count(*) FROM casnet.records'), false, 'no call');
SELECT is(pg_temp.looks_expensive('SELECT count(*) FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(''{a}''))'), false, 'a name');
SELECT is(pg_temp.looks_expensive('SELECT count(*) FROM casnet.records AS r, casnet.tags AS t WHERE r.id IN (SELECT casnet.records_tagged(ARRAY[t.name]))'), false, 'the names of rows');
SELECT is(pg_temp.looks_expensive('SELECT count(*) FROM casnet.tags AS t, casnet.records_tagged(ARRAY[t.name])'), false, 'the names of rows in FROM');
SELECT * FROM finish();
ROLLBACK;
