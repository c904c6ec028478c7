-- casnet.doctor() on a permission that a role gives and owner does not: a typing error, or a
-- role that no owner can give.
BEGIN;
SELECT plan(8);
\ir include/fixtures.sql
\ir include/doctor.sql
SELECT is(diagnosis('permission-unowned'), NULL, 'owners have all permissions');
SET LOCAL SESSION AUTHORIZATION tap_operator;
INSERT INTO casnet.role_permissions (role, permission) VALUES ('owner', 'approve'), ('admin', 'approve');
SELECT is(diagnosis('permission-unowned'), NULL, 'also a new one');
INSERT INTO casnet.role_permissions (role, permission) VALUES ('member', 'view_user'), ('viewer', 'view_user');
SELECT is(diagnosis('permission-unowned'), 'notice view_user', 'but not this one');
SELECT is((SELECT problem FROM casnet.doctor() WHERE code = 'permission-unowned'), 'Only administrators can give the role member, viewer or take it away, since owner does not give this permission.', 'which two roles give');
SELECT is((SELECT remedy FROM casnet.doctor() WHERE code = 'permission-unowned'),
	'-- give it to owners, too: INSERT INTO casnet.role_permissions (role, permission) VALUES (''owner'', ''view_user''); if it is a typing error: DELETE FROM casnet.role_permissions WHERE permission = ''view_user''', 'to be read');
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT is(state_of('SELECT casnet.add_member(''nora'', ''viewer'')'), '42501', 'it is as it says');
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_operator;
INSERT INTO casnet.role_permissions (role, permission) VALUES ('owner', 'view_user');
SELECT is(diagnosis('permission-unowned'), NULL, 'given to owners');
DELETE FROM casnet.role_permissions WHERE permission = 'view_user';
SELECT is(diagnosis('permission-unowned'), NULL, 'or deleted');
SELECT * FROM finish();
ROLLBACK;
