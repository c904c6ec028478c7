-- People type queries of words, "a phrase", -not, or, begin*.  No other character has a
-- meaning, and only a blank or a long text is refused.
BEGIN;
SELECT plan(65);
\ir include/fixtures.sql
CALL be('olga', 'North');
-- As text, since = of tsquery ignores the star.
SELECT is(casnet.search_query(typed)::text, wanted::tsquery::text, quote_literal(typed))
  FROM (VALUES ('Red bike', '''red'' & ''bike'''), ('red  or bike', '''red'' | ''bike'''), ('red OR -bike', '''red'' | !''bike'''),
	('red bike or car', '''red'' & ''bike'' | ''car'''), ('"red bike"', '''red'' <-> ''bike'''), ('"red bike', '''red'' <-> ''bike'''),
	('-"red bike" car', '!(''red'' <-> ''bike'') & ''car'''), ('-red', '!''red'''), ('- red', '''red'''), ('red -', '''red'''), ('bik*', '''bik'':*'), ('-bik*', '!''bik'':*'),
	('"bik*"', '''bik'''), ('b*k', '''b'' <-> ''k'''), ('*bik', '''bik'''), ('or red', '''red'''), ('red or', '''red'''), ('red or or bike', '''red'' | ''bike'''),
	('red "or" bike', '''red'' & ''or'' & ''bike'''), ('red -or', '''red'' & !''or'''), ('nor', '''nor'''), ('red"bike"', '''red'' & ''bike'''), (E'red\tbike\r', '''red'' & ''bike'''),
	('red & !bike', '''red'' & ''bike'''), ('red | bike', '''red'' & ''bike'''), ('(red', '''red'''), ('red)', '''red'''), ('!red', '''red'''), ('red:*', '''red'':*'), ('red:AB', '''red'' <-> ''ab'''),
	('red <-> bike', '''red'' & ''bike'''), ('it''s', '''it'' <-> ''s'''), ('''red''', '''red'''), ('red\', '''red'''), ('\red\\', '''red'''), ('''''red\''', '''red'''), ('50%', '''50'''),
	('red"big bike"', '''red'' & ''big'' <-> ''bike'''), ('orange or apple', '''orange'' | ''apple'''), ('red is bike', '''red'' & ''is'' & ''bike'''), ('red or - bike -', '''red'' | ''bike'''),
	('red …', '''red''')) AS v (typed, wanted);
-- To the server's parser no byte above 127 is a letter of SQL_ASCII.
SELECT getdatabaseencoding() = 'SQL_ASCII' AS only_bytes \gset
\if :only_bytes
SELECT skip('SQL_ASCII has no letters with accents', 2);
\else
SELECT is(casnet.search_query(typed), wanted::tsquery, quote_literal(typed)) FROM (VALUES ('naïve', '''naive'''), ('日本語', E'''日本'' <-> ''本語'' | ''\x01'' & ''日本'' & ''本語''')) AS v (typed, wanted);
\endif
SELECT is(error_of(format('SELECT casnet.search_query(%L)', typed)), '22023 | the search query is blank |  | Give a word to search for, such as ''bicycle'', or the beginning of one, such as ''bic*''. | ', 'blank: ' || coalesce(typed, 'NULL'))
  FROM unnest(ARRAY['', E' \t\n', 'or', 'or OR', '*', '-', '"', '""', '-" "', ':*', '& | ! ( )', '''', '\', NULL]) AS typed;
SELECT is(error_of(format('SELECT * FROM casnet.search_records(%L)', repeat('ä', 1000) || 'x')), '22023 | the search query is longer than 2000 bytes |  | Search for fewer words. | ', 'longer than 2000 bytes');
SELECT is(error_of(format('SELECT * FROM casnet.search_records(%L)', typed)), 'none', '2000 bytes: ' || left(typed, 4))
  FROM unnest(ARRAY[repeat('ä', 1000), repeat('a ', 1000), repeat('-a ', 666), repeat('''', 1999) || 'a']) AS typed;
SELECT is(error_of('SELECT * FROM casnet.search_records('' '')'), error_of('SELECT casnet.search_query('' '')'), 'search_records() says the same');
-- Thousands of short queries of characters that mean something somewhere.
SELECT setseed(0.5);
SELECT is_empty($$SELECT typed, e FROM (
	SELECT string_agg(substr(E'ab"-*or ''\\&|!():<>.@/5é%\n', 1 + floor(random() * 25)::integer, 1), '') AS typed FROM generate_series(1, 40000) AS i GROUP BY i / 10) AS t,
	LATERAL error_of(format('SELECT casnet.search_query(%L)', typed)) AS e WHERE e <> 'none' AND e !~ '^22023 . the search query is blank'$$, 'nothing else is refused');
SELECT * FROM finish();
ROLLBACK;
