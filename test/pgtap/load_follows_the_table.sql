-- casnet.install() updates the load view to the columns and defaults of its table, and
-- keeps what somebody granted on it.
BEGIN;
SELECT plan(23);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE DOMAIN public.file_number AS text CHECK (VALUE ~ '^[A-Z]');
CREATE TYPE public.urgency AS ENUM ('low', 'high');
CREATE VIEW pg_temp.columns AS
	SELECT string_agg(attname, ' ' ORDER BY attnum) AS names FROM pg_attribute
	 WHERE attrelid = to_regclass('casnet.tags_load');
ALTER TABLE casnet.tags ADD COLUMN number public.file_number DEFAULT 'A' || 1,
	ADD COLUMN upper_name text GENERATED ALWAYS AS (upper(name)) STORED,
	ADD COLUMN serial_number integer GENERATED ALWAYS AS IDENTITY,
	ADD COLUMN "odd %I column" public.urgency DEFAULT 'high';
REVOKE INSERT ON casnet.tags_load FROM casnet_user;
GRANT INSERT ON casnet.tags_load TO tap_app WITH GRANT OPTION;
GRANT SELECT ON casnet.tags_load TO PUBLIC;
CREATE TEMP TABLE acl AS SELECT oid, relacl FROM pg_class WHERE oid = 'casnet.tags_load'::regclass;
SELECT is((SELECT names FROM columns), 'id tenant_id name created_at updated_at', 'before');
SELECT isnt(casnet.install(), NULL, 'install()');
SELECT is((SELECT names FROM columns), 'id tenant_id name created_at updated_at number odd %I column', 'new columns are at the end');
SELECT is(relacl, (SELECT relacl FROM acl), 'privileges are as they were') FROM pg_class WHERE oid = (SELECT oid FROM acl);
SELECT is((SELECT count(*) FROM pg_depend WHERE classid = 'pg_class'::regclass AND deptype = 'e' AND objid = 'casnet.tags_load'::regclass), 0::bigint, 'it is not the extension''s');

SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
COPY casnet.tags_load (name, number) FROM stdin (FORMAT csv);
new,B2
\.
SELECT lives_ok($$INSERT INTO casnet.tags_load (name) VALUES ('newer')$$, 'INSERT');
SELECT results_eq($$SELECT name, number::text, upper_name, "odd %I column"::text FROM casnet.tags WHERE name LIKE 'new%' ORDER BY 1$$,
	$$VALUES ('new', 'B2', 'NEW', 'high'), ('newer', 'A1', 'NEWER', 'high')$$, 'defaults, also of the new columns');
SELECT throws_ok($$INSERT INTO casnet.tags_load (name, number) VALUES ('x', '1')$$, '23514', NULL, 'the check of a domain');

-- Defaults that changed.
RESET SESSION AUTHORIZATION;
ALTER TABLE casnet.tags ALTER COLUMN number SET DEFAULT 'C', ALTER COLUMN created_at DROP DEFAULT;
SELECT isnt(casnet.install(), NULL, 'install() after defaults changed');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT matches(error_of($$INSERT INTO casnet.tags_load (name) VALUES ('x')$$), '^23502', 'a default that went');
SELECT lives_ok($$INSERT INTO casnet.tags_load (name, created_at) VALUES ('newest', now())$$, 'INSERT');
SELECT is((SELECT number::text FROM casnet.tags WHERE name = 'newest'), 'C', 'a default that changed');

-- Columns that were dropped or changed.
RESET SESSION AUTHORIZATION;
ALTER TABLE casnet.tags DROP COLUMN number, ALTER COLUMN "odd %I column" DROP DEFAULT,
	ALTER COLUMN "odd %I column" TYPE varchar(4), ALTER COLUMN created_at SET DEFAULT now();
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT matches(error_of($$INSERT INTO casnet.tags_load (name) VALUES ('x')$$), '^42703 .*casnet.install', 'a column is gone: the error says what to do');
RESET SESSION AUTHORIZATION;
SELECT isnt(casnet.install(), NULL, 'install() after columns changed');
SELECT is((SELECT names FROM columns), 'id tenant_id name created_at updated_at odd %I column', 'the column is gone from the view');
SELECT is(relacl, (SELECT relacl FROM acl), 'privileges are as they were') FROM pg_class WHERE oid = 'casnet.tags_load'::regclass;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT lives_ok($$INSERT INTO casnet.tags_load (name, "odd %I column") VALUES ('last', 'some')$$, 'and rows are taken again');
SELECT throws_ok($$INSERT INTO casnet.tags_load (name, "odd %I column") VALUES ('x', 'too long')$$, '22001', NULL, 'of the type that it has now');

-- Another table, any name.
RESET SESSION AUTHORIZATION;
CREATE TABLE public."My % table's" (tenant_id uuid, "a ""column" integer NOT NULL DEFAULT 7);
SELECT is(casnet_internal.make_load_view('public."My % table''s"')::text, '"My % table''s_load"', 'make_load_view()');
INSERT INTO public."My % table's_load" (tenant_id) VALUES (NULL);
SELECT results_eq($$TABLE public."My % table's"$$, 'VALUES (NULL::uuid, 7)', 'odd names are no trouble');
CREATE TABLE public.other (tenant_id uuid);
CREATE VIEW public.other_load AS SELECT tenant_id FROM public.other;
SELECT throws_ok($$SELECT casnet_internal.make_load_view('public.other')$$, '42P07', 'relation public.other_load is not a view that casnet made', 'nobody''s view is replaced');
SELECT format('CREATE TABLE public.%I (tenant_id uuid)', repeat('é', 29)), format('CREATE TABLE public.%I (tenant_id uuid)', repeat('é', 29) || 'x') \gexec
SELECT is(casnet_internal.make_load_view(repeat('é', 29)::regclass)::text, quote_ident(repeat('é', 29) || '_load'), 'a name of 58 bytes');
SELECT throws_ok(format('SELECT casnet_internal.make_load_view(%L)', repeat('é', 29) || 'x'), '42622', NULL, 'one more');
SELECT * FROM finish();
ROLLBACK;
