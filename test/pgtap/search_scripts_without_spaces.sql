-- Where a script has no spaces between words, a search finds each part of a sentence, and
-- nothing that is not a part.
BEGIN;
SELECT plan(70);
\ir include/fixtures.sql
CALL be('olga', 'North');
INSERT INTO casnet.records (title, content) VALUES
	('chinese', '我们在北京大学图书馆见面。然后去上海。'), ('japanese', '東京都に住む、日本語学校の学生。PDFファイルは2024年5月に｢ｶﾞｲﾄﾞ｣と'),
	('korean', '학교에서 친구를 만났습니다'), ('korean in parts', U&'\1112\1161\11A8\1100\116D\110B\1166\1109\1165'), ('thai', 'เด็กไปโรงเรียนในกรุงเทพมหานคร'), ('lao', 'ພາສາລາວ'), ('khmer', 'ភាសាខ្មែរ'), ('burmese', 'မြန်မာဘာသာ'),
	('scattered', '東京 と 京都, 图书 书馆'), ('hidden', U&'\0e44\0e1b\200b\0e42\0e23\0e07');
CREATE TABLE public.searches AS SELECT * FROM (VALUES
	('北京', 'chinese'), ('北京大学', 'chinese'), ('大学图书', 'chinese'), ('图书馆', 'chinese'), ('馆', 'chinese,scattered'), ('海', 'chinese'), ('京大', 'chinese'), ('京', 'chinese,japanese,scattered'), ('北大', NULL), ('书图', NULL), ('见面然后', NULL),
	('東京', 'japanese,scattered'), ('東京都', 'japanese'), ('京都', 'japanese,scattered'), ('日本語学校', 'japanese'), ('学校', 'japanese'), ('本語学', 'japanese'), ('語', 'japanese'), ('日本 学生', 'japanese'), ('日本　学生', 'japanese'), ('日本　-学生', NULL), ('日学', NULL), ('日本学校', NULL),
	('ファイル', 'japanese'), ('pdf', 'japanese'), ('PDFファイル', 'japanese'), ('ＰＤＦファ', 'japanese'), ('2024年', 'japanese'), ('年5月', 'japanese'), ('5月', 'japanese'), ('024年', NULL), ('ガイド', 'japanese'), ('ｶﾞｲ', 'japanese'), ('カイ', NULL), ('イト', NULL),
	('학교', 'korean,korean in parts'), (U&'\1112\1161\11A8\1100\116D', 'korean,korean in parts'), ('교에서', 'korean,korean in parts'), ('친구', 'korean'), ('만났', 'korean'), ('하교', NULL),
	('โรงเรียน', 'thai'), ('เรียน', 'thai'), ('กรุงเทพ', 'thai'), ('กรุงเทพมหานคร', 'thai'), ('ไปโรง', 'thai,hidden'), ('เรียนเด็ก', NULL), ('น', 'thai'),
	('ລາວ', 'lao'), ('ខ្មែរ', 'khmer'), ('ဘာသာ', 'burmese'),
	('"日本語学校の学生"', 'japanese'), ('"学生 pdfファイル"', 'japanese'), ('"学生 ファイル"', NULL), ('-"東京都" 京都', 'scattered'), ('北京 or 親', 'chinese'), ('北京*', 'chinese'), ('学生*', 'japanese'), ('"東京 と"', 'scattered')) AS v (query, found);
SELECT is((SELECT string_agg(title, ',' ORDER BY CASE WHEN title = 'scattered' THEN 1 WHEN title = 'hidden' THEN 2 ELSE 0 END, title) FROM casnet.search_records(query)), found, query) FROM public.searches;
SELECT is((SELECT count(*) FROM public.searches WHERE found IS DISTINCT FROM (SELECT string_agg(title, ',' ORDER BY CASE WHEN title = 'scattered' THEN 1 WHEN title = 'hidden' THEN 2 ELSE 0 END, title) FROM casnet.records WHERE search_vector OPERATOR(casnet.@~) query)), 0::bigint, 'and with the operator');
-- What is shown.
SELECT is(substring(snippet FROM '<b>.*</b>'), hit, query) FROM (VALUES ('日本語学校', '<b>日本語学校</b>'), ('校', '<b>校</b>'), ('京都', '<b>京都</b>'), ('ガイド', '<b>ｶﾞｲﾄﾞ</b>'), ('学生 住む', '<b>住む</b>、日本語学校の<b>学生</b>')) AS v (query, hit), casnet.search_records(query) WHERE title = 'japanese';

-- A tsvector keeps the place of a word up to the 16,383rd, and 255 places of each.  In a
-- longer text all parts of a word must be there.
INSERT INTO casnet.records (title, content) VALUES ('long', repeat('天地玄黃宇宙洪荒日月', 2000) || '北京大学图书馆'), ('as long', repeat('天地玄黃宇宙洪荒日月', 2000) || '北京、京大学图');
SELECT is((SELECT string_agg(title, ',' ORDER BY title DESC) FROM casnet.search_records('京大学图')), 'long,chinese,as long', 'at the end of a long text');
SELECT is((SELECT string_agg(title, ',' ORDER BY title DESC) FROM casnet.search_records('北京大学')), 'long,chinese,as long', 'which can have the parts apart');
SELECT is((SELECT string_agg(title, ',' ORDER BY title DESC) FROM casnet.search_records('北京大学图书馆')), 'long,chinese', 'but must have all of them');
INSERT INTO casnet.records (title, content) VALUES ('full', repeat('天地人 ', 300) || '地人天地'), ('none', repeat('天地人 ', 300) || '地人地');
SELECT is((SELECT string_agg(title, ',' ORDER BY title) FROM casnet.search_records('人天地') WHERE title IN ('full', 'none')), 'full', 'a part that is there more often than is kept');
-- The longest texts, with the most words.
SELECT lives_ok($$INSERT INTO casnet.records (title, content) SELECT string_agg(chr((131072 + (n::bigint * 7919) % 42000)::int), '' ORDER BY n), string_agg(chr((131072 + (n::bigint * 104729) % 42000)::int), '' ORDER BY n) FROM generate_series(1, 90000) AS n$$, 'the most that a record can have');
SELECT * FROM finish();
ROLLBACK;
