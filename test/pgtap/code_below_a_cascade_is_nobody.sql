-- delete_tenant() empties a table as its owner, who can be a superuser.  No code of another
-- role runs as that owner: no trigger function, and nothing that a further key reaches.
-- Code that runs as its own role finds no identity in the session.
BEGIN;
SELECT plan(15);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_maker IN ROLE casnet_user;
CREATE SCHEMA shop AUTHORIZATION tap_maker;
GRANT USAGE ON SCHEMA shop TO PUBLIC;
CREATE TABLE public.invoices (id integer PRIMARY KEY);
SELECT casnet.protect('public.invoices', 'records') IS NOT NULL AS protected \g /dev/null
GRANT REFERENCES, TRIGGER ON public.invoices TO tap_maker;
UPDATE casnet.user_tenants SET role = 'owner' WHERE user_id = :'mia';
INSERT INTO public.invoices (tenant_id, id) VALUES (:'south', 1);
SELECT set_config('tap.north', :'north', true) \g /dev/null
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TABLE shop.seen (step text, what text);
CREATE FUNCTION shop.try(step text, statement text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	found text;
BEGIN
	EXECUTE statement INTO found;
	INSERT INTO shop.seen VALUES (step, coalesce(nullif(found, ''), 'nothing'));
EXCEPTION WHEN OTHERS THEN
	INSERT INTO shop.seen VALUES (step, SQLSTATE);
END
$$;
CREATE FUNCTION shop.looks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM shop.try('who', 'SELECT current_user');
	PERFORM shop.try('user', 'SELECT casnet.current_user_id()');
	PERFORM shop.try('setting', 'SELECT current_setting(''casnet.user_id'')');
	PERFORM shop.try('find', 'SELECT casnet_internal.find_user(''olga'')');
	PERFORM shop.try('export', format('SELECT casnet_internal.export_tenant_in_session(%L)', current_setting('tap.north')));
	PERFORM shop.try('remove', format('SELECT casnet_internal.remove_tenant(%L)', current_setting('tap.north')));
	PERFORM shop.try('found', 'SELECT casnet_internal.found_tenant(''found'', NULL, NULL)');
	PERFORM shop.try('rows', 'SELECT count(*) FROM casnet.records');
	RETURN old;
END
$$;
SAVEPOINT a;
-- A trigger by a role that has only the privilege TRIGGER; its function or its condition is
-- that role's.
CREATE TRIGGER looks BEFORE DELETE ON public.invoices FOR EACH ROW EXECUTE FUNCTION shop.looks();
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'South');
SELECT throws_ok(format('SELECT casnet.delete_tenant(%L)', :'south'), '55000', 'trigger "looks" of table "invoices" calls a function of another role', 'a trigger that would run as the owner');
-- A SECURITY DEFINER function could be changed meanwhile.
SET LOCAL SESSION AUTHORIZATION tap_maker;
ALTER FUNCTION shop.looks() SECURITY DEFINER;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok(format('SELECT casnet.delete_tenant(%L)', :'south'), '55000', NULL, 'one that runs as its own');
ROLLBACK TO a;
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE FUNCTION shop.condition(integer) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM shop.try('who', 'SELECT current_user'); RETURN true; END $$;
CREATE TRIGGER looks BEFORE DELETE ON public.invoices FOR EACH ROW WHEN (shop.condition(old.id)) EXECUTE FUNCTION suppress_redundant_updates_trigger();
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'South');
SELECT throws_ok(format('SELECT casnet.delete_tenant(%L)', :'south'), '55000', 'trigger "looks" of table "invoices" calls a function of another role', 'a condition of one');
ROLLBACK TO a;
-- A trigger on another table of the same owner, which a key reaches.
RESET SESSION AUTHORIZATION;
CREATE TABLE public.lines (invoice integer REFERENCES public.invoices ON DELETE CASCADE);
GRANT TRIGGER ON public.lines TO tap_maker;
INSERT INTO public.lines VALUES (1);
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TRIGGER looks BEFORE DELETE ON public.lines FOR EACH ROW EXECUTE FUNCTION shop.looks();
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'South');
SELECT throws_ok(format('SELECT casnet.delete_tenant(%L)', :'south'), '55000', 'trigger "looks" of table "lines" calls a function of another role', 'a trigger further along a key');
RESET SESSION AUTHORIZATION;
DROP TRIGGER looks ON public.lines;
SET LOCAL SESSION AUTHORIZATION tap_app;
SAVEPOINT b;
SELECT is(casnet.delete_tenant(:'south') > 0, true, 'without it the tenant goes');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM public.lines), 0::bigint, 'and what depends on it');
ROLLBACK TO b;
-- A constraint trigger with the name of a key that delete_tenant() sets immediate.
RESET SESSION AUTHORIZATION;
ALTER TABLE public.lines DROP CONSTRAINT lines_invoice_fkey, ADD CONSTRAINT lines_invoice_fkey FOREIGN KEY (invoice) REFERENCES public.invoices ON DELETE CASCADE DEFERRABLE;
CREATE TABLE public.elsewhere (id integer);
GRANT TRIGGER, INSERT ON public.elsewhere TO tap_maker;
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE CONSTRAINT TRIGGER lines_invoice_fkey AFTER INSERT ON public.elsewhere DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION shop.looks();
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok(format('SELECT casnet.delete_tenant(%L)', :'south'), '55000', 'constraint "lines_invoice_fkey" of table "elsewhere" has the name of one of table "lines"', 'a constraint trigger of the name of a key');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM shop.seen), 0::bigint, 'nothing of that ran');
ROLLBACK TO a;
-- A key that continues into a table of another role.
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TABLE shop.details (invoice integer REFERENCES public.invoices ON DELETE CASCADE);
CREATE TRIGGER looks AFTER DELETE ON shop.details FOR EACH ROW EXECUTE FUNCTION shop.looks();
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'South');
SELECT throws_ok(format('SELECT casnet.delete_tenant(%L)', :'south'), '55000', 'table "details" of role "tap_maker" is changed with these rows', 'a key that cascades');
SET LOCAL SESSION AUTHORIZATION tap_maker;
ALTER TABLE shop.details DROP CONSTRAINT details_invoice_fkey, ADD FOREIGN KEY (invoice) REFERENCES public.invoices ON DELETE SET NULL;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok(format('SELECT casnet.delete_tenant(%L)', :'south'), '55000', 'table "details" of role "tap_maker" is changed with these rows', 'or sets NULL');
-- A key that changes nothing is not refused.
SET LOCAL SESSION AUTHORIZATION tap_maker;
ALTER TABLE shop.details DROP CONSTRAINT details_invoice_fkey, ADD FOREIGN KEY (invoice) REFERENCES public.invoices;
SET LOCAL SESSION AUTHORIZATION tap_app;
SAVEPOINT b;
SELECT is(casnet.delete_tenant(:'south') > 0, true, 'a key that only refers');
ROLLBACK TO b;
-- Nor is a key to a table of the same role, or of a superuser.
RESET SESSION AUTHORIZATION;
ALTER TABLE public.invoices OWNER TO tap_maker;
SET LOCAL SESSION AUTHORIZATION tap_maker;
ALTER TABLE shop.details DROP CONSTRAINT details_invoice_fkey, ADD FOREIGN KEY (invoice) REFERENCES public.invoices ON DELETE CASCADE;
INSERT INTO shop.details VALUES (1);
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'South');
SELECT is(casnet.delete_tenant(:'south') > 0, true, 'tables of one role');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT string_agg(what, ' ') FROM shop.seen WHERE step IN ('who', 'find')), 'tap_maker 28000', 'as which all of it runs, as nobody');
SELECT is((SELECT count(*) FROM shop.details), 0::bigint, 'the rows have gone');
ROLLBACK TO a;
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM public.invoices), 1::bigint, 'nothing of this was kept');
SELECT * FROM finish();
ROLLBACK;
