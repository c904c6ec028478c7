-- The abort of the subtransaction in which a load failed cleans it up.  If an expression
-- called the function, its memory lives on; the next load works all the same.
BEGIN;
SELECT plan(4);
\ir include/fixtures.sql
CALL be('olga', 'North');
-- Fails before its second row, not while inserting.
CREATE FUNCTION pg_temp.fail(target text) RETURNS void LANGUAGE sql AS $$
	INSERT INTO casnet.tags_load (name) SELECT target || 1 / (2 - n) FROM generate_series(1, 2) AS n
$$;
CREATE FUNCTION pg_temp.load(target text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	nothing text;
BEGIN
	BEGIN
		nothing := pg_temp.fail(target);
	EXCEPTION WHEN division_by_zero THEN
		INSERT INTO casnet.tags_load (name) VALUES (target || 'caught');
	END;
	INSERT INTO casnet.tags_load (name) VALUES (target || 'after');
	RETURN 'loaded';
END
$$;
SELECT is(pg_temp.load('a '), 'loaded', 'after one that failed');
SELECT is(pg_temp.load('b '), 'loaded', 'and another');
SELECT lives_ok($$INSERT INTO casnet.tags_load (name) VALUES ('c')$$, 'and in the next statement');
SELECT results_eq($$SELECT name FROM casnet.tags WHERE name ~ '^[abc]' ORDER BY 1$$, ARRAY['a after', 'a caught', 'b after', 'b caught', 'c'], 'nothing else is there');
SELECT * FROM finish();
ROLLBACK;
