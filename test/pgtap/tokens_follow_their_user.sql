-- A new token has the generation of its own user, a lifetime, and a live key of
-- casnet's own; once all tokens are revoked, the same statement gets none.
BEGIN;
SELECT plan(16);
\ir include/fixtures.sql
\ir include/tokens.sql
CREATE FUNCTION pg_temp.generation(token text) RETURNS text LANGUAGE sql AS $$
	SELECT convert_from(decode(rpad(translate(part, '-_', '+/'), (length(part) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::json->>'gen' FROM split_part(token, '.', 2) AS part
$$;
SELECT token() AS of_mia \gset
RESET SESSION AUTHORIZATION;
SELECT casnet.set_password(:'mia', 'correct horse');
SELECT casnet.set_password(:'otto', 'correct horse');
SELECT casnet.revoke_all_tokens(:'otto') FROM generate_series(1, 3);
DELETE FROM casnet_internal.token_cutoffs WHERE user_id = :'mia';
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(pg_temp.generation(casnet.login('mia', 'correct horse')), '0', 'login without a revocation, where another has some');
SELECT is(pg_temp.generation(casnet.login('otto', 'correct horse')), public.generation_of(:'otto')::text, 'login of the other');
SELECT casnet.sign_in(:'of_mia');
SELECT is(pg_temp.generation(casnet.refresh_token()), '0', 'refreshed');
SELECT is(state_of(format('SELECT casnet.login(''mia'', ''correct horse'', NULL, %L)', l)), e, 'login for ' || coalesce(l, 'null'))
  FROM (VALUES (NULL, '22023'), ('0', '22023'), ('-1 day', '22023'), ('367 days', '22023'), ('1 second', 'none')) AS v (l, e);
SELECT is(state_of(format('SELECT casnet.refresh_token(%L)', l)), e, 'refreshed for ' || coalesce(l, 'null'))
  FROM (VALUES (NULL, '22023'), ('0', '22023'), ('367 days', '22023')) AS v (l, e);
RESET SESSION AUTHORIZATION;
SELECT is(pg_temp.generation(casnet_internal.issue_token(id, NULL, '1 hour')), public.generation_of(id)::text, 'issued without a generation') FROM (VALUES (:'mia'::uuid), (:'otto')) AS v (id);
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT is(error_of('SELECT casnet.revoke_all_tokens(casnet.current_user_id()), casnet.refresh_token()'),
	'28000 | invalid session token | The token was revoked. | Get a new token with casnet.login() and set it with casnet.sign_in(). | ', 'revoked and refreshed in one statement');
RESET SESSION AUTHORIZATION;
SELECT casnet.retire_signing_key(kid) FROM casnet_internal.signing_keys WHERE retired_at IS NULL;
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT casnet.sign_out();
SELECT is(state_of('SELECT casnet.login(''mia'', ''correct horse'')'), '55000', 'login without a key');
SELECT alike(error_of('SELECT casnet.login(''mia'', ''correct horse'')'), '%casnet.add_signing_key(%', 'which a member of casnet_admin can make');
SELECT * FROM finish();
ROLLBACK;
