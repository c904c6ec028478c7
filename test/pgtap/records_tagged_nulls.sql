-- x IN (SELECT records_tagged()) answers as for any other set.  If x is NULL it is NULL, or
-- false if the set is empty.  The NULL of an outer join is no record without the tag.
BEGIN;
SELECT plan(19);
\ir include/fixtures.sql
CALL be('olga', 'North');
SELECT casnet.tag_record('00000000-0000-7000-8000-0000000001a0', 'a');
SELECT casnet.tag_record('00000000-0000-7000-8000-0000000002a0', 'b');
INSERT INTO casnet.tasks (title) VALUES ('free');
CREATE TABLE public.cases (arguments text);
INSERT INTO public.cases VALUES (''), ('''{a}'''), ('''{a,b}'''), ('any_of => ''{a,b}'''), ('any_of => ''{unknown}'''), ('''{a}'', ''{b}'''),
	('none_of => ''{a}'''), ('''{a}'', none_of => ''{b}'''), ('''{a}'', none_of => ''{a}''');
-- The same twice: planned away, and executed.
CREATE FUNCTION pg_temp.answers(query text, OUT planned text, OUT ran text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format(query, '') INTO planned;
	EXECUTE format(query, 'OFFSET 0') INTO ran;
END
$$;
SELECT is(planned, ran, 'values: ' || arguments)
  FROM public.cases, pg_temp.answers('SELECT string_agg(coalesce((x IN (SELECT casnet.records_tagged(' || arguments || ') %1$s))::text, ''null'') ||
	coalesce((x IN (SELECT casnet.records_tagged(' || arguments || ') %1$s) OR false)::text, ''null'') ||
	coalesce((x NOT IN (SELECT casnet.records_tagged(' || arguments || ') %1$s))::text, ''null''), '' '' ORDER BY x)
	FROM (SELECT NULL::uuid UNION ALL SELECT record_id FROM casnet.tasks UNION ALL SELECT id FROM casnet.records) AS v (x)');
SELECT is(planned, ran, 'rows: ' || arguments)
  FROM public.cases, pg_temp.answers(replace('SELECT concat(
	(SELECT string_agg(title, '' '' ORDER BY title) FROM casnet.tasks WHERE record_id IN $), ''|'',
	(SELECT string_agg(title, '' '' ORDER BY title) FROM casnet.tasks WHERE record_id NOT IN $), ''|'',
	(SELECT string_agg(title, '' '' ORDER BY title) FROM casnet.tasks WHERE (record_id IN $) IS NOT TRUE AND title <> ''x'' OR record_id IN $), ''|'',
	(SELECT string_agg(t.title, '' '' ORDER BY t.title) FROM casnet.tasks AS t LEFT JOIN casnet.records AS r ON r.id = t.record_id WHERE r.id IN $), ''|'',
	(SELECT string_agg(t.title, '' '' ORDER BY t.title) FROM casnet.tasks AS t LEFT JOIN casnet.records AS r ON r.id = t.record_id AND r.id IN $ WHERE r.id IS NULL), ''|'',
	(SELECT count(*) FROM (SELECT id FROM casnet.records GROUP BY ROLLUP (id) HAVING id IN $) AS g))', '$', '(SELECT casnet.records_tagged(' || arguments || ') %1$s)'));
SELECT results_eq('SELECT t.title FROM casnet.tasks AS t LEFT JOIN casnet.records AS r ON r.id = t.record_id WHERE r.id IN (SELECT casnet.records_tagged(none_of => ''{unknown}''))', ARRAY['North task'], 'a task without a record is about none');
SELECT * FROM finish();
ROLLBACK;
