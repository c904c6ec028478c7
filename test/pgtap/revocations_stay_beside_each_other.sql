-- A revoked token stays revoked while others are revoked after it, however soon it expires.
-- Only revocations of tokens that expired an hour ago are forgotten.
BEGIN;
SELECT plan(24);
\ir include/fixtures.sql
\ir include/tokens.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.set_password(:'mia', 'correct horse battery');
CREATE TEMP TABLE tokens AS
SELECT row_number() OVER () AS n, public.token(jsonb_build_object('jti', left_over, 'exp', floor(extract(epoch FROM now() + left_over::interval)), 'gen', public.generation_of(:'mia'))) AS token, left_over
  FROM unnest('{20 seconds,5 minutes,59 minutes,61 minutes,8 hours,10 years}'::text[]) AS left_over;
GRANT SELECT ON tokens TO tap_client;
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT casnet.login('mia', 'correct horse battery') AS by_default, casnet.login('mia', 'correct horse battery', lifetime => '2 minutes') AS short \gset
SELECT is(fate(t), 'proves mia', 'good: ' || left_over)
  FROM (SELECT token, left_over FROM tokens UNION ALL VALUES (:'by_default', 'of login()'), (:'short', 'of login(), short')) AS v (t, left_over);
-- All but the last, one after the other.
SELECT casnet.sign_in(:'by_default') AS me \gset
SELECT casnet.revoke_token();
SELECT casnet.sign_in(:'short') AS me \gset
SELECT casnet.revoke_token();
SELECT format($$SELECT casnet.sign_in(%L) AS me, casnet.revoke_token()$$, token) FROM tokens WHERE n < 6 ORDER BY n
\gexec
SELECT is(fate(t), 'use 28000 The token was revoked.', 'revoked: ' || left_over)
  FROM (SELECT token, left_over FROM tokens WHERE n < 6 UNION ALL VALUES (:'by_default', 'of login()'), (:'short', 'of login(), short')) AS v (t, left_over);
SELECT is(fate(token), 'proves mia', 'another one stays good') FROM tokens WHERE n = 6;
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM casnet_internal.revoked_tokens), 7::bigint, 'a row for each');

-- Expired ones.
UPDATE casnet_internal.revoked_tokens AS r SET expires_at = now() - v.since
  FROM (SELECT id, (ARRAY['59 minutes', '61 minutes', '1 second', '0', '25 hours']::interval[])[row_number() OVER (ORDER BY id)] AS since FROM casnet_internal.revoked_tokens) AS v
 WHERE r.id = v.id AND v.since IS NOT NULL;
CREATE TEMP VIEW ages AS SELECT date_trunc('minute', greatest(now() - expires_at, '0')) AS age FROM casnet_internal.revoked_tokens ORDER BY 1;
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT casnet.sign_in(token) AS me FROM tokens WHERE n = 6 \gset
SELECT casnet.revoke_token();
RESET SESSION AUTHORIZATION;
SELECT results_eq('SELECT age FROM ages', $$VALUES ('0'::interval), ('0'), ('0'), ('0'), ('0'), ('59 minutes')$$, 'what ended an hour ago is forgotten, and no other');
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(fate(token), 'use 28000 The token was revoked.', 'still revoked: ' || left_over) FROM tokens WHERE n IN (4, 5, 6);
-- Changing a password and revoking everything forget none, either.
SELECT casnet.login('mia', 'correct horse battery') AS now \gset
SELECT casnet.sign_in(:'now') AS me \gset
SELECT casnet.change_password('correct horse battery', 'another horse battery');
SELECT is(fate(:'by_default'), 'use 28000 The token was revoked.', 'and beside a new password');
SELECT casnet.sign_in(casnet.login('mia', 'another horse battery')) AS me \gset
SELECT casnet.revoke_all_tokens(casnet.current_user_id());
SELECT is(fate(token), 'use 28000 The token was revoked.', 'and once all are') FROM tokens WHERE n = 6;
SELECT is(fate(:'now'), 'use 28000 The token was revoked.', 'with the last one');
SELECT * FROM finish();
ROLLBACK;
