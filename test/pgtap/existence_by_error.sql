-- A row of another tenant and a row that does not exist look the same to every statement:
-- no error and no count differs.
BEGIN;
SELECT plan(20);
\ir include/fixtures.sql
-- The same statement about South's first record (person, task, event) and about none.
CREATE FUNCTION pg_temp.same(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hidden text := error_of(replace(statement, '?', '''00000000-0000-7000-8000-0000000001b0'''));
	absent text := error_of(replace(statement, '?', '''00000000-0000-7000-8000-0000000001ee'''));
BEGIN
	RETURN is(hidden, absent, statement || ' -> ' || absent);
END
$$;

CALL be('olga', 'North');
SELECT pg_temp.same('SELECT * FROM casnet.records WHERE id = ?');
SELECT pg_temp.same('SELECT 1 / count(*) FROM casnet.records WHERE id = ?');
SELECT pg_temp.same('UPDATE casnet.records SET title = title WHERE id = ?');
SELECT pg_temp.same('DELETE FROM casnet.records WHERE id = ?');
SELECT pg_temp.same('SELECT * FROM casnet.records WHERE id = ? FOR UPDATE');
SELECT pg_temp.same('INSERT INTO casnet.records (id, title) VALUES (?, ''x'')');
SELECT pg_temp.same($$INSERT INTO casnet.records (tenant_id, id, title) VALUES ('00000000-0000-7000-8000-0000000000b0', ?, 'x')$$);
SELECT pg_temp.same('INSERT INTO casnet.tasks (title, record_id) VALUES (''x'', ?)');
SELECT pg_temp.same('INSERT INTO casnet.record_tags (record_id, tag_id) VALUES (?, ?)');
SELECT pg_temp.same('UPDATE casnet.tasks SET record_id = ?');

-- The tenant itself: South or none.
CREATE FUNCTION pg_temp.same_tenant(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN is(error_of(replace(replace(statement, '?', '''00000000-0000-7000-8000-0000000000b0'''), '#', '''South''')),
			  error_of(replace(replace(statement, '?', '''00000000-0000-7000-8000-0000000000ee'''), '#', '''Utopia''')), statement);
END
$$;
SELECT pg_temp.same_tenant('SELECT casnet.use_tenant(#)');
SELECT pg_temp.same_tenant('SELECT casnet.use_tenant(?)');
SELECT pg_temp.same_tenant('SELECT casnet.delete_tenant(?)');
SELECT pg_temp.same_tenant('SELECT 1 / count(*) FROM casnet.tenants WHERE name = #');
SELECT pg_temp.same_tenant('INSERT INTO casnet.records (tenant_id, title) VALUES (?, ''x'')');
SELECT pg_temp.same_tenant('UPDATE casnet.records SET tenant_id = ?');
SELECT pg_temp.same_tenant('INSERT INTO casnet.user_tenants (tenant_id, user_id, role) VALUES (?, casnet.current_user_id(), ''owner'')');
SELECT pg_temp.same_tenant('SELECT casnet_internal.find_member(''otto'', ?)');
SELECT pg_temp.same_tenant('SET LOCAL casnet.tenant_id = ?; SELECT count(*) FROM casnet.records');
SELECT pg_temp.same_tenant('SET LOCAL casnet.tenant_id = ?; SELECT casnet.leave_tenant()');
SELECT * FROM finish();
ROLLBACK;
