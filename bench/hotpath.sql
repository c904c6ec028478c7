-- The data of bench/hotpath.sh: 1,000 tenants with a member each.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION casnet;
CREATE ROLE hotpath LOGIN IN ROLE casnet_authenticator;
CREATE SCHEMA hotpath;
GRANT USAGE ON SCHEMA hotpath TO PUBLIC;
INSERT INTO casnet.users (id, username, email)
	SELECT ('00000000-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid, 'user' || n, n || '@example.org'
	  FROM generate_series(1, 1000) AS n;
INSERT INTO casnet.tenants (id, name)
	SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'tenant' || n
	  FROM generate_series(1, 1000) AS n;
INSERT INTO casnet.user_tenants (user_id, tenant_id, role)
	SELECT ('00000000-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid,
		   ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'member'
	  FROM generate_series(1, 1000) AS n;
-- as in a policy: an expression that is stored
CREATE VIEW hotpath.one AS SELECT casnet.tenant_with('view_records');
CREATE VIEW hotpath.many AS SELECT casnet.tenant_with('view_records') FROM generate_series(1, 1001);
GRANT SELECT ON hotpath.one, hotpath.many TO PUBLIC;
CREATE FUNCTION hotpath.lookup("user" uuid, tenant uuid) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
	found text;
BEGIN
	SELECT m.role INTO found FROM casnet.user_tenants AS m WHERE m.user_id = "user" AND m.tenant_id = tenant;
	RETURN found;
END $$;
VACUUM (FREEZE, ANALYZE);
