-- ON CONFLICT DO SELECT shows only a row of the active tenant.  Its condition waits for the
-- policy of the existing row.
BEGIN;
SELECT current_setting('server_version_num')::integer >= 190000 AS has_select \gset
\if :has_select
SELECT plan(9);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.notes (id integer PRIMARY KEY, tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(), note text);
INSERT INTO public.notes VALUES (1, :'south', 'of South'), (2, :'north', 'of North');
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON public.notes USING (tenant_id = casnet.tenant_with('view_records'));
GRANT SELECT, INSERT, UPDATE ON public.notes TO tap_app;
CREATE SEQUENCE public.seen;
GRANT ALL ON public.seen TO tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
-- A rollback does not undo what a sequence counts.
CREATE FUNCTION public.see(note text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('public.seen'); RETURN true; END $$;
CREATE FUNCTION public.was_seen() RETURNS boolean LANGUAGE sql AS 'SELECT is_called FROM public.seen';

CALL be('olga', 'North');
SELECT throws_ok($$INSERT INTO public.notes AS n (id) VALUES (1) ON CONFLICT (id) DO SELECT WHERE public.see(n.note) RETURNING n.note$$,
	'42501', NULL, 'a row of another tenant is refused');
SELECT ok(NOT public.was_seen(), 'and the condition has not seen it');
SELECT throws_ok($$INSERT INTO public.notes AS n (id) VALUES (1) ON CONFLICT (id) DO SELECT FOR UPDATE WHERE public.see(n.note) RETURNING n.note$$,
	'42501', NULL, 'so it is with a lock');
SELECT ok(NOT public.was_seen(), 'and the condition has not seen it, either');
SELECT throws_ok($$INSERT INTO public.notes AS n (id) VALUES (1) ON CONFLICT (id) DO SELECT RETURNING n.note$$,
	'42501', NULL, 'and without a condition');
SELECT results_eq($$INSERT INTO public.notes AS n (id) VALUES (2) ON CONFLICT (id) DO SELECT WHERE public.see(n.note) RETURNING n.note$$,
	ARRAY['of North'], 'a row of the own is shown');
SELECT ok(public.was_seen(), 'once the condition has seen it');
SELECT results_eq($$INSERT INTO casnet.tags (name) VALUES ('North tag') ON CONFLICT (tenant_id, name) DO SELECT RETURNING name$$,
	ARRAY['North tag'], 'a tag as well');
SELECT is(rows_of($$INSERT INTO casnet.tags (name) VALUES ('South tag') ON CONFLICT (tenant_id, name) DO SELECT RETURNING name$$),
	1::bigint, 'one of another tenant is no conflict');
SELECT * FROM finish();
\else
SELECT plan(1);
SELECT skip('ON CONFLICT DO SELECT comes with PostgreSQL 19');
SELECT * FROM finish();
\endif
ROLLBACK;
