-- A cast that is made again after a table was found to have no code of strangers.
BEGIN;
SELECT plan(4);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_stranger;
CREATE SCHEMA elsewhere AUTHORIZATION tap_stranger;
GRANT USAGE ON SCHEMA elsewhere TO PUBLIC;
CREATE TABLE public.ran (who name);
GRANT INSERT, SELECT ON public.ran TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_stranger;
CREATE TYPE elsewhere.kind AS ENUM ('a', 'b');
CREATE FUNCTION elsewhere.kind_number(elsewhere.kind) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.ran VALUES (current_user); RETURN 1; END $$;
RESET SESSION AUTHORIZATION;
CREATE FUNCTION public.kind_number(elsewhere.kind) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;
CREATE CAST (elsewhere.kind AS integer) WITH FUNCTION public.kind_number(elsewhere.kind) AS IMPLICIT;
CREATE TABLE public.kinds (k integer PRIMARY KEY);
INSERT INTO public.kinds VALUES (1);
GRANT SELECT ON public.kinds TO PUBLIC;
ALTER TABLE casnet.tasks ADD kind elsewhere.kind;
UPDATE casnet.tasks SET kind = 'a';
ALTER TABLE casnet.tasks ADD CONSTRAINT of_kind FOREIGN KEY (kind) REFERENCES public.kinds;
CREATE FUNCTION public.tried(statement text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
	EXECUTE statement;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SET CONSTRAINTS ALL IMMEDIATE;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT is(tried('DELETE FROM casnet.records WHERE title = ''North record 3'''), 'done', 'a cascade that changes no row, while the cast is a superuser''s');
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_stranger;
DROP CAST (elsewhere.kind AS integer);
CREATE CAST (elsewhere.kind AS integer) WITH FUNCTION elsewhere.kind_number(elsewhere.kind) AS IMPLICIT;
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(tried('UPDATE casnet.tasks SET kind = ''b'''), 'done', 'a user changes such a key');
SELECT is(tried(format('DELETE FROM casnet.records WHERE tenant_id = %L', :'north')), '55000 column "kind" of table "tasks" would run code with more rights than its owner has', 'a cascade does not');
SELECT is((SELECT count(*) FROM public.ran WHERE who = 'casnet_owner'), 0::bigint, 'which does not run it');
SELECT * FROM finish();
ROLLBACK;
