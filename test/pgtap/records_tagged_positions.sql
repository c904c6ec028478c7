-- records_tagged() wherever a function or a subquery can stand.
BEGIN;
SELECT plan(28);
\ir include/fixtures.sql
CALL be('olga', 'North');
SELECT casnet.tag_record('00000000-0000-7000-8000-0000000001a0', 'a');
CREATE VIEW public.definer AS SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged('{a}'));
CREATE VIEW public.invoker WITH (security_invoker) AS SELECT title FROM casnet.records WHERE id IN (SELECT t FROM casnet.records_tagged('{a}') AS t);
CREATE VIEW public.from_view AS SELECT r.title FROM casnet.records_tagged('{a}') AS t JOIN casnet.records AS r ON r.id = t;
CREATE FUNCTION pg_temp.in_sql(name text) RETURNS SETOF text LANGUAGE sql STABLE AS $$
	SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(ARRAY[name])) $$;
CREATE FUNCTION pg_temp.in_plpgsql(name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	names text[] := ARRAY[name];
	found text;
BEGIN
	SELECT title INTO STRICT found FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(names));
	PERFORM FROM casnet.records_tagged(names);
	RETURN found;
END $$;
CREATE TABLE public.queries (query text);
INSERT INTO public.queries VALUES
	('SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(''{a}''))'),
	('SELECT title FROM casnet.records WHERE id IN (SELECT t FROM casnet.records_tagged(''{a}'') AS t)'),
	('SELECT title FROM casnet.records WHERE id = ANY (SELECT * FROM casnet.records_tagged(all_of => ''{a}''))'),
	('SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(''{a}'') LIMIT 5)'),
	('SELECT title FROM casnet.records WHERE NOT id NOT IN (SELECT casnet.records_tagged(''{a}''))'),
	('SELECT title FROM casnet.records WHERE id = (SELECT casnet.records_tagged(''{a}''))'),
	('SELECT title FROM casnet.records WHERE id = ANY (ARRAY(SELECT casnet.records_tagged(''{a}'')))'),
	('SELECT title FROM casnet.records JOIN casnet.records_tagged(''{a}'') AS t (id) USING (id)'),
	('SELECT title FROM casnet.records, LATERAL casnet.records_tagged(ARRAY[''a'']) AS t WHERE t = id'),
	('SELECT title FROM casnet.records AS r LEFT JOIN casnet.records_tagged(''{a}'') AS t ON t = r.id WHERE t IS NOT NULL'),
	('SELECT title FROM casnet.records JOIN casnet.records_tagged(''{a}'') WITH ORDINALITY AS t (id, n) USING (id) WHERE n = 1'),
	('SELECT title FROM casnet.records JOIN ROWS FROM (casnet.records_tagged(''{a}''), generate_series(1, 1)) AS t (id, n) USING (id)'),
	('WITH t AS (SELECT casnet.records_tagged(''{a}'') AS id) SELECT title FROM casnet.records WHERE id IN (SELECT id FROM t)'),
	('WITH t AS NOT MATERIALIZED (SELECT * FROM casnet.records_tagged(''{a}'') AS t (id)) SELECT title FROM t JOIN casnet.records USING (id)'),
	('SELECT title FROM (SELECT casnet.records_tagged(''{a}'') AS id) AS t JOIN casnet.records USING (id)'),
	('SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(''{a}'') UNION SELECT casnet.records_tagged(''{a}'', ''{a}''))'),
	('SELECT title FROM casnet.records AS r, casnet.tags AS t WHERE t.name = ''a'' AND r.id IN (SELECT casnet.records_tagged(ARRAY[t.name]))'),
	('SELECT title FROM casnet.tags AS t CROSS JOIN LATERAL casnet.records_tagged(ARRAY[t.name]) AS f JOIN casnet.records AS r ON r.id = f WHERE t.name = ''a'''),
	('SELECT (SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(''{a}'')))'),
	('SELECT title FROM casnet.records WHERE EXISTS (SELECT FROM casnet.tasks AS k WHERE k.record_id = records.id AND k.record_id IN (SELECT casnet.records_tagged(''{a}'')))'),
	('SELECT title FROM casnet.records WHERE CASE WHEN id IN (SELECT casnet.records_tagged(''{a}'')) THEN true END'),
	('TABLE public.definer'), ('TABLE public.invoker'), ('TABLE public.from_view'),
	('SELECT pg_temp.in_sql(''a'')'), ('SELECT pg_temp.in_plpgsql(''a'')');
SELECT results_eq(query, ARRAY['North record 1'], query) FROM public.queries;
SELECT is(rows_of('UPDATE casnet.records SET content = ''seen'' WHERE id IN (SELECT casnet.records_tagged(''{a}''))'), 1::bigint, 'UPDATE');
SELECT is(rows_of('DELETE FROM casnet.records AS r USING casnet.records_tagged(''{a}'') AS t WHERE r.id = t'), 1::bigint, 'DELETE');
SELECT * FROM finish();
ROLLBACK;
