-- An export has exactly what is in the tables: each column of each row, and nothing else.
BEGIN;
SELECT plan(38);
\ir include/fixtures.sql
\ir include/every_value.sql
-- Each column has some value that could be lost.
RESET SESSION AUTHORIZATION;
SELECT is((SELECT string_agg(DISTINCT a.attname, ' ' ORDER BY a.attname) FROM pg_attribute AS a
	WHERE a.attrelid = ('casnet.' || d.name)::regclass AND a.attnum > 0 AND a.attname NOT IN ('tenant_id', 'search_vector')
	  AND ((SELECT count(DISTINCT m.line->a.attname) FROM public.made AS m WHERE m.name = d.name) < 2
		OR NOT a.attnotnull AND NOT EXISTS (SELECT FROM public.made AS m WHERE m.name = d.name AND m.line->a.attname = 'null'))), NULL, d.name || ': values to lose')
  FROM public.data AS d;
SELECT cmp_ok((SELECT count(*) FROM public.made AS m WHERE m.name = d.name), '>=', 12::bigint, d.name || ': rows to lose') FROM public.data AS d;

SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
CREATE TEMP TABLE e AS SELECT d FROM casnet.export_tenant() AS d;
SELECT is(public.lost((SELECT array_agg(line) FROM public.made AS m WHERE m.name = d.name), (SELECT array_agg(public.row_of(e.d)) FROM e WHERE e.d->>'table' = d.name)), NULL, d.name || ': each column of each row') FROM public.data AS d;
SELECT is(public.lost((SELECT array_agg(public.document_of(m.name, line)->'row') FROM public.made AS m WHERE m.name = d.name), (SELECT array_agg(e.d->'row') FROM e WHERE e.d->>'table' = d.name)), NULL, d.name || ': as it was') FROM public.data AS d;
SELECT is((SELECT count(*) FROM e WHERE e.d->>'table' = d.name), (SELECT count(*) FROM public.made AS m WHERE m.name = d.name), d.name || ': and no more') FROM public.data AS d;
RESET SESSION AUTHORIZATION;
SELECT is((SELECT d FROM e WHERE d ? 'casnet'), (SELECT jsonb_build_object('casnet', 'tenant', 'version', 1, 'left_out', '[]'::jsonb, 'columns', public.header_columns(), 'tenant', jsonb_build_object('id', t.id, 'name', t.name, 'description', t.description, 'created_at', public.document_time(t.created_at)))
	FROM casnet.tenants AS t WHERE t.id = :'north'), 'the tenant');
SELECT bag_eq($$SELECT d->'row' FROM e WHERE d->>'table' = 'members'$$,
	$$SELECT jsonb_build_object('username', u.username, 'email', u.email, 'role', m.role, 'created_at', public.document_time(m.created_at),
		'permissions', (SELECT coalesce(jsonb_agg(p.permission ORDER BY p.permission COLLATE "C"), '[]') FROM casnet.user_tenant_permissions AS p WHERE (p.user_id, p.tenant_id) = (m.user_id, m.tenant_id)))
	  FROM casnet.user_tenants AS m JOIN casnet.users AS u ON u.id = m.user_id JOIN public.who AS w ON w.id = m.tenant_id WHERE w.name = 'North'$$, 'its members');
SELECT is((SELECT count(*) FROM e), (SELECT count(*) + 6 FROM public.made), 'nothing else');
SELECT * FROM finish();
ROLLBACK;
