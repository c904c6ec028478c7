-- casnet.adopt_users() takes the accounts and memberships of an older system in one
-- statement, with their hashes, and returns the rows that clash.
BEGIN;
SELECT plan(47);
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
SELECT alike((SELECT problem FROM clash WHERE username = 'ulf'), '%no hash of a scheme%', 'a password is none');
SELECT is((SELECT problem FROM clash WHERE tenant = 'Nowhere'), 'there is no such tenant', 'nor is there a tenant that nobody made');
SELECT results_eq($$SELECT u.username, u.is_active, t.name, m.role FROM casnet.users AS u LEFT JOIN casnet.user_tenants AS m ON m.user_id = u.id LEFT JOIN casnet.tenants AS t ON t.id = m.tenant_id WHERE u.email LIKE '%@old.test' ORDER BY 1, 3$$,
	$$VALUES ('uma', true, 'North', 'admin'), ('uma', true, 'South', 'member'), ('una', true, 'North', 'member'), ('uwe', false, NULL, NULL)$$, 'all others are there');
SELECT is((SELECT count(*) FROM casnet.users WHERE username = 'mia' AND email = 'mia@north.test'), 1::bigint, 'and those who were there stay as they were');
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT isnt(casnet.login('uma@old.test', 'correct horse'), NULL, 'they log in with their passwords');
RESET SESSION AUTHORIZATION;

-- Once more, everybody is there.  Ids are kept, from a view, too.
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT set_eq('SELECT username, email, tenant, problem FROM casnet.adopt_users(''old.users'')', 'SELECT * FROM clash', 'the same rows clash again, and the others are there already');
SELECT is((SELECT count(*) FROM casnet.users WHERE email LIKE '%@old.test'), 3::bigint, 'nobody is adopted twice');
RESET SESSION AUTHORIZATION;
CREATE VIEW old.more AS SELECT '00000000-0000-7000-8000-00000000abcd'::uuid AS id, 'ida' AS username, 'ida@old.test' AS email;
SELECT is_empty('SELECT * FROM casnet.adopt_users(''old.more'')', 'a view with the least columns');
SELECT is((SELECT username FROM casnet.users WHERE id = '00000000-0000-7000-8000-00000000abcd'), 'ida', 'keeps its ids');
SELECT is_empty('SELECT * FROM casnet.adopt_users(''old.more'')', 'and is there already');
CREATE VIEW old.bad AS SELECT 'no uuid' AS id, 'eva' AS username, 'eva@old.test' AS email;
SELECT results_eq('SELECT problem FROM casnet.adopt_users(''old.bad'')', $$VALUES ('invalid input syntax for type uuid: "no uuid"')$$, 'an id that is none');
SELECT is_empty('SELECT * FROM casnet.adopt_users(NULL)', 'nothing of nothing');
SELECT throws_ok('SELECT * FROM casnet.adopt_users(''old.none'')', '42P01', NULL, 'no table');
CREATE TABLE old.others AS SELECT 1 AS x;
SELECT throws_ok('SELECT * FROM casnet.adopt_users(''old.others'')', '22023', 'relation "others" has no column username, or none email', 'no columns');
CREATE VIEW old.names AS SELECT 'kim' AS username;
CREATE VIEW old.addresses AS SELECT 'kim@rows.test' AS email;
SELECT throws_ok(format('SELECT * FROM casnet.adopt_users(%L)', 'old.' || r), '22023', format('relation "%s" has no column username, or none email', r), r || ' alone') FROM unnest('{names,addresses}'::text[]) AS r;
CREATE VIEW old.short_ids AS SELECT '00000000-0000-7000-8000-0000000000e1'::varchar(36) AS id, 'kit' AS username, 'kit@rows.test' AS email;
SELECT is_empty('SELECT * FROM casnet.adopt_users(''old.short_ids'')', 'an id of type varchar');
SELECT is((SELECT id FROM casnet.users WHERE username = 'kit'), '00000000-0000-7000-8000-0000000000e1', 'is kept');
CREATE TABLE old.numbered AS SELECT 1::bigint AS id, 'x' AS username, 'x@x' AS email;
SELECT throws_ok('SELECT * FROM casnet.adopt_users(''old.numbered'')', '22023', 'column "id" of relation "numbered" has no ids of accounts', 'numbers are no ids');
SELECT throws_ok('SELECT * FROM casnet.adopt_users(99999::oid::regclass)', '42P01', 'there is no such table or view', 'no relation');

