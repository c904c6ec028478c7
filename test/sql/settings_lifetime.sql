-- SET LOCAL, savepoints, rollback, RESET and DISCARD ALL do to identity what
-- they do to any setting.
SET SESSION AUTHORIZATION regress_backend;
\set QUIET on
CREATE TEMP VIEW me AS SELECT coalesce((SELECT name FROM who WHERE id = casnet.current_user_id()), '-') AS me,
	coalesce((SELECT name FROM who WHERE id = casnet.current_tenant_id()), '-') AS tenant;
GRANT SELECT ON me TO PUBLIC;
CALL be('mia', 'North');
TABLE me;

BEGIN;
SET LOCAL casnet.tenant_id = '00000000-0000-7000-8000-0000000000b0';
TABLE me;
SELECT count(*) FROM casnet.records WHERE title LIKE 'South%';
COMMIT;
TABLE me;

BEGIN;
SET casnet.tenant_id = '00000000-0000-7000-8000-0000000000b0';
SAVEPOINT a;
CALL be('otto', 'South');
TABLE me;
ROLLBACK TO a;
TABLE me;
ROLLBACK;
TABLE me;

-- use_tenant() for a transaction, and for the session.
BEGIN;
SELECT casnet.use_tenant('South', is_local => true);
TABLE me;
COMMIT;
TABLE me;
SELECT casnet.use_tenant('south'::text);
SELECT casnet.use_tenant('00000000-0000-7000-8000-0000000000B0');
TABLE me;

-- A function that sets it sets it only for itself.
CREATE FUNCTION pg_temp.in_north() RETURNS bigint LANGUAGE sql
	SET casnet.tenant_id = '00000000-0000-7000-8000-0000000000a0'
	AS 'SELECT count(*) FROM casnet.records WHERE title LIKE ''North%''';
SELECT pg_temp.in_north();
TABLE me;

RESET casnet.tenant_id;
TABLE me;
SELECT casnet.sign_out();
TABLE me;
CALL be('mia', 'North');
DISCARD ALL;
SELECT casnet.current_user_id() IS NULL AND casnet.current_tenant_id() IS NULL AS nobody;
