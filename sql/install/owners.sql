-- Nothing that users may call runs as a superuser.  The event trigger does, since it
-- protects tables of whoever makes them.  Before all privileges: what is granted later
-- is part of the extension to pg_dump.
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
