-- Signing up: the code of an invitation makes an account and a membership in one step, once,
-- for an application role without a user.  A refusal leaves nothing behind.
BEGIN;
SELECT plan(46);
\ir include/fixtures.sql
\ir include/tokens.sql
RESET SESSION AUTHORIZATION;
\set no_such 'P0002 | there is no such invitation for you |  | A code works once, in time, for the account with the email address it was sent to; ask for a new one. | '
CREATE FUNCTION pg_temp.signs_up(code text, username text DEFAULT 'newbie', password text DEFAULT 'password of new') RETURNS text LANGUAGE sql AS $$
	SELECT public.error_of(format('SELECT casnet.sign_up(%L, %L, %L)', code, username, password)) $$;
CREATE FUNCTION public.accounts_left() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM casnet.users';
CREATE FUNCTION public.account_of(name text) RETURNS casnet.users LANGUAGE sql SECURITY DEFINER AS 'SELECT * FROM casnet.users WHERE username = name';
CREATE FUNCTION pg_temp.invite(email text, role text DEFAULT 'member', inviter text DEFAULT 'olga') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text;
BEGIN
	CALL be(inviter, 'North');
	code := casnet.invite_member(email, role);
	PERFORM casnet.sign_out();
	RETURN code;
END
$$;

GRANT ALL ON ALL FUNCTIONS IN SCHEMA pg_temp TO PUBLIC;

-- A member's own session has seen the code.  It proves nothing of the address.
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT set_config('casnet.token', token(jsonb_build_object('sub', :'olga', 'tid', :'north')), true) \g /dev/null
SELECT casnet.invite_member('victim@x.test') AS seen \gset
SELECT casnet.sign_out();
SELECT matches(pg_temp.signs_up(:'seen'), '^55000 . the invitation does not prove the address', 'no account with the address of somebody else');
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.users (id, username, email) VALUES ('00000000-0000-7000-8000-00000000000f', 'victim', 'victim@x.test');
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT set_config('casnet.token', token(jsonb_build_object('sub', '00000000-0000-7000-8000-00000000000f')), true) \g /dev/null
SELECT is(casnet.accept_invitation(:'seen'), :'north'::uuid, 'an account that has it accepts the invitation');
SELECT casnet.sign_out();

-- the intended use, by a role that can only sign in
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT pg_temp.invite('New@X.test', 'admin') AS code \gset
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT throws_ok('SELECT * FROM casnet.my_tenants()', '28000', NULL, 'nobody is signed in');
SELECT public.accounts_left() AS before \gset
SAVEPOINT a;
SELECT casnet.sign_up(E' \t' || :'code' || E'\r\n', ' Newbie ', 'password of new', 'New Er') AS id \gset
SELECT is(public.accounts_left() - :before, 1::bigint, 'an account');
SELECT is((SELECT a.id FROM public.account_of('Newbie') AS a), :'id'::uuid, 'with the id that was returned, and the name in its form');
SELECT is((SELECT (a.email, a.full_name, a.is_active, a.is_superuser)::text FROM public.account_of('Newbie') AS a), '(new@x.test,"New Er",t,f)', 'the address of the invitation, and no power');
SELECT throws_ok('SELECT * FROM casnet.my_tenants()', '28000', NULL, 'still nobody is signed in');
SELECT casnet.sign_in(casnet.login('newbie', 'password of new', :'north')) IS NULL AS none \gset
SELECT results_eq('SELECT username, tenant_name, role FROM casnet.whoami()', $$VALUES ('Newbie'::text, 'North'::text, 'admin'::text)$$, 'who logs in, as a member');
SELECT is(pg_temp.signs_up(:'code', 'other'), '55000 | somebody is signed in |  | A user who has an account calls casnet.accept_invitation(). To make another account, call casnet.sign_out() first. | ', 'not while somebody is signed in');
SELECT casnet.sign_out();
SELECT is(pg_temp.signs_up(:'code', 'other'), :'no_such', 'once');
ROLLBACK TO a;
SELECT is(public.accounts_left() - :before, 0::bigint, 'a rollback takes all back');
SELECT is(pg_temp.signs_up(:'code'), 'none', 'and the code is good again');

-- refusals; the code is judged first
SELECT is(pg_temp.signs_up(c, 'olga', 'x'), :'no_such', coalesce('not with ' || left(c, 30), 'not with null'))
  FROM unnest(ARRAY[NULL, '', 'x', :'code' || 'x', lower(:'code') || upper(:'code'), repeat('x', 100000)]) AS c;
