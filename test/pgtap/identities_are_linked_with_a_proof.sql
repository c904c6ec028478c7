-- Who links an issuer's name for a person to an account, and who ends that.
BEGIN;
SELECT plan(78);
\ir include/fixtures.sql
\ir include/tokens.sql
\ir include/issuers.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.set_issuer(:'auth0', :'auth0_keys', '{https://api.example.com}'), casnet.set_issuer(:'google', :'google_keys', '{1234.apps.example.com}'),
	casnet.set_issuer(:'twin_a', :'twin_a_keys', '{x}', trusts_claims => true);
\set pat 00000000-0000-7000-8000-00000000000a
\set pim 00000000-0000-7000-8000-00000000000b
INSERT INTO casnet.users (id, username, email, hashed_password) VALUES (:'pat', 'pat', 'pat@nowhere.test', NULL), (:'pim', 'pim', 'pim@nowhere.test', casnet.hash_password('correct horse'));
INSERT INTO public.who VALUES ('pat', :'pat'), ('pim', :'pim');
SET LOCAL SESSION AUTHORIZATION tap_client;
-- Signed in with casnet's own token as somebody, of that age.
CREATE FUNCTION pg_temp.as(person uuid, age interval DEFAULT '0') RETURNS text LANGUAGE sql AS $$SELECT set_config('casnet.token', token(jsonb_build_object('sub', person, 'gen', public.generation_of(person),
	'iat', floor(extract(epoch FROM clock_timestamp() - age)))), false)$$;
