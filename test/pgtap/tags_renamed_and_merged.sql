-- Merging gives each record the other tag once and deletes the first one.  Renaming to an
-- existing name merges.  Tags of the same name in another tenant are other tags.
BEGIN;
SELECT plan(21);
\ir include/fixtures.sql
\set one 00000000-0000-7000-8000-0000000001a0
\set two 00000000-0000-7000-8000-0000000002a0
\set three 00000000-0000-7000-8000-0000000003a0
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.tags (tenant_id, name) VALUES (:'south', 'a'), (:'south', 'b');
INSERT INTO casnet.record_tags (tenant_id, record_id, tag_id, created_at)
SELECT :'south', r.id, t.id, '2020-01-01' FROM casnet.records AS r, casnet.tags AS t WHERE r.tenant_id = :'south' AND t.tenant_id = :'south' AND t.name = 'a';
CREATE TABLE public.south_before AS SELECT t.name, l.* FROM casnet.tags AS t LEFT JOIN casnet.record_tags AS l ON l.tag_id = t.id WHERE t.tenant_id = :'south';
GRANT SELECT ON public.south_before TO tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT casnet.tag_records(ARRAY[:'one', :'two']::uuid[], '{a}');
SELECT casnet.tag_records(ARRAY[:'two', :'three']::uuid[], '{b}');
UPDATE casnet.record_tags SET created_at = '2020-01-01' WHERE record_id = :'one' AND tag_id = casnet_internal.tag_id('a');
SELECT updated_at AS updated FROM casnet.record_tags WHERE record_id = :'one' AND tag_id = casnet_internal.tag_id('a') \gset

SELECT is(casnet.merge_tags('a', 'a'), 0::bigint, 'a tag with itself');
SELECT is(casnet.merge_tags(' a', 'b '), 1::bigint, 'one record did not have the other tag');
SELECT is(casnet_internal.tag_id('a'), NULL, 'the first one is gone');
SELECT results_eq($$SELECT name, records FROM casnet.tag_counts() WHERE name IN ('a', 'b')$$, $$VALUES ('b', 3::bigint)$$, 'each record has the other one once');
SELECT results_eq(format('SELECT created_at FROM casnet.record_tags WHERE record_id = %L AND tag_id = casnet_internal.tag_id(''b'')', :'one'), ARRAY['2020-01-01'::timestamptz], 'a link keeps its age');
SELECT results_eq(format('SELECT updated_at FROM casnet.record_tags WHERE record_id = %L AND tag_id = casnet_internal.tag_id(''b'')', :'one'), ARRAY[:'updated'::timestamptz], 'and when it was changed');
SELECT throws_ok($$SELECT casnet.merge_tags('a', 'b')$$, 'P0002', 'there is no such tag', 'merging again');
SELECT throws_ok($$SELECT casnet.merge_tags('b', 'unknown')$$, 'P0002', 'there is no such tag', 'into an unknown one');
SELECT is(error_of($$SELECT casnet.merge_tags('b', 'South tag')$$), error_of($$SELECT casnet.merge_tags('b', 'unknown')$$), 'one of South is unknown');
SELECT is(error_of($$SELECT casnet.rename_tag('South tag', 'b')$$), error_of($$SELECT casnet.rename_tag('unknown', 'b')$$), 'also when renaming');

CREATE TABLE public.b AS SELECT casnet_internal.tag_id('b') AS id;
SELECT lives_ok($$SELECT casnet.rename_tag('b', ' c ')$$, 'rename_tag()');
SELECT is(casnet_internal.tag_id('c'), (SELECT id FROM public.b), 'it is the same tag');
SELECT lives_ok($$SELECT casnet.rename_tag('c', 'c')$$, 'to the name it has');
SELECT lives_ok($$SELECT casnet.rename_tag('c', 'a')$$, 'to a name that South has');
SELECT lives_ok($$SELECT casnet.rename_tag('North tag', 'a')$$, 'to a name that is taken');
SELECT results_eq('SELECT * FROM casnet.tag_counts()', $$VALUES ('a', 3::bigint)$$, 'they are one tag');
SELECT is(casnet_internal.tag_id('a'), (SELECT id FROM public.b), 'the one that had the name');
SELECT lives_ok($$SELECT casnet.rename_tag('a', 'A')$$, 'another case is another name');
SELECT is(casnet_internal.tag_id('A'), (SELECT id FROM public.b), 'which it has');
SELECT is(casnet_internal.tag_id('a'), NULL, 'and no longer the other');
RESET SESSION AUTHORIZATION;
SELECT set_eq(format('SELECT t.name, l.* FROM casnet.tags AS t LEFT JOIN casnet.record_tags AS l ON l.tag_id = t.id WHERE t.tenant_id = %L', :'south'), 'TABLE public.south_before', 'South is as it was');
SELECT * FROM finish();
ROLLBACK;
