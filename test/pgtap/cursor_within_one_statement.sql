-- A cursor that continues within the same statement of the client is refused what the user
-- has lost meanwhile.
BEGIN;
SELECT plan(2);
\ir include/fixtures.sql
CREATE FUNCTION pg_temp.fetch_twice(meanwhile text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	c CURSOR FOR SELECT title FROM casnet.records;
	a text;
	b text;
BEGIN
	CALL be('mia', 'North');
	OPEN c;
	FETCH c INTO a;
	CALL be('olga', 'North');
	EXECUTE meanwhile;
	FETCH c INTO b;
	CLOSE c;
	RETURN b;
END
$$;
SELECT matches(pg_temp.fetch_twice('SELECT 1'), 'North record', 'it goes on');
SELECT throws_ok($$SELECT pg_temp.fetch_twice('SELECT casnet.remove_member(''mia'')')$$, '42501', NULL, 'not for who was removed');
SELECT * FROM finish();
ROLLBACK;
