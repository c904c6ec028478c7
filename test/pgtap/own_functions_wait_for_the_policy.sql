-- casnet's functions count as leakproof, although they raise errors.  In a condition that
-- hides its column they are not called on rows of other tenants.
BEGIN;
SELECT plan(4);
\ir include/fixtures.sql
SET LOCAL enable_indexscan = off;
SET LOCAL enable_indexonlyscan = off;
SET LOCAL enable_bitmapscan = off;
CALL be('vic', 'North');
SELECT is(error_of($$SELECT FROM casnet.records WHERE CASE WHEN title = 'South record 1' THEN casnet.tenant_with('manage_tenant') IS NULL END$$), 'none', 'tenant_with() and a row of another tenant');
SELECT throws_ok($$SELECT FROM casnet.records WHERE CASE WHEN title = 'North record 1' THEN casnet.tenant_with('manage_tenant') IS NULL END$$, '42501', 'permission "manage_tenant" is missing in the active tenant', 'and one''s own row');
SELECT is(error_of($$SELECT FROM casnet.records WHERE CASE WHEN title = 'South record 1' THEN casnet.can('fly') END$$), 'none', 'can() and a row of another tenant');
SELECT throws_ok($$SELECT FROM casnet.records WHERE CASE WHEN title = 'North record 1' THEN casnet.can('fly') END$$, '22023', 'unknown permission "fly"', 'and one''s own row');
SELECT * FROM finish();
ROLLBACK;
