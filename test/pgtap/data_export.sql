-- An export is a header, then the rows table by table in the order of their keys.  It has no
-- secrets and no rows of others, and it does not vary with settings.
BEGIN;
SELECT plan(16);
\ir include/fixtures.sql
CALL be('olga', 'North');
SELECT casnet.grant_permission('vic', v) FROM unnest('{view_users,delete_tags,Xyz}'::text[]) AS v WHERE v <> 'Xyz';
UPDATE casnet.records SET created_at = 'infinity', updated_at = '2024-05-06 07:08:09.1+02' WHERE title = 'North record 2';
UPDATE casnet.persons SET date_of_birth = '1957-03-04', created_at = '0044-03-15 12:00:00+00 BC';
SELECT casnet.set_member_role('vic', 'member');
-- Rows added later, with smaller keys and greater names.
INSERT INTO casnet.persons (id, name) VALUES ('00000000-0000-7000-8000-0000000000a2', 'zz'), ('00000000-0000-7000-8000-0000000000a1', 'z');
INSERT INTO casnet.tags (id, name) SELECT id, name FROM casnet.persons WHERE name LIKE 'z%';
INSERT INTO casnet.record_tags (record_id, tag_id) SELECT r.id, t.id FROM casnet.records AS r, casnet.tags AS t WHERE t.name LIKE 'z%' ORDER BY r.id DESC, t.id DESC;
INSERT INTO casnet.record_persons (record_id, person_id) SELECT r.id, p.id FROM casnet.records AS r, casnet.persons AS p WHERE p.name LIKE 'z%' ORDER BY r.id DESC, p.id DESC;
INSERT INTO casnet.tasks (id, title) SELECT id, name FROM casnet.persons WHERE name LIKE 'z%';
INSERT INTO casnet.calendar_events (id, title, starts_at) SELECT id, name, now() FROM casnet.persons WHERE name LIKE 'z%';

CREATE TEMP TABLE e AS SELECT row_number() OVER () AS n, d FROM casnet.export_tenant() AS d;
SELECT is((SELECT d - '{tenant,columns}'::text[] FROM e WHERE n = 1), '{"casnet": "tenant", "version": 1, "left_out": []}', 'the header comes first');
SELECT results_eq($$SELECT key FROM e, jsonb_object_keys(d->'tenant') AS key WHERE n = 1 ORDER BY 1$$, ARRAY['created_at', 'description', 'id', 'name'], 'and describes the tenant');
SELECT is((SELECT string_agg(t, ' ' ORDER BY n) FROM (SELECT min(n) AS n, d->>'table' AS t FROM e WHERE n > 1 GROUP BY 2) AS x), 'members persons records record_persons tags record_tags tasks calendar_events', 'then the tables in order');
SELECT is((SELECT array_agg(d#>>'{row,username}' ORDER BY n) FROM e WHERE d->>'table' = 'members'), '{adam,ines,mia,olga,vic}', 'members by name');
SELECT results_eq($$SELECT d->>'table', array_agg(k ORDER BY n) FROM e, concat_ws(' ', d#>>'{row,id}', d#>>'{row,record_id}', d#>>'{row,person_id}', d#>>'{row,tag_id}') AS k WHERE n > 1 GROUP BY 1 ORDER BY 1$$,
	$$SELECT d->>'table', array_agg(k ORDER BY k COLLATE "C") FROM e, concat_ws(' ', d#>>'{row,id}', d#>>'{row,record_id}', d#>>'{row,person_id}', d#>>'{row,tag_id}') AS k WHERE n > 1 GROUP BY 1 ORDER BY 1$$, 'rows by key');
SELECT is((SELECT (d->'row') - 'created_at' FROM e WHERE d#>>'{row,username}' = 'vic'), '{"username": "vic", "email": "vic@north.test", "role": "member", "permissions": ["delete_tags", "view_users"]}', 'a member has a role and permissions');
SELECT is((SELECT d#>>'{row,assignee_id}' FROM e WHERE d#>>'{row,title}' = 'North task'), 'mia', 'a task names its assignee');
SELECT is((SELECT d#>>'{row,updated_at}' ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$' FROM e WHERE d#>>'{row,title}' = 'North record 1'), true, 'times are in UTC, to the microsecond');
SELECT is((SELECT d#>>'{row,created_at}' FROM e WHERE d#>>'{row,title}' = 'North record 2'), 'infinity', 'or infinite');
SELECT is((SELECT d#>>'{row,created_at}' FROM e WHERE d#>>'{row,name}' = 'North person'), '0044-03-15T12:00:00.000000Z BC', 'or long ago');
SELECT is_empty($$SELECT FROM e WHERE d::text ~ 'tenant_id|South|otto|hash|password|token|is_superuser|000000b0'$$, 'no secret, nothing of others');
SELECT bag_eq($$SELECT key FROM e, jsonb_object_keys(d->'row') AS key WHERE d#>>'{row,title}' = 'North task'$$,
	ARRAY['id', 'title', 'description', 'status', 'priority', 'due_date', 'completed_at', 'assignee_id', 'record_id', 'created_at', 'updated_at'], 'all columns');

SET LOCAL timezone = 'Asia/Kathmandu';
SET LOCAL datestyle = 'German';
SET LOCAL lc_time = 'C';
SET LOCAL intervalstyle = 'iso_8601';
SELECT results_eq('SELECT d::text FROM casnet.export_tenant() AS d', 'SELECT d::text FROM e ORDER BY n', 'the settings of the session do not matter');
SET LOCAL search_path = pg_temp, public;
CREATE FUNCTION pg_temp.to_char(timestamp, text) RETURNS text LANGUAGE sql AS $$SELECT 'mine'$$;
CREATE FUNCTION pg_temp.my_eq(uuid, uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR pg_temp.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = pg_temp.my_eq);
SELECT results_eq('SELECT d::text FROM casnet.export_tenant() AS d', 'SELECT d::text FROM e ORDER BY n', 'nor does its search_path');
RESET search_path;
SET LOCAL enable_indexscan = off;
SET LOCAL enable_bitmapscan = off;
SET LOCAL enable_sort = off;
SELECT results_eq('SELECT d::text FROM casnet.export_tenant() AS d', 'SELECT d::text FROM e ORDER BY n', 'nor does the plan');

SET LOCAL casnet.tenant_id = '';
SELECT results_eq(format('SELECT d::text FROM casnet.export_tenant(%L) AS d', :'north'), 'SELECT d::text FROM e ORDER BY n', 'nor does the active tenant');
SELECT * FROM finish();
ROLLBACK;
