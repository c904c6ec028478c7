-- No condition of a query is evaluated on a row before the policy let the row through.  That
-- holds however cheap it is and however it hides the column it depends on.  North is active,
-- so a notice about South would be a leak.
\set QUIET on
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SET SESSION AUTHORIZATION regress_backend;
CALL be('olga', 'North');
SET enable_indexscan = off;
SET enable_bitmapscan = off;
SET enable_indexonlyscan = off;
-- No function of casnet has been called in this session yet, and it holds already.
SELECT 'case', count(*) FROM casnet.records WHERE CASE WHEN title = 'South record 7' THEN tell() END;
SELECT 'own', count(*) FROM casnet.records WHERE CASE WHEN title = 'North record 7' THEN tell() END;
SELECT 'subquery', count(*) FROM casnet.records WHERE CASE WHEN title = 'South record 7' THEN (SELECT tell()) END;
SELECT 'id and subquery', count(*) FROM casnet.records
 WHERE id = '00000000-0000-7000-8000-0007000000b0' AND content = (SELECT tell()::text);
SELECT 'in', count(*) FROM casnet.records WHERE CASE WHEN title = 'South record 7' THEN true IN (SELECT tell()) END;
SELECT 'exists', count(*) FROM casnet.records WHERE CASE WHEN title = 'South record 7' THEN EXISTS (SELECT tell() OFFSET 0) END;
SELECT 'array', count(*) FROM casnet.records WHERE CASE WHEN title = 'South record 7' THEN ARRAY(SELECT tell()) = '{t}' END;
SELECT 'no column', count(*) FROM casnet.tags WHERE tell();
SELECT 'column', count(*) FROM casnet.tags WHERE tell(name || ' ' || tenant_id);
SELECT 'join', count(*) FROM who AS w JOIN casnet.records AS r ON CASE WHEN title = 'South record 7' THEN w.name = tell()::text END;
SELECT 'outer join', count(*) FROM who AS w LEFT JOIN casnet.records AS r ON CASE WHEN title = 'South record 7' THEN (SELECT tell()) END;
SELECT 'sample', count(*) FROM casnet.records TABLESAMPLE SYSTEM (100) WHERE CASE WHEN title = 'South record 7' THEN tell() END;
SELECT 'users', count(*) FROM casnet.users WHERE CASE WHEN username = 'otto' THEN tell() END;
SELECT 'tenants', count(*) FROM casnet.tenants WHERE CASE WHEN name = 'South' THEN (SELECT tell()) END;
SELECT 'members', count(*) FROM casnet.user_tenants
 WHERE CASE WHEN user_id = '00000000-0000-7000-8000-000000000005' THEN (SELECT tell()) END;
UPDATE casnet.records SET title = title WHERE CASE WHEN title = 'South record 7' THEN tell() END;
DELETE FROM casnet.records WHERE CASE WHEN title = 'South record 7' THEN (SELECT tell()) END;
MERGE INTO casnet.records AS r USING (VALUES (1)) AS v ON CASE WHEN title = 'South record 7' THEN tell() END
 WHEN MATCHED AND tell() THEN DELETE;

-- casnet's own functions raise errors, and are leakproof all the same.
CALL be('vic', 'North');
SELECT 'own', count(*) FROM casnet.records
 WHERE CASE WHEN title = 'North record 7' THEN casnet.tenant_with('manage_tenant') IS NULL END;
SELECT 'hidden', count(*) FROM casnet.records
 WHERE CASE WHEN title = 'South record 7' THEN casnet.tenant_with('manage_tenant') IS NULL END;
SELECT 'hidden', count(*) FROM casnet.records
 WHERE CASE WHEN title = 'South record 7' THEN casnet.can('no such permission') END;
SELECT 'an argument from a row gives NULL', count(casnet.tenant_with(title)), count(*) FROM casnet.records;
SELECT 'also in a condition', count(*) FROM casnet.records WHERE tenant_id = casnet.tenant_with(title);
