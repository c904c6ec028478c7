-- A query of the members of a tenant reads them by the tenant's index, whatever the costs.
-- The server counts the pages of an index.  Those of an index that begins with user_id would
-- reveal the ids of other tenants' members.
BEGIN;
SELECT plan(10);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.users (id, username, email) SELECT gen_random_uuid(), 'u' || n, 'u' || n || '@x.test' FROM generate_series(1, 1500) AS n;
INSERT INTO casnet.user_tenants (user_id, tenant_id, role) SELECT id, CASE WHEN right(username, 1) < '3' THEN :'north' ELSE :'south' END::uuid, 'viewer' FROM casnet.users WHERE username ~ '^u';
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) SELECT user_id, tenant_id, 'edit_tags' FROM casnet.user_tenants WHERE role = 'viewer';
ANALYZE casnet.user_tenants, casnet.user_tenant_permissions;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SET LOCAL enable_seqscan = off;
SELECT count(*) FROM casnet.user_tenants, casnet.user_tenant_permissions WHERE false \g /dev/null
-- How many pages of the index a statement reads.
CREATE FUNCTION pg_temp.pages(index regclass, query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint;
BEGIN
	EXECUTE query;
	before := pg_stat_get_xact_blocks_fetched(index);
	EXECUTE query;
	RETURN pg_stat_get_xact_blocks_fetched(index) - before;
END
$$;
SELECT is(pg_temp.pages('casnet.' || t || '_pkey', format('SELECT count(*) FROM casnet.%s WHERE user_id %s', t, c)), 0::bigint, t || ' ' || c)
  FROM unnest('{user_tenants,user_tenant_permissions}'::text[]) AS t,
	unnest(ARRAY['>= ''80000000-0000-0000-0000-000000000000''', '= ''80000000-0000-0000-0000-000000000000''', '= ANY (''{80000000-0000-0000-0000-000000000000}'')']) AS c;
SET LOCAL enable_bitmapscan = off;
SET LOCAL random_page_cost = 100000;
SELECT is(pg_temp.pages('casnet.' || t || '_pkey', format('SELECT count(%s) FROM casnet.%s WHERE user_id <= ''ffffffff-0000-0000-0000-000000000000''', c, t)), 0::bigint, t || ' in the order of users')
  FROM (VALUES ('user_tenants', 'role'), ('user_tenant_permissions', 'permission')) AS v (t, c);
SELECT cmp_ok(pg_temp.pages('casnet.' || t || '_tenant_id_user_id_idx', format('SELECT count(*) FROM casnet.%s WHERE user_id >= ''80000000-0000-0000-0000-000000000000''', t)), '>', 0::bigint, t || ' by its other index')
  FROM unnest('{user_tenants,user_tenant_permissions}'::text[]) AS t;
SELECT * FROM finish();
ROLLBACK;
