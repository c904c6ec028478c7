-- delete_tenant() counts the rows of the tenant, and not those that refer to a user who
-- happens to have the same id.
BEGIN;
SELECT plan(2);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SAVEPOINT a;
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT casnet.delete_tenant(:'north') AS rows \gset
ROLLBACK TO a;
INSERT INTO casnet.users (id, username, email) VALUES (:'north', 'north', 'north@south.test');
INSERT INTO casnet.user_tenants (user_id, tenant_id, role) VALUES (:'north', :'south', 'viewer');
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is(casnet.delete_tenant(:'north'), :'rows'::bigint, 'as many as without');
SELECT is((SELECT count(*) FROM casnet.user_tenants WHERE user_id = :'north'), 1::bigint, 'the user stays a member elsewhere');
SELECT * FROM finish();
ROLLBACK;
