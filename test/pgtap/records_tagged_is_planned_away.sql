-- If the tags are known, records_tagged() is no part of the plan.  Records that the
-- statement reads anyway are not looked up again.
BEGIN;
SELECT plan(17);
\ir include/fixtures.sql
\ir include/plan_of.sql
CALL be('mia', 'North');
-- How often a plan reads links and records, and whether it has the call.
CREATE FUNCTION pg_temp.shape_of(statement text) RETURNS text LANGUAGE sql AS $$
	SELECT format('%s of links, %s of records%s', (SELECT count(*) FROM regexp_matches(plan, 'on casnet\.record_tags\M', 'g')),
				  (SELECT count(*) FROM regexp_matches(plan, 'on casnet\.records\M', 'g')), CASE WHEN plan ~ 'records_tagged' THEN ' and the call' END)
	  FROM public.plan_of(statement, 'VERBOSE, COSTS OFF') AS plan
$$;
SELECT is(pg_temp.shape_of(query), shape, query) FROM (VALUES
	('SELECT count(*) FROM casnet.records_tagged(''{a}'')', '1 of links, 0 of records'),
	('SELECT count(*) FROM (SELECT t FROM casnet.records_tagged(''{a}'') AS t OFFSET 0) AS q', '1 of links, 0 of records'),
	('WITH q AS MATERIALIZED (SELECT t FROM casnet.records_tagged(''{a}'') AS t) SELECT count(*) FROM q', '1 of links, 0 of records'),
	('SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(''{a}''))', '1 of links, 1 of records'),
	('SELECT title FROM casnet.records WHERE id IN (SELECT DISTINCT casnet.records_tagged(''{a}''))', '1 of links, 1 of records'),
	('SELECT title FROM casnet.records WHERE id IN (SELECT t FROM casnet.records_tagged(''{a}'') AS t ORDER BY t)', '1 of links, 1 of records'),
	('SELECT title FROM casnet.records WHERE id IN (SELECT t FROM casnet.records_tagged(''{a}'') WITH ORDINALITY AS t (t, n))', '1 of links, 1 of records'),
	('SELECT title FROM casnet.tasks WHERE record_id IN (SELECT casnet.records_tagged(''{a}''))', '1 of links, 0 of records'),
	('SELECT title FROM casnet.tasks WHERE record_id IN (SELECT casnet.records_tagged())', '0 of links, 1 of records'),
	('SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged())', '0 of links, 1 of records'),
	('SELECT k.title FROM casnet.records AS r JOIN casnet.tasks AS k ON k.record_id = r.id WHERE r.id IN (SELECT casnet.records_tagged())', '0 of links, 1 of records'),
	('SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(none_of => ''{a}''))', '1 of links, 1 of records'),
	('SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(none_of => ''{a}'')) AND title <> ''''', '1 of links, 1 of records'),
	('SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(none_of => ''{a}'')) OR title = ''''', '1 of links, 1 of records'),
	('SELECT k.title FROM casnet.tasks AS k JOIN casnet.records AS r ON r.id IN (SELECT casnet.records_tagged(none_of => ''{a}''))', '1 of links, 1 of records'),
	('SELECT title FROM casnet.records WHERE id NOT IN (SELECT casnet.records_tagged(none_of => ''{a}''))', '1 of links, 2 of records'),
	('SELECT title FROM casnet.records AS r, casnet.tags AS t WHERE r.id IN (SELECT casnet.records_tagged(ARRAY[t.name]))', '0 of links, 1 of records and the call')) AS v (query, shape);
SELECT * FROM finish();
ROLLBACK;
