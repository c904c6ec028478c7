-- Texts stay as they were typed.  A search finds a word with composed accents, with
-- combining accents and without any, whichever the user typed.
BEGIN;
SELECT plan(27);
\ir include/fixtures.sql
CALL be('olga', 'North');
INSERT INTO casnet.records (title, content) VALUES (U&'composed caf\00e9', U&'Vi\1ec7t Nam \ac01'), (U&'decomposed cafe\0301', U&'Vie\0323\0302t Nam \1100\1161\11a8'), ('without cafe', 'Viet Nam');
CREATE TABLE public.searches AS SELECT * FROM (VALUES (U&'caf\00e9', 'cdw'), (U&'cafe\0301', 'cdw'), (U&'CAF\00c9', 'cdw'), ('cafe', 'cdw'), (U&'caf\00e9 compos*', 'c'), (U&'vi\1ec7*', 'cdw'), (U&'vie\0323\0302*', 'cdw'), ('viet', 'cdw'),
	(U&'"vi\1ec7t nam"', 'cdw'), (U&'"vie\0302\0323t nam"', 'cdw'), (U&'nam -caf\00e9', NULL), (U&'nam -cafe\0301', NULL), (U&'nam -decompose\0301d', 'cw'), (U&'\ac01', 'cd'), (U&'\1100\1161\11a8', 'cd'), (U&'nothing or \ac01 nam', 'cd'), (U&'caf\00e9x', NULL)) AS v (query, found);
SELECT is((SELECT string_agg(left(title, 1), '' ORDER BY title) FROM casnet.search_records(query)), found, query) FROM public.searches;
SELECT is((SELECT string_agg(substring(snippet FROM '^<b>.*</b>'), '|' ORDER BY title) FROM casnet.search_records(U&'vi\1ec7t')), U&'<b>Vi\1ec7t</b>|<b>Vie\0323\0302t</b>|<b>Viet</b>', 'all are shown as hits, as they were typed');
SELECT is((SELECT count(DISTINCT rank) FROM casnet.search_records(U&'caf\00e9')), 1::bigint, 'and of one rank');
SELECT is((SELECT count(*) FROM casnet.records WHERE title ~ U&'cafe\0301'), 1::bigint, 'the text is as it was typed');
SELECT is((SELECT count(*) FROM casnet.records WHERE search_vector OPERATOR(casnet.@~) U&'caf\00e9'), 3::bigint, 'by the operator');
SELECT is(casnet.search_query('cafe')::text, $$'cafe'$$, 'one spelling, one word');
SELECT is(casnet.search_query(word)::text, '''' || plain || '''', 'one word: ' || plain) FROM (VALUES (U&'caf\00e9', 'cafe'), (U&'caf\1ee9\0323', 'cafu'), (U&'c\0301a\0323f\0302e', 'cafe')) AS v (word, plain);
SELECT is(error_of($$SELECT casnet.search_query(repeat(U&'\ac01', 666))$$), 'none', 'the longest word');
SELECT is(error_of($$SELECT casnet.search_query(repeat(U&'a\0301\0323', 400))$$), 'none', 'and one with as many marks as there is room for');
SELECT * FROM finish();
ROLLBACK;
