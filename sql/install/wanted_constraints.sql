-- Keys and checks.  Primary keys and indexes begin with the tenant, so that a tenant has
-- its own part of each.  A foreign key names the row first and then the tenant: tools that
-- make models of tables read the first column only.  A task outlives its record and its
-- assignee, an event its record, and forgets them; the tenant stays.

CREATE OR REPLACE FUNCTION casnet_internal.wanted_keys(
	OUT table_name text, OUT name text, OUT definition text)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT v.table_name, v.name, v.definition
	  FROM (VALUES
	('casnet.users', 'users_pkey', 'PRIMARY KEY (id)'),
	('casnet.users', 'users_username_key', 'UNIQUE (username)'),
	('casnet.users', 'users_email_key', 'UNIQUE (email)'),
	('casnet.tenants', 'tenants_pkey', 'PRIMARY KEY (id)'),
	('casnet.tenants', 'tenants_name_key', 'UNIQUE (name)'),
	('casnet.roles', 'roles_pkey', 'PRIMARY KEY (name)'),
	('casnet.user_tenants', 'user_tenants_pkey', 'PRIMARY KEY (user_id, tenant_id)'),
	('casnet.user_tenants', 'user_tenants_user_id_fkey',
	 'FOREIGN KEY (user_id) REFERENCES casnet.users (id) ON DELETE CASCADE'),
	('casnet.user_tenants', 'user_tenants_tenant_id_fkey',
	 'FOREIGN KEY (tenant_id) REFERENCES casnet.tenants (id) ON DELETE CASCADE'),
	('casnet.user_tenants', 'user_tenants_role_fkey',
	 'FOREIGN KEY (role) REFERENCES casnet.roles (name)'),
	('casnet.role_permissions', 'role_permissions_pkey', 'PRIMARY KEY (role, permission)'),
	('casnet.role_permissions', 'role_permissions_role_fkey',
	 'FOREIGN KEY (role) REFERENCES casnet.roles (name) ON DELETE CASCADE'),
	('casnet.user_tenant_permissions', 'user_tenant_permissions_pkey',
	 'PRIMARY KEY (user_id, tenant_id, permission)'),
	('casnet.user_tenant_permissions', 'user_tenant_permissions_user_id_tenant_id_fkey',
	 'FOREIGN KEY (user_id, tenant_id) REFERENCES casnet.user_tenants (user_id, tenant_id) ON DELETE CASCADE'),

	('casnet.persons', 'persons_pkey', 'PRIMARY KEY (tenant_id, id)'),
	('casnet.persons', 'persons_tenant_id_fkey',
	 'FOREIGN KEY (tenant_id) REFERENCES casnet.tenants (id) ON DELETE CASCADE'),
	('casnet.records', 'records_pkey', 'PRIMARY KEY (tenant_id, id)'),
	('casnet.records', 'records_tenant_id_fkey',
	 'FOREIGN KEY (tenant_id) REFERENCES casnet.tenants (id) ON DELETE CASCADE'),
	('casnet.record_persons', 'record_persons_pkey',
	 'PRIMARY KEY (tenant_id, record_id, person_id)'),
	('casnet.record_persons', 'record_persons_tenant_id_fkey',
	 'FOREIGN KEY (tenant_id) REFERENCES casnet.tenants (id) ON DELETE CASCADE'),
	('casnet.record_persons', 'record_persons_record_id_tenant_id_fkey',
	 'FOREIGN KEY (record_id, tenant_id) REFERENCES casnet.records (id, tenant_id) ON DELETE CASCADE'),
	('casnet.record_persons', 'record_persons_person_id_tenant_id_fkey',
	 'FOREIGN KEY (person_id, tenant_id) REFERENCES casnet.persons (id, tenant_id) ON DELETE CASCADE'),
	('casnet.tags', 'tags_pkey', 'PRIMARY KEY (tenant_id, id)'),
	('casnet.tags', 'tags_tenant_id_name_key', 'UNIQUE (tenant_id, name)'),
	('casnet.tags', 'tags_tenant_id_fkey',
	 'FOREIGN KEY (tenant_id) REFERENCES casnet.tenants (id) ON DELETE CASCADE'),
	('casnet.record_tags', 'record_tags_pkey', 'PRIMARY KEY (tenant_id, record_id, tag_id)'),
	('casnet.record_tags', 'record_tags_tenant_id_fkey',
	 'FOREIGN KEY (tenant_id) REFERENCES casnet.tenants (id) ON DELETE CASCADE'),
	('casnet.record_tags', 'record_tags_record_id_tenant_id_fkey',
	 'FOREIGN KEY (record_id, tenant_id) REFERENCES casnet.records (id, tenant_id) ON DELETE CASCADE'),
	('casnet.record_tags', 'record_tags_tag_id_tenant_id_fkey',
	 'FOREIGN KEY (tag_id, tenant_id) REFERENCES casnet.tags (id, tenant_id) ON DELETE CASCADE'),
	('casnet.tasks', 'tasks_pkey', 'PRIMARY KEY (tenant_id, id)'),
	('casnet.tasks', 'tasks_tenant_id_fkey',
	 'FOREIGN KEY (tenant_id) REFERENCES casnet.tenants (id) ON DELETE CASCADE'),
	('casnet.tasks', 'tasks_assignee_id_tenant_id_fkey',
	 'FOREIGN KEY (assignee_id, tenant_id) REFERENCES casnet.user_tenants (user_id, tenant_id) ON DELETE SET NULL (assignee_id)'),
	('casnet.tasks', 'tasks_record_id_tenant_id_fkey',
	 'FOREIGN KEY (record_id, tenant_id) REFERENCES casnet.records (id, tenant_id) ON DELETE SET NULL (record_id)'),
	('casnet.calendar_events', 'calendar_events_pkey', 'PRIMARY KEY (tenant_id, id)'),
	('casnet.calendar_events', 'calendar_events_tenant_id_fkey',
	 'FOREIGN KEY (tenant_id) REFERENCES casnet.tenants (id) ON DELETE CASCADE'),
	('casnet.calendar_events', 'calendar_events_record_id_tenant_id_fkey',
	 'FOREIGN KEY (record_id, tenant_id) REFERENCES casnet.records (id, tenant_id) ON DELETE SET NULL (record_id)'),
	('casnet.calendar_events', 'calendar_events_series_id_tenant_id_fkey',
	 'FOREIGN KEY (series_id, tenant_id) REFERENCES casnet.calendar_events (id, tenant_id) ON DELETE CASCADE'),

	-- Rows of revocations and hashes are only added, and have no key to an account, so that
	-- nobody can hold what an administrator needs.  A revocation also outlives the account.
	-- The audit refers to no tenant and no user, since its entries outlive them.
	('casnet_internal.signing_keys', 'signing_keys_pkey', 'PRIMARY KEY (kid)'),
	('casnet_internal.revoked_tokens', 'revoked_tokens_pkey', 'PRIMARY KEY (id)'),
	('casnet_internal.token_cutoffs', 'token_cutoffs_pkey', 'PRIMARY KEY (id)'),
	('casnet_internal.issuers', 'issuers_pkey', 'PRIMARY KEY (issuer)'),
	('casnet_internal.issuer_keys', 'issuer_keys_pkey', 'PRIMARY KEY (issuer, kid)'),
	('casnet_internal.issuer_keys', 'issuer_keys_issuer_fkey',
	 'FOREIGN KEY (issuer) REFERENCES casnet_internal.issuers (issuer) ON DELETE CASCADE'),
	('casnet_internal.identities', 'identities_pkey', 'PRIMARY KEY (issuer_id, subject)'),
	('casnet_internal.password_hashes', 'password_hashes_pkey', 'PRIMARY KEY (id)'),
	('casnet_internal.invitations', 'invitations_pkey', 'PRIMARY KEY (digest)'),
	('casnet_internal.invitations', 'invitations_tenant_id_fkey',
	 'FOREIGN KEY (tenant_id) REFERENCES casnet.tenants (id) ON DELETE CASCADE'),
	('casnet_internal.invitations', 'invitations_invited_by_fkey',
	 'FOREIGN KEY (invited_by) REFERENCES casnet.users (id) ON DELETE CASCADE'),
	('casnet_internal.invitations', 'invitations_role_fkey',
	 'FOREIGN KEY (role) REFERENCES casnet.roles (name) ON DELETE CASCADE'),
	('casnet_internal.sessions', 'sessions_pkey', 'PRIMARY KEY (id)'),
	('casnet_internal.codes', 'codes_pkey', 'PRIMARY KEY (digest)'),
	('casnet_internal.protected', 'protected_pkey', 'PRIMARY KEY (relation, created_at)'),
	('casnet_internal.guarded_schemas', 'guarded_schemas_pkey', 'PRIMARY KEY (schema)'),
	('casnet_internal.declared', 'declared_pkey', 'PRIMARY KEY (relation)')
		) AS v (table_name, name, definition)
	 WHERE NOT casnet_internal.is_distributed()
		OR (v.table_name, v.name) NOT IN (
			SELECT k.table_name, k.name FROM casnet_internal.keys_without_nodes() AS k)
