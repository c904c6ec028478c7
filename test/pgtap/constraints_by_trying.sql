-- Every CHECK, NOT NULL, DEFAULT and unique key of the tables, by trying.  The test is a
-- superuser, since no other role writes all of them; constraints bind everybody.
BEGIN;
SELECT * FROM no_plan();
\ir include/fixtures.sql
CALL be('olga', 'North');
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.user_tenant_permissions (user_id, permission) VALUES (:'vic', 'view_users');
INSERT INTO casnet_internal.revoked_tokens (digest, user_id, expires_at) VALUES ('\x01', :'olga', now());
INSERT INTO casnet_internal.token_cutoffs (user_id, issued_before) VALUES (:'mia', 0);
INSERT INTO casnet_internal.guarded_schemas (schema, action) VALUES ('public', 'refuse');
INSERT INTO casnet_internal.declared (relation, kind, owner, shape, before) VALUES ('public.who', 'exempt', 'x', 'x', '{}');
INSERT INTO casnet_internal.protected (relation, resource, before) VALUES ('public.who', 'who', '{}');
INSERT INTO casnet_internal.codes (digest, user_id, purpose, email, account, expires_at) VALUES ('\x01', :'olga', 'password', 'x', '', now());
INSERT INTO casnet_internal.invitations (digest, tenant_id, email, role, invited_by, expires_at) VALUES ('\x01', :'north', 'x', 'owner', :'olga', now());

