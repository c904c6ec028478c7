-- The tables.  A table column never has a type, domain or enum of the
-- extension, and a CHECK calls built-in functions only, so that the tables
-- outlive it; only DEFAULTs call ours.

CREATE OR REPLACE FUNCTION casnet_internal.managed_tables(
	OUT relation regclass, OUT kind text)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT to_regclass(t.name), t.kind
	  FROM (VALUES
		('casnet.users', 'administration'), ('casnet.tenants', 'administration'),
		('casnet.user_tenants', 'administration'),
		('casnet.role_permissions', 'administration'),
		('casnet.user_tenant_permissions', 'administration'),
		('casnet_internal.signing_keys', 'token'),
		('casnet_internal.revoked_tokens', 'token'),
		('casnet_internal.token_cutoffs', 'token'),
		('casnet_internal.password_hashes', 'token'),
		('casnet_internal.invitations', 'invitation'),
		('casnet_internal.audit_entries', 'audit'),
		('casnet_internal.audit_entries_default', 'audit'),
		('casnet_internal.protected', 'registry'),
		('casnet_internal.guarded_schemas', 'registry'),
		('casnet.persons', 'tenant'), ('casnet.records', 'tenant'),
		('casnet.tags', 'tenant'), ('casnet.record_tags', 'tenant'),
		('casnet.tasks', 'tenant'), ('casnet.calendar_events', 'tenant')
	  ) AS t (name, kind)
	 WHERE to_regclass(t.name) IS NOT NULL
$$;
COMMENT ON FUNCTION casnet_internal.managed_tables() IS
	'internal: the tables of casnet, and whether they decide about access, prove identity, invite, hold the audit, or hold the data of tenants';

