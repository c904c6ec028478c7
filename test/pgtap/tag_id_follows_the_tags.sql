-- tag_id() in an expression that PL/pgSQL keeps for a whole transaction answers for the
-- name, the tags and the tenant of each call.
BEGIN;
SELECT plan(12);
\ir include/fixtures.sql
CREATE FUNCTION pg_temp.ids(names text[]) RETURNS SETOF uuid LANGUAGE plpgsql AS $$
DECLARE
	name text;
	id uuid;
BEGIN
	FOREACH name IN ARRAY names LOOP
		id := casnet_internal.tag_id(name);
		RETURN NEXT id;
	END LOOP;
END
$$;
CREATE FUNCTION pg_temp.known() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	id uuid;
BEGIN
	id := casnet_internal.tag_id('a');
	RETURN id IS NOT NULL;
END
$$;
CALL be('mia', 'North');
INSERT INTO casnet.tags (name) VALUES ('b');
SELECT set_eq($$SELECT pg_temp.ids('{b,North tag}')$$, 'SELECT id FROM casnet.tags', 'each name');
SELECT results_eq($$SELECT i IS NULL FROM pg_temp.ids('{b,South tag,unknown,b}') AS i$$, ARRAY[false, true, true, false], 'and those that no tag has');
SELECT is(pg_temp.known(), false, 'no such tag');
INSERT INTO casnet.tags (name) VALUES ('a');
SELECT is(pg_temp.known(), true, 'it was made');
DO $$
DECLARE
	id uuid;
	answers text := '';
BEGIN
	FOR i IN 1 .. 3 LOOP
		id := casnet_internal.tag_id('c');
		answers := answers || (id IS NULL);
		INSERT INTO casnet.tags (name) VALUES ('c') ON CONFLICT DO NOTHING;
	END LOOP;
	PERFORM set_config('tap.answers', answers, true);
END
$$;
SELECT is(current_setting('tap.answers'), 'truefalsefalse', 'in one function');
CALL be('mia', 'South');
SELECT is(pg_temp.known(), false, 'South has none');
CALL be('nora', 'North');
SELECT throws_ok('SELECT pg_temp.known()', '42501', 'not a member of the active tenant', 'a stranger');
CALL be('mia', 'North');
SELECT is(pg_temp.known(), true, 'North still has');

-- The session changes and nothing is written in between: for a call in the text, and for
-- one that the server inlines from another function.
CREATE FUNCTION pg_temp.is_known() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	id uuid;
BEGIN
	id := casnet_internal.tag_id('a');
	RETURN id IS NOT NULL;
END
$$;
CREATE FUNCTION public.inlined() RETURNS uuid STABLE LANGUAGE sql RETURN casnet_internal.tag_id('a');
CREATE FUNCTION pg_temp.inlined_is_known() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	id uuid;
BEGIN
	id := public.inlined();
	RETURN id IS NOT NULL;
END
$$;
CREATE FUNCTION pg_temp.by_each(known text, people text[], tenants text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer boolean;
	answers text := '';
BEGIN
	FOR i IN 1 .. cardinality(people) LOOP
		CALL public.be(people[i], tenants[i]);
		EXECUTE 'SELECT pg_temp.' || known INTO answer;
		answers := concat_ws(' ', answers, answer);
	END LOOP;
	RETURN answers;
END
$$;
SELECT is(pg_temp.by_each(k || '()', '{mia,mia,olga}', '{North,South,North}'), ' t f t', 'another tenant at once: ' || k) FROM unnest('{is_known,inlined_is_known}'::text[]) AS k;
SELECT throws_ok(format('SELECT pg_temp.by_each(%L, ''{mia,nora}'', ''{North,North}'')', k || '()'), '42501', 'not a member of the active tenant', 'a stranger at once: ' || k) FROM unnest('{is_known,inlined_is_known}'::text[]) AS k;
SELECT * FROM finish();
ROLLBACK;