$$;
COMMENT ON FUNCTION casnet_internal.wanted_keys() IS
	'internal: the keys of the tables that casnet.install() makes';

-- Columns that take only a few words.  They are text with a check, since the comparison of
-- an enum is not leakproof.
CREATE OR REPLACE FUNCTION casnet_internal.wanted_values(
	OUT table_name text, OUT column_name text, OUT check_name text, OUT words text[])
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	VALUES
	('casnet.persons', 'gender', 'persons_gender_check',
	 ARRAY['MALE', 'FEMALE', 'OTHER']),
	('casnet.tasks', 'status', 'tasks_status_check',
	 ARRAY['PENDING', 'IN_PROGRESS', 'COMPLETED', 'CANCELLED']),
	('casnet.tasks', 'priority', 'tasks_priority_check', ARRAY['LOW', 'MEDIUM', 'HIGH']),
	('casnet.calendar_events', 'status', 'calendar_events_status_check',
	 ARRAY['SCHEDULED', 'CANCELLED', 'COMPLETED'])
$$;
COMMENT ON FUNCTION casnet_internal.wanted_values() IS
	'internal: the columns that take only a few words, and these words';

CREATE OR REPLACE FUNCTION casnet_internal.wanted_checks(
	OUT table_name text, OUT name text, OUT expression text)
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT v.table_name, v.check_name,
		   format('%I IN (%s)', v.column_name,
				  (SELECT string_agg(quote_literal(word), ', ' ORDER BY number)
					 FROM unnest(v.words) WITH ORDINALITY AS w (word, number)))
	  FROM casnet_internal.wanted_values() AS v
	UNION ALL
	VALUES
	('casnet.users', 'users_username_check',
	 $c$octet_length(username) <= 2000 AND btrim(username) <> ''$c$),
	('casnet.users', 'users_email_check',
	 $c$octet_length(email) <= 2000 AND btrim(email) <> ''$c$),
	('casnet.users', 'users_full_name_check', 'octet_length(full_name) <= 1000'),
	('casnet.tenants', 'tenants_name_check',
	 $c$octet_length(name) <= 2000 AND btrim(name) <> ''$c$),
	-- What the type uuid takes, and white space around it.
	('casnet.tenants', 'tenants_name_is_no_id',
	 $c$name !~ '^\s*[{]?([0-9A-Fa-f]{4}-?){7}[0-9A-Fa-f]{4}[}]?\s*$'$c$),
	('casnet.tenants', 'tenants_description_check', 'octet_length(description) <= 10000'),
	('casnet.roles', 'roles_name_check',
	 $c$octet_length(name) < 64 AND name ~ '^[a-z][a-z0-9_]*$'$c$),
	('casnet.roles', 'roles_description_check', 'octet_length(description) <= 10000'),
	('casnet.role_permissions', 'role_permissions_permission_check',
	 $c$octet_length(permission) < 64 AND btrim(permission) <> ''
		AND strpos(permission, ',') = 0$c$),
	('casnet.user_tenant_permissions', 'user_tenant_permissions_permission_check',
	 $c$octet_length(permission) < 64 AND btrim(permission) <> ''
		AND strpos(permission, ',') = 0$c$),

	('casnet.persons', 'persons_name_check',
	 $c$octet_length(name) <= 2000 AND btrim(name) <> ''$c$),
	('casnet.persons', 'persons_contact_info_check',
	 $c$jsonb_typeof(contact_info) = 'object'$c$),
	-- So that no row of one tenant is too long or too deep for a dump of all tenants, or for
	-- what reads the dump.
	('casnet.persons', 'persons_contact_info_size_check',
	 $c$octet_length(contact_info::text) <= 1000000
		AND NOT jsonb_path_exists(contact_info, '$.**{100}')$c$),
	('casnet.records', 'records_size_check',
	 'octet_length(title) + octet_length(content) <= 100000000'),
	('casnet.record_persons', 'record_persons_relation_check',
	 $c$char_length(relation) <= 100 AND btrim(relation) <> ''$c$),
	('casnet.tags', 'tags_name_check', $c$char_length(name) <= 100 AND btrim(name) <> ''$c$),
	('casnet.tasks', 'tasks_completed_at_check',
	 $c$(status = 'COMPLETED') = (completed_at IS NOT NULL)$c$),
	('casnet.tasks', 'tasks_size_check',
	 $c$octet_length(title) + octet_length(coalesce(description, '')) <= 100000000$c$),
	('casnet.calendar_events', 'calendar_events_ends_at_check', 'ends_at >= starts_at'),
	('casnet.calendar_events', 'calendar_events_size_check',
	 $c$octet_length(title) + octet_length(coalesce(description, ''))
		+ octet_length(coalesce(location, ''))
		+ octet_length(coalesce(recurrence_rule, '')) <= 100000000$c$),
	('casnet.calendar_events', 'calendar_events_time_zone_check',
	 $c$octet_length(time_zone) BETWEEN 1 AND 255$c$),
	('casnet.calendar_events', 'calendar_events_excluded_dates_check',
	 $c$cardinality(excluded_dates) <= 10000
		AND array_position(excluded_dates, NULL) IS NULL$c$),
	('casnet.calendar_events', 'calendar_events_occurrence_check',
	 $c$(series_id IS NULL) = (occurrence_at IS NULL)
		AND (series_id IS NULL OR recurrence_rule IS NULL AND series_id <> id)$c$),

	('casnet_internal.signing_keys', 'signing_keys_kid_check',
	 $c$octet_length(kid) < 256 AND btrim(kid) <> ''$c$),
	('casnet_internal.signing_keys', 'signing_keys_algorithm_check',
	 $c$algorithm IN ('HS256', 'EdDSA', 'ES256', 'ES384', 'RS256', 'RS384', 'RS512',
		'PS256', 'PS384', 'PS512')$c$),
	('casnet_internal.signing_keys', 'signing_keys_key_check',
	 'octet_length(key) >= 32 OR retired_at IS NOT NULL'),
	('casnet_internal.issuers', 'issuers_issuer_check',
	 $c$octet_length(issuer) < 256 AND issuer <> ''$c$),
	('casnet_internal.issuers', 'issuers_leeway_check', 'leeway BETWEEN 0 AND 600'),
	('casnet_internal.issuer_keys', 'issuer_keys_algorithm_check',
	 $c$algorithm IN ('EdDSA', 'ES256', 'ES384', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384',
		'PS512')$c$),
	('casnet_internal.identities', 'identities_subject_check',
	 $c$octet_length(subject) < 256 AND subject <> ''$c$),
	('casnet_internal.invitations', 'invitations_email_check',
	 $c$octet_length(email) <= 2000 AND btrim(email) <> ''$c$),
	('casnet_internal.codes', 'codes_purpose_check',
	 $c$purpose IN ('password', 'email', 'nothing')$c$),
	('casnet_internal.protected', 'protected_resource_check',
	 $c$resource ~ '^[a-z][a-z0-9_]*$' AND octet_length(resource) <= 56$c$),
	('casnet_internal.guarded_schemas', 'guarded_schemas_action_check',
	 $c$action IN ('refuse', 'protect')$c$),
	('casnet_internal.declared', 'declared_kind_check',
	 $c$kind IN ('shared', 'exempt')$c$)
$$;
COMMENT ON FUNCTION casnet_internal.wanted_checks() IS
	'internal: the checks of the tables that casnet.install() makes';
