-- An application's event trigger that logs changes of tables is no obstacle, and sees the
-- statements of protect() and unprotect().
BEGIN;
SELECT plan(8);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_maker;
GRANT casnet_admin TO tap_maker;
CREATE SCHEMA shop AUTHORIZATION tap_maker;
CREATE TABLE public.ddl (tag text, rows bigint);
GRANT ALL ON public.ddl TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE TABLE shop.plain (id integer);
CREATE TABLE shop.filled (id integer, tenant_id uuid);
INSERT INTO shop.filled VALUES (1, :'north');
RESET SESSION AUTHORIZATION;
CREATE FUNCTION public.written_down() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO public.ddl SELECT tg_tag, count(*) FROM public.ddl;
END
$$;
CREATE EVENT TRIGGER tap_start ON ddl_command_start EXECUTE FUNCTION public.written_down();
CREATE EVENT TRIGGER tap_end ON ddl_command_end EXECUTE FUNCTION public.written_down();
CREATE FUNCTION public.seen(tag text) RETURNS boolean LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM public.ddl AS d WHERE d.tag = seen.tag)';
SET LOCAL SESSION AUTHORIZATION tap_maker;
SELECT lives_ok('SELECT casnet.protect(''shop.plain'')', 'a table without the column');
SELECT ok(public.seen('ALTER TABLE'), 'is altered, as the event trigger sees');
SELECT lives_ok('SELECT casnet.protect(''shop.filled'')', 'a table with rows');
SELECT col_not_null('shop', 'filled', 'tenant_id', 'which get NOT NULL');
SELECT is((SELECT count(*) FROM pg_constraint WHERE conrelid = 'shop.filled'::regclass AND contype = 'f' AND convalidated), 1::bigint, 'and a valid key');
SELECT lives_ok('SELECT casnet.unprotect(''shop.plain'')', 'and back');
SELECT lives_ok('SELECT casnet.unprotect(''shop.filled'')', 'both');
RESET SESSION AUTHORIZATION;
SELECT lives_ok('SELECT casnet.install()', 'install()');
SELECT * FROM finish();
ROLLBACK;
