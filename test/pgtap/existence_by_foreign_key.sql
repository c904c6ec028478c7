-- No foreign key reveals a row in another tenant: casnet's keys include the tenant, and an
-- application's tables may not reference casnet's tables.
BEGIN;
SELECT plan(11);
\ir include/fixtures.sql

CALL be('olga', 'North');
SELECT is(error_of($$INSERT INTO casnet.tasks (title, record_id) VALUES ('x', '00000000-0000-7000-8000-0000000001b0')$$),
	'23503 | insert or update on table "tasks" violates foreign key constraint "tasks_record_id_tenant_id_fkey" | Key is not present in table "records". |  | tasks_record_id_tenant_id_fkey', 'a hidden record is absent, and no value is named');
SELECT throws_ok($$INSERT INTO casnet.calendar_events (title, starts_at, record_id) VALUES ('x', now(), '00000000-0000-7000-8000-0000000001b0')$$, '23503', NULL, 'for an event');
SELECT throws_ok($$INSERT INTO casnet.record_tags (record_id, tag_id) VALUES ('00000000-0000-7000-8000-0000000001a0', '00000000-0000-7000-8000-0000000009b0')$$, '23503', NULL, 'for a tag');
SELECT throws_ok($$INSERT INTO casnet.record_persons (record_id, person_id) VALUES ('00000000-0000-7000-8000-0000000003a0', '00000000-0000-7000-8000-0000000001b0')$$, '23503', NULL, 'for a person');
SELECT throws_ok($$INSERT INTO casnet.record_persons (record_id, person_id) VALUES ('00000000-0000-7000-8000-0000000001b0', '00000000-0000-7000-8000-0000000001a0')$$, '23503', NULL, 'for a record that is about one');
SELECT throws_ok(format('UPDATE casnet.tasks SET assignee_id = %L', :'otto'), '23503', NULL, 'for an assignee');
SELECT is(error_of(format('UPDATE casnet.tasks SET assignee_id = %L', :'otto')), error_of(format('UPDATE casnet.tasks SET assignee_id = %L', :'nowhere')), 'who exists or not');
SELECT is(error_of(format('INSERT INTO casnet.user_tenant_permissions (user_id, permission) VALUES (%L, ''view_tags'')', :'otto')),
	error_of(format('INSERT INTO casnet.user_tenant_permissions (user_id, permission) VALUES (%L, ''view_tags'')', :'nowhere')), 'for a permission, too');
SELECT throws_ok($$CREATE TABLE public.probe (t uuid, r uuid, FOREIGN KEY (t, r) REFERENCES casnet.records (tenant_id, id))$$, '42501', NULL, 'no table of their own references records');
SELECT throws_ok($$CREATE TABLE public.probe (u uuid REFERENCES casnet.users (id))$$, '42501', NULL, 'nor users');
SELECT throws_ok($$CREATE TABLE public.probe () INHERITS (casnet.records)$$, '42501', NULL, 'nor inherits from them');
SELECT * FROM finish();
ROLLBACK;
