-- The view to load a protected table through follows the name, the schema and the columns of
-- the table, and triggers follow the name of the column with the tenant, whoever alters it.
BEGIN;
SELECT plan(40);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE SCHEMA app;
CREATE SCHEMA other;
CREATE ROLE tap_maker;
GRANT ALL ON SCHEMA app, other TO tap_maker;
GRANT USAGE ON SCHEMA app, other TO tap_app;
CREATE FUNCTION views() RETURNS text LANGUAGE sql AS $$SELECT string_agg(oid::regclass::text, ' ' ORDER BY oid::regclass::text) FROM pg_class WHERE relkind = 'v' AND relname ~ '_load$' AND relnamespace IN ('app'::regnamespace, 'other'::regnamespace)$$;
CREATE FUNCTION view_columns(name text) RETURNS text LANGUAGE sql AS $$SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod) || coalesce(' ' || pg_get_expr(adbin, adrelid), ''), ', ' ORDER BY attname)
	FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid = name::regclass AND attnum > 0$$;
CREATE TABLE app.notes (id uuid DEFAULT casnet.uuid_v7(), company uuid NOT NULL, body varchar(10), PRIMARY KEY (company, id));
CREATE TABLE app.lines (company uuid NOT NULL, id int, PRIMARY KEY (company, id)) PARTITION BY LIST (id);
CREATE TABLE app.line_1 PARTITION OF app.lines FOR VALUES IN (1);
CREATE TABLE app.line_2 PARTITION OF app.lines FOR VALUES IN (2);
ALTER TABLE app.notes OWNER TO tap_maker;
SELECT is((SELECT count(*) FROM pg_event_trigger WHERE evtname = 'casnet_follow'), 0::bigint, 'no event trigger without need');
SELECT casnet.protect('app.notes', tenant_column => 'company') = '{}' AS protected \gset
SELECT casnet.protect('app.lines', tenant_column => 'company') = '{}' AS protected \gset
SELECT is((SELECT obj_description(oid, 'pg_event_trigger') FROM pg_event_trigger WHERE evtname = 'casnet_follow'), 'casnet: views to load protected tables through follow the tables', 'one for protected tables');
GRANT INSERT ON app.notes_load TO tap_maker;

-- Its owner, who is no administrator, alters it.
SET LOCAL SESSION AUTHORIZATION tap_maker;
SELECT lives_ok('ALTER TABLE app.notes ADD COLUMN note text DEFAULT ''none''', 'a new column');
SELECT is(view_columns('app.notes_load'), 'body character varying(10), company uuid casnet.current_tenant_id(), id uuid casnet.uuid_v7(), note text ''none''::text', 'is in the view');
SELECT lives_ok('ALTER TABLE app.notes ALTER note SET DEFAULT ''some'', ALTER body TYPE text', 'another default and type');
SELECT is(view_columns('app.notes_load'), 'body text, company uuid casnet.current_tenant_id(), id uuid casnet.uuid_v7(), note text ''some''::text', 'are in the view');
SELECT lives_ok('ALTER TABLE app.notes RENAME COLUMN body TO words', 'a column gets another name');
SELECT is(view_columns('app.notes_load'), 'company uuid casnet.current_tenant_id(), id uuid casnet.uuid_v7(), note text ''some''::text, words text', 'in the view, too');
SELECT lives_ok('ALTER TABLE app.notes DROP COLUMN note', 'a column goes');
SELECT is(view_columns('app.notes_load'), 'company uuid casnet.current_tenant_id(), id uuid casnet.uuid_v7(), words text', 'from the view, too');
SELECT lives_ok('ALTER TABLE app.notes RENAME TO remarks', 'another name');
SELECT is(views(), 'app.lines_load app.remarks_load', 'is that of the view');
SELECT lives_ok('ALTER TABLE app.remarks SET SCHEMA other', 'another schema');
SELECT is(views(), 'app.lines_load other.remarks_load', 'is that of the view');
RESET SESSION AUTHORIZATION;
SELECT ok(has_table_privilege('tap_maker', 'other.remarks_load', 'INSERT') AND has_table_privilege('casnet_user', 'other.remarks_load', 'INSERT'), 'privileges on the view stay');
SELECT is((SELECT relowner::regrole::text FROM pg_class WHERE oid = 'other.remarks_load'::regclass), 'tap_maker', 'and its owner');

