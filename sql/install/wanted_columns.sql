-- The columns, in the order in which a new table has them: the key, what the row refers
-- to, the tenant, the rest.  drizzle-kit takes the columns of a foreign key in the order
-- of the table, so a reference comes before the tenant, as in the key.

-- An empty value means no default, and so does one that begins with GENERATED.  A NULL
-- meaning stands for the usual one of that name, see wanted_columns().
CREATE OR REPLACE FUNCTION casnet_internal.wanted_account_columns(
	OUT table_name text, OUT name text, OUT type text, OUT value text, OUT meaning text)
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	VALUES
	('casnet.users', 'id', 'uuid NOT NULL', 'casnet.uuid_v7()', NULL),
	('casnet.users', 'username', 'text NOT NULL', '',
	 'name to sign in with; in Unicode NFC, without blanks around it; unique whatever its case'),
	('casnet.users', 'email', 'text NOT NULL', '',
	 'email address; in the form of a username, and unique whatever its case'),
	('casnet.users', 'full_name', 'text', '', 'name to show; the user may change it'),
	('casnet.users', 'hashed_password', 'text', '',
	 'takes a password hash in crypt(3) format, and then holds a mark; NULL: no password login'),
	('casnet.users', 'is_active', 'boolean NOT NULL', 'true',
	 'false: the user has no permission anywhere'),
	('casnet.users', 'is_superuser', 'boolean NOT NULL', 'false',
	 'true: the user holds every permission in any tenant'),

	('casnet.tenants', 'id', 'uuid NOT NULL', 'casnet.uuid_v7()', NULL),
	('casnet.tenants', 'name', 'text NOT NULL', '', NULL),
	('casnet.tenants', 'description', 'text', '', NULL),

	('casnet.roles', 'name', 'text NOT NULL', '',
	 'name; owner, admin, member and viewer are always there'),
	('casnet.roles', 'description', 'text', '', NULL),

	('casnet.user_tenants', 'user_id', 'uuid NOT NULL', '', NULL),
	('casnet.user_tenants', 'tenant_id', 'uuid NOT NULL',
	 'casnet.current_tenant_id()', NULL),
	('casnet.user_tenants', 'role', 'text NOT NULL', '''member''', 'one of casnet.roles'),

	('casnet.role_permissions', 'role', 'text NOT NULL', '', 'one of casnet.roles'),
	('casnet.role_permissions', 'permission', 'text NOT NULL', '', NULL),

	('casnet.user_tenant_permissions', 'user_id', 'uuid NOT NULL', '', NULL),
	('casnet.user_tenant_permissions', 'tenant_id', 'uuid NOT NULL',
	 'casnet.current_tenant_id()', NULL),
	('casnet.user_tenant_permissions', 'permission', 'text NOT NULL', '', NULL)
$$;
COMMENT ON FUNCTION casnet_internal.wanted_account_columns() IS
	'internal: the columns of the tables that decide about access';

