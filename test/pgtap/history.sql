-- history() returns what was done to one row, newest first, by pages, also after it was
-- deleted, to users who hold view_analytics in the active tenant.
BEGIN;
SELECT plan(39);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TYPE public.color AS ENUM ('red', 'green');
CREATE DOMAIN public.small AS int CHECK (VALUE < 10);
CREATE TABLE public.own (tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(), at timestamptz, c public.color, s public.small, a numeric(5,1), body text, PRIMARY KEY (at, c, s, a));
CREATE TABLE public.one (tenant_id uuid PRIMARY KEY DEFAULT casnet.current_tenant_id(), body text);
CREATE TABLE public.unaudited (tenant_id uuid, id int, PRIMARY KEY (tenant_id, id));
CREATE TABLE public.keyless (tenant_id uuid, id int);
GRANT ALL ON public.own, public.one TO casnet_user;
SELECT casnet.enable_audit(r) FROM unnest('{casnet.records,casnet.record_tags,casnet.tenants,casnet.user_tenants,public.own,public.one}'::regclass[]) AS r;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT '00000000-0000-7000-8000-000000000110' AS record, '00000000-0000-7000-8000-000000000190' AS tag \gset
SELECT id AS record FROM casnet.records WHERE title = 'North record 1' \gset
SELECT id AS tag FROM casnet.tags \gset
UPDATE casnet.records SET title = 'first' WHERE id = :'record';
UPDATE casnet.records SET title = 'second', content = 'c' WHERE id = :'record';
DELETE FROM casnet.record_tags WHERE record_id = :'record';
INSERT INTO casnet.records (title) VALUES ('other');
CALL be('olga', 'North');
DELETE FROM casnet.records WHERE id = :'record';

-- Who, when, what, before and after.
SELECT results_eq(format('SELECT username, user_id, role, action FROM casnet.history(''casnet.records'', %L)', :'record'),
	format('VALUES (''olga'', %L::uuid, ''tap_app'', ''DELETE''), (''mia'', %L, ''tap_app'', ''UPDATE''), (''mia'', %2$L, ''tap_app'', ''UPDATE'')', :'olga', :'mia'), 'a record');
SELECT results_eq(format('SELECT before->>''title'', after FROM casnet.history(''casnet.records'', %L)', :'record'),
	$$VALUES ('second', NULL), ('first', '{"title": "second", "content": "c"}'::jsonb), ('North record 1', '{"title": "first"}')$$, 'before and after');
SELECT ok(bool_and(at BETWEEN now() AND clock_timestamp() AND transaction_id = pg_current_xact_id()::text::bigint), 'when') FROM casnet.history('casnet.records', :'record');
SELECT results_eq(format('SELECT (h).id FROM (SELECT casnet.history(''casnet.records'', %L)) AS x (h)', :'record'),
	format('SELECT id FROM casnet.audit_log() WHERE row_key->>''id'' = %L', :'record'), 'the entries of audit_log()');

-- By pages.
WITH RECURSIVE page AS (
	SELECT 1 AS n, h.* FROM casnet.history('casnet.records', :'record', max_rows => 1) AS h
	UNION ALL
	SELECT p.n + 1, h.* FROM page AS p, casnet.history('casnet.records', :'record', p.at, 1, p.id) AS h
) SELECT is((SELECT array_agg(action ORDER BY n) FROM page), '{DELETE,UPDATE,UPDATE}', 'by pages');
SELECT throws_ok(format('SELECT casnet.history(''casnet.records'', %L, %s)', :'record', a), '22023', NULL, a) FROM unnest(ARRAY['max_rows => 0', 'max_rows => NULL', $a$before_id => '00000000-0000-7000-8000-000000000001'$a$]) AS a;

-- Each way to say which row.
SELECT is((SELECT count(*) FROM casnet.history('casnet.records', k)), 3::bigint, replace(k, E'\n', ' '))
  FROM unnest(ARRAY[:'record', upper(:'record'), format('{"id": %s}', to_json(:'record'::text)), format(E' \n{"id": "%s", "tenant_id": "%s"}', upper(:'record'), :'north')]) AS k;
