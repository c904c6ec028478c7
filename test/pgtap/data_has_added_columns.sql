-- Columns that somebody has added to tables of casnet go out with an export and come in with
-- an import, whatever their types.  Values pass through no code of a type's owner.
BEGIN;
SELECT plan(24);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_maker;
CREATE SCHEMA shop AUTHORIZATION tap_maker;
GRANT USAGE ON SCHEMA shop TO PUBLIC;
CREATE DOMAIN public.anything AS jsonb;
CREATE DOMAIN public.something AS public.anything CHECK (VALUE <> '0');
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE DOMAIN shop.grade AS integer CHECK (VALUE > 0);
CREATE TYPE shop.shade AS ENUM ('dark', 'light');
CREATE TYPE shop.pair AS (a shop.shade, b integer);
CREATE FUNCTION shop.stolen(shop.shade) RETURNS json LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''ran as %'', current_user; END';
CREATE FUNCTION shop.stolen_text(shop.shade) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''ran as %'', current_user; END';
CREATE FUNCTION shop.made(text) RETURNS shop.shade LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''ran as %'', current_user; END';
CREATE CAST (shop.shade AS json) WITH FUNCTION shop.stolen(shop.shade) AS IMPLICIT;
CREATE CAST (shop.shade AS text) WITH FUNCTION shop.stolen_text(shop.shade) AS IMPLICIT;
CREATE CAST (text AS shop.shade) WITH FUNCTION shop.made(text) AS IMPLICIT;
RESET SESSION AUTHORIZATION;
ALTER TABLE casnet.records ADD COLUMN gone text, ADD COLUMN confidential boolean NOT NULL DEFAULT true, ADD COLUMN "odd % 'name" varchar(5), ADD COLUMN n numeric(20, 3), ADD COLUMN f float8, ADD COLUMN i bigint,
	ADD COLUMN list text[], ADD COLUMN span interval, ADD COLUMN local timestamp, ADD COLUMN at timestamptz, ADD COLUMN day date, ADD COLUMN bytes bytea, ADD COLUMN j json, ADD COLUMN b jsonb, ADD COLUMN bb jsonb NOT NULL DEFAULT 'null',
	ADD COLUMN shade shop.shade, ADD COLUMN shades shop.shade[], ADD COLUMN pair shop.pair, ADD COLUMN period tstzrange, ADD COLUMN twice text GENERATED ALWAYS AS (title || title) STORED,
	ADD COLUMN created_by uuid REFERENCES casnet.users, ADD COLUMN parent_id uuid, ADD COLUMN other uuid, ADD COLUMN relation regclass, ADD COLUMN grade shop.grade NOT NULL DEFAULT 3, ADD COLUMN free public.something;
ALTER TABLE casnet.records DROP COLUMN gone, ADD FOREIGN KEY (parent_id, tenant_id) REFERENCES casnet.records (id, tenant_id);
ALTER TABLE casnet.tenants ADD COLUMN plan text;
ALTER TABLE casnet.user_tenants ADD COLUMN job text DEFAULT 'none', ADD COLUMN manager uuid REFERENCES casnet.users;
UPDATE casnet.tenants SET plan = 'free' WHERE id = :'north';
UPDATE casnet.user_tenants SET job = 'doctor', manager = :'olga' WHERE user_id = :'mia' AND tenant_id = :'north';
UPDATE casnet.user_tenants SET job = NULL WHERE user_id = :'vic' AND tenant_id = :'north';
DELETE FROM casnet.records WHERE tenant_id = :'north';
INSERT INTO casnet.records (id, tenant_id, title, confidential, "odd % 'name", n, f, i, list, span, local, at, day, bytes, j, b, bb, shade, shades, pair, period, created_by, parent_id, other, relation, grade, free) VALUES
	('00000000-0000-7000-8000-00000000f002', :'north', 'two', false, E'\t"é\\''', 1.500, 0.1, 9223372036854775807, ARRAY['a', NULL, '', 'b"c', 'NULL'], '-1 year 2 mons -3 days +04:05:06.789', '0044-03-15 12:00:00.5 BC', '2024-02-29 23:59:59.999999Z', 'infinity',
		'\x00ff', '{"b": 1,  "a": [1.0], "a": 2}', 'null', '{"x": null}', 'dark', '{light,NULL}', '(dark,1)', '[2024-01-01 00:00:00Z,)', :'mia', '00000000-0000-7000-8000-00000000f003', '00000000-0000-7000-8000-00000000f003', 'casnet.tasks', 2, '{"a": 1}'),
	('00000000-0000-7000-8000-00000000f003', :'north', 'three', true, NULL, 'NaN', '-0', NULL, '[2:3]={x,y}', NULL, 'infinity', '-infinity', '0001-01-01 BC', '', 'null', NULL, 'null', NULL, '{}', NULL, 'empty', :'nora', NULL, NULL, NULL, 4, 'null'),
	('00000000-0000-7000-8000-00000000f004', :'north', 'four', true, '', -0.001, 'Infinity', 0, '{}', '00:00', '294276-12-31', NULL, NULL, NULL, NULL, '[1.50, "x"]', '"null"', NULL, NULL, '(,)', NULL, NULL, NULL, NULL, NULL, 5, NULL),
	('00000000-0000-7000-8000-00000000f005', :'north', 'five', true, NULL, NULL, 1e300, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '"null"', 'true', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 6, '"x"');