CREATE OR REPLACE FUNCTION casnet_internal.wanted_case_columns(
	OUT table_name text, OUT name text, OUT type text, OUT value text, OUT meaning text)
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	VALUES
	('casnet.persons', 'id', 'uuid NOT NULL', 'casnet.uuid_v7()', NULL),
	('casnet.persons', 'tenant_id', 'uuid NOT NULL', 'casnet.current_tenant_id()', NULL),
	('casnet.persons', 'name', 'text NOT NULL', '', NULL),
	('casnet.persons', 'date_of_birth', 'date', '', 'date of birth'),
	('casnet.persons', 'gender', 'text', '', 'MALE, FEMALE or OTHER'),
	('casnet.persons', 'contact_info', 'jsonb NOT NULL', '''{}''',
	 'JSON object, such as phone, email, address'),

	('casnet.records', 'id', 'uuid NOT NULL', 'casnet.uuid_v7()', NULL),
	('casnet.records', 'tenant_id', 'uuid NOT NULL', 'casnet.current_tenant_id()', NULL),
	('casnet.records', 'title', 'text NOT NULL', '', NULL),
	('casnet.records', 'content', 'text NOT NULL', '''''', 'text of the record'),
	('casnet.records', 'search_vector', 'tsvector NOT NULL',
	 $c$GENERATED ALWAYS AS (casnet_internal.search_vector(
			'casnet.search'::regconfig, title, content)) STORED$c$,
	 'words of title and content, for full-text search'),

	('casnet.record_persons', 'record_id', 'uuid NOT NULL', '', 'the record'),
	('casnet.record_persons', 'person_id', 'uuid NOT NULL', '', 'the person'),
	('casnet.record_persons', 'tenant_id', 'uuid NOT NULL',
	 'casnet.current_tenant_id()', NULL),
	('casnet.record_persons', 'relation', 'text NOT NULL', '''subject''',
	 'what the person is in the record, such as subject, parent or witness'),

	('casnet.tags', 'id', 'uuid NOT NULL', 'casnet.uuid_v7()', NULL),
	('casnet.tags', 'tenant_id', 'uuid NOT NULL', 'casnet.current_tenant_id()', NULL),
	('casnet.tags', 'name', 'text NOT NULL', '', NULL),

	('casnet.record_tags', 'record_id', 'uuid NOT NULL', '', 'the record'),
	('casnet.record_tags', 'tag_id', 'uuid NOT NULL', '', 'the tag'),
	('casnet.record_tags', 'tenant_id', 'uuid NOT NULL',
	 'casnet.current_tenant_id()', NULL),

	('casnet.tasks', 'id', 'uuid NOT NULL', 'casnet.uuid_v7()', NULL),
	('casnet.tasks', 'record_id', 'uuid', '', NULL),
	('casnet.tasks', 'assignee_id', 'uuid', '', 'the member who does it'),
	('casnet.tasks', 'tenant_id', 'uuid NOT NULL', 'casnet.current_tenant_id()', NULL),
	('casnet.tasks', 'title', 'text NOT NULL', '', NULL),
	('casnet.tasks', 'description', 'text', '', NULL),
	('casnet.tasks', 'status', 'text NOT NULL', '''PENDING''',
	 'PENDING, IN_PROGRESS, COMPLETED or CANCELLED'),
	('casnet.tasks', 'priority', 'text NOT NULL', '''MEDIUM''', 'LOW, MEDIUM or HIGH'),
	('casnet.tasks', 'due_date', 'timestamptz', '', 'when it has to be done'),
	('casnet.tasks', 'completed_at', 'timestamptz', '',
	 'when it became COMPLETED; kept by a trigger'),

	('casnet.calendar_events', 'id', 'uuid NOT NULL', 'casnet.uuid_v7()', NULL),
	('casnet.calendar_events', 'record_id', 'uuid', '', NULL),
	('casnet.calendar_events', 'series_id', 'uuid', '',
	 'the series of which this event stands for one occurrence'),
	('casnet.calendar_events', 'tenant_id', 'uuid NOT NULL',
	 'casnet.current_tenant_id()', NULL),
	('casnet.calendar_events', 'title', 'text NOT NULL', '', NULL),
	('casnet.calendar_events', 'description', 'text', '', NULL),
	('casnet.calendar_events', 'location', 'text', '', 'where'),
	('casnet.calendar_events', 'starts_at', 'timestamptz NOT NULL', '', 'start'),
	('casnet.calendar_events', 'ends_at', 'timestamptz', '', 'end, not before the start'),
	('casnet.calendar_events', 'all_day', 'boolean NOT NULL', 'false',
	 'whole days: from midnight to midnight in the time zone of the event'),
	('casnet.calendar_events', 'time_zone', 'text NOT NULL',
	 'current_setting(''TimeZone'')',
	 'IANA name of the time zone in which the event recurs, or has its days'),
	('casnet.calendar_events', 'recurrence_rule', 'text', '',
	 'RRULE of RFC 5545, without the word; NULL: does not recur'),
	('casnet.calendar_events', 'excluded_dates', 'timestamptz[] NOT NULL', '''{}''',
	 'occurrences of the series that are left out'),
	('casnet.calendar_events', 'occurrence_at', 'timestamptz', '',
	 'when the occurrence would begin for which this event stands'),
	('casnet.calendar_events', 'status', 'text NOT NULL', '''SCHEDULED''',
	 'SCHEDULED, CANCELLED or COMPLETED')