SET LOCAL session_replication_role = replica;	-- the guards refuse before
SAVEPOINT guarded;
SELECT format('ALTER TABLE %s DISABLE TRIGGER %I', tgrelid::regclass, tgname) FROM pg_trigger WHERE tgname IN ('casnet_canonical_names', 'casnet_kept_names')
\gexec
CREATE TEMP TABLE refused (name, statement) AS VALUES ('users_username_check', $$UPDATE casnet.users SET username = ' '$$), ('users_username_check', $$UPDATE casnet.users SET username = repeat('x', 2001)$$),
	('users_email_check', $$UPDATE casnet.users SET email = ' '$$), ('users_email_check', $$UPDATE casnet.users SET email = repeat('x', 2001)$$),
	('tenants_name_check', $$UPDATE casnet.tenants SET name = ' '$$), ('tenants_name_check', $$UPDATE casnet.tenants SET name = repeat('x', 2001)$$),
	('users_full_name_check', $$UPDATE casnet.users SET full_name = repeat('x', 1001)$$), ('tenants_description_check', $$UPDATE casnet.tenants SET description = repeat('x', 10001)$$),
	('tenants_name_is_no_id', $$UPDATE casnet.tenants SET name = ' {00000000000070008000-0000000000A0} '$$),
	('roles_name_check', $$INSERT INTO casnet.roles VALUES ('')$$), ('roles_name_check', $$INSERT INTO casnet.roles VALUES ('King')$$), ('roles_name_check', $$INSERT INTO casnet.roles VALUES (E'king\n')$$),
	('roles_name_check', $$INSERT INTO casnet.roles VALUES (repeat('x', 64))$$), ('roles_description_check', $$UPDATE casnet.roles SET description = repeat('x', 10001)$$),
	('role_permissions_permission_check', $$INSERT INTO casnet.role_permissions VALUES ('viewer', ' ')$$), ('role_permissions_permission_check', $$INSERT INTO casnet.role_permissions VALUES ('viewer', 'a,b')$$),
	('role_permissions_permission_check', $$INSERT INTO casnet.role_permissions VALUES ('viewer', repeat('x', 64))$$),
	('user_tenant_permissions_permission_check', $$UPDATE casnet.user_tenant_permissions SET permission = ' '$$), ('user_tenant_permissions_permission_check', $$UPDATE casnet.user_tenant_permissions SET permission = 'a,b'$$),
	('user_tenant_permissions_permission_check', $$UPDATE casnet.user_tenant_permissions SET permission = repeat('x', 64)$$),
	('persons_name_check', $$UPDATE casnet.persons SET name = ' '$$), ('persons_name_check', $$UPDATE casnet.persons SET name = repeat('x', 2001)$$), ('persons_gender_check', $$UPDATE casnet.persons SET gender = 'male'$$),
	('persons_contact_info_check', $$UPDATE casnet.persons SET contact_info = '[]'$$),
	('record_persons_relation_check', $$UPDATE casnet.record_persons SET relation = ' '$$), ('record_persons_relation_check', $$UPDATE casnet.record_persons SET relation = repeat('x', 101)$$),
	('tags_name_check', $$UPDATE casnet.tags SET name = ' '$$), ('tags_name_check', $$UPDATE casnet.tags SET name = repeat('x', 101)$$),
	('tasks_status_check', $$UPDATE casnet.tasks SET status = 'DONE'$$), ('tasks_priority_check', $$UPDATE casnet.tasks SET priority = 'URGENT'$$), ('tasks_completed_at_check', $$UPDATE casnet.tasks SET completed_at = now()$$),
	('calendar_events_ends_at_check', $$UPDATE casnet.calendar_events SET ends_at = starts_at - interval '1 s'$$), ('calendar_events_status_check', $$UPDATE casnet.calendar_events SET status = 'MAYBE'$$),
	('calendar_events_time_zone_check', $$UPDATE casnet.calendar_events SET time_zone = ''$$), ('calendar_events_excluded_dates_check', $$UPDATE casnet.calendar_events SET excluded_dates = '{NULL}'$$),
	('calendar_events_occurrence_check', $$UPDATE casnet.calendar_events SET occurrence_at = now()$$),
	('signing_keys_kid_check', $$UPDATE casnet_internal.signing_keys SET kid = ' '$$), ('signing_keys_kid_check', $$UPDATE casnet_internal.signing_keys SET kid = repeat('x', 256)$$),
	('signing_keys_algorithm_check', $$UPDATE casnet_internal.signing_keys SET algorithm = 'none'$$), ('signing_keys_key_check', $$UPDATE casnet_internal.signing_keys SET key = '\x00'$$),
	('invitations_email_check', $$UPDATE casnet_internal.invitations SET email = ' '$$),
	('codes_purpose_check', $$UPDATE casnet_internal.codes SET purpose = 'all'$$),
	('protected_resource_check', $$UPDATE casnet_internal.protected SET resource = 'A b'$$), ('protected_resource_check', $$UPDATE casnet_internal.protected SET resource = repeat('x', 57)$$),
	('declared_kind_check', $$UPDATE casnet_internal.declared SET kind = 'open'$$),
	('guarded_schemas_action_check', $$UPDATE casnet_internal.guarded_schemas SET action = 'allow'$$);
SELECT alike(error_of(statement), '23514 | %' || name, name || ' refuses ' || statement) FROM refused;
-- The tables that applications write say what to do.
SELECT unalike(error_of(statement), '% |  | ' || name, name || ' has a hint') FROM refused WHERE strpos(statement, 'casnet_internal.') = 0;

-- Only these columns can be NULL.
CREATE TEMP TABLE optional (name, columns) AS VALUES
	('casnet.users', 'full_name hashed_password'), ('casnet.tenants', 'description'), ('casnet.roles', 'description'), ('casnet.user_tenants', ''), ('casnet.role_permissions', ''), ('casnet.user_tenant_permissions', ''),
	('casnet.persons', 'date_of_birth gender'), ('casnet.records', 'search_vector'), ('casnet.tags', ''), ('casnet.record_persons', ''), ('casnet.record_tags', ''), ('casnet.tasks', 'description due_date completed_at assignee_id record_id'),
	('casnet.calendar_events', 'description location ends_at recurrence_rule record_id series_id occurrence_at'), ('casnet_internal.signing_keys', 'issuer audience retired_at'), ('casnet_internal.revoked_tokens', ''),
	('casnet_internal.token_cutoffs', 'spared'), ('casnet_internal.password_hashes', 'hash replaces'), ('casnet_internal.invitations', 'generation'), ('casnet_internal.codes', ''), ('casnet_internal.protected', 'load_view'), ('casnet_internal.guarded_schemas', ''), ('casnet_internal.declared', '');
