-- A tenant's query has the plan of the hand-written condition on tenant_id:
-- the same index, and the order from the index.
\set QUIET on
SET SESSION AUTHORIZATION regress_backend;
CALL be('olga', 'North');
SET enable_seqscan = off;
SET enable_bitmapscan = off;

\echo point read
EXPLAIN (COSTS OFF) SELECT * FROM casnet.records WHERE id = '00000000-0000-7000-8000-0007000000a0';
\echo newest first
EXPLAIN (COSTS OFF) SELECT id, title FROM casnet.records ORDER BY created_at DESC, id DESC LIMIT 20;
\echo the page after that
EXPLAIN (COSTS OFF) SELECT id, title FROM casnet.records
 WHERE (created_at, id) < ('2024-01-05', '00000000-0000-7000-8000-0007000000a0')
 ORDER BY created_at DESC, id DESC LIMIT 20;
\echo count
EXPLAIN (COSTS OFF) SELECT count(*) FROM casnet.record_tags;
\echo tag join
SET enable_hashjoin = off;
SET enable_mergejoin = off;
EXPLAIN (COSTS OFF) SELECT r.title FROM casnet.tags AS t
  JOIN casnet.record_tags AS l ON l.tenant_id = t.tenant_id AND l.tag_id = t.id
  JOIN casnet.records AS r ON r.tenant_id = l.tenant_id AND r.id = l.record_id
 WHERE t.name = 'tag 1';
\echo open tasks by due date
EXPLAIN (COSTS OFF) SELECT title FROM casnet.tasks WHERE status = 'PENDING' ORDER BY due_date LIMIT 10;
\echo events by start
EXPLAIN (COSTS OFF) SELECT title FROM casnet.calendar_events WHERE starts_at >= '2024-01-01' ORDER BY starts_at LIMIT 10;

\echo update and delete, which are under two policies each
EXPLAIN (COSTS OFF) UPDATE casnet.records SET title = 'x' WHERE id = '00000000-0000-7000-8000-0007000000a0';
EXPLAIN (COSTS OFF) DELETE FROM casnet.records WHERE id = '00000000-0000-7000-8000-0007000000a0';

\echo the same for a generic plan
SET plan_cache_mode = force_generic_plan;
PREPARE point (uuid) AS SELECT title FROM casnet.records WHERE id = $1;
EXPLAIN (COSTS OFF) EXECUTE point ('00000000-0000-7000-8000-0007000000a0');
EXECUTE point ('00000000-0000-7000-8000-0007000000a0');
EXECUTE point ('00000000-0000-7000-8000-0007000000b0');
PREPARE page (integer) AS SELECT title FROM casnet.records ORDER BY created_at DESC, id DESC LIMIT $1;
EXPLAIN (COSTS OFF) EXECUTE page (20);
EXECUTE page (2);
CALL be('otto', 'South');
EXECUTE page (2);
EXECUTE point ('00000000-0000-7000-8000-0007000000a0');
