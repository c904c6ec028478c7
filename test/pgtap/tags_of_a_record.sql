-- tag_record() makes missing tags and counts new links, untag_record() counts removed ones.
-- Names are trimmed and count once.
BEGIN;
SELECT plan(19);
\ir include/fixtures.sql
\set one 00000000-0000-7000-8000-0000000001a0
\set two 00000000-0000-7000-8000-0000000002a0
\set three 00000000-0000-7000-8000-0000000003a0
CALL be('mia', 'North');
SELECT is(casnet.tag_record(:'three', ' urgent', E'\turgent\n', 'urgent', 'Urgent', 'two words'), 3, 'a name counts once, without the space around it');
SELECT is(casnet.tags_of(:'three'), (SELECT array_agg(n ORDER BY n) FROM unnest(ARRAY['Urgent', 'two words', 'urgent']) AS n), 'they are on the record, sorted');
SELECT is(casnet.tag_record(:'three', 'urgent', 'North tag'), 1, 'a link that exists is not new');
SELECT is(casnet.tag_record(:'three', 'urgent'), 0, 'nothing new');
SELECT is((SELECT count(*) FROM casnet.tags), 4::bigint, 'each tag is there once');
SELECT is(casnet.tag_records(ARRAY[:'one', :'two', :'one']::uuid[], '{urgent,seen}'), 4::bigint, 'several records, one of them named twice');
SELECT results_eq('SELECT * FROM casnet.tag_counts()', $$SELECT * FROM (VALUES ('North tag', 3::bigint), ('urgent', 3), ('seen', 2), ('Urgent', 1), ('two words', 1)) AS v (name, n) ORDER BY n DESC, name$$, 'tag_counts(), the most used first');
SELECT is(casnet.untag_record(:'three', ' urgent ', 'two words', 'unknown'), 2, 'untag_record() ignores what is not there');
SELECT is(casnet.tags_of(:'three'), '{North tag,Urgent}'::text[], 'the others stay');
SELECT is(casnet.untag_record(:'three', 'urgent'), 0, 'a second time');
SELECT results_eq($$SELECT records FROM casnet.tag_counts() WHERE name = 'two words'$$, ARRAY[0::bigint], 'a tag stays without a record');
SELECT is(casnet.tag_record(:'three', 'it''s', 'a\b', '50%', '{x,y}', 'naïve ☃'), 5, 'any characters');
SELECT ok(casnet.tags_of(:'three') @> ARRAY['it''s', 'a\b', '50%', '{x,y}', 'naïve ☃'], 'and they come back');
SELECT is(casnet.untag_record(:'three', VARIADIC casnet.tags_of(:'three')), 7, 'all at once');
SELECT is(casnet.tags_of(:'three'), '{}', 'none is an empty array');
SELECT is((SELECT sum(casnet.tag_record(r.id, 'all')) FROM casnet.records AS r), 3::bigint, 'in a statement about many records');
SELECT is(casnet.tag_record(:'one', repeat('ä', 100)), 1, '100 characters');
CALL be('otto', 'South');
SELECT results_eq('SELECT * FROM casnet.tag_counts()', $$VALUES ('South tag', 2::bigint)$$, 'South has nothing of all that');
-- By name if as many records have them, whatever the order in which they were made.
CALL be('olga', 'North');
INSERT INTO casnet.tags (name) SELECT 'equal ' || n FROM generate_series(9, 1, -1) AS n;
SELECT results_eq($$SELECT name FROM casnet.tag_counts() WHERE name LIKE 'equal %'$$, (SELECT array_agg('equal ' || n ORDER BY n) FROM generate_series(1, 9) AS n), 'as many records, by name');
SELECT * FROM finish();
ROLLBACK;
