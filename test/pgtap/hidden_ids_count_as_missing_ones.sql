-- A user's function calls do not reveal whether an account, tenant, member or row of others
-- has an id.  Neither the server's counters nor the error differ.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.user_tenant_permissions (user_id, tenant_id, permission) VALUES (:'otto', :'south', 'view_tasks');
CREATE TABLE public.ids (what text, id uuid);
INSERT INTO public.ids VALUES ('missing', :'nowhere'), ('account', :'otto'), ('tenant', :'south');
INSERT INTO public.ids (SELECT 'record', id FROM casnet.records WHERE tenant_id = :'south' LIMIT 1);
GRANT SELECT ON public.ids TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_app;
-- The server's statistics of everything in casnet, without blocks.
CREATE FUNCTION public.counted() RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_object_agg(c.oid::regclass::text, pg_stat_get_xact_numscans(c.oid) || ' ' || pg_stat_get_xact_tuples_returned(c.oid) || ' ' || pg_stat_get_xact_tuples_fetched(c.oid))
	  FROM pg_class AS c WHERE c.relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND c.relkind IN ('r', 'i')
$$;
-- The error of a call, and the change of the counters at its second execution.
CREATE FUNCTION public.told_by(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before jsonb;
	told text;
BEGIN
	FOR n IN 1 .. 2 LOOP
		before := public.counted();
		BEGIN
			EXECUTE statement;
			RAISE EXCEPTION SQLSTATE 'ZZZZZ';
		EXCEPTION WHEN OTHERS THEN
			told := SQLSTATE;
		END;
	END LOOP;
	RETURN told || coalesce((SELECT string_agg(a.key || ': ' || (SELECT string_agg((x.n::bigint - y.n::bigint)::text, ' ' ORDER BY x.i) FROM string_to_table(a.value, ' ') WITH ORDINALITY AS x (n, i) JOIN string_to_table(before->>a.key, ' ') WITH ORDINALITY AS y (n, i) USING (i)), ', ' ORDER BY a.key)
		FROM jsonb_each_text(public.counted()) AS a WHERE a.value <> before->>a.key), '');
END
$$;
-- Every call with ids in all places; its other arguments are the same.
CREATE TABLE public.calls AS
	SELECT p.oid::regprocedure AS function, f.what AS first, s.what AS second,
		   format('SELECT %s.%I(%s)', p.pronamespace::regnamespace, p.proname, (
			SELECT string_agg(CASE WHEN t.type = 'uuid'::regtype AND t.n = (SELECT min(x.n) FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS x (type, n) WHERE x.type = 'uuid'::regtype) THEN quote_literal(f.id)
						 WHEN t.type = 'uuid'::regtype THEN quote_literal(s.id)
						 WHEN t.type = 'uuid[]'::regtype THEN quote_literal(ARRAY[f.id])
						 WHEN t.type = 'boolean'::regtype THEN 'true'
						 WHEN t.type = 'regclass'::regtype THEN '''casnet.records'''
						 WHEN t.type = 'text'::regtype THEN '''edit_tasks'''
						 WHEN t.type = 'text[]'::regtype THEN '''{x}'''
						 ELSE 'NULL' END || '::' || t.type::regtype, ', ' ORDER BY t.n)
			  FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS t (type, n))) AS statement
	  FROM pg_proc AS p, public.ids AS f, public.ids AS s
	 WHERE p.pronamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND (p.proargtypes::oid[] && ARRAY['uuid'::regtype, 'uuid[]'::regtype]::oid[])
	   AND has_function_privilege(p.oid, 'EXECUTE') AND NOT 'internal'::regtype = ANY (p.proargtypes::oid[]) AND p.prokind = 'f'
	   -- A login waits; see lookups_by_name_are_not_counted.
	   AND p.proname <> 'login'
	   AND (s.what = 'missing' OR 1 < (SELECT count(*) FROM unnest(p.proargtypes::oid[]) AS t (type) WHERE t.type = 'uuid'::regtype));
SELECT cmp_ok((SELECT count(*) FROM public.calls), '>', 100::bigint, 'there are calls');
CREATE FUNCTION public.different() RETURNS SETOF text LANGUAGE sql AS $$
	WITH told AS MATERIALIZED (SELECT *, public.told_by(statement) AS told FROM public.calls)
	SELECT t.statement || ' ' || t.first || ' ' || t.second || ': ' || t.told || '; missing: ' || m.told
	  FROM told AS t JOIN told AS m ON m.function = t.function AND m.first = 'missing' AND m.second = 'missing' WHERE t.told <> m.told
$$;
-- The first executions make and keep the plans.
CALL be('vic', 'North');
SELECT count(*) >= 0 AS warm FROM public.different() \gset
SELECT is_empty('SELECT public.different()', 'a viewer');
CALL be('olga', 'North');
SELECT count(*) >= 0 AS warm FROM public.different() \gset
SELECT is_empty('SELECT public.different()', 'an owner');
-- Nor do they show whether others have invited an address.
RESET SESSION AUTHORIZATION;
INSERT INTO casnet_internal.invitations (digest, tenant_id, email, role, invited_by, expires_at) SELECT sha256(n::text::bytea), :'south', 'known@others.test', 'viewer', :'otto', now() + interval '1 day' FROM generate_series(1, 3) AS n;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(public.told_by('SELECT casnet.invite_member(''known@others.test'')'), public.told_by('SELECT casnet.invite_member(''unknown@others.test'')'), 'an invitation');
SELECT isnt(public.told_by('SELECT FROM casnet.records'), 'ZZZZZ', 'what is read is counted');
SELECT isnt(public.told_by(format('SELECT casnet_internal.require_records(ARRAY[%L::uuid])', (SELECT id FROM casnet.records LIMIT 1))), public.told_by(format('SELECT casnet_internal.require_records(ARRAY[%L::uuid])', :'nowhere')), 'and what is one''s own differs');
SELECT * FROM finish();
ROLLBACK;
