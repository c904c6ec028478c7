-- Thousands of short texts of characters that mean something somewhere: each is found by
-- its own words and by parts of it, what is found is shown, and what is shown is in the text.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
CALL be('olga', 'North');
SELECT setseed(0.25) \gset
CREATE TABLE public.letters AS SELECT regexp_split_to_array(U&'a|b|A| | |<|>|&|/|"|-|*|.|1|\00e9|e\0301|\00df|\0131|\0130|\03c3|\03c2|\65e5|\672c|\8a9e|\304c|\304b\3099|\ff76\ff9e|\0e01|\0e33|\0e48|\ac01|\1112\1161\11a8|\3000|\200b|\ff1c|\ff21|\fdfa|\+020000', '\|') AS c;
CREATE TABLE public.texts AS SELECT i, string_agg(c[1 + floor(random() * cardinality(c))::int], '') AS t FROM public.letters, generate_series(1, 60000) AS n, LATERAL (SELECT n / 12 AS i) AS x GROUP BY i;
SELECT lives_ok('SELECT count(casnet_internal.search_vector(''casnet.search'', t, t)) FROM public.texts', 'all are indexed');
CREATE FUNCTION public.plain(html text) RETURNS text LANGUAGE sql AS $$SELECT replace(replace(replace(regexp_replace(html, '</?b>', '', 'g'), '&lt;', '<'), '&gt;', '>'), '&amp;', '&')$$;
CREATE TABLE public.shown AS
SELECT t, q, casnet_internal.search_vector('casnet.search', '', t) OPERATOR(casnet.@~) q AS found, casnet.search_snippet(t, q) AS s
  FROM public.texts, LATERAL (SELECT substr(t, 1 + i % 7, 1 + i % 3) AS q) AS p
 WHERE q ~ '[a-z0-9A-Z]' OR q ~ U&'[\65e5\672c\8a9e\304c\0e01\0e33\ac01\00e9\00df\0131]';
SELECT cmp_ok((SELECT count(*) FILTER (WHERE found) FROM public.shown), '>', 1000::bigint, 'searches that find something');
SELECT is_empty('SELECT t, q, s FROM public.shown WHERE strpos(t, public.plain(s)) = 0 AND s !~ '' \.\.\. ''', 'what is shown is in the text');
SELECT is_empty('SELECT t, q, s FROM public.shown WHERE regexp_replace(s, ''</?b>|&(lt|gt|amp);'', '''', ''g'') ~ ''[<>&]''', 'nothing else is HTML');
SELECT is_empty('SELECT t, q, s FROM public.shown WHERE found AND s !~ ''<b>.+</b>'' AND q !~ ''-''', 'what is found is shown as a hit');
-- Each part of characters without spaces is found, but not marks without a letter.
SELECT is_empty($$SELECT t, q FROM (SELECT t, (regexp_match(substr(t, 1 + i % 5), U&'[\65e5\672c\8a9e\304c\0e01\0e48\ac01\+020000]{2,}'))[1] AS q FROM public.texts) AS p
	WHERE q ~ U&'[^\0e48]' AND NOT casnet_internal.search_vector('casnet.search', '', t) OPERATOR(casnet.@~) q$$, 'parts are found');
SELECT * FROM finish();
ROLLBACK;
