-- casnet.bypass = 'refuse': no statement of a session gets past the policies, whichever
-- way, and everything that respects them works.
BEGIN;
SELECT plan(48);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_bypass BYPASSRLS;
CREATE ROLE tap_owner;
GRANT casnet_user TO tap_bypass, tap_owner;
GRANT CREATE ON SCHEMA public TO tap_owner;
CREATE VIEW public.all_records AS SELECT * FROM casnet.records;
CREATE VIEW public.own_records WITH (security_invoker) AS SELECT * FROM casnet.records;
GRANT SELECT ON public.all_records, public.own_records TO PUBLIC;
CREATE FUNCTION public.counted() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM casnet.records';
CREATE FUNCTION public.invoked() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM casnet.records';
-- A protected table of an application's role, not FORCEd.
CREATE TABLE public.own (tenant_id uuid DEFAULT casnet.current_tenant_id(), id int);
ALTER TABLE public.own OWNER TO tap_owner;
ALTER TABLE public.own ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON public.own USING (tenant_id = casnet.tenant_with('view_records'));
-- A table whose policy does not call casnet.
CREATE TABLE public.other (id int);
ALTER TABLE public.other ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.other FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON public.other USING (id > 0);
\set refused 'the policies of table "records" do not apply to role "postgres"'
\set own_function 'SELECT public.counted()'

SELECT lives_ok('SELECT count(*) FROM casnet.records', 'by default a superuser may');
SET LOCAL casnet.bypass = 'refuse';
SELECT throws_ok(s, '42501', :'refused', 'a superuser: ' || s) FROM unnest(ARRAY[
	'SELECT count(*) FROM casnet.records', 'INSERT INTO casnet.records (tenant_id, title) SELECT NULL, 1', 'UPDATE casnet.records SET title = 1', 'DELETE FROM casnet.records',
	'SELECT WHERE EXISTS (SELECT FROM casnet.records)', 'WITH r AS (DELETE FROM casnet.records RETURNING 1) SELECT * FROM r',
	'SELECT * FROM public.all_records', 'SELECT * FROM public.own_records', 'SELECT public.invoked()', 'CREATE TABLE public.copied AS SELECT * FROM casnet.records',
	'EXPLAIN SELECT * FROM casnet.records', 'SELECT FROM casnet.records FOR UPDATE', 'MERGE INTO casnet.records USING casnet.tags ON false WHEN NOT MATCHED THEN DO NOTHING']) AS s;
SELECT lives_ok(s, 'but ' || s) FROM unnest(ARRAY['SELECT * FROM public.other', 'SELECT * FROM casnet_internal.signing_keys', 'SELECT * FROM casnet_internal.audit_entries', :'own_function', 'SELECT casnet.install()',
	'ALTER TABLE casnet.tasks ADD CONSTRAINT c FOREIGN KEY (tenant_id, record_id) REFERENCES casnet.records', 'CREATE INDEX ON casnet.records (title)', 'ANALYZE casnet.records',
	'CREATE MATERIALIZED VIEW public.m AS SELECT 1', 'SELECT casnet.enable_audit(''casnet.records'')']) AS s;
SELECT throws_ok('ALTER TABLE casnet.tags ADD CONSTRAINT d FOREIGN KEY (tenant_id, id) REFERENCES casnet.records', '23503', NULL, 'and a foreign key is checked');

SET LOCAL SESSION AUTHORIZATION tap_bypass;
SELECT throws_ok('SELECT count(*) FROM casnet.records', '42501', 'the policies of table "records" do not apply to role "tap_bypass"', 'a role with BYPASSRLS');
SELECT throws_ok('SET casnet.bypass = ''allow''', '42501', NULL, 'cannot help it');
SET LOCAL row_security = off;
SELECT lives_ok('SELECT count(*) FROM casnet.records', 'unless it says that it is on purpose');
SET LOCAL row_security = on;
RESET SESSION AUTHORIZATION;
-- By SET ROLE, from a superuser and from a role that the policies bind.
SET LOCAL ROLE tap_bypass;
SELECT throws_ok('SELECT count(*) FROM casnet.records', '42501', 'the policies of table "records" do not apply to role "tap_bypass"', 'as another role');
SET LOCAL ROLE tap_app;
SELECT throws_ok('SELECT count(*) FROM casnet.records', '28000', NULL, 'the policies judge an application');
RESET ROLE;
GRANT tap_bypass TO tap_owner;
SET LOCAL SESSION AUTHORIZATION tap_owner;
SET LOCAL ROLE tap_bypass;
SELECT throws_ok('SELECT count(*) FROM casnet.records', '42501', 'the policies of table "records" do not apply to role "tap_bypass"', 'as a role one is a member of');
SELECT throws_ok('SELECT public.invoked()', '42501', NULL, 'in a function, too');
RESET ROLE;
SELECT throws_ok('SELECT count(*) FROM casnet.records', '28000', NULL, 'and no longer');
SELECT throws_ok('SELECT count(*) FROM public.own', '42501', 'the policies of table "own" do not apply to role "tap_owner"', 'the owner of a table without FORCE');
ALTER TABLE public.own FORCE ROW LEVEL SECURITY;
SELECT throws_ok('SELECT count(*) FROM public.own', '28000', NULL, 'with FORCE, the policy judges');
RESET SESSION AUTHORIZATION;

-- An application: reads, writes, cascades, functions.
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT is(rows_of('SELECT * FROM casnet.records') + rows_of('SELECT * FROM public.own_records'), 6::bigint, 'an application reads its rows');
SELECT lives_ok('SELECT casnet.' || f, 'calls ' || f) FROM unnest(ARRAY['create_tenant(''Mine'')', 'add_member(''otto'')', 'remove_member(''otto'')', 'members()', 'audit_log()', 'export_person(''00000000-0000-7000-8000-0000000001a0'')', 'erase_person(''00000000-0000-7000-8000-0000000001a0'')']) AS f;
SELECT lives_ok($$WITH d AS (DELETE FROM casnet.records WHERE title ~ '1$' RETURNING 1) INSERT INTO casnet.tasks (title) SELECT 't' FROM d$$, 'writes, with cascades and foreign keys');
SELECT throws_ok('SELECT * FROM public.all_records', '42501', :'refused', 'but not through a view of somebody who sees it all');
SET LOCAL row_security = off;
SELECT throws_ok('SELECT * FROM public.all_records', '42501', :'refused', 'whatever it sets');
SET LOCAL row_security = on;
SELECT throws_ok('SET casnet.bypass = ''allow''', '42501', NULL, 'nor may it change the setting');
SELECT lives_ok('SELECT casnet.delete_tenant(casnet.current_tenant_id())', 'and deletes its tenant');
SELECT * FROM finish();
ROLLBACK;