SELECT is(left(pg_temp.signs_up(:'code', n, p), 5), s, w) FROM (VALUES
	(NULL, 'password of new', '22023', 'no name'), (U&' \200B', 'password of new', '22023', 'a name that nobody sees'),
	('newbie', NULL, '22023', 'no password'), ('newbie', 'short', '22023', 'a short one'),
	(repeat('x', 3000), 'password of new', '22001', 'a long name')) AS v (n, p, s, w);
SELECT is(pg_temp.signs_up(:'code', n), '23505 | the username is taken |  | Choose another one; usernames are unique, whatever their case. | users_username_lower_key', 'taken: ' || n) FROM unnest(ARRAY['olga', 'OLGA', ' Olga ', 'ines']) AS n;
SELECT is(pg_temp.signs_up(:'code', n), '22023 | the username looks like the email address of somebody else |  | Choose one without "@", or the address of the account. | ', 'nobody is named ' || n) FROM unnest(ARRAY['olga@north.test', 'later@x.test', '@']) AS n;
SELECT is(pg_temp.signs_up(:'code', 'NEW@x.test'), 'none', 'but by the own address');
SELECT is(public.state_of(format('SELECT casnet.sign_up(%L, ''newbie'', ''password of new'', %L)', :'code', repeat('x', 2000))), '22001', 'a long full name');
SELECT is(public.accounts_left() - :before, 0::bigint, 'no refusal leaves an account');
SELECT is(pg_temp.signs_up(:'code'), 'none', 'nor spoils the code');

-- an address that has an account
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT pg_temp.invite('NORA@nowhere.test') AS noras \gset
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(pg_temp.signs_up(:'noras'), '23505 | there is an account with the email address of the invitation |  | Sign in to it, and call casnet.accept_invitation(). | users_email_lower_key', 'who has the code learns that there is one');
SELECT is(pg_temp.signs_up(:'noras', 'olga'), '23505 | there is an account with the email address of the invitation |  | Sign in to it, and call casnet.accept_invitation(). | users_email_lower_key', 'whatever the name');
RESET SESSION AUTHORIZATION;
SAVEPOINT a;
UPDATE casnet.users SET username = 'new@x.test' WHERE id = :'nora';
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(left(pg_temp.signs_up(:'code'), 5), '23505', 'an address that is somebody''s name');
ROLLBACK TO a;
RELEASE a;

-- What the invitation can no longer give, nobody gets by signing up.
CREATE FUNCTION pg_temp.after(statement text, code text, username text DEFAULT 'newbie') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE statement;
	SET LOCAL SESSION AUTHORIZATION tap_client;
	answer := pg_temp.signs_up(code, username);
	RAISE EXCEPTION '%', answer USING ERRCODE = 'ZZ001';
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
	RETURN SQLERRM;
END
$$;
GRANT EXECUTE ON FUNCTION pg_temp.after TO PUBLIC;
GRANT tap_client TO CURRENT_USER;
SELECT is(pg_temp.after('SELECT', :'code'), 'none', 'with nothing it counts');
SELECT is(pg_temp.after(s, :'code'), :'no_such', w) FROM (VALUES
	('UPDATE casnet.users SET is_active = false WHERE username = ''olga''', 'the inviter is deactivated'),
	('UPDATE casnet.user_tenants SET role = ''owner'' WHERE user_id = ''' || :'adam' || '''; UPDATE casnet.user_tenants SET role = ''member'' WHERE user_id = ''' || :'olga' || '''', 'demoted'),
	('UPDATE casnet_internal.invitations SET expires_at = clock_timestamp()', 'too late'),
	('DELETE FROM casnet.tenants WHERE name = ''North''', 'no tenant'),
	('CALL be(''adam'', ''North''); SELECT casnet.cancel_invitation(id) FROM casnet.invitations() WHERE email = ''new@x.test''; SELECT casnet.sign_out()', 'cancelled'),
	('CALL be(''adam'', ''North''); SELECT casnet.invite_member(''new@x.test''); SELECT casnet.sign_out()', 'replaced'),
	('INSERT INTO casnet.users (username, email) VALUES (''first'', ''new@x.test''); UPDATE casnet.users SET email = ''else@x.test'' WHERE username = ''first''', 'the address was somebody''s meanwhile')) AS v (s, w);
SELECT is(pg_temp.after('UPDATE casnet_internal.invitations SET expires_at = clock_timestamp()', :'code', 'olga'), :'no_such', 'then no code says that a name is taken');
SELECT * FROM finish();
ROLLBACK;
