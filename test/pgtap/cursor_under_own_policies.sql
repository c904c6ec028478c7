-- An application's policy can call current_tenant_id(), current_user_id() and can().  No
-- query then returns rows of two tenants or users.  It is refused if the session changes
-- either, between two FETCHes or within one.
BEGIN;
SELECT plan(38);
\ir include/fixtures.sql
\ir include/both_tenants.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.notes (tenant_id uuid, author uuid, note text);
INSERT INTO public.notes SELECT t.id, u.id, concat_ws(' ', t.name, u.username, n) FROM casnet.tenants AS t, casnet.users AS u, generate_series(1, 2) AS n WHERE t.name IN ('North', 'South') AND u.username IN ('mia', 'olga');
CREATE INDEX ON public.notes (tenant_id);
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON public.notes TO PUBLIC;
CREATE TABLE public.forms (n integer, form text, changes text);
INSERT INTO public.forms VALUES
	(1, 'tenant_id = casnet.current_tenant_id() AND casnet.can(''view_records'')', 'tenant'),
	(2, 'author = casnet.current_user_id()', 'user'),
	(3, 'CASE WHEN note IS NULL THEN false ELSE tenant_id IS NOT DISTINCT FROM casnet.current_tenant_id() END', 'tenant'),
	(4, 'tenant_id = (SELECT casnet.current_tenant_id())', 'tenant'),
	(5, 'casnet.can(''edit_records'')', 'user'),
	(6, 'author = casnet.current_user_id() OR tenant_id = casnet.tenant_with(''view_records'')', 'tenant');
GRANT SELECT ON public.forms TO PUBLIC;
CREATE FUNCTION public.police(form text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	DROP POLICY IF EXISTS mine ON public.notes;
	EXECUTE format('CREATE POLICY mine ON public.notes USING (%s)', form);
END
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
-- The result of a cursor when the session changes, before the first row or after it.
CREATE FUNCTION public.reads(query text, fetched integer, changes text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	c refcursor;
	r text;
	here text[];
BEGIN
	PERFORM set_config('casnet.user_id', '00000000-0000-7000-8000-000000000003', true),
			set_config('casnet.tenant_id', '00000000-0000-7000-8000-0000000000a0', true);
	OPEN c FOR EXECUTE query;
	FOR i IN 1 .. fetched LOOP
		FETCH c INTO r;
		here := here || split_part(r, ' ', CASE changes WHEN 'tenant' THEN 1 ELSE 2 END);
	END LOOP;
	IF changes = 'tenant' THEN
		PERFORM set_config('casnet.tenant_id', '00000000-0000-7000-8000-0000000000b0', true);
	ELSE
		PERFORM set_config('casnet.user_id', '00000000-0000-7000-8000-000000000001', true);
	END IF;
	LOOP
		FETCH c INTO r;
		EXIT WHEN NOT FOUND;
		here := here || split_part(r, ' ', CASE changes WHEN 'tenant' THEN 1 ELSE 2 END);
	END LOOP;
	RETURN (SELECT string_agg(DISTINCT h, ' ') FROM unnest(here) AS h);
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
SET LOCAL enable_indexscan = off;
SET LOCAL enable_bitmapscan = off;
SELECT is(public.reads('SELECT note FROM public.notes', 1, changes), '55000', 'on the way: ' || form)
  FROM public.forms, LATERAL (SELECT public.police(form) OFFSET 0) AS p ORDER BY n;
SELECT is(public.reads('SELECT note FROM public.notes', 0, changes), '55000', 'before the first row: ' || form)
  FROM public.forms, LATERAL (SELECT public.police(form) OFFSET 0) AS p ORDER BY n;
SET LOCAL enable_indexscan = on;
SET LOCAL enable_seqscan = off;
SELECT is(public.reads('SELECT note FROM public.notes', 1, changes), '55000', 'by an index: ' || form)
  FROM public.forms, LATERAL (SELECT public.police(form) OFFSET 0) AS p ORDER BY n;
SET LOCAL enable_seqscan = on;
SET LOCAL plan_cache_mode = force_generic_plan;
PREPARE kept AS SELECT note FROM public.notes;
SELECT is(public.reads('SELECT n.note FROM public.notes AS n JOIN casnet.records AS r ON true', 1, changes), '55000', 'beside a table of casnet''s: ' || form)
  FROM public.forms, LATERAL (SELECT public.police(form) OFFSET 0) AS p ORDER BY n;
SELECT is(public.reads('SELECT note FROM public.notes ORDER BY note DESC', 2, changes), '55000', 'sorted: ' || form)
  FROM public.forms, LATERAL (SELECT public.police(form) OFFSET 0) AS p ORDER BY n;

-- Within one statement.
SELECT public.police(form) IS NULL AS policed FROM public.forms WHERE n = 1 \gset
CALL be('mia', 'North');
SELECT is(state_of('SELECT note, casnet.use_tenant(''South'') FROM public.notes'), '55000', 'a statement that changes the tenant');
SELECT is(state_of('SELECT note, casnet.use_tenant(''North'') FROM public.notes'), 'none', 'or stays in it');
SELECT is(state_of('SELECT note, casnet.sign_out() FROM public.notes'), '55000', 'one that signs out');
SELECT public.police(form) IS NULL AS policed FROM public.forms WHERE n = 2 \gset
SELECT is(state_of(format('SELECT note, set_config(''casnet.user_id'', %L, false) FROM public.notes', :'olga')), '55000', 'one that becomes another');

-- Without a user nothing is asked, and each statement has its own identity.
CALL be(NULL);
SELECT is((SELECT count(*) FROM public.notes), 0::bigint, 'nobody is no author');
CALL be('mia', 'North');
SELECT is((SELECT count(*) FROM public.notes), 4::bigint, 'an author');
CALL be('olga', 'North');
EXECUTE kept \g /dev/null
SELECT is((SELECT string_agg(DISTINCT split_part(note, ' ', 2), ' ') FROM public.notes), 'olga', 'the next one');
-- A function within a cursor that reads as another user does not change the cursor.
CALL be('mia', 'North');
CREATE FUNCTION public.as_other() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	PERFORM set_config('casnet.user_id', '00000000-0000-7000-8000-000000000001', true);
	SELECT count(*) INTO n FROM public.notes;
	PERFORM set_config('casnet.user_id', '00000000-0000-7000-8000-000000000003', true);
	RETURN n;
END
$$;
SELECT is((SELECT string_agg(DISTINCT concat_ws(' ', split_part(note, ' ', 2), public.as_other()), ', ') FROM public.notes), 'mia 4', 'a function reads as another, and is back');
SELECT * FROM finish();
ROLLBACK;
