-- undelete() judges a row as it was deleted, whatever changes it gets.  To whoever could not
-- have seen it, it is a row that never was; also where the audit lacks what decides.
BEGIN;
SELECT plan(17);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
-- In the folder of the sources or in that of the tests.
\set recipe `cat docs/own-tables.md ../../docs/own-tables.md 2>/dev/null | sed -n '/^BEGIN;  *-- confidential records/,/^COMMIT;/{//!p;}'`
:recipe
SELECT casnet.enable_audit(relation) FROM casnet_internal.managed_tables() WHERE kind = 'tenant' \g /dev/null
\set record 00000000-0000-7000-8000-0000000001a0
\set task 00000000-0000-7000-8000-0000000001a0
-- The error, or how many rows; either is undone.
CREATE FUNCTION public.tried(a text, b text, c text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	n := casnet.undelete(a::regclass, b, false, c::jsonb);
	RAISE EXCEPTION USING ERRCODE = 'ZZZZZ';
EXCEPTION
	WHEN SQLSTATE 'ZZZZZ' THEN RETURN n;
	WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
UPDATE casnet.records SET assigned = ARRAY[:'olga']::uuid[] WHERE id = :'record';
DELETE FROM casnet.tasks WHERE id = :'task';
DELETE FROM casnet.records WHERE id = :'record';
CALL be('mia', 'North');
SELECT is(public.tried('casnet.records', k, c), 'P0002 no deletion of this row is recorded', k || c)
  FROM unnest(ARRAY[:'record', :'nowhere']) AS k, unnest('{"{}","{\"assigned\": []}"}'::text[]) AS c;
SELECT is(public.tried('casnet.tasks', k, c), 'P0002 no deletion of this row is recorded', 'task ' || k || c)
  FROM unnest(ARRAY[:'task', :'nowhere']) AS k, unnest('{"{}","{\"record_id\": null, \"assigned\": []}"}'::text[]) AS c;
CALL be('olga', 'North');
SELECT is(public.tried('casnet.records', :'record', '{"assigned": []}'), '1', 'who was assigned brings it back for all');
SELECT matches(public.tried('casnet.records', :'record', format('{"assigned": ["%s"]}', :'mia')), '^42501 new row violates', 'and for nobody else only');

-- Rows that go with a row, and a column that the audit leaves out.
RESET SESSION AUTHORIZATION;
CREATE TABLE public.cases (id int PRIMARY KEY, tenant_id uuid NOT NULL DEFAULT casnet.current_tenant_id(), parent int REFERENCES public.cases ON DELETE CASCADE, closed boolean NOT NULL DEFAULT false);
SELECT casnet.protect('public.cases') \g /dev/null
SELECT casnet.enable_audit('public.cases') \g /dev/null
CREATE POLICY open ON public.cases AS RESTRICTIVE USING (NOT closed OR casnet.current_user_id() = '00000000-0000-7000-8000-000000000001');
SET LOCAL SESSION AUTHORIZATION tap_app;
INSERT INTO public.cases VALUES (1, DEFAULT, NULL, false), (2, DEFAULT, 1, true), (3, DEFAULT, NULL, true);
DELETE FROM public.cases;
CALL be('mia', 'North');
SELECT is(error_of($$SELECT casnet.undelete('public.cases', '1')$$), '42501 | a row of table public.cases that was deleted with the row is hidden from you |  | Undelete the row by itself with with_references => false, or ask somebody who could see all of it. | ', 'a hidden row that goes with one');
SELECT is(public.tried('public.cases', '1', '{}'), '1', 'a row by itself');
RESET SESSION AUTHORIZATION;
SELECT casnet.enable_audit('public.cases', '{closed}') \g /dev/null
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
INSERT INTO public.cases VALUES (4, DEFAULT, NULL, true);
DELETE FROM public.cases;
CALL be('mia', 'North');
SELECT is(public.tried('public.cases', '4', c), 'P0002 no deletion of this row is recorded', 'what decides is not known ' || c) FROM unnest('{"{}","{\"closed\": false}"}'::text[]) AS c;

-- Values that no longer fit are nobody's who could not have seen them; policies read others.
RESET SESSION AUTHORIZATION;
SELECT casnet.enable_audit('public.cases') \g /dev/null
ALTER TABLE public.cases ADD COLUMN note text;
CREATE POLICY others ON public.cases AS RESTRICTIVE USING (EXISTS (SELECT FROM casnet.tags AS t WHERE t.tenant_id = cases.tenant_id) AND cases.id > 0);
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
INSERT INTO public.cases (id, closed, note) VALUES (5, true, 'hidden text');
DELETE FROM public.cases;
SELECT is(public.tried('public.cases', '5', '{}'), '1', 'a policy that reads another table');
RESET SESSION AUTHORIZATION;
ALTER TABLE public.cases ALTER note TYPE int USING NULL;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
SELECT is(public.tried('public.cases', '5', '{}'), 'P0002 no deletion of this row is recorded', 'an error shows no value of a hidden row');
CALL be('olga', 'North');
SELECT matches(public.tried('public.cases', '5', '{}'), '^22P02 .*hidden text', 'but of one that the caller could see');
SELECT * FROM finish();
ROLLBACK;
