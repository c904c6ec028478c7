-- Without keep_ids a copy gets new ids, always the same ones in the same tenant.  Apart from
-- them it equals the original.
BEGIN;
SELECT plan(13);
\ir include/fixtures.sql
CALL be('olga', 'North');
INSERT INTO casnet.records (title) SELECT 'made ' || i FROM generate_series(1, 100) AS i;
INSERT INTO casnet.tasks (title, record_id) SELECT 'about ' || title, id FROM casnet.records;
CREATE TEMP TABLE e AS SELECT d FROM casnet.export_tenant() AS d;
SELECT casnet.import_tenant('e', 'Copy') AS copy \gset
SELECT results_eq(format($$SELECT count(*) FROM casnet.export_tenant(%L)$$, :'copy'), 'SELECT count(*) FROM e', 'a copy beside the original');
SET LOCAL casnet.tenant_id = :'copy';
CREATE TEMP TABLE c AS SELECT d FROM casnet.export_tenant() AS d;
SELECT is((SELECT d#>>'{tenant,name}' FROM c WHERE d ? 'casnet'), 'Copy', 'by another name');
SELECT is_empty($$SELECT d#>>'{row,id}' FROM e WHERE d#>>'{row,id}' IS NOT NULL INTERSECT SELECT d#>>'{row,id}' FROM c$$, 'no id of the original');
SELECT bag_eq($$SELECT d->>'table' AS t, (d->'row') - '{id,record_id,person_id,tag_id,series_id}'::text[] AS r FROM c WHERE d ? 'row'$$,
	$$SELECT d->>'table' AS t, (d->'row') - '{id,record_id,person_id,tag_id,series_id}'::text[] AS r FROM e WHERE d ? 'row'$$, 'all else is the same');
SELECT is_empty($$SELECT FROM casnet.tasks AS t JOIN casnet.records AS r ON r.id = t.record_id WHERE t.title LIKE 'about%' AND t.title <> 'about ' || r.title$$, 'references follow');
SELECT is((SELECT count(*) FROM casnet.record_persons JOIN casnet.records AS r ON r.id = record_id JOIN casnet.persons AS p ON p.id = person_id), 1::bigint, 'who they are about');
SELECT is((SELECT count(*) FROM casnet.record_tags JOIN casnet.records AS r ON r.id = record_id JOIN casnet.tags AS t ON t.id = tag_id), 2::bigint, 'links, too');
SELECT is((SELECT array_agg(title ORDER BY id) FROM casnet.records WHERE title LIKE 'made%'), (SELECT array_agg('made ' || i ORDER BY i) FROM generate_series(1, 100) AS i), 'and the order of creation');
SELECT results_eq($$SELECT (d#>>'{row,id}')::uuid FROM c WHERE d->>'table' = 'persons'$$,
	format($$SELECT casnet_internal.reissue_uuid((d#>>'{row,id}')::uuid, %L) FROM e WHERE d->>'table' = 'persons'$$, :'copy'), 'the id depends on both');

SELECT is(casnet_internal.reissue_uuid('01234567-89ab-7cde-8f01-23456789abcd', :'north'), casnet_internal.reissue_uuid('01234567-89ab-7cde-8f01-23456789abcd', :'north'), 'reissue_uuid() is constant');
SELECT isnt(casnet_internal.reissue_uuid('01234567-89ab-7cde-8f01-23456789abcd', :'north'), casnet_internal.reissue_uuid('01234567-89ab-7cde-8f01-23456789abcd', :'south'), 'differs between tenants');
SELECT matches(casnet_internal.reissue_uuid('01234567-89ab-7cde-8f01-23456789abcd', :'north')::text, '^01234567-89ab-7cde-[89ab]', 'keeps time, version and variant');
SELECT is((SELECT count(DISTINCT casnet_internal.reissue_uuid(lpad(to_hex(i), 32, '0')::uuid, :'north')) FROM generate_series(1, 10000) AS i), 10000::bigint, 'and is another for each');
SELECT * FROM finish();
ROLLBACK;
