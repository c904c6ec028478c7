-- What can happen on the way: rows that triggers suppress, loads within loads, errors that
-- are caught, changes of table and view within the transaction.
BEGIN;
SELECT plan(16);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE FUNCTION public.on_tag() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.name LIKE 'skip%' THEN
		RETURN NULL;
	ELSIF NEW.name ~ '^deep [1-9]$' THEN
		-- the same view again, and another one
		INSERT INTO casnet.tags_load (name) VALUES ('deep ' || right(NEW.name, 1)::integer - 1);
		INSERT INTO casnet.records_load (title) VALUES (NEW.name), (NEW.name || ' too');
	ELSIF NEW.name = 'catch' THEN
		BEGIN
			INSERT INTO casnet.tags_load (name) VALUES ('catch 1'), (' ');
		EXCEPTION WHEN check_violation THEN
			INSERT INTO casnet.tags_load (name) VALUES ('caught');
		END;
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER a BEFORE INSERT ON casnet.tags FOR EACH ROW EXECUTE FUNCTION public.on_tag();
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');

SELECT is(rows_of($$INSERT INTO casnet.tags_load (name) VALUES ('a'), ('skip'), ('b'), ('skip 2')$$), 2::bigint, 'rows turned away do not count');
SELECT is((SELECT count(*) FROM casnet.tags WHERE name IN ('a', 'b')), 2::bigint, 'the others are there');
SELECT is(rows_of($$INSERT INTO casnet.tags_load (name) VALUES ('deep 3'), ('c'), ('deep 9!')$$), 3::bigint, 'loads within loads');
SELECT results_eq($$SELECT name FROM casnet.tags WHERE name LIKE 'deep _' ORDER BY 1$$, ARRAY['deep 0', 'deep 1', 'deep 2', 'deep 3'], 'at every depth');
SELECT is((SELECT count(*) FROM casnet.records WHERE title LIKE 'deep%'), 6::bigint, 'into another view, too');
SELECT lives_ok($$INSERT INTO casnet.tags_load (name) VALUES ('catch'), ('d')$$, 'an error caught on the way');
SELECT results_eq($$SELECT name FROM casnet.tags WHERE name LIKE 'ca%' OR name = 'd' ORDER BY 1$$, ARRAY['catch', 'caught', 'd'], 'undoes what it should');

SELECT results_eq($$WITH x AS (INSERT INTO casnet.tags_load (name) VALUES ('x 1'), ('x 2') RETURNING 1),
	y AS (INSERT INTO casnet.tags_load (name) VALUES ('y 1'), ('skip') RETURNING 1) SELECT (SELECT count(*) FROM x), (SELECT count(*) FROM y)$$,
	'VALUES (2::bigint, 1::bigint)', 'two loads in one statement');

-- Between two rows of a load, their default loads into the same view.
CREATE FUNCTION pg_temp.between(n integer) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO casnet.tags_load (name) SELECT 'inner ' || n || '.' || m FROM generate_series(1, n % 3) AS m;
	INSERT INTO casnet.tags_load (name) VALUES (CASE WHEN n % 2 = 0 THEN ' ' ELSE 'odd ' || n END);
	RETURN 'outer ' || n;
EXCEPTION WHEN check_violation THEN
	RETURN 'even ' || n;
END
$$;
RESET SESSION AUTHORIZATION;
CREATE SEQUENCE public.seven;
GRANT USAGE ON SEQUENCE public.seven TO tap_app;
ALTER VIEW casnet.tags_load ALTER COLUMN name SET DEFAULT pg_temp.between(nextval('public.seven')::integer);
SET LOCAL SESSION AUTHORIZATION tap_app;
COPY casnet.tags_load (created_at) FROM stdin;
2026-01-01
2026-01-01
2026-01-01
2026-01-01
\.
SELECT results_eq($$SELECT name FROM casnet.tags WHERE name ~ '^(inner|outer|odd|even)' ORDER BY 1$$,
	ARRAY['even 2', 'even 4', 'inner 1.1', 'odd 1', 'odd 3', 'outer 1', 'outer 3'], 'loads between the rows of another');

-- All or nothing.
SELECT throws_ok($$INSERT INTO casnet.tags_load (name) SELECT 'many ' || n FROM generate_series(1, 50) AS n UNION ALL SELECT ' '$$, '23514', NULL, 'a bad row at the end');
SELECT is((SELECT count(*) FROM casnet.tags WHERE name LIKE 'many%'), 0::bigint, 'leaves none of the others');
SELECT is(rows_of($$INSERT INTO casnet.tags_load (name) SELECT 'many ' || n FROM generate_series(1, 50) AS n$$), 50::bigint, 'and the next load works');

-- A prepared statement under another role, and with another definition.
PREPARE load(text) AS INSERT INTO casnet.tags_load (name) VALUES ($1);
EXECUTE load('e');
CALL be('otto', 'South');
EXECUTE load('e');
SELECT results_eq($$SELECT name FROM casnet.tags ORDER BY length(name)$$, ARRAY['e', 'South tag'], 'a prepared statement follows the session');
RESET SESSION AUTHORIZATION;
DROP TRIGGER a ON casnet.tags;
ALTER TABLE casnet.tags ADD COLUMN color text NOT NULL DEFAULT 'red';
SELECT casnet.install() IS NOT NULL AS installed \gset
SET LOCAL SESSION AUTHORIZATION tap_app;
EXECUTE load('f');
SELECT is((SELECT color FROM casnet.tags WHERE name = 'f'), 'red', 'and the table');
RESET SESSION AUTHORIZATION;
ALTER VIEW casnet.tags_load RENAME TO tags_inlet;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT lives_ok($$INSERT INTO casnet.tags_inlet (name) VALUES ('g')$$, 'the view may be renamed');
RESET SESSION AUTHORIZATION;
ALTER TABLE casnet.tags RENAME TO labels;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok($$INSERT INTO casnet.tags_inlet (name) VALUES ('h')$$, '42P01', 'view tags_inlet has no table casnet.tags to load', 'the table may not');
SELECT * FROM finish();
ROLLBACK;
