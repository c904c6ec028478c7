
-- Machinery and internal tables.  The schema is no member of the extension, since it
-- holds people's tables: a dump has it, and it outlives DROP EXTENSION.
DO $$
BEGIN
	IF pg_catalog.to_regnamespace('casnet_internal') IS NULL THEN
		CREATE SCHEMA casnet_internal;
		ALTER EXTENSION casnet DROP SCHEMA casnet_internal;
		COMMENT ON SCHEMA casnet_internal IS
			'casnet: machinery, and tables that only its functions read';
	END IF;
END
$$;

-- Until the end of the transaction nobody can drop or rename the schemas, give them away or
-- grant on them, since this writes their rows in the catalog.  It takes nothing from PUBLIC,
-- which has no grant options.  So what is checked next stays true.
REVOKE GRANT OPTION FOR USAGE ON SCHEMA casnet, casnet_internal FROM PUBLIC;
