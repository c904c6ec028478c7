-- delete_tenant() has deferred keys checked at once, by their names, to empty tables as
-- their owner.  Nothing else with such a name then fires.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_maker;
CREATE SCHEMA shop;
GRANT USAGE, CREATE ON SCHEMA shop TO tap_app;
CREATE TABLE shop.orders (tenant_id uuid, id integer, PRIMARY KEY (tenant_id, id));
CREATE TABLE shop.lines (tenant_id uuid, id integer, CONSTRAINT lines_of_order FOREIGN KEY (tenant_id, id) REFERENCES shop.orders DEFERRABLE INITIALLY DEFERRED);
SELECT casnet.protect(t) IS NOT NULL AS protected FROM unnest('{shop.orders,shop.lines}'::regclass[]) AS t \g /dev/null
INSERT INTO shop.orders VALUES (:'north', 1);
INSERT INTO shop.lines VALUES (:'north', 1);
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
CREATE TABLE shop.ran (who name);
GRANT INSERT, SELECT ON shop.ran TO PUBLIC;
-- Its changes are undone; it returns who ran.
CREATE FUNCTION public.after(ddl text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	ran text;
BEGIN
	EXECUTE ddl;
	EXECUTE statement;
	SELECT string_agg(who, ' ') FROM shop.ran INTO ran;
	RAISE EXCEPTION '%', coalesce(ran, 'nobody') USING ERRCODE = 'ZZ001';
EXCEPTION WHEN OTHERS THEN
	RETURN CASE SQLSTATE WHEN 'ZZ001' THEN SQLERRM ELSE SQLSTATE END;
END
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE TABLE shop.mine (i integer);
CREATE FUNCTION shop.runs() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO shop.ran VALUES (current_user); RETURN NULL; END';
CALL be('olga', 'North');
\set delete 'SELECT casnet.delete_tenant(''00000000-0000-7000-8000-0000000000a0'')'
SELECT is(public.after('', :'delete'), 'nobody', 'a tenant goes, with rows of deferrable keys');
SELECT is(public.after('CREATE CONSTRAINT TRIGGER t AFTER INSERT ON shop.mine DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION shop.runs(); INSERT INTO shop.mine VALUES (1)', :'delete'), 'nobody', 'what is deferred stays so');
SELECT is(public.after('CREATE CONSTRAINT TRIGGER lines_of_order AFTER INSERT ON shop.mine DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION shop.runs(); INSERT INTO shop.mine VALUES (1)', :'delete'), '55000', 'a trigger has the name of a key');
SELECT is(public.after('CREATE CONSTRAINT TRIGGER lines_of_order AFTER INSERT ON shop.mine DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW EXECUTE FUNCTION shop.runs()', :'delete'), '55000', 'also one that is not deferred now');
-- The check of another role's key runs none of that role's code as the owner.  So it is
-- allowed, and happens as it would have.
SELECT is(public.after('CREATE TABLE shop.parents (i integer PRIMARY KEY); CREATE TABLE shop.children (i integer, CONSTRAINT lines_of_order FOREIGN KEY (i) REFERENCES shop.parents DEFERRABLE INITIALLY DEFERRED)', :'delete'), 'nobody', 'a key of somebody else has the name');
SELECT is(public.after('CREATE TABLE shop.parents (i integer PRIMARY KEY); CREATE TABLE shop.children (i integer, CONSTRAINT lines_of_order FOREIGN KEY (i) REFERENCES shop.parents DEFERRABLE INITIALLY DEFERRED); INSERT INTO shop.children VALUES (1)', :'delete'), '55000', 'or one with a row to check');
RESET SESSION AUTHORIZATION;
ALTER SCHEMA shop OWNER TO tap_maker;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(public.after('', :'delete'), 'nobody', 'another role may own the schema');
RESET SESSION AUTHORIZATION;
SET CONSTRAINTS ALL IMMEDIATE;
GRANT USAGE ON SCHEMA shop TO tap_maker;
ALTER TABLE shop.orders OWNER TO tap_maker;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(public.after('', :'delete'), 'nobody', 'and the tables of two owners');
RESET SESSION AUTHORIZATION;
ALTER TABLE shop.orders OWNER TO tap_maker;
ALTER TABLE shop.lines OWNER TO tap_maker;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(public.after('', :'delete'), 'nobody', 'or all of one');
SELECT * FROM finish();
ROLLBACK;
