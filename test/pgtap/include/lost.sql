-- After fixtures.sql, for tests in which somebody loses a membership while a statement or
-- cursor runs: lost() removes it, whoever calls.
RESET SESSION AUTHORIZATION;
CREATE FUNCTION public.lost(person uuid, tenant uuid) RETURNS void LANGUAGE sql SECURITY DEFINER AS
	'DELETE FROM casnet.user_tenants WHERE user_id = person AND tenant_id = tenant';
ALTER FUNCTION public.lost(uuid, uuid) OWNER TO tap_operator;
SET LOCAL SESSION AUTHORIZATION tap_app;
