-- To an application EXPLAIN shows the shape of a plan on protected tables and nothing that
-- depends on rows.  It shows no costs, estimates, numbers, buffers or times, in any format
-- and with any option.
BEGIN;
SELECT plan(46);
\ir include/fixtures.sql
\ir include/shown.sql
CREATE TABLE public.statements (n integer, statement text);
INSERT INTO public.statements VALUES (1, 'SELECT title FROM casnet.records'), (2, 'SELECT id FROM casnet.records WHERE title = ''South record 1'' ORDER BY title'),
	(3, 'SELECT r.title, t.title FROM casnet.records AS r JOIN casnet.tasks AS t USING (tenant_id) WHERE t.record_id = r.id'), (4, 'SELECT count(*) FROM casnet.persons GROUP BY name'),
	(5, 'SELECT username FROM casnet.users WHERE email = ''otto@south.test'''), (6, 'SELECT name FROM casnet.tenants'),
	(7, 'SELECT role FROM casnet.user_tenants UNION ALL SELECT permission FROM casnet.user_tenant_permissions'), (8, 'SELECT title FROM public.invoices LIMIT 1'),
	(9, 'SELECT FROM public.who AS w WHERE EXISTS (SELECT FROM casnet.tags AS t WHERE t.name = w.name)'), (10, 'SELECT title FROM casnet.records FOR UPDATE'),
	(11, 'INSERT INTO casnet.tags (name) VALUES (''x'')'), (12, 'UPDATE casnet.records SET content = ''x'' WHERE title ~ ''1$'''), (13, 'DELETE FROM casnet.persons'),
	(14, 'MERGE INTO casnet.tasks AS t USING public.who AS w ON t.title = w.name WHEN NOT MATCHED THEN DO NOTHING WHEN MATCHED THEN UPDATE SET title = ''x'''),
	(15, 'WITH d AS (DELETE FROM casnet.calendar_events RETURNING title) SELECT * FROM d'), (16, 'SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(ARRAY[''North tag'']))'),
	(17, 'SELECT FROM public.my_view'), (18, 'SELECT FROM public.my_function()'), (19, 'INSERT INTO public.invoices (id, title) SELECT 4, name FROM public.who'),
	(20, 'WITH RECURSIVE r AS (SELECT id FROM casnet.records UNION SELECT r.id FROM r JOIN casnet.tasks AS t ON t.record_id = r.id) SELECT FROM r');
CREATE VIEW public.my_view WITH (security_invoker) AS SELECT title FROM casnet.records;
CREATE FUNCTION public.my_function() RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT title FROM casnet.records';

SET LOCAL jit = off;
CALL be('olga', 'North');
-- The statements that reveal more than the shape, and what they reveal.
SELECT is((SELECT string_agg(n || ': ' || more, '; ' ORDER BY n) FROM (SELECT n, public.more_than_shape(public.shown_undone(statement, concat_ws(', ', nullif(o.options, ''), 'FORMAT ' || f))) AS more FROM public.statements) AS s),
		  NULL, format('EXPLAIN (%s)', concat_ws(', ', nullif(o.options, ''), 'FORMAT ' || f)))
  FROM unnest(ARRAY['TEXT', 'JSON', 'XML', 'YAML']) AS f,
	   unnest(ARRAY['', 'COSTS', 'VERBOSE', 'SUMMARY', 'BUFFERS', 'SETTINGS, COSTS OFF', 'ANALYZE', 'ANALYZE, VERBOSE, BUFFERS, WAL, TIMING, SUMMARY',
			'ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF', 'ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF', 'ANALYZE, WAL']) AS o (options);

-- The shape is complete, as it is without casnet's filter.
SELECT is(public.shown('SELECT title FROM casnet.records WHERE title = ''x'' LIMIT 1', 'ANALYZE'), public.shown('SELECT title FROM casnet.records WHERE title = ''x'' LIMIT 1', 'COSTS OFF'), 'the shape is that of COSTS OFF');
SELECT matches(public.shown('SELECT title FROM casnet.records', 'FORMAT JSON'), '"Relation Name": "records"', 'in other formats, too');
SELECT * FROM finish();
ROLLBACK;
