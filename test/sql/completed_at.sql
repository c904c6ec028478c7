-- completed_at follows status.
\set QUIET on
SET SESSION AUTHORIZATION regress_backend;
CALL be('mia', 'North');
BEGIN;
CREATE TEMP VIEW t AS SELECT title, status, completed_at IS NOT NULL AS stamped, completed_at = '2020-01-01 00:00+00' AS given
  FROM casnet.tasks WHERE title LIKE 't%' ORDER BY title;
INSERT INTO casnet.tasks (title, status, completed_at) VALUES
	('t1 open', 'PENDING', NULL), ('t2 open, with a time', 'IN_PROGRESS', '2020-01-01 00:00+00'),
	('t3 done', 'COMPLETED', NULL), ('t4 done then', 'COMPLETED', '2020-01-01 00:00+00');
TABLE t;
\echo completed now
UPDATE casnet.tasks SET status = 'COMPLETED' WHERE title LIKE 't%';
TABLE t;
SELECT completed_at - statement_timestamp() < interval '1 minute' AS just_now FROM casnet.tasks WHERE title LIKE 't1%';
\echo cleared by hand: it stays
UPDATE casnet.tasks SET completed_at = NULL WHERE title LIKE 't4%';
TABLE t;
\echo corrected by hand
UPDATE casnet.tasks SET completed_at = '2020-01-01 00:00+00' WHERE title LIKE 't1%';
TABLE t;
\echo reopened
UPDATE casnet.tasks SET status = 'CANCELLED' WHERE title LIKE 't%';
TABLE t;
ROLLBACK;
