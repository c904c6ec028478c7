-- updated_at moves with each update of each table.
BEGIN;
SELECT plan(21);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES (:'vic', :'north', 'view_users');
INSERT INTO casnet_internal.revoked_tokens (digest, user_id, expires_at) VALUES ('\x01', :'olga', now());
INSERT INTO casnet_internal.token_cutoffs (user_id, issued_before) VALUES (:'mia', 0);
INSERT INTO casnet_internal.guarded_schemas (schema, action) VALUES ('public', 'refuse');
INSERT INTO casnet_internal.declared (relation, kind, owner, shape, before) VALUES ('public.who', 'exempt', 'x', 'x', '{}');
INSERT INTO casnet_internal.protected (relation, resource, before) VALUES ('public.who', 'who', '{}');
INSERT INTO casnet_internal.codes (digest, user_id, purpose, email, account, expires_at) VALUES ('\x01', :'olga', 'password', 'x', '', now());
INSERT INTO casnet_internal.invitations (digest, tenant_id, email, role, invited_by, expires_at) VALUES ('\x01', :'north', 'x', 'owner', :'olga', now());
CREATE FUNCTION pg_temp.moved(name text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	moved boolean;
BEGIN
	SET LOCAL session_replication_role = replica;
	EXECUTE format('UPDATE %s SET updated_at = ''2000-01-01''', name);
	SET LOCAL session_replication_role = origin;
	EXECUTE format('UPDATE %s SET created_at = created_at', name);
	EXECUTE format('SELECT bool_and(updated_at > ''2000-01-01'') FROM %s', name) INTO moved;
	RETURN moved;
END
$$;
SELECT ok(pg_temp.moved(name), name)
  FROM unnest(ARRAY['casnet.users', 'casnet.tenants', 'casnet.user_tenants', 'casnet.user_tenant_permissions', 'casnet.role_permissions', 'casnet.persons', 'casnet.records', 'casnet.record_persons', 'casnet.tags', 'casnet.record_tags', 'casnet.tasks',
	'casnet.calendar_events', 'casnet_internal.signing_keys', 'casnet_internal.revoked_tokens', 'casnet_internal.token_cutoffs', 'casnet_internal.password_hashes', 'casnet_internal.invitations', 'casnet_internal.codes', 'casnet_internal.protected', 'casnet_internal.guarded_schemas', 'casnet_internal.declared']) AS name;
SELECT * FROM finish();
ROLLBACK;
