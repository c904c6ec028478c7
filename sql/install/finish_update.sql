
-- The tables follow.  On a Citus worker they come from the coordinator.
DO $$
BEGIN
	IF pg_catalog.current_setting('application_name') LIKE 'citus\_internal%' THEN
		RETURN;
	END IF;
	PERFORM casnet.install();
END
$$;
