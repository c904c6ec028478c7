-- doctor() finds audited tables whose changes are not recorded, or not known to be.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
\ir include/doctor.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.visits (tenant_id uuid, id int PRIMARY KEY, "a, ""ä" int, c int);
SELECT casnet.protect('public.visits') \g /dev/null
SELECT casnet.enable_audit('public.visits', '{"a, \"ä",c}') \g /dev/null
CREATE FUNCTION public.found() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', severity, object, problem, remedy), E'\n') FROM casnet.doctor() WHERE code = 'table-audit-gap'
$$;
SELECT is(diagnosis('table-audit-gap'), NULL, 'a table that is audited');
ALTER TABLE public.visits DISABLE TRIGGER casnet_audit;
SELECT is(public.found(), 'warning public.visits Its changes are not recorded. The trigger is switched off. SELECT casnet.enable_audit(''public.visits'', E''{"a, \\"ä",c}'')', 'a trigger that is off');
ALTER TABLE public.visits ENABLE REPLICA TRIGGER casnet_audit;
SELECT matches(public.found(), 'are not recorded', 'or fires on replicas only');
ALTER TABLE public.visits ENABLE ALWAYS TRIGGER casnet_audit;
SELECT is(public.found(), NULL, 'one that always fires');
COMMENT ON TRIGGER casnet_audit ON public.visits IS NULL;
SELECT matches(public.found(), 'not known since when', 'one without its comment');
SET LOCAL ROLE tap_admin;
SELECT matches(public.found(), 'not known since when', 'for an administrator as well');
RESET ROLE;
DO $$ BEGIN EXECUTE (SELECT remedy FROM casnet.doctor() WHERE code = 'table-audit-gap'); END $$;
SELECT is(public.found(), NULL, 'the remedy');
SELECT is((SELECT tgnargs FROM pg_trigger WHERE tgrelid = 'public.visits'::regclass AND tgname = 'casnet_audit'), 2::smallint, 'keeps what is excepted');
SELECT casnet.disable_audit('public.visits') \g /dev/null
SELECT is(public.found(), NULL, 'a table that is not audited');
SELECT * FROM finish();
ROLLBACK;
