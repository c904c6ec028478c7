-- What has ended does not come back when an issuer is removed, is registered again or gets
-- another claim or leeway, and when an account gets another id.
BEGIN;
SELECT plan(37);
\ir include/fixtures.sql
\ir include/tokens.sql
\ir include/issuers.sql
RESET SESSION AUTHORIZATION;
CREATE FUNCTION public.skew() RETURNS integer LANGUAGE sql SECURITY DEFINER AS $$
	SELECT (max(c.issued_before) - floor(extract(epoch FROM clock_timestamp())))::integer FROM casnet_internal.token_cutoffs AS c
$$;
CREATE FUNCTION public.counters() RETURNS bigint[] LANGUAGE sql AS $$
	SELECT array_agg(v.value ORDER BY c.relname, v.n) FROM pg_class AS c, LATERAL (VALUES (1, pg_stat_get_xact_numscans(c.oid)), (2, pg_stat_get_xact_tuples_returned(c.oid)),
		(3, pg_stat_get_xact_tuples_fetched(c.oid)), (4, pg_stat_get_xact_blocks_fetched(c.oid))) AS v (n, value)
	 WHERE c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) $$;
GRANT EXECUTE ON FUNCTION public.counters() TO PUBLIC;

-- Tokens of a removed issuer, although it is registered again with the same keys.
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT casnet.set_issuer(:'auth0', :'auth0_keys', NULL), casnet.link_identity(:'mia', :'auth0', 'auth0|650000000000000000000001');
SELECT is(fate(:'auth0_token'), 'proves mia', 'a token of an issuer');
SELECT casnet.set_issuer(:'auth0', :'auth0_keys', '{https://api.example.com}');
SELECT is(fate(:'auth0_token'), 'proves mia', 'outlives a change of its registration');
SELECT casnet.remove_issuer(:'auth0');
SELECT casnet.set_issuer(:'auth0', :'auth0_keys', NULL), casnet.link_identity(:'vic', :'auth0', 'auth0|650000000000000000000001');
SELECT is(fate(:'auth0_token'), 'use 28000 The token was revoked.', 'but not the end of it');
SELECT is_empty(format('SELECT * FROM casnet.identities(%L)', :'mia'), 'as the links do not');
SELECT isnt_empty(format('SELECT * FROM casnet.identities(%L)', :'vic'), 'a new one counts');

-- Another claim can give the old value's person another account.
SELECT casnet.set_issuer(:'google', :'google_keys', '{1234.apps.example.com}', user_claim => 'email');
SELECT casnet.link_identity(:'mia', :'google', 'someone');
SELECT casnet.unlink_identity(:'google', 'someone');
SELECT casnet.set_issuer(:'google', :'google_keys', '{1234.apps.example.com}', user_claim => 'sub');
RESET SESSION AUTHORIZATION;
SELECT convert_from(decode(translate(rpad(c, length(c) + (4 - length(c) % 4) % 4, '='), '-_', '+/'), 'base64'), 'UTF8')::jsonb->>'sub' AS google_sub FROM split_part(:'google_token', '.', 2) AS c \gset
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT casnet.link_identity(:'vic', :'google', :'google_sub');
SELECT is(fate(:'google_token'), 'use 28000 The token was revoked.', 'tokens from before the other claim');

-- Of several links of an account, the one that is named.
SELECT casnet.link_identity(:'mia', :'auth0', 'one'), casnet.link_identity(:'mia', :'google', 'one'), casnet.link_identity(:'mia', :'google', 'two') \g /dev/null
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT set_config('casnet.token', token(jsonb_build_object('sub', :'mia', 'gen', public.generation_of(:'mia'))), false) IS NULL AS now \gset
SELECT throws_ok(format('SELECT casnet.unlink_identity(%L, %L)', :'auth0', 'two'), 'P0002', 'there is no such identity', 'the issuer of one and the name of another');
SELECT casnet.unlink_identity(:'google', 'one');
SELECT set_eq('SELECT issuer, subject FROM casnet.identities()', format('VALUES (%L, %L), (%L, %L)', :'auth0', 'one', :'google', 'two'), 'the others stay');
SELECT casnet.sign_out();
SET LOCAL SESSION AUTHORIZATION tap_operator;

-- How far a clock can be ahead is decided when tokens end.
SELECT casnet.revoke_all_tokens(:'mia');
SELECT is(public.skew() BETWEEN 60 AND 62, true, 'a minute');
SELECT casnet.set_issuer(:'google', :'google_keys', NULL, leeway => '5 minutes');
SELECT casnet.revoke_all_tokens(:'mia');
SELECT is(public.skew() BETWEEN 300 AND 302, true, 'or the leeway of an issuer, if that is more');
SELECT casnet.set_issuer(:'google', :'google_keys', NULL, leeway => '10 s');
SELECT is(public.skew() BETWEEN 300 AND 302, true, 'which a smaller one does not take back');

