-- Each turn of a PL/pgSQL loop asks again.  So does each of several statements sent at once,
-- though they are one to the client.  Only the clock says that a token ends.
BEGIN;
SELECT plan(7);
\ir include/fixtures.sql
\ir include/tokens.sql
CREATE FUNCTION pg_temp.short_token() RETURNS text LANGUAGE sql AS $$
	SELECT public.token(jsonb_build_object('tid', '00000000-0000-7000-8000-0000000000a0', 'exp', floor(extract(epoch FROM clock_timestamp()))::bigint + 3))
$$;
CREATE FUNCTION pg_temp.watch() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	seen text[];
	wait text;
BEGIN
	FOR i IN 1 .. 2 LOOP
		seen := seen || CASE WHEN casnet.can('view_records') THEN 'may' ELSE 'may not' END;
		wait := CASE WHEN i = 1 THEN pg_sleep(3.1) END;
	END LOOP;
	RETURN array_to_string(seen, ', then ');
END
$$;
CREATE FUNCTION pg_temp.may() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN casnet.can('view_records'); END $$;
CREATE FUNCTION pg_temp.here() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	RETURN casnet.tenant_with('view_records') IS NOT NULL;
EXCEPTION WHEN invalid_authorization_specification THEN
	RETURN false;
END
$$;
CREATE FUNCTION pg_temp.belongs() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	RETURN cardinality(casnet_internal.my_tenant_ids()) > 0;
EXCEPTION WHEN invalid_authorization_specification THEN
	RETURN false;
END
$$;
SELECT set_config('casnet.token', pg_temp.short_token(), false) AS token \gset
SELECT is(pg_temp.watch(), 'may, then may not', 'the turns of a loop');
SELECT set_config('casnet.token', pg_temp.short_token(), false) AS token \gset
SELECT ok(pg_temp.may(), 'may') \; SELECT ok(pg_temp.here(), 'is in a tenant') \; SELECT ok(pg_temp.belongs(), 'and in the list of them') \; SELECT pg_sleep(3.1) \; SELECT ok(NOT pg_temp.may(), 'may not') \; SELECT ok(NOT pg_temp.here(), 'is in none') \; SELECT ok(NOT pg_temp.belongs(), 'nor in the list');
SELECT * FROM finish();
ROLLBACK;
