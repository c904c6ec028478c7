-- A deletion cascades only within its tenant, although South has rows with the very same
-- ids.
BEGIN;
SELECT plan(13);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
-- A copy of North's rows, ids and all, in South.
INSERT INTO casnet.records (tenant_id, id, title) SELECT :'south', id, title FROM casnet.records WHERE tenant_id = :'north';
INSERT INTO casnet.tags (tenant_id, id, name) SELECT :'south', id, name FROM casnet.tags WHERE tenant_id = :'north';
INSERT INTO casnet.record_tags (tenant_id, record_id, tag_id) SELECT :'south', record_id, tag_id FROM casnet.record_tags WHERE tenant_id = :'north';
INSERT INTO casnet.persons (tenant_id, id, name) SELECT :'south', id, name FROM casnet.persons WHERE tenant_id = :'north';
INSERT INTO casnet.record_persons (tenant_id, record_id, person_id) SELECT :'south', record_id, person_id FROM casnet.record_persons WHERE tenant_id = :'north';
INSERT INTO casnet.tasks (tenant_id, id, title, record_id, assignee_id) SELECT :'south', id, title, record_id, assignee_id FROM casnet.tasks WHERE tenant_id = :'north';
INSERT INTO casnet.calendar_events (tenant_id, id, title, starts_at, record_id) SELECT :'south', id, title, starts_at, record_id FROM casnet.calendar_events WHERE tenant_id = :'north';
CREATE VIEW public.south AS
	SELECT tableoid::regclass::text AS source, to_jsonb(x) AS row FROM casnet.records AS x WHERE tenant_id = '00000000-0000-7000-8000-0000000000b0'
	UNION ALL SELECT tableoid::regclass::text AS source, to_jsonb(x) AS row FROM casnet.tags AS x WHERE tenant_id = '00000000-0000-7000-8000-0000000000b0'
	UNION ALL SELECT tableoid::regclass::text AS source, to_jsonb(x) AS row FROM casnet.record_tags AS x WHERE tenant_id = '00000000-0000-7000-8000-0000000000b0'
	UNION ALL SELECT tableoid::regclass::text AS source, to_jsonb(x) AS row FROM casnet.persons AS x WHERE tenant_id = '00000000-0000-7000-8000-0000000000b0'
	UNION ALL SELECT tableoid::regclass::text AS source, to_jsonb(x) AS row FROM casnet.record_persons AS x WHERE tenant_id = '00000000-0000-7000-8000-0000000000b0'
	UNION ALL SELECT tableoid::regclass::text AS source, to_jsonb(x) AS row FROM casnet.tasks AS x WHERE tenant_id = '00000000-0000-7000-8000-0000000000b0'
	UNION ALL SELECT tableoid::regclass::text AS source, to_jsonb(x) AS row FROM casnet.calendar_events AS x WHERE tenant_id = '00000000-0000-7000-8000-0000000000b0'
	UNION ALL SELECT tableoid::regclass::text AS source, to_jsonb(x) AS row FROM casnet.user_tenants AS x WHERE tenant_id = '00000000-0000-7000-8000-0000000000b0';
CREATE TEMP TABLE before AS TABLE public.south;

SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT lives_ok('DELETE FROM casnet.persons', 'the persons go');
SELECT is((SELECT count(*) FROM casnet.record_persons), 0::bigint, 'their links with them');
INSERT INTO casnet.persons (id, name) VALUES (:'north', 'again');
INSERT INTO casnet.record_persons (record_id, person_id) SELECT id, :'north' FROM casnet.records;
SELECT is(rows_of('DELETE FROM casnet.records'), 3::bigint, 'the records go');
SELECT is((SELECT count(*) FROM casnet.record_tags), 0::bigint, 'their links with them');
SELECT is((SELECT count(*) FROM casnet.record_persons), 0::bigint, 'those to persons, too');
SELECT results_eq('SELECT record_id FROM casnet.tasks', ARRAY[NULL::uuid], 'their task stays and forgets its record');
SELECT results_eq('SELECT record_id FROM casnet.calendar_events', ARRAY[NULL::uuid], 'their event, too');
SELECT lives_ok('DELETE FROM casnet.tags', 'the tags go');
SELECT lives_ok($$SELECT casnet.remove_member('mia')$$, 'a member is removed');
SELECT results_eq('SELECT assignee_id FROM casnet.tasks', ARRAY[NULL::uuid], 'her task stays, without an assignee');
SELECT lives_ok(format('DELETE FROM casnet.tenants WHERE id = %L', :'north'), 'the tenant is deleted');
RESET SESSION AUTHORIZATION;
SELECT set_eq('TABLE public.south', 'TABLE before', 'South is as it was');
SELECT is((SELECT count(*) FROM casnet.tasks WHERE tenant_id = :'north') + (SELECT count(*) FROM casnet.user_tenants WHERE tenant_id = :'north'), 0::bigint, 'of North nothing is left');
SELECT * FROM finish();
ROLLBACK;
