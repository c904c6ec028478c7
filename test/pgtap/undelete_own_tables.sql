-- Rows of tables of the application come back as well, with columns of every kind, in an
-- order that their keys allow; so does what they took with them.
BEGIN;
SELECT plan(27);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TYPE public.color AS ENUM ('red', 'green');
CREATE DOMAIN public.small AS int NOT NULL DEFAULT 1 CHECK (VALUE < 10);
CREATE TYPE public.pair AS (a int, b text);
CREATE TABLE public."Kinds of" (
	id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(), gone int,
	a smallint, b bigint, c numeric(20,5), d real, e double precision, f boolean, g char(5), h varchar(7), i text, j bytea,
	k date, l time, m timetz, n timestamp, o timestamptz, p interval, q int[], r text[][], s jsonb, t json, u public.color,
	v public.small, w public.pair, x public.pair[], y int4range, z inet, aa bit(3), bb xml, cc money, dd tstzrange, ee uuid[], "Odd ""name" text,
	made int GENERATED ALWAYS AS (a * 2) STORED, added text DEFAULT 'later', hidden text DEFAULT 'default', password text);
ALTER TABLE public."Kinds of" DROP COLUMN gone;
CREATE TABLE public.tree (tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(), id int, parent int, PRIMARY KEY (tenant_id, id),
	FOREIGN KEY (tenant_id, parent) REFERENCES public.tree ON DELETE CASCADE);
-- The first by name refers to the others, and the middle one to the last.
CREATE TABLE public.c_root (tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(), id int, PRIMARY KEY (tenant_id, id)) PARTITION BY LIST (id);
CREATE TABLE public.c_root_1 PARTITION OF public.c_root DEFAULT;
CREATE TABLE public.b_middle (tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(), id int, root int, PRIMARY KEY (tenant_id, id),
	FOREIGN KEY (tenant_id, root) REFERENCES public.c_root ON DELETE CASCADE);
CREATE TABLE public.a_leaf (tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(), id int, root int, middle int, note text, PRIMARY KEY (id),
	FOREIGN KEY (tenant_id, root) REFERENCES public.c_root ON DELETE CASCADE, FOREIGN KEY (tenant_id, middle) REFERENCES public.b_middle ON DELETE CASCADE);
CREATE TABLE public.noted (tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(), id int, middle int DEFAULT 0, PRIMARY KEY (tenant_id, id),
	FOREIGN KEY (tenant_id, middle) REFERENCES public.b_middle ON DELETE SET DEFAULT (middle));
SELECT casnet.protect(t, 'cases') FROM unnest('{"public.\"Kinds of\"",public.tree,public.c_root,public.b_middle,public.a_leaf,public.noted}'::regclass[]) AS t;
SELECT casnet.enable_audit('public."Kinds of"', '{hidden}');
SELECT casnet.enable_audit(t) FROM unnest('{public.tree,public.c_root,public.b_middle,public.a_leaf,public.noted}'::regclass[]) AS t;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');

SET LOCAL timezone = 'Asia/Tokyo';
SET LOCAL datestyle = 'SQL, DMY';
SET LOCAL intervalstyle = 'sql_standard';
INSERT INTO public."Kinds of" (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, aa, bb, cc, dd, ee, "Odd ""name", hidden, password)
VALUES (1, -9223372036854775808, 'NaN', 0.1, 1e-300, true, 'ab', '', E'\\\n"', '\x00ff', '-infinity', '24:00', '12:00+09', '0044-03-15 BC', 'infinity', '-1 mon 2 days -00:00:01.5',
	'[2:3]={1,NULL}', '{{a,NULL},{"",NULL}}', '[1.10, {"x": null}]', '{"b":1,"a":[]}', 'green', 9, '(1,"x,y")', ARRAY[ROW(1, NULL)::public.pair, NULL], '[1,5)', '10.0.0.1/8', B'101', '<a>é</a>', 12.34,
	'[2024-01-01 00:00,)', ARRAY[:'olga', NULL]::uuid[], 'odd', 'secret', 'secret'), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
	1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, DEFAULT, DEFAULT);
