-- The tables, as install() makes them and doctor() expects them.  Each thing has one row
-- in one of the functions wanted_*().  A column never has a type, domain or enum of the
-- extension, and a CHECK calls only built-in functions, so that the tables outlive the
-- extension.  Only DEFAULTs call casnet.

-- In the order in which they can be made.  An empty partition means a plain table.
CREATE OR REPLACE FUNCTION casnet_internal.wanted_tables(
	OUT table_name text, OUT kind text, OUT partition text, OUT meaning text)
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	VALUES
	-- They decide about access.
	('casnet.users', 'administration', '',
	 'people who can sign in; one account for all their tenants'),
	('casnet.tenants', 'administration', '',
	 'organizations that share the database and nothing else'),
	('casnet.roles', 'administration', '',
	 'roles that members of tenants can have; administrators add to them'),
	('casnet.user_tenants', 'administration', '',
	 'memberships: who belongs to which tenant, in which role'),
	('casnet.role_permissions', 'administration', '',
	 'what each role may do, in every tenant'),
	('casnet.user_tenant_permissions', 'administration', '',
	 'what a member may do besides what the role gives'),
	-- The data of tenants.
	('casnet.persons', 'tenant', '', 'people whom cases are about'),
	('casnet.records', 'tenant', '', 'case records'),
	('casnet.record_persons', 'tenant', '', 'whom which record is about'),
	('casnet.tags', 'tenant', '', 'labels of a tenant'),
	('casnet.record_tags', 'tenant', '', 'which record has which tag'),
	('casnet.tasks', 'tenant', '',
	 'work to do, perhaps by a member, perhaps about a record'),
	('casnet.calendar_events', 'tenant', '', 'appointments, perhaps about a record'),
	-- Only functions read and write the others.
	('casnet_internal.signing_keys', 'token', '',
	 'keys that sign session tokens; nobody reads them'),
	('casnet_internal.revoked_tokens', 'token', '',
	 'tokens and codes that were revoked one by one'),
	('casnet_internal.token_cutoffs', 'token', '',
	 'users whose tokens were all revoked up to some point'),
	('casnet_internal.issuers', 'token', '', 'issuers whose tokens sign in'),
	('casnet_internal.issuer_keys', 'token', '',
	 'public keys with which issuers sign tokens'),
	('casnet_internal.identities', 'token', '',
	 'which account an issuer''s name for a person stands for'),
	('casnet_internal.password_hashes', 'token', '',
	 'hashes of passwords; nobody reads them'),
	('casnet_internal.invitations', 'invitation', '',
	 'invitations that nobody has accepted yet'),
	('casnet_internal.sessions', 'token', '',
	 'tokens that login() and refresh_token() have issued'),
	('casnet_internal.codes', 'token', '',
	 'codes to set a password or to confirm an address, which nobody has used yet'),
	('casnet_internal.audit_entries', 'audit', 'PARTITION BY RANGE (at)',
	 'who changed what in the audited tables; a partition for each month'),
	('casnet_internal.audit_entries_default', 'audit',
	 'PARTITION OF casnet_internal.audit_entries DEFAULT',
	 'who changed what, in months that have no table'),
	('casnet_internal.protected', 'registry', '',
	 'tables of applications that casnet.protect() has protected'),
	('casnet_internal.guarded_schemas', 'registry', '',
	 'schemas where a new table has to be protected'),
	('casnet_internal.declared', 'registry', '',
	 'tables of applications that are shared by all tenants, or exempt')
$$;
COMMENT ON FUNCTION casnet_internal.wanted_tables() IS
	'internal: the tables that casnet.install() makes';

CREATE OR REPLACE FUNCTION casnet_internal.managed_tables(
	OUT relation regclass, OUT kind text)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT to_regclass(w.table_name), w.kind
	  FROM casnet_internal.wanted_tables() AS w
	 WHERE to_regclass(w.table_name) IS NOT NULL
	UNION ALL
	-- There while Citus distributes the tables.
	SELECT a.relation, 'audit'
	  FROM to_regclass('casnet_internal.audit_on_nodes') AS a (relation)
	 WHERE a.relation IS NOT NULL
$$;
COMMENT ON FUNCTION casnet_internal.managed_tables() IS
	'internal: the tables of casnet that exist, each with its kind';