SELECT alike(error_of(format('UPDATE %s SET %I = NULL', o.name, a.attname)), CASE WHEN t.oid IS NULL THEN format('23502 | null value in column "%s"%%', a.attname) ELSE 'none' END, format('%s.%s is there', o.name, a.attname))
  FROM optional AS o JOIN pg_attribute AS a ON a.attrelid = o.name::regclass
  LEFT JOIN pg_trigger AS t ON t.tgrelid = a.attrelid AND t.tgname = 'casnet_keep_tenant' AND a.attname = 'tenant_id'	-- which leaves the tenant as it is
 WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attname <> ALL (string_to_array(o.columns, ' '));
ROLLBACK TO guarded;
SET LOCAL session_replication_role = origin;
SELECT alike(error_of(format('INSERT INTO casnet_internal.audit_entries SELECT (jsonb_populate_record(NULL::casnet_internal.audit_entries, %L)).*', to_jsonb(e) - name)),
		  format('23502 | null value in column "%s"%%', name), name || ' of an entry is there')
  FROM (VALUES (now(), casnet.uuid_v7(), 1, 'a', 'b', 'c', 'INSERT')) AS e (at, id, transaction_id, session_role, role, relation, action),
	   unnest(ARRAY['at', 'id', 'transaction_id', 'session_role', 'role', 'relation', 'action']) AS name;

SELECT is(error_of(statement), 'none', 'the rest has defaults: ' || statement)
  FROM unnest(ARRAY[$$INSERT INTO casnet.users (username, email) VALUES ('x', 'x')$$, $$INSERT INTO casnet.tenants (name) VALUES ('x')$$,
	$$INSERT INTO casnet.user_tenants (user_id) VALUES ('00000000-0000-7000-8000-000000000008')$$, $$INSERT INTO casnet.roles (name) VALUES ('x')$$, $$INSERT INTO casnet.role_permissions (role, permission) VALUES ('viewer', 'x')$$,
	$$INSERT INTO casnet.user_tenant_permissions (user_id, permission) VALUES ('00000000-0000-7000-8000-000000000004', 'view_tags')$$,
	$$INSERT INTO casnet.persons (name) VALUES ('x')$$, $$INSERT INTO casnet.records (title) VALUES ('x')$$, $$INSERT INTO casnet.tags (name) VALUES ('x')$$,
	$$INSERT INTO casnet.record_tags (record_id, tag_id) VALUES ('00000000-0000-7000-8000-0000000003a0', '00000000-0000-7000-8000-0000000009a0')$$,
	$$INSERT INTO casnet.record_persons (record_id, person_id) VALUES ('00000000-0000-7000-8000-0000000003a0', '00000000-0000-7000-8000-0000000001a0')$$,
	$$INSERT INTO casnet.tasks (title) VALUES ('x')$$, $$INSERT INTO casnet.calendar_events (title, starts_at) VALUES ('x', now())$$,
	$$INSERT INTO casnet_internal.signing_keys (kid, algorithm, key) VALUES ('x', 'HS256', decode(repeat('00', 32), 'hex'))$$,
	$$INSERT INTO casnet_internal.revoked_tokens (digest, user_id, expires_at) VALUES ('\x02', '00000000-0000-7000-8000-000000000001', now())$$,
	$$INSERT INTO casnet_internal.token_cutoffs (user_id, issued_before) VALUES ('00000000-0000-7000-8000-000000000001', 0)$$,
	$$INSERT INTO casnet_internal.password_hashes (user_id) VALUES ('00000000-0000-7000-8000-000000000001')$$,
	$$INSERT INTO casnet_internal.codes (digest, user_id, purpose, email, account, expires_at) VALUES ('\x02', '00000000-0000-7000-8000-000000000001', 'password', 'x', '', now())$$,
	$$INSERT INTO casnet_internal.invitations (digest, tenant_id, email, role, invited_by, expires_at) VALUES ('\x02', '00000000-0000-7000-8000-0000000000a0', 'x', 'owner', '00000000-0000-7000-8000-000000000001', now())$$,
	$$INSERT INTO casnet_internal.protected (relation, resource, before) VALUES ('public.who', 'who', '{}') ON CONFLICT DO NOTHING$$,
	$$INSERT INTO casnet_internal.guarded_schemas (schema, action) VALUES ('x', 'refuse')$$,
	$$INSERT INTO casnet_internal.declared (relation, kind, owner, shape, before) VALUES ('casnet.users', 'exempt', 'x', 'x', '{}')$$]) AS statement;

