-- Only the id of a record that the statement itself reads as the session is used directly.
-- Any other value is looked up among the records, even if no tag is given.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE VIEW public.of_superuser AS SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged());
GRANT SELECT ON public.of_superuser TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE TABLE public.others AS SELECT '00000000-0000-7000-8000-0000000000ff'::uuid AS id;
CREATE FUNCTION public.same(id uuid) RETURNS uuid IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN id; END $$;
CALL be('mia', 'North');
SELECT is((SELECT count(*) FROM casnet.records WHERE id IN (SELECT casnet.records_tagged())), 3::bigint, 'the id of a record');
SELECT is((SELECT count(*) FROM casnet.records WHERE public.same(id) IN (SELECT casnet.records_tagged())), 3::bigint, 'what is computed from it');
SELECT is((SELECT count(*) FROM casnet.records WHERE tenant_id IN (SELECT casnet.records_tagged())), 0::bigint, 'another column');
SELECT is((SELECT count(*) FROM casnet.tags WHERE id IN (SELECT casnet.records_tagged())), 0::bigint, 'the id of something else');
SELECT is((SELECT count(*) FROM public.others AS o WHERE EXISTS (SELECT FROM casnet.records WHERE o.id IN (SELECT casnet.records_tagged()))), 0::bigint, 'that of a query around, in the place of the id of a record');
SELECT results_eq('SELECT title FROM public.of_superuser ORDER BY 1', ARRAY['North record 1', 'North record 2', 'North record 3'], 'of a record that another role reads');
SELECT * FROM finish();
ROLLBACK;
