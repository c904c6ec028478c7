-- A name that is NULL, blank or longer than 100 characters is refused, and nothing else is
-- done.  Without names or records there is nothing to do.
BEGIN;
SELECT plan(33);
\ir include/fixtures.sql
\set record 00000000-0000-7000-8000-0000000001a0
CALL be('olga', 'North');
CREATE FUNCTION pg_temp.calls(argument text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT replace(replace(call, '$', argument), '!', '''00000000-0000-7000-8000-0000000001a0''')
	  FROM unnest(ARRAY['casnet.tag_record(!, ''good'', $)', 'casnet.tag_records(ARRAY[!]::uuid[], ARRAY[''good'', $])',
		'casnet.untag_record(!, $)', 'casnet.rename_tag(''North tag'', $)', 'casnet.rename_tag($, ''good'')',
		'casnet.merge_tags(''North tag'', $)', 'casnet.merge_tags($, ''North tag'')']) AS call
$$;
SELECT is(error_of('SELECT ' || call), '22023 | the name of a tag is null |  | Give every tag a name. | ', call)
  FROM pg_temp.calls('NULL::text') AS call;
SELECT is(error_of('SELECT ' || call), '22023 | the name of a tag is blank |  | Give every tag a name. | ', call)
  FROM pg_temp.calls(E'e'' \t''') AS call;
SELECT is(error_of('SELECT ' || replace(call, '$long', quote_literal(repeat('ä', 101)))),
		  '22023 | the name of a tag is longer than 100 characters |  | Choose a shorter name. | ', call)
  FROM pg_temp.calls('$long') AS call;

-- Whatever plan the server makes, also where there is nothing to take off.
SET LOCAL plan_cache_mode = force_generic_plan;
SELECT is(state_of(format('SELECT casnet.untag_record(%L, %s)', :'record', name)), '22023', 'untag_record(): ' || name)
  FROM unnest('{NULL::text,'' '',''x
''''}'::text[]) WITH ORDINALITY AS n (name, i) WHERE i < 3;
SELECT is(state_of(format('SELECT casnet.untag_records(%s, ARRAY[%s])', records, name)), '22023', 'untag_records(): ' || records || name)
  FROM unnest(ARRAY['NULL::text', ''' ''']) AS name, unnest(ARRAY['''{}''', quote_literal(ARRAY[:'record'])]) AS records;
RESET plan_cache_mode;
SELECT is(casnet.tag_record(:'record', VARIADIC '{}'), 0, 'no names');
SELECT is(casnet.tag_record(:'record', VARIADIC NULL), 0, 'NULL is no name');
SELECT is(casnet.untag_record(:'record', VARIADIC '{}'), 0, 'none to take off');
SELECT is(casnet.tag_records('{}', '{new}'), 0::bigint, 'no records');
SELECT is(casnet.tag_records(NULL, '{new}'), 0::bigint, 'NULL is none');
SELECT results_eq('SELECT name FROM casnet.tags', ARRAY['North tag'], 'no tag was made or renamed');
SELECT * FROM finish();
ROLLBACK;