-- A key that was added by itself, for an issuer that is registered later.
SELECT casnet.add_signing_key('k1', '{"kty": "oct", "k": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}', 'https://x.test'),
	casnet.add_signing_key('k2', '{"kty": "oct", "k": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}', 'https://y.test');
SELECT is(fate(token(jsonb_build_object('iss', 'https://x.test', 'sub', :'vic'), '{"kid": "k1"}')), 'proves vic', 'a key by itself');
SELECT casnet.set_issuer('https://x.test', :'google_keys', NULL);
SELECT is(fate(token(jsonb_build_object('iss', 'https://x.test', 'sub', :'vic'), '{"kid": "k1"}')), 'use 28000 The issuer has no key with the token''s key id (kid).', 'the issuer''s keys take its place');
SELECT casnet.remove_issuer('https://x.test');
SELECT is(fate(token(jsonb_build_object('iss', 'https://x.test', 'sub', :'vic'), '{"kid": "k1"}')), 'use 28000 The token''s key (kid) is retired.', 'for good');
SELECT is(fate(token(jsonb_build_object('iss', 'https://y.test', 'sub', :'vic'), '{"kid": "k2"}')), 'proves vic', 'not that of another issuer');
SELECT lives_ok($$SELECT casnet.add_signing_key('k1', '{"kty": "oct", "k": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}', 'https://x.test')$$, 'it can be added again');
-- Nor one for an issuer that is registered already: it would count when that is removed.
SELECT throws_ok(format($$SELECT casnet.add_signing_key('k3', '{"kty": "oct", "k": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}', %L)$$, :'google'), '55000', 'the issuer is registered with a set of keys', 'none beside a set');
SAVEPOINT beside;
RESET SESSION AUTHORIZATION;
INSERT INTO casnet_internal.signing_keys (kid, algorithm, key, issuer) SELECT 'k3', algorithm, key, :'google' FROM casnet_internal.signing_keys WHERE kid = 'k2';
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT casnet.remove_issuer(:'google');
SELECT is(fate(token(jsonb_build_object('iss', :'google', 'sub', :'vic'), '{"kid": "k3"}')), 'use 28000 The token''s key (kid) is retired.', 'which its removal retires');
ROLLBACK TO beside;

-- The same claim keeps the registration, another one makes it another: links by the old claim
-- that nobody saw are dead.
RESET SESSION AUTHORIZATION;
SELECT casnet.set_issuer('https://z.test', :'google_keys', '{a}') \g /dev/null
SELECT id AS before FROM casnet_internal.issuers WHERE issuer = 'https://z.test' \gset
SELECT casnet.set_issuer('https://z.test', :'google_keys', '{a}') \g /dev/null
SELECT is((SELECT id FROM casnet_internal.issuers WHERE issuer = 'https://z.test'), :'before', 'the same claim');
SELECT casnet.set_issuer('https://z.test', :'google_keys', '{a}', user_claim => 'oid') \g /dev/null
SELECT isnt((SELECT id FROM casnet_internal.issuers WHERE issuer = 'https://z.test'), :'before', 'another one');

SET LOCAL SESSION AUTHORIZATION tap_operator;

-- The id of an account.
SELECT casnet.create_user('lone', 'lone@x.test', NULL) \g /dev/null
SELECT throws_ok(format('UPDATE casnet.users SET id = %L WHERE username = ''lone''', :'nowhere'), '55000', 'the id of an account does not change', 'an administrator');
RESET SESSION AUTHORIZATION;
SELECT throws_ok(format('UPDATE casnet.users SET id = %L WHERE username = ''lone''', :'nowhere'), '55000', 'the id of an account does not change', 'and a superuser');
SELECT lives_ok('UPDATE casnet.users SET id = id, full_name = ''x'' WHERE username = ''lone''', 'to what it is');