CREATE OR REPLACE FUNCTION casnet_internal.install_tables() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	-- CREATE TABLE IF NOT EXISTS takes nothing in an extension's script that is
	-- not the extension's own, and tables that outlived it are not.
	IF to_regclass('casnet.users') IS NULL THEN
	CREATE TABLE casnet.users (
		id uuid NOT NULL DEFAULT casnet.uuid_v7(),
		username text NOT NULL,
		email text NOT NULL,
		full_name text,
		hashed_password text,
		is_active boolean NOT NULL DEFAULT true,
		is_superuser boolean NOT NULL DEFAULT false,
		created_at timestamptz NOT NULL DEFAULT now(),
		updated_at timestamptz NOT NULL DEFAULT now(),
		CONSTRAINT users_pkey PRIMARY KEY (id),
		CONSTRAINT users_username_key UNIQUE (username),
		CONSTRAINT users_email_key UNIQUE (email),
		CONSTRAINT users_username_check
			CHECK (octet_length(username) <= 2000 AND btrim(username) <> ''),
		CONSTRAINT users_email_check
			CHECK (octet_length(email) <= 2000 AND btrim(email) <> '')
	);
	END IF;

	IF to_regclass('casnet.tenants') IS NULL THEN
	CREATE TABLE casnet.tenants (
		id uuid NOT NULL DEFAULT casnet.uuid_v7(),
		name text NOT NULL,
		description text,
		created_at timestamptz NOT NULL DEFAULT now(),
		updated_at timestamptz NOT NULL DEFAULT now(),
		CONSTRAINT tenants_pkey PRIMARY KEY (id),
		CONSTRAINT tenants_name_key UNIQUE (name),
		CONSTRAINT tenants_name_check
			CHECK (octet_length(name) <= 2000 AND btrim(name) <> '')
	);
	END IF;

	IF to_regclass('casnet.user_tenants') IS NULL THEN
	CREATE TABLE casnet.user_tenants (
		user_id uuid NOT NULL,
		tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(),
		role text NOT NULL DEFAULT 'member',
		created_at timestamptz NOT NULL DEFAULT now(),
		updated_at timestamptz NOT NULL DEFAULT now(),
		CONSTRAINT user_tenants_pkey PRIMARY KEY (user_id, tenant_id),
		CONSTRAINT user_tenants_user_id_fkey FOREIGN KEY (user_id)
			REFERENCES casnet.users (id) ON DELETE CASCADE,
		CONSTRAINT user_tenants_tenant_id_fkey FOREIGN KEY (tenant_id)
			REFERENCES casnet.tenants (id) ON DELETE CASCADE,
		CONSTRAINT user_tenants_role_check
			CHECK (role IN ('owner', 'admin', 'member', 'viewer'))
	);
	END IF;

	IF to_regclass('casnet.role_permissions') IS NULL THEN
	CREATE TABLE casnet.role_permissions (
		role text NOT NULL,
		permission text NOT NULL,
		created_at timestamptz NOT NULL DEFAULT now(),
		updated_at timestamptz NOT NULL DEFAULT now(),
		CONSTRAINT role_permissions_pkey PRIMARY KEY (role, permission),
		CONSTRAINT role_permissions_role_check
			CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
		CONSTRAINT role_permissions_permission_check
			CHECK (octet_length(permission) < 64 AND btrim(permission) <> ''
				   AND strpos(permission, ',') = 0)
	);
	END IF;

	IF to_regclass('casnet.user_tenant_permissions') IS NULL THEN
	CREATE TABLE casnet.user_tenant_permissions (
		user_id uuid NOT NULL,
		tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(),
		permission text NOT NULL,
		created_at timestamptz NOT NULL DEFAULT now(),
		updated_at timestamptz NOT NULL DEFAULT now(),
		CONSTRAINT user_tenant_permissions_pkey
			PRIMARY KEY (user_id, tenant_id, permission),
		CONSTRAINT user_tenant_permissions_user_id_tenant_id_fkey
			FOREIGN KEY (user_id, tenant_id)
			REFERENCES casnet.user_tenants (user_id, tenant_id)
			ON DELETE CASCADE,
		CONSTRAINT user_tenant_permissions_permission_check
			CHECK (octet_length(permission) < 64 AND btrim(permission) <> ''
				   AND strpos(permission, ',') = 0)
	);
	END IF;

	IF to_regclass('casnet.persons') IS NULL THEN
	CREATE TABLE casnet.persons (
		tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(),
		id uuid NOT NULL DEFAULT casnet.uuid_v7(),
		name text NOT NULL,
		date_of_birth date,
		gender text,
		contact_info jsonb NOT NULL DEFAULT '{}',
		created_at timestamptz NOT NULL DEFAULT now(),
		updated_at timestamptz NOT NULL DEFAULT now(),
		CONSTRAINT persons_pkey PRIMARY KEY (tenant_id, id),
		CONSTRAINT persons_tenant_id_fkey FOREIGN KEY (tenant_id)
			REFERENCES casnet.tenants (id) ON DELETE CASCADE,
		CONSTRAINT persons_name_check
			CHECK (octet_length(name) <= 2000 AND btrim(name) <> ''),
		CONSTRAINT persons_gender_check
			CHECK (gender IN ('MALE', 'FEMALE', 'OTHER')),
		CONSTRAINT persons_contact_info_check
			CHECK (jsonb_typeof(contact_info) = 'object')
	);
	END IF;

	IF to_regclass('casnet.records') IS NULL THEN
	CREATE TABLE casnet.records (
		tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(),
		id uuid NOT NULL DEFAULT casnet.uuid_v7(),
		title text NOT NULL,
		content text NOT NULL DEFAULT '',
		created_at timestamptz NOT NULL DEFAULT now(),
		updated_at timestamptz NOT NULL DEFAULT now(),
		-- A tsvector has room for a megabyte; that much text always fits.
		search_vector tsvector NOT NULL GENERATED ALWAYS AS (
			setweight(to_tsvector('casnet.search'::regconfig,
								  left(title, 10000)), 'A') ||
			setweight(to_tsvector('casnet.search'::regconfig,
								  left(content, 90000)), 'B')) STORED,
		CONSTRAINT records_pkey PRIMARY KEY (tenant_id, id),
		CONSTRAINT records_tenant_id_fkey FOREIGN KEY (tenant_id)
			REFERENCES casnet.tenants (id) ON DELETE CASCADE
	);
	END IF;

	IF to_regclass('casnet.tags') IS NULL THEN
	CREATE TABLE casnet.tags (
		tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(),
		id uuid NOT NULL DEFAULT casnet.uuid_v7(),
		name text NOT NULL,
		created_at timestamptz NOT NULL DEFAULT now(),
		updated_at timestamptz NOT NULL DEFAULT now(),
		CONSTRAINT tags_pkey PRIMARY KEY (tenant_id, id),
		CONSTRAINT tags_tenant_id_name_key UNIQUE (tenant_id, name),
		CONSTRAINT tags_tenant_id_fkey FOREIGN KEY (tenant_id)
			REFERENCES casnet.tenants (id) ON DELETE CASCADE,
		CONSTRAINT tags_name_check
			CHECK (char_length(name) <= 100 AND btrim(name) <> '')
	);
	END IF;

	IF to_regclass('casnet.record_tags') IS NULL THEN
	CREATE TABLE casnet.record_tags (
		tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(),
		record_id uuid NOT NULL,
		tag_id uuid NOT NULL,
		created_at timestamptz NOT NULL DEFAULT now(),
		updated_at timestamptz NOT NULL DEFAULT now(),
		CONSTRAINT record_tags_pkey
			PRIMARY KEY (tenant_id, record_id, tag_id),
		CONSTRAINT record_tags_tenant_id_fkey FOREIGN KEY (tenant_id)
			REFERENCES casnet.tenants (id) ON DELETE CASCADE,
		CONSTRAINT record_tags_tenant_id_record_id_fkey
			FOREIGN KEY (tenant_id, record_id)
			REFERENCES casnet.records (tenant_id, id) ON DELETE CASCADE,
		CONSTRAINT record_tags_tenant_id_tag_id_fkey
			FOREIGN KEY (tenant_id, tag_id)
			REFERENCES casnet.tags (tenant_id, id) ON DELETE CASCADE
	);
	END IF;

	IF to_regclass('casnet.tasks') IS NULL THEN
	CREATE TABLE casnet.tasks (
		tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(),
		id uuid NOT NULL DEFAULT casnet.uuid_v7(),
		title text NOT NULL,
		description text,
		status text NOT NULL DEFAULT 'PENDING',
		priority text NOT NULL DEFAULT 'MEDIUM',
		due_date timestamptz,
		completed_at timestamptz,
		assignee_id uuid,
		record_id uuid,
		created_at timestamptz NOT NULL DEFAULT now(),
		updated_at timestamptz NOT NULL DEFAULT now(),
		CONSTRAINT tasks_pkey PRIMARY KEY (tenant_id, id),
		CONSTRAINT tasks_tenant_id_fkey FOREIGN KEY (tenant_id)
			REFERENCES casnet.tenants (id) ON DELETE CASCADE,
		CONSTRAINT tasks_assignee_id_tenant_id_fkey
			FOREIGN KEY (assignee_id, tenant_id)
			REFERENCES casnet.user_tenants (user_id, tenant_id)
			ON DELETE RESTRICT,
		CONSTRAINT tasks_tenant_id_record_id_fkey
			FOREIGN KEY (tenant_id, record_id)
			REFERENCES casnet.records (tenant_id, id) ON DELETE RESTRICT,
		CONSTRAINT tasks_status_check CHECK (status IN
			('PENDING', 'IN_PROGRESS', 'COMPLETED', 'CANCELLED')),
		CONSTRAINT tasks_priority_check
			CHECK (priority IN ('LOW', 'MEDIUM', 'HIGH')),
		CONSTRAINT tasks_completed_at_check
			CHECK ((status = 'COMPLETED') = (completed_at IS NOT NULL))
	);
	END IF;

	IF to_regclass('casnet.calendar_events') IS NULL THEN
	CREATE TABLE casnet.calendar_events (
		tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(),
		id uuid NOT NULL DEFAULT casnet.uuid_v7(),
		title text NOT NULL,
		description text,
		location text,
		starts_at timestamptz NOT NULL,
		ends_at timestamptz,
		all_day boolean NOT NULL DEFAULT false,
		recurrence_rule text,
		status text NOT NULL DEFAULT 'SCHEDULED',
		record_id uuid,
		created_at timestamptz NOT NULL DEFAULT now(),
		updated_at timestamptz NOT NULL DEFAULT now(),
		CONSTRAINT calendar_events_pkey PRIMARY KEY (tenant_id, id),
		CONSTRAINT calendar_events_tenant_id_fkey FOREIGN KEY (tenant_id)
			REFERENCES casnet.tenants (id) ON DELETE CASCADE,
		CONSTRAINT calendar_events_tenant_id_record_id_fkey
			FOREIGN KEY (tenant_id, record_id)
			REFERENCES casnet.records (tenant_id, id) ON DELETE RESTRICT,
		CONSTRAINT calendar_events_ends_at_check
			CHECK (ends_at >= starts_at),
		CONSTRAINT calendar_events_status_check
			CHECK (status IN ('SCHEDULED', 'CANCELLED', 'COMPLETED'))
	);
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.install_tables() IS
	'internal: makes the tables that are missing';

-- Which table has the columns tenant_id and id of ours, and which defaults
-- DROP EXTENSION CASCADE took away.
CREATE OR REPLACE FUNCTION casnet_internal.install_defaults() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	missing record;
BEGIN
	FOR missing IN
		SELECT a.attrelid::regclass AS table_name, a.attname,
			   CASE a.attname WHEN 'id' THEN 'casnet.uuid_v7()'
					ELSE 'casnet.current_tenant_id()' END AS value
		  FROM casnet_internal.managed_tables() AS t
		  JOIN pg_attribute AS a ON a.attrelid = t.relation
		 WHERE a.attname IN ('id', 'tenant_id') AND t.kind NOT IN ('invitation', 'audit')
		   AND NOT a.atthasdef AND NOT a.attisdropped
	LOOP
		EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s',
					   missing.table_name, missing.attname, missing.value);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.install_defaults() IS
	'internal: puts defaults back that DROP EXTENSION CASCADE took away';
