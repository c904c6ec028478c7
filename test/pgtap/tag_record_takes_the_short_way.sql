-- tag_record() with tags that are there writes its links and no more; it asks
-- tag_records() only when something is missing.
BEGIN;
SELECT plan(5);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SET LOCAL track_functions = 'pl';
CREATE FUNCTION public.long_ways() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$
	SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_xact_user_functions
	 WHERE funcid = 'casnet.tag_records(uuid[], text[])'::regprocedure
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT is(casnet.tag_record('00000000-0000-7000-8000-0000000003a0', 'North tag', 'fresh'), 2, 'a tag that is made');
SELECT is(long_ways(), 1::bigint, 'takes the long way');
SELECT is(casnet.tag_record('00000000-0000-7000-8000-0000000002a0', 'fresh'), 1, 'one that is there');
SELECT is(long_ways(), 1::bigint, 'does not');
SELECT is((SELECT count(*) FROM casnet.record_tags), 5::bigint, 'the links are there');
SELECT * FROM finish();
ROLLBACK;
