-- Without assign_roles a user who can add members adds none above "member", in whatever
-- way.  A tenant that has no owner needs none.
BEGIN;
SELECT plan(13);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.role_permissions WHERE permission = 'assign_roles';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('adam', 'North');
SELECT alike(error_of($$SELECT casnet.add_member('nora', 'admin')$$), '42501 | nobody can grant%| To add somebody%', 'no admin by an admin without assign_roles');
SELECT alike(error_of(format('INSERT INTO casnet.user_tenants (user_id, role) VALUES (%L, ''admin'')', :'nora')), '42501 | nobody can grant%| To add somebody%', 'not by INSERT');
SELECT alike(error_of($$SELECT casnet.invite_member('x@x.test', 'admin')$$), '42501 | nobody can grant%| To add somebody%', 'nor by invitation');
SELECT is(error_of($$SELECT casnet.add_member('nora', 'member')$$), 'none', 'but a member');
SELECT is(error_of($$SELECT casnet.invite_member('x@x.test', 'member')$$), 'none', 'also by invitation');
-- Nobody gives a role whose permissions they do not hold.
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.role_permissions VALUES ('admin', 'assign_roles'), ('member', 'fly');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT alike(error_of($$SELECT casnet.add_member('nora', 'member')$$), '42501 | nobody can grant%"fly"%', 'a role may hold what the admin does not');
SELECT alike(error_of($$SELECT casnet.set_member_role('vic', 'member')$$), '42501 | nobody can grant%"fly"%', 'nor give it to one who is there');
SELECT is(error_of($$SELECT casnet.add_member('nora', 'admin')$$), 'none', 'an admin with assign_roles makes one');
-- A superuser of the application is not bound, nor is an administrator.
CALL be('sue', 'North');
SELECT is(error_of($$SELECT casnet.add_member('nora', 'owner')$$), 'none', 'a superuser makes an owner');
CALL be(NULL);
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT lives_ok($$SELECT set_config('casnet.tenant_id', casnet.create_tenant('East')::text, true)$$, 'a tenant without an owner');
SELECT lives_ok($$SELECT casnet.add_member('nora', 'viewer'); SELECT casnet.set_member_role('nora', 'member'); SELECT casnet.remove_member('nora')$$, 'members come and go there');
SELECT lives_ok($$SELECT casnet.add_member('nora', 'owner')$$, 'until it has one');
SELECT alike(error_of($$SELECT casnet.remove_member('nora')$$), '23514 | cannot remove the last owner of a tenant%', 'who stays');
SELECT * FROM finish();
ROLLBACK;
