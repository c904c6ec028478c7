-- Entries go to the columns of these names, also when they have other numbers than before in the
-- same session.
BEGIN;
SELECT plan(2);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.mine (tenant_id uuid, id int PRIMARY KEY);
SELECT casnet.enable_audit('public.mine');
INSERT INTO public.mine VALUES (:'north', 1);
SELECT is((SELECT relation FROM casnet_internal.audit_entries), 'public.mine', 'the table');
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE casnet_internal.audit_entries RENAME COLUMN relation TO swapped;
ALTER TABLE casnet_internal.audit_entries RENAME COLUMN role TO relation;
ALTER TABLE casnet_internal.audit_entries RENAME COLUMN swapped TO role;
INSERT INTO public.mine VALUES (:'north', 2);
SELECT is((SELECT relation FROM casnet_internal.audit_entries ORDER BY id DESC LIMIT 1), 'public.mine', 'by its name');
SELECT * FROM finish();
ROLLBACK;
