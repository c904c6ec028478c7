-- No row refers to another tenant, whoever wrote it.
BEGIN;
SELECT plan(14);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SELECT is(current_setting('is_superuser'), 'on', 'as a superuser, whom no policy binds');
SELECT is((SELECT count(*) FROM casnet.records WHERE title LIKE '%record%'), 6::bigint, 'who sees both tenants');
SELECT throws_ok(format('INSERT INTO casnet.tasks (tenant_id, title, record_id) VALUES (%L, ''x'', ''00000000-0000-7000-8000-0000000001b0'')', :'north'), '23503', NULL, 'a task about a record of South');
SELECT throws_ok(format('INSERT INTO casnet.tasks (tenant_id, title, assignee_id) VALUES (%L, ''x'', %L)', :'north', :'otto'), '23503', NULL, 'a task of a member of South');
SELECT throws_ok(format('INSERT INTO casnet.calendar_events (tenant_id, title, starts_at, record_id) VALUES (%L, ''x'', now(), ''00000000-0000-7000-8000-0000000001b0'')', :'north'), '23503', NULL, 'an event');
SELECT throws_ok(format('INSERT INTO casnet.record_tags VALUES (%L, ''00000000-0000-7000-8000-0000000003a0'', ''00000000-0000-7000-8000-0000000009b0'')', :'north'), '23503', NULL, 'a link to a tag');
SELECT throws_ok(format('INSERT INTO casnet.record_tags VALUES (%L, ''00000000-0000-7000-8000-0000000003b0'', ''00000000-0000-7000-8000-0000000009a0'')', :'north'), '23503', NULL, 'a link from a record');
SELECT throws_ok(format('INSERT INTO casnet.record_persons (tenant_id, record_id, person_id) VALUES (%L, ''00000000-0000-7000-8000-0000000003a0'', ''00000000-0000-7000-8000-0000000001b0'')', :'north'), '23503', NULL, 'a link to a person');
SELECT throws_ok(format('INSERT INTO casnet.record_persons (tenant_id, record_id, person_id) VALUES (%L, ''00000000-0000-7000-8000-0000000003b0'', ''00000000-0000-7000-8000-0000000001a0'')', :'north'), '23503', NULL, 'a link from a record');
SELECT throws_ok(format('UPDATE casnet.records SET tenant_id = %L WHERE id = ''00000000-0000-7000-8000-0000000001a0''', :'south'), '23514', NULL, 'a record does not leave its links behind');
SELECT throws_ok(format('UPDATE casnet.tasks SET tenant_id = %L WHERE tenant_id = %L', :'south', :'north'), NULL, NULL, 'nor a task its record');
SELECT throws_ok(format('INSERT INTO casnet.user_tenant_permissions VALUES (%L, %L, ''view_tags'')', :'otto', :'north'), '23503', NULL, 'a permission of who is no member');
SELECT throws_ok('INSERT INTO casnet.records (title) VALUES (''x'')', '23502', NULL, 'a row without a tenant');
SELECT throws_ok(format('INSERT INTO casnet.records (tenant_id, title) VALUES (%L, ''x'')', :'nowhere'), '23503', NULL, 'a row of no tenant');
SELECT * FROM finish();
ROLLBACK;