-- refresh_token() proves nobody anew: an account without a password links by a new token only.
UPDATE casnet.users SET hashed_password = NULL WHERE username = 'nora';
CREATE FUNCTION public.claims(token text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT convert_from(decode(translate(rpad(c, length(c) + (4 - length(c) % 4) % 4, '='), '-_', '+/'), 'base64'), 'UTF8')::jsonb FROM split_part(token, '.', 2) AS c
$$;
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT floor(extract(epoch FROM clock_timestamp()))::bigint AS second \gset
CREATE FUNCTION pg_temp.links(age integer) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('casnet.token', token(jsonb_build_object('sub', (SELECT id FROM public.who WHERE name = 'nora'), 'gen', public.generation_of((SELECT id FROM public.who WHERE name = 'nora')),
		'iat', floor(extract(epoch FROM clock_timestamp())) - age)), false);
	PERFORM set_config('casnet.token', casnet.refresh_token(), false);
	PERFORM set_config('casnet.token', casnet.refresh_token(), false);
	RETURN public.error_of(format('SELECT casnet.link_identity(%L)', current_setting('tap.clerk')));
END
$$;
RESET SESSION AUTHORIZATION;
SELECT casnet.set_issuer(:'clerk', :'clerk_keys', NULL) \g /dev/null
SELECT set_config('tap.clerk', :'clerk_token', false) IS NULL AS now \gset
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(pg_temp.links(0), 'none', 'a token that was renewed twice, of a new one');
SELECT is(pg_temp.links(660), '55000 | the session has no token, or one that is too old to link another issuer |  | Sign in again, and link within ten minutes. | ', 'of one from eleven minutes ago');
SELECT set_config('casnet.token', token(jsonb_build_object('sub', :'nora', 'iat', :second - 100, 'gen', public.generation_of(:'nora'))), false) IS NULL AS now \gset
SELECT is((public.claims(casnet.refresh_token())->>'auth_time')::bigint, :second::bigint - 100, 'says when its user was authenticated');
SELECT set_config('casnet.token', token(jsonb_build_object('sub', :'nora', 'auth_time', :second - 200, 'iat', :second - 100, 'gen', public.generation_of(:'nora'))), false) IS NULL AS now \gset
SELECT is((public.claims(casnet.refresh_token())->>'auth_time')::bigint, :second::bigint - 200, 'as the token before it does');
SELECT set_config('casnet.token', token(jsonb_build_object('sub', :'nora', 'gen', public.generation_of(:'nora'))), false) IS NULL AS now \gset
SELECT is((public.claims(casnet.refresh_token())->>'auth_time')::bigint, 1::bigint, 'or long ago, if nothing says when');
SELECT is(fate(token('{"auth_time": "x"}')), 'set 22023 The token''s time of authentication (auth_time) is not a number of seconds.', 'in seconds');
SELECT casnet.sign_out();

-- The server's counters do not show whether find_user() finds somebody.
SET LOCAL SESSION AUTHORIZATION tap_operator;
CREATE FUNCTION pg_temp.moves(name text) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
	before bigint[];
BEGIN
	BEGIN PERFORM casnet.find_user(name); EXCEPTION WHEN no_data_found THEN END;
	before := public.counters();
	BEGIN PERFORM casnet.find_user(name); EXCEPTION WHEN no_data_found THEN END;
	RETURN (SELECT array_agg(a.n - b.n ORDER BY a.i) FROM unnest(public.counters()) WITH ORDINALITY AS a (n, i) JOIN unnest(before) WITH ORDINALITY AS b (n, i) USING (i));
END
$$;
SELECT is(pg_temp.moves('mia'), pg_temp.moves('nobody at all'), 'by name');
SELECT is(pg_temp.moves('mia@north.test'), pg_temp.moves('nobody@north.test'), 'by address');
SELECT is((SELECT username FROM casnet.find_user(' MIA@north.test')), 'mia', 'whom it finds');
-- The token of another issuer says that, too.
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.users (id, username, email) VALUES ('00000000-0000-7000-8000-00000000bead', 'bea', 'bea@nowhere.test');
SELECT casnet.set_issuer(:'supabase', :'supabase_keys', NULL) \g /dev/null
SELECT set_config('tap.supabase', :'supabase_token', false) IS NULL AS now \gset
CREATE FUNCTION pg_temp.links_by_other(auth_time jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('casnet.token', token(jsonb_build_object('iss', 'https://y.test', 'sub', '00000000-0000-7000-8000-00000000bead',
		'iat', floor(extract(epoch FROM clock_timestamp())), 'auth_time', auth_time), '{"kid": "k2"}'), false);
	RETURN left(public.error_of(format('SELECT casnet.link_identity(%L)', current_setting('tap.supabase'))), 5);
END
$$;
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(pg_temp.links_by_other(a::jsonb), b, 'of another issuer, authenticated at ' || coalesce(a, 'no time'))
  FROM (VALUES (NULL, 'none'), ((:second - 100)::text, 'none'), ((:second - 700)::text, '55000'), ('0', '55000'), ('4102444800', 'none')) AS v (a, b);
SELECT * FROM finish();
ROLLBACK;
