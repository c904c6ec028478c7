
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

-- Until the end of the transaction nobody drops or renames them, gives them away or
-- grants on them: it takes nothing from PUBLIC, which has no grant options, but writes
-- their rows.  What is looked at next stays as it is seen.
REVOKE GRANT OPTION FOR USAGE ON SCHEMA casnet, casnet_internal FROM PUBLIC;
