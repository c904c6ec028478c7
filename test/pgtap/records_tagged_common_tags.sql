-- Common tags are looked up one by one and rare ones as a set.  That changes the plan and
-- never the answer.
BEGIN;
SELECT plan(14);
\ir include/fixtures.sql
\ir include/plan_of.sql
CALL be('mia', 'North');
INSERT INTO casnet.records (title) SELECT 'bulk ' || n FROM generate_series(1, 600) AS n;
INSERT INTO casnet.tags (name) SELECT 'rare ' || n FROM generate_series(1, 300) AS n UNION ALL VALUES ('common'), ('usual');
INSERT INTO casnet.record_tags (record_id, tag_id)
SELECT r.id, t.id FROM casnet.records AS r, casnet.tags AS t
 WHERE r.title LIKE 'bulk %' AND (t.name = 'common' AND r.title !~ '7$' OR t.name = 'usual' AND r.title ~ '[12]$'
	OR t.name = 'rare ' || substr(r.title, 6));
\set any 'SELECT count(*) FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(any_of => %L))'
SELECT ok(plan_of(format(:'any', '{common,usual}'), 'VERBOSE, COSTS OFF') !~ ' OR ', 'without statistics, as a set');
RESET SESSION AUTHORIZATION;
ANALYZE casnet.record_tags;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT ok(plan_of(format(:'any', '{common,usual}'), 'VERBOSE, COSTS OFF') !~ 'Filter: [^\n]* ANY ', 'common tags, without an array for each link');
-- From PostgreSQL 18 on, an index looks up either form as a set.  Without an index, the
-- plan tells the form on each version.
SET LOCAL enable_indexscan = off;
SET LOCAL enable_indexonlyscan = off;
SET LOCAL enable_bitmapscan = off;
SELECT ok(plan_of(format(:'any', '{common,usual}'), 'VERBOSE, COSTS OFF') ~ ' OR ', 'common tags, one by one');
SELECT ok(plan_of(format(:'any', '{unknown,usual}'), 'VERBOSE, COSTS OFF') ~ ' OR ', 'when one of them is');
SELECT ok(plan_of(format(:'any', '{rare 7,rare 17}'), 'VERBOSE, COSTS OFF') !~ ' OR ', 'rare ones, as a set');
SELECT ok(plan_of(format(:'any', '{rare 7}'), 'VERBOSE, COSTS OFF') !~ ' ANY ', 'a single one, whatever it is');
SELECT ok(plan_of(format(:'any', '{common,2,3,4,5,6,7,8}'), 'VERBOSE, COSTS OFF') ~ ' OR ', 'up to eight of them');
SELECT ok(plan_of(format(:'any', '{common,2,3,4,5,6,7,8,9}'), 'VERBOSE, COSTS OFF') !~ ' OR ', 'more than that as a set');
RESET enable_indexscan;
RESET enable_indexonlyscan;
RESET enable_bitmapscan;
SELECT results_eq(format(:'any', tags), ARRAY[n::bigint], tags) FROM (VALUES
	('{common,usual}', 540), ('{unknown,usual}', 120), ('{rare 7,rare 17}', 2), ('{rare 7,usual}', 121)) AS v (tags, n);
-- A query that does not end with the call itself.
SELECT results_eq($$SELECT count(*) FROM casnet.records WHERE id IN (SELECT t FROM casnet.records_tagged('{rare 7}') AS t, generate_series(1, 2))$$,
	ARRAY[1::bigint], 'from a join');
SELECT results_eq($$SELECT count(*) FROM casnet.records WHERE id::text::uuid IN (SELECT casnet.records_tagged(none_of => '{common}'))$$,
	ARRAY[63::bigint], 'of an expression');
SELECT * FROM finish();
ROLLBACK;
