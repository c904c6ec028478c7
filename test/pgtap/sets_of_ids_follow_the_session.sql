-- The lists of ids that policies of users and tenants compare with have each id once.  A
-- cursor keeps the lists with which it began.  An expression that PL/pgSQL keeps follows the
-- session.
BEGIN;
SELECT plan(10);
\ir include/fixtures.sql
CALL be('olga', 'North');
SELECT is((SELECT array_agg(id ORDER BY id) FROM unnest(casnet_internal.my_tenant_ids()) AS id), ARRAY[:'north'::uuid], 'the active tenant and a membership are one');
SELECT is((SELECT count(*) FROM unnest(casnet_internal.visible_user_ids())), 5::bigint, 'the user is a member like others');

-- By sequential scan, so that each row is compared when it is fetched.
SET LOCAL enable_indexscan = off;
SET LOCAL enable_indexonlyscan = off;
SET LOCAL enable_bitmapscan = off;
SET LOCAL enable_sort = off;
DECLARE u CURSOR FOR SELECT username FROM casnet.users;
DECLARE t CURSOR FOR SELECT name FROM casnet.tenants;
FETCH 1 FROM u \gset first_
MOVE 0 IN t;
CREATE FUNCTION pg_temp.rest(c refcursor) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	MOVE FORWARD ALL IN c;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END
$$;
CALL be('otto', 'South');
SELECT is(pg_temp.rest('u'), 4::bigint, 'the other members of North');
CALL be('mia', 'South');
DECLARE v CURSOR FOR SELECT name FROM casnet.tenants;
FETCH 1 FROM v \gset first_
CALL be('olga', 'North');
SELECT is(pg_temp.rest('v'), 1::bigint, 'the other tenant of a member of both');

CREATE FUNCTION pg_temp.count_as(asked text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answers text := '';
	turn text[];
	n bigint;
BEGIN
	FOREACH turn SLICE 1 IN ARRAY ARRAY[['olga', 'North'], ['mia', 'South'], ['sue', 'North'], ['otto', 'South'], ['olga', 'North']] LOOP
		PERFORM set_config('casnet.user_id', (SELECT id::text FROM public.who WHERE name = turn[1]), true),
			set_config('casnet.tenant_id', (SELECT id::text FROM public.who WHERE name = turn[2]), true);
		IF asked = 'tenants' THEN
			n := cardinality(casnet_internal.my_tenant_ids());
		ELSE
			n := cardinality(casnet_internal.visible_user_ids());
		END IF;
		answers := answers || n;
	END LOOP;
	RETURN answers;
END
$$;
SELECT is(pg_temp.count_as('tenants'), '12111', 'each user has the own tenants');
SELECT is(pg_temp.count_as('users'), '52625', 'and sees the own members');

-- A tenant can have any id, also the one that is all zero.
SET LOCAL SESSION AUTHORIZATION tap_operator;
INSERT INTO casnet.tenants (id, name) VALUES ('00000000-0000-0000-0000-000000000000', 'Zero');
INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (:'olga', '00000000-0000-0000-0000-000000000000', 'owner');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga');
SELECT ok(NOT casnet.can('view_records'), 'which is not active where none is');
SELECT is((SELECT count(*) FROM unnest(casnet_internal.visible_user_ids())), 1::bigint, 'so that nobody is seen');
SELECT throws_ok($$SELECT casnet.tenant_with('view_records')$$, '55000', NULL, 'and nothing can be done');
CALL be('sue');
SELECT is((SELECT cardinality(casnet_internal.my_tenant_ids())), 0, 'nor for a superuser');
SELECT * FROM finish();
ROLLBACK;