CREATE FUNCTION pg_temp.link(token text, password text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$SELECT public.state_of(format('SELECT casnet.link_identity(%L, %L)', token, password))$$;

-- By an administrator.
SELECT throws_ok(format('SELECT casnet.link_identity(%L, %L, %L)', :'mia', :'auth0', 'x'), '28000', 'only administrators may manage the accounts of others', 'nobody');
SELECT pg_temp.as(:'olga');
SELECT throws_ok(format('SELECT casnet.link_identity(%L, %L, %L)', :'olga', :'auth0', 'x'), '42501', 'only administrators may manage the accounts of others', 'an owner, even for the own account');
SELECT throws_ok(format('SELECT * FROM casnet.identities(%L)', :'mia'), '42501', 'only administrators may manage the accounts of others', 'nor may anybody see those of others');
SELECT pg_temp.as(:'sue');
SELECT lives_ok(format('SELECT casnet.link_identity(%L, %L, %L)', :'adam', :'auth0', 'adam@auth0'), 'a superuser of the application');
SELECT throws_ok(format('SELECT casnet.link_identity(%L, %L, %L)', :'mia', :'auth0', 'adam@auth0'), '23505', 'another account is linked to that person already', 'one person is one account');
SELECT lives_ok(format('SELECT casnet.link_identity(%L, %L, %L)', :'adam', :'auth0', 'adam@auth0'), 'twice the same');
SELECT throws_ok(format('SELECT casnet.link_identity(%L, %L, %L)', :'nowhere', :'auth0', 'x'), 'P0002', 'there is no such user', 'no such user');
SELECT throws_ok(format('SELECT casnet.link_identity(%L, %L, %L)', :'mia', 'https://nobody.example.com', 'x'), 'P0002', 'there is no such issuer', 'no such issuer');
SELECT throws_ok(format('SELECT casnet.link_identity(%L, %L, %L)', :'mia', :'auth0', s), '22023', 'the subject is empty or too long', 'a subject of ' || length(s)) FROM unnest(ARRAY['', repeat('s', 256)]) AS s;
SELECT throws_ok(format('SELECT casnet.link_identity(%L, NULL, %L)', :'mia', 's'), '22023', 'the issuer is empty or too long', 'no issuer');
SELECT throws_ok(format('SELECT casnet.link_identity(NULL, %L, %L)', :'auth0', 's'), '22023', 'the user is null', 'no user');
SELECT results_eq(format('SELECT issuer, subject FROM casnet.identities(%L)', :'adam'), format('VALUES (%L, %L)', :'auth0', 'adam@auth0'), 'and sees it');

-- By a user, with a proof of both.
SELECT casnet.sign_out();
SELECT throws_ok(format('SELECT casnet.link_identity(%L)', :'auth0_token'), '28000', 'nobody is signed in', 'the token alone');
SELECT throws_ok(format('SELECT casnet.sign_in(%L)', :'auth0_token'), '28000', 'invalid session token', 'which signs nobody in');
SELECT pg_temp.as(:'pim');
SELECT throws_ok(format('SELECT casnet.link_identity(%L)', t), '28000', 'the token to link is not valid', w) FROM (VALUES (:'auth0_other_audience', 'a token for another application'), (:'cross_issuer', 'a token by another key'), (token(), 'a token of casnet''s'),
	('x', 'no token'), (NULL, 'NULL'), (repeat('x', 9000), 'something long'), (:'clerk_token', 'a token of an unknown issuer')) AS v (t, w);
SELECT throws_ok(format('SELECT casnet.link_identity(%L)', :'ids'), '55000', 'tokens of this issuer name accounts by their ids', 'a token that names an account');
-- An open session is not enough, since a link outlives it.
SELECT is(pg_temp.link(:'auth0_token', p), '28P01', coalesce('not with the password ' || p, 'not without the password')) FROM unnest(ARRAY[NULL, '', 'correct horses']) AS p;
SELECT is_empty('SELECT * FROM casnet.identities()', 'nothing is linked');
SELECT pg_temp.as(:'pim', '1 day');
SELECT lives_ok(format('SELECT casnet.link_identity(%L, %L)', :'auth0_token', 'correct horse'), 'a token of an issuer, with the password');
SELECT results_eq('SELECT issuer, subject FROM casnet.identities()', format('VALUES (%L, %L)', :'auth0', 'auth0|650000000000000000000001'), 'is linked to the account of the session');
SELECT pg_temp.as(:'pat');
SELECT throws_ok(format('SELECT casnet.link_identity(%L)', :'auth0_token'), '23505', 'another account is linked to that person already', 'nobody takes it over');
SELECT is_empty('SELECT * FROM casnet.identities()', 'and others do not see it');
SELECT is(fate(:'auth0_token'), 'proves pim', 'it signs in');

-- A role that was given its user has proved nothing.
RESET SESSION AUTHORIZATION;
SELECT set_config('casnet.user_id', :'pim', false) \g /dev/null
SELECT casnet.sign_out() \g /dev/null
SELECT set_config('casnet.user_id', :'pim', false) \g /dev/null
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(pg_temp.link(:'google_token'), '28P01', 'nor as whom an administrator has set');
RESET SESSION AUTHORIZATION;
SELECT set_config('casnet.user_id', :'pat', false) \g /dev/null
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(pg_temp.link(:'google_token'), '55000', 'nor without a password');
RESET SESSION AUTHORIZATION;
SELECT set_config('casnet.user_id', '', false) \g /dev/null
SET LOCAL SESSION AUTHORIZATION tap_client;

-- The other way round: signed in with the issuer, revoke, refresh.
SELECT is(casnet.sign_in(:'auth0_token'), :'pim', 'sign_in()');
SELECT is((SELECT username || authenticated_by FROM casnet.whoami()), 'pimtoken', 'whoami()');
SELECT throws_ok('SELECT casnet.refresh_token()', '28000', 'the session token is from another issuer', 'no token of casnet''s for it');
SELECT throws_ok('SELECT casnet.service_token(''x'', ARRAY[''view_records''])', '28000', 'the session token is from another issuer', 'nor one for a program, which would outlive the link');
SELECT lives_ok('SELECT casnet.revoke_token()', 'revoke_token()');
SELECT is(fate(:'auth0_token'), 'use 28000 The token was revoked.', 'ends it');
SELECT pg_temp.as(:'pat');
SELECT throws_ok(format('SELECT casnet.link_identity(%L)', :'auth0_token'), '28000', 'the token to link is not valid', 'and it links nothing any more');
SELECT set_config('casnet.token', token(jsonb_build_object('sub', :'pat')), false);
SELECT is(pg_temp.link(:'google_token'), '55000', 'nor with a token that does not say when it was issued');
SELECT pg_temp.as(:'pat', '601 s');
SELECT throws_ok(format('SELECT casnet.link_identity(%L)', :'google_token'), '55000', 'the session has no token, or one that is too old to link another issuer', 'nor in an old session, for who has no password');
SAVEPOINT before_google;
-- A link of an issuer that was removed while somebody held it counts for nothing.
RESET SESSION AUTHORIZATION;
INSERT INTO casnet_internal.identities (issuer_id, issuer, subject, user_id, generation) VALUES (gen_random_uuid(), :'google', 'dead', :'pat', 0);
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT pg_temp.as(:'pat', '590 s');
SELECT is_empty('SELECT * FROM casnet.identities()', 'a link of an issuer that is gone is not listed');
SELECT throws_ok(format('SELECT casnet.unlink_identity(%L, %L)', :'google', 'dead'), 'P0002', 'there is no such identity', 'nor ended in the place of another');
SELECT lives_ok(format('SELECT casnet.link_identity(%L)', :'google_token'), 'in a new one');
SELECT is(fate(:'google_token'), 'proves pat', 'is good');
SELECT casnet.revoke_all_tokens(:'pat');
SELECT is(fate(:'google_token'), 'use 28000 The token was revoked.', 'until all tokens of the user end, since it is older');

-- Unlink.
SELECT pg_temp.as(:'vic');
SELECT throws_ok(format('SELECT casnet.unlink_identity(%L, %L)', :'auth0', 'adam@auth0'), 'P0002', 'there is no such identity', 'somebody else''s');
SELECT throws_ok(format('SELECT casnet.unlink_identity(%L, %L)', :'auth0', 'nobody'), 'P0002', 'there is no such identity', 'nobody''s');
SELECT pg_temp.as(:'pat');
SELECT throws_ok(format('SELECT casnet.unlink_identity(%L, %L)', :'google', '110169484474386276334'), '55000', 'the account has no other way to sign in', 'the last way to sign in');
SELECT pg_temp.as(:'pim');
SELECT lives_ok(format('SELECT casnet.unlink_identity(%L, %L)', :'auth0', 'auth0|650000000000000000000001'), 'one''s own');
SELECT is_empty('SELECT * FROM casnet.identities()', 'is gone');
SELECT is(pg_temp.link(:'auth0_token', 'correct horse'), '28000', 'the tokens of the person have ended with it');
SELECT pg_temp.as(:'sue');
SELECT lives_ok(format('SELECT casnet.unlink_identity(%L, %L)', :'google', '110169484474386276334'), 'anybody''s, by a superuser of the application');
SELECT throws_ok(format('SELECT casnet.unlink_identity(%L, %L)', :'google', '110169484474386276334'), 'P0002', 'there is no such identity', 'once');

SELECT casnet.sign_out();
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT casnet.set_issuer(:'google', :'google_keys', '{1234.apps.example.com}', makes_accounts => true);
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT throws_ok(format('SELECT casnet.sign_in(%L)', :'google_token'), '28000', 'invalid session token', 'and a token of before makes no account');
ROLLBACK TO before_google;

-- An account at first sight.
SELECT casnet.sign_out();
SELECT throws_ok(format('SELECT casnet.sign_in(%L)', :'google_token'), '28000', 'invalid session token', 'not by default');
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT casnet.set_issuer(:'google', :'google_keys', '{1234.apps.example.com}', makes_accounts => true);
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT throws_ok(format('SELECT casnet.sign_in(%L)', :'google_unverified'), '28000', 'no account is made for the user of this token', 'without a verified address');
SELECT isnt(casnet.sign_in(:'google_token'), NULL, 'with one');
SELECT is((SELECT username FROM casnet.whoami()), 'Gina@Example.com', 'whose name is the address');
SELECT is_empty('SELECT * FROM casnet.my_tenants()', 'and who belongs to no tenant');
SELECT throws_ok('SELECT count(*) FROM casnet.records', '55000', 'no tenant is active', 'and sees nothing');
SELECT is(casnet.sign_in(:'google_token'), casnet.current_user_id(), 'the second time it is the same one');
SELECT casnet.sign_out();
RESET SESSION AUTHORIZATION;
UPDATE casnet.users SET email = 'olga@example.com' WHERE username = 'olga';
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT throws_ok(format('SELECT casnet.sign_in(%L)', :'google_takes_over'), '23505', 'an account with the address of this token exists already', 'an account is not taken over');
RESET SESSION AUTHORIZATION;
SELECT results_eq($$SELECT full_name, is_superuser, hashed_password FROM casnet.users WHERE username LIKE 'Gina%'$$, $$VALUES ('Gina García', false, NULL::text)$$, 'the account that was made');

-- What ends with what.
DELETE FROM casnet.users WHERE username LIKE 'Gina%';
SELECT is_empty($$SELECT FROM casnet_internal.identities WHERE subject = '110169484474386276334'$$, 'an account takes its identities with it');
SELECT throws_ok($$SELECT casnet.remove_issuer('https://nobody.example.com')$$, 'P0002', 'there is no such issuer', 'no such issuer to remove');
-- A cursor of somebody's rows, while the issuer's name for the person gets to stand for somebody else.
SELECT casnet.set_issuer(:'twin_b', :'twin_b_keys', '{x}'), casnet.link_identity(:'mia', :'twin_b', 'same');
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT casnet.sign_in(:'twin_b_token'), casnet.use_tenant('North') \g /dev/null
DECLARE held CURSOR FOR SELECT title FROM casnet.records, generate_series(1, 1000);
DECLARE held_too CURSOR FOR SELECT title FROM casnet.records, generate_series(1, 1000);
FETCH held \g /dev/null
FETCH held_too \g /dev/null
SELECT is((SELECT username FROM casnet.whoami()), 'mia', 'the person is mia');
RESET SESSION AUTHORIZATION;
SAVEPOINT a;
SELECT throws_ok(format('SELECT casnet.set_issuer(%L, %L, %L, user_claim => ''email'')', :'twin_b', :'twin_b_keys', '{x}'), '55000', 'accounts are linked by another claim of this issuer', 'the links keep the claim');
SELECT lives_ok(format('SELECT casnet.set_issuer(%L, %L, %L, leeway => ''5 s'')', :'twin_b', :'twin_b_keys', '{x}'), 'other things change');
UPDATE casnet_internal.identities SET user_id = :'vic' WHERE issuer = :'twin_b';
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT throws_ok('FETCH held', '28000', 'invalid session token', 'vic gets no rows of mia''s');
SELECT is((SELECT username FROM casnet.whoami()), 'vic', 'the person is vic');
SELECT set_config('casnet.token', :'twin_b_token', false) \g /dev/null
SELECT throws_ok('FETCH held_too', '28000', 'invalid session token', 'nor when the token is set again');
RESET SESSION AUTHORIZATION;
SELECT casnet.remove_issuer(:'twin_b'), casnet.set_issuer(:'twin_b', :'twin_b_keys', '{x}') \g /dev/null
SELECT is(fate(:'twin_b_token'), 'use 28000 No account is linked to the user whom the token names.', 'registered anew, it names nobody');
SELECT casnet.link_identity(:'mia', :'twin_b', 'same');
SELECT is(fate(:'twin_b_token'), 'use 28000 The token was revoked.', 'and tokens that ended with the links stay so');
RESET SESSION AUTHORIZATION;
ROLLBACK TO a;
SELECT casnet.remove_issuer(:'auth0');
SELECT is_empty(format('SELECT FROM casnet_internal.identities WHERE issuer = %1$L UNION ALL SELECT FROM casnet_internal.issuer_keys WHERE issuer = %1$L', :'auth0'), 'an issuer takes all with it');
SELECT is(fate(:'auth0_token'), 'use 28000 The token''s issuer (iss) is not registered, and no key has its key id (kid).', 'and its tokens');
SELECT * FROM finish();
ROLLBACK;