$$;
COMMENT ON FUNCTION casnet_internal.wanted_case_columns() IS
	'internal: the columns of the tables with the data of tenants';

CREATE OR REPLACE FUNCTION casnet_internal.wanted_internal_columns(
	OUT table_name text, OUT name text, OUT type text, OUT value text, OUT meaning text)
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT 'casnet_internal.' || v.table_name, v.name, v.type, v.value, v.meaning
	  FROM (VALUES
	('signing_keys', 'kid', 'text NOT NULL', '', 'key id, as in the header of tokens'),
	('signing_keys', 'algorithm', 'text NOT NULL', '',
	 'algorithm of RFC 7518 or 8037; tokens do not choose'),
	('signing_keys', 'key', 'bytea NOT NULL', '',
	 'secret of HS256, else the DER of the public key'),
	('signing_keys', 'issuer', 'text', '', 'claim iss that tokens must have; NULL: any'),
	('signing_keys', 'audience', 'text', '', 'claim aud that tokens must have; NULL: any'),
	('signing_keys', 'retired_at', 'timestamptz', '',
	 'since when its tokens are refused; NULL: live'),

	('revoked_tokens', 'id', 'uuid NOT NULL', 'casnet.uuid_v7()', NULL),
	('revoked_tokens', 'digest', 'bytea NOT NULL', '',
	 'SHA-256 of header and claims, or of the code'),
	('revoked_tokens', 'user_id', 'uuid NOT NULL', '', NULL),
	('revoked_tokens', 'expires_at', 'timestamptz NOT NULL', '',
	 'when the row is no longer needed'),

	('token_cutoffs', 'id', 'uuid NOT NULL', 'casnet.uuid_v7()', NULL),
	('token_cutoffs', 'user_id', 'uuid NOT NULL', '', NULL),
	('token_cutoffs', 'nonce', 'bigint NOT NULL',
	 'floor(random() * 9007199254740992)::bigint',
	 'random; a token ends unless its generation is the exclusive or of these in the rows that do not spare it'),
	('token_cutoffs', 'issued_before', 'bigint NOT NULL', '',
	 'a token of another issuer ends if it was issued before this time, in seconds since 1970'),
	('token_cutoffs', 'spared', 'bytea', '', 'digest of the one token that this row does not end'),

	('issuers', 'id', 'uuid NOT NULL', 'casnet.uuid_v7()', 'of this registration'),
	('issuers', 'issuer', 'text NOT NULL', '', 'claim iss of its tokens'),
	('issuers', 'audiences', 'text[]', '',
	 'one of these must be in the claim aud; NULL: any will do'),
	('issuers', 'leeway', 'integer NOT NULL', '60', 'seconds by which clocks may differ'),
	('issuers', 'user_claim', 'text NOT NULL', '''sub''', 'claim that names the user'),
	('issuers', 'trusts_claims', 'boolean NOT NULL', 'false',
	 'that claim is the id of an account, and tid the active tenant'),
	('issuers', 'makes_accounts', 'boolean NOT NULL', 'false',
	 'sign_in() makes an account for whom none is linked to'),

	('issuer_keys', 'issuer', 'text NOT NULL', '', 'issuer that publishes the key'),
	('issuer_keys', 'kid', 'text NOT NULL', '', 'key id, as in the header of tokens'),
	('issuer_keys', 'algorithm', 'text NOT NULL', '', 'of RFC 7518 or 8037; tokens do not choose'),
	('issuer_keys', 'key', 'bytea NOT NULL', '', 'DER of the public key'),

	('identities', 'issuer_id', 'uuid NOT NULL', '', 'registration of the issuer'),
	('identities', 'issuer', 'text NOT NULL', '', 'issuer that names the person'),
	('identities', 'subject', 'text NOT NULL', '', 'the issuer''s name for the person'),
	('identities', 'user_id', 'uuid NOT NULL', '', NULL),
	('identities', 'generation', 'bigint NOT NULL', '',
	 'which of the person''s links it is: an ended one is of an earlier generation'),

	('password_hashes', 'id', 'uuid NOT NULL', 'casnet.uuid_v7()', NULL),
	('password_hashes', 'user_id', 'uuid NOT NULL', '', NULL),
	('password_hashes', 'hash', 'text', '', 'in crypt(3) format; NULL: no password'),
	('password_hashes', 'replaces', 'uuid', '',
	 'the row by an administrator that this row replaces; NULL: this is such a row'),

	('invitations', 'digest', 'bytea NOT NULL', '', 'SHA-256 of the code'),
	('invitations', 'tenant_id', 'uuid NOT NULL', '', NULL),
	('invitations', 'email', 'text NOT NULL', '',
	 'email address of the account that may accept, in lower case and Unicode NFC'),
	('invitations', 'role', 'text NOT NULL', '', 'role that the new member gets'),
	('invitations', 'invited_by', 'uuid NOT NULL', '', 'the member who invited'),
	('invitations', 'expires_at', 'timestamptz NOT NULL', '', 'when the code stops working'),
	('invitations', 'proves_address', 'boolean NOT NULL', 'false',
	 'only a trusted backend or an administrator got the code, to be sent to the address'),
	('invitations', 'generation', 'bigint', '',
	 'of the invitations to the address; those of an earlier one have ended'),

	('sessions', 'id', 'uuid NOT NULL', '', 'claim jti of the token'),
	('sessions', 'user_id', 'uuid NOT NULL', '', NULL),
	('sessions', 'digest', 'bytea NOT NULL', '', 'SHA-256 of header and claims'),
	('sessions', 'made_by', 'text NOT NULL', '', 'login, refresh or service'),
	('sessions', 'name', 'text', '', 'what the token of a service is for'),
	('sessions', 'permissions', 'text[]', '', 'the only ones that it gives; NULL: all of the user'),
	('sessions', 'generation', 'bigint NOT NULL', '',
	 'of the user when the token was made; see token_cutoffs'),
	('sessions', 'expires_at', 'timestamptz NOT NULL', '', 'when the token expires'),

	('codes', 'digest', 'bytea NOT NULL', '', 'SHA-256 of the code'),
	('codes', 'user_id', 'uuid NOT NULL', '', 'the account that the code is for'),
	('codes', 'purpose', 'text NOT NULL', '', 'password or email'),
	('codes', 'email', 'text NOT NULL', '', 'the address that it proves, or -'),
	('codes', 'account', 'bytea NOT NULL', '', 'digest of what must not have changed'),
	('codes', 'expires_at', 'timestamptz NOT NULL', '', 'when the code stops working'),

	('audit_entries', 'at', 'timestamptz NOT NULL', '', 'when the change was made, by the clock'),
	('audit_entries', 'id', 'uuid NOT NULL', '',
	 'version 7 UUID; distinguishes entries of one moment'),
	('audit_entries', 'tenant_id', 'uuid', '',
	 'the tenant of the row; NULL for accounts, for roles, and for TRUNCATE'),
	('audit_entries', 'transaction_id', 'bigint NOT NULL', '',
	 'the transaction, as pg_current_xact_id() numbers them'),
	('audit_entries', 'user_id', 'uuid', '', 'the user of the session; NULL: nobody was signed in'),
	('audit_entries', 'session_role', 'text NOT NULL', '', 'the database role that connected'),
	('audit_entries', 'role', 'text NOT NULL', '',
	 'the database role after SET ROLE; not that of a SECURITY DEFINER function'),
	('audit_entries', 'relation', 'text NOT NULL', '',
	 'the table, by its name at that time; for a partition, the partitioned table'),
	('audit_entries', 'row_key', 'jsonb', '', 'the columns of the primary key, as before an update'),
	('audit_entries', 'action', 'text NOT NULL', '', 'INSERT, UPDATE, DELETE or TRUNCATE; ERASE: a person was erased'),
	('audit_entries', 'before', 'jsonb', '', 'what was deleted, or what an update changed'),
	('audit_entries', 'after', 'jsonb', '', 'what was inserted, or what an update changed it to')
		) AS v (table_name, name, type, value, meaning)
