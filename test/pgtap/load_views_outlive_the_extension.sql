-- Like the tables, the views stay when the extension is dropped, and refuse everyone.  The
-- extension uses them again when it returns.
BEGIN;
SELECT plan(7);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
ALTER TABLE casnet.tags ADD COLUMN colour text;
SELECT casnet.install();
REVOKE INSERT ON casnet.persons_load FROM casnet_user;
CREATE TEMP TABLE was AS SELECT oid, relname, relacl FROM pg_class WHERE relname LIKE '%\_load' AND relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace);
DROP EXTENSION casnet CASCADE;
SELECT is((SELECT count(*) FROM was JOIN pg_class USING (oid)), 7::bigint, 'they stay');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok($$INSERT INTO casnet.records_load (tenant_id, id, title) VALUES ('00000000-0000-7000-8000-0000000000a0', '00000000-0000-7000-8000-0000000000a1', 'x')$$, '55000', NULL, 'and take nothing');
RESET SESSION AUTHORIZATION;
ALTER TABLE casnet.records ADD COLUMN number integer DEFAULT 7;
ALTER TABLE casnet.tags DROP COLUMN colour;
CREATE EXTENSION casnet;
SELECT is((SELECT count(*) FROM was JOIN pg_class USING (oid)), 6::bigint, 'only a view that has lost a column is new');
SELECT is((SELECT count(*) FROM was JOIN pg_class AS c USING (relname, relacl) WHERE c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace)), 7::bigint, 'privileges are as they were');
SELECT is((SELECT count(*) FROM pg_depend AS d JOIN pg_class AS c ON c.oid = d.objid WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'e' AND c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace)), 0::bigint, 'none is a member of the extension');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT lives_ok($$INSERT INTO casnet.records_load (title) VALUES ('new')$$, 'they take rows again');
SELECT is((SELECT number FROM casnet.records WHERE title = 'new'), 7, 'with the new column');
SELECT * FROM finish();
ROLLBACK;
