-- verifies(): whether the password logs in with the hash, as nora.  Failures are not counted.
CREATE FUNCTION pg_temp.verifies(password text, hash text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	UPDATE casnet.users SET hashed_password = hash WHERE username = 'nora';
	PERFORM casnet.login('nora', password);
	RETURN true;
EXCEPTION WHEN invalid_password THEN
	PERFORM casnet_internal.login_succeeded('nora');
	RETURN false;
END
$$;
