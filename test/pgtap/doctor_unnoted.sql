-- casnet.doctor() on tables whose policies came with a dump, and the notes of casnet about
-- them did not.  protect() makes up for that.
BEGIN;
SELECT plan(8);
\ir include/fixtures.sql
\ir include/doctor.sql
CREATE SCHEMA app;
CREATE TABLE app.bills (id uuid, company_id uuid NOT NULL);
CREATE TABLE app.parts (id uuid, tenant_id uuid) PARTITION BY HASH (tenant_id);
CREATE TABLE app.part PARTITION OF app.parts FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE app.countries (code text);
CREATE TABLE app.own (tenant_id uuid);
ALTER TABLE app.own ENABLE ROW LEVEL SECURITY;
CREATE POLICY casnet_select ON app.own USING (tenant_id = casnet.tenant_with('view_records'));
SELECT casnet.protect('app.bills', 'invoices', tenant_column => 'company_id'), casnet.protect('app.parts'), casnet.share('app.countries') \g /dev/null
SELECT is(diagnosis('protection-unnoted'), NULL, 'protected, shared, and policies of one''s own');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
CREATE TABLE public.before AS SELECT casnet.export_tenant(own_tables => true) AS d;
RESET SESSION AUTHORIZATION;
CREATE TABLE public.permissions AS SELECT role, permission FROM casnet.role_permissions;
DELETE FROM casnet_internal.protected;
DELETE FROM casnet_internal.declared;
DELETE FROM casnet.role_permissions WHERE permission ~ 'invoices|parts';
SELECT is(diagnosis('protection-unnoted'), 'warning app.bills, warning app.parts', 'without the notes');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(error_of('SELECT casnet.import_tenant(''public.before'', ''Copy'')'), E'22023 | this database lacks tables or columns of the documents | table app.bills, which is there and not protected\ntable app.parts, which is there and not protected | Make and protect the tables, and add the columns. Or leave them out with skip_unknown => true. | ', 'an import says what is wrong');
RESET SESSION AUTHORIZATION;
SELECT results_eq('SELECT remedy FROM casnet.doctor() WHERE code = ''protection-unnoted''', $$VALUES ('SELECT casnet.protect(''app.bills'', ''invoices'', tenant_column => ''company_id'')'), ('SELECT casnet.protect(''app.parts'', ''parts'', tenant_column => ''tenant_id'')')$$, 'remedies');
SELECT is(after_remedy('protection-unnoted'), 'silent', 'which work');
SELECT set_eq('SELECT role, permission FROM casnet.role_permissions', 'SELECT role, permission FROM public.permissions', 'with the permissions');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(state_of('SELECT casnet.import_tenant(''public.before'', ''Copy'')'), 'none', 'and the import');
SELECT throws_ok('SELECT * FROM casnet_internal.doctor_unnoted()', '42501', NULL, 'applications do not ask');
SELECT * FROM finish();
ROLLBACK;
