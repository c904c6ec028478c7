-- Names in records_tagged() are trimmed and count once.  NULL and empty arrays are no
-- condition.  An unknown tag is a tag that no record has.
BEGIN;
SELECT plan(39);
\ir include/fixtures.sql
CALL be('olga', 'North');
SELECT casnet.tag_record('00000000-0000-7000-8000-0000000001a0', 'it''s \ "odd"; --', 'ä');
CREATE FUNCTION pg_temp.titles(arguments text, OUT planned text, OUT run text, OUT ran text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SELECT string_agg(right(title, 1), '''' ORDER BY title) FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(%s))', arguments) INTO planned;
	EXECUTE format('SELECT string_agg(right(title, 1), '''' ORDER BY title) FROM casnet.records JOIN casnet.records_tagged(%s) AS t ON t = id', arguments) INTO run;
	EXECUTE format('WITH t (id) AS MATERIALIZED (SELECT casnet.records_tagged(%s)) SELECT string_agg(right(title, 1), '''' ORDER BY title) FROM casnet.records JOIN t USING (id)', arguments) INTO ran;
END
$$;
CREATE TABLE public.cases (arguments text, titles text);
INSERT INTO public.cases VALUES ('', '123'), ('''{}''', '123'), ('NULL', '123'), ('NULL, NULL, NULL', '123'), ('''{North tag}''', '12'),
	('''{" North tag  "}''', '12'), ('''{North tag,North tag," North tag"}''', '12'), ('''{North tag,unknown}''', NULL), ('''{}'', ''{North tag,unknown}''', '12'),
	('any_of => ''{unknown}''', NULL), ('none_of => ''{unknown}''', '123'), ('none_of => ''{unknown,North tag}''', '3'), ('''{north tag}''', NULL),
	('''{South tag}''', NULL), ('none_of => ''{South tag}''', '123'), ('ARRAY[''it''''s \ "odd"; --'', ''ä'']', '1'), ('ARRAY[repeat(''x'', 200)]', NULL);
SELECT ok(planned IS NOT DISTINCT FROM titles AND run IS NOT DISTINCT FROM titles AND ran IS NOT DISTINCT FROM titles, 'records_tagged(' || arguments || ')')
  FROM public.cases, pg_temp.titles(arguments);
SELECT is(error_of(format(query, 'casnet.records_tagged(' || arguments || ')')), '22023 | the name of a tag is ' || fault || ' |  | Give every tag a name. | ', query || ': ' || arguments)
  FROM (VALUES ('ARRAY[NULL]::text[]', 'null'), ('any_of => ARRAY[''North tag'', NULL]', 'null'), ('none_of => ''{""}''', 'blank'), ('''{}'', ARRAY[E'' \t\n'']', 'blank')) AS c (arguments, fault),
	   unnest(ARRAY['SELECT FROM casnet.records WHERE id IN (SELECT %s)', 'SELECT FROM %s', 'SELECT %s', 'SELECT id NOT IN (SELECT %s) FROM casnet.records']) AS query;

-- The same as the parameter of a statement that is planned once for all.
SET LOCAL plan_cache_mode = force_generic_plan;
PREPARE tagged (text[], text[], text[]) AS SELECT string_agg(right(title, 1), '' ORDER BY title) FROM casnet.records WHERE id IN (SELECT casnet.records_tagged($1, $2, $3));
SELECT results_eq(format('EXECUTE tagged (%L, %L, %L)', a, b, c), ARRAY[titles], format('parameters %s %s %s', a, b, c))
  FROM (VALUES ('{North tag," North tag"}', NULL, '{}', '12'), (NULL, NULL, NULL, '123'), (NULL, '{unknown}', NULL, NULL), ('{}', '{North tag,ä}', '{ä}', '2')) AS v (a, b, c, titles);
SELECT is(error_of('EXECUTE tagged (ARRAY[NULL]::text[], NULL, NULL)'), '22023 | the name of a tag is null |  | Give every tag a name. | ', 'a NULL name');
SELECT is(error_of('EXECUTE tagged (NULL, ''{North tag}'', ''{" "}'')'), '22023 | the name of a tag is blank |  | Give every tag a name. | ', 'a blank one');
SELECT * FROM finish();
ROLLBACK;
