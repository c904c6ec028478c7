-- The token of a program lives for long, so it is valid only if its session is listed: not
-- after a rollback of the transaction that made it.
BEGIN;
SELECT plan(14);
\ir include/fixtures.sql
\ir include/tokens.sql
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT set_config('casnet.token', token(jsonb_build_object('sub', :'olga', 'tid', :'north')), false) IS NOT NULL AS now \gset
SAVEPOINT made;
SELECT casnet.service_token('undone', '{view_records}') AS undone \gset
SELECT casnet.sign_in(:'undone') AS me \gset
SELECT is((SELECT count(*) FROM casnet.records), 3::bigint, 'who has made it uses it');
ROLLBACK TO made;
SELECT is(fate(:'undone'), 'use 28000 The transaction that made the token was not committed.', 'no longer after a rollback');
SELECT set_config('casnet.token', :'undone', false) IS NOT NULL AS now \gset
SELECT throws_ok(q, '28000', 'invalid session token', q) FROM unnest(ARRAY['SELECT count(*) FROM casnet.records', 'SELECT casnet.use_tenant(''North'')', 'SELECT * FROM casnet.whoami()']) AS q;
SELECT is(casnet.current_user_id(), NULL, 'it names nobody');

-- Of a token that says so, the session counts, and what it was made for.
SELECT set_config('casnet.token', token(jsonb_build_object('sub', :'olga', 'tid', :'north')), false) IS NOT NULL AS now \gset
SELECT casnet.service_token('report', '{view_records}') AS report \gset
SELECT id AS session FROM casnet.sessions() \gset
SELECT casnet.sign_out();
SELECT is(fate(:'report'), 'proves olga', 'one that is listed');
CREATE FUNCTION pg_temp.of_session(session text) RETURNS text LANGUAGE sql AS $$ SELECT fate(token(jsonb_build_object('ses', session))) $$;
SELECT is(pg_temp.of_session(:'session'), 'use 28000 The transaction that made the token was not committed.', 'another token of that session');
SELECT is(pg_temp.of_session('00000000-0000-4000-8000-000000000000'), 'use 28000 The transaction that made the token was not committed.', 'of no session');
SELECT is(pg_temp.of_session('north'), 'use 28000 The token''s session (ses) is not a UUID.', 'of what is none');
SELECT is(pg_temp.of_session(repeat('0', 64)), 'set 22023 The token''s session (ses) is not a short string.', 'of something long');
SELECT is(pg_temp.of_session(''), 'proves mia', 'an empty one says nothing');

-- Its end is that of the session.
SELECT set_config('casnet.token', token(jsonb_build_object('sub', :'olga', 'tid', :'north')), false) IS NOT NULL AS now \gset
SELECT casnet.end_session(:'session');
SELECT casnet.sign_out();
SELECT is(fate(:'report'), 'use 28000 The token was revoked.', 'ended');
RESET SESSION AUTHORIZATION;
DELETE FROM casnet_internal.revoked_tokens;
SELECT is(fate(:'report'), 'proves olga', 'by what is revoked, while its row is there');
SELECT * FROM finish();
ROLLBACK;
