-- Nothing refers to a deleted tenant: a row that a key keeps, or that a table's trigger or
-- rule restores, is an error.  In other roles' tables only keys are checked, and their code
-- never sees the session's user.
BEGIN;
SELECT plan(13);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_maker;
CREATE SCHEMA shop AUTHORIZATION tap_maker;
GRANT USAGE ON SCHEMA shop TO PUBLIC;
CREATE TABLE shop.orders (id integer, title text, record_id uuid);
SELECT casnet.protect('shop.orders') IS NOT NULL AS protected \gset
ALTER TABLE shop.orders ADD UNIQUE (tenant_id, id), OWNER TO tap_maker;
INSERT INTO shop.orders (tenant_id, id) VALUES (:'north', 1);
CREATE TABLE shop.seen (who name, identity text);
GRANT ALL ON shop.seen TO PUBLIC;
CREATE FUNCTION shop.sees() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO shop.seen VALUES (current_user, concat_ws(' ', nullif(current_setting('casnet.token'), ''), nullif(current_setting('casnet.user_id'), ''), nullif(current_setting('casnet.tenant_id'), '')));
	RETURN NULL;
END
$$;
CREATE FUNCTION shop.brings_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO shop.orders (tenant_id, id) VALUES (OLD.tenant_id, OLD.id);
	RETURN NULL;
END
$$;
CREATE FUNCTION shop.keeps() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
-- The statement runs after its preparation; all of it is undone.
CREATE FUNCTION public.after(ddl text, statement text, as_user text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE ddl;
	IF as_user IS NOT NULL THEN
		PERFORM set_config('casnet.user_id', as_user, true), set_config('casnet.tenant_id', '00000000-0000-7000-8000-0000000000a0', true);
		SET LOCAL ROLE tap_app;
	END IF;
	EXECUTE statement;
	RAISE EXCEPTION 'done' USING ERRCODE = 'ZZ001';
EXCEPTION WHEN OTHERS THEN
	RETURN CASE SQLSTATE WHEN 'ZZ001' THEN SQLERRM ELSE SQLSTATE END;
END
$$;
\set delete 'SELECT casnet.delete_tenant(''00000000-0000-7000-8000-0000000000a0'')'
\set plain 'DELETE FROM casnet.tenants WHERE id = ''00000000-0000-7000-8000-0000000000a0'''
\set fires 'FOR EACH ROW EXECUTE FUNCTION shop.'
SELECT is(public.after('', :'delete'), 'done', 'a tenant goes');
SELECT is(public.after('CREATE TABLE shop.kept (t uuid REFERENCES casnet.tenants); INSERT INTO shop.kept SELECT tenant_id FROM shop.orders', :'delete'), '23503', 'not with a key that keeps it');
SELECT is(public.after('CREATE TABLE shop.kept (t uuid, r uuid, FOREIGN KEY (t, r) REFERENCES casnet.records (tenant_id, id)); INSERT INTO shop.kept SELECT tenant_id, id FROM casnet.records', :'delete'), '23503', 'or that keeps a record');
SELECT is(public.after('CREATE TRIGGER t AFTER DELETE ON shop.orders ' || :'fires' || 'brings_back()', :'delete'), '23503', 'a trigger brings a row back');
SELECT is(public.after('CREATE TRIGGER t BEFORE DELETE ON shop.orders ' || :'fires' || 'keeps()', :'delete'), '23503', 'or keeps it');
SELECT is(public.after('CREATE RULE r AS ON DELETE TO shop.orders DO INSTEAD NOTHING', :'delete'), '23503', 'a rule keeps it');
-- Only keys are checked.
SELECT is(public.after('CREATE TABLE shop.lines (tenant_id uuid, id integer, FOREIGN KEY (tenant_id, id) REFERENCES shop.orders (tenant_id, id) ON DELETE CASCADE); ALTER TABLE shop.lines OWNER TO tap_maker; CREATE TRIGGER t AFTER DELETE ON shop.lines ' || :'fires' || 'sees()', :'plain'), '55000', 'a plain DELETE that goes on to a table with a trigger');
SELECT is(public.after('CREATE TABLE shop.lines (tenant_id uuid, u uuid, FOREIGN KEY (u, tenant_id) REFERENCES casnet.user_tenants ON DELETE SET NULL (u)); ALTER TABLE shop.lines OWNER TO tap_maker; CREATE TRIGGER t AFTER UPDATE ON shop.lines ' || :'fires' || 'sees()', :'plain'), '55000', 'or updates one');
SELECT is(public.after('CREATE TABLE shop.lines (tenant_id uuid, u uuid, FOREIGN KEY (u, tenant_id) REFERENCES casnet.user_tenants ON DELETE SET NULL (u)); ALTER TABLE shop.lines OWNER TO tap_maker; CREATE TRIGGER t AFTER UPDATE ON shop.lines ' || :'fires' || 'sees()', 'SELECT casnet.leave_tenant()', :'mia'), '55000', 'so does leaving a tenant');
SELECT is(public.after('', 'SELECT casnet.leave_tenant()', :'mia'), 'done', 'without it nothing prevents it');
-- The session's user.
CREATE TRIGGER t AFTER DELETE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.sees();
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT cmp_ok(casnet.delete_tenant(:'north'), '>', 5::bigint, 'an owner deletes the tenant');
SELECT is(casnet.current_user_id(), :'olga'::uuid, 'and is who she was');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT string_agg(who || ':' || identity, ', ') FROM shop.seen), 'tap_maker:', 'which the trigger did not learn');
SELECT * FROM finish();
ROLLBACK;
