-- Under a policy the operators @~ and *=* search by an index that begins with the tenant.
-- @@ and ILIKE, which are not leakproof, wait behind the policy.
\set QUIET on
SET client_min_messages = warning;
BEGIN;
INSERT INTO casnet.records (tenant_id, title, content)
SELECT t.id, 'letter ' || n, 'word' || n % 100 FROM casnet.tenants AS t, generate_series(1, 2000) AS n;
INSERT INTO casnet.persons (tenant_id, name)
SELECT t.id, 'person ' || n FROM casnet.tenants AS t, generate_series(1, 2000) AS n;
CREATE EXTENSION pg_trgm;
SELECT casnet.install() IS NOT NULL AS installed, gin_clean_pending_list('casnet.records_tenant_id_search_vector_idx') >= 0 AS cleaned;
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
\echo a query that is a parameter
SET LOCAL plan_cache_mode = force_generic_plan;
PREPARE search (text) AS SELECT title FROM casnet.records WHERE search_vector OPERATOR(casnet.@~) $1;
EXPLAIN (COSTS OFF) EXECUTE search ('word17');
\echo the built-in operators, which the planner would not run on rows of others
SET LOCAL enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT title FROM casnet.records WHERE search_vector @@ 'word17'::tsquery ORDER BY created_at DESC, id DESC LIMIT 20;
EXPLAIN (COSTS OFF) SELECT title FROM casnet.records WHERE title ILIKE '%r 171%' ORDER BY created_at DESC, id DESC LIMIT 20;
ROLLBACK;
