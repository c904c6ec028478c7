-- Another role's code that runs in a session, as that role, leaves no cursor that would run
-- as whoever fetches from it.  It neither replaces a cursor of the session nor adds one, by
-- any statement and at any depth.  The session's own cursors continue.
BEGIN;
SELECT plan(11);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_maker;
CREATE SCHEMA shop AUTHORIZATION tap_maker;
GRANT USAGE ON SCHEMA shop TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TABLE shop.orders (id integer NOT NULL);
CREATE TABLE shop.seen (who name);
CREATE TABLE shop.ways (way text);
GRANT INSERT, SELECT ON shop.seen, shop.ways TO PUBLIC;
CREATE FUNCTION shop.evil() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN INSERT INTO shop.seen VALUES (current_user); RETURN 1; END $$;
CREATE FUNCTION shop.open_one(name refcursor, way text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	CASE way
		WHEN 'select' THEN OPEN name FOR SELECT shop.evil() FROM generate_series(1, 3);
		WHEN 'scroll' THEN OPEN name SCROLL FOR SELECT shop.evil() FROM generate_series(1, 3);
		WHEN 'returning' THEN OPEN name FOR EXECUTE 'INSERT INTO shop.ways VALUES (''x'') RETURNING shop.evil()';
		WHEN 'static' THEN OPEN name FOR INSERT INTO shop.ways VALUES ('x') RETURNING shop.evil();
		WHEN 'with' THEN OPEN name FOR EXECUTE 'WITH i AS (INSERT INTO shop.ways VALUES (''x'') RETURNING shop.evil()) SELECT * FROM i';
		WHEN 'explain' THEN OPEN name FOR EXECUTE 'EXPLAIN ANALYZE SELECT shop.evil()';
	END CASE;
END
$$;
CREATE FUNCTION shop.swaps() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	c refcursor := 'open';
	way text := (SELECT w.way FROM shop.ways AS w);
BEGIN
	CLOSE c;
	PERFORM shop.open_one(c, way);
	BEGIN
		PERFORM shop.open_one('another', way);
		PERFORM shop.open_one('undone', way), 1 / 0;
	EXCEPTION WHEN division_by_zero THEN
		PERFORM shop.open_one(NULL, way);
	END;
	RETURN old;
END
$$;
CREATE TRIGGER swaps BEFORE DELETE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.swaps();
RESET SESSION AUTHORIZATION;
SELECT casnet.protect('shop.orders', 'records') IS NOT NULL AS protected \g /dev/null
INSERT INTO shop.orders (tenant_id, id) VALUES (:'south', 1);
-- What remains after a tenant is deleted and code opened cursors in that way: the cursors,
-- the result of a FETCH from the replaced one, and the role that ran.
CREATE FUNCTION pg_temp.left_by(way text, tenant uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	open refcursor := 'open';
	found text;
BEGIN
	DELETE FROM shop.ways;
	INSERT INTO shop.ways VALUES (way);
	OPEN open FOR SELECT 1;
	PERFORM casnet.delete_tenant(tenant);
	found := (SELECT string_agg(name, ' ' ORDER BY name) FROM pg_cursors WHERE name !~ 'portal 1>');
	BEGIN
		FETCH open INTO way;
	EXCEPTION WHEN OTHERS THEN
		found := found || ' ' || SQLSTATE;
	END;
	RETURN found || coalesce((SELECT string_agg(' ' || who, '' ORDER BY who) FROM shop.seen), '');
END
$$;
DECLARE kept CURSOR FOR SELECT 'a' UNION ALL SELECT 'b';
FETCH kept \g /dev/null
CREATE FUNCTION pg_temp.next() RETURNS text LANGUAGE plpgsql AS $$ DECLARE c refcursor := 'kept'; t text; BEGIN FETCH c INTO t; RETURN t; END $$;
SAVEPOINT a;
SELECT is(pg_temp.left_by('select', :'south'), 'kept 34000', 'SELECT');
ROLLBACK TO a;
SELECT is(pg_temp.left_by('scroll', :'south'), 'kept 34000', 'SCROLL');
ROLLBACK TO a;
SELECT is(pg_temp.left_by('returning', :'south'), 'kept 34000', 'INSERT ... RETURNING');
ROLLBACK TO a;
SELECT is(pg_temp.left_by('static', :'south'), 'kept 34000', 'the same, planned once');
ROLLBACK TO a;
SELECT is(pg_temp.left_by('with', :'south'), 'kept 34000', 'WITH that writes');
ROLLBACK TO a;
SELECT is(pg_temp.left_by('explain', :'south'), 'kept 34000', 'EXPLAIN ANALYZE');
ROLLBACK TO a;
SELECT is(pg_temp.next(), 'b', 'a cursor of before goes on');

-- A cast that the audit calls leaves none, either.
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TYPE shop.colour AS ENUM ('red');
CREATE FUNCTION shop.json_of(shop.colour) RETURNS json LANGUAGE plpgsql AS $$ BEGIN PERFORM shop.open_one('of a cast', 'returning'); INSERT INTO shop.seen VALUES ('cast'); RETURN '1'; END $$;
CREATE CAST (shop.colour AS json) WITH FUNCTION shop.json_of(shop.colour);
RESET SESSION AUTHORIZATION;
CREATE TABLE public.tap_painted (tenant_id uuid, id integer PRIMARY KEY, colour shop.colour DEFAULT 'red');
SELECT casnet.protect('public.tap_painted', 'records') IS NOT NULL AS protected \g /dev/null
SELECT casnet.enable_audit('public.tap_painted') IS NULL AS audited \g /dev/null
INSERT INTO public.tap_painted VALUES (:'south', 1);
SELECT is((SELECT count(*) FROM pg_cursors WHERE name = 'of a cast'), 0::bigint, 'no cursor of a cast that the audit calls');
SELECT is((SELECT string_agg(who, ' ') FROM shop.seen), 'cast', 'which it did');
DELETE FROM shop.seen;
-- One within another: what the outer code opened is closed with the outer code.
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE OR REPLACE FUNCTION shop.swaps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM shop.open_one('outer', 'returning');
	INSERT INTO public.tap_painted VALUES (current_setting('tap.north')::uuid, 2);
	PERFORM shop.open_one('last', 'returning');
	INSERT INTO shop.seen SELECT name FROM pg_cursors WHERE name IN ('outer', 'last', 'of a cast');
	RETURN old;
END
$$;
RESET SESSION AUTHORIZATION;
ALTER TABLE public.tap_painted NO FORCE ROW LEVEL SECURITY;
GRANT INSERT ON public.tap_painted TO tap_maker;
ALTER TABLE public.tap_painted DISABLE ROW LEVEL SECURITY;
SELECT set_config('tap.north', :'north', true) \g /dev/null
SELECT is(pg_temp.left_by('returning', :'south'), 'kept open cast cast last outer', 'neither is left by code within code');
ROLLBACK TO a;
SELECT is(pg_temp.next(), NULL, 'which still goes on');
SELECT * FROM finish();
ROLLBACK;
