-- A cursor over functions is refused after a revocation, even if it moves back from its
-- end, and whatever tenant the functions switched to.
BEGIN;
SELECT plan(19);
\ir include/fixtures.sql
\ir include/lost.sql
CREATE FUNCTION public.titles() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT title FROM casnet.records ORDER BY 1;
END
$$;
CREATE FUNCTION public.elsewhere() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	here text := current_setting('casnet.tenant_id');
BEGIN
	PERFORM casnet.use_tenant('South');
	RETURN QUERY SELECT title FROM casnet.records ORDER BY 1;
	PERFORM set_config('casnet.tenant_id', here, false);
END
$$;
CREATE FUNCTION public.nowhere() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT title FROM casnet.records ORDER BY 1;
	PERFORM set_config('casnet.tenant_id', '', false);
END
$$;

CALL be('mia', 'North');
DECLARE at_end SCROLL CURSOR FOR SELECT * FROM public.titles();
MOVE ALL IN at_end;
DECLARE first SCROLL CURSOR FOR SELECT * FROM public.titles();
MOVE ALL IN first;
DECLARE counted SCROLL CURSOR FOR SELECT * FROM public.titles();
FETCH 100 FROM counted \g /dev/null
DECLARE whole SCROLL CURSOR FOR SELECT * FROM casnet.my_tenants();
FETCH ALL FROM whole \g /dev/null
DECLARE whoever SCROLL CURSOR FOR SELECT username FROM casnet.whoami();
FETCH ALL FROM whoever \g /dev/null
DECLARE moved CURSOR FOR SELECT * FROM public.elsewhere();
FETCH 1 FROM moved \g /dev/null
DECLARE kept CURSOR FOR SELECT * FROM public.titles();
FETCH 1 FROM kept \g /dev/null
-- A tenant that is not the active one.
CALL be('otto', 'North');
DECLARE exported CURSOR FOR SELECT * FROM casnet.export_tenant(:'south');
FETCH 1 FROM exported \g /dev/null
CALL be('mia', 'North');
CREATE FUNCTION public.next_of(c refcursor, back boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	IF back THEN
		FETCH PRIOR FROM c INTO r;
	ELSE
		FETCH NEXT FROM c INTO r;
	END IF;
	RETURN CASE WHEN FOUND THEN 'a row' ELSE 'the end' END;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
SELECT is(public.next_of('at_end', true), 'a row', 'back from the end, before anything is lost');
SELECT is(public.next_of('moved', false), 'a row', 'on in another tenant, before anything is lost');
SELECT public.lost(:'mia', :'south');
SELECT is(public.next_of('moved', false), '42501', 'the tenant that a function went to');
SELECT is(public.next_of('whole', true), '42501', 'a list of tenants');
SELECT is(public.next_of('kept', false), 'a row', 'a cursor that does not depend on it continues');
SELECT is(public.next_of('exported', false), 'a row', 'an export goes on');
RESET SESSION AUTHORIZATION;
UPDATE casnet.user_tenants SET role = 'owner' WHERE user_id = :'mia' AND tenant_id = :'south';
INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (:'olga', :'south', 'owner');
UPDATE casnet.user_tenants SET role = 'viewer' WHERE user_id = :'otto' AND tenant_id = :'south';
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(public.next_of('exported', false), '42501', 'not without its permission');
SELECT public.lost(:'mia', :'north');
SELECT is(public.next_of('at_end', true), '42501', 'back after MOVE ALL');
SELECT is(public.next_of('counted', true), '42501', 'back after FETCH of more than there is');
SELECT is(public.next_of('whoever', true), '42501', 'back after FETCH ALL');
SELECT is(public.next_of('kept', false), '42501', 'forward');
SELECT throws_ok('FETCH ABSOLUTE 1 FROM first', '42501', NULL, 'to the first row');
CALL be('vic', 'North');
DECLARE left_behind CURSOR FOR SELECT * FROM public.nowhere();
FETCH 1 FROM left_behind \g /dev/null
SELECT is(casnet.current_tenant_id(), NULL, 'a function that leaves no tenant');
SELECT is(public.next_of('left_behind', false), 'a row', 'goes on');
SELECT public.lost(:'vic', :'north');
SELECT is(public.next_of('left_behind', false), '42501', 'until what it read is lost');
-- More tenants than casnet remembers: any change is a reason to refuse.
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.tenants (name) SELECT 'Many ' || n FROM generate_series(1, 20) AS n;
CREATE TABLE public.many AS SELECT id FROM casnet.tenants WHERE name ~ '^Many';
GRANT SELECT ON public.many TO tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE FUNCTION public.everywhere() RETURNS SETOF bigint LANGUAGE plpgsql AS $$
DECLARE
	t uuid;
BEGIN
	FOR t IN SELECT id FROM public.many LOOP
		PERFORM set_config('casnet.tenant_id', t::text, true);
		RETURN QUERY SELECT count(*) FROM casnet.records;
	END LOOP;
END
$$;
CALL be('sue', 'North');
DECLARE many CURSOR FOR SELECT * FROM public.everywhere();
FETCH 1 FROM many \g /dev/null
SELECT is(public.next_of('many', false), 'a row', 'a cursor over many tenants');
RESET SESSION AUTHORIZATION;
UPDATE casnet.users SET is_superuser = false WHERE username = 'sue';
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(public.next_of('many', false), '42501', 'is refused as well');

-- A loop that is at its end is asked for nothing more.
CALL be('nora');
SELECT casnet.create_tenant('Nora ' || n) AS t FROM generate_series(1, 3) AS n \g /dev/null
SELECT lives_ok($$DO 'DECLARE t record; BEGIN FOR t IN SELECT tenant_id AS id FROM casnet.my_tenants() LOOP PERFORM casnet.delete_tenant(t.id); END LOOP; END'$$, 'a loop that leaves all its tenants');
SELECT is((SELECT count(*) FROM casnet.my_tenants()), 0::bigint, 'is through');
SELECT * FROM finish();
ROLLBACK;
