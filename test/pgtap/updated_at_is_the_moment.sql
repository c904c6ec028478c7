-- updated_at is when the row was updated, not when its transaction began: later changes
-- of one transaction have later times.  created_at is when the transaction began.
BEGIN;
SELECT plan(24);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
-- An update of each table, between two looks at the clock.
CREATE FUNCTION public.moment_of(name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before timestamptz;
	after timestamptz;
	wrong bigint;
	n bigint;
BEGIN
	PERFORM pg_sleep(0.002);
	before := clock_timestamp();
	EXECUTE format('UPDATE casnet.%I SET created_at = created_at', name);
	GET DIAGNOSTICS n = ROW_COUNT;
	after := clock_timestamp();
	EXECUTE format('SELECT count(*) FROM casnet.%I WHERE updated_at NOT BETWEEN $1 AND $2 OR updated_at <= now()', name) INTO wrong USING before, after;
	RETURN CASE WHEN n = 0 THEN 'no row' WHEN wrong = 0 THEN 'the moment' ELSE wrong || ' of ' || n END;
END
$$;
SELECT is(public.moment_of(split_part(relation::text, '.', 2)), 'the moment', relation::text) FROM casnet_internal.managed_tables() WHERE kind IN ('administration', 'tenant') AND relation <> 'casnet.user_tenant_permissions'::regclass;
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES (:'vic', :'north', 'view_users');
SELECT is(public.moment_of('user_tenant_permissions'), 'the moment', 'casnet.user_tenant_permissions');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT set_config('test.before', updated_at::text, true) AS before FROM casnet.records WHERE title ~ '1$' \gset
SELECT pg_sleep(0.002) AS slept \gset
UPDATE casnet.records SET title = title WHERE title ~ '1$';
SELECT updated_at AS first FROM casnet.records WHERE title ~ '1$' \gset
SELECT pg_sleep(0.002) AS slept \gset
UPDATE casnet.records SET title = title WHERE title ~ '2$';
SELECT updated_at AS second FROM casnet.records WHERE title ~ '2$' \gset
UPDATE casnet.records SET title = title WHERE title ~ '1$';
SELECT updated_at AS third FROM casnet.records WHERE title ~ '1$' \gset
SELECT cmp_ok(:'first'::timestamptz, '>', :'before'::timestamptz, 'an update moves it');
SELECT cmp_ok(:'second'::timestamptz, '>', :'first'::timestamptz, 'that of another row, later, to a later time');
SELECT cmp_ok(:'third'::timestamptz, '>', :'second'::timestamptz, 'and once more');
SELECT cmp_ok(:'third'::timestamptz, '<=', clock_timestamp(), 'not beyond the clock');
-- Twice within one statement: by ON CONFLICT, and in a loop faster than the clock.
INSERT INTO casnet.tags (id, name) VALUES (:'nowhere', 'x');
SELECT is(created_at, now(), 'a new row is as old as its transaction') FROM casnet.tags WHERE name = 'x';
SELECT is(updated_at, now(), 'and was never updated') FROM casnet.tags WHERE name = 'x';
SELECT pg_sleep(0.002) AS slept \gset
INSERT INTO casnet.tags (id, name) VALUES (:'nowhere', 'y') ON CONFLICT (tenant_id, id) DO UPDATE SET name = 'y';
SELECT cmp_ok(updated_at, '>', now(), 'ON CONFLICT DO UPDATE is an update') FROM casnet.tags WHERE name = 'y';
-- completed_at is that moment, too.
UPDATE casnet.tasks SET status = 'COMPLETED';
SELECT ok(completed_at > now() AND completed_at <= clock_timestamp(), 'completed_at is the moment') FROM casnet.tasks;
SELECT completed_at AS done FROM casnet.tasks \gset
UPDATE casnet.tasks SET priority = 'HIGH';
SELECT is(completed_at, :'done'::timestamptz, 'and stays') FROM casnet.tasks;
SELECT ok(updated_at > :'done'::timestamptz, 'while updated_at goes on') FROM casnet.tasks;
SELECT is((SELECT count(*) FROM casnet.records WHERE updated_at = now()), 0::bigint, 'nothing is of the start of the transaction');
SELECT * FROM finish();
ROLLBACK;
