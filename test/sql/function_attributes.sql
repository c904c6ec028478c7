-- What each function declares to the server: s, i, v is volatility, then parallel safety,
-- STRICT, LEAKPROOF, SECURITY DEFINER, its settings, and who can call it.
\set QUIET on
\pset format unaligned
SELECT p.oid::regprocedure AS function, l.lanname AS language,
	   concat_ws(' ', p.provolatile::text, 'parallel ' || p.proparallel::text,
				 CASE WHEN p.proisstrict THEN 'strict' END,
				 CASE WHEN p.proleakproof THEN 'leakproof' END,
				 CASE WHEN p.prosecdef THEN 'definer' END) AS attributes,
	   array_to_string(p.proconfig, '; ') AS settings,
	   (SELECT string_agg(coalesce(g.rolname, 'PUBLIC'), ' ' ORDER BY g.rolname COLLATE "C")
		  FROM aclexplode(p.proacl) AS a LEFT JOIN pg_roles AS g ON g.oid = a.grantee
		 WHERE a.grantee <> p.proowner) AS callers
  FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
 WHERE p.pronamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace)
 ORDER BY p.oid::regprocedure::text COLLATE "C";

\echo a leakproof function of ours in C only, and no function that writes for a definer without a pinned path
SELECT p.oid::regprocedure FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
 WHERE p.pronamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace)
   AND (p.proleakproof AND l.lanname <> 'c'
		OR l.lanname <> 'c' AND p.proconfig IS NULL AND p.prosecdef);

\echo the owner of a table is exempt from none of the policies, and the views of loading have their options
SELECT relname, reloptions FROM pg_class
 WHERE relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND relkind = 'v' ORDER BY relname COLLATE "C";

\echo PUBLIC, and roles besides the three, have nothing; the schemas are for the use of two
SELECT nspname, a.privilege_type, coalesce(g.rolname, 'PUBLIC') AS grantee
  FROM pg_namespace AS n, aclexplode(n.nspacl) AS a LEFT JOIN pg_roles AS g ON g.oid = a.grantee
 WHERE n.nspname IN ('casnet', 'casnet_internal') AND a.grantee <> n.nspowner ORDER BY 1, 3, 2;
SELECT p.oid::regprocedure, coalesce(g.rolname, 'PUBLIC') AS grantee
  FROM pg_proc AS p, aclexplode(p.proacl) AS a LEFT JOIN pg_roles AS g ON g.oid = a.grantee
 WHERE p.pronamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND a.grantee <> p.proowner
   AND coalesce(g.rolname, 'PUBLIC') NOT IN ('casnet_user', 'casnet_admin')
 ORDER BY p.oid::regprocedure::text COLLATE "C";
