-- An import stores exactly what the documents say, each value of each row.  The test makes
-- the documents from the rows, without an export.
BEGIN;
SELECT plan(27);
\ir include/fixtures.sql
\ir include/every_value.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.documents (d jsonb);
INSERT INTO public.documents
SELECT jsonb_build_object('casnet', 'tenant', 'version', 1, 'left_out', '[]'::jsonb, 'columns', public.header_columns(), 'tenant', jsonb_build_object('id', t.id, 'name', 'Copy', 'description', t.description, 'created_at', public.document_time(t.created_at))) FROM casnet.tenants AS t WHERE t.id = :'north'
UNION ALL
SELECT jsonb_build_object('table', 'members', 'row', jsonb_build_object('username', u.username, 'email', u.email, 'role', m.role, 'created_at', public.document_time(m.created_at),
	'permissions', (SELECT coalesce(jsonb_agg(p.permission), '[]') FROM casnet.user_tenant_permissions AS p WHERE (p.user_id, p.tenant_id) = (m.user_id, m.tenant_id))))
  FROM casnet.user_tenants AS m JOIN casnet.users AS u ON u.id = m.user_id WHERE m.tenant_id = :'north'
UNION ALL
SELECT public.document_of(name, line) FROM public.made;
ALTER TABLE public.documents OWNER TO tap_app;
-- The ids of a copy: the new id of each old one.
CREATE FUNCTION public.copied(line jsonb, tenant uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_object_agg(key, CASE WHEN key IN ('id', 'record_id', 'person_id', 'tag_id', 'series_id') AND jsonb_typeof(value) = 'string' THEN to_jsonb(casnet_internal.reissue_uuid((value#>>'{}')::uuid, tenant)) ELSE value END) FROM jsonb_each(line)
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
SET LOCAL timezone = 'America/St_Johns';
SET LOCAL datestyle = 'SQL, DMY';
CALL be('olga');
SELECT casnet.import_tenant('public.documents', keep_ids => true) AS same \gset
SELECT casnet.import_tenant('public.documents', 'Other') AS new \gset
RESET SESSION AUTHORIZATION;
SET LOCAL timezone = 'Asia/Kathmandu';
SET LOCAL datestyle = 'ISO';
SELECT is(public.lost((SELECT array_agg(line) FROM public.made AS m WHERE m.name = d.name), (SELECT array_agg(l) FROM public.rows_in(d.name, :'same') AS l)), NULL, d.name || ': each column of each row') FROM public.data AS d;
SELECT is(public.lost((SELECT array_agg(public.copied(line, :'new')) FROM public.made AS m WHERE m.name = d.name), (SELECT array_agg(l) FROM public.rows_in(d.name, :'new') AS l)), NULL, d.name || ': with new ids, too') FROM public.data AS d;
SELECT is((SELECT count(*) FROM public.rows_in(d.name, :'same') AS l), (SELECT count(*) FROM public.made AS m WHERE m.name = d.name), d.name || ': and no more') FROM public.data AS d;
SELECT results_eq(format('SELECT name, description, created_at FROM casnet.tenants WHERE id IN (%L, %L) ORDER BY 1', :'same', :'new'),
	$$SELECT n, description, created_at FROM casnet.tenants, unnest('{Copy,Other}'::text[]) AS n WHERE name = 'North'$$, 'the tenant');
SELECT bag_eq(format('SELECT user_id, role, created_at FROM casnet.user_tenants WHERE tenant_id = %L', :'same'),
	$$SELECT user_id, role, created_at FROM casnet.user_tenants JOIN public.who AS w ON w.id = tenant_id WHERE w.name = 'North'$$, 'its members');
SELECT bag_eq(format('SELECT user_id, permission FROM casnet.user_tenant_permissions WHERE tenant_id = %L', :'same'),
	$$SELECT user_id, permission FROM casnet.user_tenant_permissions JOIN public.who AS w ON w.id = tenant_id WHERE w.name = 'North'$$, 'their permissions');
SELECT bag_eq(format('SELECT title, search_vector FROM casnet.records WHERE tenant_id = %L', :'same'),
	$$SELECT title, search_vector FROM casnet.records JOIN public.who AS w ON w.id = tenant_id WHERE w.name = 'North'$$, 'and what is searched');
SELECT is((SELECT count(*) FROM casnet.tasks WHERE tenant_id = :'same' AND assignee_id IS NULL), (SELECT count(*) FROM casnet.tasks WHERE tenant_id = :'north' AND assignee_id IS NULL), 'nobody more is without a task');
SELECT is((SELECT count(*) FROM casnet.user_tenants WHERE tenant_id = :'new'), 5::bigint, 'nor is anybody else a member');
SELECT * FROM finish();
ROLLBACK;
