-- A name that is stored, and typed as it is stored, is the same name: its form has that form.
-- Accents, viramas, joiners and invisible characters in every order, and each character after a
-- letter.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.characters AS SELECT row_number() OVER () AS n, chr(c) AS c
  FROM unnest(ARRAY[32, 65, 106, 776, 780, 768, 803, 8203, 8205, 8204, 2325, 2381, 2364, 2385, 847, 65024, 119141, 4352, 4449, 4520, 12644, 1425, 3953, 3968, 304, 8486]) AS c;
-- Each word of three characters, with a joiner after a virama at the end; and chance makes longer ones.
CREATE TABLE public.words AS SELECT a.c || b.c || c.c || e AS word FROM public.characters AS a, public.characters AS b, public.characters AS c, unnest(ARRAY['', U&'\094d\200d', U&'\094d\200d\200b']) AS e;
SELECT setseed(0.5);
INSERT INTO public.words
SELECT string_agg(c.c, '') FROM (SELECT n, 1 + floor(random() * 26)::int AS which FROM generate_series(1, 300000) AS n OFFSET 0) AS r JOIN public.characters AS c ON c.n = r.which GROUP BY r.n / 9;
INSERT INTO public.words SELECT 'a' || chr(c) FROM generate_series(1, 200000) AS c WHERE c NOT BETWEEN 55296 AND 57343;
CREATE TABLE public.forms AS SELECT word, casnet_internal.name_form(word) AS form, casnet_internal.account_name_form(word) AS account FROM public.words;
SELECT cmp_ok((SELECT count(*) FROM public.forms WHERE form <> word), '>', 50000::bigint, 'there are words to bring into form');
SELECT is((SELECT count(*) FROM public.forms WHERE casnet_internal.name_form(form) <> form), 0::bigint, 'name_form()');
SELECT is((SELECT count(*) FROM public.forms WHERE casnet_internal.account_name_form(account) <> account), 0::bigint, 'account_name_form()');
SELECT is((SELECT count(*) FROM public.forms WHERE form IS NOT NFC NORMALIZED), 0::bigint, 'in NFC');
SELECT is(casnet_internal.name_form(U&'\0915\0951\094d\200d'), U&'\0915\094d\0951', 'a joiner that follows no virama any more goes');
SELECT is(casnet_internal.name_form(U&'\0915\094d\200d '), U&'\0915\094d\200d', 'one that does stays');

-- So a tag is within reach by the name that it is shown with.
CREATE TABLE public.tried AS SELECT DISTINCT ON (form) word, form FROM public.forms WHERE char_length(word) > 4 AND form <> '' ORDER BY form, word LIMIT 2000;
GRANT SELECT ON public.tried TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT is(casnet.tag_record('00000000-0000-7000-8000-0000000003a0', VARIADIC (SELECT array_agg(word) FROM public.tried)), 2000, 'tags by the names that were typed');
SELECT is(casnet.tag_record('00000000-0000-7000-8000-0000000003a0', VARIADIC casnet.tags_of('00000000-0000-7000-8000-0000000003a0')), 0, 'are the same by those that are shown');
SELECT is(casnet.untag_record('00000000-0000-7000-8000-0000000003a0', VARIADIC casnet.tags_of('00000000-0000-7000-8000-0000000003a0')), 2000, 'and are taken off by them');
SELECT * FROM finish();
ROLLBACK;
