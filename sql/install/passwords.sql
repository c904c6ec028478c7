-- Moves hashes that an older version left in users to where nobody reads them: the UPDATE
-- fires the trigger that does it.  SECURITY DEFINER, so that casnet.bypass lets it pass.
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
	'internal: moves the password hashes that an older version left in users';
