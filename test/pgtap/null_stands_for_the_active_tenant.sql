-- Drivers send NULL for a column that they have no value for.  As a tenant NULL stands for
-- the active one, also in memberships and permissions; the policy decides.
BEGIN;
SELECT plan(58);
\ir include/fixtures.sql
CREATE TEMP TABLE rows (t, columns, written) AS VALUES
	('persons', 'name', '''x'''), ('records', 'title', '''x'''), ('tags', 'name', '''x'''), ('tasks', 'title', '''x'''),
	('calendar_events', 'title, starts_at', '''x'', now()'),
	('record_tags', 'record_id, tag_id', '''00000000-0000-7000-8000-0000000003a0'', ''00000000-0000-7000-8000-0000000009a0'''),
	('record_persons', 'record_id, person_id', '''00000000-0000-7000-8000-0000000003a0'', ''00000000-0000-7000-8000-0000000001a0'''),
	('user_tenants', 'user_id, role', '''00000000-0000-7000-8000-000000000008'', ''viewer'''),
	('user_tenant_permissions', 'user_id, permission', '''00000000-0000-7000-8000-000000000003'', ''view_tags''');
GRANT SELECT ON rows TO PUBLIC;
CREATE FUNCTION pg_temp.insert_into(r rows) RETURNS text LANGUAGE sql AS $$
	SELECT format('INSERT INTO casnet.%I (tenant_id, %s) VALUES (NULL, %s)', r.t, r.columns, r.written)
$$;

CREATE FUNCTION pg_temp.tenants_of(r rows) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE pg_temp.insert_into(r) || ' RETURNING tenant_id' INTO result;
	RETURN result;
END
$$;

CALL be('olga', 'North');
SAVEPOINT before;
SELECT is(pg_temp.tenants_of(r), :'north', 'an owner adds one: ' || t) FROM rows AS r;
SELECT lives_ok(format('UPDATE casnet.%I SET tenant_id = NULL', t), 'a row stays in its tenant when a mapper clears it: ' || t) FROM rows WHERE t <> 'user_tenants';
SELECT throws_ok('UPDATE casnet.user_tenants SET tenant_id = NULL', '42501', NULL, 'but no membership becomes another one');
ROLLBACK TO before;
CALL be('sue', 'North');
SELECT is(pg_temp.tenants_of(r), :'north', 'so does a superuser of the application: ' || t) FROM rows AS r;
ROLLBACK TO before;
CALL be('vic', 'North');
SELECT throws_ok(pg_temp.insert_into(r), '42501', NULL, 'a viewer adds none: ' || t) FROM rows AS r;
CALL be('mia');
SELECT throws_ok(pg_temp.insert_into(r), '55000', NULL, 'nor does whoever has no active tenant: ' || t) FROM rows AS r;

-- A load view, and rows that conflict.
CALL be('olga', 'North');
SELECT lives_ok($$INSERT INTO casnet.tags_load (tenant_id, id, name) VALUES (NULL, '00000000-0000-7000-8000-0000000019a0', 'loaded')$$, 'loading');
SELECT is((SELECT tenant_id FROM casnet.tags WHERE name = 'loaded'), :'north'::uuid, 'is into the active tenant');
SELECT lives_ok($$INSERT INTO casnet.tags (tenant_id, name) VALUES (NULL, 'loaded') ON CONFLICT (tenant_id, name) DO UPDATE SET name = 'again'$$, 'what is there conflicts');
SELECT is((SELECT name FROM casnet.tags WHERE id = '00000000-0000-7000-8000-0000000019a0'), 'again', 'and is updated');

-- The same in a protected table, also a partitioned one and its later partition.
RESET SESSION AUTHORIZATION;
CREATE TABLE public.plain (id int PRIMARY KEY, tenant_id uuid, note text);
CREATE TABLE public.parted (id int, tenant_id uuid, note text) PARTITION BY RANGE (id);
CREATE TABLE public.parted_1 PARTITION OF public.parted FOR VALUES FROM (0) TO (10);
SELECT casnet.protect(t) IS NOT NULL AS protected FROM unnest('{public.plain,public.parted}'::regclass[]) AS t \g /dev/null
CREATE TABLE public.parted_2 PARTITION OF public.parted FOR VALUES FROM (10) TO (20);
CREATE FUNCTION pg_temp.tenant_of(query text) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
	result uuid;
BEGIN
	EXECUTE query INTO result;
	RETURN result;
END
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT is(pg_temp.tenant_of(format('INSERT INTO public.%I VALUES (%s, NULL, ''x'') RETURNING tenant_id', t, id)), :'north', format('%s %s', t, id))
  FROM (VALUES ('plain', 1), ('parted', 1), ('parted', 11)) AS v (t, id);
CALL be('vic', 'North');
SELECT throws_ok('INSERT INTO public.plain VALUES (2, NULL, ''x'')', '42501', NULL, 'but not for whoever may not');
RESET SESSION AUTHORIZATION;
SELECT casnet.unprotect(t) FROM unnest('{public.plain,public.parted}'::regclass[]) AS t;
SELECT is((SELECT count(*) FROM pg_trigger WHERE tgname = 'casnet_fill_tenant' AND tgrelid::regclass::text ~ '^(public\.)?(plain|parted)'), 0::bigint, 'unprotect() takes it away');

-- No such policy binds an administrator, who gets the error of the column unless a tenant
-- is active.
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT set_config('casnet.tenant_id', '', true);
SELECT throws_ok(pg_temp.insert_into(r), '23502', NULL, 'an administrator without one: ' || t) FROM rows AS r WHERE t ~ '^user_tenant';
SELECT set_config('casnet.tenant_id', :'north', true);
SELECT is(pg_temp.tenants_of(r), :'north', 'and with one: ' || t) FROM rows AS r WHERE t ~ '^user_tenant';
SELECT * FROM finish();
ROLLBACK;
