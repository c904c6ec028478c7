-- MERGE sees, changes, deletes and makes rows of the active tenant only.
BEGIN;
SELECT plan(10);
\ir include/fixtures.sql
CREATE TABLE public.wanted (id uuid, title text);
INSERT INTO public.wanted VALUES ('00000000-0000-7000-8000-0000000001a0', 'mine'), ('00000000-0000-7000-8000-0000000001b0', 'theirs');

CALL be('olga', 'North');
SELECT is(rows_of('MERGE INTO casnet.records AS r USING public.wanted AS w ON r.id = w.id WHEN MATCHED THEN UPDATE SET title = w.title'), 1::bigint, 'UPDATE finds one of two');
SELECT is(rows_of('MERGE INTO casnet.records AS r USING public.wanted AS w ON r.id = w.id WHEN NOT MATCHED THEN INSERT (id, title) VALUES (w.id, w.title)'), 1::bigint, 'the other does not exist');
SELECT is(rows_of('MERGE INTO casnet.records AS r USING (VALUES (1)) AS v ON r.id IS NOT NULL WHEN MATCHED THEN DELETE'), 4::bigint, 'DELETE of all is of the own');
SELECT throws_ok(format('MERGE INTO casnet.records AS r USING public.wanted AS w ON r.id = w.id
	WHEN NOT MATCHED THEN INSERT (tenant_id, id, title) VALUES (%L, w.id, w.title)', :'south'), '42501', NULL, 'INSERT into South');
CALL be('vic', 'North');
SELECT throws_ok('MERGE INTO casnet.persons AS p USING (VALUES (1)) AS v ON p.id IS NOT NULL WHEN MATCHED THEN DELETE', '42501', 'permission "delete_persons" is missing in the active tenant', 'a viewer does not delete by it');
SELECT throws_ok('MERGE INTO casnet.persons AS p USING (VALUES (1)) AS v ON p.id IS NOT NULL WHEN MATCHED THEN UPDATE SET name = ''x''', '42501', 'permission "edit_persons" is missing in the active tenant', 'nor update');
SELECT throws_ok('MERGE INTO casnet.persons AS p USING (VALUES (1)) AS v ON false WHEN NOT MATCHED THEN INSERT (name) VALUES (''x'')', '42501', 'permission "create_persons" is missing in the active tenant', 'nor insert');
CALL be('mia', 'North');
SELECT throws_ok('MERGE INTO casnet.persons AS p USING (VALUES (1)) AS v ON p.id IS NOT NULL WHEN MATCHED AND p.name = ''North person'' THEN DELETE WHEN MATCHED THEN DO NOTHING', '42501', NULL, 'a member neither, by condition');
SELECT is(rows_of('MERGE INTO casnet.persons AS p USING (VALUES (1)) AS v ON p.id IS NOT NULL WHEN MATCHED THEN UPDATE SET name = ''Mr North'''), 1::bigint, 'but updates');
RESET SESSION AUTHORIZATION;
SELECT results_eq(format('SELECT count(*) FROM casnet.records WHERE tenant_id = %L AND title LIKE ''South%%''', :'south'), ARRAY[3::bigint], 'South is as it was');
SELECT * FROM finish();
ROLLBACK;
