-- The permissions in an export are those of the member in that tenant.  A task whose
-- assignee is no member in the documents is refused by name.
BEGIN;
SELECT plan(4);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES
	(:'mia', :'north', 'view_users'), (:'mia', :'south', 'view_analytics'), (:'vic', :'north', 'edit_tags');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT results_eq($$SELECT d#>>'{row,username}', d#>>'{row,permissions}' FROM casnet.export_tenant() AS d WHERE d->>'table' = 'members' ORDER BY 1$$,
	$$VALUES ('adam', '[]'), ('ines', '[]'), ('mia', '["view_users"]'), ('olga', '[]'), ('vic', '["edit_tags"]')$$, 'whose they are, and where');
SELECT throws_ok($$SELECT casnet_internal.document_member('{"mia": "00000000-0000-7000-8000-000000000003"}', '"vic"')$$, '22023', 'there is no member "vic" in the documents', 'no member of the documents');
SELECT is(casnet_internal.document_member('{}', v), NULL, 'nobody is nobody') FROM unnest('{NULL,"null"}'::jsonb[]) AS v;
SELECT * FROM finish();
ROLLBACK;
