-- In a restore the tables come from the dump, and on a Citus worker from the
-- coordinator.  Every script of pg_dump sets row_security and xmloption.  It
-- sets row_security to off unless --enable-row-security was given.  Citus does not bring
-- the text search configuration, and records cannot be made without it.
DO $$
BEGIN
	IF pg_catalog.current_setting('row_security') = 'off'
	   OR (SELECT pg_catalog.count(*) FROM pg_catalog.pg_settings AS s
			WHERE s.name IN ('row_security', 'xmloption')
			  AND s.source = 'session') = 2 THEN
		RETURN;
	END IF;
	IF pg_catalog.current_setting('application_name') LIKE 'citus\_internal%' THEN
		PERFORM casnet_internal.install_search_configuration();
		ALTER EXTENSION casnet DROP TEXT SEARCH CONFIGURATION casnet.search;
		RETURN;
	END IF;
	PERFORM casnet.install();
END
$$;
