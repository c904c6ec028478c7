-- An application's policy can call casnet within a function of its own.  EXPLAIN shows no
-- numbers of its table, either.  Replacing a view while EXPLAIN plans does not reveal them,
-- and debug_print_plan does not.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE SCHEMA own;
GRANT ALL ON SCHEMA own TO tap_app, tap_admin;
CREATE FUNCTION public.may_see(tenant uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN tenant = casnet.tenant_with('view_records'); END $$;
CREATE TABLE public.notes (tenant_id uuid, note text);
CREATE POLICY p ON public.notes USING (public.may_see(tenant_id));
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON public.notes TO tap_app;
INSERT INTO public.notes SELECT :'south', 'note' FROM generate_series(1, 500);
ANALYZE public.notes;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
CREATE FUNCTION own.explained(query text, options text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	result text := '';
BEGIN
	FOR line IN EXECUTE format('EXPLAIN (%s) %s', options, query) LOOP
		result := result || line || E'\n';
	END LOOP;
	RETURN coalesce(substring(result FROM 'rows=|Removed|cost'), 'the shape');
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
SELECT is(own.explained('SELECT FROM public.notes', 'COSTS'), 'the shape', 'the table');
SELECT is(own.explained('SELECT FROM public.notes', 'ANALYZE'), 'the shape', 'executed');
CREATE TABLE own.dummy (note text);
CREATE VIEW own.v WITH (security_invoker) AS SELECT note FROM own.dummy;
CREATE FUNCTION own.replace() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN CREATE OR REPLACE VIEW own.v WITH (security_invoker) AS SELECT note FROM public.notes; RETURN true; END $$;
CREATE FUNCTION own.meanwhile() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN own.replace(); END $$;
SELECT is(own.explained('SELECT FROM own.v WHERE own.meanwhile()', 'ANALYZE'), '55000', 'a view that is another one meanwhile');
SET LOCAL debug_print_plan = on;
PREPARE q AS SELECT FROM public.notes;
EXECUTE q \g /dev/null
SELECT is(current_setting('debug_print_plan'), 'off', 'debugging is turned off');
-- For any plan: a foreign key reads past the policies, in a statement of the server.
SET LOCAL debug_print_plan = on;
PREPARE r AS SELECT 1;
EXECUTE r \g /dev/null
SELECT is(current_setting('debug_print_plan'), 'off', 'whatever is planned');
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_admin;
SELECT isnt(own.explained('SELECT FROM public.notes', 'COSTS'), 'the shape', 'administrators see numbers');
SELECT * FROM finish();
ROLLBACK;