SELECT alike(error_of(statement), '23505 | %' || name, name || ' is unique')
  FROM (VALUES ('users_pkey', $$INSERT INTO casnet.users (id, username, email) VALUES ('00000000-0000-7000-8000-000000000001', 'x', 'x')$$),
	('users_username_key', $$INSERT INTO casnet.users (username, email) VALUES ('olga', 'x')$$), ('users_email_key', $$INSERT INTO casnet.users (username, email) VALUES ('x', 'olga@north.test')$$),
	('users_username_lower_key', $$INSERT INTO casnet.users (username, email) VALUES ('OLGA', 'x')$$), ('users_email_lower_key', $$INSERT INTO casnet.users (username, email) VALUES ('x', 'OLGA@north.test')$$),
	('tenants_pkey', $$INSERT INTO casnet.tenants (id, name) VALUES ('00000000-0000-7000-8000-0000000000a0', 'x')$$), ('tenants_name_key', $$INSERT INTO casnet.tenants (name) VALUES ('North')$$),
	('user_tenants_pkey', $$INSERT INTO casnet.user_tenants (user_id) VALUES ('00000000-0000-7000-8000-000000000004')$$),
	('roles_pkey', $$INSERT INTO casnet.roles VALUES ('viewer')$$), ('role_permissions_pkey', $$INSERT INTO casnet.role_permissions VALUES ('viewer', 'view_tags')$$),
	('user_tenant_permissions_pkey', $$INSERT INTO casnet.user_tenant_permissions (user_id, permission) VALUES ('00000000-0000-7000-8000-000000000004', 'view_users')$$),
	('persons_pkey', $$INSERT INTO casnet.persons (id, name) SELECT id, 'x' FROM casnet.persons WHERE tenant_id = casnet.current_tenant_id()$$),
	('records_pkey', $$INSERT INTO casnet.records (id, title) SELECT id, 'x' FROM casnet.records WHERE tenant_id = casnet.current_tenant_id()$$),
	('tags_pkey', $$INSERT INTO casnet.tags (id, name) SELECT id, 'x' FROM casnet.tags WHERE tenant_id = casnet.current_tenant_id()$$),
	('tags_tenant_id_name_key', $$INSERT INTO casnet.tags (name) VALUES ('North tag')$$),
	('record_persons_pkey', $$INSERT INTO casnet.record_persons SELECT * FROM casnet.record_persons$$),
	('record_tags_pkey', $$INSERT INTO casnet.record_tags SELECT * FROM casnet.record_tags$$),
	('tasks_pkey', $$INSERT INTO casnet.tasks (id, title) SELECT id, 'x' FROM casnet.tasks WHERE tenant_id = casnet.current_tenant_id()$$),
	('calendar_events_pkey', $$INSERT INTO casnet.calendar_events (id, title, starts_at) SELECT id, 'x', now() FROM casnet.calendar_events WHERE tenant_id = casnet.current_tenant_id()$$),
	('signing_keys_pkey', $$INSERT INTO casnet_internal.signing_keys SELECT * FROM casnet_internal.signing_keys$$), ('revoked_tokens_pkey', $$INSERT INTO casnet_internal.revoked_tokens SELECT * FROM casnet_internal.revoked_tokens$$),
	('token_cutoffs_pkey', $$INSERT INTO casnet_internal.token_cutoffs SELECT * FROM casnet_internal.token_cutoffs$$), ('password_hashes_pkey', $$INSERT INTO casnet_internal.password_hashes SELECT * FROM casnet_internal.password_hashes$$), ('codes_pkey', $$INSERT INTO casnet_internal.codes SELECT * FROM casnet_internal.codes$$), ('invitations_pkey', $$INSERT INTO casnet_internal.invitations SELECT * FROM casnet_internal.invitations$$),
	('protected_pkey', $$INSERT INTO casnet_internal.protected SELECT * FROM casnet_internal.protected$$), ('guarded_schemas_pkey', $$INSERT INTO casnet_internal.guarded_schemas SELECT * FROM casnet_internal.guarded_schemas$$),
	('declared_pkey', $$INSERT INTO casnet_internal.declared SELECT * FROM casnet_internal.declared$$)) AS v (name, statement);

