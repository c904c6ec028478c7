-- A record of another tenant looks like one that does not exist: the same error, to the
-- letter, whatever is done with its tags.
BEGIN;
SELECT plan(17);
\ir include/fixtures.sql
CREATE FUNCTION pg_temp.both(call text, OUT foreign_one text, OUT missing text) LANGUAGE plpgsql AS $$
BEGIN
	foreign_one := error_of('SELECT ' || replace(call, '$', '''00000000-0000-7000-8000-0000000001b0'''));
	missing := error_of('SELECT ' || replace(call, '$', '''00000000-0000-7000-8000-0000000001ff'''));
END
$$;
CREATE TABLE public.calls (call text);
INSERT INTO public.calls VALUES ('casnet.tag_record($, ''new'')'), ('casnet.tag_record($, ''South tag'')'), ('casnet.tag_record($, ''North tag'')'),
	('casnet.tag_record($, VARIADIC ''{}'')'), ('casnet.tag_records(ARRAY[''00000000-0000-7000-8000-0000000001a0'', $]::uuid[], ARRAY[''North tag''])'),
	('casnet.untag_record($, ''South tag'')'), ('casnet.untag_record($, ''North tag'')'), ('casnet.tags_of($)');
CALL be('olga', 'North');
SELECT ok(foreign_one = missing AND missing LIKE 'P0002 | there is no such record |%', 'owner: ' || call)
  FROM public.calls, pg_temp.both(call);
-- a viewer is refused by one permission or finds no record, but the same for both
CALL be('vic', 'North');
SELECT is(foreign_one, missing, 'viewer: ' || call) FROM public.calls, pg_temp.both(call);
CALL be('otto', 'South');
SELECT results_eq('SELECT * FROM casnet.tag_counts()', $$VALUES ('South tag', 2::bigint)$$, 'South is as it was');
SELECT * FROM finish();
ROLLBACK;
