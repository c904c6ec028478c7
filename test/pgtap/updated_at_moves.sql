-- updated_at moves with each update of each table.
BEGIN;
SELECT plan(18);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES (:'vic', :'north', 'view_users');
INSERT INTO casnet_internal.revoked_tokens (digest, user_id, expires_at) VALUES ('\x01', :'olga', now());
INSERT INTO casnet_internal.token_cutoffs (user_id, issued_before) VALUES (:'mia', 0);
INSERT INTO casnet_internal.guarded_schemas (schema, action) VALUES ('public', 'refuse');
INSERT INTO casnet_internal.protected (relation, resource, before) VALUES ('public.who', 'who', '{}');
INSERT INTO casnet_internal.invitations (digest, tenant_id, email, role, invited_by, expires_at) VALUES ('\x01', :'north', 'x', 'owner', :'olga', now());
CREATE FUNCTION pg_temp.moved(name text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	moved boolean;
BEGIN
	SET LOCAL session_replication_role = replica;
	EXECUTE format('UPDATE casnet.%I SET updated_at = ''2000-01-01''', name);
	SET LOCAL session_replication_role = origin;
	EXECUTE format('UPDATE casnet.%I SET created_at = created_at', name);
	EXECUTE format('SELECT bool_and(updated_at > ''2000-01-01'') FROM casnet.%I', name) INTO moved;
	RETURN moved;
END
$$;
SELECT ok(pg_temp.moved(name), name)
  FROM unnest(ARRAY['users', 'tenants', 'user_tenants', 'user_tenant_permissions', 'role_permissions', 'persons', 'records', 'tags', 'record_tags', 'tasks',
	'calendar_events', 'signing_keys', 'revoked_tokens', 'token_cutoffs', 'password_hashes', 'invitations', 'protected', 'guarded_schemas']) AS name;
SELECT * FROM finish();
ROLLBACK;
