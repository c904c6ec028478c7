-- Members of many tenants change in one transaction without filling the server's lock
-- table.  A deactivation among many invitations reads only those to one address.
BEGIN;
SELECT plan(4);
\ir include/fixtures.sql

RESET SESSION AUTHORIZATION;
UPDATE casnet.users SET is_superuser = true WHERE id = :'olga';
INSERT INTO casnet.tenants (name) SELECT 'Tenant ' || n FROM generate_series(1, 300) AS n;
INSERT INTO casnet_internal.invitations (digest, tenant_id, email, role, invited_by, expires_at)
SELECT sha256(n::text::bytea), :'north', n || '@many.test', 'viewer', :'olga', now() + interval '1 day' FROM generate_series(1, 3000) AS n;
ANALYZE casnet_internal.invitations;

SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
DO $$
DECLARE
	name text;
BEGIN
	FOR name IN SELECT 'Tenant ' || n FROM generate_series(1, 300) AS n LOOP
		PERFORM casnet.use_tenant(name);
		PERFORM casnet.add_member('nora');
		PERFORM casnet.set_member_role('nora', 'admin');
	END LOOP;
END
$$;
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM casnet.user_tenants AS m JOIN casnet.tenants AS t ON t.id = m.tenant_id WHERE t.name LIKE 'Tenant %' AND m.user_id = :'nora'), 300::bigint, 'members are added in 300 tenants');
SELECT cmp_ok((SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'), '<', 100::bigint, 'with few locks');

SELECT pg_stat_get_xact_tuples_returned('casnet_internal.invitations'::regclass) AS before \gset
UPDATE casnet.users SET is_active = false WHERE id = :'nora';
SELECT cmp_ok(pg_stat_get_xact_tuples_returned('casnet_internal.invitations'::regclass) - :before, '<', 100::bigint, 'a deactivation reads few invitations');
UPDATE casnet.users SET email = '77@MANY.test' WHERE id = :'nora';
UPDATE casnet.users SET is_active = true WHERE id = :'nora';
UPDATE casnet.users SET is_active = false WHERE id = :'nora';
SELECT is((SELECT count(*) FROM casnet_internal.invitations WHERE email LIKE '77@%'), 0::bigint, 'those to its address, whatever its case');
SELECT * FROM finish();
ROLLBACK;
