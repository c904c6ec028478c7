-- After a message about a table, a verdict stays if its own rows in that table are still
-- the same versions.  A change without an announcement shows which rows are looked up.
SET client_min_messages = warning;
ALTER TABLE casnet.users DISABLE TRIGGER casnet_announce_row;
ALTER TABLE casnet.user_tenant_permissions DISABLE TRIGGER casnet_announce_row;
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission)
VALUES ('00000000-0000-7000-8000-000000000003', '00000000-0000-7000-8000-0000000000a0', 'delete_tags');
SET casnet.user_id = '00000000-0000-7000-8000-000000000003';
SET casnet.tenant_id = '00000000-0000-7000-8000-0000000000a0';
SELECT casnet.can('edit_tags') AS "member", casnet.can('delete_tags') AS "in person";

-- Unannounced, and in other tables than that of the message.
UPDATE casnet.users SET is_active = false WHERE username = 'mia';
DELETE FROM casnet.user_tenant_permissions WHERE user_id = '00000000-0000-7000-8000-000000000003';
UPDATE casnet.user_tenants SET role = role WHERE user_id = '00000000-0000-7000-8000-000000000004';
SELECT casnet.can('edit_tags') AS "somebody else's membership", casnet.can('delete_tags') AS "in person";

-- A row of hers that was deleted, and one that is newer.
ALTER TABLE casnet.user_tenant_permissions ENABLE ALWAYS TRIGGER casnet_announce_row;
ALTER TABLE casnet.users ENABLE ALWAYS TRIGGER casnet_announce_row;
UPDATE casnet.users SET is_active = true WHERE username = 'mia';
SELECT casnet.can('edit_tags') AS "active", casnet.can('delete_tags') AS "in person";
ALTER TABLE casnet.user_tenant_permissions DISABLE TRIGGER casnet_announce_row;
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission)
VALUES ('00000000-0000-7000-8000-000000000003', '00000000-0000-7000-8000-0000000000a0', 'delete_tags');
SELECT casnet.can('delete_tags') AS "unannounced, after DDL";
DELETE FROM casnet.user_tenant_permissions WHERE user_id = '00000000-0000-7000-8000-000000000003';
SELECT casnet.can('delete_tags') AS "unannounced";
-- This also announces the deletion that nothing announced.
ALTER TABLE casnet.user_tenant_permissions ENABLE ALWAYS TRIGGER casnet_announce_row;
SELECT casnet.can('delete_tags') AS "DDL";

-- A membership that ends, begins and changes.
INSERT INTO casnet.user_tenants (user_id, tenant_id, role)
VALUES ('00000000-0000-7000-8000-000000000008', '00000000-0000-7000-8000-0000000000a0', 'viewer');
SET casnet.user_id = '00000000-0000-7000-8000-000000000008';
SELECT casnet.can('view_tags') AS "viewer", casnet.can('edit_tags') AS "no member";
UPDATE casnet.user_tenants SET role = 'member' WHERE user_id = '00000000-0000-7000-8000-000000000008';
SELECT casnet.can('view_tags') AS "viewer", casnet.can('edit_tags') AS "member";
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission)
VALUES ('00000000-0000-7000-8000-000000000008', '00000000-0000-7000-8000-0000000000a0', 'delete_tags');
SELECT casnet.can('edit_tags') AS "member", casnet.can('delete_tags') AS "in person";
DELETE FROM casnet.user_tenant_permissions WHERE user_id = '00000000-0000-7000-8000-000000000008';
SELECT casnet.can('edit_tags') AS "member", casnet.can('delete_tags') AS "in person";
-- One permission replaced by another, alone and beside one that stays.
BEGIN;
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission)
VALUES ('00000000-0000-7000-8000-000000000008', '00000000-0000-7000-8000-0000000000a0', 'delete_tags');
COMMIT;
SELECT casnet.can('delete_tags') AS "one", casnet.can('delete_tasks') AS "no";
BEGIN;
DELETE FROM casnet.user_tenant_permissions WHERE user_id = '00000000-0000-7000-8000-000000000008';
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission)
VALUES ('00000000-0000-7000-8000-000000000008', '00000000-0000-7000-8000-0000000000a0', 'delete_tasks');
COMMIT;
SELECT casnet.can('delete_tags') AS "no", casnet.can('delete_tasks') AS "another";
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission)
VALUES ('00000000-0000-7000-8000-000000000008', '00000000-0000-7000-8000-0000000000a0', 'delete_records');
SELECT casnet.can('delete_records') AS "two";
BEGIN;
DELETE FROM casnet.user_tenant_permissions
 WHERE user_id = '00000000-0000-7000-8000-000000000008' AND permission = 'delete_records';
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission)
VALUES ('00000000-0000-7000-8000-000000000008', '00000000-0000-7000-8000-0000000000a0', 'delete_persons');
COMMIT;
SELECT casnet.can('delete_records') AS "no", casnet.can('delete_persons') AS "another",
	   casnet.can('delete_tasks') AS "stays";
-- Her account, and somebody else's membership, at once.
BEGIN;
UPDATE casnet.users SET is_active = false WHERE username = 'nora';
UPDATE casnet.user_tenants SET role = role WHERE user_id = '00000000-0000-7000-8000-000000000004';
COMMIT;
SELECT casnet.can('edit_tags') AS "not active";
UPDATE casnet.users SET is_active = true WHERE username = 'nora';
SELECT casnet.can('edit_tags') AS "active";
BEGIN;
DELETE FROM casnet.users WHERE username = 'nora';
SELECT casnet.can('edit_tags') AS "deleted";
ROLLBACK;
SELECT casnet.can('edit_tags') AS "not deleted";
DELETE FROM casnet.user_tenants WHERE user_id = '00000000-0000-7000-8000-000000000008';
SELECT casnet.can('view_tags') AS "gone";
-- A rollback restores the version that was seen before.
INSERT INTO casnet.user_tenants (user_id, tenant_id, role)
VALUES ('00000000-0000-7000-8000-000000000008', '00000000-0000-7000-8000-0000000000a0', 'viewer');
SELECT casnet.can('edit_tags') AS "no member";
BEGIN;
UPDATE casnet.user_tenants SET role = 'member' WHERE user_id = '00000000-0000-7000-8000-000000000008';
SELECT casnet.can('edit_tags') AS "member";
ROLLBACK;
SELECT casnet.can('edit_tags') AS "no member";
BEGIN;
SAVEPOINT a;
DELETE FROM casnet.user_tenants WHERE user_id = '00000000-0000-7000-8000-000000000008';
SELECT casnet.can('view_tags') AS "gone";
ROLLBACK TO a;
SELECT casnet.can('view_tags') AS "viewer";
COMMIT;
DELETE FROM casnet.user_tenants WHERE user_id = '00000000-0000-7000-8000-000000000008';
RESET casnet.user_id;
RESET casnet.tenant_id;
