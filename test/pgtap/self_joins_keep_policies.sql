-- From PostgreSQL 18 on the planner removes a self-join by a key and reads the table once,
-- by one of the two entries.  If their policies differ, as by a view of another role, both
-- apply, before the conditions of the statement.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_maker;
GRANT casnet_user TO tap_maker;
CREATE SEQUENCE public.calls;
GRANT ALL ON SEQUENCE public.calls TO PUBLIC;
CREATE TABLE public.notes (id integer PRIMARY KEY, tenant_id uuid, note text);
INSERT INTO public.notes SELECT n, CASE n % 2 WHEN 0 THEN :'north' ELSE :'south' END::uuid, 'note' FROM generate_series(1, 100) AS n;
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON public.notes TO tap_app, tap_maker;
CREATE POLICY of_app ON public.notes TO tap_app USING (tenant_id = casnet.tenant_with('view_records'));
CREATE POLICY of_maker ON public.notes TO tap_maker USING (id > 0);
CREATE VIEW public.directory AS SELECT id FROM public.notes;
ALTER VIEW public.directory OWNER TO tap_maker;
CREATE VIEW public.everything AS SELECT id FROM public.notes;
GRANT SELECT ON public.directory, public.everything TO PUBLIC;
ANALYZE public.notes;
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE FUNCTION public.counted(integer) RETURNS boolean LANGUAGE plpgsql STABLE COST 0.0001 AS $$ BEGIN PERFORM nextval('public.calls'); RETURN true; END $$;
CREATE FUNCTION public.flip() RETURNS uuid LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN CASE WHEN nextval('public.calls') % 2 = 0 THEN '00000000-0000-7000-8000-0000000000a0' ELSE '00000000-0000-7000-8000-0000000000b0' END; END $$;
CREATE FUNCTION public.tried(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before bigint := nextval('public.calls');
	found text;
BEGIN
	EXECUTE query INTO found;
	RETURN found || CASE WHEN nextval('public.calls') - before > 60 THEN ', seen more' ELSE '' END;
END
$$;
CALL be('olga', 'North');
SELECT is(public.tried('SELECT count(*) FROM public.notes AS n JOIN ' || v || ' AS d USING (id)'), '50', 'joined with ' || v) FROM unnest('{public.directory,public.everything}'::text[]) AS v;
SELECT is(public.tried('SELECT count(*) FROM public.notes AS n JOIN ' || v || ' AS d USING (id) WHERE CASE WHEN n.note <> '''' THEN public.counted(n.id) END'), '50', 'with a condition, ' || v) FROM unnest('{public.directory,public.everything}'::text[]) AS v;
SELECT is(public.tried('SELECT count(DISTINCT n.tenant_id) < 2 FROM public.notes AS n JOIN ' || v || ' AS d USING (id) WHERE n.tenant_id = public.flip()'), 'true', 'with an equality that changes, ' || v) FROM unnest('{public.directory,public.everything}'::text[]) AS v;
-- The planner inlines the query of a function, which then brings the policies.
CREATE FUNCTION public.joined() RETURNS SETOF public.notes LANGUAGE sql STABLE AS $$ SELECT n.* FROM public.directory AS d JOIN public.notes AS n USING (id) WHERE CASE WHEN n.note <> '' THEN public.counted(n.id) END $$;
CREATE FUNCTION public.listed() RETURNS SETOF integer LANGUAGE sql STABLE AS 'SELECT id FROM public.directory';
CREATE FUNCTION public.noted() RETURNS SETOF public.notes LANGUAGE sql STABLE AS 'SELECT * FROM public.notes';
SELECT is(public.tried('SELECT count(*) FROM public.joined()'), '50', 'joined in a function');
SELECT is(public.tried('SELECT (SELECT count(*) FROM public.listed() AS l (id) JOIN public.noted() AS n USING (id) WHERE CASE WHEN n.note <> '''' THEN public.counted(n.id) END)'), '50', 'two functions joined, in a subquery');
-- A function evaluated during planning cannot change that setting.
CREATE FUNCTION public.sets() RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM set_config('enable_self_join_elimination', 'on', false); RETURN 0; EXCEPTION WHEN undefined_object THEN RETURN 0; END $$;
SELECT is(public.tried('SELECT count(*) FROM public.directory AS d JOIN public.notes AS n USING (id) WHERE n.id > public.sets() AND CASE WHEN n.note <> $q$$q$ THEN public.counted(n.id) END'), '50', 'nor by a function that is folded');
SELECT * FROM finish();
ROLLBACK;
