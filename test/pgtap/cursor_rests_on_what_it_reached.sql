-- A cursor depends on everything that was asked while its rows were made.  An older cursor
-- that its function fetches from can ask, or an expression that PL/pgSQL has kept, or a
-- policy of any form.
BEGIN;
SELECT plan(18);
\ir include/fixtures.sql
\ir include/lost.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.forms (tenant_id uuid, title text);
INSERT INTO public.forms SELECT :'north', 'North ' || n FROM generate_series(1, 9) AS n;
CREATE FUNCTION public.shared(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false';
GRANT SELECT ON public.forms TO tap_app;
ALTER TABLE public.forms ENABLE ROW LEVEL SECURITY;
CREATE POLICY form ON public.forms USING (false);
CREATE FUNCTION public.as_form(form text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	EXECUTE format('ALTER POLICY form ON public.forms USING (%s)', form);
END
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE FUNCTION public.next_of(c refcursor) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	FETCH NEXT FROM c INTO r;
	RETURN CASE WHEN FOUND THEN 'a row' ELSE 'the end' END;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
CREATE FUNCTION public.drained(c refcursor) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	FOR i IN 1 .. 3 LOOP
		FETCH c INTO r;
		RETURN NEXT r::text;
	END LOOP;
END
$$;
CREATE FUNCTION public.here() RETURNS SETOF uuid LANGUAGE plpgsql AS $$
DECLARE
	tenant uuid;
BEGIN
	tenant := casnet.tenant_with('view_records');
	RETURN QUERY SELECT tenant FROM generate_series(1, 3);
END
$$;
CREATE FUNCTION public.allowed() RETURNS SETOF boolean LANGUAGE plpgsql AS $$
DECLARE
	may boolean;
BEGIN
	may := casnet.can('view_records');
	RETURN QUERY SELECT may FROM generate_series(1, 3);
END
$$;
CREATE FUNCTION public.ids() RETURNS SETOF uuid LANGUAGE plpgsql AS $$
DECLARE
	ids uuid[];
BEGIN
	ids := casnet_internal.my_tenant_ids();
	RETURN QUERY SELECT unnest(ids || ids);
END
$$;
-- A second call in one message, of an expression that answered the first.
CREATE FUNCTION public.open_again(c refcursor, function text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SELECT FROM public.%s()', function);
	OPEN c FOR EXECUTE format('SELECT * FROM public.%s()', function);
	MOVE c;
END
$$;

CALL be('mia', 'North');
DECLARE inner_one CURSOR FOR SELECT title FROM casnet.records;
DECLARE inner_list CURSOR FOR SELECT * FROM casnet.my_tenants() AS a, generate_series(1, 5);
FETCH 1 FROM inner_list \g /dev/null
DECLARE outer_one CURSOR FOR SELECT * FROM public.drained('inner_one');
FETCH 1 FROM outer_one \g /dev/null
DECLARE outer_list CURSOR FOR SELECT * FROM public.drained('inner_list');
FETCH 1 FROM outer_list \g /dev/null
SELECT public.open_again(('again_' || f)::refcursor, f) FROM unnest(ARRAY['here', 'allowed', 'ids']) AS f;
SELECT public.lost(:'mia', :'south');
SELECT is(public.next_of('outer_one'), 'a row', 'a cursor over a cursor continues');
SELECT public.lost(:'mia', :'north');
SELECT is(public.next_of('inner_one'), '42501', 'the inner one is refused');
SELECT is(public.next_of('outer_one'), '42501', 'and so is the outer one');
SELECT is(public.next_of('outer_list'), '42501', 'one over a list of tenants');
SELECT is(public.next_of(('again_' || f)::refcursor), '42501', f || '() once more') FROM unnest(ARRAY['here', 'allowed', 'ids']) AS f;

-- A sort, which stores all rows, reaches each form of a policy.
CREATE FUNCTION public.goes_on(form text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	c refcursor;
	result text;
BEGIN
	PERFORM public.as_form(form);
	OPEN c FOR EXECUTE 'SELECT title FROM public.forms ORDER BY title';
	result := public.next_of(c);
	BEGIN
		PERFORM public.lost(casnet.current_user_id(), casnet.current_tenant_id());
		result := concat(result, ', then ', public.next_of(c));
		RAISE EXCEPTION 'undo' USING ERRCODE = 'ZZ001';
	EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
		CLOSE c;
		RETURN result;
	END;
END
$$;
CALL be('vic', 'North');
SELECT is(public.goes_on(form), 'a row, then 42501', form) FROM unnest(ARRAY[
	'tenant_id = casnet.tenant_with(''view_records'')',
	'tenant_id IS NOT DISTINCT FROM casnet.tenant_with(''view_records'')',
	'coalesce(tenant_id = casnet.tenant_with(''view_records''), false)',
	'CASE WHEN public.shared(title) THEN true ELSE tenant_id = casnet.tenant_with(''view_records'') END',
	'tenant_id = ANY (ARRAY[casnet.tenant_with(''view_records''), NULL])',
	'tenant_id = (SELECT casnet.tenant_with(''view_records''))',
	'EXISTS (SELECT WHERE casnet.tenant_with(''view_records'') = tenant_id)',
	'tenant_id = casnet.current_tenant_id() AND casnet.can(''view_records'')',
	'tenant_id = ANY (casnet_internal.my_tenant_ids()) AND casnet.can(''view_records'')']) AS form;

-- The permission view_tags, if the planner replaced records_tagged(); and what is evaluated
-- at the start of an execution, to prune partitions.
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (:'mia', :'north', 'member') ON CONFLICT DO NOTHING;
CREATE TABLE public.halves (yes boolean, n integer) PARTITION BY LIST (yes);
CREATE TABLE public.half_true PARTITION OF public.halves FOR VALUES IN (true);
CREATE TABLE public.half_false PARTITION OF public.halves FOR VALUES IN (false);
INSERT INTO public.halves SELECT n % 2 = 0, n FROM generate_series(1, 6) AS n;
GRANT SELECT ON public.halves TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
CREATE FUNCTION public.has_some() RETURNS boolean LANGUAGE plpgsql STABLE AS $$BEGIN RETURN EXISTS (SELECT FROM casnet.records); END$$;
DECLARE tagged CURSOR FOR SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(ARRAY['North tag']));
DECLARE pruned CURSOR FOR SELECT n FROM public.halves WHERE yes = public.has_some();
FETCH 1 FROM tagged \g /dev/null
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.role_permissions WHERE role = 'member' AND permission IN ('view_tags', 'view_records');
INSERT INTO casnet.role_permissions (role, permission) VALUES ('member', 'view_records');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(public.next_of('tagged'), '42501', 'view_tags is taken');
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.role_permissions WHERE role = 'member' AND permission = 'view_records';
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(public.next_of('pruned'), '42501', 'what was evaluated at the start');
SELECT * FROM finish();
ROLLBACK;
