-- Trigger functions on other tables raise an error that says what is wrong.  They never read
-- a column as one of another type.
BEGIN;
SELECT plan(11);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
GRANT CREATE ON SCHEMA public TO tap_operator;

-- An administrator of casnet is no superuser, and may use these two.
SET LOCAL SESSION AUTHORIZATION tap_operator;
CREATE TABLE public.odd (id integer, updated_at text);
INSERT INTO public.odd VALUES (1, NULL);
CREATE TRIGGER odd BEFORE UPDATE ON public.odd FOR EACH ROW EXECUTE FUNCTION casnet_internal.touch_updated_at();
SELECT alike(public.error_of('UPDATE public.odd SET id = 2'), '42804 | column updated_at of table odd is not of type timestamp with time zone | %', 'updated_at is a text');
ALTER TABLE public.odd ALTER COLUMN updated_at TYPE integer USING 1;
SELECT alike(public.error_of('UPDATE public.odd SET id = 2'), '42804 | %', 'an integer');
ALTER TABLE public.odd DROP COLUMN updated_at;
SELECT alike(public.error_of('UPDATE public.odd SET id = 2'), '42703 | table odd has no column updated_at | %', 'missing');
CREATE DOMAIN public.moment AS timestamptz;
ALTER TABLE public.odd ADD COLUMN updated_at public.moment;
SELECT is(public.rows_of('UPDATE public.odd SET id = 2'), 1::bigint, 'a domain over timestamptz will do');
SELECT isnt((SELECT updated_at FROM public.odd), NULL, 'and is set');

-- Only a superuser attaches the others.
RESET SESSION AUTHORIZATION;
CREATE TABLE public.strange (id uuid, tenant_id text DEFAULT 'x', user_id integer DEFAULT 1, role integer DEFAULT 1,
	permission integer DEFAULT 1, status integer DEFAULT 1, completed_at text DEFAULT '');
INSERT INTO public.strange DEFAULT VALUES;
CREATE FUNCTION public.error_with(call text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'CREATE OR REPLACE TRIGGER strange ' || call;
	RETURN public.error_of('UPDATE public.strange SET id = gen_random_uuid()') || ' / ' || public.error_of('DELETE FROM public.strange');
END
$$;
SELECT alike(public.error_with('BEFORE UPDATE OR DELETE ON public.strange FOR EACH ROW EXECUTE FUNCTION casnet_internal.' || f), e, f)
  FROM (VALUES ('stamp_completed_at()', '42804 | % / 42804 | %'), ('guard_membership()', '42804 | % / none'), ('guard_grant()', '42804 | % / none'), ('keep_role()', '42703 | % / 42703 | %')) AS v (f, e);
SELECT alike(public.error_with('AFTER UPDATE OR DELETE ON public.strange FOR EACH ROW EXECUTE FUNCTION casnet_internal.keep_last_owner()'), '42804 | % / 42804 | %', 'keep_last_owner()');
ALTER TABLE public.strange DROP COLUMN role;
SELECT alike(public.error_with('AFTER UPDATE OR DELETE ON public.strange FOR EACH ROW EXECUTE FUNCTION casnet_internal.keep_last_owner()'), '42703 | % / 42703 | %', 'without a role');
SELECT * FROM finish();
ROLLBACK;
