-- Many names, or a long one, hold up nobody.  A session that normalizes them obeys a
-- timeout, and names that no tag can have take no time.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
-- The clock of a statement starts with it, so everything is made before.
CREATE TEMP TABLE given (short text[], long text[], unseen text, part text);
ALTER TABLE given ALTER unseen SET STORAGE EXTERNAL, ALTER part SET STORAGE EXTERNAL;
INSERT INTO given SELECT
	(SELECT array_agg('a' || repeat(U&'\0301\0316', 340) || i) FROM generate_series(1, 1000) AS i),
	(SELECT array_agg('a' || repeat(U&'\0301\0316', 1990) || i) FROM generate_series(1, 40) AS i),
	repeat(repeat(U&'\200B', 1000), 60000), repeat('é', 10000000);
GRANT SELECT ON given TO PUBLIC;
-- SQLSTATE of a statement, and whether it took as long as it may, in milliseconds.
CREATE FUNCTION pg_temp.ended(statement text, may double precision) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	state text := 'none';
BEGIN
	BEGIN
		EXECUTE statement;
	EXCEPTION WHEN OTHERS OR query_canceled THEN
		state := SQLSTATE;
	END;
	RETURN state || CASE WHEN clock_timestamp() < statement_timestamp() + may * interval '1 ms' THEN '' ELSE ' late' END;
END
$$;
-- What a statement takes without a timeout, in milliseconds.  A machine may be fast or slow,
-- so a timeout is a quarter of it.
CREATE FUNCTION pg_temp.takes(statement text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	began timestamptz := clock_timestamp();
BEGIN
	PERFORM pg_temp.ended(statement, 0);
	RETURN greatest(extract(epoch FROM clock_timestamp() - began) * 1000, 4);
END
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');

\set statement 'SELECT casnet_internal.tag_names(short) FROM given'
SELECT takes, takes / 4 AS quarter FROM pg_temp.takes(:'statement') AS takes \gset
SET LOCAL statement_timeout = :quarter;
SELECT is(pg_temp.ended(:'statement', :takes), '57014', 'many names of tags');
SET LOCAL statement_timeout = 0;

\set statement 'SELECT casnet_internal.tag_ids(short) FROM given'
SELECT takes, takes / 4 AS quarter FROM pg_temp.takes(:'statement') AS takes \gset
SET LOCAL statement_timeout = :quarter;
SELECT is(pg_temp.ended(:'statement', :takes), '57014', 'whose tags are looked for');
SET LOCAL statement_timeout = 0;

\set statement 'SELECT casnet_internal.name_form(unseen) FROM given'
SELECT takes, takes / 4 AS quarter FROM pg_temp.takes(:'statement') AS takes \gset
SET LOCAL statement_timeout = :quarter;
SELECT is(pg_temp.ended(:'statement', :takes), '57014', 'a name of what nobody sees');
SET LOCAL statement_timeout = 0;

\set statement 'SELECT casnet_internal.name_form(''x'' || unseen) FROM given'
SELECT takes, takes / 4 AS quarter FROM pg_temp.takes(:'statement') AS takes \gset
SET LOCAL statement_timeout = :quarter;
SELECT is(pg_temp.ended(:'statement', :takes), '57014', 'or with it at the end');
SET LOCAL statement_timeout = 0;

-- Names that are too long are known to be so before they are normalized.
SELECT is(pg_temp.ended('SELECT casnet_internal.tag_names(long) FROM given', 2000), '22023', 'names that are too long');
SELECT is(pg_temp.ended('SELECT casnet_internal.tag_ids(long) FROM given', 2000), 'none', 'which no tag has');
SELECT is(pg_temp.ended('SELECT casnet_internal.tag_id(n) FROM given, unnest(long) AS n', 2000), 'none', 'each by itself');
-- No name has a part so long, so nobody looks at its letters.
SELECT is(pg_temp.ended('SELECT casnet_internal.search_part(part) FROM given', 3000), 'none', 'a part that no name can have');
SELECT is(pg_temp.ended('SELECT FROM given, casnet.search_persons(part)', 3000), 'none', 'for which somebody searches');
SELECT * FROM finish();
ROLLBACK;
