-- A check of new rows is asked before INSERT ... VALUES, and otherwise for each row that is
-- made.  It is not asked if there is none, nor for the branch that ON CONFLICT does not
-- take.
BEGIN;
SELECT plan(12);
\ir include/fixtures.sql
SET LOCAL SESSION AUTHORIZATION tap_operator;
INSERT INTO casnet.role_permissions VALUES ('viewer', 'create_tags'), ('viewer', 'edit_papers');
SET LOCAL SESSION AUTHORIZATION tap_app;
-- Policies that an application can write, on tables from which no row was read.
CREATE TABLE public.papers (tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(), n integer);
CREATE TABLE public.lists (LIKE public.papers INCLUDING DEFAULTS);
CREATE TABLE public.blanks (LIKE public.papers INCLUDING DEFAULTS);
ALTER TABLE public.papers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE public.lists ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE public.blanks ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON public.papers FOR INSERT WITH CHECK (tenant_id = casnet.tenant_with('edit_papers'));
CREATE POLICY p ON public.lists FOR INSERT WITH CHECK (tenant_id = casnet.tenant_with('view_persons,view_records,view_tags,view_tasks,view_calendar,create_records,create_tags,create_tasks,edit_records'));
CREATE POLICY p ON public.blanks FOR INSERT WITH CHECK (tenant_id = casnet.tenant_with(NULL));

-- Neither this session nor planning has used this permission's name before.
CALL be('vic', 'North');
SELECT is(rows_of('INSERT INTO public.papers (n) VALUES (0)'), 1::bigint, 'a permission that is met for the first time');
CALL be('sue', 'North');
SELECT is(rows_of('INSERT INTO public.papers (n) VALUES (1)'), 1::bigint, 'a superuser of the application holds it');
CALL be('mia', 'North');
SELECT throws_ok('INSERT INTO public.papers (n) VALUES (2)', '42501', 'permission "edit_papers" is missing in the active tenant', 'is missing');
SELECT throws_ok('INSERT INTO public.lists (n) VALUES (1)', '22023', NULL, 'more permissions than one call takes');
SELECT throws_ok('INSERT INTO public.blanks (n) VALUES (1)', '22023', NULL, 'a call with null');
CALL be('vic', 'North');
SELECT throws_ok('INSERT INTO public.lists (n) VALUES (1)', '22023', NULL, 'which is the same if one of them is missing');
SELECT throws_ok($$INSERT INTO casnet.records (title) VALUES ('x')$$, '42501', 'permission "create_records" is missing in the active tenant', 'a viewer makes no record');
SELECT is(rows_of('INSERT INTO casnet.records (title) SELECT title FROM casnet.records WHERE false'), 0::bigint, 'but may make none of them');
SELECT is(rows_of($$INSERT INTO casnet.records (title) SELECT v FROM (VALUES ('x'), ('y')) AS f (v) WHERE current_setting('casnet.user_id') = ''$$), 0::bigint, 'nor for a condition');
SELECT is(rows_of($$INSERT INTO casnet.tags (name) VALUES ('new') ON CONFLICT (tenant_id, name) DO UPDATE SET name = excluded.name$$), 1::bigint, 'without a conflict nothing is changed');
SELECT throws_ok($$INSERT INTO casnet.tags (name) VALUES ('new') ON CONFLICT (tenant_id, name) DO UPDATE SET name = excluded.name$$, '42501', 'permission "edit_tags" is missing in the active tenant', 'with one, that is asked for');
CALL be('');
SELECT throws_ok($$INSERT INTO casnet.records (title) SELECT v FROM (VALUES ('x')) AS f (v)$$, '28000', NULL, 'nobody');
SELECT * FROM finish();
ROLLBACK;
