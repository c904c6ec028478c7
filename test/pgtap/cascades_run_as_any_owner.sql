-- If a plain role owns the tables, deleting an account or a tenant still deletes its
-- memberships and permissions.  Cascades run as that role, which has no identity and no
-- permission.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES (:'vic', :'north', 'delete_tenant'), (:'mia', :'south', 'delete_tenant');
CREATE ROLE tap_owner;
GRANT casnet_user TO tap_owner;
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
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is(error_of($$DELETE FROM casnet.users WHERE username = 'vic'$$), 'none', 'an administrator deletes an account');
SELECT is(rows_of($$DELETE FROM casnet.users WHERE username = 'vic'$$), 1::bigint, 'which is one');
SELECT is(rows_of($$DELETE FROM casnet.tenants WHERE name = 'South'$$), 1::bigint, 'and a tenant');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM casnet.user_tenants WHERE user_id = :'vic' OR tenant_id = :'south'), 0::bigint, 'with their memberships');
SELECT is((SELECT count(*) FROM casnet.user_tenant_permissions), 0::bigint, 'and permissions');
SELECT is((SELECT count(*) FROM casnet.user_tenants), 4::bigint, 'others stay');
SELECT * FROM finish();
ROLLBACK;
