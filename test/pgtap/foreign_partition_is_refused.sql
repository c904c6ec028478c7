-- A foreign partition below a policy that calls casnet is not read: its server would
-- evaluate conditions before the policy.  Other partitions are read, and so is a foreign one
-- without such a policy.
BEGIN;
SELECT plan(8);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SET LOCAL client_min_messages = error;
CREATE EXTENSION file_fdw;
CREATE SERVER tap_files FOREIGN DATA WRAPPER file_fdw;
CREATE TABLE public.split (tenant_id uuid, a text, kind int) PARTITION BY LIST (kind);
CREATE TABLE public.split_1 PARTITION OF public.split FOR VALUES IN (1);
CREATE FOREIGN TABLE public.split_2 PARTITION OF public.split FOR VALUES IN (2) SERVER tap_files OPTIONS (filename '/dev/null');
INSERT INTO public.split VALUES (:'north', 'a', 1);
ALTER TABLE public.split ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.split_1 ENABLE ROW LEVEL SECURITY;
GRANT SELECT, UPDATE, DELETE ON public.split, public.split_1 TO tap_app;
CREATE POLICY own ON public.split USING (tenant_id = casnet.tenant_with('view_records'));
CREATE POLICY own ON public.split_1 USING (tenant_id = casnet.tenant_with('view_records'));
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT throws_ok('SELECT * FROM public.split', '0A000', 'foreign table "split_2" cannot be read below a policy that calls casnet', 'the whole');
SELECT throws_ok(format('SELECT * FROM public.split WHERE tenant_id = %L', :'north'), '0A000', NULL, 'a tenant');
SELECT throws_ok('DELETE FROM public.split', '0A000', NULL, 'DELETE');
SELECT throws_ok('EXPLAIN SELECT * FROM public.split', '0A000', NULL, 'EXPLAIN');
SELECT is((SELECT count(*) FROM public.split WHERE kind = 1), 1::bigint, 'another partition alone');
SELECT is((SELECT count(*) FROM public.split_1), 1::bigint, 'by its name');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM public.split), 1::bigint, 'who is under no policy reads all');
ALTER POLICY own ON public.split USING (kind > 0);
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is((SELECT count(*) FROM public.split), 1::bigint, 'nor is it for other policies');
SELECT * FROM finish();
ROLLBACK;
