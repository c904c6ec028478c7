-- The planner sees the value behind a policy.  Its estimate is that of the hand-written
-- condition, for a large and for a small tenant.
\set QUIET on
CREATE FUNCTION estimate(query text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	RETURN plan -> 0 -> 'Plan' ->> 'Plan Rows';
END
$$;
BEGIN;
GRANT pg_read_all_stats TO regress_backend;
INSERT INTO casnet.records (tenant_id, title)
SELECT '00000000-0000-7000-8000-0000000000b0', 'more ' || n FROM generate_series(1, 3800) AS n;
ANALYZE casnet.records;
SELECT estimate('SELECT FROM casnet.records WHERE tenant_id = ''00000000-0000-7000-8000-0000000000a0''') AS north,
	   estimate('SELECT FROM casnet.records WHERE tenant_id = ''00000000-0000-7000-8000-0000000000b0''') AS south;
SET LOCAL SESSION AUTHORIZATION regress_backend;
CALL be('olga', 'North');
SELECT estimate('SELECT FROM casnet.records') AS north;
CALL be('otto', 'South');
SELECT estimate('SELECT FROM casnet.records') AS south;
ROLLBACK;
DROP FUNCTION estimate(text);
