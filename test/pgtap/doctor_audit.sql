-- casnet.doctor() on tables that a deletion in an audited table changes unrecorded.  What it
-- names is what undelete() refuses.
BEGIN;
SELECT plan(13);
\ir include/fixtures.sql
\ir include/doctor.sql
CREATE TABLE public.visits (id uuid DEFAULT casnet.uuid_v7(), tenant_id uuid, record_id uuid, PRIMARY KEY (tenant_id, id));
CREATE TABLE public.bills (id uuid, tenant_id uuid, visit_id uuid, record_id uuid, PRIMARY KEY (tenant_id, id));
SELECT casnet.protect('public.visits'), casnet.protect('public.bills') \g /dev/null
ALTER TABLE public.bills ADD FOREIGN KEY (visit_id, tenant_id) REFERENCES public.visits (id, tenant_id) ON DELETE SET NULL (visit_id),
	ADD FOREIGN KEY (record_id, tenant_id) REFERENCES casnet.records (id, tenant_id);
ALTER TABLE public.visits ADD FOREIGN KEY (record_id, tenant_id) REFERENCES casnet.records (id, tenant_id) ON DELETE CASCADE;
SELECT is(diagnosis('audit-incomplete'), NULL, 'nothing is audited');
SELECT casnet.enable_audit('casnet.users'), casnet.enable_audit('casnet.tenants'), casnet.enable_audit('casnet.user_tenants'), casnet.enable_audit('casnet.tags') \g /dev/null
SELECT is(diagnosis('audit-incomplete'), 'notice casnet.record_tags', 'accounts, tenants and memberships do not come back anyway');
SELECT casnet.enable_audit('casnet.records'), casnet.enable_audit('casnet.record_tags') \g /dev/null
SELECT is(diagnosis('audit-incomplete'), 'notice casnet.calendar_events, notice casnet.record_persons, notice casnet.tasks, notice public.visits', 'tables whose key cascades or clears');
SELECT casnet.enable_audit(t) FROM unnest('{casnet.tasks,casnet.calendar_events,casnet.record_persons}'::regclass[]) AS t \g /dev/null
INSERT INTO public.visits (tenant_id, record_id) VALUES (:'north', '00000000-0000-7000-8000-0000000003a0');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
DELETE FROM casnet.records WHERE id = '00000000-0000-7000-8000-0000000003a0';
SELECT is(error_of('SELECT casnet.undelete(''casnet.records'', ''00000000-0000-7000-8000-0000000003a0'')'), '55000 | table public.visits was not audited when the row was deleted | What of it the deletion took along is not known. | Undelete the row by itself with with_references => false. From casnet.enable_audit(''public.visits'') on, rows come back with all that belongs to them. | ', 'what it names is refused');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT remedy FROM casnet.doctor() WHERE code = 'audit-incomplete'), 'SELECT casnet.enable_audit(''public.visits'')', 'remedy');
SELECT casnet.enable_audit('public.visits') \g /dev/null
SELECT is(diagnosis('audit-incomplete'), 'notice public.bills', 'a table that refers to that one is next');
SELECT is(after_remedy('audit-incomplete'), 'silent', 'remedy');
ALTER TABLE public.visits DISABLE TRIGGER casnet_audit;
SELECT is(diagnosis('audit-incomplete'), 'notice public.visits', 'an audit that is switched off is none');
SELECT is(after_remedy('audit-incomplete'), 'silent', 'remedy');
-- A table that cannot be audited as it is.
CREATE TABLE public.plain (tenant_id uuid, record_id uuid, FOREIGN KEY (record_id, tenant_id) REFERENCES casnet.records (id, tenant_id) ON DELETE CASCADE);
SELECT is((SELECT remedy FROM casnet.doctor() WHERE code = 'audit-incomplete'), '-- give it a primary key, protect it with casnet.protect(), and audit it with casnet.enable_audit()', 'takes a key first');
DROP TABLE public.plain;
-- A partitioned table.
CREATE TABLE public.parts (id uuid, tenant_id uuid, record_id uuid, PRIMARY KEY (tenant_id, id)) PARTITION BY HASH (tenant_id);
CREATE TABLE public.part PARTITION OF public.parts FOR VALUES WITH (MODULUS 1, REMAINDER 0);
ALTER TABLE public.parts ADD FOREIGN KEY (record_id, tenant_id) REFERENCES casnet.records (id, tenant_id) ON DELETE CASCADE;
SELECT casnet.protect('public.parts') \g /dev/null
SELECT is(diagnosis('audit-incomplete'), 'notice public.parts', 'a partitioned table once');
SELECT is(after_remedy('audit-incomplete'), 'silent', 'remedy');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok('SELECT * FROM casnet_internal.doctor_audit()', '42501', NULL, 'applications do not ask');
SELECT * FROM finish();
ROLLBACK;
