-- The error of a token: 22023 when it is set, if its text shows the fault; 28000 at first
-- use, if only a lookup does.  It never contains the token itself.
\set QUIET on
\set SHOW_CONTEXT never
SELECT casnet.add_signing_key('regress', '{"kty": "oct", "k": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}');
CREATE FUNCTION pg_temp.token(claims jsonb DEFAULT '{}', kid text DEFAULT 'regress') RETURNS text LANGUAGE sql SECURITY DEFINER AS $$
	SELECT public.signed_token(kid, '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
		jsonb_strip_nulls('{"sub": "00000000-0000-7000-8000-000000000003", "exp": 4102444800, "gen": 0}' || claims)::text)
$$;
SELECT pg_temp.token() AS good, pg_temp.token('{"exp": 1700000000}') AS expired, pg_temp.token('{"nbf": 4102444799}') AS early,
	pg_temp.token('{"sub": "00000000-0000-7000-8000-0000000000ff"}') AS nobody, pg_temp.token('{"sub": "00000000-0000-7000-8000-000000000006"}') AS inactive,
	pg_temp.token('{}', 'unknown') AS unknown, pg_temp.token('{"sub": "mia"}') AS no_uuid, pg_temp.token('{"exp": null}') AS no_exp,
	pg_temp.token('{"exp": "soon"}') AS no_time, pg_temp.token('{"tid": "North"}') AS no_tenant,
	'eyJhbGciOiJub25lIn0.eyJzdWIiOiIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDciLCJleHAiOjQxMDI0NDQ4MDB9.' AS none \gset
SET SESSION AUTHORIZATION regress_user;

-- When it is set.
SET casnet.token = 'no token';
\echo :LAST_ERROR_SQLSTATE
SELECT casnet.sign_in('no token');
SELECT casnet.sign_in('');
SELECT casnet.sign_in(NULL);
SELECT casnet.sign_in(repeat('x', 8193));
SELECT set_config('casnet.token', repeat('x', 8193), false);
SELECT set_config('casnet.token', :'none', false);
SELECT set_config('casnet.token', :'no_uuid', false);
SELECT set_config('casnet.token', :'no_exp', false);
SELECT set_config('casnet.token', :'no_time', false);
SELECT set_config('casnet.token', :'no_tenant', false);
SELECT set_config('casnet.token', :'good' || '=', false);
SELECT current_setting('casnet.token') = '' AS still_unset;

-- When it is used.
SELECT casnet.sign_in(:'expired');
\echo :LAST_ERROR_SQLSTATE
SELECT casnet.sign_in(:'early');
SELECT casnet.sign_in(:'unknown');
SELECT casnet.sign_in(overlay(:'good' PLACING 'AAAA' FROM length(:'good') - 8));
SELECT casnet.sign_in(:'nobody');
SELECT casnet.sign_in(:'inactive');
SELECT current_setting('casnet.token') = '' AS still_unset;
SELECT set_config('casnet.token', :'expired', false) <> '' AS taken;
SELECT count(*) FROM casnet.records;
SELECT * FROM casnet.whoami();
SELECT casnet.refresh_token();
SELECT casnet.current_user_id() IS NULL AS nobody, casnet.can('view_records');
SELECT casnet.sign_in(:'good');
SELECT casnet.revoke_token();
SELECT casnet.revoke_token();
SELECT casnet.sign_in(:'good');
\echo :LAST_ERROR_SQLSTATE
SELECT casnet.sign_out();
SELECT casnet.revoke_token();

-- Accounts and keys.
SELECT casnet.login('mia', 'wrong');
\echo :LAST_ERROR_SQLSTATE
SELECT casnet.sign_in(pg_temp.token('{"jti": "2", "tid": "00000000-0000-7000-8000-0000000000a0"}'));
SELECT casnet.refresh_token('0');
SELECT casnet.change_password('wrong', 'battery staple');
\echo :LAST_ERROR_SQLSTATE
SELECT casnet.hash_password('short');
SELECT casnet.hash_password(repeat('x', 1025));
SELECT casnet.create_user('new', 'new@new.test', 'battery staple');
SELECT casnet.set_password('00000000-0000-7000-8000-000000000001', 'battery staple');
SELECT casnet.revoke_all_tokens('00000000-0000-7000-8000-000000000001');
SELECT casnet.revoke_all_tokens(NULL);
SELECT casnet.add_signing_key('mine');
SELECT casnet.invite_member('nora@nowhere.test');
SELECT casnet.accept_invitation('no code');
SELECT casnet.sign_in(pg_temp.token('{"sub": "00000000-0000-7000-8000-000000000002", "tid": "00000000-0000-7000-8000-0000000000a0"}'));
SELECT casnet.invite_member(' ');
SELECT casnet.invite_member('nora@nowhere.test', 'owner');
SELECT casnet.invite_member('nora@nowhere.test', 'king');
SELECT casnet.invite_member('nora@nowhere.test', lifetime => '-1 day');
SET SESSION AUTHORIZATION regress_admin;
SELECT casnet.add_signing_key(' ');
SELECT casnet.add_signing_key('regress');
SELECT casnet.add_signing_key('x', '{"kty": "oct", "k": "c2hvcnQ"}');
SELECT casnet.add_signing_key('x', '{"kty": "oct", "k": "a+b="}');
SELECT casnet.add_signing_key('x', '{"kty": "EC", "crv": "P-521"}');
SELECT casnet.add_signing_key('x', '{"kty": "OKP", "crv": "Ed25519", "x": "AA"}');
SELECT casnet.add_signing_key('x', '{"kty": "OKP", "crv": "Ed25519", "x": "AA", "d": "AA"}');
SELECT casnet.retire_signing_key('x');
\echo :LAST_ERROR_SQLSTATE
SELECT casnet.create_user(' ', 'new@new.test', 'battery staple');
SELECT casnet.create_user('new', 'new@new.test', 'short');
SELECT casnet.set_password('00000000-0000-7000-8000-0000000000ff', 'battery staple');
SELECT casnet.set_password('00000000-0000-7000-8000-000000000001', NULL);

SET SESSION AUTHORIZATION DEFAULT;
DELETE FROM casnet_internal.signing_keys WHERE kid = 'regress';
DELETE FROM casnet_internal.revoked_tokens;