CREATE TEMP TABLE kinds AS SELECT * FROM public."Kinds of";
SET LOCAL datestyle = 'German';
SET LOCAL intervalstyle = 'iso_8601';
DELETE FROM public."Kinds of";
SELECT is(casnet.undelete('public."Kinds of"', id::text), 1::bigint, 'row ' || id) FROM kinds ORDER BY id;
SELECT results_eq('SELECT to_jsonb(one) - ''{hidden,password}''::text[] FROM public."Kinds of" AS one ORDER BY id', 'SELECT to_jsonb(one) - ''{hidden,password}''::text[] FROM kinds AS one ORDER BY id', 'values of every type');
SELECT results_eq('SELECT i, j, p::text, u, w::text, x::text, o::text, bb::text, "Odd ""name" FROM public."Kinds of" ORDER BY id', 'SELECT i, j, p::text, u, w::text, x::text, o::text, bb::text, "Odd ""name" FROM kinds ORDER BY id', 'as text, too');
SELECT is((SELECT array_agg(DISTINCT hidden || coalesce(password, '')) FROM public."Kinds of"), '{default}', 'what the audit leaves out does not come from it');
RESET SESSION AUTHORIZATION;
ALTER TABLE public."Kinds of" ALTER hidden SET NOT NULL, ALTER hidden DROP DEFAULT;
SET LOCAL SESSION AUTHORIZATION tap_app;
DELETE FROM public."Kinds of" WHERE a = 1;
SELECT matches(error_of('SELECT casnet.undelete(''public."Kinds of"'', ''1'')'), '^23502 .* The audit does not have the value of this column. Give one in changes.', 'and may be needed');
SELECT is(casnet.undelete('public."Kinds of"', '1', changes => '{"hidden": "given", "password": "new"}'), 1::bigint, 'from the caller');
SELECT is((SELECT hidden || password FROM public."Kinds of" WHERE a = 1), 'givennew', 'as given');
DELETE FROM public."Kinds of" WHERE a = 1;
RESET SESSION AUTHORIZATION;
ALTER TABLE public."Kinds of" DROP COLUMN bb, DROP COLUMN i;
ALTER TABLE public."Kinds of" ADD fresh int NOT NULL DEFAULT 7;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT matches(error_of('SELECT casnet.undelete(''public."Kinds of"'', ''1'', changes => ''{"hidden": "x", "i": null}'')'), '^55000 \| table public."Kinds of" no longer has the column "bb" of the row .*To leave its value out, undelete the row by itself with null for the column in changes.', 'a column that is gone');
SELECT is(casnet.undelete('public."Kinds of"', '1', false, '{"hidden": "x", "bb": null, "i": null}'), 1::bigint, 'can be left out');
SELECT is((SELECT fresh FROM public."Kinds of" WHERE a = 1), 7, 'and a new one has its default');

-- Trees and tables that refer to each other.
INSERT INTO public.tree (id, parent) VALUES (1, NULL), (2, 1), (3, 2), (4, 3), (5, 1), (6, NULL);
DELETE FROM public.tree WHERE id = 1;
SELECT is(casnet.undelete('public.tree', '1'), 5::bigint, 'a tree');
SELECT is((SELECT array_agg(id || coalesce('<' || parent, '') ORDER BY id) FROM public.tree), '{1,2<1,3<2,4<3,5<1,6}', 'with its branches');
INSERT INTO public.c_root (id) VALUES (1), (2);
INSERT INTO public.b_middle (id, root) VALUES (0, NULL), (1, 1), (2, 1), (3, 2);
INSERT INTO public.a_leaf (id, root, middle, note) VALUES (1, 1, 1, 'x'), (2, 1, NULL, 'y'), (3, NULL, 2, 'z'), (4, 2, 3, '');
INSERT INTO public.noted (id, middle) VALUES (1, 1), (2, 2), (3, 3);
CREATE TEMP TABLE leaves AS SELECT * FROM public.a_leaf;
DELETE FROM public.c_root WHERE id = 1;
SELECT is((SELECT array_agg(id || ':' || middle ORDER BY id) FROM public.noted), '{1:0,2:0,3:3}', 'set to the default');
SELECT is(casnet.undelete('public.c_root_1', '1'), 8::bigint, 'a row of a partition, with the rows of three tables');
SELECT bag_eq('SELECT * FROM public.a_leaf', 'SELECT * FROM leaves', 'leaves');
SELECT is((SELECT array_agg(id || coalesce(':' || root, '') ORDER BY id) FROM public.b_middle), '{0,1:1,2:1,3:2}', 'the middle');
SELECT is((SELECT array_agg(id || ':' || middle ORDER BY id) FROM public.noted), '{1:1,2:2,3:3}', 'and what was set to the default');

