-- Each index serves the lookups that it is for, if there are many rows to skip.
BEGIN;
SELECT plan(29);
\ir include/fixtures.sql
\ir include/plan_of.sql
RESET SESSION AUTHORIZATION;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_sort = off;
SET LOCAL enable_bitmapscan = off;
-- Many rows to skip, and statistics that say so.
INSERT INTO casnet.tasks (tenant_id, title) SELECT :'north', n FROM generate_series(1, 2000) AS n;
INSERT INTO casnet.calendar_events (tenant_id, title, starts_at) SELECT :'north', n, '2024-01-01' FROM generate_series(1, 2000) AS n;
INSERT INTO casnet.persons (tenant_id, name) SELECT :'north', n FROM generate_series(1, 2000) AS n;
INSERT INTO casnet.record_persons (tenant_id, record_id, person_id) SELECT :'north', r.id, p.id FROM casnet.records AS r, casnet.persons AS p WHERE r.title = 'North record 3' AND p.tenant_id = :'north';
INSERT INTO casnet.calendar_events (tenant_id, title, starts_at, ends_at) SELECT :'north', n, '2024-01-01', '2024-01-10' FROM generate_series(1, 20) AS n;
INSERT INTO casnet.calendar_events (tenant_id, title, starts_at, recurrence_rule) SELECT :'north', n, '2024-01-01', 'FREQ=DAILY' FROM generate_series(1, 20) AS n;
ANALYZE casnet.tasks, casnet.calendar_events, casnet.persons, casnet.record_persons;
SELECT matches(plan_of(query), index, index)
  FROM (VALUES ('users_username_lower_key', $$SELECT FROM casnet.users WHERE lower(username) = 'x'$$), ('users_email_lower_key', $$SELECT FROM casnet.users WHERE lower(email) = 'x'$$),
	('user_tenants_tenant_id_user_id_idx', $$SELECT FROM casnet.user_tenants WHERE tenant_id = '00000000-0000-7000-8000-0000000000a0'$$),
	('persons_tenant_id_created_at_id_idx', $$SELECT FROM casnet.persons WHERE tenant_id = '00000000-0000-7000-8000-0000000000a0' ORDER BY created_at DESC, id DESC LIMIT 1$$),
	('persons_tenant_id_name_idx', $$SELECT FROM casnet.persons WHERE tenant_id = '00000000-0000-7000-8000-0000000000a0' ORDER BY name LIMIT 1$$),
	('records_tenant_id_created_at_id_idx', $$SELECT FROM casnet.records WHERE tenant_id = '00000000-0000-7000-8000-0000000000a0' ORDER BY created_at DESC, id DESC LIMIT 1$$),
	('record_persons_tenant_id_person_id_record_id_idx', $$SELECT FROM casnet.record_persons WHERE tenant_id = '00000000-0000-7000-8000-0000000000a0' AND person_id = '00000000-0000-7000-8000-0000000000a0'$$),
	('record_tags_tenant_id_tag_id_record_id_idx', $$SELECT FROM casnet.record_tags WHERE tenant_id = '00000000-0000-7000-8000-0000000000a0' AND tag_id = '00000000-0000-7000-8000-0000000000a0'$$),
	('tasks_tenant_id_created_at_id_idx', $$SELECT FROM casnet.tasks WHERE tenant_id = '00000000-0000-7000-8000-0000000000a0' ORDER BY created_at DESC, id DESC LIMIT 1$$),
	('tasks_tenant_id_status_due_date_idx', $$SELECT FROM casnet.tasks WHERE tenant_id = '00000000-0000-7000-8000-0000000000a0' AND status = 'PENDING' ORDER BY due_date LIMIT 1$$),
	('tasks_tenant_id_assignee_id_idx', $$SELECT FROM casnet.tasks WHERE tenant_id = '00000000-0000-7000-8000-0000000000a0' AND assignee_id = '00000000-0000-7000-8000-0000000000a0'$$),
	('tasks_tenant_id_record_id_idx', $$SELECT FROM casnet.tasks WHERE tenant_id = '00000000-0000-7000-8000-0000000000a0' AND record_id = '00000000-0000-7000-8000-0000000000a0'$$),
	('calendar_events_tenant_id_starts_at_idx', $$SELECT FROM casnet.calendar_events WHERE tenant_id = '00000000-0000-7000-8000-0000000000a0' ORDER BY starts_at LIMIT 1$$),
	('calendar_events_tenant_id_record_id_idx', $$SELECT FROM casnet.calendar_events WHERE tenant_id = '00000000-0000-7000-8000-0000000000a0' AND record_id = '00000000-0000-7000-8000-0000000000a0'$$),
	('calendar_events_tenant_id_starts_at_idx', $$SELECT FROM casnet.events_between('2024-02-01', '2024-03-01')$$), ('calendar_events_tenant_id_ends_at_idx', $$SELECT FROM casnet.events_between('2024-02-01', '2024-03-01')$$),
	('calendar_events_tenant_id_series_idx', $$SELECT FROM casnet.events_between('2024-02-01', '2024-03-01')$$), ('calendar_events_tenant_id_series_id_occurrence_at_idx', $$SELECT FROM casnet.events_between('2024-02-01', '2024-03-01')$$),
	('revoked_tokens_expires_at_idx', $$SELECT FROM casnet_internal.revoked_tokens WHERE expires_at < now()$$), ('revoked_tokens_user_id_idx', $$SELECT FROM casnet_internal.revoked_tokens WHERE user_id = '00000000-0000-7000-8000-0000000000a0'$$),
	('invitations_tenant_id_idx', $$SELECT FROM casnet_internal.invitations WHERE tenant_id = '00000000-0000-7000-8000-0000000000a0'$$), ('invitations_invited_by_idx', $$SELECT FROM casnet_internal.invitations WHERE invited_by = '00000000-0000-7000-8000-0000000000a0'$$),
	('codes_user_id_idx', $$SELECT FROM casnet_internal.codes WHERE user_id = '00000000-0000-7000-8000-000000000001'$$), ('codes_expires_at_idx', $$SELECT FROM casnet_internal.codes WHERE expires_at < now()$$),
	('invitations_expires_at_idx', $$SELECT FROM casnet_internal.invitations WHERE expires_at < now()$$),
	('audit_entries_default_tenant_id_at_id_idx', $$SELECT FROM casnet_internal.audit_entries WHERE tenant_id = '00000000-0000-7000-8000-0000000000a0' ORDER BY at DESC, id DESC LIMIT 1$$),
	('audit_entries_default_tenant_id_transaction_id_relation_idx', $$SELECT FROM casnet_internal.audit_entries WHERE tenant_id = '00000000-0000-7000-8000-0000000000a0' AND transaction_id = 1 AND relation = 'casnet.tasks'$$),
	('audit_entries_default_tenant_id_jsonb_hash_extended_at_id_idx', $$SELECT FROM casnet_internal.audit_entries WHERE tenant_id = '00000000-0000-7000-8000-0000000000a0' AND jsonb_hash_extended(row_key, 0) = jsonb_hash_extended('{}', 0) ORDER BY at DESC, id DESC LIMIT 1$$)) AS v (index, query);
-- An index for search is used by a bitmap scan, or not at all.
SET LOCAL enable_bitmapscan = on;
SET LOCAL enable_indexscan = off;
INSERT INTO casnet.records (tenant_id, title) SELECT :'north', n FROM generate_series(1, 2000) AS n;
SELECT gin_clean_pending_list('casnet.records_tenant_id_search_vector_idx') >= 0 AS cleaned \gset
ANALYZE casnet.records;
SELECT matches(plan_of($$SELECT FROM casnet.records WHERE tenant_id = '00000000-0000-7000-8000-0000000000a0' AND search_vector OPERATOR(casnet.@~) casnet.search_query('7')$$),
	'records_tenant_id_search_vector_idx', 'records_tenant_id_search_vector_idx');
SELECT * FROM finish();
ROLLBACK;
