-- The trigger functions serve the events to which install() and the other functions attach
-- them, and refuse every other call.
BEGIN;
SELECT plan(24);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.functions AS
	SELECT proname::text AS name, format('%s.%I', pronamespace::regnamespace, proname) AS call FROM pg_catalog.pg_proc
	 WHERE pronamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND prorettype = 'trigger'::regtype
	   AND prolang = (SELECT oid FROM pg_catalog.pg_language WHERE lanname = 'c');
-- The function's error as the trigger of some event.
CREATE FUNCTION pg_temp.try(event text, call text, columns text DEFAULT 'title text') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TABLE public.others (%s)', columns);
	EXECUTE format('CREATE TRIGGER t %s EXECUTE FUNCTION casnet_internal.%s', event, call);
	INSERT INTO public.others VALUES ('x');
	UPDATE public.others SET title = 'y';
	DELETE FROM public.others;
	RAISE EXCEPTION USING ERRCODE = 'ZZZZZ';
EXCEPTION
	WHEN OTHERS THEN
		RETURN SQLSTATE;
END
$$;
SELECT cmp_ok(count(*), '>=', 10::bigint, 'there are such functions') FROM public.functions;
SELECT ok(count(*) = 0, 'each refuses to be called without a trigger' || coalesce(', not ' || string_agg(name, ' '), ''))
  FROM public.functions WHERE error_of('SELECT ' || call || '()') !~ '^39P01 \| .* \| .';

SELECT is(pg_temp.try(event, call), '39P01', call || ' ' || event) FROM (VALUES
	('AFTER UPDATE ON public.others FOR EACH ROW', 'touch_updated_at()'),
	('BEFORE UPDATE ON public.others', 'touch_updated_at()'),
	('AFTER INSERT ON public.others FOR EACH ROW', 'stamp_completed_at()'),
	('AFTER INSERT ON public.others FOR EACH ROW', 'guard_membership()'),
	('BEFORE INSERT ON public.others', 'guard_membership()'),
	('AFTER INSERT ON public.others FOR EACH ROW', 'guard_grant()'),
	('BEFORE DELETE ON public.others FOR EACH ROW', 'keep_last_owner()'),
	('AFTER DELETE ON public.others', 'keep_last_owner()'),
	('AFTER UPDATE ON public.others', 'refuse_audit_change()'),
	('AFTER UPDATE ON public.others FOR EACH ROW', 'end_codes()'),
	('BEFORE INSERT ON public.others', $c$normalize_names('title')$c$),
	('AFTER UPDATE ON public.others', $c$normalize_names('title')$c$),
	('AFTER DELETE ON public.others FOR EACH ROW', $c$normalize_names('title')$c$),
	('AFTER INSERT ON public.others FOR EACH ROW', 'normalize_account_names()'),
	('AFTER INSERT ON public.others', 'record_change()'),
	('BEFORE INSERT ON public.others FOR EACH ROW', 'record_change()')) AS v (event, call);
SELECT is(pg_temp.try('BEFORE INSERT ON public.others FOR EACH ROW', 'touch_updated_at()', 'title text, updated_at timestamptz'), '39P01',
	'touch_updated_at() for an INSERT');
SELECT is(pg_temp.try('BEFORE UPDATE ON public.others FOR EACH ROW', 'touch_updated_at()'), '42703', 'touch_updated_at() without its column');
SELECT is(pg_temp.try('AFTER INSERT ON public.others FOR EACH ROW', 'normalize_names(''name'')', 'title text, name text'), 'ZZZZZ', 'normalize_names() has nothing to say of NULL');
SELECT is(pg_temp.try('BEFORE INSERT ON public.others FOR EACH ROW', 'stamp_completed_at()', 'title text, status text'), '42703', 'stamp_completed_at() without one of its two');
CALL be('mia', 'North');
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA casnet, casnet_internal TO tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(pg_temp.try('BEFORE INSERT ON public.others FOR EACH ROW', 'guard_membership()'), '42703', 'guard_membership() on a table of another kind');
SELECT is(pg_temp.try('BEFORE INSERT ON public.others FOR EACH ROW', 'guard_grant()'), '42703', 'and guard_grant()');
SELECT * FROM finish();
ROLLBACK;
