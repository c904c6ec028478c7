-- records_tagged() needs view_records, EXECUTE, and view_tags if it is given a name.  That
-- holds even in a plan made by another role, or before somebody lost one of them.
BEGIN;
SELECT plan(27);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_bare;
GRANT USAGE ON SCHEMA casnet, casnet_internal TO tap_bare;
GRANT EXECUTE ON FUNCTION casnet.records_tagged(text[], text[], text[]), casnet_internal.tag_id(text), casnet.tenant_with(text) TO tap_bare;
PREPARE by_superuser AS SELECT count(*) FROM casnet.records_tagged('{North tag}');
PREPARE all_by_superuser AS SELECT count(*) FROM public.who WHERE id NOT IN (SELECT casnet.records_tagged());
-- Three ways: replaced by the planner, executed, and in a view.
CREATE TABLE public.ways (query text);
INSERT INTO public.ways VALUES ('SELECT count(*) FROM casnet.records WHERE id IN (SELECT casnet.records_tagged(%L))'),
	('SELECT count(*) FROM casnet.records_tagged(%L)'), ('SELECT casnet.records_tagged(%L)'),
	('SELECT count(*) FROM public.who WHERE id IN (SELECT casnet.records_tagged(%L))');
GRANT SELECT ON public.ways TO PUBLIC;
CALL be('olga', 'North');
SELECT results_eq('EXECUTE by_superuser', ARRAY[2::bigint], 'a superuser');
SELECT lives_ok('EXECUTE all_by_superuser', 'all of them');
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE VIEW public.tagged AS SELECT title FROM casnet.records WHERE id IN (SELECT casnet.records_tagged('{North tag}'));
GRANT SELECT ON public.tagged TO PUBLIC;
PREPARE kept AS SELECT count(*) FROM casnet.records WHERE id IN (SELECT casnet.records_tagged('{North tag}'));
PREPARE kept_from AS SELECT count(*) FROM casnet.records_tagged('{North tag}');
CALL be('otto', 'South');
SELECT results_eq('EXECUTE by_superuser', ARRAY[0::bigint], 'the plan of a superuser has the policies of another role');
SELECT results_eq('SELECT count(*) FROM casnet.records_tagged()', ARRAY[3::bigint], 'all records are those of the tenant');
CALL be('olga', 'North');
SELECT results_eq('EXECUTE kept', ARRAY[2::bigint], 'an application role');

RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_bare;
SELECT throws_ok(format(query, '{North tag}'), '42501', NULL, 'without SELECT: ' || query) FROM public.ways;
SELECT throws_ok('EXECUTE kept_from', '42501', 'permission denied for table record_tags', 'in a plan of another role');
SELECT throws_ok('TABLE public.tagged', '42501', 'permission denied for table record_tags', 'in a view of another role');
RESET SESSION AUTHORIZATION;
SET LOCAL SESSION AUTHORIZATION tap_app;

SELECT results_eq('EXECUTE kept', ARRAY[2::bigint], 'back again');
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.role_permissions WHERE role = 'viewer' AND permission = 'view_tags';
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('vic', 'North');
SELECT throws_ok(format(query, '{North tag}'), '42501', 'permission "view_tags" is missing in the active tenant', 'without view_tags: ' || query) FROM public.ways;
SELECT throws_ok('EXECUTE kept', '42501', 'permission "view_tags" is missing in the active tenant', 'in a plan that was there');
SELECT results_eq('SELECT count(*) FROM casnet.records WHERE id IN (SELECT casnet.records_tagged())', ARRAY[3::bigint], 'but not without a name');
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.role_permissions WHERE role = 'viewer' AND permission = 'view_records';
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok(format(query, '{}'), '42501', 'permission "view_records" is missing in the active tenant', 'without view_records: ' || query) FROM public.ways;

CALL be('olga', 'North');
RESET SESSION AUTHORIZATION;
REVOKE EXECUTE ON FUNCTION casnet.records_tagged(text[], text[], text[]) FROM casnet_user;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT throws_ok(format(query, '{North tag}'), '42501', 'permission denied for function records_tagged', 'without EXECUTE: ' || query) FROM public.ways;
SELECT throws_ok('EXECUTE kept', '42501', 'permission denied for function records_tagged', 'in a plan that was there');
SELECT * FROM finish();
ROLLBACK;
