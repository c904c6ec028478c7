-- The condition of ON CONFLICT DO UPDATE waits for the policy of the existing row, whatever
-- form an application's policy has.
BEGIN;
SELECT plan(18);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE FUNCTION public.mine() RETURNS uuid LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN casnet.tenant_with('view_records'); END $$;
CREATE TABLE public.notes (id integer PRIMARY KEY, tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(), note text);
INSERT INTO public.notes VALUES (1, :'south', 'of South'), (2, :'north', 'of North');
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE ON public.notes TO tap_app;
CREATE POLICY p ON public.notes USING (false);
CREATE SEQUENCE public."seen_North";
CREATE SEQUENCE public."seen_South";
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO tap_app;
CREATE TABLE public.forms (n integer, form text);
INSERT INTO public.forms VALUES
	(1, 'tenant_id = casnet.tenant_with(''view_records'')'),
	(2, 'tenant_id = (SELECT casnet.tenant_with(''view_records''))'),
	(3, 'tenant_id = ANY (ARRAY(SELECT m.tenant_id FROM casnet.my_tenants() AS m))'),
	(4, 'EXISTS (SELECT FROM casnet.my_tenants() AS m WHERE m.tenant_id = notes.tenant_id)'),
	(5, 'casnet.can(''view_records'') AND tenant_id = casnet.current_tenant_id()'),
	(6, 'tenant_id = public.mine()');
GRANT SELECT ON public.forms TO PUBLIC;
CREATE FUNCTION public.as_form(form text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	EXECUTE format('ALTER POLICY p ON public.notes USING (%s)', form);
END
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE FUNCTION public.seen(note text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	-- A rollback does not undo what a sequence counts.
	PERFORM nextval(format('public.%I', 'seen_' || split_part(note, ' ', 2)));
	RETURN true;
END
$$;
-- The SQLSTATE, and what the condition has seen of the row.
CREATE FUNCTION public.upsert(id integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
	before text[];
	after text[];
BEGIN
	before := (SELECT array_agg(q.last_value::text || q.is_called ORDER BY q.n) FROM (SELECT 1 AS n, last_value, is_called FROM public."seen_North" UNION SELECT 2, last_value, is_called FROM public."seen_South") AS q);
	BEGIN
		INSERT INTO public.notes AS n (id, note) VALUES (upsert.id, 'new') ON CONFLICT ON CONSTRAINT notes_pkey DO UPDATE SET note = n.note WHERE public.seen(n.note);
		answer := 'done';
	EXCEPTION WHEN OTHERS THEN
		answer := SQLSTATE;
	END;
	after := (SELECT array_agg(q.last_value::text || q.is_called ORDER BY q.n) FROM (SELECT 1 AS n, last_value, is_called FROM public."seen_North" UNION SELECT 2, last_value, is_called FROM public."seen_South") AS q);
	RETURN answer || ', seen: ' || CASE WHEN after[1] <> before[1] THEN 'of North' WHEN after[2] <> before[2] THEN 'of South' ELSE 'nothing' END;
END
$$;
CALL be('olga', 'North');
SELECT is(upsert, '42501, seen: nothing', 'of another tenant: ' || form) FROM public.forms, LATERAL (SELECT public.as_form(form) OFFSET 0) AS f, LATERAL (SELECT public.upsert(1) OFFSET 0) AS u (upsert) ORDER BY n;
SELECT is(upsert, 'done, seen: of North', 'of the own: ' || form) FROM public.forms, LATERAL (SELECT public.as_form(form) OFFSET 0) AS f, LATERAL (SELECT public.upsert(2) OFFSET 0) AS u (upsert) ORDER BY n;
SELECT is(upsert, 'done, seen: nothing', 'a new row: ' || form) FROM public.forms, LATERAL (SELECT public.as_form(form) OFFSET 0) AS f, LATERAL (SELECT public.upsert(10 + n) OFFSET 0) AS u (upsert) ORDER BY n;
SELECT * FROM finish();
ROLLBACK;
