-- A member whose account is inactive keeps the role.  Only a user who holds everything that
-- the role gives can grant or revoke the member's permissions, or change or remove the
-- member.
BEGIN;
SELECT plan(16);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
UPDATE casnet.user_tenants SET role = 'owner' WHERE user_id = :'ines';
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES
	(:'ines', :'north', 'view_analytics'), (:'vic', :'north', 'view_analytics');
SET LOCAL SESSION AUTHORIZATION tap_app;

CREATE TEMP TABLE changes AS SELECT * FROM unnest(ARRAY[
	'SELECT casnet.grant_permission(''ines'', ''view_tags'')', 'SELECT casnet.revoke_permission(''ines'', ''view_analytics'')',
	format('INSERT INTO casnet.user_tenant_permissions (user_id, permission) VALUES (%L, ''view_tags'')', :'ines'),
	format('UPDATE casnet.user_tenant_permissions SET permission = ''view_tags'' WHERE user_id = %L', :'ines'),
	format('UPDATE casnet.user_tenant_permissions SET user_id = %L, permission = ''view_tags'' WHERE user_id = %L', :'ines', :'vic'),
	format('DELETE FROM casnet.user_tenant_permissions WHERE user_id = %L', :'ines'),
	'SELECT casnet.set_member_role(''ines'', ''member'')', 'SELECT casnet.remove_member(''ines'')']) AS change;
GRANT SELECT ON changes TO PUBLIC;
CALL be('adam', 'North');
SELECT alike(error_of(change), '42501 | nobody can grant or take away more than they hold themselves | %', change) FROM changes;
RESET SESSION AUTHORIZATION;
UPDATE casnet.user_tenants SET role = 'member' WHERE user_id = :'ines';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('adam', 'North');
SELECT is(error_of(change), 'none', change || ' of a member below') FROM changes;
SELECT * FROM finish();
ROLLBACK;
