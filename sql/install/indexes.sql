-- The indexes besides those of the keys.  Each begins with the tenant, so a
-- tenant's query touches only its own part of an index.

CREATE OR REPLACE FUNCTION casnet_internal.install_indexes() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted record;
BEGIN
	FOR wanted IN VALUES
		('users_username_lower_key', 'UNIQUE', 'casnet.users', '(lower(username))',
		 'one account per username, whatever its case'),
		('users_email_lower_key', 'UNIQUE', 'casnet.users', '(lower(email))',
		 'one account per email address, whatever its case'),
		('user_tenants_tenant_id_user_id_idx', '', 'casnet.user_tenants',
		 '(tenant_id, user_id)', 'the members of a tenant'),
		('user_tenant_permissions_tenant_id_user_id_idx', '', 'casnet.user_tenant_permissions',
		 '(tenant_id, user_id)', 'what members hold besides their role'),
		('persons_tenant_id_created_at_id_idx', '', 'casnet.persons',
		 '(tenant_id, created_at, id)', 'pages of persons, newest first'),
		('persons_tenant_id_name_idx', '', 'casnet.persons', '(tenant_id, name)',
		 'persons by name'),
		('records_tenant_id_created_at_id_idx', '', 'casnet.records',
		 '(tenant_id, created_at, id)', 'pages of records, newest first'),
		('persons_tenant_id_name_substring_idx', '', 'casnet.persons',
		 'USING gin (tenant_id casnet.gin_uuid_ops, name casnet.gin_substring_ops)',
		 'persons by a part of the name'),
		('records_tenant_id_title_substring_idx', '', 'casnet.records',
		 'USING gin (tenant_id casnet.gin_uuid_ops, title casnet.gin_substring_ops)',
		 'records by a part of the title'),
		('records_tenant_id_search_vector_idx', '', 'casnet.records',
		 'USING gin (tenant_id casnet.gin_uuid_ops, search_vector casnet.gin_match_ops)',
		 'full-text search in records'),
		('record_tags_tenant_id_tag_id_record_id_idx', '', 'casnet.record_tags',
		 '(tenant_id, tag_id, record_id)', 'the records with a tag'),
		('tasks_tenant_id_created_at_id_idx', '', 'casnet.tasks',
		 '(tenant_id, created_at, id)', 'pages of tasks, newest first'),
		('tasks_tenant_id_status_due_date_idx', '', 'casnet.tasks',
		 '(tenant_id, status, due_date)', 'open tasks by due date'),
		('tasks_tenant_id_assignee_id_idx', '', 'casnet.tasks',
		 '(tenant_id, assignee_id)', 'the tasks of a member'),
		('tasks_tenant_id_record_id_idx', '', 'casnet.tasks',
		 '(tenant_id, record_id)', 'the tasks about a record'),
		('calendar_events_tenant_id_starts_at_idx', '', 'casnet.calendar_events',
		 '(tenant_id, starts_at)', 'events by start'),
		('calendar_events_tenant_id_record_id_idx', '', 'casnet.calendar_events',
		 '(tenant_id, record_id)', 'the events about a record'),
		('revoked_tokens_digest_idx', '', 'casnet_internal.revoked_tokens',
		 '(digest)', 'whether a token was revoked'),
		('token_cutoffs_user_id_idx', '', 'casnet_internal.token_cutoffs',
		 '(user_id)', 'what ended the tokens of a user'),
		('password_hashes_user_id_id_idx', '', 'casnet_internal.password_hashes',
		 '(user_id, id)', 'the hashes of an account'),
		('revoked_tokens_expires_at_idx', '', 'casnet_internal.revoked_tokens',
		 '(expires_at)', 'tokens that need no revocation any more'),
		('revoked_tokens_user_id_idx', '', 'casnet_internal.revoked_tokens',
		 '(user_id)', 'the revoked tokens of a user'),
		('invitations_tenant_id_idx', '', 'casnet_internal.invitations',
		 '(tenant_id)', 'the invitations of a tenant'),
		('invitations_email_tenant_id_idx', '', 'casnet_internal.invitations',
		 '(email, tenant_id)', 'the invitations to an address'),
		('invitations_invited_by_idx', '', 'casnet_internal.invitations',
		 '(invited_by)', 'the invitations of a member'),
		('invitations_expires_at_idx', '', 'casnet_internal.invitations',
		 '(expires_at)', 'invitations that are over')
	LOOP
		-- Substrings are found by an index where pg_trgm is installed.
		CONTINUE WHEN wanted.column4 ~ 'gin_substring_ops'
			AND NOT casnet_internal.install_substring_operators();
		EXECUTE format('CREATE %s INDEX IF NOT EXISTS %I ON %s %s',
					   wanted.column2, wanted.column1, wanted.column3,
					   wanted.column4);
		EXECUTE format('COMMENT ON INDEX %s.%I IS %L',
					   split_part(wanted.column3, '.', 1), wanted.column1,
					   wanted.column5);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.install_indexes() IS
	'internal: makes the indexes that are missing';
