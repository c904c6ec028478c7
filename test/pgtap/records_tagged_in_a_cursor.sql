-- A cursor over records_tagged() continues with the records of the tenant in which it was
-- opened, even if the session changes the tenant in between.
BEGIN;
SELECT plan(8);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.records (tenant_id, title) SELECT t.id, t.name || ' more ' || n FROM casnet.tenants AS t, generate_series(1, 50) AS n;
INSERT INTO casnet.tags (tenant_id, name) SELECT t.id, n FROM casnet.tenants AS t, unnest('{a,b,c}'::text[]) AS n;
INSERT INTO casnet.record_tags (tenant_id, record_id, tag_id)
SELECT tenant_id, r.id, t.id FROM casnet.records AS r JOIN casnet.tags AS t USING (tenant_id) WHERE r.title ~ ' more ' AND t.name IN ('a', 'b');
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE FUNCTION pg_temp.rest(c refcursor) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	title text;
	rest text[] := '{}';
BEGIN
	LOOP
		FETCH c INTO title;
		EXIT WHEN NOT FOUND;
		rest := rest || left(title, 5);
	END LOOP;
	RETURN (SELECT string_agg(DISTINCT t, ' ') || ' ' || count(*) FROM unnest(rest) AS t);
END
$$;
CREATE TABLE public.cursors (query text);
INSERT INTO public.cursors VALUES ('SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(''{a}'', ''{b,c}'', ''{c}''))'),
	('SELECT title FROM casnet.records JOIN casnet.records_tagged(''{a}'', none_of => ''{c}'') AS t ON t = id'),
	('SELECT title FROM casnet.records WHERE id NOT IN (SELECT casnet.records_tagged(''{c}'')) AND title ~ '' more ''');
CREATE FUNCTION pg_temp.switch(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	c refcursor;
	answer text;
BEGIN
	CALL public.be('mia', 'North');
	OPEN c FOR EXECUTE query;
	MOVE c;
	CALL public.be('otto', 'South');
	answer := pg_temp.rest(c);
	CLOSE c;
	RETURN answer;
END
$$;
SELECT is(pg_temp.switch(query), 'North 49', query) FROM public.cursors;
SET LOCAL enable_indexscan = off;
SET LOCAL enable_indexonlyscan = off;
SET LOCAL enable_bitmapscan = off;
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
SET LOCAL enable_material = off;
SELECT is(pg_temp.switch(query), 'North 49', 'by sequential scans: ' || query) FROM public.cursors;
CALL be('otto', 'South');
SELECT is((SELECT count(*) FROM casnet.records_tagged('{a}')), 50::bigint, 'another statement is of the other tenant');
CALL be('mia', 'North');
DECLARE f CURSOR FOR SELECT r.title FROM casnet.records AS r WHERE id IN (SELECT casnet.records_tagged('{a}'));
CALL be('nora', 'North');
SELECT matches(pg_temp.rest('f'), '^North', 'one of which nothing was fetched yet is its opener''s');
SELECT * FROM finish();
ROLLBACK;
