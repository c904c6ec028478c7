-- Administrators may give an imported tenant the id that it had.  Whoever else asks for that
-- gets one answer, whether a tenant has the id or not.
BEGIN;
SELECT plan(14);
\ir include/fixtures.sql
CALL be('olga', 'North');
CREATE TABLE public.e AS SELECT d FROM casnet.export_tenant() AS d;
CREATE TABLE public.free AS SELECT CASE WHEN d ? 'casnet' THEN jsonb_set(d, '{tenant,id}', '"00000000-0000-7000-8000-0000000000ff"') ELSE d END AS d FROM public.e;
CREATE TABLE public.bad AS SELECT CASE WHEN d ? 'casnet' THEN jsonb_set(d, '{tenant,id}', '"x"') ELSE d END AS d FROM public.e;
GRANT SELECT, UPDATE ON public.e, public.free, public.bad TO tap_admin;
\set told '42501 | only administrators may keep the id of a tenant |  | Import without keep_tenant_id. Or call it as a superuser, or as a member of casnet_admin. | '
SELECT is(error_of($$SELECT casnet.import_tenant('public.e', 'Copy', keep_tenant_id => true)$$), :'told', 'a user does not');
SELECT is(error_of($$SELECT casnet.import_tenant('public.free', 'Copy', keep_tenant_id => true)$$), :'told', 'whether the id is taken or free');
SELECT throws_ok($$SELECT casnet_internal.import_new_tenant('{"name": "x", "id": "00000000-0000-7000-8000-0000000000b0", "created_at": "2001-01-01Z"}', NULL, true, casnet.current_user_id())$$, '42501', 'permission denied for table tenants', 'nor by the internal function');
SELECT throws_ok($$SELECT casnet_internal.import_new_tenant('{"name": "x", "id": "00000000-0000-7000-8000-0000000000ff", "created_at": "2001-01-01Z"}', NULL, true, NULL)$$, '42501', 'permission denied for table tenants', 'whatever the id');
CALL be('sue');
SELECT is(error_of($$SELECT casnet.import_tenant('public.free', 'Copy', keep_tenant_id => true)$$), :'told', 'nor does a superuser of the application');

SET LOCAL SESSION AUTHORIZATION tap_admin;
CALL be('nora');
SELECT is(error_of($$SELECT casnet.import_tenant('public.e', 'Copy', keep_tenant_id => true)$$), '23505 | a tenant with the id of the documents exists |  | Delete that tenant first, or import without keep_tenant_id. | ', 'an administrator learns that it is taken');
SELECT is(casnet.import_tenant('public.free', 'Copy', keep_tenant_id => true), :'nowhere'::uuid, 'or gets it');
SET LOCAL casnet.tenant_id = :'nowhere';
SELECT is((SELECT string_agg(username, ' ' ORDER BY username) FROM casnet.members() WHERE role = 'owner'), 'nora olga', 'and owns the tenant');
SELECT is((SELECT count(*) FROM casnet.records), 3::bigint, 'with all that is in it');
SELECT is((SELECT count(*) FROM casnet.records WHERE id::text ~ 'a0$'), 0::bigint, 'under new ids');
SELECT is(error_of($$SELECT casnet.import_tenant('public.bad', 'Bad', keep_tenant_id => true)$$), '22023 | the header of the documents cannot be imported | invalid input syntax for type uuid: "x" | Import what casnet.export_tenant() returned, all of it and unchanged. | ', 'what is no id');
SELECT isnt(casnet.import_tenant('public.bad', 'Bad'), NULL, 'does not matter without the request');
SELECT is(error_of(format('SELECT casnet.import_tenant(%L, tenant_id => %L, keep_tenant_id => true)', 'public.e', :'nowhere')), '22023 | a tenant that exists keeps its name and its id |  | Give the name of a new tenant, or the id of an empty one. | ', 'an existing tenant has its own');
RESET SESSION AUTHORIZATION;
SELECT casnet.sign_out();
SELECT casnet.delete_tenant(:'north') IS NOT NULL AS deleted \gset
SELECT is(casnet.import_tenant('public.e', keep_tenant_id => true), :'north'::uuid, 'a superuser needs no session');
SELECT * FROM finish();
ROLLBACK;
