-- Many names, or a long one, hold up nobody.  A session that normalizes them obeys a
-- timeout, and names that no tag can have take no time.
BEGIN;
SELECT plan(7);
\ir include/fixtures.sql
-- The clock of a statement starts with it, so everything is made before.
CREATE TEMP TABLE given AS SELECT
	(SELECT array_agg('a' || repeat(U&'\0301\0316', 340) || i) FROM generate_series(1, 3000) AS i) AS short,
	(SELECT array_agg('a' || repeat(U&'\0301\0316', 1990) || i) FROM generate_series(1, 40) AS i) AS long;
GRANT SELECT ON given TO PUBLIC;
-- SQLSTATE of a statement, and whether it ended in time.
CREATE FUNCTION pg_temp.ended(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	state text := 'none';
BEGIN
	BEGIN
		EXECUTE statement;
	EXCEPTION WHEN OTHERS OR query_canceled THEN
		state := SQLSTATE;
	END;
	RETURN state || CASE WHEN clock_timestamp() < statement_timestamp() + '2 s' THEN '' ELSE ' late' END;
END
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SET LOCAL statement_timeout = '500ms';
SELECT is(pg_temp.ended('SELECT casnet_internal.tag_names(short) FROM given'), '57014', 'many names of tags');
SELECT is(pg_temp.ended('SELECT casnet_internal.tag_ids(short) FROM given'), '57014', 'whose tags are looked for');
SELECT is(pg_temp.ended('SELECT casnet_internal.tag_names(long) FROM given'), '22023', 'names that are too long');
SELECT is(pg_temp.ended('SELECT casnet_internal.tag_ids(long) FROM given'), 'none', 'which no tag has');
SELECT is(pg_temp.ended('SELECT casnet_internal.tag_id(n) FROM given, unnest(long) AS n'), 'none', 'each by itself');
SELECT is(pg_temp.ended('SELECT casnet_internal.name_form(repeat(repeat(U&''\200B'', 1000), 60000))'), '57014', 'a name of what nobody sees');
SELECT is(pg_temp.ended('SELECT casnet_internal.name_form(''x'' || repeat(repeat(U&''\200B'', 1000), 60000))'), '57014', 'or with it at the end');
SELECT * FROM finish();
ROLLBACK;
