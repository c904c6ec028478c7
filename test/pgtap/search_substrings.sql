-- value *=* part: the part occurs in the value, ignoring case and accents.  No character in it
-- has a meaning, and only the first 64 kB are searched.
BEGIN;
SELECT plan(51);
\ir include/fixtures.sql
CALL be('olga', 'North');
SELECT is(value OPERATOR(casnet.*=*) part, wanted, format('%L in %L', left(part, 20), left(value, 20)))
  FROM (VALUES ('Jane Doe', 'doe', true), ('Jane Doe', 'E D', true), ('Jane Doe', 'Jane Doe', true), ('Jane Doe', 'Jane Does', false), ('Jane Doe', 'jd', false),
	('Çağrı ÄÖÜ', 'äöü', true), ('ñandú', 'ÑAND', true), ('cafe', 'café', true), ('50% off', '0%', true), ('500 off', '0%', false), ('a_b', '_', true), ('ab', '_', false),
	('a\b', '\', true), ('ab', '\', false), ('a\%b', '\%', true), ('a%b', '\%', false), ('a.b', 'a.', true), ('ab', 'a.', false), ('it''s', '''', true),
	('x', '', true), ('', '', true), ('', 'x', false), ('日本語', '本語', true), ('日本語', '本日', false), ('a b', E'a\tb', false),
	-- as far as it goes: 65,536 bytes, less a character of a longer value
	(repeat('x', 65526) || 'needle' || repeat('x', 1000), 'needle', true), (repeat('x', 65529) || 'needle', 'needle', true), (repeat('x', 65531) || 'needle', 'needle', false), (repeat('ä', 32763) || 'needle' || repeat('ä', 10), 'needle', true), (repeat('日', 21841) || 'needle' || '日', 'needle日', true),
	(repeat('x', 65000) || 'needle', 'needle', true), (repeat('x', 70000) || 'needle', 'needle', false), (repeat('ä', 32760) || 'needle', 'ANEEDLE', true),
	(repeat('日', 30000) || 'needle', 'needle', false), (repeat('日', 30000), '日日', true), (repeat('x', 100), repeat('X', 101), false), (repeat('x', 70000), repeat('x', 65537), false), (repeat('k', 30000), repeat(U&'\212A', 30000), false)) AS v (value, part, wanted);
SELECT is(NULL OPERATOR(casnet.*=*) 'x', NULL, 'NULL has no part');
SELECT is('x' OPERATOR(casnet.*=*) NULL, NULL, 'NULL is no part');

INSERT INTO casnet.persons (name) VALUES ('Jane Doe'), ('john DOE'), ('100% Doe_\');
SELECT results_eq('SELECT name FROM casnet.search_persons('' doe '')', 'SELECT name FROM casnet.persons WHERE name ILIKE ''%doe%'' ORDER BY name', 'search_persons(), by name');
SELECT results_eq('SELECT name FROM casnet.search_persons(''0% doe_\'')', ARRAY['100% Doe_\'], 'any characters');
SELECT results_eq('SELECT person_id FROM casnet.search_persons(''jane'')', 'SELECT id FROM casnet.persons WHERE name = ''Jane Doe''', 'person_id');
SELECT is((SELECT count(*) FROM casnet.search_persons('doe', 2)), 2::bigint, 'max_rows');
SELECT is(error_of('SELECT * FROM casnet.search_persons(''doe'', 0)'), '22023 | max_rows is out of range |  | Ask for 1 to 1000 rows. | ', 'not none');
SELECT is(error_of(format('SELECT * FROM casnet.search_persons(%L)', part)), '22023 | the part to search for is blank |  | Give a few letters of the name. | ', 'a blank part')
  FROM unnest(ARRAY['', E' \t\n', NULL]) AS part;
SELECT is_empty('SELECT * FROM casnet.search_persons(''South'')', 'nobody of South');
CALL be('otto', 'South');
SELECT results_eq('SELECT name FROM casnet.search_persons(''person'')', ARRAY['South person'], 'in South');
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.role_permissions WHERE role = 'member' AND permission = 'view_persons';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT throws_ok('SELECT * FROM casnet.search_persons(''doe'')', '42501', 'permission "view_persons" is missing in the active tenant', 'without view_persons');
SELECT * FROM finish();
ROLLBACK;