-- Rows of one account that contradict each other, and other odd ones.
CREATE TABLE old.odd (username text, email text, full_name text, is_active text, hashed_password text, tenant text, role text, s jsonb, "more columns" json);
INSERT INTO old.odd VALUES
	('con', 'con@odd.test', 'Con', 'true', NULL, 'North', 'viewer', '{"username": "hijack", "email": "h@h"}', '{"a": "\u0000"}'),
	('con', 'con@odd.test', 'Con', 'false', NULL, 'South', 'viewer', NULL, NULL),
	('hat', 'hat@odd.test', NULL, NULL, 'pbkdf2_sha256$1000$saltofdjango$GXsAXiIARylYwzUKJKt/bKm4dARBj0C/K6Vvdnr3Df4=', 'North', NULL, NULL, NULL),
	('hat', 'hat@odd.test', NULL, NULL, 'pbkdf2_sha256$1000$saltofdjango$aaaAXiIARylYwzUKJKt/bKm4dARBj0C/K6Vvdnr3Df4=', 'South', NULL, NULL, NULL),
	('rob', 'rob@odd.test', NULL, NULL, NULL, NULL, 'owner', NULL, NULL),
	('sam', 'sam@odd.test', '', '', '', '', '', NULL, NULL),
	('mar', 'mar@odd.test', NULL, NULL, '$casnet$00000000-0000-7000-8000-000000000001', NULL, NULL, NULL, NULL),
	(' kate', 'evil@odd.test', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	('kate', 'kate@odd.test', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	('bad', 'bad@odd.test', NULL, 'perhaps', NULL, NULL, NULL, NULL, NULL);
SELECT results_eq('SELECT username, tenant, problem FROM casnet.adopt_users(''old.odd'') ORDER BY username COLLATE "C"', $$VALUES
	(' kate', NULL, 'another account has this username'),
	('bad', NULL, 'invalid input syntax for type boolean: "perhaps"'),
	('con', 'South', 'column is_active differs from that of another row of the account'),
	('hat', 'South', 'column hashed_password differs from that of another row of the account'),
	('mar', NULL, 'hashed_password is no hash of a scheme that casnet knows; NULL makes an account without a password'),
	('rob', NULL, 'the row has a role and no tenant')$$, 'what contradicts is reported');
SELECT set_eq('SELECT username FROM casnet.users WHERE email LIKE ''%@odd.test''', ARRAY['con', 'hat', 'sam', 'kate'], 'and nobody gets a name by writing it in another way');

-- What happens to rows whose account was not made, or is another one than it looks.
CREATE TABLE old.rows (id uuid, username text, email text, hashed_password text, tenant text, role text);
INSERT INTO old.rows VALUES
	(NULL, 'abe', 'abe@rows.test', NULL, NULL, NULL),
	(NULL, 'bob', 'bob@rows.test', 'no hash', 'North', 'owner'),
	(NULL, 'bob', 'bob@rows.test', 'no hash', 'South', 'owner'),
	(NULL, 'dup', 'adam@north.test', NULL, 'North', NULL),
	(NULL, 'dup', 'dup@rows.test', NULL, 'North', NULL),
	('00000000-0000-7000-8000-00000000abc1', 'two', 'two@rows.test', NULL, 'North', NULL),
	('00000000-0000-7000-8000-00000000abc2', 'two', 'two@rows.test', NULL, 'South', NULL),
	(NULL, 'vic', 'vic@north.test', NULL, 'North', 'admin');
SELECT results_eq('SELECT username, email, tenant, problem FROM casnet.adopt_users(''old.rows'') ORDER BY username COLLATE "C", tenant COLLATE "C"', $$VALUES
	('bob', 'bob@rows.test', 'North', 'hashed_password is no hash of a scheme that casnet knows; NULL makes an account without a password'),
	('bob', 'bob@rows.test', 'South', 'the account was not made; see its first row'),
	('dup', 'adam@north.test', 'North', 'another account has this email address'),
	('two', 'two@rows.test', 'South', 'column id differs from that of another row of the account'),
	('vic', 'vic@north.test', 'North', 'the account is a member of the tenant in another role')$$, 'each row by itself');
SELECT results_eq($$SELECT u.username, t.name, m.role FROM casnet.users AS u LEFT JOIN casnet.user_tenants AS m ON m.user_id = u.id LEFT JOIN casnet.tenants AS t ON t.id = m.tenant_id WHERE u.email LIKE '%@rows.test' OR u.username = 'vic' ORDER BY 1, 2$$,
	$$VALUES ('abe', NULL, NULL), ('dup', 'North', 'member'), ('kit', NULL, NULL), ('two', 'North', 'member'), ('vic', 'North', 'viewer')$$, 'and nobody gets what is another''s');
CREATE TABLE old.forms AS SELECT '  Abe ' AS username, ' ABE@rows.test' AS email;
SELECT is_empty('SELECT * FROM casnet.adopt_users(''old.forms'')', 'an account is known by names in any form');
-- Any other error is one.
CREATE FUNCTION old.refuses() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '55000'; END $$;
CREATE TRIGGER refuses BEFORE INSERT ON casnet.users FOR EACH ROW EXECUTE FUNCTION old.refuses();
CREATE VIEW old.fresh AS SELECT 'fay' AS username, 'fay@rows.test' AS email;
SELECT throws_ok('SELECT * FROM casnet.adopt_users(''old.fresh'')', '55000', 'no', 'an error that is no clash');
DROP TRIGGER refuses ON casnet.users;

-- Code of others.
CREATE ROLE tap_stranger;
CREATE TABLE public.ran (who name);
GRANT ALL ON public.ran TO PUBLIC;
CREATE SCHEMA elsewhere AUTHORIZATION tap_stranger;
SET LOCAL SESSION AUTHORIZATION tap_stranger;
CREATE TYPE elsewhere.name AS ENUM ('joe');
CREATE FUNCTION elsewhere.shown(elsewhere.name) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.ran VALUES (current_user); RETURN 'joe'; END $$;
CREATE FUNCTION elsewhere.shown_as_json(elsewhere.name) RETURNS json LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.ran VALUES (current_user); RETURN '"joe"'; END $$;
CREATE CAST (elsewhere.name AS text) WITH FUNCTION elsewhere.shown(elsewhere.name) AS IMPLICIT;
CREATE CAST (elsewhere.name AS json) WITH FUNCTION elsewhere.shown_as_json(elsewhere.name) AS IMPLICIT;
CREATE TABLE elsewhere.users (username elsewhere.name, email text, role elsewhere.name);
INSERT INTO elsewhere.users VALUES ('joe', 'joe@elsewhere.test', NULL);
CREATE VIEW elsewhere.seen AS SELECT elsewhere.shown(username) AS username, email FROM elsewhere.users;
CREATE TABLE elsewhere.guarded AS SELECT 'jim' AS username, 'jim@elsewhere.test' AS email;
ALTER TABLE elsewhere.guarded ENABLE ROW LEVEL SECURITY;
GRANT USAGE ON SCHEMA elsewhere TO PUBLIC;
GRANT SELECT ON elsewhere.users, elsewhere.seen, elsewhere.guarded TO PUBLIC;
RESET SESSION AUTHORIZATION;
SELECT throws_ok('SELECT * FROM casnet.adopt_users(''elsewhere.' || r || ''')', '55000', 'relation "' || r || '" could run code of its owner as yourself', r) FROM unnest('{users,seen,guarded}'::text[]) AS r;
ALTER TABLE elsewhere.users OWNER TO CURRENT_USER;
SELECT is_empty('SELECT * FROM casnet.adopt_users(''elsewhere.users'')', 'a table of one''s own with types of another role');
SELECT is_empty('SELECT FROM public.ran', 'whose casts do not run');
-- Below a view or policy of one's own.
SET LOCAL SESSION AUTHORIZATION tap_stranger;
CREATE FUNCTION elsewhere.tells(text) RETURNS text LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN INSERT INTO public.ran VALUES (current_user); RETURN $1; END $$;
CREATE FUNCTION elsewhere.is_short(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.ran VALUES (current_user); RETURN true; END $$;
CREATE DOMAIN elsewhere.short AS text CHECK (elsewhere.is_short(VALUE));
CREATE VIEW elsewhere.both AS SELECT elsewhere.tells('joe') AS username, 'joe@elsewhere.test' AS email;
GRANT SELECT ON elsewhere.both TO PUBLIC;
RESET SESSION AUTHORIZATION;
CREATE VIEW old.of_view AS SELECT * FROM elsewhere.both;
CREATE VIEW old.of_table AS SELECT 'joe' AS username, email FROM elsewhere.guarded;
CREATE VIEW old.of_function AS SELECT elsewhere.tells('joe') AS username, 'joe@elsewhere.test' AS email;
CREATE VIEW old.of_domain AS SELECT 'joe'::text::elsewhere.short AS username, 'joe@elsewhere.test' AS email;
CREATE VIEW old.of_subquery AS SELECT (SELECT elsewhere.tells('joe')) AS username, 'joe@elsewhere.test' AS email;
CREATE VIEW old.of_with AS WITH a AS MATERIALIZED (SELECT elsewhere.tells('joe') AS username) SELECT a.username, 'joe@elsewhere.test' AS email FROM a;
CREATE VIEW old.of_condition AS SELECT 'joe' AS username, 'joe@elsewhere.test' AS email WHERE elsewhere.is_short('x');
CREATE VIEW old.of_views AS SELECT * FROM old.of_condition UNION ALL SELECT 'jim', 'jim@elsewhere.test';
CREATE VIEW old.of_function_in_from AS SELECT 'joe' AS username, f AS email FROM elsewhere.tells('joe@elsewhere.test') AS f;
CREATE VIEW old.of_nobody AS SELECT lower('NOA') AS username, 'noa@rows.test' AS email, t.id AS tenant
  FROM casnet.tenants AS t CROSS JOIN LATERAL (SELECT count(*) OVER (ORDER BY t.name) FROM generate_series(1, 1)) AS w WHERE t.name = 'North' ORDER BY 1 LIMIT 1;
CREATE TABLE old.guarded AS SELECT 'pia' AS username, 'pia@rows.test' AS email;
GRANT SELECT ON old.guarded TO tap_operator;
ALTER TABLE old.guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON old.guarded USING (elsewhere.is_short(username));
SELECT throws_ok(format('SELECT * FROM casnet.adopt_users(%L)', 'old.' || v), '55000', 'relation "' || v || '" could run code of others as yourself', v)
  FROM unnest('{of_view,of_table,of_function,of_domain,of_subquery,of_with,of_condition,of_views,of_function_in_from}'::text[]) AS v;
GRANT USAGE ON SCHEMA old TO tap_operator;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT throws_ok('SELECT * FROM casnet.adopt_users(''old.guarded'')', '55000', 'relation "guarded" could run code of others as yourself', 'a policy, of a table of a superuser');
RESET SESSION AUTHORIZATION;
SELECT is_empty('SELECT FROM public.ran', 'and nothing of it ran');
SELECT is_empty('SELECT * FROM casnet.adopt_users(''old.of_nobody'')', 'tables of casnet and functions of the server are no strangers');
SELECT is((SELECT count(*) FROM casnet.user_tenants AS m JOIN casnet.users AS u ON u.id = m.user_id WHERE u.username = 'noa'), 1::bigint, 'it was adopted');
SELECT * FROM finish();
ROLLBACK;
