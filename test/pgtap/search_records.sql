-- search_records() finds records of the active tenant, the best ones first, and shows
-- where, as HTML that a page can use as it is.
BEGIN;
SELECT plan(31);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.records (tenant_id, title, content) VALUES
	(:'north', 'Stolen bicycle', 'taken on Monday'), (:'north', 'Letter', 'about a bicycle and a bicycle bell'), (:'north', 'Call', 'the bicycle was found'),
	(:'north', 'Scooter', E'<b>bold</b> & "quoted" 1 < 2 > 1 \x02stx\x03 scooter <script>alert(1)</script> end'), (:'north', 'x < y & z', ''),
	(:'south', 'Stolen bicycle in the south', 'bicycle bicycle bicycle');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT results_eq('SELECT title FROM casnet.search_records(''bicycle'')', ARRAY['Stolen bicycle', 'Letter', 'Call'], 'a hit in the title, then more of them, then one');
SELECT results_eq('SELECT title FROM casnet.search_records(''bicycle'', 2)', ARRAY['Stolen bicycle', 'Letter'], 'the best two');
SELECT results_eq('SELECT array_agg(rank ORDER BY rank DESC) = array_agg(rank) FROM casnet.search_records(''bicycle or letter'')', ARRAY[true], 'by rank');
SELECT results_eq('SELECT title FROM casnet.search_records(''bicycle -stolen bell'')', ARRAY['Letter'], 'words, and without one');
SELECT results_eq('SELECT title FROM casnet.search_records(''"bicycle was"'')', ARRAY['Call'], 'a phrase');
SELECT is_empty('SELECT title FROM casnet.search_records(''"was bicycle"'')', 'the other way round');
SELECT results_eq('SELECT title FROM casnet.search_records(''bicy* monday'')', ARRAY['Stolen bicycle'], 'the beginning of a word');
SELECT is_empty('SELECT title FROM casnet.search_records(''south'')', 'nothing of South');
SELECT is((SELECT count(*) FROM casnet.search_records('-south', 1000)), 8::bigint, 'what does not match is of North too');
SELECT results_eq('SELECT record_id FROM casnet.search_records(''bicycle'') WHERE title = ''Call''', 'SELECT id FROM casnet.records WHERE title = ''Call''', 'record_id');
SELECT is((SELECT count(*) FROM casnet.records WHERE search_vector OPERATOR(casnet.@~) 'bicycle'), 3::bigint, 'the operator, with what somebody typed');
SELECT is((SELECT count(*) FROM casnet.records WHERE search_vector OPERATOR(casnet.@~) 'bicycle & !stolen'::tsquery), 2::bigint, 'and with a query');

SELECT alike((SELECT snippet FROM casnet.search_records('letter')), 'about a bicycle%', 'a hit in the title only');
SELECT alike((SELECT snippet FROM casnet.search_records('bell')), '%a bicycle <b>bell</b>', 'the hit in <b>');
SELECT is((SELECT replace(replace(snippet, '<b>', ''), '</b>', '') !~ '[<>]|&(?!amp;|lt;|gt;)' FROM casnet.search_records('scooter')), true, 'everything else is escaped');
SELECT is((SELECT (length(snippet) - length(replace(snippet, '<b>', ''))) / 3 FROM casnet.search_records('scooter')), 1, 'nobody else writes <b>');
SELECT alike((SELECT snippet FROM casnet.search_records('"x y"')), '<b>x</b> &lt; <b>y</b>%', 'the title of a record without content');

-- The snippet reaches as far as the search.
SAVEPOINT long;
INSERT INTO casnet.records (title, content) SELECT 'long ' || n, repeat('word ', n / 5) || 'zebra crossing' FROM unnest('{5000,50000,89980}'::int[]) AS n;
SELECT alike((SELECT snippet FROM casnet.search_records('zebra') WHERE title = 'long ' || n), '%word <b>zebra</b> crossing%', 'a hit after ' || n || ' characters') FROM unnest('{5000,50000,89980}'::int[]) AS n;
ROLLBACK TO long;

SELECT is(error_of(format('SELECT * FROM casnet.search_records(''bicycle'', %s)', n)), '22023 | max_rows is out of range |  | Ask for 1 to 1000 rows. | ', 'max_rows ' || n)
  FROM unnest('{0,-1,1001,2147483647}'::text[]) AS n;
SELECT lives_ok('INSERT INTO casnet.records (title) SELECT ''train '' || n FROM generate_series(1, 1100) AS n', 'many records');
SELECT is((SELECT count(*) FROM casnet.search_records('train')), 20::bigint, '20 unless more are asked for');
SELECT is((SELECT count(*) FROM casnet.search_records('train', NULL)), 20::bigint, 'NULL is 20');
SELECT is((SELECT count(*) FROM casnet.search_records('train', 1000)), 1000::bigint, 'and 1000 at most');
CALL be('mia', 'South');
SELECT results_eq('SELECT title FROM casnet.search_records(''bicycle'')', ARRAY['Stolen bicycle in the south'], 'in South');
CALL be('nora', 'North');
SELECT throws_ok('SELECT * FROM casnet.search_records(''bicycle'')', '42501', 'not a member of the active tenant', 'a stranger');
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.role_permissions WHERE role = 'member' AND permission = 'view_records';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT throws_ok('SELECT * FROM casnet.search_records(''bicycle'')', '42501', 'permission "view_records" is missing in the active tenant', 'without view_records');
SELECT * FROM finish();
ROLLBACK;
