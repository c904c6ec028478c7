-- search_snippet() shows the parts of any text that match, as HTML, whoever asks.
BEGIN;
SELECT plan(29);
\ir include/fixtures.sql
CALL be('olga', 'North');
SELECT is(casnet.search_snippet(value, query), wanted, query)
  FROM (VALUES ('The red bicycle', 'bicycle', 'The red <b>bicycle</b>'), ('The red bicycle', 'bic*', 'The red <b>bicycle</b>'), ('The red bicycle', 'car', 'The red bicycle'), ('The red bicycle', '"red bicycle"', 'The <b>red</b> <b>bicycle</b>'), ('red car, the red bicycle', '"red bicycle" -x', '<b>red</b> car, the <b>red</b> <b>bicycle</b>'),
	('a<b>&c', 'b', 'a&lt;<b>b</b>&gt;&amp;c'), ('', 'x', ''), ('   ', 'x', '   '), ('déjà-vu', 'deja-vu', '<b>déjà</b>-<b>vu</b>'), ('<b>x</b>', 'y', '&lt;b&gt;x&lt;/b&gt;'), ('日本語学校', '語', '日本<b>語</b>学校'), ('日本語語学', '語', '日本<b>語語</b>学')) AS v (value, query, wanted);
SELECT is(casnet.search_snippet(NULL, 'x'), NULL, 'NULL has none');
SELECT is(error_of('SELECT casnet.search_snippet(''x'', '' '')'), error_of('SELECT casnet.search_query('' '')'), 'a blank query');
SELECT matches(casnet.search_snippet(repeat('one two three four five six seven eight nine ten. ', 40) || 'needle ' || repeat('one two three four five six seven eight nine ten. ', 40) || 'haystack', 'needle haystack'), '^.{10,200}<b>needle</b>.{0,200} \.\.\. .{0,200}<b>haystack</b>', 'two parts of a long text');
SELECT is(casnet.search_snippet(repeat('x ', 44998) || 'last', 'last') LIKE '%<b>last</b>', true, 'the last of what is searched');
SELECT is(casnet.search_snippet(repeat('x ', 46000) || 'last', 'last') LIKE '%<b>last</b>', false, 'and what is not');
SELECT is(casnet.search_snippet(repeat('日', 89998) || '語学', '語学') LIKE '%<b>語学</b>', true, 'in characters');
-- It is short, whatever the text is made of, and no character is cut in two.
SELECT cmp_ok(octet_length(casnet.search_snippet(value, 'needle')), '<=', 5300, left(value, 20))
  FROM (VALUES (repeat('x', 90000)), (repeat('&', 89000)), ('needle ' || repeat('&', 89000)), (repeat('a/', 44000)), (repeat('日', 80000)), (repeat('x', 40000) || ' needle ' || repeat('x', 40000))) AS v (value);
SELECT is(casnet.search_snippet('needle ' || repeat('é', 80000), 'needle'), '<b>needle</b> ', 'a word that is too long is left out');
SELECT is(casnet.search_snippet(repeat('(', 20000) || 'needle' || repeat(')', 20000), 'needle') ~ '^\(*<b>needle</b>\)*$', true, 'what was found is in it');
SELECT is(casnet.search_snippet('x' || repeat(U&'e\0301', 40000), 'needle'), 'x' || repeat(U&'e\0301', 333), 'a letter keeps its accent');
RESET SESSION AUTHORIZATION;
-- The recipe of docs/tags-and-search.md: a query of one's own, with tags and in an order of one's own.
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
INSERT INTO casnet.records (title, content) VALUES ('first', 'the parents came'), ('second', 'the parents went');
SELECT results_eq($$SELECT title, casnet.search_snippet(content, 'parents') FROM casnet.records WHERE search_vector OPERATOR(casnet.@~) 'parents' AND id NOT IN (SELECT casnet.records_tagged(any_of => '{closed}')) ORDER BY title LIMIT 1$$,
	$$VALUES ('first', 'the <b>parents</b> came')$$, 'with the operator');
SELECT throws_ok('SELECT casnet.search_snippet(''x'', repeat(''x'', 2001))', '22023', NULL, 'a long query');
SELECT * FROM finish();
ROLLBACK;
