-- A reused plan is refused to a session that lacks the permission, as a new plan is.  That
-- holds even if it reaches no row that a policy could judge: its table is empty, or another
-- empty table keeps it from running.
BEGIN;
SELECT plan(12);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.tasks;
DELETE FROM casnet.persons;
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE FUNCTION pg_temp.people() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	SELECT count(*) INTO n FROM casnet.persons;
	RETURN n;
END
$$;
CALL be('olga', 'North');
SET LOCAL plan_cache_mode = force_generic_plan;
SET LOCAL enable_indexscan = off;
SET LOCAL enable_indexonlyscan = off;
SET LOCAL enable_bitmapscan = off;
PREPARE people AS SELECT count(*) FROM casnet.persons;
PREPARE change AS UPDATE casnet.persons SET name = name;
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
SET LOCAL enable_indexscan = on;
PREPARE joined AS SELECT count(*) FROM (SELECT FROM generate_series(1, 0) OFFSET 0) AS nothing, LATERAL (SELECT FROM casnet.records OFFSET 0) AS r;
SET LOCAL enable_indexscan = off;
SELECT is(rows_of('EXECUTE people'), 1::bigint, 'an owner sees that there is nothing');
SELECT lives_ok('EXECUTE change', 'and changes nothing');
SELECT lives_ok('EXECUTE joined', 'and joins nothing');
SELECT is(pg_temp.people(), 0::bigint, 'in a function');
CALL be('vic', 'North');
SELECT is(rows_of('EXECUTE people'), 1::bigint, 'a viewer sees it too');
SELECT throws_ok('EXECUTE change', '42501', 'permission "edit_persons" is missing in the active tenant', 'but may change nothing');
CALL be('nora', 'North');
SELECT throws_ok('EXECUTE people', '42501', 'not a member of the active tenant', 'a stranger is refused');
SELECT throws_ok('EXECUTE joined', '42501', 'not a member of the active tenant', 'also what the plan never comes to');
SELECT throws_ok('SELECT pg_temp.people()', '42501', 'not a member of the active tenant', 'and in a function');
RESET casnet.user_id;
SELECT throws_ok('EXECUTE people', '28000', 'nobody is signed in', 'nobody is refused');
SELECT throws_ok('EXECUTE joined', '28000', 'nobody is signed in', 'wherever');
SELECT throws_ok('SELECT pg_temp.people()', '28000', 'nobody is signed in', 'and in a function');
SELECT * FROM finish();
ROLLBACK;
