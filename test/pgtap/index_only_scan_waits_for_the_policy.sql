-- An index that stores the values can still be lossy.  Then the executor rechecks the
-- condition on what the index returns; that waits for the policy as well.
BEGIN;
SELECT plan(4);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
-- It records which rows it saw.
CREATE FUNCTION public.told(box, polygon) RETURNS boolean LANGUAGE plpgsql IMMUTABLE LEAKPROOF AS $$
BEGIN
	PERFORM set_config('tap.told', concat(current_setting('tap.told', true), ' ', ($1[0])[0]), true);
	RETURN polygon($1) && $2;
END
$$;
CREATE OPERATOR public.&&& (LEFTARG = box, RIGHTARG = polygon, FUNCTION = public.told, RESTRICT = contsel, JOIN = contjoinsel);
-- Like the class for polygons, whose index stores only boxes.
CREATE OPERATOR CLASS public.lossy_boxes FOR TYPE box USING gist AS
	OPERATOR 3 public.&&& (box, polygon),
	FUNCTION 1 gist_poly_consistent(internal, polygon, smallint, oid, internal),
	FUNCTION 2 gist_box_union(internal, internal),
	FUNCTION 5 gist_box_penalty(internal, internal, internal),
	FUNCTION 6 gist_box_picksplit(internal, internal),
	FUNCTION 7 gist_box_same(box, box, internal);
CREATE TABLE public.areas (area box);
SELECT casnet.protect('public.areas') IS NOT NULL AS protected \gset
CREATE INDEX areas_area ON public.areas USING gist (area public.lossy_boxes) INCLUDE (tenant_id);
INSERT INTO public.areas (tenant_id, area) SELECT t, box(point(n * 10 + k, 0), point(n * 10 + k, 1)) FROM (VALUES (:'north'::uuid, 1), (:'south', 2)) AS v (t, k), generate_series(1, 400) AS n;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;
SELECT is((SELECT count(*) FROM (SELECT area FROM public.areas WHERE area OPERATOR(public.&&&) polygon(box(point(0, 0), point(35, 1)))) AS a), 3::bigint, 'rows of the own tenant');
SELECT is(btrim(current_setting('tap.told')), '11 21 31', 'and nothing else was looked at');
CALL be('otto', 'South');
SELECT set_config('tap.told', '', true) \g /dev/null
SELECT is((SELECT count(*) FROM (SELECT area FROM public.areas WHERE area OPERATOR(public.&&&) polygon(box(point(0, 0), point(35, 1)))) AS a), 3::bigint, 'as in another');
SELECT is(btrim(current_setting('tap.told')), '12 22 32', 'likewise');
SELECT * FROM finish();
ROLLBACK;
