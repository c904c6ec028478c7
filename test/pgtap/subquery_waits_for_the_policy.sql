-- A subquery that needs no row runs when its value is first needed.  Its run would reveal
-- that there was a row, so rows of another tenant do not make it run.
BEGIN;
SELECT plan(4);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.records WHERE tenant_id = :'north';
SET LOCAL SESSION AUTHORIZATION tap_app;
SET LOCAL enable_indexscan = off;
SET LOCAL enable_indexonlyscan = off;
SET LOCAL enable_bitmapscan = off;
CREATE FUNCTION public.tell() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('tap.told', 'yes', true);
	RETURN 'x';
END
$$;
CALL be('mia', 'North');
SELECT set_config('tap.told', 'no', true);
SELECT is((SELECT count(*) FROM casnet.records WHERE title = (SELECT public.tell())), 0::bigint, 'no row');
SELECT is(current_setting('tap.told'), 'no', 'and the subquery has not run');
CALL be('mia', 'South');
SELECT is((SELECT count(*) FROM casnet.records WHERE title = (SELECT public.tell())), 0::bigint, 'rows of which none is equal');
SELECT is(current_setting('tap.told'), 'yes', 'to what it returned');
SELECT * FROM finish();
ROLLBACK;
