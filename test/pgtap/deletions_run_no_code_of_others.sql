-- Deleting a tenant, an account or a membership cascades to the tables that refer to it.  To
-- plan that, the server runs functions in their expressions, and triggers afterwards, in
-- the session that deletes.  So no cascade enters tables of roles that the session does not
-- trust.
BEGIN;
SELECT plan(14);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_maker;
CREATE SCHEMA shop AUTHORIZATION tap_maker;
GRANT USAGE ON SCHEMA shop TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TABLE shop.orders (id integer);
CREATE TABLE shop.ran (who name);
GRANT INSERT ON shop.ran TO PUBLIC;
RESET SESSION AUTHORIZATION;
SELECT casnet.protect('shop.orders') IS NOT NULL AS protected \g /dev/null
INSERT INTO shop.orders (tenant_id, id) VALUES (:'north', 1);
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE FUNCTION shop.poison() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('search_path', 'shop, pg_catalog', false); RETURN 1; END $$;
CREATE FUNCTION shop.immutable(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN shop.poison(); END $$;
CREATE INDEX ON shop.orders ((id + shop.immutable(1)));
CREATE FUNCTION shop.fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO shop.ran VALUES (current_user); RETURN NULL; END $$;
CREATE TRIGGER fires AFTER TRUNCATE ON shop.orders EXECUTE FUNCTION shop.fires();
RESET SESSION AUTHORIZATION;
-- The SQLSTATE, and whether that code has changed the session.
CREATE FUNCTION public.tried(statement text) RETURNS text LANGUAGE plpgsql SET search_path = public AS $$
DECLARE
	answer text := 'done';
	ran text;
BEGIN
	BEGIN
		EXECUTE statement;
		RAISE EXCEPTION 'undone' USING ERRCODE = 'ZZ001';
	EXCEPTION
		WHEN SQLSTATE 'ZZ001' THEN
			answer := 'done' || CASE WHEN current_setting('search_path') <> 'public' THEN ', poisoned' ELSE '' END;
		WHEN OTHERS THEN
			answer := SQLSTATE;
	END;
	RETURN answer;
END
$$;
GRANT tap_app, tap_admin TO CURRENT_USER;
CREATE TABLE public.statements (n integer, statement text);
INSERT INTO public.statements VALUES
	(1, format('DELETE FROM casnet.tenants WHERE id = %L', :'north')),
	(2, 'TRUNCATE casnet.tenants CASCADE'),
	(3, format('UPDATE casnet.tenants SET id = gen_random_uuid() WHERE id = %L', :'south'));
GRANT SELECT ON public.statements TO PUBLIC;
SELECT is(public.tried(statement), '55000', 'a superuser: ' || statement) FROM public.statements ORDER BY n;
SET LOCAL SESSION AUTHORIZATION tap_admin;
SELECT is(public.tried(statement), CASE n WHEN 2 THEN '42501' ELSE '55000' END, 'an administrator: ' || statement) FROM public.statements ORDER BY n;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT is(public.tried(statement), '55000', 'an owner of the tenant: ' || statement) FROM public.statements WHERE n = 1;
SELECT is(public.tried(format('SELECT casnet.delete_tenant(%L)', :'north')), 'done', 'but by delete_tenant()');
RESET SESSION AUTHORIZATION;
SELECT is(current_setting('search_path') ~ 'shop', false, 'nothing of it is left');
SELECT is((SELECT count(*) FROM shop.ran), 0::bigint, 'nothing ran');
-- Everything else is still allowed.
SELECT is(public.tried(format('DELETE FROM casnet.user_tenants WHERE user_id = %L', :'vic')), 'done', 'a membership, to which no such table refers');
SELECT is(public.tried(format('DELETE FROM casnet.users WHERE id = %L', :'vic')), 'done', 'an account');
SELECT is(public.tried(format('UPDATE casnet.tenants SET description = ''x'' WHERE id = %L', :'north')), 'done', 'another column of a tenant');
DROP INDEX shop.orders_expr_idx;
DROP TRIGGER fires ON shop.orders;
ALTER TABLE shop.orders OWNER TO CURRENT_USER;
SELECT is(public.tried(statement), 'done', 'a table of a superuser: ' || statement) FROM public.statements WHERE n = 1;
SELECT * FROM finish();
ROLLBACK;
