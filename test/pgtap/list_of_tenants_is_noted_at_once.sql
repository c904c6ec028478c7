-- A cursor depends on each list of tenants that a function in it has made, as of that
-- moment.  That holds even if the membership ended, or the session changed, before the
-- function ended.
BEGIN;
SELECT plan(16);
\ir include/fixtures.sql
\ir include/lost.sql
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (:'adam', :'south', 'viewer');
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE FUNCTION public.listed(way integer) RETURNS uuid[] LANGUAGE plpgsql AS $$
DECLARE
	ids uuid[];
BEGIN
	CASE way
		WHEN 1 THEN ids := ARRAY(SELECT m.tenant_id FROM casnet.my_tenants() AS m);
		WHEN 2 THEN ids := casnet_internal.my_tenant_ids();
		WHEN 3 THEN ids := ARRAY(SELECT t.id FROM casnet.tenants AS t);
		ELSE ids := ARRAY(SELECT t.id FROM casnet.tenants AS t WHERE name <> '' OR random() < 0);
	END CASE;
	RETURN ids;
END
$$;
-- The list is stored, then the membership ends, or the session changes.
CREATE FUNCTION public.put_aside(way integer, person uuid, tenant uuid, other uuid) RETURNS SETOF uuid LANGUAGE plpgsql AS $$
DECLARE
	ids uuid[] := public.listed(way);
	mine uuid := casnet.current_user_id();
BEGIN
	IF person IS NOT NULL THEN
		PERFORM public.lost(person, tenant);
	END IF;
	IF other IS NOT NULL THEN
		PERFORM set_config('casnet.user_id', other::text, true);
		ids := ids || public.listed(way);
		PERFORM set_config('casnet.user_id', mine::text, true);
	END IF;
	RETURN QUERY SELECT unnest(ids || ids);
END
$$;
CREATE FUNCTION public.goes_on(way integer, person uuid, other uuid, later uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	c refcursor;
	r uuid;
	south CONSTANT uuid := '00000000-0000-7000-8000-0000000000b0';
	result text;
BEGIN
	PERFORM set_config('casnet.user_id', '00000000-0000-7000-8000-000000000003', true),
			set_config('casnet.tenant_id', '00000000-0000-7000-8000-0000000000a0', true);
	OPEN c FOR SELECT * FROM public.put_aside(way, person, south, other);
	FETCH c INTO r;
	IF later IS NOT NULL THEN
		PERFORM public.lost(later, south);
	END IF;
	BEGIN
		FETCH c INTO r;
		result := 'a row';
	EXCEPTION WHEN OTHERS THEN
		result := SQLSTATE;
	END;
	RAISE EXCEPTION '%', result USING ERRCODE = 'ZZ001';
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
	RETURN SQLERRM;
END
$$;
SELECT is(public.goes_on(way, NULL, NULL, NULL), 'a row', 'nothing is lost, way ' || way) FROM generate_series(1, 4) AS way;
SELECT is(public.goes_on(way, :'mia', NULL, NULL), '42501', 'lost before the function ends, way ' || way) FROM generate_series(1, 4) AS way;
SELECT is(public.goes_on(way, NULL, :'otto', :'mia'), '42501', 'lost by the first of two users, way ' || way) FROM generate_series(1, 4) AS way;
SELECT is(public.goes_on(way, NULL, :'olga', :'adam'), 'a row', 'lost by somebody else, way ' || way) FROM generate_series(1, 4) AS way;
SELECT * FROM finish();
ROLLBACK;
