-- Where a row cannot come back as it was, undelete() says why and changes nothing.
BEGIN;
SELECT plan(34);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SELECT id AS record FROM casnet.records WHERE title = 'North record 1' \gset
SELECT id AS second FROM casnet.records WHERE title = 'North record 2' \gset
SELECT id AS tag FROM casnet.tags WHERE name = 'North tag' \gset
SELECT id AS task FROM casnet.tasks WHERE title = 'North task' \gset
-- The error without what is empty.
CREATE FUNCTION public.said(statement text) RETURNS text LANGUAGE sql AS $$
	SELECT regexp_replace(replace(public.error_of(statement), ' |  |', ' |'), ' \| $', '')
$$;
SELECT casnet.enable_audit(t) FROM unnest('{casnet.records,casnet.tags,casnet.tasks,casnet.record_persons}'::regclass[]) AS t;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');

-- Not audited: the row, or what belongs to it.
SELECT is(said(format('SELECT casnet.undelete(''casnet.persons'', %L)', :'nowhere')),
	'P0002 | no deletion of this row is recorded | A row comes back if it is gone, you could see it, and it was deleted while its table was audited, without a gap since. casnet.history() shows what is recorded.', 'no row');
SELECT is(state_of(format('SELECT casnet.undelete(''casnet.records'', %L)', :'record')), 'P0002', 'a row that is there');
UPDATE casnet.records SET title = title WHERE id = :'record';
SELECT is(state_of(format('SELECT casnet.undelete(''casnet.records'', %L)', :'record')), 'P0002', 'and was changed');
DELETE FROM casnet.records WHERE id = :'second';
SELECT matches(said(format('SELECT casnet.undelete(''casnet.records'', %L)', :'second')),
	'^55000 \| table casnet.(calendar_events|record_tags) was not audited when the row was deleted \| What of it the deletion took along is not known. \| Undelete the row by itself with with_references => false. From casnet.enable_audit\(''casnet.(calendar_events|record_tags)''\) on, rows come back with all that belongs to them.$', 'a table that is not audited');
RESET SESSION AUTHORIZATION;
SELECT casnet.enable_audit(t) FROM unnest('{casnet.record_tags,casnet.calendar_events}'::regclass[]) AS t;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(state_of(format('SELECT casnet.undelete(''casnet.records'', %L)', :'second')), '55000', 'one that was not audited then');
SELECT is(casnet.undelete('casnet.records', :'second', false), 1::bigint, 'which is right to refuse');
DELETE FROM casnet.records WHERE id = :'second';
SELECT is(casnet.undelete('casnet.records', :'second'), 1::bigint, 'a later deletion is known');
-- Since when it is known, also after another call, and not over a gap.
RESET SESSION AUTHORIZATION;
CREATE TABLE public.since AS SELECT relation, since FROM casnet_internal.audited_tables();
SELECT casnet.enable_audit('casnet.record_tags', '{created_at}'), casnet.enable_audit('casnet.record_tags');
SELECT is((SELECT array_agg(s.since = a.since) FROM public.since AS s JOIN casnet_internal.audited_tables() AS a USING (relation)), '{t,t,t,t,t,t}', 'a second call changes nothing');
ALTER TABLE casnet.record_tags DISABLE TRIGGER casnet_audit;
SELECT casnet.enable_audit('casnet.record_tags');
SELECT casnet.disable_audit('casnet.tasks'), casnet.enable_audit('casnet.tasks');
COMMENT ON TRIGGER casnet_audit ON casnet.calendar_events IS 'since yesterday';
SELECT results_eq($$SELECT relation::text, a.since > s.since FROM public.since AS s JOIN casnet_internal.audited_tables() AS a USING (relation) ORDER BY relation::text COLLATE "C"$$,
	$$VALUES ('casnet.calendar_events', NULL), ('casnet.record_persons', false), ('casnet.record_tags', true), ('casnet.records', false), ('casnet.tags', false), ('casnet.tasks', true)$$, 'a gap does');
SELECT casnet.enable_audit('casnet.calendar_events');

-- Keys.
SET LOCAL SESSION AUTHORIZATION tap_app;
INSERT INTO casnet.record_tags (record_id, tag_id) VALUES (:'second', :'tag');
DELETE FROM casnet.record_tags WHERE record_id = :'record';
DELETE FROM casnet.tags WHERE id = :'tag';
INSERT INTO casnet.tags (name) VALUES ('North tag');
SELECT is(said(format('SELECT casnet.undelete(''casnet.tags'', %L)', :'tag')),
	'23505 | duplicate key value violates unique constraint "tags_tenant_id_name_key" | Another row has the key or the name that this row had. Change that row, or give this one another value in changes. | tags_tenant_id_name_key', 'a name that is taken');
SELECT is(said(format('SELECT casnet.undelete(''casnet.record_tags'', %L)', jsonb_build_object('record_id', :'record', 'tag_id', :'tag'))),
	'23503 | insert or update on table "record_tags" violates foreign key constraint "record_tags_tag_id_tenant_id_fkey" | Key is not present in table "tags". | What the row referred to is gone. Undelete that first, by itself (with_references => false) if it was deleted together with this row; or give this row another value in changes. | record_tags_tag_id_tenant_id_fkey', 'a tag that is gone');
