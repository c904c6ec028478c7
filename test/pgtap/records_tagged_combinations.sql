-- records_tagged() compared with its definition, for every combination of three tags in
-- each of its arguments, both planned away and executed.
BEGIN;
SELECT plan(7);
\ir include/fixtures.sql
CALL be('olga', 'North');
-- A record for every set of the tags a, b and c.
CREATE TABLE public.sets AS
SELECT n, ARRAY(SELECT t FROM unnest('{a,b,c}'::text[]) WITH ORDINALITY AS u (t, i) WHERE n >> (i - 1)::integer & 1 = 1) AS tags
  FROM generate_series(0, 7) AS n;
DELETE FROM casnet.records;
INSERT INTO casnet.records (title) SELECT n FROM public.sets;
SELECT casnet.tag_record(r.id, VARIADIC s.tags) FROM casnet.records AS r JOIN public.sets AS s ON s.n::text = r.title;
CREATE TABLE public.given AS SELECT id, casnet.tags_of(id) AS tags FROM casnet.records;
CREATE TABLE public.wanted AS
SELECT x.tags AS all_of, y.tags AS any_of, z.tags AS none_of,
	   ARRAY(SELECT g.id FROM public.given AS g
			  WHERE g.tags @> x.tags AND (y.tags = '{}' OR g.tags && y.tags) AND NOT g.tags && z.tags ORDER BY 1) AS ids
  FROM public.sets AS x, public.sets AS y, public.sets AS z;

-- How many of the combinations a query answers differently; it returns ids and has $ for
-- the arguments.
CREATE FUNCTION pg_temp.wrong(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	w record;
	answer uuid[];
	wrong bigint := 0;
BEGIN
	FOR w IN TABLE public.wanted LOOP
		EXECUTE 'SELECT ARRAY(SELECT id FROM (' || replace(query, '$', format('casnet.records_tagged(%L, %L, %L)', w.all_of, w.any_of, w.none_of)) || ') AS q (id) ORDER BY 1)' INTO answer;
		wrong := wrong + (answer IS DISTINCT FROM w.ids)::integer;
	END LOOP;
	RETURN wrong;
END
$$;
SELECT is((SELECT count(*) FROM public.wanted), 512::bigint, 'combinations');
SELECT is(pg_temp.wrong('SELECT id FROM casnet.records WHERE id IN (SELECT $)'), 0::bigint, 'the id of a record IN');
SELECT is(pg_temp.wrong('SELECT id FROM public.given WHERE id IN (SELECT t FROM $ AS t)'), 0::bigint, 'the id in another table IN');
SELECT is(pg_temp.wrong('SELECT g.id FROM public.given AS g WHERE g.id NOT IN (SELECT r.id FROM casnet.records AS r WHERE r.id NOT IN (SELECT $))'), 0::bigint, 'NOT IN');
SELECT is(pg_temp.wrong('SELECT t FROM $ AS t'), 0::bigint, 'FROM');
SELECT is(pg_temp.wrong('SELECT $'), 0::bigint, 'where it runs');
SELECT is(pg_temp.wrong('SELECT id FROM casnet.records AS r WHERE EXISTS (SELECT FROM $ AS t WHERE t = r.id)'), 0::bigint, 'EXISTS');
SELECT * FROM finish();
ROLLBACK;
