-- A statement looks up the tag of tag_id('name') once, not for each of its rows.  If the
-- name comes from the rows, it looks it up for each.
BEGIN;
SELECT plan(3);
\ir include/fixtures.sql
CALL be('mia', 'North');
-- How often a statement searched the index of the tags.
CREATE FUNCTION pg_temp.searches(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint;
BEGIN
	SELECT idx_scan INTO STRICT before FROM pg_stat_xact_all_tables WHERE relid = 'casnet.tags'::regclass;
	EXECUTE statement;
	RETURN (SELECT idx_scan FROM pg_stat_xact_all_tables WHERE relid = 'casnet.tags'::regclass) - before;
END
$$;
SELECT cmp_ok(pg_temp.searches('SELECT count(casnet_internal.tag_id(''North tag'')) FROM generate_series(1, 100)'), '<', 4::bigint, 'a name');
SELECT cmp_ok(pg_temp.searches('SELECT count(casnet_internal.tag_id(''unknown'')) FROM generate_series(1, 100)'), '<', 4::bigint, 'one that no tag has');
SELECT cmp_ok(pg_temp.searches('SELECT count(casnet_internal.tag_id(i::text)) FROM generate_series(1, 100) AS i'), '>=', 100::bigint, 'names of rows');
SELECT * FROM finish();
ROLLBACK;
