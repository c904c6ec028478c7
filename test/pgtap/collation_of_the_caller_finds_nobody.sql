-- A caller's collation can make different names equal.  With it nobody finds an account or a
-- tenant: no function that runs as its owner compares by it.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
UPDATE casnet.users SET username = 'o-t-t-o' WHERE id = :'otto';
CREATE COLLATION public.loose (provider = icu, locale = 'und-u-ka-shifted-ks-level1', deterministic = false);
SELECT is('otto' = 'o-t-t-o' COLLATE public.loose, true, 'to the collation both are one name');
-- Each function that takes a text and runs as its owner, with that collation in every text
-- argument.
CREATE TABLE public.calls AS
	SELECT p.oid::regprocedure AS function, v.name,
		   (SELECT format('SELECT %s.%I(%s)', p.pronamespace::regnamespace, p.proname, string_agg(CASE WHEN t.type = 'text'::regtype AND (t.n = 1 OR p.proname !~ 'login') THEN quote_literal(CASE t.n WHEN 1 THEN v.name ELSE v.other END) || '::text COLLATE %1$s' WHEN t.type = 'text'::regtype THEN '''wrong password''' ELSE 'NULL::' || t.type::regtype END, ', ' ORDER BY t.n)) FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS t (type, n)) AS statement
	  FROM pg_proc AS p, (VALUES ('otto', 'otto@southtest'), ('otto@southtest', 'otto'), ('Sou th', 'x')) AS v (name, other)
	 WHERE p.pronamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND p.prosecdef AND 'text'::regtype = ANY (p.proargtypes::oid[])
	   AND has_function_privilege('tap_app', p.oid, 'EXECUTE') AND (p.proname <> 'login' OR v.name = 'otto');
GRANT SELECT ON public.calls TO PUBLIC;
SELECT cmp_ok((SELECT count(DISTINCT function) FROM public.calls), '>=', 5::bigint, 'there are such functions');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT is_empty($$SELECT statement, public.outcome(format(statement, 'public.loose')) FROM public.calls WHERE function::text !~ 'found|create_tenant' AND public.outcome(format(statement, 'public.loose')) <> public.outcome(format(statement, '"default"'))$$, 'each says the same');
SELECT is(public.outcome('SELECT casnet_internal.find_user(''otto'' COLLATE public.loose)'), 'NULL', 'find_user()');
SELECT is(public.outcome('SELECT casnet.add_member(''otto'' COLLATE public.loose)'), public.outcome('SELECT casnet.add_member(''otto'')'), 'add_member()');
SELECT is(public.outcome('SELECT casnet.use_tenant(''Sou th'' COLLATE public.loose)'), public.outcome('SELECT casnet.use_tenant(''Sou th'')'), 'use_tenant()');
SELECT * FROM finish();
ROLLBACK;
