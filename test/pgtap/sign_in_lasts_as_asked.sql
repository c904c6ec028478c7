-- sign_in() is for the session, or on request for the transaction only.  What a function
-- with a setting of its own leaves behind shows which.
BEGIN;
SELECT plan(4);
\ir include/fixtures.sql
\ir include/tokens.sql
CREATE FUNCTION pg_temp.enter(token text, VARIADIC is_local boolean[]) RETURNS uuid LANGUAGE plpgsql SET casnet.token = '' AS $$
BEGIN
	RETURN CASE cardinality(is_local) WHEN 1 THEN casnet.sign_in(token, is_local[1]) ELSE casnet.sign_in(token) END;
END
$$;
SELECT token() AS of_mia, token('{"sub": "00000000-0000-7000-8000-000000000001"}') AS of_olga \gset
SELECT casnet.sign_in(:'of_mia') AS me \gset
SELECT is(pg_temp.enter(:'of_olga', true), :'olga'::uuid, 'for the transaction, and so for the function');
SELECT is(casnet.current_user_id(), :'mia'::uuid, 'after it');
SELECT pg_temp.enter(:'of_olga', false) AS me \gset
SELECT is(casnet.current_user_id(), :'olga'::uuid, 'for the session');
SELECT pg_temp.enter(:'of_mia', VARIADIC '{}') AS me \gset
SELECT is(casnet.current_user_id(), :'mia'::uuid, 'unless asked otherwise');
SELECT * FROM finish();
ROLLBACK;
