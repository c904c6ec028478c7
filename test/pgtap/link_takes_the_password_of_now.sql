-- link_identity() takes what proves the account now.  A session token from before a new
-- password links nobody, with whatever password, and the former password proves nothing.
BEGIN;
SELECT plan(20);
\ir include/fixtures.sql
\ir include/tokens.sql
\ir include/issuers.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.set_issuer(:'auth0', :'auth0_keys', '{https://api.example.com}') \g /dev/null
\set pat 00000000-0000-7000-8000-00000000000a
\set pim 00000000-0000-7000-8000-00000000000b
INSERT INTO casnet.users (id, username, email, hashed_password) VALUES (:'pat', 'pat', 'pat@nowhere.test', NULL), (:'pim', 'pim', 'pim@nowhere.test', casnet.hash_password('correct horse'));
-- A new token of casnet's for somebody, and the SQLSTATE of linking with it, which is undone.
CREATE FUNCTION public.fresh(person uuid) RETURNS text LANGUAGE sql AS $$SELECT token(jsonb_build_object('sub', person, 'gen', public.generation_of(person),
	'iat', floor(extract(epoch FROM clock_timestamp()))))$$;
CREATE FUNCTION public.link(session text, shown text, password text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('casnet.token', session, false);
	RETURN public.state_of(format('SELECT casnet.link_identity(%L, %L)', shown, password));
END
$$;
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT public.fresh(:'pim') AS pims, public.fresh(:'pat') AS pats \gset
SELECT is(public.link(:'pims', :'auth0_token', 'correct horse'), 'none', 'a session and the password link');
SELECT is(public.link(:'pats', :'auth0_token'), 'none', 'and a new session of an account without one');

-- An administrator sets a password.
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT casnet.set_password(:'pim', 'battery staple'), casnet.set_password(:'pat', 'battery staple') \g /dev/null
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(public.link(:'pims', :'auth0_token', p), '28000', 'a session of before links nobody with ' || coalesce(p, 'no password')) FROM unnest(ARRAY[NULL, 'correct horse', 'battery staple']) AS p;
SELECT is(public.link(:'pats', :'auth0_token', p), '28000', 'also if the account had no password, with ' || coalesce(p, 'none')) FROM unnest(ARRAY[NULL, 'battery staple']) AS p;
SELECT is(public.link(public.fresh(:'pim'), :'auth0_token', 'correct horse'), '28P01', 'a new session with the former password');
SELECT is(public.link(public.fresh(:'pim'), :'auth0_token', 'battery staple'), 'none', 'with the password of now');
SELECT is(public.link(public.fresh(:'pat'), :'auth0_token'), '28P01', 'a new session is not enough any more');
SELECT is(public.link(public.fresh(:'pat'), :'auth0_token', 'battery staple'), 'none', 'with the password of now');

-- Users change it themselves, and their session goes on.
SELECT public.fresh(:'pim') AS pims, public.fresh(:'pim') AS elsewhere \gset
SELECT set_config('casnet.token', :'pims', false) \g /dev/null
SELECT casnet.change_password('battery staple', 'third password') \g /dev/null
SELECT is(public.link(:'pims', :'auth0_token', 'battery staple'), '28P01', 'the session that changed it, with the former password');
SELECT is(public.link(:'pims', :'auth0_token', 'third password'), 'none', 'with the new one');
SELECT is(public.link(public.fresh(:'pim') , :'auth0_token', 'third password'), 'none', 'in a new session');

-- A hash is written, or none.
SELECT public.fresh(:'pim') AS pims \gset
RESET SESSION AUTHORIZATION;
SELECT casnet.sign_out() \g /dev/null
UPDATE casnet.users SET hashed_password = casnet.hash_password('fourth password') WHERE id = :'pim';
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(public.link(:'pims', :'auth0_token', p), '28000', 'after an UPDATE with ' || p) FROM unnest(ARRAY['third password', 'fourth password']) AS p;
SELECT is(public.link(public.fresh(:'pim'), :'auth0_token', 'third password'), '28P01', 'a new session with the former password');
SELECT public.fresh(:'pim') AS pims \gset
RESET SESSION AUTHORIZATION;
SELECT casnet.sign_out() \g /dev/null
UPDATE casnet.users SET hashed_password = NULL WHERE id = :'pim';
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(public.link(:'pims', :'auth0_token', p), '28000', 'without a password any more, with ' || coalesce(p, 'none')) FROM unnest(ARRAY[NULL, 'fourth password']) AS p;
-- What was linked stays.
SELECT set_config('casnet.token', public.fresh(:'pim'), false) \g /dev/null
SELECT casnet.link_identity(:'auth0_token') \g /dev/null
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT casnet.sign_out() \g /dev/null
SELECT casnet.set_password(:'pim', 'fifth password') \g /dev/null
SELECT is((SELECT count(*) FROM casnet.identities(:'pim')), 1::bigint, 'a link outlives a new password');
SELECT * FROM finish();
ROLLBACK;