SELECT alike(error_of(statement), '23503 | %' || name, name || ' refers to what is there')
  FROM (VALUES ('user_tenants_user_id_fkey', $$INSERT INTO casnet.user_tenants (user_id) VALUES ('00000000-0000-7000-8000-0000000000ff')$$),
	('user_tenants_tenant_id_fkey', $$INSERT INTO casnet.user_tenants (user_id, tenant_id) VALUES ('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000ff')$$),
	('user_tenant_permissions_user_id_tenant_id_fkey', $$INSERT INTO casnet.user_tenant_permissions (user_id, permission) VALUES ('00000000-0000-7000-8000-000000000005', 'view_tags')$$),
	('user_tenants_role_fkey', $$ALTER TABLE casnet.user_tenants DISABLE TRIGGER casnet_guard; UPDATE casnet.user_tenants SET role = 'guest'$$), ('role_permissions_role_fkey', $$INSERT INTO casnet.role_permissions VALUES ('guest', 'view_tags')$$), ('invitations_role_fkey', $$UPDATE casnet_internal.invitations SET role = 'guest'$$),
	('persons_tenant_id_fkey', $$INSERT INTO casnet.persons (tenant_id, name) VALUES ('00000000-0000-7000-8000-0000000000ff', 'x')$$),
	('records_tenant_id_fkey', $$INSERT INTO casnet.records (tenant_id, title) VALUES ('00000000-0000-7000-8000-0000000000ff', 'x')$$),
	('tags_tenant_id_fkey', $$INSERT INTO casnet.tags (tenant_id, name) VALUES ('00000000-0000-7000-8000-0000000000ff', 'x')$$),
	('record_persons_record_id_tenant_id_fkey', $$INSERT INTO casnet.record_persons (record_id, person_id) VALUES ('00000000-0000-7000-8000-0000000001b0', '00000000-0000-7000-8000-0000000001a0')$$),
	('record_persons_person_id_tenant_id_fkey', $$INSERT INTO casnet.record_persons (record_id, person_id) VALUES ('00000000-0000-7000-8000-0000000003a0', '00000000-0000-7000-8000-0000000001b0')$$),
	('record_tags_record_id_tenant_id_fkey', $$INSERT INTO casnet.record_tags (record_id, tag_id) VALUES ('00000000-0000-7000-8000-0000000001b0', '00000000-0000-7000-8000-0000000009a0')$$),
	('record_tags_tag_id_tenant_id_fkey', $$INSERT INTO casnet.record_tags (record_id, tag_id) VALUES ('00000000-0000-7000-8000-0000000001a0', '00000000-0000-7000-8000-0000000009b0')$$),
	('tasks_tenant_id_fkey', $$INSERT INTO casnet.tasks (tenant_id, title) VALUES ('00000000-0000-7000-8000-0000000000ff', 'x')$$),
	('tasks_assignee_id_tenant_id_fkey', $$INSERT INTO casnet.tasks (title, assignee_id) VALUES ('x', '00000000-0000-7000-8000-000000000005')$$),
	('tasks_record_id_tenant_id_fkey', $$INSERT INTO casnet.tasks (title, record_id) VALUES ('x', '00000000-0000-7000-8000-0000000001b0')$$),
	('calendar_events_tenant_id_fkey', $$INSERT INTO casnet.calendar_events (tenant_id, title, starts_at) VALUES ('00000000-0000-7000-8000-0000000000ff', 'x', now())$$),
	('calendar_events_series_id_tenant_id_fkey', $$INSERT INTO casnet.calendar_events (title, starts_at, series_id, occurrence_at) VALUES ('x', now(), '00000000-0000-7000-8000-0000000001b0', now())$$),
	('calendar_events_record_id_tenant_id_fkey', $$INSERT INTO casnet.calendar_events (title, starts_at, record_id) VALUES ('x', now(), '00000000-0000-7000-8000-0000000001b0')$$),
	('invitations_tenant_id_fkey', $$INSERT INTO casnet_internal.invitations (digest, tenant_id, email, role, invited_by, expires_at) SELECT '\x00', '00000000-0000-7000-8000-0000000000ff', 'x', 'viewer', '00000000-0000-7000-8000-000000000001', now()$$), ('invitations_invited_by_fkey', $$UPDATE casnet_internal.invitations SET invited_by = '00000000-0000-7000-8000-0000000000ff'$$)) AS v (name, statement);

