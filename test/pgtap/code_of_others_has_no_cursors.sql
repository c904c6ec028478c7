-- Another role's code that runs in a session, as that role, cannot fetch from the session's
-- open cursors.  The code of a partition does not run as the owner of the partitioned table.
BEGIN;
SELECT plan(8);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_maker;
CREATE ROLE tap_other;
CREATE SCHEMA shop AUTHORIZATION tap_maker;
GRANT USAGE, CREATE ON SCHEMA shop TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TABLE shop.orders (id integer NOT NULL) PARTITION BY LIST (id);
CREATE TABLE shop.orders_1 PARTITION OF shop.orders DEFAULT;
CREATE TABLE shop.seen (what text);
GRANT INSERT ON shop.seen TO PUBLIC;
CREATE FUNCTION shop.fetches() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	c refcursor := 'open';
	own refcursor;
	t text;
BEGIN
	BEGIN
		FETCH c INTO t;
		INSERT INTO shop.seen VALUES (coalesce(t, 'the end'));
	EXCEPTION WHEN OTHERS THEN
		INSERT INTO shop.seen VALUES (SQLSTATE);
	END;
	OPEN own FOR SELECT 'own';
	FETCH own INTO t;
	INSERT INTO shop.seen VALUES (t);
	RETURN old;
END
$$;
CREATE TRIGGER fetches BEFORE DELETE ON shop.orders_1 FOR EACH ROW EXECUTE FUNCTION shop.fetches();
RESET SESSION AUTHORIZATION;
SELECT casnet.protect('shop.orders', 'records') IS NOT NULL AS protected \g /dev/null
INSERT INTO shop.orders (tenant_id, id) VALUES (:'south', 1);
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('otto', 'South');
CREATE FUNCTION pg_temp.next() RETURNS text LANGUAGE plpgsql AS $$ DECLARE c refcursor := 'open'; t text; BEGIN FETCH c INTO t; RETURN t; END $$;
DECLARE open CURSOR FOR SELECT title FROM casnet.records ORDER BY title;
SELECT is(pg_temp.next(), 'South record 1', 'the session fetches');
SAVEPOINT a;
SELECT casnet.delete_tenant(:'south') IS NOT NULL AS deleted \g /dev/null
RESET SESSION AUTHORIZATION;
SELECT is((SELECT string_agg(what, ' ') FROM shop.seen), '42501 own', 'with code that fetches from its own cursors only');
ROLLBACK TO a;
-- Nor from cursors of a role that no policy binds, or over tables that have none.
RESET SESSION AUTHORIZATION;
CLOSE open;
DECLARE open CURSOR FOR SELECT title FROM casnet.records;
SAVEPOINT b;
SELECT casnet.delete_tenant(:'south') IS NOT NULL AS deleted \g /dev/null
SELECT is((SELECT string_agg(what, ' ') FROM shop.seen), '42501 own', 'nor of a superuser');
ROLLBACK TO b;
CLOSE open;
DECLARE open SCROLL CURSOR FOR SELECT relname::text FROM pg_class;
SAVEPOINT b;
SELECT casnet.delete_tenant(:'south') IS NOT NULL AS deleted \g /dev/null
SELECT is((SELECT string_agg(what, ' ') FROM shop.seen), '42501 own', 'nor of other tables');
ROLLBACK TO b;
CREATE FUNCTION pg_temp.deleted_in_a_loop(tenant uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	FOR r IN SELECT 1 AS id UNION ALL SELECT 2 LOOP
		IF r.id = 1 THEN
			PERFORM casnet.delete_tenant(tenant);
		END IF;
	END LOOP;
	RETURN r.id;
END
$$;
SELECT is(pg_temp.deleted_in_a_loop(:'south'), '2', 'the session continues with its own');
ROLLBACK TO a;
RESET SESSION AUTHORIZATION;
ALTER TABLE shop.orders_1 OWNER TO tap_other;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(state_of(format('SELECT casnet.delete_tenant(%L)', :'south')), '55000', 'a partition of another role');
RESET SESSION AUTHORIZATION;
ALTER TABLE shop.orders OWNER TO tap_other;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(state_of(format('SELECT casnet.delete_tenant(%L)', :'south')), '55000', 'of the same, with a function of another');
RESET SESSION AUTHORIZATION;
ALTER FUNCTION shop.fetches() OWNER TO tap_other;
ALTER TABLE shop.seen OWNER TO tap_other;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(error_of(format('SELECT casnet.delete_tenant(%L)', :'south')), 'none', 'of the same');
SELECT * FROM finish();
ROLLBACK;
