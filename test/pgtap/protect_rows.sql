-- protect() refuses rows that would have no tenant, with their number, and changes nothing.
BEGIN;
SELECT plan(17);
\ir include/fixtures.sql
\ir include/table_state.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.bare (id int PRIMARY KEY, updated_at timestamptz);
INSERT INTO public.bare VALUES (1), (2);
CREATE TABLE public.loose (id int PRIMARY KEY, tenant_id uuid);
INSERT INTO public.loose VALUES (1, :'north'), (2, NULL), (3, NULL);
CREATE TEMP TABLE before AS SELECT table_state('public.bare') UNION SELECT table_state('public.loose');

CALL be(NULL);
SELECT throws_ok('SELECT casnet.protect(''public.bare'')', '22023', 'the rows of table public.bare would belong to no tenant', 'no tenant is named');
SELECT alike(error_of('SELECT casnet.protect(''public.bare'')'), '%Give the argument tenant_id,%', 'the hint names the argument');
SELECT throws_ok(format('SELECT casnet.protect(''public.bare'', tenant_id => %L)', :'nowhere'), 'P0002', 'there is no such tenant', 'one that does not exist');
SELECT throws_ok('SELECT casnet.protect(''public.loose'')', '23502', 'table public.loose has 2 rows without a tenant', 'rows without');
UPDATE public.loose SET tenant_id = :'nowhere' WHERE id = 2;
UPDATE public.loose SET tenant_id = :'south' WHERE id = 3;
SELECT throws_ok('SELECT casnet.protect(''public.loose'')', '23503', 'table public.loose has 1 rows of tenants that do not exist', 'rows of unknown ones');
SELECT set_eq('SELECT table_state(''public.bare'') UNION SELECT table_state(''public.loose'')', 'TABLE before', 'nothing is changed');

-- The active tenant, or the named one, gets the rows; the table is not rewritten.
SELECT relfilenode AS file FROM pg_class WHERE oid = 'public.bare'::regclass \gset
CALL be(NULL, 'South');
SELECT lives_ok('SELECT casnet.protect(''public.bare'')', 'the active tenant');
SELECT is((SELECT array_agg(DISTINCT tenant_id) FROM public.bare), ARRAY[:'south'::uuid], 'gets the rows');
SELECT is((SELECT count(updated_at) FROM public.bare), 0::bigint, 'no trigger fired');
SELECT is(relfilenode, :'file'::oid, 'no row was written') FROM pg_class WHERE oid = 'public.bare'::regclass;
SELECT casnet.unprotect('public.bare');
SELECT casnet.protect('public.bare', tenant_id => :'north') IS NOT NULL AS protected \gset
SELECT is((SELECT array_agg(DISTINCT tenant_id) FROM public.bare), ARRAY[:'north'::uuid], 'the named one takes precedence');
DELETE FROM public.loose WHERE id = 2;
SELECT lives_ok('SELECT casnet.protect(''public.loose'')', 'rows of tenants');
SELECT results_eq('SELECT id, tenant_id FROM public.loose ORDER BY id', format('VALUES (1, %L::uuid), (3, %L)', :'north', :'south'), 'stay theirs');

-- An empty table needs no tenant.
CALL be(NULL);
CREATE TABLE public.blank (id int PRIMARY KEY);
SELECT lives_ok('SELECT casnet.protect(''public.blank'')', 'an empty table');
INSERT INTO public.bare (tenant_id, id) VALUES (:'south', 9);
SELECT throws_ok('SELECT casnet.unprotect(''public.bare'')', '55000', 'table public.bare has rows of more than one tenant', 'rows of two tenants are not mixed');
SELECT lives_ok('SELECT casnet.unprotect(''public.loose'')', 'where the column was there before');
SELECT is((SELECT count(DISTINCT tenant_id) FROM public.loose), 2::bigint, 'it stays');
SELECT * FROM finish();
ROLLBACK;
