-- A cursor whose rows come from another cursor depends on what that cursor depends on, even
-- on the list of tenants by which it reads.  Rows that were stored are not returned once a
-- tenant of the list is lost.
BEGIN;
SELECT plan(4);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE FUNCTION public.lose(tenant uuid) RETURNS void LANGUAGE sql SECURITY DEFINER AS $$
	DELETE FROM casnet.user_tenants WHERE tenant_id = tenant AND user_id = '00000000-0000-7000-8000-000000000003'
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE FUNCTION public.one() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	c refcursor := 'within';
	name text;
BEGIN
	FETCH c INTO name;
	RETURN name;
END
$$;
CALL be('mia', 'North');
-- The sort stores all of the inner rows.
DECLARE within CURSOR FOR SELECT name FROM casnet.tenants;
DECLARE around CURSOR FOR SELECT x FROM (SELECT public.one() AS x, n FROM generate_series(1, 2) AS n OFFSET 0) AS s ORDER BY x;
SELECT results_eq('FETCH 1 FROM around', ARRAY['North'], 'the first row');
SELECT lives_ok('MOVE 0 FROM around', 'nothing happens');
SELECT public.lose(:'south') \g /dev/null
SELECT throws_ok('FETCH 1 FROM around', '42501', NULL, 'a tenant of the list is lost');
SELECT is((SELECT string_agg(name, ' ') FROM casnet.tenants), 'North', 'the other one is there');
SELECT * FROM finish();
ROLLBACK;
