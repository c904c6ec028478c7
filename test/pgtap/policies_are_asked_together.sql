-- A statement asks for the permissions of all its policies at once, also those of
-- subqueries in FROM.  It sorts them by name, so that each call is the same.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
\ir include/plan_of.sql
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;
CREATE FUNCTION public.calls_in(statement text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(DISTINCT m[1], ' ') FROM regexp_matches(public.plan_of(statement), $r$tenant_with\('([^']*)'$r$, 'g') AS m
$$;
CALL be('mia', 'North');
SELECT is(calls_in('SELECT 1 FROM casnet.tasks AS t JOIN casnet.records AS r ON r.id = t.record_id'), 'view_records,view_tasks', 'two tables');
SELECT is(calls_in('SELECT 1 FROM casnet.records AS r JOIN casnet.tasks AS t ON r.id = t.record_id JOIN casnet.persons AS p ON p.id = r.id'), 'view_persons,view_records,view_tasks', 'and three, in whatever order');
SELECT is(calls_in('SELECT 1 FROM (SELECT id FROM casnet.persons OFFSET 0) AS p JOIN (SELECT id FROM casnet.tags OFFSET 0) AS t USING (id)'), 'view_persons,view_tags', 'subqueries');
SELECT is(calls_in('SELECT 1 FROM casnet.records AS r JOIN casnet.records AS s USING (id)'), 'view_records', 'one table twice');
SELECT is(calls_in('SELECT 1 FROM casnet.records AS r WHERE EXISTS (SELECT FROM casnet.tags AS t WHERE t.id = r.id)'), 'view_records,view_tags', 'a sublink');
SELECT is(calls_in('WITH t AS MATERIALIZED (SELECT id FROM casnet.tags) SELECT 1 FROM casnet.records AS r JOIN t USING (id)'), 'view_records,view_tags', 'WITH');
SELECT is(calls_in('UPDATE casnet.records SET title = title'), 'edit_records,view_records', 'a change reads, too');
SELECT is(calls_in($$SELECT 1 FROM casnet.records AS r JOIN casnet.tasks AS t ON r.id = t.record_id WHERE r.id IN (SELECT casnet.records_tagged('{a}'))$$), 'view_records,view_tasks', 'with what takes the place of records_tagged()');
-- Calls that the statement itself contains stay separate.
SELECT ok(calls_in($$SELECT 1 FROM casnet.tasks AS t JOIN casnet.records AS r ON r.id = t.record_id WHERE casnet.tenant_with('view_records') IS NOT NULL$$)
	~ '^view_records view_records,view_tasks$', 'a call in the text of the statement');
SELECT * FROM finish();
ROLLBACK;
