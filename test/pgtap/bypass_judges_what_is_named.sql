-- casnet.bypass = 'refuse' judges the tables that a statement names, if one of their
-- policies is casnet's.  It ignores partitions without such a policy and, with row_security
-- = off, the role's own views.
BEGIN;
SELECT plan(10);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
\set mine 'tenant_id = casnet.tenant_with(''view_records'')'
\set create 'CREATE TABLE public.'
\set columns ' (tenant_id uuid, id int)'
:create several :columns;
:create written :columns;
:create whole :columns PARTITION BY RANGE (id);
CREATE TABLE public.part PARTITION OF public.whole DEFAULT;
ALTER TABLE public.several ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.written ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.part ENABLE ROW LEVEL SECURITY;
CREATE POLICY a ON public.several AS RESTRICTIVE USING (id > 0);
CREATE POLICY b ON public.several USING (:mine);
CREATE POLICY c ON public.several AS RESTRICTIVE USING (id > 0);
CREATE POLICY a ON public.written FOR INSERT WITH CHECK (:mine);
CREATE POLICY a ON public.part USING (:mine);
CREATE VIEW public.own_view AS SELECT * FROM public.several;
CREATE ROLE tap_viewer BYPASSRLS;
GRANT SELECT ON public.several TO tap_viewer;
CREATE VIEW public.their_view AS SELECT * FROM public.several;
ALTER VIEW public.their_view OWNER TO tap_viewer;

SET LOCAL casnet.bypass = 'refuse';
\set refused 'the policies of table "several" do not apply to role '
SELECT throws_ok('TABLE public.several', '42501', :'refused' || '"postgres"', 'one policy of several');
SELECT throws_ok('INSERT INTO public.written VALUES (NULL, 1)', '42501', 'the policies of table "written" do not apply to role "postgres"', 'one on new rows alone');
SELECT lives_ok('TABLE public.whole', 'a part whose policy holds for nobody who names the whole');
SELECT lives_ok('INSERT INTO public.whole VALUES (NULL, 1)', 'nor for new rows');
SELECT throws_ok('TABLE public.part', '42501', 'the policies of table "part" do not apply to role "postgres"', 'but the part itself');
SELECT lives_ok('SELECT * FROM generate_series(1, 2), (VALUES (1)) AS v, (SELECT 1) AS s', 'a statement without tables');
SELECT throws_ok('TABLE public.own_view', '42501', :'refused' || '"postgres"', 'a view');
SET LOCAL row_security = off;
SELECT lives_ok('TABLE public.own_view', 'the role''s own, on purpose');
SELECT throws_ok('TABLE public.their_view', '42501', :'refused' || '"tap_viewer"', 'not one of somebody else');
SET LOCAL casnet.bypass = 'allow';
SELECT lives_ok('TABLE public.their_view', 'unless that is allowed');
SELECT * FROM finish();
ROLLBACK;
