-- Within one function, and one execution of an expression, the requested permission, the
-- tenant and the user can change at every turn of a loop.
BEGIN;
SELECT plan(7);
\ir include/fixtures.sql
CALL be('mia', 'North');

CREATE FUNCTION pg_temp.ask() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answers text := '';
	p text;
BEGIN
	FOREACH p IN ARRAY ARRAY['view_records', 'delete_records', 'edit_records', 'manage_users', 'view_tags'] LOOP
		answers := answers || CASE WHEN casnet.can(p) THEN 'y' ELSE 'n' END;
	END LOOP;
	RETURN answers;
END
$$;
SELECT is(pg_temp.ask(), 'ynyny', 'can() with another permission each time');

CREATE FUNCTION pg_temp.wander(asked text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answers text := '';
	t text;
	n bigint;
BEGIN
	FOREACH t IN ARRAY ARRAY['North', 'South', 'North', '', 'South'] LOOP
		PERFORM set_config('casnet.tenant_id', coalesce((SELECT id::text FROM public.who WHERE name = t), ''), true);
		IF asked = 'count' THEN
			BEGIN
				SELECT count(*) INTO n FROM casnet.records WHERE title LIKE 'North%';
				answers := answers || n;
			EXCEPTION WHEN object_not_in_prerequisite_state THEN
				answers := answers || '-';
			END;
		ELSE
			answers := answers || CASE WHEN casnet.can('edit_records') THEN 'y' ELSE 'n' END;
		END IF;
	END LOOP;
	RETURN answers;
END
$$;
SELECT is(pg_temp.wander('can'), 'ynynn', 'can() of a constant in another tenant each time');
SELECT is(pg_temp.wander('count'), '303-0', 'a query likewise');

CREATE FUNCTION pg_temp.become() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answers text := '';
	u text;
BEGIN
	FOREACH u IN ARRAY ARRAY['olga', 'vic', 'nora', 'adam', '', 'sue'] LOOP
		CALL public.be(u, 'North');
		answers := answers || CASE WHEN casnet.can('delete_records') THEN 'y' ELSE 'n' END;
	END LOOP;
	RETURN answers;
END
$$;
SELECT is(pg_temp.become(), 'ynnyny', 'can() for another user each time');

-- Within a single statement, row by row.
CALL be('mia', 'North');
SELECT is((SELECT string_agg(CASE WHEN casnet.can(p) THEN 'y' ELSE 'n' END, '' ORDER BY n)
	FROM unnest(ARRAY['view_tags', 'delete_tags', 'edit_tags']) WITH ORDINALITY AS x (p, n)), 'yny', 'can() of a column');
SELECT is((SELECT count(DISTINCT casnet.current_tenant_id()) FROM (SELECT set_config('casnet.tenant_id', id::text, true) FROM public.who WHERE name IN ('North', 'South') OFFSET 0) AS x), 2::bigint, 'current_tenant_id() between the rows');
SELECT throws_ok($t$DO $x$ BEGIN FOR i IN 1..2 LOOP PERFORM casnet.can(CASE i WHEN 1 THEN 'view_tags' ELSE 'fly' END); END LOOP; END $x$ $t$, '22023', 'unknown permission "fly"', 'an unknown one at the second turn');
SELECT * FROM finish();
ROLLBACK;
