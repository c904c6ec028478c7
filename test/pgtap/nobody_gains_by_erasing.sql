-- The owner of a table that goes with its tenant gains nothing when anybody deletes the
-- tenant.  The table's index expressions, checks, triggers of each timing, and the settings
-- they change have only the owner's rights, or the deletion is refused.
BEGIN;
SELECT plan(38);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_mallory;
GRANT casnet_user TO tap_mallory;
CREATE SCHEMA mallory AUTHORIZATION tap_mallory;
-- Counts, despite every rollback, how often it runs as its owner and as anybody else.
CREATE SEQUENCE public.ran_as_owner;
CREATE SEQUENCE public.ran_as_another;
GRANT ALL ON SEQUENCE public.ran_as_owner, public.ran_as_another TO PUBLIC;
CREATE FUNCTION mallory.says() RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
	PERFORM nextval(CASE current_user WHEN 'tap_mallory' THEN 'public.ran_as_owner' ELSE 'public.ran_as_another' END);
	RETURN 1;
END
$$;
CREATE FUNCTION mallory.immutable(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT mallory.says()';
CREATE FUNCTION mallory.fired() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM mallory.says();
	PERFORM set_config('search_path', 'mallory, pg_catalog', false);
	RETURN CASE TG_LEVEL WHEN 'ROW' THEN OLD END;
END
$$;
-- An operator that replaces one of the server's if search_path says so.
CREATE FUNCTION mallory.plus(bigint, bigint) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	PERFORM mallory.says();
	RETURN 1;
END
$$;
CREATE OPERATOR mallory.+ (FUNCTION = mallory.plus, LEFTARG = bigint, RIGHTARG = bigint);
ALTER FUNCTION mallory.says() OWNER TO tap_mallory;
CREATE TABLE mallory.loot (id integer, title text);
SELECT casnet.protect('mallory.loot') IS NOT NULL AS protected \gset
ALTER TABLE mallory.loot OWNER TO tap_mallory;
INSERT INTO mallory.loot (tenant_id, id) VALUES (:'north', 1), (:'south', 2);
CREATE INDEX ON mallory.loot ((mallory.immutable(1)));
ALTER TABLE mallory.loot ADD CHECK (mallory.immutable(1) = 1);
GRANT USAGE ON SCHEMA mallory TO PUBLIC;
SET LOCAL constraint_exclusion = on;
-- Deletes the tenant, and undoes it: the SQLSTATE, whether anything ran as another than its
-- owner, and the resulting search_path.
CREATE FUNCTION public.erased(tenant uuid, timing text, way text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before bigint := nextval('public.ran_as_another');
BEGIN
	EXECUTE format(way, tenant);
	SET CONSTRAINTS ALL IMMEDIATE;
	RAISE EXCEPTION 'done, %', current_setting('search_path') USING ERRCODE = 'ZZ001';
EXCEPTION WHEN OTHERS THEN
	RETURN CASE SQLSTATE WHEN 'ZZ001' THEN SQLERRM ELSE SQLSTATE END
		|| CASE nextval('public.ran_as_another') - before WHEN 1 THEN '' ELSE ', as another' END;
END
$$;
CREATE FUNCTION public.with_trigger(timing text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	DROP TRIGGER IF EXISTS t ON mallory.loot;
	EXECUTE format('CREATE %s EXECUTE FUNCTION mallory.fired()', timing);
	RETURN timing;
END
$$;
CREATE TABLE public.timings (n integer, timing text, later boolean, for_statement boolean);
INSERT INTO public.timings VALUES
	(1, 'TRIGGER t BEFORE DELETE ON mallory.loot FOR EACH ROW', false, false),
	(2, 'TRIGGER t AFTER DELETE ON mallory.loot FOR EACH ROW', false, false),
	(3, 'TRIGGER t BEFORE DELETE ON mallory.loot FOR EACH STATEMENT', false, true),
	(4, 'TRIGGER t AFTER DELETE ON mallory.loot FOR EACH STATEMENT', false, true),
	(5, 'CONSTRAINT TRIGGER t AFTER DELETE ON mallory.loot DEFERRABLE INITIALLY DEFERRED FOR EACH ROW', true, false),
	(6, 'CONSTRAINT TRIGGER t AFTER DELETE ON mallory.loot DEFERRABLE FOR EACH ROW', true, false);
GRANT SELECT ON public.timings TO PUBLIC;
SET LOCAL search_path = public;
SELECT setval('public.ran_as_owner', 1) AS from_now \gset
SELECT is(public.erased(:'north', public.with_trigger(timing), 'SELECT casnet.delete_tenant(%L)'),
	CASE WHEN later THEN '55000' ELSE 'done, public' END, 'a superuser, ' || timing) FROM public.timings ORDER BY n;
SELECT is(public.erased(:'north', public.with_trigger(timing), 'DELETE FROM casnet.tenants WHERE id = %L'),
	'55000', 'a superuser by DELETE, ' || timing) FROM public.timings ORDER BY n;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is(public.erased(:'north', public.with_trigger(timing), 'SELECT casnet.delete_tenant(%L)'),
	CASE WHEN later THEN '55000' ELSE 'done, public' END, 'an administrator, ' || timing) FROM public.timings ORDER BY n;
SELECT is(public.erased(:'north', public.with_trigger(timing), 'DELETE FROM casnet.tenants WHERE id = %L'),
	'55000', 'an administrator by DELETE, ' || timing) FROM public.timings ORDER BY n;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT is(public.erased(:'north', public.with_trigger(timing), 'SELECT casnet.delete_tenant(%L)'),
	CASE WHEN later THEN '55000' ELSE 'done, public' END, 'an owner of the tenant, ' || timing) FROM public.timings ORDER BY n;
SELECT is(public.erased(:'north', public.with_trigger(timing), 'DELETE FROM casnet.tenants WHERE id = %L'),
	'55000', 'an owner by DELETE, ' || timing) FROM public.timings ORDER BY n;
RESET SESSION AUTHORIZATION;
SELECT cmp_ok(nextval('public.ran_as_owner'), '>', 20::bigint, 'all of it ran as its owner');
SELECT is((SELECT count(*) FROM mallory.loot), 2::bigint, 'all of it was undone');
SELECT * FROM finish();
ROLLBACK;
