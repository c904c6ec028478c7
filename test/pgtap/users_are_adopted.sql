-- casnet.adopt_users() takes the accounts and memberships of an older system in one
-- statement, with their hashes, and returns the rows that clash.
BEGIN;
SELECT plan(16);
\ir include/fixtures.sql
\ir include/tokens.sql
RESET SESSION AUTHORIZATION;
CREATE SCHEMA old;
CREATE TABLE old.users (username text, email text, full_name text, hashed_password text, tenant text, role text, is_active boolean, more text);
INSERT INTO old.users VALUES
	('uma', 'uma@old.test', 'Uma', 'pbkdf2_sha256$1000$saltofdjango$GXsAXiIARylYwzUKJKt/bKm4dARBj0C/K6Vvdnr3Df4=', 'North', 'admin', NULL, 'x'),
	('uma', 'uma@old.test', 'Uma', 'pbkdf2_sha256$1000$saltofdjango$GXsAXiIARylYwzUKJKt/bKm4dARBj0C/K6Vvdnr3Df4=', '00000000-0000-7000-8000-0000000000b0', NULL, NULL, 'x'),
	('uwe', 'uwe@old.test', NULL, NULL, NULL, NULL, false, 'x'),
	('mia', 'other@old.test', NULL, NULL, 'North', NULL, NULL, 'the name is taken'),
	('ute', 'OLGA@north.test', NULL, NULL, 'North', NULL, NULL, 'the address is taken'),
	('otto@south.test', 'odo@old.test', NULL, NULL, NULL, NULL, NULL, 'the name is an address of somebody else'),
	('ulf', 'ulf@old.test', NULL, 'my plain password', 'North', NULL, NULL, 'no hash'),
	('una', 'una@old.test', NULL, NULL, 'Nowhere', NULL, NULL, 'no tenant'),
	('una', 'una@old.test', NULL, NULL, 'South', 'king', NULL, 'no role'),
	('una', 'una@old.test', NULL, NULL, 'North', NULL, NULL, 'all right'),
	('  ', 'blank@old.test', NULL, NULL, NULL, NULL, NULL, 'no name'),
	(NULL, 'null@old.test', NULL, NULL, NULL, NULL, NULL, 'no name');
GRANT USAGE ON SCHEMA old TO PUBLIC;
GRANT SELECT ON old.users TO tap_operator;

SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok('SELECT * FROM casnet.adopt_users(''old.users'')', '42501', NULL, 'applications adopt nobody');
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_operator;
CREATE TEMP TABLE clash AS SELECT * FROM casnet.adopt_users('old.users');
RESET SESSION AUTHORIZATION;
SELECT results_eq('SELECT username, email, tenant FROM clash ORDER BY username COLLATE "C", tenant COLLATE "C"', $$VALUES
	('  ', 'blank@old.test', NULL), ('mia', 'other@old.test', 'North'), ('otto@south.test', 'odo@old.test', NULL),
	('ulf', 'ulf@old.test', 'North'), ('una', 'una@old.test', 'Nowhere'), ('una', 'una@old.test', 'South'),
	('ute', 'OLGA@north.test', 'North'), (NULL, 'null@old.test', NULL)$$, 'what clashes is reported');
SELECT is((SELECT count(*) FROM clash WHERE problem IS NULL OR problem ~ 'plain password'), 0::bigint, 'with a reason, and no password');
SELECT alike((SELECT problem FROM clash WHERE username = 'ulf'), '%must be the hash of a password%', 'a password is none');
SELECT is((SELECT problem FROM clash WHERE tenant = 'Nowhere'), 'there is no such tenant', 'nor is there a tenant that nobody made');
SELECT results_eq($$SELECT u.username, u.is_active, t.name, m.role FROM casnet.users AS u LEFT JOIN casnet.user_tenants AS m ON m.user_id = u.id LEFT JOIN casnet.tenants AS t ON t.id = m.tenant_id WHERE u.email LIKE '%@old.test' ORDER BY 1, 3$$,
	$$VALUES ('uma', true, 'North', 'admin'), ('uma', true, 'South', 'member'), ('una', true, 'North', 'member'), ('uwe', false, NULL, NULL)$$, 'all others are there');
SELECT is((SELECT count(*) FROM casnet.users WHERE username = 'mia' AND email = 'mia@north.test'), 1::bigint, 'and those who were there stay as they were');
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT isnt(casnet.login('uma@old.test', 'correct horse'), NULL, 'they log in with their passwords');
RESET SESSION AUTHORIZATION;

-- Once more, everybody is there.  Ids are kept, from a view, too.
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is((SELECT count(*) FROM casnet.adopt_users('old.users')), (SELECT count(*) FROM old.users), 'nobody is adopted twice');
RESET SESSION AUTHORIZATION;
CREATE VIEW old.more AS SELECT '00000000-0000-7000-8000-00000000abcd'::uuid AS id, 'ida' AS username, 'ida@old.test' AS email;
SELECT is_empty('SELECT * FROM casnet.adopt_users(''old.more'')', 'a view with the least columns');
SELECT is((SELECT username FROM casnet.users WHERE id = '00000000-0000-7000-8000-00000000abcd'), 'ida', 'keeps its ids');
SELECT results_eq('SELECT username, left(problem, 43) FROM casnet.adopt_users(''old.more'')', $$VALUES ('ida', 'duplicate key value violates unique constra')$$, 'of which each is one account');
CREATE VIEW old.bad AS SELECT 'no uuid' AS id, 'eva' AS username, 'eva@old.test' AS email;
SELECT results_eq('SELECT problem FROM casnet.adopt_users(''old.bad'')', $$VALUES ('invalid input syntax for type uuid: "no uuid"')$$, 'an id that is none');
SELECT is_empty('SELECT * FROM casnet.adopt_users(NULL)', 'nothing of nothing');
SELECT throws_ok('SELECT * FROM casnet.adopt_users(''old.none'')', '42P01', NULL, 'no table');
-- Where a table has no such columns, every row lacks a name.
CREATE TABLE old.others AS SELECT 1 AS x;
SELECT is((SELECT count(*) FROM casnet.adopt_users('old.others')), 1::bigint, 'no columns');
SELECT * FROM finish();
ROLLBACK;
