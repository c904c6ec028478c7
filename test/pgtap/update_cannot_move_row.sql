-- No UPDATE moves a row to another tenant, even by a member of both.
BEGIN;
SELECT plan(11);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
UPDATE casnet.user_tenants SET role = 'admin' WHERE user_id = :'mia';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT throws_ok(format('UPDATE casnet.%I SET tenant_id = %L', t, :'south'), '42501', NULL, t)
  FROM unnest(ARRAY['persons', 'records', 'record_persons', 'tags', 'record_tags', 'tasks', 'calendar_events', 'user_tenants']) AS t;
SELECT throws_ok(format('MERGE INTO casnet.persons AS p USING (VALUES (1)) AS v ON true WHEN MATCHED THEN UPDATE SET tenant_id = %L', :'south'), '42501', NULL, 'MERGE');
SELECT throws_ok(format('INSERT INTO casnet.persons (tenant_id, name) VALUES (%L, ''x'')', :'south'), '42501', NULL, 'nor is one made there');
CALL be('mia', 'South');
SELECT is((SELECT count(*) FROM casnet.persons), 1::bigint, 'nothing arrived');
SELECT * FROM finish();
ROLLBACK;
