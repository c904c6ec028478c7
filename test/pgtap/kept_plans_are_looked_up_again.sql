-- A function of a stranger that the session has used before, so that PL/pgSQL or the server
-- keeps it, runs with no rights but the session's.
BEGIN;
SELECT plan(11);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_maker;
CREATE ROLE tap_stranger;
CREATE SCHEMA shop AUTHORIZATION tap_maker;
CREATE SCHEMA elsewhere AUTHORIZATION tap_stranger;
GRANT USAGE ON SCHEMA shop, elsewhere TO PUBLIC;
CREATE TABLE public.ran (who name);
GRANT INSERT, SELECT ON public.ran TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_stranger;
CREATE FUNCTION elsewhere.f(integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.ran VALUES (current_user); RETURN $1; END $$;
CREATE FUNCTION elsewhere.inlined(integer) RETURNS integer LANGUAGE sql AS $$ SELECT CASE WHEN current_user = session_user THEN 0 ELSE pg_advisory_xact_lock(78, 1)::text::integer END $$;
CREATE TYPE elsewhere.kind AS ENUM ('a', 'b');
CREATE FUNCTION elsewhere.kind_number(elsewhere.kind) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.ran VALUES (current_user); RETURN 1; END $$;
CREATE CAST (elsewhere.kind AS integer) WITH FUNCTION elsewhere.kind_number(elsewhere.kind) AS IMPLICIT;
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TABLE shop.orders (id integer);
CREATE FUNCTION shop.fires() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$ DECLARE a integer; BEGIN a := elsewhere.f(1); RETURN old; END $$;
CREATE TRIGGER fires BEFORE DELETE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.fires();
RESET SESSION AUTHORIZATION;
SELECT casnet.protect('shop.orders') IS NOT NULL AS protected \g /dev/null
GRANT ALL ON shop.orders TO tap_app;
INSERT INTO casnet.role_permissions (role, permission) SELECT 'owner', v || '_orders' FROM unnest('{view,create,edit,delete}'::text[]) AS v ON CONFLICT DO NOTHING;
INSERT INTO shop.orders (tenant_id, id) SELECT :'north', n FROM generate_series(1, 9) AS n;
CREATE FUNCTION public.watch() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$ DECLARE a integer; BEGIN a := elsewhere.f(1); RETURN new; END $$;
CREATE TRIGGER watch BEFORE UPDATE ON casnet.tasks FOR EACH ROW EXECUTE FUNCTION public.watch();
CREATE FUNCTION public.tried(statement text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
	EXECUTE statement;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
\set refused '55000 function "f" would run with more rights than its owner has'
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
UPDATE casnet.tasks SET title = title;
SELECT is(tried(format('DELETE FROM casnet.records WHERE tenant_id = %L', :'north')), :'refused', 'a cascade, after an UPDATE that called it');
DELETE FROM shop.orders WHERE id = 1;
SELECT is(tried(format('SELECT casnet.delete_tenant(%L)', :'north')), :'refused', 'delete_tenant(), after a DELETE that called it');
SELECT is((SELECT string_agg(DISTINCT who, ' ') FROM public.ran), 'tap_app', 'it ran as the user');
RESET SESSION AUTHORIZATION;
CREATE OR REPLACE FUNCTION shop.fires() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE a integer; BEGIN a := elsewhere.inlined(1); RETURN old; END $$;
SET LOCAL SESSION AUTHORIZATION tap_app;
DELETE FROM shop.orders WHERE id = 2;
SELECT is(tried(format('SELECT casnet.delete_tenant(%L)', :'north')), '55000 function "inlined" would run with more rights than its owner has', 'a function that the planner inlines');
RESET SESSION AUTHORIZATION;
SELECT is_empty('SELECT FROM pg_locks WHERE locktype = ''advisory'' AND classid = 78', 'which did not run');

-- The same in a function without settings.
RESET SESSION AUTHORIZATION;
DELETE FROM public.ran;
CREATE OR REPLACE FUNCTION shop.fires() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE a integer; BEGIN a := elsewhere.f(1); RETURN old; END $$;
SET LOCAL SESSION AUTHORIZATION tap_app;
DELETE FROM shop.orders WHERE id = 3;
SELECT is(tried(format('SELECT casnet.delete_tenant(%L)', :'north')), :'refused', 'a function without settings');
SELECT is((SELECT string_agg(DISTINCT who, ' ') FROM public.ran), 'tap_app', 'which ran as the user');
RESET SESSION AUTHORIZATION;

-- A cast that the server keeps to compare keys.
DROP TRIGGER fires ON shop.orders;
DROP TRIGGER watch ON casnet.tasks;
CREATE TABLE shop.kinds (k integer PRIMARY KEY);
INSERT INTO shop.kinds VALUES (1);
ALTER TABLE casnet.tasks ADD kind elsewhere.kind;
ALTER TABLE casnet.tasks ADD CONSTRAINT of_kind FOREIGN KEY (kind) REFERENCES shop.kinds;
UPDATE casnet.tasks SET kind = 'a';
DELETE FROM public.ran;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(tried('UPDATE casnet.tasks SET kind = ''b'''), 'done', 'a user changes such a key');
SELECT is(tried(format('DELETE FROM casnet.records WHERE tenant_id = %L', :'north')), '55000 column "kind" of table "tasks" would run code with more rights than its owner has', 'a cascade does not');
SELECT is((SELECT count(*) FROM public.ran WHERE who = 'casnet_owner'), 0::bigint, 'which does not run it');
RESET SESSION AUTHORIZATION;
ALTER FUNCTION elsewhere.kind_number(elsewhere.kind) OWNER TO CURRENT_USER;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(tried(format('DELETE FROM casnet.records WHERE tenant_id = %L', :'north')), 'done', 'unless the function is a superuser''s');
SELECT * FROM finish();
ROLLBACK;
