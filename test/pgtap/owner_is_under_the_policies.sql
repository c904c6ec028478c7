-- The policies also bind the owner of the tables, unless it is a superuser.
BEGIN;
SELECT plan(42);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
INSERT INTO casnet_internal.revoked_tokens (digest, user_id, expires_at) VALUES ('\x00', :'olga', now());
INSERT INTO casnet_internal.token_cutoffs (user_id, issued_before) VALUES (:'olga', 0);
INSERT INTO casnet_internal.guarded_schemas (schema, action) VALUES ('public', 'refuse');
INSERT INTO casnet_internal.declared (relation, kind, owner, shape, before) VALUES ('public.who', 'exempt', 'x', 'x', '{}');
INSERT INTO casnet_internal.codes (digest, user_id, purpose, email, account, expires_at) VALUES ('\x01', :'olga', 'password', 'x', '', now());
INSERT INTO casnet_internal.invitations (digest, tenant_id, email, role, invited_by, expires_at) VALUES ('\x01', :'north', 'x', 'owner', :'olga', now());
CREATE ROLE tap_owner;
GRANT casnet_authenticator TO tap_owner;
GRANT CREATE ON SCHEMA casnet, casnet_internal TO tap_owner;
DO $$
DECLARE
	name regclass;
BEGIN
	FOR name IN SELECT oid::regclass FROM pg_class WHERE relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND relkind IN ('r', 'p') LOOP
		EXECUTE format('ALTER TABLE %s OWNER TO tap_owner', name);
	END LOOP;
END
$$;
SET LOCAL SESSION AUTHORIZATION tap_owner;
CALL be(NULL);
SELECT throws_ok(format('SELECT FROM %s', name), '28000', NULL, 'who is nobody sees no ' || name)
  FROM unnest(ARRAY['casnet.persons', 'casnet.records', 'casnet.record_persons', 'casnet.tags', 'casnet.record_tags', 'casnet.tasks', 'casnet.calendar_events', 'casnet.tenants', 'casnet.users', 'casnet.user_tenants', 'casnet.user_tenant_permissions', 'casnet.role_permissions']) AS name;
CALL be('mia', 'South');
SELECT is(rows_of(format('SELECT FROM %s', name)), n, 'of ' || name || ' those of the session')
  FROM (VALUES ('casnet.persons', 1::bigint), ('casnet.records', 3), ('casnet.record_persons', 1), ('casnet.tags', 1), ('casnet.record_tags', 2), ('casnet.tasks', 1), ('casnet.calendar_events', 1), ('casnet.tenants', 2), ('casnet.users', 2), ('casnet.user_tenants', 2), ('casnet.user_tenant_permissions', 0),
		('casnet_internal.signing_keys', 0), ('casnet_internal.revoked_tokens', 0), ('casnet_internal.token_cutoffs', 0), ('casnet_internal.guarded_schemas', 0), ('casnet_internal.declared', 0), ('casnet_internal.invitations', 0), ('casnet_internal.codes', 0)) AS v (name, n);
SELECT throws_ok(statement, '42501', NULL, 'nor makes ' || name)
  FROM (VALUES ('an account', $$INSERT INTO casnet.users (username, email) VALUES ('x', 'x')$$),
		('a tenant', $$INSERT INTO casnet.tenants (name) VALUES ('x')$$),
		('a role', $$INSERT INTO casnet.role_permissions VALUES ('viewer', 'delete_tenant')$$),
		('a key', $$INSERT INTO casnet_internal.signing_keys (kid, algorithm, key) VALUES ('x', 'HS256', '\x00')$$),
		('a code', $$INSERT INTO casnet_internal.codes (digest, user_id, purpose, email, account, expires_at) VALUES ('\x02', '00000000-0000-7000-8000-000000000001', 'password', 'x', '', now())$$),
		('an invitation', $$INSERT INTO casnet_internal.invitations (digest, tenant_id, email, role, invited_by, expires_at) VALUES ('\x02', '00000000-0000-7000-8000-0000000000a0', 'x', 'owner', '00000000-0000-7000-8000-000000000001', now())$$),
		('an entry of the audit', $$INSERT INTO casnet_internal.audit_entries DEFAULT VALUES$$),
		('one in a part', $$INSERT INTO casnet_internal.audit_entries_default DEFAULT VALUES$$),
		('a protected table', $$INSERT INTO casnet_internal.protected DEFAULT VALUES$$),
		('a declared table', $$INSERT INTO casnet_internal.declared DEFAULT VALUES$$),
		('a guarded schema', $$INSERT INTO casnet_internal.guarded_schemas DEFAULT VALUES$$)) AS v (name, statement);
SELECT is(rows_of('SELECT FROM casnet_internal.protected'), 0::bigint, 'protected');
SELECT * FROM finish();
ROLLBACK;
