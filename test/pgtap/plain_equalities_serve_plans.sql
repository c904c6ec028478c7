-- Equalities that reveal nothing, or that depend on no row, allow the same index scans and
-- joins under policies as without.
BEGIN;
SELECT plan(5);
\ir include/fixtures.sql
\ir include/plan_of.sql
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;
SET LOCAL enable_nestloop = off;
CALL be('mia', 'North');
SELECT matches(plan_of('SELECT title FROM casnet.records WHERE id = casnet.current_user_id()'), 'Index Cond: [^\n]*id = casnet.current_user_id\(\)', 'an index by what a function says of the session');
SELECT matches(plan_of('SELECT 1 FROM casnet.records AS r JOIN casnet.tasks AS t ON t.record_id = r.id'), '(Hash|Merge) Cond: [^\n]*record_id', 'a join by columns');
SELECT matches(plan_of('SELECT 1 FROM casnet.records AS r JOIN casnet.tags AS t ON lower(t.name) = lower(r.title)'), '(Hash|Merge) Cond: [^\n]*lower', 'a join by what the server keeps behind the policy itself');
SELECT is((SELECT count(*) FROM casnet.records AS r JOIN casnet.tasks AS t ON t.record_id = r.id), 1::bigint, 'with the rows of one tenant');
SELECT is((SELECT count(*) FROM casnet.tasks WHERE record_id IS NULL), 0::bigint, 'what is no equality');
SELECT * FROM finish();
ROLLBACK;
