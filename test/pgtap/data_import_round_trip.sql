-- An export that is imported with its ids is exported again byte for byte: after
-- delete_tenant(), into an emptied tenant, by a superuser.
BEGIN;
SELECT plan(15);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
UPDATE casnet.tenants SET description = 'the "north"', created_at = '2001-02-03 04:05:06.789+00' WHERE id = :'north';
UPDATE casnet.user_tenants SET created_at = '2002-01-01 00:00:00.000001+00' WHERE role <> 'viewer';
INSERT INTO casnet.user_tenant_permissions VALUES (:'vic', :'north', 'view_users'), (:'olga', :'north', 'view_users');
INSERT INTO casnet.persons (tenant_id, name, date_of_birth, gender, contact_info, created_at, updated_at) VALUES
	(:'north', E'tab\t"quoted" \\ \u00e9\U0001F600', '-infinity', 'OTHER', '{"a": [1.50, null, {"b": "tenant_id"}]}', '0044-03-15 BC', 'infinity'),
	(:'north', 'null', '0001-01-01 BC', NULL, '{}', '-infinity', '294276-12-31 23:59:59.999999+00');
INSERT INTO casnet.tasks (tenant_id, title, status, completed_at, due_date, assignee_id) VALUES
	(:'north', 'done', 'COMPLETED', '2003-03-03', 'infinity', NULL), (:'north', 'not done', 'CANCELLED', NULL, '2003-03-03', :'olga');
INSERT INTO casnet.calendar_events (tenant_id, title, starts_at, ends_at, all_day, recurrence_rule, location, description) VALUES
	(:'north', '', '2003-03-03', '2003-03-03', true, 'FREQ=DAILY', ' ', '');
INSERT INTO casnet.calendar_events (tenant_id, id, title, starts_at, series_id, occurrence_at) SELECT :'north', '00000000-0000-7000-8000-000000000001', 'instead', '2003-03-05', id, '2003-03-04' FROM casnet.calendar_events WHERE title = '';
INSERT INTO casnet.records (tenant_id, title, content) VALUES (:'north', '', repeat('long ', 100000));
SET LOCAL SESSION AUTHORIZATION tap_app;

CALL be('olga', 'North');
CREATE TEMP TABLE e AS SELECT d AS document FROM casnet.export_tenant() AS d;
SELECT is(casnet.delete_tenant(:'north'), 25::bigint, 'the tenant is deleted');
SET LOCAL timezone = 'Asia/Kathmandu';
SET LOCAL datestyle = 'German, DMY';
SELECT casnet.import_tenant('e', keep_ids => true) AS new \gset
SELECT isnt(:'new'::uuid, :'north'::uuid, 'and imported as a new one');
SELECT is(casnet.current_tenant_id(), :'north'::uuid, 'the active tenant stays what it was');
SELECT results_eq(format($$SELECT (d #- '{tenant,id}')::text FROM casnet.export_tenant(%L) AS d$$, :'new'), $$SELECT (document #- '{tenant,id}')::text FROM e$$, 'and exported the same');

-- An emptied tenant; a role that was changed meanwhile gets the exported value.
SET casnet.tenant_id = :'new';
DELETE FROM casnet.tasks;
DELETE FROM casnet.calendar_events;
DELETE FROM casnet.records;
DELETE FROM casnet.tags;
DELETE FROM casnet.persons;
SELECT casnet.remove_member('mia');
SELECT casnet.set_member_role('adam', 'viewer');
SELECT casnet.leave_tenant() WHERE false;
SELECT is(casnet.import_tenant('e', tenant_id => :'new', keep_ids => true), :'new'::uuid, 'an emptied tenant is filled');
SELECT results_eq($$SELECT (d #- '{tenant,id}')::text FROM casnet.export_tenant() AS d$$, $$SELECT (document #- '{tenant,id}')::text FROM e$$, 'and exported the same');
SELECT is(casnet.current_tenant_id(), :'new'::uuid, 'the active tenant stays what it was');
SELECT throws_ok(format('SELECT casnet.import_tenant(%L, tenant_id => %L)', 'e', :'new'), '55000', 'the tenant is not empty', 'once');
SELECT throws_ok($$SELECT casnet.import_tenant('e')$$, '23505', NULL, 'a tenant of that name exists');
SELECT throws_ok(format('SELECT casnet.import_tenant(%L, %L, %L)', 'e', 'x', :'new'), '22023', NULL, 'a name is for a new one');

-- A superuser without a session; it has no identity afterwards.
CREATE TABLE public.e AS SELECT * FROM e;
SELECT casnet.delete_tenant(:'new');
SELECT casnet.sign_out();
RESET SESSION AUTHORIZATION;
DELETE FROM public.e WHERE document#>>'{row,username}' = 'olga' OR document#>>'{row,assignee_id}' = 'olga';
SELECT casnet.import_tenant('public.e', keep_ids => true, keep_tenant_id => true) AS new \gset
SELECT is(:'new'::uuid, :'north'::uuid, 'with the id of the tenant');
SELECT results_eq(format('SELECT d::text FROM casnet.export_tenant(%L) AS d', :'new'), 'SELECT document::text FROM public.e', 'also for a superuser');
SELECT is_empty(format($$SELECT FROM casnet.user_tenants WHERE tenant_id = %L AND role = 'owner'$$, :'new'), 'and a tenant without an owner');
SELECT is(casnet.import_tenant('public.e', 'Other') IS NOT NULL, true, 'or another one');
SELECT is(current_setting('casnet.tenant_id'), '', 'and no tenant is active');
SELECT * FROM finish();
ROLLBACK;
