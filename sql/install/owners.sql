-- Nothing that users may call runs as a superuser.  The function of the event trigger does,
-- since it protects tables for whoever makes them.  This precedes all grants: pg_dump takes
-- what the script grants afterwards for the extension's own.
DO $$
DECLARE
	definer record;
BEGIN
	FOR definer IN
		SELECT p.oid::regprocedure AS name
		  FROM pg_catalog.pg_extension AS e
		  JOIN pg_catalog.pg_depend AS d
			ON d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.refobjid = e.oid
			   AND d.classid = 'pg_catalog.pg_proc'::regclass AND d.deptype = 'e'
		  JOIN pg_catalog.pg_proc AS p ON p.oid = d.objid
		 WHERE e.extname = 'casnet' AND p.prosecdef
		   AND p.prorettype <> 'event_trigger'::regtype
	LOOP
		EXECUTE pg_catalog.format('ALTER FUNCTION %s OWNER TO casnet_owner',
								  definer.name);
	END LOOP;
END
$$;
