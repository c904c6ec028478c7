-- A trigger function that is called directly, or for a wrong event, refuses with 39P01 and
-- changes nothing.
BEGIN;
SELECT * FROM no_plan();
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.mine AS SELECT tenant_id, user_id, role, now() AS updated_at, 'PENDING'::text AS status, NULL::timestamptz AS completed_at FROM casnet.user_tenants LIMIT 1;
CREATE FUNCTION public.error_at(function text, moment text, statement text, arguments text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	error text;
BEGIN
	EXECUTE format('CREATE TRIGGER probe %s EXECUTE FUNCTION casnet_internal.%I(%s)', moment, function, arguments);
	error := public.error_of(statement);
	DROP TRIGGER probe ON public.mine;
	RETURN split_part(error, ' | ', 1);
END
$$;
SELECT throws_ok(format('SELECT casnet_internal.%I()', name), '39P01', NULL, name || ' is called by triggers only')
  FROM unnest(ARRAY['announce_change', 'stamp_completed_at', 'check_event', 'guard_membership', 'guard_grant', 'keep_last_owner', 'keep_role',
	'refuse_audit_change', 'load_row', 'record_change', 'touch_updated_at']) AS name;
SELECT is(error_at(name, 'BEFORE INSERT OR UPDATE OR DELETE ON public.mine FOR EACH STATEMENT', 'DELETE FROM public.mine'), '39P01', name || ' not for a statement')
  FROM unnest(ARRAY['stamp_completed_at', 'check_event', 'guard_membership', 'guard_grant', 'keep_role', 'touch_updated_at']) AS name;
SELECT is(error_at(name, 'AFTER INSERT OR UPDATE OR DELETE ON public.mine FOR EACH ROW', 'UPDATE public.mine SET role = role'), '39P01', name || ' not after a row')
  FROM unnest(ARRAY['stamp_completed_at', 'check_event', 'guard_membership', 'guard_grant', 'keep_role', 'touch_updated_at', 'refuse_audit_change']) AS name;
SELECT is(error_at('keep_last_owner', 'BEFORE UPDATE ON public.mine FOR EACH ROW', 'UPDATE public.mine SET role = role'), '39P01', 'keep_last_owner not before');
SELECT is(error_at('keep_last_owner', 'AFTER UPDATE ON public.mine FOR EACH STATEMENT', 'UPDATE public.mine SET role = role'), '39P01', 'keep_last_owner not for a statement');
SELECT is(error_at('check_event', 'BEFORE DELETE ON public.mine FOR EACH ROW', 'DELETE FROM public.mine'), '39P01', 'check_event not for a deletion');
SELECT is(error_at('touch_updated_at', 'BEFORE INSERT ON public.mine FOR EACH ROW', 'INSERT INTO public.mine SELECT * FROM public.mine'), '39P01', 'touch_updated_at not for an insert');
SELECT is(error_at('record_change', 'BEFORE UPDATE ON public.mine FOR EACH ROW', 'UPDATE public.mine SET role = role'), '39P01', 'record_change not before');
SELECT is(error_at('record_change', 'AFTER UPDATE ON public.mine FOR EACH STATEMENT', 'UPDATE public.mine SET role = role'), '39P01', 'record_change not for a statement');
SELECT is(error_at('load_row', moment, statement, arguments), '39P01', 'load_row not ' || moment)
  FROM (VALUES ('BEFORE INSERT ON public.mine FOR EACH ROW', 'INSERT INTO public.mine SELECT * FROM public.mine', '''records'''),
	('AFTER INSERT ON public.mine FOR EACH ROW', 'INSERT INTO public.mine SELECT * FROM public.mine', '''records'''),
	('BEFORE DELETE ON public.mine FOR EACH STATEMENT', 'DELETE FROM public.mine', '''records''')) AS v (moment, statement, arguments);
CREATE VIEW public.seen AS SELECT * FROM public.mine;
CREATE TRIGGER probe INSTEAD OF DELETE ON public.seen FOR EACH ROW EXECUTE FUNCTION casnet_internal.load_row('records');
SELECT throws_ok('DELETE FROM public.seen', '39P01', NULL, 'load_row not instead of a deletion');
CREATE TRIGGER probe_insert INSTEAD OF INSERT ON public.seen FOR EACH ROW EXECUTE FUNCTION casnet_internal.load_row();
SELECT throws_ok('INSERT INTO public.seen SELECT * FROM public.mine', '39P01', NULL, 'load_row not without its table');
SELECT is((SELECT count(*) FROM public.mine), 1::bigint, 'nothing happened');
SELECT * FROM finish();
ROLLBACK;
