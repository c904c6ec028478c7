-- In statements on a table that Citus distributes, the tenant is a constant, by which Citus
-- finds the node.  A prepared statement is planned again for another tenant, and no plan
-- runs for another tenant than its own.
BEGIN;
SELECT plan(25);
\ir include/fixtures.sql
\ir include/plan_of.sql
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE FUNCTION pg_temp.pinned(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	plan text := public.plan_of(statement, 'COSTS OFF, VERBOSE');
BEGIN
	RETURN concat_ws(', ', CASE WHEN plan ~ 'tenant_with' THEN 'asks' END,
		CASE WHEN plan ~ '00a0''::uuid' THEN 'North' END, CASE WHEN plan ~ '00b0''::uuid' THEN 'South' END);
END
$$;
CALL be('mia', 'North');
SELECT isnt(pg_temp.pinned('SELECT * FROM casnet.records'), 'North', 'on one server the plan is of any tenant');
\ir include/nodes.sql
CALL be('mia', 'North');
SELECT is(pg_temp.pinned('SELECT * FROM casnet.records'), 'North', 'a table');
SELECT is(pg_temp.pinned('SELECT * FROM casnet.records AS r JOIN casnet.tasks AS t ON t.record_id = r.id'), 'North', 'a join without the tenant');
SELECT is(pg_temp.pinned('SELECT * FROM casnet.records AS r WHERE EXISTS (SELECT 1 FROM casnet.record_tags AS t WHERE t.record_id = r.id)'), 'North', 'EXISTS');
SELECT is(pg_temp.pinned('WITH r AS MATERIALIZED (SELECT * FROM casnet.records) SELECT count(*) FROM r'), 'North', 'a CTE');
SELECT is(pg_temp.pinned('SELECT title, count(*) OVER () FROM casnet.records'), 'North', 'a window');
SELECT is(pg_temp.pinned('SELECT * FROM casnet.records AS r, LATERAL (SELECT title FROM casnet.tasks AS t WHERE t.record_id = r.id LIMIT 1) AS t'), 'North', 'LATERAL');
SELECT is(pg_temp.pinned('UPDATE casnet.records SET title = title'), 'North', 'UPDATE');
SELECT is(pg_temp.pinned('UPDATE casnet.tasks SET title = r.title FROM casnet.records AS r WHERE r.id = record_id'), 'North', 'UPDATE FROM');
CALL be('olga', 'North');
SELECT is(pg_temp.pinned('DELETE FROM casnet.tasks'), 'North', 'DELETE');
SELECT unalike(plan_of('SELECT username FROM casnet.users'), '%00a0%', 'a reference table is on each node, and not pinned');

CALL be('vic', 'North');
SELECT is(state_of('EXPLAIN DELETE FROM casnet.records'), '42501', 'permissions are asked for while the statement is planned');
CALL be(NULL);
SELECT is(state_of('EXPLAIN SELECT * FROM casnet.records'), '28000', 'and who it is');

-- Prepared statements follow the tenant, the user and what they may do.
PREPARE titles AS SELECT string_agg(title, ',' ORDER BY title) FROM casnet.records WHERE title LIKE '%1';
PREPARE titled (text) AS SELECT string_agg(title, ',' ORDER BY title) FROM casnet.records WHERE title LIKE $1;
CALL be('mia', 'North');
SELECT is(outcome('EXECUTE titles'), 'North record 1', 'prepared without a tenant');
CALL be('mia', 'South');
SELECT is(outcome('EXECUTE titles'), 'South record 1', 'executed in another tenant');
SET LOCAL plan_cache_mode = force_generic_plan;
SELECT is(outcome($$EXECUTE titled ('%2')$$), 'South record 2', 'a generic plan');
CALL be('otto', 'South');
SELECT is(outcome($$EXECUTE titled ('%2')$$), 'South record 2', 'of another user');
CALL be('otto', 'North');
SELECT is(outcome($$EXECUTE titled ('%2')$$), '42501', 'who is no member of another tenant');
CALL be('olga', 'North');
SELECT is(outcome($$EXECUTE titled ('%2')$$), 'North record 2', 'in another tenant');
CALL be(NULL);
SELECT is(outcome($$EXECUTE titled ('%2')$$), '28000', 'nobody');
CALL be('mia', 'North');
CREATE FUNCTION pg_temp.read() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM casnet.records WHERE title LIKE ''North%''); END';
SELECT is(pg_temp.read(), 3::bigint, 'a function');
CALL be('mia', 'South');
SELECT is(pg_temp.read(), 0::bigint, 'in another tenant');

-- All statements of such a function are planned before the first one runs.
CREATE FUNCTION pg_temp.change_and_read() RETURNS bigint LANGUAGE sql AS $$
	SELECT set_config('casnet.tenant_id', '00000000-0000-7000-8000-0000000000a0', true);
	SELECT count(*) FROM casnet.records;
$$;
SELECT is(outcome('SELECT pg_temp.change_and_read()'), CASE WHEN current_setting('server_version_num')::integer < 180000 THEN '55000' ELSE '3' END,
	'no plan runs for another tenant');
CALL be('mia', 'North');
SELECT is(outcome('SELECT pg_temp.change_and_read()'), '3', 'but for its own');
SELECT is(outcome('SELECT count(*) FROM casnet.records'), '3', 'and the session goes on');
SELECT * FROM finish();
ROLLBACK;
