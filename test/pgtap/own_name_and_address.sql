-- A user changes the own name freely, and the own address by a code that was sent there.
BEGIN;
SELECT plan(55);
\ir include/fixtures.sql
\ir include/tokens.sql
RESET SESSION AUTHORIZATION;
\set invalid 'P0002 | the code is not valid |  | A code works once and in time, and ends when the account changes; ask for a new one. | '
CREATE FUNCTION pg_temp.renamed(name text) RETURNS text LANGUAGE sql AS $$ SELECT public.state_of(format('SELECT casnet.change_username(%L)', name)) $$;
CREATE FUNCTION pg_temp.confirmed(code text) RETURNS text LANGUAGE sql AS $$ SELECT public.error_of(format('SELECT casnet.confirm_email(%L)', code)) $$;
CREATE FUNCTION public.account(account uuid) RETURNS casnet.users LANGUAGE sql SECURITY DEFINER AS 'SELECT * FROM casnet.users WHERE id = account';
CREATE PROCEDURE pg_temp.sign_in(person text) LANGUAGE sql AS $$
	SELECT set_config('casnet.token', public.token(jsonb_build_object('sub', (SELECT id FROM public.who WHERE name = person))), true) $$;
CREATE FUNCTION pg_temp.code(person text, address text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text;
BEGIN
	SET LOCAL SESSION AUTHORIZATION tap_app;
	CALL be(person);
	code := casnet.email_code(address);
	PERFORM casnet.sign_out();
	SET LOCAL SESSION AUTHORIZATION tap_client;
	RETURN code;
END
$$;
GRANT ALL ON ALL FUNCTIONS IN SCHEMA pg_temp TO PUBLIC;
GRANT ALL ON ALL PROCEDURES IN SCHEMA pg_temp TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_client;

-- the name
SELECT is(pg_temp.renamed('other'), '28000', 'not without a user');
CALL pg_temp.sign_in('mia');
SELECT is(pg_temp.renamed(n), s, w) FROM (VALUES
	(NULL, '22023', 'not NULL'), ('', '22023', 'not nothing'), (U&' \200B ', '22023', 'not what nobody sees'), (repeat('x', 2001), '22001', 'not a long one'), (U&'ro\200Bot', '22023', 'not one that looks like another'), (U&'ro\00A0ot', '22023', 'not with another space'), (E'ro\tot', '22023', 'not with a tab'), (repeat('x', 2000), 'none', 'one that is as long as it can be'),
	('vic', '23505', 'not somebody''s'), (' VIC ', '23505', 'whatever its case'), ('vic@north.test', '22023', 'not somebody''s address'), ('later@x.test', '22023', 'not any address'),
	('Mia@north.test', 'none', 'but the own one'), ('mia', 'none', 'the old one'), ('MIA', 'none', 'in another case'), ('x', 'none', 'any other')) AS v (n, s, w);
SELECT casnet.change_username(' Mia Moor ');
SELECT is((SELECT username FROM casnet.whoami()), 'Mia Moor', 'the new name, in its form, with the token of before');
SELECT is((SELECT (username, email)::text FROM public.account(:'vic')), '(vic,vic@north.test)', 'nobody else has changed');
CALL pg_temp.sign_in('ines');
SELECT is(pg_temp.renamed('other'), '28000', 'not when inactive');

-- who gets a code
CALL pg_temp.sign_in('mia');
SELECT is(public.error_of('SELECT casnet.email_code(''new@x.test'')'), '42501 | only a trusted backend gets codes that prove an address |  | Call it as a member of casnet_authenticator, and send the code to the address. | ', 'no application, whose user would see it');
CALL pg_temp.sign_in('sue');
SELECT is(public.state_of('SELECT casnet.email_code(''new@x.test'')'), '42501', 'not even for a superuser of it');
SELECT casnet.sign_out();
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(public.state_of('SELECT casnet.email_code(''new@x.test'')'), '28000', 'a backend, for the user of its session');
CALL be('mia');
SELECT is(public.state_of(format('SELECT casnet.email_code(%L, %L)', a, l)), '22023', coalesce(a, 'NULL') || ' for ' || coalesce(l, 'NULL'))
  FROM (VALUES (NULL, '1 h'), (' ', '1 h'), (repeat('x', 3000), '1 h'), ('new@x.test', '0'), ('new@x.test', NULL)) AS v (a, l);
SELECT matches(casnet.email_code('new@x.test'), '^[A-Za-z0-9_-]{22}$', 'it gets one');
SELECT casnet.sign_out();
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT casnet.sign_in(token()) AS me \gset
SELECT is(public.state_of('SELECT casnet.email_code(''new@x.test'')'), 'none', 'and so does an administrator');
SELECT casnet.sign_out();
RESET SESSION AUTHORIZATION;

-- the intended use
SELECT pg_temp.code('mia', ' New@X.test ') AS code \gset
SELECT is(left(pg_temp.confirmed(:'code'), 5), '28000', 'not without a user');
CALL pg_temp.sign_in('vic');
SELECT is(pg_temp.confirmed(:'code'), :'invalid', 'not by another user');
CALL pg_temp.sign_in('mia');
SELECT is(pg_temp.confirmed(c), :'invalid', coalesce('not with ' || left(c, 30), 'not with null')) FROM unnest(ARRAY[NULL, '', 'x', :'code' || 'x']) AS c;
SELECT is((SELECT email FROM public.account(:'mia')), 'mia@north.test', 'unchanged');
SELECT is(public.state_of(format('SELECT casnet.reset_password(%L, ''another password'')', :'code')), 'P0002', 'no code for a password');
SAVEPOINT a;
SELECT casnet.confirm_email(:'code' || E'\n');
SELECT is((SELECT (username, email)::text FROM public.account(:'mia')), '("Mia Moor",new@x.test)', 'confirmed');
SELECT is(pg_temp.confirmed(:'code'), :'invalid', 'once');
ROLLBACK TO a;
SELECT is(pg_temp.confirmed(:'code'), 'none', 'a rollback makes the code good again');

-- whether another account has the address is said now
SELECT pg_temp.code('mia', 'VIC@north.test') AS vics, pg_temp.code('nora', 'new@x.test') AS noras \gset
CALL pg_temp.sign_in('mia');
SELECT is(pg_temp.confirmed(:'code'), :'invalid', 'a newer one has ended it');
SELECT is(left(pg_temp.confirmed(:'vics'), 5), '23505', 'somebody has it');
SELECT is((SELECT email FROM public.account(:'mia')), 'mia@north.test', 'nothing has changed');

-- a name that was the address follows it
SELECT casnet.change_username('mia@north.test');
SELECT pg_temp.code('mia', 'moved@x.test') AS code \gset
CALL pg_temp.sign_in('mia');
SAVEPOINT a;
SELECT casnet.confirm_email(:'code');
SELECT is((SELECT (username, email)::text FROM public.account(:'mia')), '(moved@x.test,moved@x.test)', 'the name follows');
ROLLBACK TO a;
SELECT casnet.change_username('MIA@North.test');
SELECT casnet.confirm_email(:'code');
SELECT is((SELECT (username, email)::text FROM public.account(:'mia')), '(moved@x.test,moved@x.test)', 'whatever its case');
ROLLBACK TO a;

-- What was sent to the old address ends; what ends a code.
CREATE FUNCTION pg_temp.after(statement text, code text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	RESET SESSION AUTHORIZATION;
	EXECUTE statement;
	SET LOCAL SESSION AUTHORIZATION tap_client;
	CALL pg_temp.sign_in('mia');
	answer := left(pg_temp.confirmed(code), 5);
	RAISE EXCEPTION '%', answer USING ERRCODE = 'ZZ001';
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
	RETURN SQLERRM;
END
$$;
RESET SESSION AUTHORIZATION;
GRANT tap_client, tap_app TO CURRENT_USER;
GRANT EXECUTE ON FUNCTION pg_temp.after TO PUBLIC;
SELECT is(pg_temp.after(s, :'code'), e, w) FROM (VALUES
	('SELECT', 'none', 'with nothing it counts'),
	('UPDATE casnet.users SET email = ''mia@else.test'' WHERE id = ''' || :'mia' || '''', 'P0002', 'another address'),
	('UPDATE casnet.users SET is_active = false WHERE id = ''' || :'mia' || '''; UPDATE casnet.users SET is_active = true WHERE id = ''' || :'mia' || '''', '28000', 'deactivated, which ends the token, too'),
	('UPDATE casnet_internal.codes SET expires_at = clock_timestamp()', 'P0002', 'too late'),
	('UPDATE casnet_internal.codes SET purpose = ''password''', 'P0002', 'for something else')) AS v (s, e, w);
SELECT casnet.sign_out();
SELECT casnet.password_code('mia@north.test') AS reset \gset
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT casnet.invite_member('mia@north.test', 'admin') AS invitation \gset
SELECT casnet.sign_out();
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(public.state_of(format('SELECT casnet.reset_password(%L, ''another password'')', :'reset')), 'none', 'a code to reset the password');
SELECT is(public.state_of(format('SELECT casnet.invitation(%L)', :'invitation')), 'none', 'and an invitation');
CALL pg_temp.sign_in('mia');
SELECT casnet.confirm_email(:'code');
SELECT is(public.state_of(format('SELECT casnet.reset_password(%L, ''another password'')', :'reset')), 'P0002', 'end with the address');
SELECT is(public.state_of(format('SELECT casnet.invitation(%L)', :'invitation')), 'P0002', 'both');
SELECT * FROM finish();
ROLLBACK;