$$;
COMMENT ON FUNCTION casnet_internal.wanted_internal_columns() IS
	'internal: the columns of the tables that only functions read and write, but for registries';

-- A dropped table leaves its row in protected, and in a dump its OID, which can belong to
-- another table in the database that restores it.  So created_at is part of the key, and
-- whoever reads a row looks at the table too.
CREATE OR REPLACE FUNCTION casnet_internal.wanted_registry_columns(
	OUT table_name text, OUT name text, OUT type text, OUT value text, OUT meaning text)
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT 'casnet_internal.' || v.table_name, v.name, v.type, v.value, v.meaning
	  FROM (VALUES
	('protected', 'relation', 'regclass NOT NULL', '', 'the table'),
	('protected', 'resource', 'text NOT NULL', '',
	 'what its permissions are named after, as in view_RESOURCE'),
	('protected', 'permissions', 'text[] NOT NULL', '''{}''',
	 'the permissions that casnet.protect() made'),
	('protected', 'before', 'jsonb NOT NULL', '',
	 'what the table had before, for casnet.unprotect()'),
	('protected', 'tenant_column', 'text NOT NULL', '''tenant_id''',
	 'the column that says which tenant a row belongs to'),
	('protected', 'load_view', 'regclass', '', 'the view to load the table through'),

	('guarded_schemas', 'schema', 'text NOT NULL', '', 'name of the schema'),
	('guarded_schemas', 'action', 'text NOT NULL', '',
	 'what becomes of a new table: refuse or protect'),
	('guarded_schemas', 'exempt', 'text[] NOT NULL', '''{}''',
	 'names of tables that are exempt when they are made'),

	('declared', 'relation', 'regclass NOT NULL', '', 'the table'),
	('declared', 'kind', 'text NOT NULL', '', 'shared or exempt'),
	('declared', 'owner', 'text NOT NULL', '', 'the owner of the table at that time'),
	('declared', 'shape', 'text NOT NULL', '',
	 'the kind, the name and the columns of the table at that time'),
	('declared', 'before', 'jsonb NOT NULL', '',
	 'what a shared table had before, for casnet.unprotect()')
		) AS v (table_name, name, type, value, meaning)
