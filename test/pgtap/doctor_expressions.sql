-- What casnet.doctor() sees in a stored expression: of policies, defaults and views, and
-- whatever else the server stores.
BEGIN;
SELECT plan(62);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE DOMAIN public.tenant AS uuid;
CREATE TABLE public.notes (tenant_id uuid NOT NULL, other_id uuid, domain_id public.tenant, title text, n int);
CREATE FUNCTION public.f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION public.g(int) RETURNS int LANGUAGE sql STABLE AS 'SELECT $1';
CREATE FUNCTION public.h() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';
CREATE FUNCTION public.of_text(text) RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';
CREATE FUNCTION public.tenant_with(text) RETURNS uuid LANGUAGE sql STABLE AS 'SELECT casnet.tenant_with($1)';
CREATE FUNCTION public.tenant_with(int) RETURNS uuid LANGUAGE sql STABLE AS 'SELECT casnet.tenant_with(''view_records'')';
CREATE FUNCTION public.equal(uuid, uuid) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT true';
CREATE OPERATOR public.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = public.equal);

-- An inspection in words.
CREATE FUNCTION public.told(tree pg_node_tree) RETURNS text LANGUAGE sql STABLE AS $$
	SELECT concat_ws(', ', CASE WHEN is_narrow THEN 'narrow' END, CASE WHEN has_subquery THEN 'subquery' END,
					 CASE WHEN has_wrapped_call THEN 'wrapped call' END,
					 (SELECT string_agg(coalesce(p.proname, r::text), ' ' ORDER BY p.proname) FROM unnest(row_functions) AS r LEFT JOIN pg_proc AS p ON p.oid = r))
	  FROM casnet_internal.inspect_expression(told.tree)