-- The column with the tenant.
SET LOCAL SESSION AUTHORIZATION tap_maker;
SELECT lives_ok('ALTER TABLE other.remarks RENAME COLUMN company TO "The firm"', 'the tenant gets another name');
RESET SESSION AUTHORIZATION;
SELECT lives_ok('ALTER TABLE app.lines RENAME COLUMN company TO firm', 'that of a partitioned table');
SELECT set_eq('SELECT relation::text, tenant_column::text FROM casnet.protected_tables', 'VALUES (''other.remarks'', ''The firm''), (''app.lines'', ''firm'')', 'it is known');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT lives_ok('INSERT INTO other.remarks_load (words) VALUES (''by the view'')', 'rows are loaded');
SELECT lives_ok('INSERT INTO other.remarks ("The firm", words) VALUES (NULL, ''by itself'')', 'NULL stands for the active tenant');
SELECT lives_ok('INSERT INTO app.lines_load (id) VALUES (1)', 'in partitions');
SELECT lives_ok('INSERT INTO app.lines (firm, id) VALUES (NULL, 2)', 'likewise');
SELECT throws_ok(format('UPDATE other.remarks SET "The firm" = %L', :'south'), '42501', 'a row of table "remarks" cannot be moved to another tenant', 'no row moves');
SELECT throws_ok(format('UPDATE app.lines SET firm = %L WHERE id = 1', :'south'), '42501', NULL, 'nor in a partition');
RESET SESSION AUTHORIZATION;
SELECT throws_ok(format('UPDATE app.line_1 SET firm = %L', :'south'), '23514', NULL, 'whoever updates it');
SELECT casnet.enable_audit('app.lines');
SELECT lives_ok(format('INSERT INTO app.lines (firm, id) VALUES (%L, 1)', :'south'), 'the audit knows it');

-- What the owner has switched off stays off, and a name that is taken is left.
ALTER TABLE other.remarks DISABLE ROW LEVEL SECURITY;
SELECT is((SELECT relrowsecurity FROM pg_class WHERE oid = 'other.remarks'::regclass), false, 'row security off');
ALTER TABLE other.remarks ENABLE ROW LEVEL SECURITY;
CREATE VIEW other.taken_load AS SELECT 1 AS x;
SET LOCAL client_min_messages = error;
SELECT lives_ok('ALTER TABLE other.remarks RENAME TO taken', 'a name of which the view is taken');
SET LOCAL client_min_messages = warning;
SELECT is(views(), 'app.lines_load other.remarks_load other.taken_load', 'leaves both views');
SELECT is((SELECT count(*) FROM pg_attribute WHERE attrelid = 'other.taken_load'::regclass AND attnum > 0), 1::bigint, 'as they are');
DROP VIEW other.taken_load;
SELECT is(casnet.protect('other.taken'), '{}', 'until protect()');
SELECT is(views(), 'app.lines_load other.taken_load', 'finds the name free');
-- A view that somebody has put in its place is not touched.
DROP VIEW app.lines_load;
CREATE VIEW app.lines_load AS SELECT 1 AS x;
SELECT lives_ok('ALTER TABLE app.lines ADD COLUMN n int', 'a view of somebody else');
SELECT is(view_columns('app.lines_load'), 'x integer', 'stays');
DROP VIEW app.lines_load;
SELECT lives_ok('ALTER TABLE app.lines RENAME TO rows', 'a view that is gone');
SELECT is(views(), 'other.taken_load', 'is not made again');

DELETE FROM app.rows WHERE firm = :'south';
ALTER TABLE app.rows SET SCHEMA other;
SELECT casnet.disable_audit('other.rows');
SELECT casnet.unprotect('other.rows');
SELECT is((SELECT count(*) FROM pg_event_trigger WHERE evtname = 'casnet_follow'), 1::bigint, 'while a table is protected');
SELECT casnet.unprotect('other.taken');
SELECT is((SELECT count(*) FROM pg_event_trigger WHERE evtname = 'casnet_follow'), 0::bigint, 'and no longer');
SELECT is(views(), NULL, 'views are gone');
SELECT * FROM finish();
ROLLBACK;
