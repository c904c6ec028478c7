-- The meaning of the tables and of the columns that do not explain themselves.

CREATE OR REPLACE FUNCTION casnet_internal.install_comments() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted record;
BEGIN
	FOR wanted IN
		SELECT v.name, v.meaning
		  FROM (VALUES
	('casnet.users', 'people who can sign in; one account for all their tenants'),
	('casnet.tenants', 'organizations that share the database and nothing else'),
	('casnet.user_tenants', 'memberships: who belongs to which tenant, in which role'),
	('casnet.role_permissions', 'what each role may do, in every tenant'),
	('casnet.user_tenant_permissions', 'what a member may do besides what the role gives'),
	('casnet_internal.signing_keys', 'keys that sign session tokens; nobody reads them'),
	('casnet_internal.revoked_tokens', 'tokens and codes of invitations that were revoked one by one'),
	('casnet_internal.token_cutoffs', 'users whose tokens up to some point were all revoked'),
	('casnet_internal.password_hashes', 'hashes of passwords; nobody reads them'),
	('casnet_internal.invitations', 'invitations that nobody has accepted yet'),
	('casnet_internal.audit_entries', 'who changed what, in the audited tables; by months'),
	('casnet_internal.audit_entries_default', 'who changed what, in months that have no table'),
	('casnet.persons', 'people whom cases are about'),
	('casnet.records', 'case records'),
	('casnet.tags', 'labels of a tenant'),
	('casnet.record_tags', 'which record has which tag'),
	('casnet.tasks', 'work to do, perhaps by a member, perhaps about a record'),
	('casnet.calendar_events', 'appointments, perhaps about a record')
		  ) AS v (name, meaning)
	LOOP
		EXECUTE format('COMMENT ON TABLE %s IS %L',
					   wanted.name, wanted.meaning);
	END LOOP;

	FOR wanted IN
		SELECT a.attrelid::regclass AS relation, a.attname,
			   coalesce(v.meaning, g.meaning) AS meaning
		  FROM casnet_internal.managed_tables() AS t
		  JOIN pg_attribute AS a
			ON a.attrelid = t.relation AND a.attnum > 0
			   AND NOT a.attisdropped
		  LEFT JOIN (VALUES
	('id', 'key; version 7 UUID, so in order of creation'),
	('tenant_id', 'the tenant; defaults to the active one'),
	('user_id', 'the user'),
	('created_at', 'when the row was made'),
	('updated_at', 'when the row was last updated; kept by a trigger'),
	('title', 'short text for lists'),
	('description', 'free text'),
	('name', 'name, not blank'),
	('record_id', 'the record it is about, of the same tenant'),
	('permission', 'name of a permission')
		  ) AS g (column_name, meaning) ON g.column_name = a.attname
		  LEFT JOIN (VALUES
	('users', 'username', 'name to sign in with; unique whatever its case'),
	('users', 'email', 'email address; unique whatever its case'),
	('users', 'full_name', 'name to show; the user may change it'),
	('users', 'hashed_password', 'takes a password hash in crypt(3) format, and then holds a mark; NULL: no password login'),
	('users', 'is_active', 'false: the user has no permission anywhere'),
	('users', 'is_superuser', 'true: the user holds every permission in any tenant'),
	('user_tenants', 'role', 'owner, admin, member or viewer'),
	('role_permissions', 'role', 'owner, admin, member or viewer'),
	('signing_keys', 'kid', 'key id, as in the header of tokens'),
	('signing_keys', 'algorithm', 'HS256, EdDSA, ES256 or RS256; tokens do not choose'),
	('signing_keys', 'key', 'secret of HS256, else the DER of the public key'),
	('signing_keys', 'issuer', 'claim iss that tokens must have; NULL: any'),
	('signing_keys', 'audience', 'claim aud that tokens must have; NULL: any'),
	('signing_keys', 'retired_at', 'since when its tokens are refused; NULL: live'),
	('revoked_tokens', 'digest', 'SHA-256 of header and claims, or of the code'),
	('revoked_tokens', 'expires_at', 'when the row is of no use any more'),
	('token_cutoffs', 'nonce', 'random; tokens that the rows do not spare end unless the exclusive or of these is their generation'),
	('token_cutoffs', 'issued_before', 'so are those of other issuers issued before this time, in seconds since 1970'),
	('token_cutoffs', 'spared', 'digest of the one token that is not'),
	('password_hashes', 'hash', 'in crypt(3) format; NULL: no password'),
	('password_hashes', 'replaces', 'the row of an administrator that this one stands for; NULL: it is one'),
	('invitations', 'digest', 'SHA-256 of the code'),
	('invitations', 'email', 'email address of the account that may accept, in lower case'),
	('invitations', 'role', 'role that the new member gets'),
	('invitations', 'invited_by', 'the member who invited'),
	('invitations', 'expires_at', 'when the code stops to work'),
	('audit_entries', 'at', 'when the change was made, by the clock'),
	('audit_entries', 'id', 'version 7 UUID; tells entries of one moment apart'),
	('audit_entries', 'tenant_id', 'the tenant of the row; NULL: of accounts, of roles, or TRUNCATE'),
	('audit_entries', 'transaction_id', 'the transaction, as pg_current_xact_id() numbers them'),
	('audit_entries', 'user_id', 'the user of the session; NULL: nobody was signed in'),
	('audit_entries', 'session_role', 'the database role that had connected'),
	('audit_entries', 'role', 'the database role after SET ROLE; not that of a SECURITY DEFINER function'),
	('audit_entries', 'relation', 'the table, with its name of then; that of the partitioned table for a partition'),
	('audit_entries', 'row_key', 'the columns of the primary key; before an update'),
	('audit_entries', 'action', 'INSERT, UPDATE, DELETE or TRUNCATE'),
	('audit_entries', 'before', 'what was deleted, or what an update changed'),
	('audit_entries', 'after', 'what was inserted, or what an update changed it to'),
	('persons', 'date_of_birth', 'date of birth'),
	('persons', 'gender', 'MALE, FEMALE or OTHER'),
	('persons', 'contact_info', 'JSON object, such as phone, email, address'),
	('records', 'content', 'text of the record'),
	('records', 'search_vector', 'words of title and content, for full-text search'),
	('record_tags', 'record_id', 'the record'),
	('record_tags', 'tag_id', 'the tag'),
	('tasks', 'status', 'PENDING, IN_PROGRESS, COMPLETED or CANCELLED'),
	('tasks', 'priority', 'LOW, MEDIUM or HIGH'),
	('tasks', 'due_date', 'when it has to be done'),
	('tasks', 'completed_at', 'when it became COMPLETED; kept by a trigger'),
	('tasks', 'assignee_id', 'the member who does it'),
	('calendar_events', 'location', 'where'),
	('calendar_events', 'starts_at', 'start'),
	('calendar_events', 'ends_at', 'end, not before the start'),
	('calendar_events', 'all_day', 'the time of day does not matter'),
	('calendar_events', 'recurrence_rule', 'RRULE of RFC 5545'),
	('calendar_events', 'status', 'SCHEDULED, CANCELLED or COMPLETED')
		  ) AS v (table_name, column_name, meaning)
			ON v.table_name = CASE t.relation
					WHEN to_regclass('casnet_internal.audit_entries_default') THEN 'audit_entries'
					ELSE (SELECT c.relname FROM pg_class AS c WHERE c.oid = t.relation) END
			   AND v.column_name = a.attname
		 WHERE coalesce(v.meaning, g.meaning) IS NOT NULL
	LOOP
		EXECUTE format('COMMENT ON COLUMN %s.%I IS %L',
					   wanted.relation, wanted.attname, wanted.meaning);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.install_comments() IS
	'internal: describes the tables and columns';
