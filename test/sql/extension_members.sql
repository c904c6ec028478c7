-- The tables belong to their users: they are not members of the extension.  It owns only
-- functions, and DROP EXTENSION fails while the tables use them.
\set QUIET on
\set SHOW_CONTEXT never
SELECT c.relname FROM pg_depend AS d JOIN pg_class AS c ON c.oid = d.objid AND d.classid = 'pg_class'::regclass
 WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
   AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'casnet');
SELECT d.classid::regclass, count(*) > 20 AS many FROM pg_depend AS d
 WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
   AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'casnet')
 GROUP BY 1 ORDER BY 1::text;

\echo no column has a type of the extension, no member depends on the row type of a table
SELECT a.attrelid::regclass, a.attname, a.atttypid::regtype FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
 WHERE a.attrelid::regclass::text ~ '^casnet(_internal)?[.]' AND a.attnum > 0 AND t.typnamespace <> 'pg_catalog'::regnamespace;
SELECT p.oid::regprocedure FROM pg_proc AS p
 WHERE p.pronamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace)
   AND EXISTS (SELECT FROM pg_class AS c WHERE c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace)
			   AND c.reltype = ANY (p.proargtypes::oid[] || p.prorettype || coalesce(p.proallargtypes, '{}')));

-- Refused; the server decides which object it names first.
DO $$
BEGIN
	DROP EXTENSION casnet;
EXCEPTION WHEN dependent_objects_still_exist THEN
	RAISE NOTICE '%', SQLERRM;
END
$$;

-- With CASCADE no row and no column is lost, and what remains refuses everyone.
BEGIN;
SET LOCAL client_min_messages = warning;
DROP EXTENSION casnet CASCADE;
SELECT count(*) FROM casnet.records;
SELECT count(*) FROM casnet_internal.signing_keys;
SELECT count(*) AS policies FROM pg_policies WHERE schemaname IN ('casnet', 'casnet_internal') AND policyname <> 'casnet_admin';
SET LOCAL SESSION AUTHORIZATION regress_user;
SELECT count(*) FROM casnet.records;
SELECT count(*) FROM casnet.users;
SELECT has_table_privilege('casnet_internal.signing_keys', 'SELECT') AS keys;
INSERT INTO casnet.records (tenant_id, title, id) VALUES ('00000000-0000-7000-8000-0000000000a0', 'x', '00000000-0000-7000-8000-0000000000a0');
ROLLBACK;
SELECT count(*) FROM casnet.records;
