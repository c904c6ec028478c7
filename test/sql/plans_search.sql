-- Under a policy the operators @~ and *=* search by an index that begins with the tenant.
-- @@ and ILIKE, which are not leakproof, wait behind the policy.
\set QUIET on
SET client_min_messages = warning;
BEGIN;
INSERT INTO casnet.records (tenant_id, title, content)
SELECT t.id, 'letter ' || n, 'word' || n % 100 FROM casnet.tenants AS t, generate_series(1, 2000) AS n;
INSERT INTO casnet.persons (tenant_id, name)
SELECT t.id, 'person ' || n FROM casnet.tenants AS t, generate_series(1, 2000) AS n;
SELECT bool_and(gin_clean_pending_list(i::regclass) >= 0) AS cleaned FROM unnest('{casnet.records_tenant_id_search_vector_idx,casnet.records_tenant_id_title_substring_idx,casnet.persons_tenant_id_name_substring_idx}'::text[]) AS i;
ANALYZE casnet.records, casnet.persons;
SET LOCAL SESSION AUTHORIZATION regress_backend;
CALL be('olga', 'North');
SET LOCAL enable_seqscan = off;

\echo full text
EXPLAIN (COSTS OFF) SELECT title FROM casnet.records WHERE search_vector OPERATOR(casnet.@~) 'letter word17';
EXPLAIN (COSTS OFF) SELECT title FROM casnet.search_records('word1 or word2');
\echo a part of a name
EXPLAIN (COSTS OFF) SELECT title FROM casnet.records WHERE title OPERATOR(casnet.*=*) 'r 171';
EXPLAIN (COSTS OFF) SELECT name FROM casnet.search_persons('n 171');
\echo with tags, after a page
EXPLAIN (COSTS OFF) SELECT title FROM casnet.search_records('word1', all_of => '{urgent}', after_rank => 0.5, after_id => '00000000-0000-7000-8000-000000000001');
\echo a query that is a parameter
SET LOCAL plan_cache_mode = force_generic_plan;
PREPARE search (text) AS SELECT title FROM casnet.records WHERE search_vector OPERATOR(casnet.@~) $1;
EXPLAIN (COSTS OFF) EXECUTE search ('word17');
\echo the built-in operators, which the planner would not run on rows of others
SET LOCAL enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT title FROM casnet.records WHERE search_vector @@ 'word17'::tsquery ORDER BY created_at DESC, id DESC LIMIT 20;
EXPLAIN (COSTS OFF) SELECT title FROM casnet.records WHERE title ILIKE '%r 171%' ORDER BY created_at DESC, id DESC LIMIT 20;
ROLLBACK;
