-- Permissive policies that a table has would widen casnet's.  protect() refuses them by
-- name, on partitions too, and accepts casnet's own.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
\ir include/table_state.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.visits (id int, day date) PARTITION BY RANGE (day);
CREATE TABLE public.visits_all PARTITION OF public.visits DEFAULT;
CREATE POLICY "my own" ON public.visits FOR SELECT TO tap_app USING (id > 0);
CREATE POLICY casnet_select ON public.visits_all FOR SELECT USING (true);
CREATE TEMP TABLE before AS SELECT table_state('public.visits');
SELECT throws_ok('SELECT casnet.protect(''public.visits'')', '55000', 'table public.visits has permissive policies of its own', 'policies of its own');
SELECT alike(error_of('SELECT casnet.protect(''public.visits'')'),
	'%: casnet_select, "my own". | DROP POLICY casnet_select ON public.visits_all; DROP POLICY "my own" ON public.visits;%', 'and how to drop them');
SELECT set_eq('SELECT table_state(''public.visits'')', 'TABLE before', 'nothing is changed');
DROP POLICY casnet_select ON public.visits_all; DROP POLICY "my own" ON public.visits;
SELECT lives_ok('SELECT casnet.protect(''public.visits'')', 'without them');

CREATE TABLE public.calls (tenant_id uuid NOT NULL, id int);
CREATE POLICY casnet_select ON public.calls FOR SELECT USING (tenant_id = casnet.tenant_with('view_calls'));
SELECT oid AS same FROM pg_policy WHERE polrelid = 'public.calls'::regclass \gset
SELECT lives_ok('SELECT casnet.protect(''public.calls'')', 'one that is casnet''s already');
SELECT is((SELECT count(*) FROM pg_policy WHERE oid = :same), 1::bigint, 'is kept');
CREATE TABLE public.mails (tenant_id uuid NOT NULL, id int);
CREATE POLICY casnet_select ON public.mails FOR SELECT TO tap_app USING (tenant_id = casnet.tenant_with('view_mails'));
SELECT throws_ok('SELECT casnet.protect(''public.mails'')', '55000', NULL, 'one for other roles is not casnet''s');
ALTER POLICY casnet_select ON public.mails TO PUBLIC USING (tenant_id = casnet.tenant_with('view_records'));
SELECT throws_ok('SELECT casnet.protect(''public.mails'')', '55000', NULL, 'nor one with another permission');
DROP POLICY casnet_select ON public.mails;
CREATE POLICY casnet_select ON public.mails FOR ALL USING (tenant_id = casnet.tenant_with('view_mails'));
SELECT throws_ok('SELECT casnet.protect(''public.mails'')', '55000', NULL, 'nor one for other commands');
SELECT * FROM finish();
ROLLBACK;
