-- The form of a name: invisible characters around it are removed, its inside changes only
-- to NFC, and a name in that form stays as it is.
BEGIN;
SELECT plan(94);
\ir include/fixtures.sql
CALL be('olga', 'North');
CREATE FUNCTION pg_temp.form(name text) RETURNS text LANGUAGE sql AS 'SELECT casnet_internal.name_form(name)';

-- The first and the last of each range of White_Space, Default_Ignorable_Code_Point and
-- controls in Unicode 15.1, and other blanks.
CREATE TABLE public.unseen AS SELECT chr(c) AS c, to_hex(c) AS name FROM unnest(ARRAY[1, 9, 13, 31, 32, 127, 133, 159, 160, 173, 847, 1564, 4447, 4448, 5760, 6068, 6069,
	x'180b'::int, x'180e'::int, x'180f'::int, x'2000'::int, x'200a'::int, x'200b'::int, x'200c'::int, x'200d'::int, x'200e'::int, x'200f'::int, x'2028'::int, x'2029'::int, x'202a'::int, x'202e'::int, x'202f'::int,
	x'205f'::int, x'2060'::int, x'2066'::int, x'206f'::int, x'2800'::int, x'3000'::int, x'3164'::int, x'fe00'::int, x'fe0f'::int, x'feff'::int, x'ffa0'::int, x'fff0'::int, x'fff9'::int, x'fffb'::int,
	x'13441'::int, x'13442'::int, x'16fe4'::int, x'1bca0'::int, x'1bca3'::int, x'1d159'::int, x'1d173'::int, x'1d17a'::int, x'e0001'::int, x'e0020'::int, x'e007f'::int, x'e0100'::int, x'e01ef'::int]) AS c;
GRANT SELECT ON public.unseen TO PUBLIC;
SELECT is(ARRAY[pg_temp.form(c || 'a' || c || 'b' || c || c), pg_temp.form(c || U&'\00e9' || c), pg_temp.form(c), pg_temp.form(' ' || c || c)], ARRAY[normalize('a' || c || 'b'), U&'\00e9', '', ''], 'U+' || name) FROM public.unseen;
-- Their visible neighbours.
SELECT is(pg_temp.form(chr(c) || 'a' || chr(c)), normalize(chr(c) || 'a' || chr(c)), 'U+' || to_hex(c) || ' stays')
  FROM unnest(ARRAY[33, 126, 161, 172, 174, 846, 848, 1563, x'1161'::int, x'2010'::int, x'2027'::int, x'2030'::int, x'27ff'::int, x'2801'::int, x'3001'::int, x'fffc'::int, x'1f600'::int]) AS c;

SELECT is(pg_temp.form(''), '', 'nothing');
SELECT is(casnet_internal.name_form(NULL), NULL, 'NULL');
SELECT is(pg_temp.form(U&'\0301'), U&'\0301', 'a mark alone is seen');
SELECT is(pg_temp.form(U&'  \0301\0323'), U&'\0323\0301', 'in the order of NFC');
SELECT is(pg_temp.form(U&'\1100\1161\11a8'), U&'\ac01', 'Hangul');
SELECT is(pg_temp.form(U&'\212b\2126\212a\fb1d'), U&'\00c5\03a9K\05d9\05b4', 'what NFC replaces, and what it takes apart');
SELECT is(pg_temp.form(U&' \+01f468\200d\+01f469\200d\+01f467 '), U&'\+01f468\200d\+01f469\200d\+01f467', 'a family');
SELECT is(pg_temp.form(U&' \0d05\0d35\0d28\0d4d\200d '), U&'\0d05\0d35\0d28\0d4d\200d', 'a joiner after a virama');
SELECT is(pg_temp.form(U&'\0995\09cd\200c\200d\200d'), U&'\0995\09cd\200c', 'but one');
SELECT is(pg_temp.form(U&'\200d\0d4d'), U&'\0d4d', 'and none before');
SELECT is(pg_temp.form(U&'\00e9q\0344') || pg_temp.form(repeat(U&'e\0301', 100)), U&'\00e9q\0308\0301' || repeat(U&'\00e9', 100), 'composed and not');

-- Long names: a name is accepted if its form fits, and NFC can also make a name longer.
SELECT is(octet_length(pg_temp.form(repeat(U&'\1fbe\0308\0301', 1000))), 2000, '7,000 bytes become 2,000');
SELECT is(rows_of($$INSERT INTO casnet.persons (name) VALUES (repeat(U&'\1fbe\0308\0301', 1000))$$), 1::bigint, 'which have room');
SELECT is(state_of($$INSERT INTO casnet.persons (name) VALUES (repeat(U&'\0958', 400))$$), '23514', '1,200 bytes that become 2,400 have not');
SELECT is(state_of($$INSERT INTO casnet.tags (name) VALUES (repeat(U&'\0958', 51))$$), '23514', 'nor 51 characters that become 102');
SELECT is(rows_of($$INSERT INTO casnet.tags (name) VALUES (repeat(' ', 5000) || repeat(U&'e\0301', 100) || repeat(U&'\200b', 5000))$$), 1::bigint, '200 that become 100 have');
SELECT is(state_of($$INSERT INTO casnet.persons (name) VALUES (repeat(U&'e\0301', 4000000))$$), '23514', 'millions are refused');

-- Any text, compared with the server's own functions.
SELECT is((SELECT count(*) FROM (SELECT string_agg(a.c, '' ORDER BY random()) AS name FROM generate_series(1, 3000) AS n,
		LATERAL (SELECT c FROM unnest(ARRAY[' ', U&'\00a0', U&'\200b', U&'\feff', 'a', 'e', U&'\00e9', U&'\0301', U&'\0323', U&'\0302', U&'\1100', U&'\1161', U&'\1d15e', U&'\+01f600', U&'\0958', 'x' || n % 7]) AS c WHERE random() < 0.5) AS a GROUP BY n) AS t,
	LATERAL normalize(regexp_replace(t.name, U&'^[ \00a0\200b\feff]+|[ \00a0\200b\feff]+$', '', 'g')) AS wanted
	WHERE casnet_internal.name_form(t.name) IS DISTINCT FROM wanted OR casnet_internal.name_form(wanted) IS DISTINCT FROM wanted), 0::bigint, 'random names');
SELECT * FROM finish();
ROLLBACK;
