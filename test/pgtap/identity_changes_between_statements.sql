-- A statement that only reads, and the next statement, can have another identity.  So can
-- one after a statement that was refused and then undone by an exception handler or
-- ROLLBACK TO.  Nothing of the refused one is kept.
BEGIN;
SELECT plan(16);
\ir include/fixtures.sql
\ir include/both_tenants.sql
\set refused 'INSERT INTO casnet.tags (name, tenant_id) SELECT ''refused '' || n, casnet.current_tenant_id() FROM generate_series(1, 3) AS n WHERE n = 1 OR public.go(''tenant_id'', ''00000000-0000-7000-8000-0000000000b0'')'
CREATE FUNCTION public.names() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(name, ', ' ORDER BY name) FROM casnet.tags
$$;

CALL be('mia', 'North');
SELECT lives_ok($$SELECT title, casnet.use_tenant('South') FROM casnet.records LIMIT 1$$, 'a statement that reads');
CALL be('mia', 'North');
SELECT casnet.use_tenant('South') IS NOT NULL AS went, public.names() = 'South tag' AS read \gset
SELECT is(:'read'::boolean, true, 'reads there what it reads after it');
CALL be('mia', 'North');
CREATE PROCEDURE public.write_both() LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO casnet.tags (name) VALUES ('first');
	PERFORM casnet.use_tenant('South');
	INSERT INTO casnet.tags (name) VALUES ('second');
	UPDATE casnet.tags SET name = 'third' WHERE name = 'second';
	PERFORM casnet.use_tenant('North');
END
$$;
CALL public.write_both();
SELECT is(public.names(), 'North tag, first', 'a procedure writes in one tenant');
SELECT lives_ok($$SELECT set_config('casnet.tenant_id', '00000000-0000-7000-8000-0000000000b0', false)$$, 'the tenant changes');
SELECT is(public.names(), 'South tag, third', 'and after that in the other');
-- A statement that writes only where nothing is judged can change the tenant as well.
CALL be('mia', 'North');
CREATE TABLE public.log (line text);
SELECT lives_ok($$INSERT INTO public.log SELECT casnet.use_tenant('South')$$, 'a table without policies');
SELECT is(public.names(), 'South tag, third', 'takes the session there');

-- An exception handler.
CALL be('mia', 'North');
CREATE FUNCTION public.caught(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	state text := 'none';
BEGIN
	BEGIN
		EXECUTE statement;
	EXCEPTION WHEN OTHERS THEN
		state := SQLSTATE;
	END;
	INSERT INTO casnet.tags (name) VALUES ('after ' || state);
	PERFORM casnet.use_tenant('South');
	INSERT INTO casnet.tags (name) VALUES ('there after ' || state);
	PERFORM casnet.use_tenant('North');
	RETURN state;
END
$$;
SELECT is(public.caught(:'refused'), '55000', 'a handler catches the refusal');
SELECT is(public.names(), 'North tag, after 55000, first', 'and goes on in the tenant from before');
SELECT is(public.caught('INSERT INTO casnet.tags (name) SELECT CASE WHEN n = 1 THEN ''x'' ELSE (1 / (n - n))::text END FROM generate_series(1, 2) AS n'), '22012', 'another error in the midst of a statement');
CALL be('mia', 'South');
SELECT is(public.names(), 'South tag, there after 22012, there after 55000, third', 'leaves nothing noted, either');

-- A savepoint.
CALL be('mia', 'North');
SAVEPOINT a;
\set ON_ERROR_STOP off
:refused \g /dev/null
\set state :SQLSTATE
ROLLBACK TO SAVEPOINT a;
\set ON_ERROR_STOP on
SELECT is(:'state'::text, '55000', 'a statement of the client is refused');
SELECT is(casnet.current_tenant_id(), :'north'::uuid, 'ROLLBACK TO brings back the tenant');
SELECT lives_ok($$SELECT casnet.use_tenant('South')$$, 'it changes after that');
SELECT is(rows_of('INSERT INTO casnet.tags (name) VALUES (''last'')'), 1::bigint, 'and the session writes there');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM casnet.tags WHERE name ~ 'refused'), 0::bigint, 'nothing is left of what was refused');
SELECT * FROM finish();
ROLLBACK;
