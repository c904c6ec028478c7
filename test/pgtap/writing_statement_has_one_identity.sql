-- A writing statement is judged as the user and the tenant with which it began.  After a
-- change on its way the next judgement refuses it, although the session may do each of the
-- two things separately.
BEGIN;
SELECT plan(45);
\ir include/fixtures.sql
\ir include/both_tenants.sql
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.tags (tenant_id, name) SELECT t.id, 'more ' || n FROM casnet.tenants AS t, generate_series(1, 3) AS n;
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) SELECT :'vic', :'north', p FROM unnest(ARRAY['create_tags', 'edit_tags']) AS p;
CREATE TABLE public.ways (n integer, way text, change text);
-- Another tenant, another user, no user, no tenant; by settings and by functions.
INSERT INTO public.ways VALUES (1, 'another tenant', format('public.go(''tenant_id'', %L)', :'south')),
	(2, 'another user', format('public.go(''user_id'', %L)', :'olga')),
	(3, 'no tenant', 'public.go(''tenant_id'', '''')'),
	(4, 'use_tenant()', 'casnet.use_tenant(''South'') IS NOT NULL'),
	(5, 'sign_out()', 'casnet.sign_out() IS NOT NULL');
GRANT SELECT ON public.ways TO tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
-- The policy judges each row by itself.
SET LOCAL jit = off;
SET LOCAL enable_indexscan = off;
SET LOCAL enable_indexonlyscan = off;
SET LOCAL enable_bitmapscan = off;

CALL be('mia', 'North');
SELECT is(state_of(format(s.statement, w.change)), '55000', s.name || ', ' || w.way)
  FROM public.ways AS w, (VALUES
	(1, 'INSERT SELECT', 'INSERT INTO casnet.persons (name, tenant_id) SELECT n, casnet.current_tenant_id() FROM generate_series(1, 3) AS n WHERE n = 1 OR %s'),
	(2, 'UPDATE', 'UPDATE casnet.tags SET name = name || ''!'' WHERE %s'),
	(3, 'UPDATE, a new value', 'UPDATE casnet.tags SET name = CASE WHEN %s THEN name || ''?'' END'),
	(4, 'MERGE, UPDATE', 'MERGE INTO casnet.tags AS t USING (VALUES (1)) AS v ON true WHEN MATCHED AND %s THEN UPDATE SET name = t.name || ''!'''),
	(5, 'MERGE, INSERT', 'MERGE INTO casnet.persons AS p USING generate_series(1, 3) AS n ON false WHEN NOT MATCHED AND (n = 1 OR %s) THEN INSERT (name, tenant_id) VALUES (n, casnet.current_tenant_id())'),
	(6, 'ON CONFLICT', 'INSERT INTO casnet.tags (name) VALUES (''more 1''), (''more 2'') ON CONFLICT (tenant_id, name) DO UPDATE SET name = excluded.name WHERE %s'),
	(7, 'WITH', 'WITH i AS (INSERT INTO casnet.persons (name) VALUES (1) RETURNING %s AS gone), j AS (INSERT INTO casnet.persons (name, tenant_id) SELECT 2, casnet.current_tenant_id() FROM i WHERE gone RETURNING 1) SELECT FROM j'),
	(8, 'a load', 'INSERT INTO casnet.persons_load (name, tenant_id) SELECT n, casnet.current_tenant_id() FROM generate_series(1, 3) AS n WHERE n = 1 OR %s')) AS s (n, name, statement)
 ORDER BY w.n, s.n;

-- By DELETE where a trigger judges each row.
SELECT is(state_of(format('DELETE FROM casnet.user_tenant_permissions WHERE %s', change)), '55000', 'DELETE, ' || way) FROM public.ways ORDER BY n;
SELECT * FROM finish();
ROLLBACK;
