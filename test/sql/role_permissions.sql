-- The default permissions of the roles.
\set QUIET on
\pset format unaligned
SELECT permission,
	   string_agg(left(role, 1), '' ORDER BY array_position('{owner,admin,member,viewer}', role)) AS roles
  FROM casnet.role_permissions GROUP BY permission ORDER BY permission COLLATE "C";
SELECT role, count(*) FROM casnet.role_permissions GROUP BY role ORDER BY count(*) DESC;

-- A session reports the same ones.
SET SESSION AUTHORIZATION regress_backend;
CALL be('vic', 'North');
SELECT role, permissions FROM casnet.whoami();
CALL be('mia', 'South');
SELECT role, permissions FROM casnet.whoami();
CALL be('olga', 'North');
SELECT role, cardinality(permissions) FROM casnet.whoami();
SELECT tenant_name, role, cardinality(permissions) FROM casnet.whoami();
CALL be('sue', 'South');
SELECT tenant_name, role, cardinality(permissions) FROM casnet.whoami();
CALL be('mia', 'South');
SELECT name, role, is_active FROM casnet.my_tenants() ORDER BY name;
SELECT count(*) FROM casnet.role_permissions;
