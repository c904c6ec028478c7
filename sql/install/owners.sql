-- Nothing that users may call runs as a superuser.  The event trigger does, since it
-- protects tables of whoever makes them.  Before all privileges: what is granted later
-- is part of the extension to pg_dump.
DO $$
DECLARE
	definer record;
BEGIN
	FOR definer IN
		SELECT p.oid::regprocedure AS name
		  FROM pg_catalog.pg_proc AS p
		 WHERE p.pronamespace IN ('casnet'::regnamespace,
								  'casnet_internal'::regnamespace)
		   AND p.prosecdef
		   AND p.prorettype <> 'event_trigger'::regtype
	LOOP
		EXECUTE pg_catalog.format('ALTER FUNCTION %s OWNER TO casnet_owner',
								  definer.name);
	END LOOP;
END
$$;
