-- The number of permissions has no limit: 500 resources, 2,000 permissions.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.role_permissions (role, permission)
SELECT r, v || '_resource' || n FROM generate_series(1, 499) AS n, unnest('{view, create, edit, delete}'::text[]) AS v, unnest('{owner, member}'::text[]) AS r
 WHERE r = 'owner' OR v <> 'delete';
CREATE TABLE public.resource500 (id int);
SELECT casnet.protect('public.resource500') IS NOT NULL AS protected \gset
INSERT INTO public.resource500 (tenant_id, id) VALUES (:'north', 1), (:'south', 2);
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT is((SELECT count(*) FROM unnest((casnet.whoami()).permissions) AS p WHERE p ~ 'resource'), 2000::bigint, 'the owner holds 2,000');
SELECT ok(bool_and(casnet.can(v || '_resource' || n)), 'each of them') FROM generate_series(1, 500) AS n, unnest('{view, create, edit, delete}'::text[]) AS v;
SELECT is((SELECT array_agg(id) FROM public.resource500), '{1}', 'the last table');
SELECT is(rows_of('DELETE FROM public.resource500'), 1::bigint, 'and its last permission');
CALL be('mia', 'North');
SELECT is((SELECT count(*) FROM unnest((casnet.whoami()).permissions) AS p WHERE p ~ 'resource'), 1500::bigint, 'a member 1,500');
SELECT ok(bool_and(casnet.can(v || '_resource' || n) = (v <> 'delete')), 'exactly those') FROM generate_series(1, 500) AS n, unnest('{view, create, edit, delete}'::text[]) AS v;
SELECT throws_ok('DELETE FROM public.resource500', '42501', 'permission "delete_resource500" is missing in the active tenant', 'and not the last one');
SELECT throws_ok('SELECT casnet.can(''view_resource501'')', '22023', NULL, 'an unknown one is unknown');
CALL be('vic', 'North');
SELECT is((SELECT count(*) FROM unnest((casnet.whoami()).permissions) AS p WHERE p ~ 'resource'), 1::bigint, 'a viewer one');
SELECT * FROM finish();
ROLLBACK;
