-- A cursor never shows rows of a tenant in which the user of the session that
-- fetches holds nothing, and one WITH HOLD keeps what it had.
BEGIN;
SELECT plan(5);
\ir include/fixtures.sql
CALL be('olga', 'North');
CREATE FUNCTION pg_temp.fetch_all(c refcursor) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	t text;
	titles text[] := '{}';
BEGIN
	LOOP
		FETCH c INTO t;
		EXIT WHEN NOT FOUND;
		titles := titles || t;
	END LOOP;
	RETURN array_to_string(titles, ', ');
END
$$;
DECLARE a CURSOR FOR SELECT title FROM casnet.records ORDER BY title;
SELECT is(pg_temp.fetch_all('a'), 'North record 1, North record 2, North record 3', 'a cursor');
DECLARE b SCROLL CURSOR FOR SELECT title FROM casnet.records ORDER BY title;
FETCH FIRST FROM b \gset
MOVE ABSOLUTE 0 IN b;
SELECT is(pg_temp.fetch_all('b'), 'North record 1, North record 2, North record 3', 'one that scrolls');
SET LOCAL enable_indexscan = off;
SET LOCAL enable_bitmapscan = off;
SET LOCAL enable_sort = off;
DECLARE c CURSOR FOR SELECT title FROM casnet.records;
MOVE 1 IN c;
CALL be('nora', 'North');
SELECT throws_ok($$SELECT pg_temp.fetch_all('c')$$, '42501', 'not a member of the active tenant', 'one that goes on after the session became a stranger');
CALL be('otto', 'South');
DECLARE d CURSOR FOR SELECT title FROM casnet.records;
SELECT is((SELECT pg_temp.fetch_all('d')) LIKE '%North%', false, 'one in another tenant');
DECLARE e CURSOR FOR SELECT title FROM casnet.records FOR UPDATE;
MOVE 1 IN e;
SELECT is(rows_of('UPDATE casnet.records SET title = title WHERE CURRENT OF e'), 1::bigint, 'WHERE CURRENT OF');
SELECT * FROM finish();
ROLLBACK;
