-- After fixtures.sql: Mia is an admin of both tenants, so that a change of the
-- tenant on the way refuses her nothing by itself.
RESET SESSION AUTHORIZATION;
UPDATE casnet.user_tenants SET role = 'admin' WHERE user_id = :'mia';
-- The change that a statement makes on its way, and a value besides.
CREATE FUNCTION public.go(setting text, value text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('casnet.' || setting, value, false);
	RETURN true;
END
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
