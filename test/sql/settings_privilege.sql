-- Only superusers and casnet_authenticator set casnet.user_id; anybody clears
-- it with sign_out() and sets casnet.tenant_id.
\set QUIET on
SET casnet.user_id = '00000000-0000-7000-8000-000000000003';
SET SESSION AUTHORIZATION regress_user;
SELECT casnet.current_user_id();

SET casnet.user_id = '00000000-0000-7000-8000-000000000007';
\echo :LAST_ERROR_SQLSTATE
SET LOCAL casnet.user_id = '00000000-0000-7000-8000-000000000007';
SELECT set_config('casnet.user_id', '00000000-0000-7000-8000-000000000007', true);
\echo :LAST_ERROR_SQLSTATE
UPDATE pg_settings SET setting = '00000000-0000-7000-8000-000000000007' WHERE name = 'casnet.user_id';
CREATE FUNCTION pg_temp.f() RETURNS uuid LANGUAGE sql
	SET casnet.user_id = '00000000-0000-7000-8000-000000000007'
	AS 'SELECT casnet.current_user_id()';
\echo :LAST_ERROR_SQLSTATE
ALTER ROLE regress_user SET casnet.user_id = '00000000-0000-7000-8000-000000000007';
\echo :LAST_ERROR_SQLSTATE
SET ROLE casnet_authenticator;
RESET casnet.user_id;
SELECT casnet.current_user_id();

SET casnet.tenant_id = '00000000-0000-7000-8000-0000000000a0';
SELECT casnet.can('edit_records');
SELECT casnet.sign_out();
SELECT casnet.current_user_id() IS NULL AS nobody;
SELECT count(*) FROM casnet.records;

-- Before the library is loaded any value is accepted; it is judged later.
\c -
SET SESSION AUTHORIZATION regress_user;
SET casnet.user_id = '00000000-0000-7000-8000-000000000007';
SET casnet.tenant_id = '00000000-0000-7000-8000-0000000000a0';
SELECT count(*) FROM casnet.records;
SELECT casnet.current_user_id() IS NULL AS nobody;
SHOW casnet.user_id;
