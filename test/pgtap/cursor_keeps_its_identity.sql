-- A cursor keeps the user and the tenant that opened it when the session changes either, by
-- index and by sequential scan.  In a sequential scan it is refused what its user has lost
-- meanwhile.
BEGIN;
SELECT plan(8);
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
SELECT matches(pg_temp.fetch_all('c'), '^North record [123], North record [123]$', 'one that goes on after the session became a stranger');
CALL be('olga', 'North');
DECLARE c2 CURSOR FOR SELECT title FROM casnet.records;
MOVE 1 IN c2;
CALL be('otto', 'South');
SELECT matches(pg_temp.fetch_all('c2'), '^North record [123], North record [123]$', 'and after it went to another tenant');
CALL be('olga', 'North');
DECLARE locking CURSOR FOR SELECT title FROM casnet.records FOR UPDATE;
MOVE 1 IN locking;
CALL be('otto', 'South');
SELECT matches(pg_temp.fetch_all('locking'), '^North record [123], North record [123]$', 'one that locks its rows, too');
CALL be('mia', 'North');
DECLARE c3 CURSOR FOR SELECT title FROM casnet.records;
MOVE 1 IN c3;
CALL be('olga', 'North');
SELECT casnet.remove_member('mia');
SELECT throws_ok($$SELECT pg_temp.fetch_all('c3')$$, '42501', 'not a member of the active tenant', 'not after the user was removed');
CALL be('otto', 'South');
DECLARE d CURSOR FOR SELECT title FROM casnet.records;
SELECT is((SELECT pg_temp.fetch_all('d')) LIKE '%North%', false, 'one in another tenant');
DECLARE e CURSOR FOR SELECT title FROM casnet.records FOR UPDATE;
MOVE 1 IN e;
SELECT is(rows_of('UPDATE casnet.records SET title = title WHERE CURRENT OF e'), 1::bigint, 'WHERE CURRENT OF');
SELECT * FROM finish();
ROLLBACK;