SELECT is((SELECT count(*) FROM casnet.history('casnet.records', :'record'::uuid)), 3::bigint, 'a uuid');
SELECT is((SELECT array_agg(action) FROM casnet.history('casnet.record_tags', jsonb_build_object('record_id', :'record', 'tag_id', :'tag')::text)), '{DELETE}', 'a link by both ids');
PREPARE by_uuid(uuid) AS SELECT count(*) FROM casnet.history('casnet.records', $1);
SELECT results_eq(format('EXECUTE by_uuid(%L)', :'record'), ARRAY[3::bigint], 'a parameter');
SELECT is((SELECT array_agg(DISTINCT h.action) FROM casnet.audit_log() AS l, LATERAL casnet.history(l.relation::regclass, l.row_key::text) AS h WHERE l.relation = 'casnet.record_tags'), '{DELETE}', 'the key of an entry');
SELECT throws_ok(format('SELECT casnet.history(%s)', a), c, m, a) FROM (VALUES
	($$'casnet.record_tags', '00000000-0000-7000-8000-0000000000a0'$$, '22023', 'this is no key of table casnet.record_tags'),
	($$'casnet.record_tags', '{"record_id": "00000000-0000-7000-8000-0000000000a0"}'$$, '22023', 'this is no key of table casnet.record_tags'),
	($$'casnet.records', '{"id": null}'$$, '22023', 'this is no key of table casnet.records'),
	($$'casnet.records', '{"id": "00000000-0000-7000-8000-0000000000a0", "title": "x"}'$$, '22023', 'this is no key of table casnet.records'),
	($$'casnet.records', '{}'$$, '22023', 'this is no key of table casnet.records'),
	($$'casnet.records', NULL::text$$, '22023', 'the key of the row is null'),
	($$'casnet.records', NULL::uuid$$, '22023', 'the key of the row is null'),
	($$'casnet.records', 'x'$$, '22023', NULL), ($$'casnet.records', '{'$$, '22023', NULL),
	($$NULL, 'x'$$, 'P0002', 'there is no such table'), ($$1, 'x'$$, 'P0002', 'there is no such table'),
	($$'casnet.users', '00000000-0000-7000-8000-0000000000a0'$$, '42809', 'rows of table casnet.users belong to no tenant'),
	($$'public.keyless', '1'$$, '55000', NULL),
	($$'public.unaudited', '1'$$, '55000', 'changes of table public.unaudited are not recorded')) AS v (a, c, m);

-- Keys of other types, as they are typed.
INSERT INTO public.own VALUES (DEFAULT, '2026-01-01 12:00+02', 'green', 3, 1.5, 'x');
INSERT INTO public.one VALUES (DEFAULT, 'x');
SET LOCAL timezone = 'Asia/Tokyo';
SELECT is((SELECT count(*) FROM casnet.history('public.own', '{"at": "2026-01-01 19:00", "c": "green", "s": "3", "a": 1.5}')), 1::bigint, 'a key of four types');
SELECT is((SELECT count(*) FROM casnet.history('public.one', :'north')), 1::bigint, 'the tenant itself');
SELECT is((SELECT count(*) FROM casnet.history('public.own', '{"at": "2026-01-01 19:00", "c": "green", "s": 11, "a": 1.5}')), 0::bigint, 'no value of the domain');

-- Of the active tenant only, and for view_analytics.
SELECT is((SELECT count(*) FROM casnet.history('casnet.records', jsonb_build_object('id', :'record', 'tenant_id', :'south')::text)), 0::bigint, 'no other tenant''s');
CALL be('otto', 'South');
SELECT is((SELECT count(*) FROM casnet.history('casnet.records', k)), 0::bigint, 'nor of the active one') FROM unnest(ARRAY[:'record', jsonb_build_object('id', :'record', 'tenant_id', :'north')::text]) AS k;
CALL be('mia', 'North');
SELECT throws_ok(format('SELECT casnet.history(''casnet.records'', %L)', :'record'), '42501', 'permission "view_analytics" is missing in the active tenant', 'who sees records today does not see what they were');
CALL be('olga', 'South');
SELECT throws_ok(format('SELECT casnet.history(''casnet.records'', %L::uuid)', :'record'), '42501', 'not a member of the active tenant', 'nor somebody from elsewhere');
CALL be(NULL);
SELECT throws_ok(format('SELECT casnet.history(''casnet.records'', %L)', :'record'), '28000', 'nobody is signed in', 'nor nobody');
SELECT * FROM finish();
ROLLBACK;
