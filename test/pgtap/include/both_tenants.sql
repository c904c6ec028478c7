-- After fixtures.sql: Mia is an admin of both tenants, so changing the tenant does not by
-- itself cause a refusal.
RESET SESSION AUTHORIZATION;
UPDATE casnet.user_tenants SET role = 'admin' WHERE user_id = :'mia';
-- The change that a statement makes on its way; returns a value.
CREATE FUNCTION public.go(setting text, value text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('casnet.' || setting, value, false);
	RETURN true;
END
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