$$;
COMMENT ON FUNCTION casnet_internal.wanted_registry_columns() IS
	'internal: the columns of the tables about tables and schemas of applications';

CREATE OR REPLACE FUNCTION casnet_internal.wanted_columns(
	OUT table_name text, OUT number integer, OUT name text, OUT type text, OUT value text,
	OUT meaning text)
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT c.table_name,
		   (row_number() OVER (ORDER BY c.part, c.number))::integer, c.name, c.type,
		   c.value, coalesce(c.meaning, g.meaning)
	  FROM (SELECT 1 AS part, row_number() OVER () AS number, a.*
			  FROM casnet_internal.wanted_account_columns() AS a
			UNION ALL
			SELECT 2, row_number() OVER (), a.*
			  FROM casnet_internal.wanted_case_columns() AS a
			UNION ALL
			SELECT 3, row_number() OVER (), a.*
			  FROM casnet_internal.wanted_internal_columns() AS a
			UNION ALL
			SELECT 4, row_number() OVER (), a.*
			  FROM casnet_internal.wanted_registry_columns() AS a
			UNION ALL
			SELECT 4, v.number, w.table_name, v.name, 'timestamptz NOT NULL', 'now()',
				   v.meaning
			  FROM casnet_internal.wanted_tables() AS w
			 CROSS JOIN (VALUES
				(1, 'created_at', 'when the row was made'),
				(2, 'updated_at', 'when the row was last updated; kept by a trigger'))
				AS v (number, name, meaning)
			 WHERE w.kind <> 'audit') AS c
	  LEFT JOIN (VALUES
		('id', 'key; version 7 UUID, so in order of creation'),
		('tenant_id', 'the tenant; defaults to the active one'),
		('user_id', 'the user'),
		('title', 'short text for lists'),
		('description', 'free text'),
		('name', 'name, not blank; in Unicode NFC, without blanks around it'),
		('record_id', 'the record it is about, of the same tenant'),
		('permission', 'name of a permission')) AS g (name, meaning) ON g.name = c.name
$$;
COMMENT ON FUNCTION casnet_internal.wanted_columns() IS
	'internal: the columns of the tables that casnet.install() makes, in their order';
