-- change_password() spares the session's token, unless a trigger of the application, say,
-- revokes it while the password is being changed.
BEGIN;
SELECT plan(4);
\ir include/fixtures.sql
\ir include/tokens.sql
SELECT token() AS of_mia \gset
RESET SESSION AUTHORIZATION;
SELECT casnet.set_password(:'mia', 'correct horse');
DELETE FROM casnet_internal.token_cutoffs;
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT casnet.sign_in(:'of_mia') AS me \gset
SELECT lives_ok($$SELECT casnet.change_password('correct horse', 'battery staple')$$, 'changes the password');
SELECT is(fate(:'of_mia'), 'proves mia', 'and is still signed in');
RESET SESSION AUTHORIZATION;
CREATE FUNCTION public.end_all() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM casnet.revoke_all_tokens(new.user_id);
	RETURN NULL;
END
$$;
CREATE TRIGGER end_all AFTER INSERT ON casnet_internal.password_hashes FOR EACH ROW EXECUTE FUNCTION public.end_all();
SET LOCAL SESSION AUTHORIZATION tap_client;
SELECT lives_ok($$SELECT casnet.change_password('battery staple', 'correct horse')$$, 'with a trigger that ends all tokens');
SELECT is(fate(:'of_mia'), 'use 28000 The token was revoked.', 'is signed in no more');
SELECT * FROM finish();
ROLLBACK;
