-- The checks of a new row that ask only for the tenant become one, which asks for all their
-- permissions in order.  Other checks stay as they are.
BEGIN;
SELECT plan(14);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;

-- A member loses permissions one by one.
CREATE FUNCTION pg_temp.take(permission text) RETURNS void LANGUAGE sql AS $$
	DELETE FROM casnet.role_permissions AS r WHERE r.role = 'member' AND r.permission = take.permission
$$;
\set insert 'INSERT INTO casnet.tags (name) VALUES (gen_random_uuid()::text)'
\set returning :insert ' RETURNING name'
\set upsert ' ON CONFLICT (tenant_id, name) DO UPDATE SET created_at = now()'
INSERT INTO casnet.tags (tenant_id, name) VALUES (:'north', 'taken');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT lives_ok(:'returning', 'who may create and see');
SELECT lives_ok($$INSERT INTO casnet.tags (name) VALUES ('taken')$$ || :'upsert', 'and edit');
RESET SESSION AUTHORIZATION;
SELECT pg_temp.take('edit_tags');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT lives_ok(:'insert' || :'upsert', 'a user who may not edit inserts a new row');
SELECT throws_ok($$INSERT INTO casnet.tags (name) VALUES ('taken')$$ || :'upsert', '42501', 'permission "edit_tags" is missing in the active tenant', 'and does not change what is');
RESET SESSION AUTHORIZATION;
SELECT pg_temp.take('view_tags');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT lives_ok(:'insert', 'a user who may not see inserts without RETURNING');
SELECT throws_ok(:'returning', '42501', 'permission "view_tags" is missing in the active tenant', 'and not with it');
RESET SESSION AUTHORIZATION;
SELECT pg_temp.take('create_tags');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT throws_ok(:'returning', '42501', 'permission "create_tags" is missing in the active tenant', 'what is missing first is named');

-- An application's policies.
RESET SESSION AUTHORIZATION;
CREATE TABLE public.notes (a uuid DEFAULT casnet.current_tenant_id(), b uuid DEFAULT casnet.current_tenant_id(), n int DEFAULT 1);
ALTER TABLE public.notes ENABLE ROW LEVEL SECURITY;
GRANT ALL ON public.notes TO tap_app;
CREATE PROCEDURE pg_temp.policies(for_insert text, for_select text) LANGUAGE plpgsql AS $$
BEGIN
	DROP POLICY IF EXISTS i ON public.notes;
	DROP POLICY IF EXISTS s ON public.notes;
	EXECUTE format('CREATE POLICY i ON public.notes FOR INSERT WITH CHECK (%s)', for_insert);
	EXECUTE format('CREATE POLICY s ON public.notes FOR SELECT USING (%s)', for_select);
END
$$;
SET LOCAL client_min_messages = warning;
CALL pg_temp.policies($p$a = casnet.tenant_with('view_records')$p$, $p$a = casnet.tenant_with('edit_records') AND n < 5$p$);
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT lives_ok('INSERT INTO public.notes DEFAULT VALUES RETURNING n', 'a row that can be seen');
SELECT throws_ok('INSERT INTO public.notes (n) VALUES (7) RETURNING n', '42501', NULL, 'one that can not, for another condition of SELECT');
RESET SESSION AUTHORIZATION;
CALL pg_temp.policies($p$a = casnet.tenant_with('view_records') AND n < 5$p$, $p$a = casnet.tenant_with('edit_records')$p$);
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT throws_ok('INSERT INTO public.notes (n) VALUES (7) RETURNING n', '42501', NULL, 'or of INSERT');
RESET SESSION AUTHORIZATION;
CALL pg_temp.policies($p$a = casnet.tenant_with('view_records')$p$, $p$b = casnet.tenant_with('edit_records')$p$);
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT throws_ok(format('INSERT INTO public.notes (b) VALUES (%L) RETURNING n', :'south'), '42501', NULL, 'or for another column');
RESET SESSION AUTHORIZATION;
CALL pg_temp.policies($p$a = casnet.tenant_with('view_records')$p$, $p$a = casnet.current_tenant_id()$p$);
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT lives_ok('INSERT INTO public.notes DEFAULT VALUES RETURNING n', 'another function');
RESET SESSION AUTHORIZATION;
CALL pg_temp.policies($p$a = casnet.current_tenant_id()$p$, $p$a = casnet.tenant_with('view_records')$p$);
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT lives_ok('INSERT INTO public.notes DEFAULT VALUES RETURNING n', 'before it as well');
-- More permissions than one call accepts.
RESET SESSION AUTHORIZATION;
CALL pg_temp.policies($p$a = casnet.tenant_with('view_records,edit_records,create_records,view_tasks,edit_tasks')$p$,
	$p$a = casnet.tenant_with('create_tasks,view_persons,edit_persons,create_persons')$p$);
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT lives_ok('INSERT INTO public.notes DEFAULT VALUES RETURNING n', 'many permissions');
SELECT * FROM finish();
ROLLBACK;
