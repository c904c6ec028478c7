-- audit_log() by table, row, user and action, alone and together, by pages.
BEGIN;
SELECT plan(25);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.visits (tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(), id int NOT NULL, PRIMARY KEY (tenant_id, id)) PARTITION BY RANGE (id);
CREATE TABLE public.visits_0 PARTITION OF public.visits FOR VALUES FROM (0) TO (100);
GRANT INSERT, DELETE, SELECT ON public.visits TO casnet_user;
CREATE TABLE public."An odd ""name" (tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(), id int NOT NULL, PRIMARY KEY (tenant_id, id));
GRANT INSERT ON public."An odd ""name" TO casnet_user;
SELECT casnet.enable_audit(r) FROM unnest('{casnet.records,casnet.tasks,casnet.record_tags,public.visits,"public.\"An odd \"\"name\""}'::regclass[]) AS r;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
INSERT INTO casnet.records (title) SELECT 'n' || n FROM generate_series(1, 12) AS n;
UPDATE casnet.records SET title = upper(title) WHERE title LIKE 'n%';
INSERT INTO public.visits (id) VALUES (1), (2);
INSERT INTO public."An odd ""name" (id) VALUES (1);
CALL be('olga', 'North');
DELETE FROM casnet.records WHERE title IN ('N1', 'North record 1');
CALL be('otto', 'South');
DELETE FROM casnet.records WHERE title = 'South record 1';
INSERT INTO public.visits (id) VALUES (1);
CALL be('olga', 'North');

-- Entries of each, by the columns that are returned.
CREATE TEMP TABLE entries AS SELECT * FROM casnet.audit_log(max_rows => 10000);
SELECT is((SELECT array_agg(l.id ORDER BY l.at DESC, l.id DESC) FROM casnet.audit_log(for_relation => f.relation::regclass) AS l),
	(SELECT array_agg(e.id ORDER BY e.at DESC, e.id DESC) FROM entries AS e WHERE e.relation = f.relation), 'of ' || f.relation || ': ' || f.n)
  FROM (SELECT relation, count(*) AS n FROM entries GROUP BY relation) AS f ORDER BY f.relation;
SELECT is((SELECT count(*) FROM casnet.audit_log(for_relation => 'public.visits_0')), 2::bigint, 'a partition stands for its table');
SELECT is((SELECT count(*) FROM casnet.audit_log(for_relation => 'casnet.persons')), 0::bigint, 'a table without entries');
SELECT set_eq(format('SELECT id FROM casnet.audit_log(for_action => %L)', a), format('SELECT id FROM entries WHERE action = upper(%L)', a), a) FROM unnest('{INSERT,update,Delete}'::text[]) AS a;
SELECT is((SELECT array_agg(DISTINCT action) FROM entries), '{DELETE,INSERT,UPDATE}', 'which are all there');
SELECT set_eq(format('SELECT id FROM casnet.audit_log(for_user => %L)', u), format('SELECT id FROM entries WHERE user_id = %L', u), u) FROM unnest(ARRAY[:'mia', :'olga', :'otto']) AS u;
SELECT is((SELECT count(*) FROM casnet.audit_log(for_user => :'otto')), 0::bigint, 'nobody else''s tenant');

-- A row.
SELECT row_key AS n1, row_key->>'id' AS n1_id FROM entries WHERE before->>'title' = 'N1' AND action = 'DELETE' \gset
SELECT results_eq(format('SELECT action FROM casnet.audit_log(for_row => %L)', :'n1'), ARRAY['DELETE', 'UPDATE', 'INSERT'], 'a row');
SELECT is((SELECT count(*) FROM casnet.audit_log(for_row => :'n1'::jsonb - 'tenant_id')), 0::bigint, 'by its whole key only');
SELECT is((SELECT array_agg(relation ORDER BY relation) FROM casnet.audit_log(for_row => jsonb_build_object('tenant_id', :'north', 'id', 1))), '{"public.\"An odd \"\"name\"",public.visits}', 'rows with this key in all tables');
SELECT is((SELECT array_agg(relation) FROM casnet.audit_log(for_row => jsonb_build_object('tenant_id', :'north', 'id', 1), for_relation => 'public.visits')), '{public.visits}', 'or in one');
SELECT is((SELECT count(*) FROM casnet.audit_log(for_row => jsonb_build_object('tenant_id', :'south', 'id', 1))), 0::bigint, 'and none of another tenant');

-- All of them together, by pages of one.
WITH RECURSIVE page AS (
	SELECT 1 AS n, l.at, l.id FROM casnet.audit_log(max_rows => 1, for_relation => 'casnet.records', for_user => :'mia', for_action => 'UPDATE') AS l
	UNION ALL
	SELECT p.n + 1, l.at, l.id FROM page AS p, casnet.audit_log(until => p.at, before_id => p.id, max_rows => 1, for_relation => 'casnet.records', for_user => :'mia', for_action => 'UPDATE') AS l
) SELECT is((SELECT array_agg(id ORDER BY n) FROM page), (SELECT array_agg(id ORDER BY at DESC, id DESC) FROM entries WHERE relation = 'casnet.records' AND user_id = :'mia' AND action = 'UPDATE'), 'pages of what is asked for');
SELECT is((SELECT count(*) FROM casnet.audit_log(since => clock_timestamp(), for_row => :'n1')), 0::bigint, 'and by time');

SELECT throws_ok('SELECT casnet.audit_log(for_action => ''TRUNCATE'')', '22023', 'unknown action "TRUNCATE"', 'which belongs to no tenant');
SELECT throws_ok('SELECT casnet.audit_log(for_relation => 1)', 'P0002', 'there is no such table', 'no table');
CALL be('mia', 'North');
SELECT throws_ok(format('SELECT casnet.audit_log(for_row => %L)', :'n1'), '42501', 'permission "view_analytics" is missing in the active tenant', 'none of it without the permission');
SELECT * FROM finish();
ROLLBACK;
