-- The next statement asks again what a stored expression has asked.  That holds even if
-- PL/pgSQL keeps the expression for the transaction, as for a domain of a variable.  A token
-- that ends between two statements reveals nothing to anybody.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
\ir include/tokens.sql
CREATE DOMAIN pg_temp.by_member AS integer CHECK (VALUE < 0 OR casnet.can('view_records'));
CREATE DOMAIN pg_temp.in_tenant AS integer CHECK (VALUE < 0 OR casnet.tenant_with('view_records') IS NOT NULL);
CREATE FUNCTION pg_temp.may() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	one pg_temp.by_member := -1;
BEGIN
	one := 1;
	RETURN 'may';
EXCEPTION WHEN check_violation THEN
	RETURN 'may not';
END
$$;
CREATE FUNCTION pg_temp.may_there() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	one pg_temp.in_tenant := -1;
BEGIN
	one := 1;
	RETURN 'may';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
SELECT set_config('casnet.token', public.token(jsonb_build_object('tid', :'north', 'exp', floor(extract(epoch FROM clock_timestamp()))::bigint + 3)), false) AS token \gset
SELECT is(pg_temp.may(), 'may', 'while the token is good');
SELECT is(pg_temp.may_there(), 'may', 'likewise');
SELECT is(pg_temp.may(), 'may', 'and in the next statement');
SELECT pg_sleep(3.1) \g /dev/null
SELECT is(casnet.can('view_records'), false, 'it ends');
SELECT is(pg_temp.may(), 'may not', 'what was kept ends with it');
SELECT is(pg_temp.may_there(), '28000', 'likewise');
SELECT * FROM finish();
ROLLBACK;
