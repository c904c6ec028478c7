-- EXPLAIN ANALYZE of a statement that writes executes it once, although it shows less.
-- EXPLAIN without it executes nothing.  A statement that fails raises its own error.
BEGIN;
SELECT plan(16);
\ir include/fixtures.sql
\ir include/shown.sql
RESET SESSION AUTHORIZATION;
CREATE SEQUENCE public.counted;
GRANT USAGE, SELECT ON SEQUENCE public.counted TO tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
PREPARE more(text) AS INSERT INTO casnet.tags (name) VALUES ($1 || nextval('public.counted'));

SELECT ok(public.shown($$INSERT INTO casnet.tags (name) VALUES ('a')$$, 'ANALYZE') <> '', 'INSERT');
SELECT is((SELECT count(*) FROM casnet.tags WHERE name = 'a'), 1::bigint, 'makes one row');
SELECT ok(public.shown('UPDATE casnet.persons SET name = name || ''!''', 'ANALYZE, FORMAT JSON') <> '', 'UPDATE');
SELECT is((SELECT string_agg(name, ',') FROM casnet.persons), 'North person!', 'changes it once');
SELECT ok(public.shown('MERGE INTO casnet.persons AS p USING (VALUES (1)) AS v ON true WHEN MATCHED THEN UPDATE SET name = p.name || ''?''', 'ANALYZE, BUFFERS') <> '', 'MERGE');
SELECT is((SELECT string_agg(name, ',') FROM casnet.persons), 'North person!?', 'changes it once');
SELECT ok(public.shown('DELETE FROM casnet.calendar_events', 'ANALYZE, COSTS OFF') <> '', 'DELETE');
SELECT is((SELECT count(*) FROM casnet.calendar_events), 0::bigint, 'leaves none');
SELECT ok(public.shown('EXECUTE more(''b '')', 'ANALYZE, VERBOSE') <> '', 'EXECUTE');
SELECT results_eq('SELECT name FROM casnet.tags WHERE name ~ ''^b''', ARRAY['b 1'], 'evaluates what it calls once');
SELECT ok(public.shown('SELECT nextval(''public.counted'') FROM casnet.persons', 'ANALYZE') <> '', 'SELECT');
SELECT is((SELECT last_value FROM public.counted), 2::bigint, 'does so as well');

SELECT ok(public.shown('DELETE FROM casnet.records') <> '' AND public.shown('EXECUTE more(''c '')') <> '', 'EXPLAIN alone');
SELECT is((SELECT count(*) FROM casnet.records) + (SELECT last_value FROM public.counted), 5::bigint, 'executes nothing');
SELECT throws_ok($$SELECT public.shown('INSERT INTO casnet.tags (name) VALUES (''a'')', 'ANALYZE')$$, '23505', NULL, 'an error is raised');
CALL be('vic', 'North');
SELECT throws_ok($$SELECT public.shown('DELETE FROM casnet.records', 'ANALYZE')$$, '42501', 'permission "delete_records" is missing in the active tenant', 'and so is a refusal');
SELECT * FROM finish();
ROLLBACK;
