-- A change of each deciding table is noticed at once.  That includes a change by
-- replication, which fires only the triggers that fire always.
BEGIN;
SELECT plan(18);
\ir include/fixtures.sql
\ir include/tokens.sql
RESET SESSION AUTHORIZATION;
SELECT token() AS mine \gset
SET LOCAL session_replication_role = replica;
CALL be('mia', 'North');
SAVEPOINT a;
SELECT ok(casnet.can('edit_tags'), 'a member edits');
UPDATE casnet.user_tenants SET role = 'viewer' WHERE user_id = :'mia';
SELECT ok(NOT casnet.can('edit_tags'), 'user_tenants');
ROLLBACK TO a;
SELECT ok(casnet.can('edit_tags'), 'rolled back');
DELETE FROM casnet.role_permissions WHERE permission = 'edit_tags';
SELECT ok(NOT casnet.can('edit_tags'), 'role_permissions');
ROLLBACK TO a;
SELECT ok(NOT casnet.can('delete_tags'), 'a member does not delete');
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES (:'mia', :'north', 'delete_tags');
SELECT ok(casnet.can('delete_tags'), 'user_tenant_permissions');
ROLLBACK TO a;
SELECT ok(casnet.can('edit_tags'), 'rolled back');
UPDATE casnet.users SET is_active = false WHERE id = :'mia';
SELECT ok(NOT casnet.can('edit_tags'), 'users');
ROLLBACK TO a;
CALL be('sue', 'North');
SELECT ok(casnet.can('edit_tags'), 'a superuser edits');
DELETE FROM casnet.tenants WHERE id = :'north';
SELECT ok(NOT casnet.can('edit_tags'), 'tenants');
ROLLBACK TO a;
-- Do not call a test function with an exception handler here: its rollback makes the
-- session look again.
SELECT set_config('casnet.token', :'mine', true);
SELECT is(casnet.current_user_id(), :'mia'::uuid, 'a token');
UPDATE casnet_internal.signing_keys SET retired_at = now() WHERE kid = 'tap';
SELECT is(casnet.current_user_id(), NULL, 'signing_keys');
ROLLBACK TO a;
SELECT set_config('casnet.token', :'mine', true);
SELECT is(casnet.current_user_id(), :'mia'::uuid, 'rolled back');
INSERT INTO casnet_internal.revoked_tokens (digest, user_id, expires_at) SELECT sha256(convert_to(substring(:'mine' FROM '^[^.]*[.][^.]*'), 'UTF8')), :'mia', now();
SELECT is(casnet.current_user_id(), NULL, 'revoked_tokens');
ROLLBACK TO a;
SELECT set_config('casnet.token', :'mine', true);
SELECT is(casnet.current_user_id(), :'mia'::uuid, 'rolled back');
INSERT INTO casnet_internal.token_cutoffs (user_id, issued_before) VALUES (:'mia', 0);
SELECT is(casnet.current_user_id(), NULL, 'token_cutoffs');
ROLLBACK TO a;
-- Nor does replication lift the protection of the audit.
SELECT throws_ok('TRUNCATE casnet_internal.audit_entries', '42501', NULL, 'entries stay');
SELECT throws_ok('TRUNCATE casnet_internal.audit_entries_default', '42501', NULL, 'those of no month as well');
SELECT * FROM finish();
ROLLBACK;