-- Deleting a tenant or a user deletes what belongs to it.
DELETE FROM casnet.users WHERE id = :'mia';
SELECT is((SELECT count(*) FROM casnet.user_tenants WHERE user_id = :'mia') + (SELECT count(*) FROM casnet_internal.password_hashes WHERE user_id = :'mia'), 0::bigint, 'memberships and hashes go with the user');
SELECT is((SELECT count(*) FROM casnet_internal.token_cutoffs WHERE user_id = :'mia'), 2::bigint, 'what ended tokens stays, and the deletion does so, too');
DELETE FROM casnet.user_tenants WHERE user_id = :'vic';
SELECT is((SELECT count(*) FROM casnet.user_tenant_permissions), 0::bigint, 'permissions go with the membership');
DELETE FROM casnet.tags WHERE tenant_id = :'south';
DELETE FROM casnet.persons WHERE tenant_id = :'south';
SELECT is((SELECT count(*) FROM casnet.record_persons), 1::bigint, 'links go with the person');
DELETE FROM casnet.records WHERE tenant_id = :'north' AND title ~ '1$';
SELECT is((SELECT count(*) FROM casnet.record_tags), 1::bigint, 'links go with the tag and with the record');
SELECT is((SELECT count(*) FROM casnet.record_persons), 0::bigint, 'those to persons, too');
DELETE FROM casnet.tenants WHERE id = :'north';
SELECT ok(NOT EXISTS (SELECT tenant_id FROM casnet.persons WHERE tenant_id = :'north' UNION ALL SELECT tenant_id FROM casnet.records WHERE tenant_id = :'north'
	UNION ALL SELECT tenant_id FROM casnet.record_persons WHERE tenant_id = :'north' UNION ALL SELECT tenant_id FROM casnet.tags WHERE tenant_id = :'north' UNION ALL SELECT tenant_id FROM casnet.record_tags WHERE tenant_id = :'north'
	UNION ALL SELECT tenant_id FROM casnet.tasks WHERE tenant_id = :'north' UNION ALL SELECT tenant_id FROM casnet.calendar_events WHERE tenant_id = :'north'
	UNION ALL SELECT tenant_id FROM casnet.user_tenants WHERE tenant_id = :'north' UNION ALL SELECT tenant_id FROM casnet_internal.invitations WHERE tenant_id = :'north'), 'everything goes with the tenant');
