-- The planner moves calls from defaults of arguments and checks of domains into expressions
-- that PL/pgSQL keeps.  They are answered for the session as it is at each turn.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
CREATE FUNCTION public.tenants_of(a uuid[] DEFAULT casnet_internal.my_tenant_ids()) RETURNS integer LANGUAGE sql AS 'SELECT cardinality(a)';
CREATE FUNCTION public.users_of(a uuid[] DEFAULT casnet_internal.visible_user_ids()) RETURNS integer LANGUAGE sql AS 'SELECT cardinality(a)';
CREATE FUNCTION public.may(a boolean DEFAULT casnet.can('edit_records')) RETURNS boolean LANGUAGE sql AS 'SELECT a';
CREATE FUNCTION public.tenants() RETURNS integer LANGUAGE plpgsql AS $$BEGIN RETURN public.tenants_of(); END$$;
CREATE FUNCTION public.users() RETURNS integer LANGUAGE plpgsql AS $$BEGIN RETURN public.users_of(); END$$;
CREATE FUNCTION public.edits() RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RETURN public.may(); END$$;
CREATE DOMAIN public.here AS uuid CHECK (VALUE = casnet.tenant_with('view_records'));
CREATE FUNCTION public.is_here(t uuid) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	x public.here;
BEGIN
	x := t;
	RETURN true;
EXCEPTION WHEN check_violation THEN
	RETURN false;
END
$$;
CALL be('mia', 'North');
SELECT is(public.tenants(), 2, 'tenants of somebody');
SELECT is(public.users(), 5, 'users that a member sees');
SELECT is(public.edits(), true, 'what a member may');
SELECT is(public.is_here(:'north'), true, 'the domain of the active tenant');
CALL be('otto', 'South');
SELECT is(public.tenants(), 1, 'tenants of the next one');
SELECT is(public.users(), 2, 'users that an owner sees');
SELECT is(ARRAY[public.is_here(:'north'), public.is_here(:'south')], '{f,t}', 'the domain of the next tenant');
CALL be('mia', 'South');
SELECT is(public.edits(), false, 'what a viewer may');

-- Within one statement, with a revocation in between.
CALL be('mia', 'North');
CREATE FUNCTION public.around() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before text := concat_ws(' ', public.tenants(), public.edits());
BEGIN
	PERFORM set_config('casnet.user_id', (SELECT id::text FROM public.who WHERE name = 'olga'), false);
	PERFORM casnet.remove_member('mia');
	PERFORM set_config('casnet.user_id', (SELECT id::text FROM public.who WHERE name = 'mia'), false);
	RETURN before || ', ' || concat_ws(' ', public.tenants(), public.edits());
END
$$;
SELECT is(public.around(), '2 t, 1 f', 'at once');
SELECT * FROM finish();
ROLLBACK;