CREATE FUNCTION public.lines(tenant uuid) RETURNS SETOF text LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
BEGIN
	RETURN QUERY SELECT format('%s', (r.title, r.confidential, r."odd % 'name", r.n, r.f, r.i, r.list, r.span, r.local, r.at, r.day, r.bytes, r.j, r.b, r.bb, r.shade, r.shades, r.pair, r.period, r.twice, r.created_by, r.other, r.relation, r.grade, r.free, p.title))
		FROM casnet.records AS r LEFT JOIN casnet.records AS p ON p.id = r.parent_id AND p.tenant_id = r.tenant_id WHERE r.tenant_id = tenant ORDER BY r.title;
END
$$;
CREATE TEMP TABLE lines AS SELECT l FROM public.lines(:'north') AS l;
GRANT SELECT ON lines TO PUBLIC;

SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SET LOCAL datestyle = 'German';
SET LOCAL intervalstyle = 'sql_standard';
SET LOCAL extra_float_digits = -10;
SET LOCAL bytea_output = 'escape';
CREATE TABLE public.e AS SELECT d FROM casnet.export_tenant() AS d;
RESET datestyle; RESET intervalstyle; RESET extra_float_digits; RESET bytea_output;
SELECT results_eq('SELECT d::text FROM casnet.export_tenant() AS d', 'SELECT d::text FROM public.e', 'the settings of the session do not matter');
SELECT is((SELECT d#>'{columns,records}' FROM public.e WHERE d ? 'casnet') ?& '{confidential,"odd % ''name",shade,bb,relation}'::text[], true, 'the header names added columns');
SELECT is((SELECT (d#>'{columns,records}') ?| '{gone,twice,search_vector,tenant_id}' FROM public.e WHERE d ? 'casnet'), false, 'and none that is computed or dropped');
SELECT is((SELECT d#>>'{columns,records,shade}' || ' ' || (d#>>'{columns,records,n}') FROM public.e WHERE d ? 'casnet'), 'shop.shade numeric(20,3)', 'with their types');
SELECT is((SELECT (d->'row') - '{id,title,content,created_at,updated_at}'::text[] FROM public.e WHERE d#>>'{row,title}' = 'two'),
	'{"confidential": false, "odd % ''name": "\t\"é\\''", "n": 1.500, "f": 0.1, "i": 9223372036854775807, "list": "{a,NULL,\"\",\"b\\\"c\",\"NULL\"}", "span": "-10 mons -3 days +04:05:06.789", "local": "0044-03-15 12:00:00.5 BC", "at": "2024-02-29T23:59:59.999999Z",
	"day": "infinity", "bytes": "\\x00ff", "j": "{\"b\": 1,  \"a\": [1.0], \"a\": 2}", "b": null, "bb": {"x": null}, "shade": "dark", "shades": "{light,NULL}", "pair": "(dark,1)", "period": "[\"2024-01-01 00:00:00+00\",)", "created_by": "mia",
	"parent_id": "00000000-0000-7000-8000-00000000f003", "other": "00000000-0000-7000-8000-00000000f003", "relation": "casnet.tasks", "grade": "2", "free": "{\"a\": 1}"}'::jsonb, 'the values of a row');
SELECT is((SELECT (d->'row') ? 'b' FROM public.e WHERE d#>>'{row,title}' = 'three'), false, 'a jsonb that is NULL is left out');
SELECT is((SELECT d#>'{row,created_by}' FROM public.e WHERE d#>>'{row,title}' = 'three'), '{"id": "00000000-0000-7000-8000-000000000008"}', 'a user who is no member is an id');
SELECT is((SELECT d#>'{row,f}' FROM public.e WHERE d#>>'{row,title}' = 'three'), '"-0"', 'a number that JSON lacks');
SELECT is((SELECT d#>'{tenant,plan}' FROM public.e WHERE d ? 'casnet'), '"free"', 'of the tenant');
SELECT is((SELECT (d->'row') - '{created_at,email,permissions}'::text[] FROM public.e WHERE d#>>'{row,username}' = 'mia'), '{"username": "mia", "role": "member", "job": "doctor", "manager": "olga"}', 'of members');

SET LOCAL datestyle = 'SQL, DMY';
SET LOCAL intervalstyle = 'sql_standard';
SELECT casnet.import_tenant('public.e', 'Same', keep_ids => true) AS same \gset
SELECT casnet.import_tenant('public.e', 'New') AS new \gset
RESET datestyle; RESET intervalstyle;
SELECT results_eq(format('SELECT public.lines(%L)', :'same'), 'SELECT l FROM lines', 'each value comes in');
SELECT results_eq(format('SELECT public.lines(%L)', :'new'), 'SELECT l FROM lines', 'also with new ids, to which rows refer');
SELECT is_empty(format($$SELECT id FROM casnet.records WHERE tenant_id = %L INTERSECT SELECT id FROM casnet.records WHERE tenant_id = %L$$, :'new', :'north'), 'which are new');
SET LOCAL casnet.tenant_id = :'new';
SELECT results_eq($$SELECT u.username, m.job, w.name FROM casnet.user_tenants AS m JOIN casnet.users AS u ON u.id = m.user_id LEFT JOIN public.who AS w ON w.id = m.manager WHERE m.tenant_id = current_setting('casnet.tenant_id')::uuid ORDER BY 1$$,
	$$VALUES ('adam', 'none', NULL), ('ines', 'none', NULL), ('mia', 'doctor', 'olga'), ('olga', 'none', NULL), ('vic', NULL, NULL)$$, 'of members');
SELECT is((SELECT plan FROM casnet.tenants WHERE id = :'new'), NULL, 'what the caller may not write is left as it is');
RESET SESSION AUTHORIZATION;
SELECT casnet.sign_out();
SELECT casnet.import_tenant('public.e', 'Of a superuser') AS root \gset
SELECT is((SELECT plan FROM casnet.tenants WHERE id = :'root'), 'free', 'a superuser may');
SELECT results_eq(format('SELECT public.lines(%L)', :'root'), 'SELECT l FROM lines', 'and imports all else');

-- An import checks values as the types and the table do.
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga');
CREATE FUNCTION pg_temp.wrong(changed jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	DROP TABLE IF EXISTS w;
	CREATE TEMP TABLE w AS SELECT CASE d#>>'{row,title}' WHEN 'two' THEN jsonb_set(d, '{row}', (d->'row') || changed) ELSE d END AS d FROM public.e;
	RETURN regexp_replace(public.error_of($q$SELECT casnet.import_tenant('w', 'Copy')$q$), '^(.{5}) .*imported . (.*) . Import what.*', '\1 \2');
END
$$;
SELECT is(pg_temp.wrong('{"confidential": null}'), '22023 "confidential" of "row" is no boolean.', 'null where there is none');
SELECT is(pg_temp.wrong('{"odd % ''name": "longer"}'), '22023 value too long for type character varying(5)', 'a value that is too long');
SELECT is(pg_temp.wrong('{"shade": "red"}'), '22023 invalid input value for enum shop.shade: "red"', 'no such value');
SELECT is(pg_temp.wrong('{"free": "0"}'), '22023 value for domain public.something violates check constraint "something_check"', 'a value that a domain refuses');
SELECT is(pg_temp.wrong('{"grade": "0"}'), '22023 value for domain shop.grade violates check constraint "grade_check"', 'that of another role');
SELECT is(pg_temp.wrong('{"created_by": {"name": "mia"}}'), '22023 "created_by" of "row" is no name or object with an id.', 'no user');
SELECT is(pg_temp.wrong('{"parent_id": "00000000-0000-7000-8000-0000000001b0"}'), '22023 insert or update on table "records" violates foreign key constraint "records_parent_id_tenant_id_fkey"', 'a row of another tenant');
SELECT * FROM finish();
ROLLBACK;
