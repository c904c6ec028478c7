-- The server's error for COPY into a table with row security gets a hint that names the load
-- view, unless there is none that casnet made.
BEGIN;
SELECT plan(11);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public."My notes" (id integer);
CREATE TABLE public.plain (tenant_id uuid);
CREATE TABLE public.lone (tenant_id uuid);
CREATE TABLE public.forged (tenant_id uuid);
CREATE TABLE public.gone (tenant_id uuid);
ALTER TABLE public.lone ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.forged ENABLE ROW LEVEL SECURITY;
SELECT casnet.protect('public."My notes"', 'my_notes') IS NOT NULL AS protected, casnet.protect('public.gone') IS NOT NULL AS also \gset
DROP VIEW public.gone_load;
CREATE VIEW public.gone_load AS SELECT tenant_id FROM public.plain;
GRANT INSERT ON public."My notes", public.plain, public.lone, public.forged, public.gone TO tap_app;
CREATE ROLE tap_evil;
GRANT CREATE, USAGE ON SCHEMA public TO tap_evil;
SET LOCAL SESSION AUTHORIZATION tap_evil;
CREATE VIEW public.forged_load AS SELECT NULL::uuid AS tenant_id;
CREATE FUNCTION public.keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER casnet_load INSTEAD OF INSERT ON public.forged_load FOR EACH ROW EXECUTE FUNCTION public.keep();
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT count(*) AS records FROM casnet.records \gset

SELECT is(error_of($$COPY casnet.records (title) FROM PROGRAM 'true'$$) ~ '^42501 .*program' AND error_of($$COPY casnet.records (title) FROM PROGRAM 'true'$$) !~ '_load', true, 'another error keeps its hint');
RESET SESSION AUTHORIZATION;
GRANT pg_execute_server_program TO tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
\set told '0A000 | COPY FROM not supported with row-level security |  | COPY into %s, which takes the rows under the policies of the table. | '
SELECT is(error_of($$COPY casnet.records (title) FROM PROGRAM 'true'$$), format(:'told', 'casnet.records_load'), 'a table of casnet');
SET LOCAL search_path = casnet, public;
SELECT is(public.error_of($$COPY tasks FROM PROGRAM 'true'$$), format(:'told', 'casnet.tasks_load'), 'by its name alone');
RESET search_path;
SELECT is(error_of($$COPY public."My notes" FROM PROGRAM 'true'$$), format(:'told', 'public."My notes_load"'), 'a table of the application');
\set own '0A000 | COPY FROM not supported with row-level security |  | Use INSERT statements instead. | '
SELECT is(error_of($$COPY public.lone FROM PROGRAM 'true'$$), :'own', 'a table without a view');
SELECT is(error_of($$COPY public.forged FROM PROGRAM 'true'$$), :'own', 'a view of another role');
SELECT is(error_of($$COPY public.gone FROM PROGRAM 'true'$$), :'own', 'a view without the trigger');
SELECT is(error_of($$COPY public.plain FROM PROGRAM 'true'$$), 'none', 'a table without row security');
SELECT is(error_of($$COPY casnet.records TO PROGRAM 'cat > /dev/null'$$), 'none', 'a copy to a file');
SELECT is(error_of($$COPY casnet.nothing FROM PROGRAM 'true'$$), '42P01 | relation "casnet.nothing" does not exist |  |  | ', 'no table');
SELECT is(error_of($$COPY casnet.records_load (title) FROM PROGRAM 'echo x'$$), 'none', 'the view itself');
SELECT * FROM finish();
ROLLBACK;