-- Another name for the tenant, which is no part of the key.
RESET SESSION AUTHORIZATION;
CREATE TABLE public.invoices (id int PRIMARY KEY, company uuid NOT NULL, note text);
SELECT casnet.protect('public.invoices', 'cases', tenant_column => 'company');
SELECT casnet.enable_audit('public.invoices');
SET LOCAL SESSION AUTHORIZATION tap_app;
INSERT INTO public.invoices (id, note) VALUES (1, 'x');
DELETE FROM public.invoices;
SELECT is(state_of(format('SELECT casnet.undelete(''public.invoices'', ''1'', changes => ''{"company": "%s"}'')', :'south')), '22023', 'the tenant stays');
SELECT is(casnet.undelete('public.invoices', '1', changes => '{"note": "y"}'), 1::bigint, 'a table that names it otherwise');
SELECT is((SELECT company || note FROM public.invoices), :'north' || 'y', 'in its tenant');

-- A type whose cast to json is not what its input function takes.
RESET SESSION AUTHORIZATION;
CREATE TYPE public.pairs;
CREATE FUNCTION public.pairs_in(cstring) RETURNS public.pairs LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION public.pairs_out(public.pairs) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE public.pairs (INPUT = public.pairs_in, OUTPUT = public.pairs_out, LIKE = text);
CREATE FUNCTION public.pairs_json(public.pairs) RETURNS json LANGUAGE sql IMMUTABLE AS $$ SELECT '{"a": "b"}'::json $$;
CREATE CAST (public.pairs AS json) WITH FUNCTION public.pairs_json(public.pairs);
ALTER TABLE public.invoices ADD p public.pairs;
SET LOCAL SESSION AUTHORIZATION tap_app;
UPDATE public.invoices SET p = 'a=>b';
DELETE FROM public.invoices;
SELECT alike(error_of('SELECT casnet.undelete(''public.invoices'', ''1'')'), '55000 | the audit has column "p" of table public.invoices in another form than its type takes | %', 'does not come back');
SELECT is(casnet.undelete('public.invoices', '1', changes => '{"p": "a=>b"}'), 1::bigint, 'but from the caller');
SELECT is((SELECT p::text FROM public.invoices), 'a=>b', 'in its form');

-- A table without casnet's policies: its privileges decide, and the tenant.
RESET SESSION AUTHORIZATION;
CREATE TABLE public.bare (tenant_id uuid NOT NULL, id int PRIMARY KEY);
GRANT SELECT, INSERT ON public.bare TO casnet_user;
SELECT casnet.enable_audit('public.bare');
INSERT INTO public.bare VALUES (:'north', 1), (:'south', 2);
DELETE FROM public.bare;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(casnet.undelete('public.bare', '1'), 1::bigint, 'of the active tenant');
SELECT is(state_of('SELECT casnet.undelete(''public.bare'', ''2'')'), 'P0002', 'of another one');
RESET SESSION AUTHORIZATION;
DELETE FROM public.bare;
CREATE FUNCTION public.never() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER never BEFORE INSERT ON public.bare FOR EACH ROW EXECUTE FUNCTION public.never();
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT matches(error_of('SELECT casnet.undelete(''public.bare'', ''1'')'), '^55000 \| a row of table public.bare did not come back .*A trigger or a rule of the table keeps it.', 'a trigger keeps it');
SELECT * FROM finish();
ROLLBACK;
