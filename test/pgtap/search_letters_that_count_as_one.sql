-- Records and names are found in upper and lower case, with accents and without, with ß or
-- ss, with either sigma, and with a dotted or a dotless i.
BEGIN;
SELECT plan(113);
\ir include/fixtures.sql
CALL be('olga', 'North');
CREATE TABLE public.pairs AS SELECT * FROM (VALUES
	('José', 'jose'), ('José', 'JOSÉ'), (U&'Jose\0301', 'josé'), ('Émile Zola', 'emile'), ('Ångström', 'angstrom'), ('Nguyễn Thị', 'nguyen thi'), ('Dvořák', 'dvorak'), ('Łukasz', 'lukasz'), ('Søren', 'soren'), ('Đặng', 'dang'), ('Æthelred', 'aethelred'), ('Þórr', 'thorr'),
	('Straße', 'strasse'), ('STRASSE', 'straße'), ('GROẞ', 'gross'), ('Weiß', 'WEISS'),
	('ΟΔΟΣ', 'οδος'), ('οδός', 'ΟΔΟΣ'), ('Ὀδυσσεύς', 'οδυσσευσ'), ('Πέτρος', 'πετροσ'),
	('İstanbul', 'istanbul'), ('ISPARTA', 'ısparta'), ('ısparta', 'Isparta'), ('Diyarbakır', 'DİYARBAKIR'), ('DIŞİŞLERİ', 'dışişleri'), ('Kadıköy', 'kadikoy'),
	('Артём', 'артем'), ('Артем', 'Артём'), (U&'Андреи\0306', 'андрей'), (U&'а\0301тлас', 'атлас'),
	(U&'\05E9\05B8\05C1\05DC\05D5\05B9\05DD', U&'\05E9\05DC\05D5\05DD'), (U&'\0645\064F\062D\064E\0645\0651\064E\062F', U&'\0645\062D\0645\062F'), (U&'\0623\062D\0645\062F', U&'\0627\062D\0645\062F'),
	('Ｊｏｈｎ', 'john'), (U&'\FB01nal', 'final'), ('ガルシア', U&'カ\3099ルシア')) AS v (name, typed);
INSERT INTO casnet.persons (name) SELECT DISTINCT name FROM public.pairs;
INSERT INTO casnet.records (title, content) SELECT DISTINCT 'a record', name FROM public.pairs;
SELECT ok(EXISTS (SELECT FROM casnet.search_persons(typed, 1000) AS p WHERE normalize(p.name) = normalize(pairs.name)), format('a person: %s by %s', name, typed)) FROM public.pairs;
SELECT ok(EXISTS (SELECT FROM casnet.search_records(typed, 1000) AS r JOIN casnet.records AS c ON c.id = r.record_id WHERE c.content = pairs.name), format('a record: %s by %s', name, typed)) FROM public.pairs;
SELECT ok(casnet.search_snippet(name, typed) LIKE '%<b>%' AND replace(replace(casnet.search_snippet(name, typed), '<b>', ''), '</b>', '') = name, format('shown as it is written: %s', name)) FROM public.pairs;
-- What are two letters to those who read them stays apart.
SELECT ok(NOT name OPERATOR(casnet.*=*) typed AND NOT casnet_internal.search_vector('casnet.search', '', name) OPERATOR(casnet.@~) typed, format('%s is not %s', name, typed))
  FROM (VALUES ('Андрей', 'Андреи'), ('ハハ', 'パパ'), ('カキ', 'ガギ'), ('ก่า', 'กา'), ('さど', 'さと')) AS v (name, typed);
SELECT * FROM finish();
ROLLBACK;