DELETE FROM casnet.users WHERE id = :'olga';
SELECT is((SELECT count(*) FROM casnet_internal.revoked_tokens), 1::bigint, 'as do revoked tokens');
-- By the catalog, in every table.
SELECT is((SELECT string_agg(format('%s.%s', a.attrelid::regclass, a.attname), ' ' ORDER BY a.attrelid::regclass::text COLLATE "C", a.attname)
		   FROM casnet_internal.managed_tables() AS m JOIN pg_attribute AS a ON a.attrelid = m.relation
		  WHERE a.attnum > 0 AND NOT a.attisdropped AND NOT a.attnotnull AND m.relation::text !~ 'audit_entries_'),
	'casnet.calendar_events.description casnet.calendar_events.ends_at casnet.calendar_events.location casnet.calendar_events.occurrence_at casnet.calendar_events.record_id casnet.calendar_events.recurrence_rule casnet.calendar_events.series_id casnet.persons.date_of_birth casnet.persons.gender casnet.roles.description casnet.tasks.assignee_id casnet.tasks.completed_at casnet.tasks.description casnet.tasks.due_date casnet.tasks.record_id casnet.tenants.description casnet.users.full_name casnet.users.hashed_password casnet_internal.audit_entries.after casnet_internal.audit_entries.before casnet_internal.audit_entries.row_key casnet_internal.audit_entries.tenant_id casnet_internal.audit_entries.user_id casnet_internal.invitations.generation casnet_internal.issuers.audiences casnet_internal.password_hashes.hash casnet_internal.password_hashes.replaces casnet_internal.protected.load_view casnet_internal.sessions.name casnet_internal.sessions.permissions casnet_internal.signing_keys.audience casnet_internal.signing_keys.issuer casnet_internal.signing_keys.retired_at casnet_internal.token_cutoffs.spared', 'all other columns are there, also in tables that nobody tries');
SELECT is((SELECT array_agg(format('%s %s', c.conrelid::regclass, pg_get_constraintdef(c.oid)) ORDER BY format('%s %s', c.conrelid::regclass, pg_get_constraintdef(c.oid)) COLLATE "C")
		   FROM casnet_internal.managed_tables() AS m JOIN pg_constraint AS c ON c.conrelid = m.relation
		  WHERE c.contype IN ('p', 'u') AND m.relation::text !~ 'audit_entries_'),
	ARRAY['casnet.calendar_events PRIMARY KEY (tenant_id, id)',
		'casnet.persons PRIMARY KEY (tenant_id, id)',
		'casnet.record_persons PRIMARY KEY (tenant_id, record_id, person_id)',
		'casnet.record_tags PRIMARY KEY (tenant_id, record_id, tag_id)',
		'casnet.records PRIMARY KEY (tenant_id, id)',
		'casnet.role_permissions PRIMARY KEY (role, permission)',
		'casnet.roles PRIMARY KEY (name)',
		'casnet.tags PRIMARY KEY (tenant_id, id)',
		'casnet.tags UNIQUE (tenant_id, name)',
		'casnet.tasks PRIMARY KEY (tenant_id, id)',
		'casnet.tenants PRIMARY KEY (id)',
		'casnet.tenants UNIQUE (name)',
		'casnet.user_tenant_permissions PRIMARY KEY (user_id, tenant_id, permission)',
		'casnet.user_tenants PRIMARY KEY (user_id, tenant_id)',
		'casnet.users PRIMARY KEY (id)',
		'casnet.users UNIQUE (email)',
		'casnet.users UNIQUE (username)',
		'casnet_internal.codes PRIMARY KEY (digest)',
		'casnet_internal.declared PRIMARY KEY (relation)',
		'casnet_internal.guarded_schemas PRIMARY KEY (schema)',
		'casnet_internal.identities PRIMARY KEY (issuer_id, subject)',
		'casnet_internal.invitations PRIMARY KEY (digest)',
		'casnet_internal.issuer_keys PRIMARY KEY (issuer, kid)',
		'casnet_internal.issuers PRIMARY KEY (issuer)',
		'casnet_internal.password_hashes PRIMARY KEY (id)',
		'casnet_internal.protected PRIMARY KEY (relation, created_at)',
		'casnet_internal.revoked_tokens PRIMARY KEY (id)',
		'casnet_internal.sessions PRIMARY KEY (id)',
		'casnet_internal.signing_keys PRIMARY KEY (kid)',
		'casnet_internal.token_cutoffs PRIMARY KEY (id)'], 'the keys');
SELECT * FROM finish();
ROLLBACK;