SELECT is(casnet.undelete('casnet.tags', :'tag', changes => '{"name": "Old tag"}'), 3::bigint, 'with another name');
RESET SESSION AUTHORIZATION;
SET LOCAL session_replication_role = replica;
DELETE FROM casnet.records WHERE id = :'second';
SET LOCAL session_replication_role = origin;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(state_of(format('SELECT casnet.undelete(''casnet.records'', %L)', :'second')), 'P0002', 'a deletion without its entry');
DELETE FROM casnet.tasks WHERE id = :'task';
DELETE FROM casnet.records WHERE id = :'record';
SELECT matches(said(format('SELECT casnet.undelete(''casnet.tasks'', %L)', :'task')), '^23503 .* What the row referred to is gone', 'a task whose record is gone');
SELECT is(casnet.undelete('casnet.tasks', :'task', true, '{"record_id": null, "description": "kept"}'), 1::bigint, 'without the record');
SELECT is((SELECT description FROM casnet.tasks), 'kept', 'and with other values');
DELETE FROM casnet.tasks WHERE id = :'task';
SELECT casnet.remove_member('mia');
SELECT matches(said(format('SELECT casnet.undelete(''casnet.tasks'', %L)', :'task')), '^23503 .* What the row referred to is gone', 'a task whose assignee is gone');

-- Arguments.
SELECT is(said(format('SELECT casnet.undelete(%s)', a)), m, a) FROM (VALUES
	($$NULL, 'x'$$, 'P0002 | there is no such table | Give the name of a table, with its schema.'),
	($$1, 'x'$$, 'P0002 | there is no such table | Give the name of a table, with its schema.'),
	($$'casnet.tags', NULL::text$$, '22023 | the key of the row is null | Give the id of the row, and leave out what has a default.'),
	($$'casnet.tags', NULL::uuid$$, '22023 | the key of the row is null | Give the id of the row, and leave out what has a default.'),
	($$'casnet.tags', '00000000-0000-7000-8000-0000000000a0', NULL$$, '22023 | with_references is null | Give the id of the row, and leave out what has a default.'),
	($$'casnet.tags', '00000000-0000-7000-8000-0000000000a0', changes => NULL$$, '22023 | changes is null | Give the id of the row, and leave out what has a default.'),
	($$'casnet.tags', '00000000-0000-7000-8000-0000000000a0', changes => '[]'$$, '22023 | changes is not an object of columns | Give columns and their values, such as ''{"assignee_id": null}''.'),
	($$'casnet.tags', '00000000-0000-7000-8000-0000000000a0', changes => '1'$$, '22023 | changes is not an object of columns | Give columns and their values, such as ''{"assignee_id": null}''.'),
	($$'casnet.tags', '00000000-0000-7000-8000-0000000000a0', changes => '{"id": "x"}'$$, '22023 | the key of the row cannot be changed | Leave column "id" out of changes.'),
	($$'casnet.tags', '00000000-0000-7000-8000-0000000000a0', changes => '{"tenant_id": null}'$$, '22023 | the key of the row cannot be changed | Leave column "tenant_id" out of changes.'),
	($$'casnet.tags', '00000000-0000-7000-8000-0000000000a0', changes => '{"color": "red"}'$$, '22023 | table casnet.tags has no column "color" to change | Name the columns of the table as they are now.'),
	($$'casnet.record_tags', '00000000-0000-7000-8000-0000000000a0'$$, '22023 | this is no key of table casnet.record_tags | Give an object with the columns record_id, tag_id, as audit_log() has it in row_key.'),
	($$'casnet.records_load', '00000000-0000-7000-8000-0000000000a0'$$, '42809 | "records_load" is not a table | Name the table that the row was in.')) AS v (a, m);

-- A row that referred to it is hidden, and with the tenant all is gone.
SELECT casnet.undelete('casnet.records', :'record', false);
UPDATE casnet.calendar_events SET record_id = :'record' WHERE title = 'North event';
DELETE FROM casnet.records WHERE id = :'record';
RESET SESSION AUTHORIZATION;
CREATE POLICY hidden ON casnet.calendar_events AS RESTRICTIVE FOR SELECT USING (title <> 'North event');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(said(format('SELECT casnet.undelete(''casnet.records'', %L)', :'record')),
	'55000 | a row of table casnet.calendar_events cannot refer to the row again | It is hidden from you, or was changed without the audit. Undelete the row by itself with with_references => false.', 'an event that is hidden');
SELECT is((SELECT count(*) FROM casnet.records WHERE id = :'record'), 0::bigint, 'nothing has come back');
SELECT is(state_of('SELECT casnet.delete_tenant(casnet.current_tenant_id())'), 'none', 'a tenant');
SELECT casnet.delete_tenant(casnet.current_tenant_id()) > 0 AS gone \gset
SELECT is(said(format('SELECT casnet.undelete(''casnet.records'', %L)', :'record')), '42501 | not a member of the active tenant | Choose one of your tenants with SELECT casnet.use_tenant(''name''); casnet.my_tenants() lists them.', 'that is deleted');
SELECT * FROM finish();
ROLLBACK;
