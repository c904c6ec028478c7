-- An import refuses documents with columns or tables that this database lacks, and names them
-- all.  It leaves them out on request.
BEGIN;
SELECT plan(26);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.notes (id uuid, body text);
SELECT casnet.protect('public.notes') IS NOT NULL AS made \gset
ALTER TABLE casnet.records ADD COLUMN confidential boolean DEFAULT true, ADD COLUMN "odd ""name" numeric(3, 1);
ALTER TABLE casnet.tenants ADD COLUMN plan text;
ALTER TABLE casnet.user_tenants ADD COLUMN job text;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
INSERT INTO public.notes VALUES ('00000000-0000-7000-8000-00000000e001', 'a');
UPDATE casnet.records SET confidential = false WHERE title = 'North record 1';
CREATE TABLE public.e AS SELECT n, d FROM casnet.export_tenant(own_tables => true) WITH ORDINALITY AS e (d, n);
RESET SESSION AUTHORIZATION;
ALTER TABLE casnet.records DROP COLUMN confidential, DROP COLUMN "odd ""name";
ALTER TABLE casnet.tenants DROP COLUMN plan;
ALTER TABLE casnet.user_tenants DROP COLUMN job;
SELECT casnet.unprotect('public.notes') IS NOT NULL AS undone \gset

SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga');
\set told '22023 | this database lacks tables or columns of the documents | column members.job text\ncolumn records.confidential boolean\ncolumn records.odd "name numeric(3,1)\ncolumn tenants.plan text\ntable public.notes, which is there and not protected | Make and protect the tables, and add the columns. Or leave them out with skip_unknown => true. | '
SELECT is(error_of($$SELECT casnet.import_tenant('public.e', 'Copy')$$), replace(:'told', '\n', E'\n'), 'all of them');
SELECT is(error_of($$SELECT casnet.import_tenant('public.e', 'Copy', skip_unknown => NULL)$$), replace(:'told', '\n', E'\n'), 'NULL is no request');
SET LOCAL client_min_messages = error;
SELECT casnet.import_tenant('public.e', 'Copy', keep_ids => true, skip_unknown => true) AS copy \gset
SET LOCAL client_min_messages = warning;
SET LOCAL casnet.tenant_id = :'copy';
SELECT is((SELECT count(*) FROM casnet.records), 3::bigint, 'they are left out on request');
SELECT is((SELECT string_agg(username, ' ' ORDER BY username) FROM casnet.members()), 'adam ines mia olga vic', 'and all else is there');
SELECT bag_eq($$SELECT (d->'row')::text FROM casnet.export_tenant() AS d WHERE d ? 'row'$$, $$SELECT ((d->'row') - ARRAY['confidential', 'odd "name', 'job'])::text FROM public.e WHERE d ? 'row' AND d->>'table' <> 'public.notes'$$, 'as it was');
-- With other columns there.
RESET SESSION AUTHORIZATION;
ALTER TABLE casnet.records ADD COLUMN confidential text NOT NULL DEFAULT 'yes', ADD COLUMN later integer NOT NULL DEFAULT 7, ADD COLUMN "odd ""name" numeric;
ALTER TABLE casnet.tenants ADD COLUMN plan text;
ALTER TABLE casnet.user_tenants ADD COLUMN job text;
SELECT casnet.protect('public.notes', tenant_id => :'south') IS NOT NULL AS made \gset
SET LOCAL SESSION AUTHORIZATION tap_app;
SET LOCAL client_min_messages = error;
SELECT is(error_of($$SELECT casnet.import_tenant('public.e', 'Other')$$) ~ '^22023 . document \d+ .records .*"confidential" of "row" is no string', true, 'a column of another type takes what fits');
RESET SESSION AUTHORIZATION;
ALTER TABLE casnet.records DROP COLUMN confidential;
ALTER TABLE casnet.records ADD COLUMN confidential boolean NOT NULL DEFAULT true, ADD COLUMN reason text NOT NULL DEFAULT '';
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT casnet.import_tenant('public.e', 'Other') AS other \gset
SET LOCAL casnet.tenant_id = :'other';
SELECT results_eq('SELECT title, confidential, later FROM casnet.records ORDER BY 1', $$VALUES ('North record 1', false, 7), ('North record 2', true, 7), ('North record 3', true, 7)$$, 'a column that the documents lack has its default');
SELECT is((SELECT count(*) FROM public.notes), 1::bigint, 'a table that is protected here is filled');
RESET SESSION AUTHORIZATION;
ALTER TABLE casnet.records ALTER COLUMN later DROP DEFAULT, ALTER COLUMN reason DROP DEFAULT;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(error_of($$SELECT casnet.import_tenant('public.e', 'Third')$$), E'22023 | the documents lack columns that have no default in this database | records.later\nrecords.reason | Give the columns a default, or take documents of a database that has them. | ', 'unless there is none');
RESET SESSION AUTHORIZATION;
ALTER TABLE casnet.records ALTER COLUMN later SET DEFAULT 7, ALTER COLUMN reason SET DEFAULT '';

