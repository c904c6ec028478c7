-- adopt_users() says in plain words why it did not take a row, and which part of it.
BEGIN;
SELECT plan(2);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.old (n integer, username text, email text, tenant text, role text, id text);
INSERT INTO public.old VALUES
	(1, 'mia', 'other@old.test', NULL, NULL, NULL), (2, 'ADAM', 'adam@old.test', NULL, NULL, NULL), (3, 'ute', 'olga@north.test', NULL, NULL, NULL), (4, 'uwe', 'OLGA@north.test', NULL, NULL, NULL),
	(5, 'otto@south.test', 'odo@old.test', NULL, NULL, NULL), (6, 'vic', 'vic@north.test', 'North', 'admin', NULL), (7, 'una', 'una@old.test', 'Nowhere', NULL, NULL),
	(8, 'uli', 'uli@old.test', 'North', 'king', NULL), (9, repeat('u', 3000), 'u@old.test', NULL, NULL, NULL), (10, 'ulf', repeat('u', 3000), NULL, NULL, NULL), (11, ' ', 'blank@old.test', NULL, NULL, NULL),
	(13, 'ida', 'ida@old.test', NULL, NULL, :'mia');
GRANT SELECT ON public.old TO tap_operator;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT results_eq('SELECT n, problem FROM casnet.adopt_users(''public.old'') AS a JOIN public.old AS o USING (username, email) ORDER BY n', $$VALUES
	(1, 'another account has this username'), (2, 'another account has this username'),
	(3, 'another account has this email address'), (4, 'another account has this email address'),
	(5, 'another account has "otto@south.test" as its email'), (6, 'the account is a member of the tenant in another role'), (7, 'there is no such tenant'),
	(8, 'unknown role "king"'), (9, 'the username is too long'), (10, 'the email address is too long'), (11, 'column username of table users is blank'), (13, 'another account has this id')$$, 'why not');
SELECT results_eq($$SELECT username FROM casnet.accounts() WHERE email LIKE '%@old.test'$$, '{uli,una}'::text[], 'without a membership, the account is made');
SELECT * FROM finish();
ROLLBACK;