$$;
-- That of a policy.
CREATE FUNCTION public.seen(condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	words text;
BEGIN
	EXECUTE format('CREATE POLICY seen ON public.notes USING (%s)', condition);
	SELECT public.told(polqual) INTO words FROM pg_policy WHERE polrelid = 'public.notes'::regclass;
	DROP POLICY seen ON public.notes;
	RETURN words;
END
$$;

-- A comparison of a column with the tenant.
SELECT is(seen($$tenant_id = casnet.tenant_with('view_records')$$), 'narrow', 'alone');
SELECT is(seen($$casnet.tenant_with('view_records') = tenant_id$$), 'narrow', 'the other way round');
SELECT is(seen($$other_id = casnet.tenant_with('view_records')$$), 'narrow', 'whichever column');
SELECT is(seen($$tenant_id = casnet.tenant_with('view_records') AND n > 0$$), 'narrow', 'the first term of an AND');
SELECT is(seen($$n > 0 AND title <> '' AND casnet.tenant_with('view_records') = tenant_id$$), 'narrow', 'the last');
SELECT is(seen($$n > 0 OR tenant_id = casnet.tenant_with('view_records')$$), '', 'not a term of an OR');
SELECT is(seen($$n > 0 AND (n < 9 OR tenant_id = casnet.tenant_with('view_records'))$$), '', 'nor of one in an AND');
SELECT is(seen($$n > 0 AND (n < 9 AND tenant_id = casnet.tenant_with('view_records'))$$), '', 'nor of an AND in an AND');
SELECT is(seen($$NOT tenant_id = casnet.tenant_with('view_records')$$), '', 'nor below NOT');
SELECT is(seen($$NOT (n > 0 AND tenant_id = casnet.tenant_with('view_records'))$$), '', 'with an AND between');
SELECT is(seen($$(tenant_id = casnet.tenant_with('view_records')) IS NOT FALSE$$), '', 'nor below a test');
SELECT is(seen($$CASE WHEN tenant_id = casnet.tenant_with('view_records') THEN true END$$), '', 'nor below CASE');
SELECT is(seen($$(tenant_id = casnet.tenant_with('view_records')) = (n > 0)$$), '', 'nor below an operator');
SELECT is(seen($$tenant_id <> casnet.tenant_with('view_records')$$), '', 'no other operator');
SELECT is(seen($$tenant_id >= casnet.tenant_with('view_records')$$), '', 'nor one of the order');
SELECT is(seen($$tenant_id OPERATOR(public.=) casnet.tenant_with('view_records')$$), '', 'nor one of the name');
SELECT is(seen($$tenant_id IS DISTINCT FROM casnet.tenant_with('view_records')$$), '', 'nor IS DISTINCT FROM');
SELECT is(seen($$NULLIF(tenant_id, casnet.tenant_with('view_records')) IS NULL$$), '', 'nor NULLIF');
SELECT is(seen($$tenant_id = ANY (ARRAY[casnet.tenant_with('view_records')])$$), '', 'nor ANY');
SELECT is(seen($$domain_id = casnet.tenant_with('view_records')$$), '', 'no column of another type');
SELECT is(seen($$coalesce(tenant_id, other_id) = casnet.tenant_with('view_records')$$), '', 'nor what is made of columns');
SELECT is(seen($$tenant_id = coalesce(casnet.tenant_with('view_records'), other_id)$$), '', 'nor what is made of the tenant');
SELECT is(seen($$tenant_id = public.tenant_with('view_records')$$), '', 'no function of that name in another schema');
SELECT is(seen($$tenant_id = public.tenant_with(1)$$), '', 'nor with other arguments');
SELECT is(seen($$tenant_id = casnet.current_tenant_id()$$), '', 'nor another of casnet');
SELECT is(seen($$tenant_id = other_id$$), '', 'no two columns');
SELECT is(seen($$casnet.tenant_with('view_records') = casnet.tenant_with('edit_records')$$), '', 'no two calls');
SELECT is(seen($$casnet.tenant_with('view_records') = '00000000-0000-7000-8000-0000000000a0'$$), '', 'and a constant is no column');
SELECT is(seen('true'), '', 'nor is it true');

-- Subqueries.
SELECT is(seen('tenant_id IN (SELECT id FROM public.who)'), 'subquery', 'one that reads a table');
SELECT is(seen('EXISTS (VALUES (1), (2))'), 'subquery', 'one that reads rows');
SELECT is(seen('n = (SELECT x FROM (SELECT 1) AS s (x))'), 'subquery', 'one that reads another');
SELECT is(seen($$tenant_id = (SELECT casnet.tenant_with('view_records'))$$), 'wrapped call', 'one around a call, which is not narrow');
SELECT is(seen('n IN (SELECT public.h())'), 'wrapped call', 'likewise');
SELECT is(seen($$tenant_id = casnet.tenant_with('view_records') AND (SELECT public.h()) = n AND n IN (SELECT 1 FROM public.who)$$), 'narrow, subquery, wrapped call', 'one of each');
SELECT is(seen('n = (SELECT (SELECT count(*) FROM public.who))'), 'subquery, wrapped call', 'one in the other');
SELECT is(seen('n IN (SELECT x FROM (SELECT (SELECT public.h())) AS s (x))'), 'subquery, wrapped call', 'in its FROM');
SELECT is(seen('n IN (WITH a AS (SELECT 1 FROM public.who WHERE (SELECT true)) SELECT 1 FROM a)'), 'subquery, wrapped call', 'in its WITH');
SELECT is(seen('n IN (SELECT 1 UNION SELECT (SELECT public.h()))'), 'subquery, wrapped call', 'in its UNION');
SELECT is(seen('n IN (SELECT count(*) FROM public.who GROUP BY name HAVING (SELECT true) LIMIT 1)'), 'subquery, wrapped call', 'in its HAVING');

-- Functions with a column in their arguments.
SELECT is(seen('public.h() > 0 AND public.f(1) > 0 AND public.f(public.g(public.h())) > 0'), '', 'none without a column');
SELECT is(seen('n > public.f(1) AND n BETWEEN public.h() AND public.g(2)'), '', 'none beside a column');
SELECT is(seen('public.f(public.g(n) + public.h()) > 0'), 'f g', 'those around one');
SELECT is(seen('public.f(n) > 0 AND public.f(n) < 9 AND public.g(1) = 1'), 'f', 'each once');
SELECT is(seen('public.f(CASE WHEN coalesce(title, $x$x$x$) = $x$y$x$ THEN 1 END) > 0 OR public.g((ARRAY[1, n])[1]) > 0'), 'f g', 'with what is between');
SELECT is(told(d.adbin), 'search_vector', 'those of a generated column')
  FROM pg_attrdef AS d WHERE d.adrelid = 'casnet.records'::regclass AND pg_get_expr(d.adbin, d.adrelid) ~ 'search_vector';
SELECT is(seen('public.f((SELECT max(length(name)) FROM public.who)) > 0'), 'subquery, f length', 'around a subquery with a column');
SELECT is(seen('EXISTS (SELECT FROM public.who WHERE public.f(length(name)) > 0)'), 'subquery, f length', 'within one');
SELECT is(seen('(SELECT public.f(n)) > 0 AND n IN (SELECT x FROM public.g(n) AS g (x))'), 'subquery, wrapped call, f g', 'of the table, in subqueries');

-- Strings that look like an expression are not one.
SELECT is(seen($$tenant_id = casnet.tenant_with('view_records') AND title NOT IN ('{SUBLINK', '}}', '\', '\{VAR\}', ':rtable <>', ' :boolop or ', '(SELECT 1)')$$), 'narrow', 'braces, backslashes and words in constants');
SELECT is(seen($$public.of_text('{VAR}') = 1 AND public.of_text(' \} {QUERY :rtable <>} \\') = 1$$), '', 'nor are they columns');
CREATE TABLE public."{SUBLINK {QUERY :rtable <>}} \{VAR" ("} \} {VAR" int);
SELECT is(seen($$EXISTS (SELECT public.f(1) FROM public."{SUBLINK {QUERY :rtable <>}} \{VAR" AS "} :rtable <> (\" ("{VAR}"))$$), 'subquery', 'in names');

-- Every kind of expression that the server stores.
CREATE VIEW public.noted AS SELECT public.f(n) AS n, (SELECT public.h()) AS h FROM public.notes WHERE EXISTS (SELECT FROM public.who);
CREATE FUNCTION public.body() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM public.notes WHERE public.g(n) > 0; SELECT 1; END;
CREATE TABLE public.parts (n int) PARTITION BY LIST (public.f(n));
CREATE TABLE public.part PARTITION OF public.parts FOR VALUES IN (1);
SELECT is((SELECT told(ev_action) FROM pg_rewrite WHERE ev_class = 'public.noted'::regclass), 'subquery, wrapped call, f', 'a view');
SELECT is((SELECT told(prosqlbody) FROM pg_proc WHERE oid = 'public.body()'::regprocedure), 'g', 'the body of a function');
SELECT is((SELECT told(partexprs) FROM pg_partitioned_table WHERE partrelid = 'public.parts'::regclass), 'f', 'a key of partitions');
SELECT is((SELECT count(*) FILTER (WHERE told(ev_qual) = '') FROM pg_rewrite), (SELECT count(*) FROM pg_rewrite), 'the conditions of the rules that have none');
SELECT throws_ok($$SELECT casnet_internal.inspect_expression(relpartbound) FROM pg_class WHERE oid = 'public.part'::regclass$$, '22023', NULL, 'a bound is no expression');
SELECT throws_ok($$SELECT casnet_internal.inspect_expression('{VAR}')$$, '0A000', NULL, 'nothing is made of text');
SELECT throws_ok($$SELECT casnet_internal.inspect_expression('{VAR}'::text)$$, '42883', NULL, 'nor cast from it');
SELECT is(casnet_internal.inspect_expression(NULL), NULL, 'and of nothing is nothing');
SELECT format('CREATE POLICY deep ON public.notes USING (%s n %s > 0)', repeat('public.g(', 500), repeat(')', 500)) AS deep \gset
:deep;
SELECT is(told(polqual), 'g', 'what is nested deep') FROM pg_policy WHERE polname = 'deep';
SET LOCAL max_stack_depth = '100kB';
SELECT throws_ok($$SELECT casnet_internal.inspect_expression(polqual) FROM pg_policy WHERE polname = 'deep'$$, '54001', NULL, 'too deep for the session');
RESET max_stack_depth;
SELECT * FROM finish();
ROLLBACK;