-- What the header says counts, and a header that says nothing of the kind is refused.
CREATE FUNCTION public.wrong(change text, n bigint DEFAULT 1) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	DROP TABLE IF EXISTS w;
	EXECUTE format('CREATE TEMP TABLE w AS SELECT CASE n WHEN %L THEN %s ELSE d END AS d FROM public.e ORDER BY n', n, change);
	RETURN regexp_replace(regexp_replace(public.error_of($q$SELECT casnet.import_tenant('w', 'Wrong')$q$), ' \| Import .*', ''), E'\n', ' ', 'g');
END
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(public.wrong('d'), 'none', 'unchanged');
SELECT is(public.wrong($$d - 'columns'$$), '22023 | document 1 cannot be imported | It lacks the key "columns".', 'no columns');
SELECT is(public.wrong($$d - 'left_out'$$), '22023 | document 1 cannot be imported | It lacks the key "left_out".', 'nothing of what is left out');
SELECT is(public.wrong($$jsonb_set(d, '{columns}', '[]')$$), '22023 | document 1 cannot be imported | "columns" does not name the type of each column of each table.', 'a list');
SELECT is(public.wrong($$jsonb_set(d, '{columns,records}', '["title"]')$$), '22023 | document 1 cannot be imported | "columns" does not name the type of each column of each table.', 'a list of columns');
SELECT is(public.wrong($$jsonb_set(d, '{columns,records,title}', '1')$$), '22023 | document 1 cannot be imported | "columns" does not name the type of each column of each table.', 'a number for a type');
SELECT is(public.wrong($$jsonb_set(d, ARRAY['columns', 'records', repeat('x', 64)], '"text"')$$), '22023 | document 1 cannot be imported | "columns" does not name the type of each column of each table.', 'a long name');
SELECT is(public.wrong($$jsonb_set(d, '{columns}', '{}')$$), '22023 | document 1 cannot be imported | "tenant" has the unknown key "plan".', 'no tables');
SELECT is(public.wrong($$d #- '{columns,records,confidential}'$$), '22023 | document 8 (records 00000000-0000-7000-8000-0000000001a0) cannot be imported | "row" has the unknown key "confidential".', 'a key that is not in the header');
SELECT is(public.wrong($$d #- '{columns,records}'$$), '22023 | document 8 (records 00000000-0000-7000-8000-0000000001a0) cannot be imported | Its header names no table "records".', 'a table that is not');
SELECT is(public.wrong($$jsonb_set(d, '{columns,records,extra}', '"text"')$$), '22023 | this database lacks tables or columns of the documents | column records.extra text | Make and protect the tables, and add the columns. Or leave them out with skip_unknown => true. | ', 'a column that is only there');
SELECT is(public.wrong($$d #- '{columns,records,title}'$$), '22023 | the documents lack columns that have no default in this database | records.title | Give the columns a default, or take documents of a database that has them. | ', 'a column that every record needs');
SELECT is(public.wrong($$jsonb_set(d, '{columns,casnet.users}', '{"is_superuser": "boolean"}')$$), '22023 | this database lacks tables or columns of the documents | table casnet.users | Make and protect the tables, and add the columns. Or leave them out with skip_unknown => true. | ', 'a table that is not of a tenant');
SELECT is(public.wrong($$jsonb_set(d, '{columns,members,user_id}', '"uuid"')$$), '22023 | this database lacks tables or columns of the documents | column members.user_id uuid | Make and protect the tables, and add the columns. Or leave them out with skip_unknown => true. | ', 'a column of members that is not added');
SELECT is(public.wrong($$jsonb_set(d, '{columns,tenants,updated_at}', '"timestamptz"')$$), '22023 | this database lacks tables or columns of the documents | column tenants.updated_at timestamptz | Make and protect the tables, and add the columns. Or leave them out with skip_unknown => true. | ', 'nor of the tenant');
SELECT is(public.wrong($$d #- '{row,title}'$$, 8), '22023 | document 8 (records 00000000-0000-7000-8000-0000000001a0) cannot be imported | "row" lacks the key "title".', 'a key that is only in the header');
SELECT matches(public.wrong($$jsonb_set(d, '{columns}', (d->'columns') || (SELECT jsonb_object_agg('other.t' || n, '{}'::jsonb) FROM generate_series(100, 1099) AS n))$$), '[|] table other.t100 .* table other.t1044 and 950 more [|]', 'any number of tables that are not there');
SELECT * FROM finish();
ROLLBACK;
