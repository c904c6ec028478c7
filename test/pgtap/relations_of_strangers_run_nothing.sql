-- Where casnet acts as the owner of a table, or as the owner of its own, a view, a policy, a
-- default or a temporary type of somebody else runs nothing, also if it only calls functions
-- of the server.
BEGIN;
SELECT plan(18);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_maker;
CREATE ROLE tap_stranger;
CREATE SCHEMA shop AUTHORIZATION tap_maker;
CREATE SCHEMA elsewhere AUTHORIZATION tap_stranger;
GRANT USAGE ON SCHEMA shop, elsewhere TO PUBLIC;
-- pg_advisory_lock(1, n) shows that the code has run.
CREATE FUNCTION public.ran() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$ SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 77 $$;
SET LOCAL SESSION AUTHORIZATION tap_stranger;
CREATE VIEW elsewhere.look AS SELECT pg_advisory_xact_lock(77, 1)::text AS k;
CREATE TABLE elsewhere.log (what text, also text DEFAULT pg_advisory_xact_lock(77, 2)::text);
CREATE TABLE elsewhere.rows (what text);
INSERT INTO elsewhere.rows VALUES ('x');
ALTER TABLE elsewhere.rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY tells ON elsewhere.rows USING (pg_advisory_xact_lock(77, 3)::text IS NOT NULL);
GRANT ALL ON ALL TABLES IN SCHEMA elsewhere TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TABLE shop.orders (id integer);
CREATE FUNCTION shop.fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM k FROM elsewhere.look; RETURN coalesce(new, old); END $$;
CREATE TRIGGER fires BEFORE DELETE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.fires();
GRANT SELECT ON shop.orders TO tap_app;
RESET SESSION AUTHORIZATION;
SELECT casnet.protect('shop.orders') IS NOT NULL AS protected \g /dev/null
INSERT INTO shop.orders (tenant_id, id) VALUES (:'north', 1), (:'south', 2);
-- A superuser's trigger on a table of casnet, with the rights of whoever fires it.
CREATE FUNCTION public.watch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM k FROM elsewhere.look; RETURN new; END $$;
CREATE TRIGGER watch BEFORE UPDATE ON casnet.tasks FOR EACH ROW EXECUTE FUNCTION public.watch();
CREATE FUNCTION public.watch_members() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO elsewhere.log (what) VALUES (new.user_id); RETURN new; END $$;
CREATE TRIGGER watch AFTER INSERT ON casnet.user_tenants FOR EACH ROW EXECUTE FUNCTION public.watch_members();
CREATE FUNCTION public.tried(statement text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
	EXECUTE statement;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
\set refused '55000 code of relation "look" would run with more rights than its owner has'
SELECT is(tried(format('SELECT casnet.delete_tenant(%L)', :'north')), :'refused', 'delete_tenant(), a trigger that reads a view');
SELECT is(tried(format('DELETE FROM casnet.records WHERE tenant_id = %L', :'north')), :'refused', 'a cascade, a trigger that reads a view');
SELECT is(tried('SELECT casnet.create_tenant(''New'')'), '55000 code of relation "log" would run with more rights than its owner has', 'create_tenant(), a trigger that writes a table');
SELECT is(ran(), 0::bigint, 'nothing of them has run');
SELECT is(tried('UPDATE casnet.tasks SET title = title'), 'done', 'as the user, the trigger runs');
SELECT is(ran(), 1::bigint, 'with what it reads');
RESET SESSION AUTHORIZATION;
CREATE OR REPLACE FUNCTION shop.fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM what FROM elsewhere.rows; RETURN old; END $$;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(tried(format('SELECT casnet.delete_tenant(%L)', :'north')), '55000 code of relation "rows" would run with more rights than its owner has', 'a table with policies');
RESET SESSION AUTHORIZATION;
CREATE OR REPLACE FUNCTION shop.fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO elsewhere.log VALUES ('x'); RETURN old; END $$;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(tried(format('SELECT casnet.delete_tenant(%L)', :'north')), '55000 code of relation "log" would run with more rights than its owner has', 'a table with a default');

-- Names without a schema, for which the session has something temporary.
RESET SESSION AUTHORIZATION;
CREATE OR REPLACE FUNCTION shop.fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM k FROM settings; RETURN old; END $$;
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE TEMP VIEW settings AS SELECT pg_advisory_xact_lock(77, 4)::text AS k;
GRANT SELECT ON settings TO PUBLIC;
SELECT is(tried(format('SELECT casnet.delete_tenant(%L)', :'north')), '55000 code of relation "settings" would run with more rights than its owner has', 'a temporary view');
RESET SESSION AUTHORIZATION;
SET LOCAL check_function_bodies = off;
CREATE OR REPLACE FUNCTION shop.fires() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE v amount := 1; BEGIN RETURN old; END $$;
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE DOMAIN pg_temp.amount AS integer CHECK (pg_advisory_xact_lock(77, value + 4)::text IS NOT NULL);
SELECT is(tried(format('SELECT casnet.delete_tenant(%L)', :'north')), '55000 function "fires" could use a temporary type of another role', 'a temporary domain');
DROP DOMAIN pg_temp.amount;
SELECT is(ran(), 1::bigint, 'nothing of them has run');

-- A DELETE that also inserts makes values.
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_stranger;
CREATE DOMAIN elsewhere.label AS text CHECK (pg_advisory_xact_lock(77, 6)::text IS NOT NULL);
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TABLE shop.labels (l elsewhere.label);
CREATE TABLE shop.gone (what text);
RESET SESSION AUTHORIZATION;
CREATE OR REPLACE FUNCTION shop.fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN WITH i AS (INSERT INTO shop.labels VALUES ('x') RETURNING 1) DELETE FROM shop.gone WHERE EXISTS (SELECT FROM i); RETURN old; END $$;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(tried(format('SELECT casnet.delete_tenant(%L)', :'north')), '55000 column "l" of table "labels" would run code with more rights than its owner has', 'an INSERT within a DELETE');
SELECT is(ran(), 1::bigint, 'nothing of it has run');

-- What is the owner's own, or a definer's, runs.
RESET SESSION AUTHORIZATION;
CREATE OR REPLACE FUNCTION shop.fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM FROM shop.seen; INSERT INTO shop.log VALUES ('x'); RETURN old; END $$;
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TABLE shop.log (what text, at timestamptz DEFAULT now());
CREATE VIEW shop.seen AS SELECT * FROM shop.log;
RESET SESSION AUTHORIZATION;
ALTER FUNCTION public.watch() SECURITY DEFINER;
ALTER FUNCTION public.watch_members() SECURITY DEFINER;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(tried(format('DELETE FROM casnet.records WHERE tenant_id = %L', :'north')), 'done', 'a cascade with a trigger that is SECURITY DEFINER');
SELECT is(tried('SELECT casnet.create_tenant(''New'')'), 'done', 'a new tenant with one');
-- casnet's own functions use no temporary type.
CREATE DOMAIN pg_temp.amount AS integer CHECK (pg_advisory_xact_lock(77, value + 4)::text IS NOT NULL);
SELECT is(tried('SELECT casnet.delete_tenant(casnet.create_tenant(''Newer''))'), 'done', 'a tenant comes and goes beside a temporary domain');
DROP DOMAIN pg_temp.amount;
CREATE TYPE pg_temp.amounts AS RANGE (subtype = integer);
SELECT is(tried(format('SELECT casnet.delete_tenant(%L)', :'north')), '55000 function "fires" could use a temporary type of another role', 'a temporary range that was made later');
DROP TYPE pg_temp.amounts;
SELECT is(tried(format('SELECT casnet.delete_tenant(%L)', :'north')), 'done', 'relations of the same owner');
SELECT * FROM finish();
ROLLBACK;
