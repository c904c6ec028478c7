-- The indexes besides those of the keys.  Each begins with the tenant, so a
-- tenant's query touches only its own part of an index.

CREATE OR REPLACE FUNCTION casnet_internal.wanted_indexes(
	OUT table_name text, OUT name text, OUT uniqueness text, OUT definition text,
	OUT meaning text)
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	VALUES
	('casnet.users', 'users_username_lower_key',
	 'UNIQUE', '(lower(username))',
	 'one account per username, whatever its case'),
	('casnet.users', 'users_email_lower_key',
	 'UNIQUE', '(lower(email))',
	 'one account per email address, whatever its case'),
	('casnet.user_tenants', 'user_tenants_tenant_id_user_id_idx',
	 '', '(tenant_id, user_id)', 'the members of a tenant'),
	('casnet.user_tenant_permissions', 'user_tenant_permissions_tenant_id_user_id_idx',
	 '', '(tenant_id, user_id)', 'what members hold besides their role'),
	('casnet.persons', 'persons_tenant_id_created_at_id_idx',
	 '', '(tenant_id, created_at, id)', 'pages of persons, newest first'),
	('casnet.persons', 'persons_tenant_id_name_idx',
	 '', '(tenant_id, name)',
	 'persons by name'),
	('casnet.records', 'records_tenant_id_created_at_id_idx',
	 '', '(tenant_id, created_at, id)', 'pages of records, newest first'),
	('casnet.persons', 'persons_tenant_id_name_substring_idx',
	 '', 'USING gin (tenant_id casnet.gin_uuid_ops, name casnet.gin_part_ops)',
	 'persons by a part of the name'),
	('casnet.records', 'records_tenant_id_title_substring_idx',
	 '', 'USING gin (tenant_id casnet.gin_uuid_ops, title casnet.gin_part_ops)',
	 'records by a part of the title'),
	('casnet.records', 'records_tenant_id_search_vector_idx',
	 '', 'USING gin (tenant_id casnet.gin_uuid_ops, search_vector casnet.gin_match_ops)',
	 'full-text search in records'),
	('casnet.record_persons', 'record_persons_tenant_id_person_id_record_id_idx',
	 '', '(tenant_id, person_id, record_id)', 'the records about a person'),
	('casnet.record_tags', 'record_tags_tenant_id_tag_id_record_id_idx',
	 '', '(tenant_id, tag_id, record_id)', 'the records with a tag'),
	('casnet.tasks', 'tasks_tenant_id_created_at_id_idx',
	 '', '(tenant_id, created_at, id)', 'pages of tasks, newest first'),
	('casnet.tasks', 'tasks_tenant_id_status_due_date_idx',
	 '', '(tenant_id, status, due_date)', 'open tasks by due date'),
	('casnet.tasks', 'tasks_tenant_id_assignee_id_idx',
	 '', '(tenant_id, assignee_id)', 'the tasks of a member'),
	('casnet.tasks', 'tasks_tenant_id_record_id_idx',
	 '', '(tenant_id, record_id)', 'the tasks about a record'),
	('casnet.calendar_events', 'calendar_events_tenant_id_starts_at_idx',
	 '', '(tenant_id, starts_at)', 'events by start'),
	-- events_between() has the conditions of these.
	('casnet.calendar_events', 'calendar_events_tenant_id_ends_at_idx',
	 '', $c$(tenant_id, ends_at) WHERE
		LEAST(timezone('UTC', starts_at), timestamp '290000-01-01') + interval '168:00'
		< timezone('UTC', ends_at)$c$,
	 'events that last more than a week, by end'),
	('casnet.calendar_events', 'calendar_events_tenant_id_series_idx',
	 '', '(tenant_id, starts_at) WHERE recurrence_rule IS NOT NULL', 'series by start'),
	('casnet.calendar_events', 'calendar_events_tenant_id_series_id_occurrence_at_idx',
	 'UNIQUE', '(tenant_id, series_id, occurrence_at) WHERE series_id IS NOT NULL',
	 'the events that stand for occurrences of a series, one for each'),
	('casnet.calendar_events', 'calendar_events_tenant_id_record_id_idx',
	 '', '(tenant_id, record_id)', 'the events about a record'),
	('casnet_internal.revoked_tokens', 'revoked_tokens_digest_idx',
	 '', '(digest)', 'whether a token was revoked'),
	('casnet_internal.token_cutoffs', 'token_cutoffs_user_id_idx',
	 '', '(user_id)', 'what ended the tokens of a user'),
	('casnet_internal.identities', 'identities_user_id_idx',
	 '', '(user_id)', 'who signs in to an account'),
	('casnet_internal.password_hashes', 'password_hashes_user_id_id_idx',
	 '', '(user_id, id)', 'the hashes of an account'),
	('casnet_internal.revoked_tokens', 'revoked_tokens_expires_at_idx',
	 '', '(expires_at)', 'tokens that need no revocation any more'),
	('casnet_internal.revoked_tokens', 'revoked_tokens_user_id_idx',
	 '', '(user_id)', 'the revoked tokens of a user'),
	('casnet_internal.invitations', 'invitations_tenant_id_idx',
	 '', '(tenant_id)', 'the invitations of a tenant'),
	('casnet_internal.invitations', 'invitations_email_tenant_id_idx',
	 '', '(email, tenant_id)', 'the invitations to an address'),
	('casnet_internal.invitations', 'invitations_invited_by_idx',
	 '', '(invited_by)', 'the invitations of a member'),
	('casnet_internal.invitations', 'invitations_expires_at_idx',
	 '', '(expires_at)', 'invitations that are over'),
	('casnet_internal.sessions', 'sessions_user_id_idx',
	 '', '(user_id)', 'the sessions of a user'),
	('casnet_internal.codes', 'codes_user_id_idx',
	 '', '(user_id)', 'the codes of a user'),
	('casnet_internal.codes', 'codes_expires_at_idx',
	 '', '(expires_at)', 'codes that are over'),
	-- The id only distinguishes entries of one moment.
	('casnet_internal.audit_entries', 'audit_entries_tenant_id_at_id_idx',
	 '', '(tenant_id, at, id)',
	 'the entries of a tenant, newest first'),
	-- By the hash, since a key can be longer than an index takes.
	('casnet_internal.audit_entries', 'audit_entries_tenant_id_row_at_id_idx',
	 '', '(tenant_id, jsonb_hash_extended(row_key, 0), at, id)',
	 'the entries of a row, newest first'),
	('casnet_internal.audit_entries', 'audit_entries_tenant_id_transaction_id_relation_idx',
	 '', '(tenant_id, transaction_id, relation)', 'what a transaction changed')
$$;
COMMENT ON FUNCTION casnet_internal.wanted_indexes() IS
	'internal: the indexes that casnet.install() makes, besides those of keys';

CREATE OR REPLACE FUNCTION casnet_internal.install_indexes() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted record;
BEGIN
	-- Those that needed pg_trgm, and knew accents.
	DROP OPERATOR FAMILY IF EXISTS casnet.gin_substring_ops USING gin CASCADE;
	FOR wanted IN SELECT w.* FROM casnet_internal.wanted_indexes() AS w LOOP
		EXECUTE format('CREATE %s INDEX IF NOT EXISTS %I ON %s %s', wanted.uniqueness,
					   wanted.name, wanted.table_name, wanted.definition);
		EXECUTE format('COMMENT ON INDEX %s.%I IS %L',
					   split_part(wanted.table_name, '.', 1), wanted.name,
					   wanted.meaning);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.install_indexes() IS
	'internal: makes the indexes that are missing';
