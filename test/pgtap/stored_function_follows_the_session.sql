-- The planner inlines a function with a stored body, or a stored default of an argument,
-- into PL/pgSQL expressions, which live for a transaction.  They follow the session from one
-- user and tenant to the next, and to none.
BEGIN;
SELECT plan(12);
\ir include/fixtures.sql

CREATE FUNCTION pg_temp.here() RETURNS uuid LANGUAGE sql STABLE
	RETURN casnet.tenant_with('view_records');
CREATE FUNCTION pg_temp.may() RETURNS boolean LANGUAGE sql STABLE
	RETURN casnet.can('delete_records');
CREATE FUNCTION pg_temp.name_of(t uuid DEFAULT casnet.tenant_with('view_records')) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT name FROM public.who WHERE id = t);
END
$$;
CREATE FUNCTION pg_temp.ask() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN pg_temp.name_of(pg_temp.here());
END
$$;
CREATE FUNCTION pg_temp.ask_default() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN pg_temp.name_of();
END
$$;
CREATE FUNCTION pg_temp.ask_may() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	RETURN pg_temp.may();
END
$$;

CALL be('olga', 'North');
SELECT is(pg_temp.ask(), 'North', 'an owner');
SELECT is(pg_temp.ask_default(), 'North', 'by default');
SELECT is(pg_temp.ask_may(), true, 'may delete');
CALL be('otto', 'South');
SELECT is(pg_temp.ask(), 'South', 'another one, in another tenant');
SELECT is(pg_temp.ask_default(), 'South', 'by default');
CALL be('vic', 'North');
SELECT is(pg_temp.ask_may(), false, 'a viewer may not delete');
CALL be('nora', 'North');
SELECT throws_ok('SELECT pg_temp.ask()', '42501', 'not a member of the active tenant', 'a stranger');
SELECT throws_ok('SELECT pg_temp.ask_default()', '42501', 'not a member of the active tenant', 'by default');
RESET casnet.user_id;
SELECT throws_ok('SELECT pg_temp.ask()', '28000', 'nobody is signed in', 'nobody');
SELECT throws_ok('SELECT pg_temp.ask_default()', '28000', 'nobody is signed in', 'by default');

-- In one DO block, which is one statement of the client.
CREATE FUNCTION pg_temp.wander() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	seen text := '';
BEGIN
	FOR i IN 1..3 LOOP
		CALL public.be(CASE i WHEN 2 THEN 'otto' ELSE 'olga' END, CASE i WHEN 2 THEN 'South' ELSE 'North' END);
		seen := seen || ' ' || pg_temp.name_of(pg_temp.here());
	END LOOP;
	RETURN seen;
END
$$;
SELECT is(pg_temp.wander(), ' North South North', 'at each turn of a loop');
DO $$
DECLARE
	seen text := '';
BEGIN
	FOR i IN 1..3 LOOP
		CALL public.be(CASE i WHEN 2 THEN 'otto' ELSE 'olga' END, CASE i WHEN 2 THEN 'South' ELSE 'North' END);
		seen := seen || ' ' || pg_temp.name_of(pg_temp.here());
	END LOOP;
	PERFORM set_config('test.seen', seen, true);
END
$$;
SELECT is(current_setting('test.seen'), ' North South North', 'in a DO block');
SELECT * FROM finish();
ROLLBACK;
