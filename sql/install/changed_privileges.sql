
-- Privileges on functions that somebody has changed stay changed, and do not count as the
-- extension's own.
CREATE OR REPLACE FUNCTION casnet.grant_unrecorded(statement text) RETURNS void
	LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'casnet_grant_unrecorded';
DO $$
DECLARE
	change record;
BEGIN
	FOR change IN
		SELECT c.statement
		  FROM pg_catalog.jsonb_to_recordset(
				pg_catalog.current_setting('casnet_update.privileges')::jsonb)
			AS c (function text, statement text)
		 WHERE pg_catalog.to_regprocedure(c.function) IS NOT NULL
	LOOP
		PERFORM casnet.grant_unrecorded(change.statement);
	END LOOP;
	PERFORM pg_catalog.set_config('casnet_update.privileges', '', true);
END
$$;
DROP FUNCTION casnet.grant_unrecorded(text);
