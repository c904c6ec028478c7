-- Setting the password of one account changes no other, and ends its tokens,
-- whether casnet_admin or a superuser of the application does it.
BEGIN;
SELECT plan(8);
\ir include/fixtures.sql
\ir include/tokens.sql
CREATE FUNCTION pg_temp.others() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(username || ' ' || hashed_password, ', ' ORDER BY username) FROM casnet.users WHERE username <> 'mia'
$$;
SELECT token() AS of_mia, token(jsonb_build_object('sub', :'otto')) AS of_otto \gset
RESET SESSION AUTHORIZATION;
SELECT pg_temp.others() AS before \gset
SAVEPOINT a;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT lives_ok(format('SELECT casnet.set_password(%L, ''correct horse'')', :'mia'), 'casnet_admin sets one');
RESET SESSION AUTHORIZATION;
SELECT is(pg_temp.others(), :'before', 'and no other');
SELECT matches(fate(:'of_mia'), 'revoked', 'whose tokens end');
SELECT is(fate(:'of_otto'), 'proves otto', 'and nobody else''s');
ROLLBACK TO a;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('sue');
SELECT lives_ok(format('SELECT casnet.set_password(%L, ''correct horse'')', :'mia'), 'a superuser sets one');
CALL be(NULL);
RESET SESSION AUTHORIZATION;
SELECT is(pg_temp.others(), :'before', 'and no other');
SELECT matches(fate(:'of_mia'), 'revoked', 'whose tokens end');
SELECT is(fate(:'of_otto'), 'proves otto', 'and nobody else''s');
SELECT * FROM finish();
ROLLBACK;
