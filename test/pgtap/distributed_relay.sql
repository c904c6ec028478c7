-- Workers know sessions of the coordinator by a key of their own.  The coordinator has its
-- private half, which verifies nothing there and which nobody but superusers reads.
BEGIN;
SELECT plan(18);
\ir include/fixtures.sql
-- The key and the signature are of RFC 8032, section 7.1, test 1.
\set private '\\x9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'
\set public '\\x302a300506032b6570032100d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'
\set token 'eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCIsImtpZCI6ImNhc25ldC1yZWxheSJ9.eyJzdWIiOiIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDMiLCJpYXQiOjE3MDAwMDAwMDAsImV4cCI6NDEwMjQ0NDgwMH0.QaQoLO0h_hH4LyH8iYHKznJl1ZGIv6G3gSQ4eX6vcPx6pBnoxdOiVItOIZsZxLZ5oAAMyJnwfh5P12hgC8F8Cw'
SELECT is(state_of('SELECT casnet_internal.relay_key()'), '42501', 'an application does not make the key');
SELECT is(state_of('SELECT key FROM casnet_internal.signing_keys'), '42501', 'nor read it');
RESET SESSION AUTHORIZATION;
SELECT casnet_internal.relay_key() AS made \gset
SELECT is(:'made'::bytea, casnet_internal.relay_key(), 'it is made once');
SELECT matches(encode(:'made'::bytea, 'hex'), '^302a300506032b6570032100[0-9a-f]{64}$', 'what leaves the function is a public key');
SELECT results_eq('SELECT algorithm, octet_length(key), retired_at IS NOT NULL FROM casnet_internal.signing_keys WHERE kid = ''casnet-relay''',
	'VALUES (''EdDSA'', 32, true)', 'the private half is a retired key');
SELECT isnt(substr(:'made'::bytea, 13), (SELECT key FROM casnet_internal.signing_keys WHERE kid = 'casnet-relay'), 'and another value');
SELECT is_empty('SELECT * FROM casnet.signing_keys() WHERE kid = ''casnet-relay'' AND signs', 'it signs no token of a session');

SELECT is(state_of($$SELECT casnet.add_signing_key('casnet-relay')$$), '22023', 'no other key takes its place');
SELECT is(casnet_internal.relay_key(), :'made'::bytea, 'and it is still the same');

-- The same key on both sides of a test.
SET LOCAL session_replication_role = replica;
UPDATE casnet_internal.signing_keys SET key = :'private' WHERE kid = 'casnet-relay';
RESET session_replication_role;
SELECT is(casnet_internal.relay_key(), :'public'::bytea, 'the public half is as RFC 8032 has it');
SET LOCAL SESSION AUTHORIZATION tap_app;
SET casnet.tenant_id = :'north';
SELECT is(state_of(format('SELECT set_config(''casnet.token'', %L, false)', :'token')), '42501', 'code sets no relayed token');
SELECT is(state_of(format('SET casnet.token = %L', :'token')), '42501', 'nor by SET');
SET casnet.token = :'token';
SELECT is(outcome('SELECT count(*) FROM casnet.records'), '28000', 'a relayed token signs nobody in on the coordinator');
SELECT is(outcome('SELECT casnet.current_user_id()'), 'NULL', 'and is nobody');
SELECT is(current_setting('casnet.token'), '', 'nobody reads it');
RESET SESSION AUTHORIZATION;
UPDATE casnet_internal.signing_keys SET key = :'public', retired_at = NULL WHERE kid = 'casnet-relay';
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(outcome('SELECT count(*) FROM casnet.records'), '3', 'with the key of a worker it does');
SELECT is(current_setting('casnet.token'), '', 'and nobody reads it there');
CALL be(NULL);
SET casnet.token = '';
SELECT is(outcome('SELECT count(*) FROM casnet.records'), '28000', 'until it is gone');
SELECT * FROM finish();
ROLLBACK;
