-- Every object in both schemas has a comment; these lists are empty.
\set QUIET on
SELECT p.oid::regprocedure AS function FROM pg_proc AS p
 WHERE pronamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND obj_description(p.oid, 'pg_proc') IS NULL ORDER BY 1;
SELECT c.relname AS "table or index" FROM pg_class AS c
 WHERE relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND obj_description(c.oid, 'pg_class') IS NULL
   -- the index of a constraint is the constraint's
   AND NOT EXISTS (SELECT FROM pg_constraint AS o WHERE o.conindid = c.oid AND o.contype IN ('p', 'u')) ORDER BY 1;
SELECT c.relname, a.attname AS "column" FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
 WHERE relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND c.relkind = 'r' AND attnum > 0 AND NOT attisdropped
   AND col_description(c.oid, attnum) IS NULL ORDER BY 1, 2;
SELECT c.relname, t.tgname AS "trigger" FROM pg_class AS c JOIN pg_trigger AS t ON t.tgrelid = c.oid
 WHERE relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND NOT tgisinternal AND obj_description(t.oid, 'pg_trigger') IS NULL ORDER BY 1, 2;
SELECT c.relname, p.polname AS policy FROM pg_class AS c JOIN pg_policy AS p ON p.polrelid = c.oid
 WHERE relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND obj_description(p.oid, 'pg_policy') IS NULL ORDER BY 1, 2;
SELECT rolname AS role FROM pg_roles
 WHERE rolname IN ('casnet_user', 'casnet_authenticator', 'casnet_admin') AND shobj_description(oid, 'pg_authid') IS NULL ORDER BY 1;
SELECT obj_description('casnet_internal'::regnamespace, 'pg_namespace') AS internal;
SELECT obj_description('casnet'::regnamespace, 'pg_namespace') = 'casnet: multi-tenant case management (schema version '
	|| (SELECT extversion FROM pg_extension WHERE extname = 'casnet') || ')' AS schema_has_its_version,
	casnet.schema_version() = (SELECT extversion FROM pg_extension WHERE extname = 'casnet') AS and_tells_it;
