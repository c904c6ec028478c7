-- What an export leaves out, it says in a notice; what an import leaves out, in a warning.
\set QUIET on
\set SHOW_CONTEXT never
BEGIN;
CREATE TABLE public.notes (id uuid, body text);
CREATE TABLE public."Odd ones" (id uuid);
DO $$ BEGIN PERFORM casnet.protect('public.notes'), casnet.protect('public."Odd ones"', 'odd_ones'); END $$;
ALTER TABLE casnet.records ADD COLUMN confidential boolean;
ALTER TABLE casnet.tenants ADD COLUMN plan text DEFAULT 'free';
ALTER TABLE casnet.user_tenants ADD COLUMN job text;
SET SESSION AUTHORIZATION regress_backend;
CALL be('olga', 'North');
SELECT count(*) > 0 AS exported FROM casnet.export_tenant();
CREATE TEMP TABLE documents AS SELECT d FROM casnet.export_tenant(own_tables => true) AS d;
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.calendar_events;
SET SESSION AUTHORIZATION regress_backend;
INSERT INTO casnet.calendar_events (id, title, starts_at)
SELECT ('00000000-0000-7000-8000-0000000000' || n)::uuid, 'far', timestamptz '10000-01-01' + n * interval '1 day'
  FROM generate_series(10, 21) AS n;
INSERT INTO casnet.calendar_events (title, starts_at) VALUES ('never', 'infinity');
SELECT casnet.export_calendar() LIKE '%VEVENT%' AS exported;
RESET SESSION AUTHORIZATION;
REVOKE UPDATE ON casnet.user_tenants FROM casnet_user;
GRANT UPDATE (role, created_at) ON casnet.user_tenants TO casnet_user;
SET SESSION AUTHORIZATION regress_backend;
SELECT casnet.import_tenant('documents', 'Copy') IS NOT NULL AS imported;
RESET SESSION AUTHORIZATION;
ALTER TABLE casnet.records DROP COLUMN confidential;
ALTER TABLE casnet.tenants DROP COLUMN plan;
ALTER TABLE casnet.user_tenants DROP COLUMN job;
DO $$ BEGIN PERFORM casnet.unprotect('public."Odd ones"'); END $$;
SET SESSION AUTHORIZATION regress_backend;
SELECT casnet.import_tenant('documents', 'Other', skip_unknown => true) IS NOT NULL AS imported;
SELECT casnet.import_tenant('documents', 'Third') IS NOT NULL AS imported;
ROLLBACK;
