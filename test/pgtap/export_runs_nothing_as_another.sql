-- An export of tables with code of another role runs none of it with other rights, whoever
-- exports.  Values pass through no casts.
BEGIN;
SELECT plan(10);
\ir include/fixtures.sql
\ir include/hostile.sql
SET LOCAL SESSION AUTHORIZATION tap_evil;
CALL h.make('t', 'tenant_id uuid NOT NULL DEFAULT ''00000000-0000-7000-8000-0000000000a0'', shades h.shade[] DEFAULT ''{dark}'', pair h.pair,');
RESET SESSION AUTHORIZATION;
SET CONSTRAINTS ALL IMMEDIATE;
SELECT casnet.protect('h.t') IS NOT NULL AS made \gset
GRANT USAGE, CREATE ON SCHEMA casnet TO tap_evil;
GRANT USAGE ON SCHEMA casnet_internal TO tap_evil;
GRANT EXECUTE ON FUNCTION casnet.uuid_v7(), casnet.current_tenant_id() TO tap_evil;
ALTER TABLE casnet.tags OWNER TO tap_evil;
SET LOCAL SESSION AUTHORIZATION tap_evil;
ALTER TABLE casnet.tags ADD COLUMN shade h.shade DEFAULT 'dark', ADD COLUMN own h.id, ADD COLUMN n h.number DEFAULT 1, ADD CHECK (h.evil('check of tags') = 1);
CREATE INDEX ON casnet.tags (name) WHERE h.evil('index predicate of tags') = 1;
CREATE POLICY own ON h.t USING (h.now('policy') = 1);
RESET SESSION AUTHORIZATION;
SELECT h.rose() IS NOT NULL AS begun \gset
SELECT is((SELECT string_agg(d::text, ' ') FROM casnet.export_tenant(:'north', true) AS d WHERE d->>'table' = 'h.t'),
	'{"row": {"n": "1", "id": 1, "own": "00000000-0000-7000-8000-0000000000a0", "pair": null, "said": 1, "shade": "dark", "shades": "{dark}"}, "table": "h.t"} {"row": {"n": "1", "id": 2, "own": "00000000-0000-7000-8000-0000000000a0", "pair": null, "said": 1, "shade": "dark", "shades": "{dark}"}, "table": "h.t"}', 'a superuser exports');
SELECT is(h.rose(), 'no', 'code in the tables runs as their owner');
SELECT is((SELECT d#>>'{row,shade}' FROM casnet.export_tenant(:'north') AS d WHERE d->>'table' = 'tags'), 'dark', 'a table of casnet that is the role''s');
SELECT is(h.rose(), 'no', 'likewise');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT is((SELECT count(*) FROM casnet.export_tenant(own_tables => true)), 18::bigint, 'a user exports');
RESET SESSION AUTHORIZATION;
SELECT is(h.rose(), 'no', 'code in the tables runs as their owner');

-- A partition of another role.
CREATE TABLE public.parted (tenant_id uuid NOT NULL) PARTITION BY LIST (tenant_id);
CREATE TABLE public.part PARTITION OF public.parted DEFAULT;
SELECT casnet.protect('public.parted') IS NOT NULL AS made \gset
ALTER TABLE public.part OWNER TO tap_evil;
SELECT is(error_of(format('SELECT casnet.export_tenant(%L, true)', :'north')), format('55000 | partition public.part belongs to another role than table public.parted |  | ALTER TABLE public.part OWNER TO %I | ', current_user), 'a partition of another role is not read');
SELECT is((SELECT count(*) FROM casnet.export_tenant(:'north')), 16::bigint, 'unless it is left out');
DROP TABLE public.parted;
SELECT lives_ok(format('SELECT casnet.export_tenant(%L, true)', :'north'), 'as before');
SELECT throws_ok($$SELECT casnet_internal.table_documents(1::regclass, 'x', 'tenant_id', '{a}', '{text}', '00000000-0000-7000-8000-0000000000b0', '{}')$$, '42P01', NULL, 'no table');
SELECT * FROM finish();
ROLLBACK;
