-- What each role may do with tables and functions before a policy is asked.
\set QUIET on
\pset format unaligned
CREATE TEMP VIEW granted AS
SELECT c.relname, coalesce(g.rolname, 'PUBLIC') AS grantee, string_agg(a.privilege_type, ' ' ORDER BY a.privilege_type COLLATE "C") AS privileges
  FROM pg_class AS c, aclexplode(c.relacl) AS a LEFT JOIN pg_roles AS g ON g.oid = a.grantee
 WHERE c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND a.grantee <> c.relowner
 GROUP BY c.relname, g.rolname;
SELECT * FROM granted ORDER BY relname COLLATE "C", grantee COLLATE "C";

SELECT t.attrelid::regclass, coalesce(g.rolname, 'PUBLIC') AS grantee, a.privilege_type,
	   string_agg(t.attname, ' ' ORDER BY t.attnum) AS columns
  FROM pg_attribute AS t, aclexplode(t.attacl) AS a LEFT JOIN pg_roles AS g ON g.oid = a.grantee
 WHERE t.attrelid::regclass::text ~ '^casnet(_internal)?[.]'
 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

\echo nobody truncates, references or attaches triggers; nobody reads a hash; PUBLIC has nothing
SELECT relname, r.rolname, p FROM pg_class AS c,
	(VALUES ('casnet_user'), ('casnet_authenticator'), ('casnet_admin'), ('regress_nobody')) AS r (rolname),
	(VALUES ('TRUNCATE'), ('REFERENCES'), ('TRIGGER')) AS v (p)
 WHERE c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND c.relkind = 'r' AND has_table_privilege(r.rolname, c.oid, p);
SELECT r.rolname FROM (VALUES ('casnet_user'), ('casnet_authenticator'), ('casnet_admin'), ('regress_nobody')) AS r (rolname)
 WHERE has_any_column_privilege(r.rolname, 'casnet_internal.password_hashes', 'SELECT');
SELECT oid::regprocedure FROM pg_proc
 WHERE pronamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND has_function_privilege('regress_nobody', oid, 'EXECUTE')
 ORDER BY oid::regprocedure::text COLLATE "C";
SELECT has_schema_privilege('regress_nobody', 'casnet', 'USAGE') OR has_schema_privilege('regress_nobody', 'casnet_internal', 'USAGE') AS usage_for_public;

\echo what applications may call, and what runs with other privileges than theirs
SELECT p.oid::regprocedure AS function, CASE WHEN prosecdef THEN 'definer' ELSE '' END AS security,
	   CASE WHEN has_function_privilege('casnet_admin', p.oid, 'EXECUTE') THEN 'admin' ELSE '' END AS admin
  FROM pg_proc AS p WHERE pronamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND has_function_privilege('casnet_user', p.oid, 'EXECUTE')
 ORDER BY p.oid::regprocedure::text COLLATE "C";
\echo a function with the privileges of its owner pins its search_path
SELECT p.oid::regprocedure FROM pg_proc AS p
 WHERE pronamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND prosecdef AND NOT coalesce(proconfig::text LIKE '%search_path=pg_catalog, pg_temp%', false);

\echo the roles
SELECT rolname, rolcanlogin, rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname LIKE 'casnet\_%' AND rolname IN ('casnet_user', 'casnet_authenticator', 'casnet_admin') ORDER BY 1;
