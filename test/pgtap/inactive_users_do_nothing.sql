-- Functions that run with other rights check that the user is active.  An inactive superuser
-- has no power, and an inactive member cannot leave.  A session without a user is refused by
-- that check, not by chance.
BEGIN;
SELECT plan(21);
\ir include/fixtures.sql
\ir include/tokens.sql
CREATE TEMP TABLE calls AS SELECT * FROM unnest(ARRAY['casnet.leave_tenant()', 'casnet.revoke_token()', 'casnet.refresh_token()',
	format('casnet.revoke_all_tokens(%L)', :'ines'), format('casnet.revoke_all_tokens(%L)', :'otto'),
	format('casnet.set_password(%L, ''correct horse'')', :'otto'), 'casnet.create_user(''x'', ''x@x.test'', NULL)', 'casnet.change_password(''x'', ''correct horse'')']) AS call;
GRANT SELECT ON calls TO PUBLIC;
SELECT token(jsonb_build_object('sub', :'ines', 'tid', :'north')) AS of_ines \gset
RESET SESSION AUTHORIZATION;
UPDATE casnet.users SET is_superuser = true WHERE id = :'ines';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be(NULL);
SELECT is(state_of('SELECT ' || call), '28000', call || ' of nobody') FROM calls;
CALL be('ines', 'North');
SELECT is(state_of('SELECT ' || call), '28000', call || ' of an inactive user') FROM calls;
SELECT set_config('casnet.token', :'of_ines', true);
SELECT alike(error_of('SELECT casnet.revoke_token()'), '28000 | the user of this session does not exist or is not active | %', 'nor with a token');
SELECT set_config('casnet.token', '', true);
CALL be('otto');
SELECT is(state_of('SELECT casnet.revoke_all_tokens(NULL)'), '22023', 'nobody ends the tokens of nobody');
SELECT is(state_of(format('SELECT casnet.revoke_all_tokens(%L)', :'nowhere')), '42501', 'nor does a user');
-- Active users without a tenant get an error that says so.
CALL be('mia');
SELECT is(state_of('SELECT casnet.leave_tenant()'), '55000', 'leaving no tenant');
CALL be('nora', 'North');
SELECT is(state_of('SELECT casnet.leave_tenant()'), '42501', 'leaving one of others');
SELECT * FROM finish();
ROLLBACK;
