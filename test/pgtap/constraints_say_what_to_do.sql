-- A check or a unique key that refuses a row of casnet's tables says what to do, whoever
-- writes the row, and in any way.  Other errors keep their own hints.
BEGIN;
SELECT plan(18);
\ir include/fixtures.sql
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is(split_part(error_of($$INSERT INTO casnet.roles (name) VALUES ('Team Lead')$$), ' | ', 4), 'Name a role with the letters a to z, digits and _, a letter first, and at most 63 in all.', 'a role');
SELECT is(split_part(error_of($$UPDATE casnet.users SET username = 'mia' WHERE username = 'adam'$$), ' | ', 4), 'Another account has that username. Choose another one.', 'an account');
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT is(split_part(error_of(statement), ' | ', 4), hint, statement) FROM (VALUES
	($$INSERT INTO casnet.tags (name) VALUES (repeat('x', 101))$$, 'Give a name with at least one visible character, and at most 100 characters.'),
	($$INSERT INTO casnet.tags (name) VALUES ('North tag')$$, 'The tenant has a tag with that name already. ON CONFLICT (tenant_id, name) DO NOTHING leaves it as it is.'),
	($$INSERT INTO casnet.tags_load (name) VALUES (repeat('x', 101))$$, 'Give a name with at least one visible character, and at most 100 characters.'),
	($$MERGE INTO casnet.tags AS t USING (VALUES (1)) AS v ON t.name = 'North tag' WHEN MATCHED THEN UPDATE SET name = repeat('x', 101)$$, 'Give a name with at least one visible character, and at most 100 characters.'),
	($$UPDATE casnet.calendar_events SET ends_at = starts_at - interval '1 second'$$, 'An event cannot end before it starts. Change starts_at and ends_at in one statement.'),
	($$UPDATE casnet.calendar_events SET occurrence_at = now()$$, 'Set series_id and occurrence_at together. Such an event has no recurrence_rule, and is not its own series.'),
	($$UPDATE casnet.persons SET contact_info = '[]'$$, 'Column contact_info takes a JSON object, such as {"phone": "1"}.'),
	($$INSERT INTO casnet.user_tenants (user_id) VALUES ('00000000-0000-7000-8000-000000000004')$$, 'The user is a member already. casnet.set_member_role() changes the role.'),
	($$SELECT casnet.create_tenant('North')$$, 'Another tenant has that name. Give another one; import_tenant() takes it as name => ''...''.'),
	($$DO 'BEGIN INSERT INTO casnet.tags (name) VALUES (''North tag''); END'$$, 'The tenant has a tag with that name already. ON CONFLICT (tenant_id, name) DO NOTHING leaves it as it is.')) AS v (statement, hint);
CREATE TEMP TABLE documents (document jsonb);
INSERT INTO documents SELECT casnet.export_tenant();
SELECT is(split_part(error_of($$SELECT casnet.import_tenant('documents')$$), ' | ', 4), 'Another tenant has that name. Give another one; import_tenant() takes it as name => ''...''.', 'an import');
SELECT is(error_of($$SELECT casnet.add_member('vic')$$), '23505 | that user is a member already |  | casnet.set_member_role() changes the role of a member. | user_tenants_pkey', 'a member is not added again');
SELECT is(error_of($$SELECT casnet.add_member('adam', 'viewer')$$), '23505 | that user is a member already |  | casnet.set_member_role() changes the role of a member. | user_tenants_pkey', 'nor with another role');
SELECT is((SELECT string_agg(username || ' ' || role, ', ') FROM casnet.members() WHERE username IN ('vic', 'adam')), 'adam admin, vic viewer', 'and stays as before');
-- Tables of others keep their errors.
CREATE TABLE public.mine (name text CONSTRAINT tags_name_check CHECK (name <> ''));
SELECT is(error_of('INSERT INTO public.mine VALUES ('''')'), '23514 | new row for relation "mine" violates check constraint "tags_name_check" | Failing row contains (). |  | tags_name_check', 'a constraint of that name elsewhere');
SELECT is(split_part(error_of('DELETE FROM casnet.user_tenants WHERE role = ''owner'''), ' | ', 4), 'Make another member an owner first, or delete the tenant with casnet.delete_tenant().', 'a hint stays');
SELECT * FROM finish();
ROLLBACK;
