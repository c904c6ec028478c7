-- records_tagged() has the plan of the hand-written joins: a semi-join for each tag, one
-- for any of several, an anti-join for none of them.  Each uses an index under the policies,
-- and the index gives the order.
\set QUIET on
SET SESSION AUTHORIZATION regress_backend;
CALL be('olga', 'North');
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_material = off;
SET enable_memoize = off;
SET enable_sort = off;

-- The library sees only statements after the one that loads it.
SELECT casnet.can('view_tags');
\echo a tag
EXPLAIN (COSTS OFF) SELECT title FROM casnet.records AS r WHERE id IN (SELECT casnet.records_tagged('{tag 1}')) ORDER BY created_at DESC, id DESC LIMIT 20;
\echo the newest with all of, any of and none of
EXPLAIN (COSTS OFF) SELECT title FROM casnet.records AS r
 WHERE id IN (SELECT casnet.records_tagged('{tag 1,tag 2}', '{tag 3}', '{tag 4}'))
 ORDER BY created_at DESC, id DESC LIMIT 20;
\echo only without a tag
EXPLAIN (COSTS OFF) SELECT title FROM casnet.records AS r
 WHERE id IN (SELECT t FROM casnet.records_tagged(none_of => '{tag 1}') AS t)
 ORDER BY created_at DESC, id DESC LIMIT 20;
\echo no tags at all
EXPLAIN (COSTS OFF) SELECT title FROM casnet.records AS r WHERE id IN (SELECT casnet.records_tagged()) ORDER BY created_at DESC, id DESC LIMIT 20;
\echo the records of other rows
EXPLAIN (COSTS OFF) SELECT title FROM casnet.tasks AS k WHERE record_id IN (SELECT casnet.records_tagged('{tag 1}'));
\echo in FROM
EXPLAIN (COSTS OFF) SELECT count(*) FROM casnet.records_tagged('{tag 1}');
\echo tags as a parameter: a plan for these, and the function in one for any
PREPARE tagged (text[]) AS SELECT title FROM casnet.records AS r WHERE id IN (SELECT casnet.records_tagged($1)) ORDER BY created_at DESC, id DESC LIMIT 20;
EXPLAIN (COSTS OFF) EXECUTE tagged ('{tag 1}');
SET plan_cache_mode = force_generic_plan;
PREPARE any_tag (text[]) AS SELECT title FROM casnet.records AS r WHERE id IN (SELECT casnet.records_tagged($1));
EXPLAIN (COSTS OFF) EXECUTE any_tag ('{tag 1}');
\echo the tags of a column: the function
EXPLAIN (COSTS OFF) SELECT t.name, f FROM casnet.tags AS t, casnet.records_tagged(ARRAY[t.name]) AS f;
