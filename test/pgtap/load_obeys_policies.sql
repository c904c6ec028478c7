-- A loaded row is judged like an inserted one: every fault has the same SQLSTATE.  A hidden
-- row has the same message as a missing one.
BEGIN;
SELECT plan(23);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE POLICY no_drafts ON casnet.records AS RESTRICTIVE FOR INSERT WITH CHECK (title !~ '^draft');
SET LOCAL SESSION AUTHORIZATION tap_app;

-- The error of INSERT INTO casnet.TABLE, and that of INSERT INTO casnet.TABLE_load.
CREATE FUNCTION pg_temp.same(code text, target text, rest text, name text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	direct text := error_of(format('INSERT INTO casnet.%s %s', target, rest));
	loaded text := error_of(format('INSERT INTO casnet.%s_load %s', target, rest));
BEGIN
	RETURN NEXT is(loaded, direct, name);
	RETURN NEXT is(left(loaded, 5), code, name || ': ' || code);
END
$$;
CALL be('');
SELECT pg_temp.same('28000', 'records', $$(title) VALUES ('x')$$, 'nobody');
CALL be('mia');
SELECT pg_temp.same('55000', 'records', $$(tenant_id, title) VALUES ('00000000-0000-7000-8000-0000000000a0', 'x')$$, 'no tenant');
CALL be('vic', 'North');
SELECT pg_temp.same('42501', 'records', $$(title) VALUES ('x')$$, 'a viewer');
CALL be('mia', 'North');
SELECT pg_temp.same('42501', 'records', $$(tenant_id, title) VALUES ('00000000-0000-7000-8000-0000000000b0', 'x')$$, 'another tenant');
SELECT pg_temp.same('42501', 'records', $$(title) VALUES ('draft')$$, 'a policy of somebody else');
SELECT pg_temp.same('23502', 'persons', $$(name) VALUES (NULL)$$, 'NULL in a NOT NULL column');
SELECT pg_temp.same('23514', 'persons', $$(name) VALUES (' ')$$, 'a value out of bounds');
SELECT pg_temp.same('23505', 'tags', $$(name) VALUES ('North tag')$$, 'a duplicate');
SELECT pg_temp.same('23503', 'tasks', $$(title, record_id) VALUES ('x', '00000000-0000-7000-8000-0000000001b0')$$, 'a record of another tenant');
SELECT is(
	error_of($$INSERT INTO casnet.tasks_load (title, record_id) VALUES ('x', '00000000-0000-7000-8000-0000000001b0')$$),
	error_of($$INSERT INTO casnet.tasks_load (title, record_id) VALUES ('x', '00000000-0000-7000-8000-0000000001ee')$$),
	'is like none');

-- A load is one statement, and is judged as one if the tenant changes on the way.
CREATE FUNCTION pg_temp.then_south(n integer) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT 'row ' || n || left(CASE n WHEN 2 THEN set_config('casnet.tenant_id', '00000000-0000-7000-8000-0000000000b0', true) END, 0)
$$;
SELECT pg_temp.same('55000', 'records', $$(tenant_id, title) SELECT overlay(current_setting('casnet.tenant_id') PLACING CASE WHEN n < 3 THEN 'a' ELSE 'b' END FROM 35)::uuid, coalesce(pg_temp.then_south(n), 'x') FROM generate_series(1, 3) AS n$$, 'a tenant that changes on the way');
CALL be('mia', 'North');
SET LOCAL row_security = off;
SELECT matches(error_of($$INSERT INTO casnet.records_load (title) VALUES ('x')$$), '^42501 .*row-level security', 'row_security = off is no way around');
SET LOCAL row_security = on;
SELECT is((SELECT count(*) FROM casnet.records), 3::bigint, 'nothing was loaded');
SELECT * FROM finish();
ROLLBACK;
