-- A malformed setting is refused with 22023 and the old value stays.
SET SESSION AUTHORIZATION regress_backend;
CALL be('mia', 'North');
SELECT casnet.current_tenant_id();

SET casnet.tenant_id = 'North';
\echo :LAST_ERROR_SQLSTATE
SET casnet.user_id = '00000000-0000-7000-8000-00000000000';
\echo :LAST_ERROR_SQLSTATE
SET casnet.user_id = '00000000-0000-7000-8000-0000000000011';
SET casnet.user_id = '{00000000-0000-7000-8000-000000000001';
SET casnet.user_id = ' 00000000-0000-7000-8000-000000000001';
SET casnet.tenant_id = '''; DROP TABLE casnet.records; --';
SET casnet.tenant_id = 7;
DO $$ BEGIN PERFORM set_config('casnet.tenant_id', repeat('a', 100000), false);
EXCEPTION WHEN invalid_parameter_value THEN RAISE NOTICE 'refused'; END $$;
SELECT username, tenant_name, role FROM casnet.whoami();

-- Forms that the type uuid accepts.
SET casnet.tenant_id = '{000000000000700080000000000000B0}';
SELECT username, tenant_name, role FROM casnet.whoami();
SET casnet.tenant_id = '0000-0000-0000-7000-8000-0000-0000-00A0';
SELECT username, tenant_name, role FROM casnet.whoami();

-- The empty string means unset.
SET casnet.tenant_id = '';
SELECT casnet.current_tenant_id() IS NULL AS unset;
SET casnet.user_id TO DEFAULT;
SELECT casnet.current_user_id() IS NULL AS unset;

-- No other setting begins with casnet.
SET casnet.username = 'olga';
\echo :LAST_ERROR_SQLSTATE
SELECT set_config('casnet.is_superuser', 'on', false);
\echo :LAST_ERROR_SQLSTATE
SHOW casnet.tenant;
SELECT name, context, vartype FROM pg_settings WHERE name LIKE 'casnet.%' ORDER BY name;
