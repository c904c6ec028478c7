-- search_records() takes tags, as records_tagged() does, and where the page before ended.
-- So both are among all records that match, not among the best ones.
BEGIN;
SELECT plan(35);
\ir include/fixtures.sql
CALL be('olga', 'North');
INSERT INTO casnet.records (title, content) SELECT 'court ' || n, repeat('court ', n % 7) || 'x' FROM generate_series(1, 300) AS n;
SELECT casnet.tag_record(id, 'police') FROM casnet.records WHERE title = 'court 7';
SELECT casnet.tag_record(id, 'police', 'closed') FROM casnet.records WHERE title = 'court 14';
SELECT casnet.tag_record(id, 'school') FROM casnet.records WHERE title IN ('court 21', 'North record 3');
CREATE FUNCTION public.titles(VARIADIC args text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found text;
BEGIN
	EXECUTE format('SELECT string_agg(title, '','' ORDER BY title) FROM casnet.search_records(''court'', 1000, %s)', array_to_string(args, ', ')) INTO found;
	RETURN found;
END
$$;
SELECT is((SELECT count(*) FROM casnet.search_records('court') WHERE title = 'court 7'), 0::bigint, 'a record that is not among the best 20');
SELECT is((SELECT string_agg(title, ',') FROM casnet.search_records('court', all_of => '{police}', none_of => '{closed}')), 'court 7', 'is found by its tag');
SELECT is(titles('all_of => ''{police}'''), 'court 14,court 7', 'all of');
SELECT is(titles('all_of => ''{police,closed}'''), 'court 14', 'all of two');
SELECT is(titles('any_of => ''{school,closed}'''), 'court 14,court 21', 'any of');
SELECT is(titles('all_of => ''{police}'', none_of => ''{closed}'''), 'court 7', 'none of');
SELECT is(titles('any_of => ''{police,school}'', none_of => ''{closed}'''), 'court 21,court 7', 'any and none of');
SELECT is(titles('all_of => ''{nothing}'''), NULL, 'a tag that is not there');
SELECT is(titles('all_of => '' { police } '''), 'court 14,court 7', 'blanks around a name');
SELECT is((SELECT count(*) FROM casnet.search_records('court', 1000, none_of => '{closed}')), 299::bigint, 'none of alone');
SELECT is((SELECT count(*) FROM casnet.search_records('court', 1000, NULL, NULL, NULL)), 300::bigint, 'NULL is no condition');
SELECT is((SELECT count(*) FROM casnet.search_records('court', 1000, '{}', '{}', '{}')), 300::bigint, 'nor is an empty array');
SELECT is(state_of('SELECT * FROM casnet.search_records(''court'', all_of => ''{" "}'')'), '22023', 'a blank name');
SELECT is((SELECT string_agg(rank::text, ',') FROM casnet.search_records('court', all_of => '{police}')), (SELECT string_agg(rank::text, ',' ORDER BY rank DESC, record_id DESC) FROM casnet.search_records('court', 1000) WHERE title IN ('court 7', 'court 14')), 'the rank does not depend on the tags');
SELECT is((SELECT string_agg(snippet, ',') FROM casnet.search_records('court', any_of => '{closed}')), 'x', 'nor does what is shown');

-- Pages: all records once, in the order of one long list.
CREATE FUNCTION public.paged(rows integer, tags text[]) RETURNS TABLE (page integer, record_id uuid, rank real) LANGUAGE plpgsql AS $$
DECLARE
	last_rank real;
	last_id uuid;
BEGIN
	page := 0;
	LOOP
		page := page + 1;
		FOR record_id, rank IN SELECT s.record_id, s.rank FROM casnet.search_records('court', rows, none_of => tags, after_rank => last_rank, after_id => last_id) AS s LOOP
			RETURN NEXT;
		END LOOP;
		EXIT WHEN NOT FOUND;
		last_rank := rank;
		last_id := record_id;
	END LOOP;
END
$$;
SELECT is(array(SELECT record_id FROM public.paged(n, tags)), array(SELECT record_id FROM casnet.search_records('court', 1000, none_of => tags)), format('pages of %s, without %s', n, tags))
  FROM unnest('{1,20,299,300}'::integer[]) AS n, unnest(ARRAY['', 'police']) AS tag, LATERAL (SELECT CASE tag WHEN '' THEN '{}'::text[] ELSE ARRAY[tag] END AS tags) AS t;
SELECT is((SELECT max(page) FROM public.paged(20, '{}')), 15, 'of 20 each');
SELECT cmp_ok((SELECT count(DISTINCT rank) FROM public.paged(20, '{}')), '<', 20::bigint, 'many have the same rank');
-- A client reads a real as a number with more digits, or with those that are printed.
SELECT is(array(SELECT t.title FROM casnet.search_records('court', 5, after_rank => rank, after_id => record_id) AS t), array(SELECT t.title FROM casnet.search_records('court', 12) AS t OFFSET 7), 'a rank as ' || kind)
  FROM (SELECT record_id, v.rank, kind FROM casnet.search_records('court', 7) AS s, LATERAL (VALUES (s.rank::float8, 'a double'), (s.rank::text::float8, 'it is printed')) AS v (rank, kind) ORDER BY s.rank, s.record_id LIMIT 2) AS s;
SELECT is(error_of(format('SELECT * FROM casnet.search_records(%L, after_rank => %L, after_id => %L)', word, rank, id)), '22023 | after_rank and after_id are not those of one row |  | Give both, as the last row of the page before has them in rank and record_id. | ', coalesce(rank::text, 'no') || ' rank')
  FROM (VALUES ('court', 0.5, NULL), ('court', NULL, gen_random_uuid()), ('nothing', 'NaN', gen_random_uuid())) AS v (word, rank, id);
SELECT is((SELECT count(*) FROM casnet.search_records('court', after_rank => rank, after_id => :'olga')), n, 'after a rank of ' || rank) FROM (VALUES (1e300, 20::bigint), (-1e300, 0)) AS v (rank, n);
-- Tags and ends of pages of others are like those that are not there.
SELECT is(titles('all_of => ''{South tag}'''), NULL, 'a tag of South');
SET LOCAL plan_cache_mode = force_generic_plan;
PREPARE tagged (text[]) AS SELECT count(*) FROM casnet.search_records('court', 1000, $1);
SELECT results_eq('EXECUTE tagged (''{police}'')', ARRAY[2::bigint], 'a generic plan');
SELECT results_eq('EXECUTE tagged (''{}'')', ARRAY[300::bigint], 'without tags');
SELECT * FROM finish();
ROLLBACK;
