-- A table can name its tenant in a column with another name.
BEGIN;
SELECT plan(44);
\ir include/fixtures.sql
\ir include/table_state.sql
RESET SESSION AUTHORIZATION;
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO PUBLIC;
-- A column with the usual name can mean something else.
CREATE TABLE app.cases (id uuid PRIMARY KEY DEFAULT casnet.uuid_v7(), "Company id" uuid, tenant_id text, title text NOT NULL);
CREATE TABLE app.lines (company_id uuid NOT NULL, id int, case_id uuid REFERENCES app.cases, PRIMARY KEY (company_id, id)) PARTITION BY LIST (id);
CREATE TABLE app.line_1 PARTITION OF app.lines FOR VALUES IN (1);
CREATE TABLE app.line_2 PARTITION OF app.lines FOR VALUES IN (2);
INSERT INTO app.cases ("Company id", title) VALUES (:'north', 'North 1'), (NULL, 'nobody''s'), (:'south', 'South 1');
CREATE TABLE before_it AS SELECT * FROM public.table_state('app.cases') AS state;

SELECT throws_like(format('SELECT casnet.protect(''app.cases'', tenant_column => %L)', v.name), 'table app.cases cannot be protected', 'no ' || v.name)
  FROM (VALUES ('company'), ('tenant_id'), ('title'), ('ctid')) AS v (name);
SELECT throws_ok('SELECT casnet.protect(''app.cases'', tenant_column => ''Company id'')', '23502', 'table app.cases has 1 rows without a tenant', 'no row without a tenant');
UPDATE app.cases SET "Company id" = :'nowhere' WHERE title = 'nobody''s';
SELECT throws_ok('SELECT casnet.protect(''app.cases'', tenant_column => ''Company id'')', '23503', 'table app.cases has 1 rows of tenants that do not exist', 'nor of one that does not exist');
UPDATE app.cases SET "Company id" = :'north', title = 'North 2' WHERE title = 'nobody''s';
SELECT is((casnet.protect('app.cases', tenant_column => 'Company id'))[1],
	E'-- primary key cases_pkey of app.cases does not include "Company id", so its error reveals that another tenant has the value; first replace the foreign keys of app.line_1, app.line_2, app.lines\nALTER TABLE app.cases DROP CONSTRAINT cases_pkey, ADD CONSTRAINT cases_pkey PRIMARY KEY USING INDEX "cases_Company id_id_idx";', 'what is left names the column');
SELECT is(casnet.protect('app.lines', 'cases', tenant_column => 'company_id'), ARRAY[
	E'-- foreign key lines_case_id_fkey of app.lines can point into another tenant\nALTER TABLE app.lines DROP CONSTRAINT lines_case_id_fkey, ADD CONSTRAINT lines_case_id_fkey FOREIGN KEY (company_id, case_id) REFERENCES app.cases ("Company id", id);'], 'so does the key of two tables');
ALTER TABLE app.lines DROP CONSTRAINT lines_case_id_fkey, ADD CONSTRAINT lines_case_id_fkey FOREIGN KEY (company_id, case_id) REFERENCES app.cases ("Company id", id);
ALTER TABLE app.cases DROP CONSTRAINT cases_pkey, ADD CONSTRAINT cases_pkey PRIMARY KEY USING INDEX "cases_Company id_id_idx";
SELECT is(casnet.protect('app.cases'), '{}', 'called again, it knows the column');
SELECT is(casnet.protect('app.lines', tenant_column => 'company_id'), '{}', 'or is told the same');
SELECT throws_ok('SELECT casnet.protect(''app.cases'', tenant_column => ''id'')', '55000', 'the tenant column of table app.cases is "Company id"', 'but no other');
SELECT set_eq('SELECT relation::text, tenant_column::text FROM casnet.protected_tables', 'VALUES (''app.cases'', ''Company id''), (''app.lines'', ''company_id'')', 'a view shows it');

SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok('TABLE app.cases', '28000', NULL, 'nobody sees nothing');
CALL be('olga', 'North');
SELECT is((SELECT array_agg(title ORDER BY title) FROM app.cases), '{North 1,North 2}', 'SELECT');
SELECT lives_ok('INSERT INTO app.cases ("Company id", title) VALUES (NULL, ''North 3'')', 'NULL stands for the active tenant');
SELECT lives_ok('INSERT INTO app.lines (id) VALUES (1)', 'so does no value, in a partition');
SELECT is((SELECT count(*) FROM app.cases WHERE tenant_id IS NULL), 3::bigint, 'the other column stays as it is');
SELECT throws_ok(format('INSERT INTO app.cases ("Company id", title) VALUES (%L, ''x'')', :'south'), '42501', NULL, 'no row for others');
SELECT throws_ok(format('UPDATE app.cases SET "Company id" = %L', :'south'), '42501', 'a row of table "cases" cannot be moved to another tenant', 'no row moves');
SELECT lives_ok('INSERT INTO app.cases_load (title) VALUES (''North 4'')', 'the load view');
SELECT is(rows_of('DELETE FROM app.cases WHERE title = ''North 4'''), 1::bigint, 'DELETE');
SELECT throws_ok(format('INSERT INTO app.lines (id, case_id) SELECT 2, %L', (SELECT gen_random_uuid())), '23503', NULL, 'no line of a case that does not exist');
RESET SESSION AUTHORIZATION;
SELECT throws_ok(format('INSERT INTO app.lines (company_id, id, case_id) SELECT %L, 2, id FROM app.cases WHERE title = ''South 1''', :'north'), '23503', NULL, 'nor of another tenant, whoever writes it');
SELECT throws_ok(format('UPDATE app.cases SET "Company id" = %L WHERE title = ''North 1''', :'south'), '23514', NULL, 'a superuser moves none either');
SELECT throws_ok(format('UPDATE app.lines SET id = 2, company_id = %L', :'south'), '23514', NULL, 'nor into another partition');
SELECT casnet.enable_audit('app.cases');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT lives_ok('UPDATE app.cases SET title = ''North 5'' WHERE title = ''North 3''', 'UPDATE');
SELECT is((SELECT count(*) FROM casnet.audit_log() WHERE relation = 'app.cases'), 1::bigint, 'the audit says whose row it was');
CALL be('otto', 'South');
SELECT is((SELECT count(*) FROM casnet.audit_log() WHERE relation = 'app.cases'), 0::bigint, 'to nobody else');
SELECT is((SELECT array_agg(title) FROM app.cases), '{South 1}', 'each tenant has its rows');
RESET SESSION AUTHORIZATION;
SELECT throws_ok('SELECT casnet.enable_audit(''app.cases'', ''{Company id}'')', '22023', 'column "Company id" of table app.cases cannot be left out', 'the audit needs the column');
CREATE TABLE app.others (id int PRIMARY KEY, company_id uuid);
SELECT throws_ok('SELECT casnet.enable_audit(''app.others'')', '42703', 'table app.others has no column tenant_id of type uuid', 'an unprotected table has no other column');
SELECT is((SELECT array_agg(code || ' ' || object ORDER BY 1) FROM casnet.doctor() WHERE object ~ 'app\.(cases|line)'), NULL, 'doctor() has nothing to say');
CREATE INDEX plain ON app.cases (title);
CREATE UNIQUE INDEX single ON app.cases (title);
SELECT set_eq('SELECT code, remedy FROM casnet.doctor() WHERE object ~ ''app\.(plain|single)''', $$VALUES
	('index-without-tenant', 'DROP INDEX app.plain; CREATE INDEX plain ON app.cases USING btree ("Company id", title)'),
	('key-without-tenant', 'DROP INDEX app.single; CREATE UNIQUE INDEX single ON app.cases USING btree ("Company id", title)')$$, 'but for indexes without the column');
DROP INDEX app.plain, app.single;
SELECT lives_ok(format('SELECT casnet.delete_tenant(%L)', :'south'), 'a tenant is deleted');
SELECT is((SELECT array_agg(title ORDER BY title) FROM app.cases), '{North 1,North 2,North 5}', 'and its rows with it');

-- What DROP EXTENSION CASCADE takes, install() puts back.
DROP POLICY casnet_select ON app.cases;
DROP TRIGGER casnet_fill_tenant ON app.cases;
DROP TRIGGER casnet_keep_tenant ON app.cases;
ALTER TABLE app.cases ALTER "Company id" DROP DEFAULT;
SELECT casnet.install();
SELECT is((SELECT pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polrelid = 'app.cases'::regclass AND polname = 'casnet_select'),
	'("Company id" = casnet.tenant_with(''view_cases''::text))', 'install() makes policies for the column');
SELECT is((SELECT array_agg(pg_get_triggerdef(oid) ORDER BY tgname) FROM pg_trigger WHERE tgrelid = 'app.cases'::regclass AND tgname ~ '^casnet_(fill|keep)_'), ARRAY[
	'CREATE TRIGGER casnet_fill_tenant BEFORE INSERT ON app.cases FOR EACH ROW EXECUTE FUNCTION casnet_internal.fill_tenant(''Company id'')',
	'CREATE TRIGGER casnet_keep_tenant BEFORE UPDATE OF "Company id" ON app.cases FOR EACH ROW EXECUTE FUNCTION casnet_internal.keep_tenant(''Company id'')'], 'and triggers');
SELECT is((SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'app.cases'::regclass AND adnum = 2), 'casnet.current_tenant_id()', 'and its default');

SELECT casnet.disable_audit('app.cases');
ALTER TABLE app.lines DROP CONSTRAINT lines_case_id_fkey;
ALTER TABLE app.cases DROP CONSTRAINT cases_pkey, ADD CONSTRAINT cases_pkey PRIMARY KEY (id);
SELECT lives_ok('SELECT casnet.unprotect(''app.lines'')', 'unprotect() of a partitioned table');
SELECT is((SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('app.lines'::regclass, 'app.line_1'::regclass) AND NOT tgisinternal), 0::bigint, 'takes its triggers');
SELECT lives_ok('SELECT casnet.unprotect(''app.cases'')', 'and of a table');
SELECT is((SELECT string_agg(state, E'\n') FROM (SELECT * FROM public.table_state('app.cases') AS state WHERE state ~ '^(table|column|policy|trigger) ' EXCEPT TABLE before_it) AS x), NULL, 'leaves nothing');
SELECT is((SELECT string_agg(state, E'\n') FROM (SELECT * FROM before_it WHERE state ~ '^(table|column|policy|trigger) ' EXCEPT SELECT * FROM public.table_state('app.cases')) AS x), NULL, 'and brings back what was there');
SELECT is((SELECT count(*) FROM app.cases), 3::bigint, 'with its rows');
SELECT * FROM finish();
ROLLBACK;
