-- The server derives conditions from an equality in the policy's equivalence class.  They
-- come after the policy and see only the tenant's rows.  The condition contains a test of
-- the row that is always true, unknown to the planner.  From PostgreSQL 19 on the planner
-- removes tests of NOT NULL columns.
BEGIN;
SELECT plan(8);
\ir include/fixtures.sql
SET LOCAL SESSION AUTHORIZATION DEFAULT;
CREATE TABLE public.places AS SELECT ctid AS at FROM casnet.records UNION SELECT ctid FROM casnet.tenants;
GRANT SELECT ON public.places TO tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
\ir include/seen.sql
-- Counts how many rows reach this function, of whatever tenant.
CREATE FUNCTION public.tell() RETURNS uuid LANGUAGE plpgsql STABLE COST 1e-37 AS $$
BEGIN
	PERFORM set_config('mine.seen', (current_setting('mine.seen')::integer + 1)::text, true);
	RETURN NULL;
END
$$;
CREATE TABLE public.bait (x uuid, y uuid, at tid);
INSERT INTO public.bait SELECT u, u, at FROM (SELECT gen_random_uuid() AS u, at
	FROM public.places) AS b;
INSERT INTO public.bait VALUES (:'north', :'north');
ALTER TABLE public.bait ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.bait FORCE ROW LEVEL SECURITY;
CREATE POLICY a_class ON public.bait USING (x = y);

SET LOCAL enable_indexscan = off;
SET LOCAL enable_bitmapscan = off;
SET LOCAL enable_indexonlyscan = off;

CALL be('olga', 'North');
SELECT is(public.seen_by('SELECT FROM casnet.records AS r WHERE CASE WHEN NOT (r IS NULL) THEN public.tell() END = r.tenant_id'), 3, 'with the policy''s column');
SELECT is(public.seen_by('SELECT FROM casnet.records AS r, public.bait AS b WHERE CASE WHEN NOT (r IS NULL) THEN public.tell() END = b.x AND b.x = r.tenant_id'), 3, 'by a detour, to come first');
SELECT is(public.seen_by('SELECT FROM casnet.records AS r WHERE CASE WHEN NOT (r IS NULL) THEN public.tell() END = r.id AND r.id = r.tenant_id'), 3, 'in one table');
SELECT is(public.seen_by('SELECT FROM public.bait AS b JOIN casnet.records AS r ON CASE WHEN NOT (r IS NULL) THEN public.tell() END = b.x AND b.x = r.tenant_id'), 3, 'in a join');
SELECT is(public.seen_by('UPDATE casnet.tasks AS r SET title = title FROM public.bait AS b WHERE CASE WHEN NOT (r IS NULL) THEN public.tell() END = b.x AND b.x = r.tenant_id'), 1, 'in an UPDATE');
SELECT is(public.seen_by('DELETE FROM casnet.tenants AS r USING public.bait AS b WHERE CASE WHEN NOT (r IS NULL) THEN public.tell() END = b.x AND b.x = r.id'), 1, 'of tenants');

-- An equivalence class of an application's policy has the security level of a policy as
-- well.  A scan by ctid takes conditions from it.
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
SET LOCAL enable_seqscan = off;
SELECT is(public.seen_by('SELECT FROM public.bait AS b JOIN casnet.records AS r ON r.ctid = b.at WHERE CASE WHEN NOT (r IS NULL) THEN public.tell() END = b.x'), 3, 'by ctid');
SELECT is(public.seen_by('SELECT r.id FROM public.bait AS b JOIN casnet.tenants AS r ON r.ctid = b.at WHERE CASE WHEN NOT (r IS NULL) THEN public.tell() END = b.x'), 1, 'by ctid, of tenants');
SELECT * FROM finish();
ROLLBACK;
