-- Hashes that an older version left in users go where nobody reads them; the
-- trigger does it.  SECURITY DEFINER, so that casnet.bypass does not mind.
CREATE OR REPLACE FUNCTION casnet_internal.bring_over_passwords() RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	UPDATE casnet.users AS u SET hashed_password = u.hashed_password
	 WHERE u.hashed_password !~ '^[$]casnet[$]';
	IF FOUND THEN
		-- Nor do they stay in the statistics of the column.
		ANALYZE casnet.users (hashed_password);
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.bring_over_passwords() IS
	'internal: takes the hashes that an older version left in users';
