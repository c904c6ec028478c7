-- If somebody grants all privileges on all tables by mistake, the policies still hold.
BEGIN;
SELECT plan(45);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
INSERT INTO casnet_internal.revoked_tokens (digest, user_id, expires_at) VALUES ('\x01', :'olga', now());
INSERT INTO casnet_internal.token_cutoffs (user_id, issued_before) VALUES (:'mia', 0);
INSERT INTO casnet_internal.guarded_schemas (schema, action) VALUES ('public', 'refuse');
INSERT INTO casnet_internal.declared (relation, kind, owner, shape, before) VALUES ('public.who', 'exempt', 'x', 'x', '{}');
INSERT INTO casnet_internal.codes (digest, user_id, purpose, email, account, expires_at) VALUES ('\x01', :'olga', 'password', 'x', '', now());
INSERT INTO casnet_internal.invitations (digest, tenant_id, email, role, invited_by, expires_at) VALUES ('\x01', :'north', 'x', 'owner', :'olga', now());
GRANT ALL ON ALL TABLES IN SCHEMA casnet, casnet_internal TO tap_app;
INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (:'nora', :'north', 'owner');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT is(split_part(error_of(statement), ' | ', 2), format('new row violates row-level security policy for table "%s"', name), 'no new row in ' || name)
  FROM (VALUES ('users', $$INSERT INTO casnet.users (username, email) VALUES ('x', 'x')$$),
		('tenants', $$INSERT INTO casnet.tenants (name) VALUES ('x')$$),
		('role_permissions', $$INSERT INTO casnet.role_permissions VALUES ('viewer', 'delete_tenant')$$),
		('signing_keys', $$INSERT INTO casnet_internal.signing_keys (kid, algorithm, key) VALUES ('x', 'HS256', '\x00')$$),
		('revoked_tokens', $$INSERT INTO casnet_internal.revoked_tokens (digest, user_id, expires_at) VALUES ('\x00', '00000000-0000-7000-8000-000000000001', now())$$),
		('token_cutoffs', $$INSERT INTO casnet_internal.token_cutoffs (user_id, issued_before) VALUES ('00000000-0000-7000-8000-000000000001', 0)$$),
		('codes', $$INSERT INTO casnet_internal.codes (digest, user_id, purpose, email, account, expires_at) VALUES ('\x00', '00000000-0000-7000-8000-000000000001', 'password', 'x', '', now())$$),
		('invitations', $$INSERT INTO casnet_internal.invitations (digest, tenant_id, email, role, invited_by, expires_at) VALUES ('\x00', '00000000-0000-7000-8000-0000000000a0', 'x', 'owner', '00000000-0000-7000-8000-000000000001', now())$$),
		('declared', $$INSERT INTO casnet_internal.declared (relation, kind, owner, shape, before) VALUES ('public.who', 'exempt', 'x', 'x', '{}')$$),
		('guarded_schemas', $$INSERT INTO casnet_internal.guarded_schemas (schema, action) VALUES ('public', 'refuse')$$)) AS v (name, statement);
SELECT is(rows_of(format('UPDATE %s SET created_at = now()', name)), n, name || ' changes ' || n)
  FROM (VALUES ('casnet.users', 1::bigint), ('casnet.role_permissions', 0), ('casnet_internal.signing_keys', 0), ('casnet_internal.revoked_tokens', 0), ('casnet_internal.token_cutoffs', 0), ('casnet_internal.invitations', 0), ('casnet_internal.codes', 0), ('casnet_internal.guarded_schemas', 0), ('casnet_internal.declared', 0)) AS v (name, n);
SELECT is(rows_of(format('DELETE FROM %s', name)), 0::bigint, name || ' loses none')
  FROM unnest(ARRAY['casnet.users', 'casnet.role_permissions', 'casnet_internal.signing_keys', 'casnet_internal.revoked_tokens', 'casnet_internal.token_cutoffs', 'casnet_internal.invitations', 'casnet_internal.codes', 'casnet_internal.guarded_schemas', 'casnet_internal.declared', 'casnet_internal.protected']) AS name;
SELECT is(rows_of(format('SELECT FROM %s', name)), 0::bigint, name || ' shows none')
  FROM unnest(ARRAY['casnet_internal.signing_keys', 'casnet_internal.revoked_tokens', 'casnet_internal.token_cutoffs', 'casnet_internal.invitations', 'casnet_internal.codes', 'casnet_internal.guarded_schemas', 'casnet_internal.declared', 'casnet_internal.protected', 'casnet_internal.audit_entries', 'casnet_internal.audit_entries_default']) AS name;
SELECT is(rows_of('SELECT FROM casnet.users'), 6::bigint, 'the members of the tenant');
SELECT is(rows_of('SELECT FROM casnet.tenants'), 1::bigint, 'the tenant');
-- If a statement reads no column, no policy for SELECT judges the new row.
SELECT is(split_part(error_of(statement), ' | ', 2), format('new row violates row-level security policy for table "%s"', name), name || ' keep their id')
  FROM (VALUES ('users', $$UPDATE casnet.users SET id = '00000000-0000-7000-8000-0000000000c0'$$),
		('tenants', $$UPDATE casnet.tenants SET id = '00000000-0000-7000-8000-0000000000c0'$$)) AS v (name, statement);
CALL be('nora');
SELECT is(rows_of('SELECT FROM casnet.users'), 1::bigint, 'without a tenant only oneself');
CALL be(NULL);
SELECT throws_ok('SELECT FROM casnet.role_permissions', '28000', NULL, 'nobody reads what the roles mean');
SELECT * FROM finish();
ROLLBACK;
