-- No user's function runs on a row that the table's policy does not let through.  That holds
-- for every form of policy, and for statements and views that imitate one.  It holds when
-- the executor rechecks a condition (BRIN), and in the order of conditions.
BEGIN;
SELECT plan(73);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE SEQUENCE public.calls;
GRANT ALL ON SEQUENCE public.calls TO PUBLIC;
CREATE TABLE public.heads (id integer PRIMARY KEY, tenant_id uuid);
INSERT INTO public.heads VALUES (1, :'north'), (2, :'south');
CREATE TABLE public.lines (tenant_id uuid, head integer, author uuid, amount integer, note text);
INSERT INTO public.lines SELECT CASE n % 2 WHEN 0 THEN :'north' ELSE :'south' END::uuid, 1 + n % 2, :'mia', n, 'note ' || n FROM generate_series(1, 400) AS n;
CREATE INDEX ON public.lines USING brin (amount);
CREATE INDEX ON public.lines USING brin (author, amount);
CREATE INDEX ON public.lines USING hash (head);
CREATE INDEX ON public.lines USING brin (amount) WHERE note LIKE 'shared%';
CREATE INDEX ON public.lines USING brin (head, amount) WHERE note LIKE 'shared%';
GRANT SELECT ON public.heads, public.lines TO PUBLIC;
ALTER TABLE public.heads ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.lines ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON public.heads USING (tenant_id = casnet.tenant_with('view_records'));
CREATE POLICY form ON public.lines USING (false);
CREATE FUNCTION public.as_form(form text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	EXECUTE format('ALTER POLICY form ON public.lines USING (%s)', form);
END
$$;
CREATE FUNCTION public.wrapped() RETURNS uuid LANGUAGE plpgsql STABLE AS 'BEGIN RETURN casnet.tenant_with(''view_records''); END';
CREATE VIEW public.mine WITH (security_invoker) AS SELECT * FROM public.lines WHERE author = casnet_internal.require_user();
CREATE TABLE public.forms (n integer, form text);
INSERT INTO public.forms VALUES
	(1, 'tenant_id = casnet.tenant_with(''view_records'')'),
	(2, 'tenant_id = casnet.current_tenant_id() AND casnet.can(''view_records'')'),
	(3, 'tenant_id = (SELECT casnet.tenant_with(''view_records''))'),
	(4, '(SELECT h.id FROM public.heads AS h WHERE h.id = head) IS NOT NULL'),
	(5, 'EXISTS (SELECT FROM public.heads AS h WHERE h.id = head)'),
	(6, 'tenant_id = (casnet.whoami()).tenant_id'),
	(7, 'tenant_id IN (SELECT m.tenant_id FROM casnet.my_tenants() AS m WHERE m.is_active)'),
	(8, 'casnet.tenant_with(''view_records'') = tenant_id'),
	(9, 'coalesce(tenant_id = casnet.tenant_with(''view_records''), false)'),
	(10, 'CASE WHEN tenant_id = casnet.tenant_with(''view_records'') THEN true ELSE false END'),
	(11, 'tenant_id = casnet.tenant_with(''view_records'') OR note LIKE ''shared%'''),
	(12, 'tenant_id = public.wrapped()');
GRANT SELECT ON public.forms, public.mine TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE FUNCTION public.counted(integer) RETURNS integer LANGUAGE plpgsql STABLE COST 1 AS $$
BEGIN
	PERFORM nextval('public.calls');
	RETURN $1;
END
$$;
-- How often the function is called: at most twice for each of the 200 visible rows, or for
-- the plan.
CREATE FUNCTION public.calls_of(query text, each integer DEFAULT 2) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before bigint := nextval('public.calls');
	calls bigint;
	rows bigint;
BEGIN
	EXECUTE query INTO rows;
	calls := nextval('public.calls') - before - 1;
	RETURN format('%s rows%s', rows, CASE WHEN calls > each * 200 + 5 THEN ', ' || calls || ' calls' END);
END
$$;
CREATE VIEW public.either WITH (security_invoker) AS SELECT * FROM public.lines
	WHERE (author = casnet_internal.require_user() AND amount > public.counted(0)) OR (author = casnet.tenant_with('view_records') AND amount < public.counted(0));
CALL be('mia', 'North');
SET LOCAL enable_seqscan = off;
SET LOCAL enable_indexscan = off;
SELECT is(public.calls_of('SELECT count(*) FROM public.lines WHERE amount > public.counted(0)'), '200 rows', 'checked again: ' || form)
  FROM public.forms, LATERAL (SELECT public.as_form(form) OFFSET 0) AS f ORDER BY n;
SELECT is(public.calls_of('SELECT count(*) FROM public.lines WHERE amount > public.counted(0) AND note LIKE ''shared%''', 1), '0 rows', 'by a part of the rows: ' || form)
  FROM public.forms, LATERAL (SELECT public.as_form(form) OFFSET 0) AS f WHERE n > 7 ORDER BY n;
SELECT is(public.calls_of('SELECT count(*) FROM public.lines WHERE (amount > public.counted(0) AND note LIKE ''shared%'') OR (head > public.counted(0) AND author = casnet_internal.require_user() AND amount = 3)', 1), '0 rows', 'by two parts: ' || form)
  FROM public.forms, LATERAL (SELECT public.as_form(form) OFFSET 0) AS f WHERE n = 11;
SET LOCAL enable_indexscan = on;
SET LOCAL enable_bitmapscan = off;
SELECT is(public.calls_of('SELECT count(*) FROM public.lines WHERE head = public.counted(2)', 0), '0 rows', 'by a hash index: ' || form)
  FROM public.forms, LATERAL (SELECT public.as_form(form) OFFSET 0) AS f ORDER BY n;
SET LOCAL enable_indexscan = off;
SET LOCAL enable_bitmapscan = on;
SELECT is(public.calls_of('SELECT count(*) FROM public.mine WHERE amount > public.counted(0)'), '200 rows', 'through a view that looks like a policy: ' || form)
  FROM public.forms, LATERAL (SELECT public.as_form(form) OFFSET 0) AS f ORDER BY n;
SELECT is(public.calls_of('SELECT count(*) FROM public.either', 3), '200 rows', 'through one that looks like two: ' || form)
  FROM public.forms, LATERAL (SELECT public.as_form(form) OFFSET 0) AS f ORDER BY n;
SELECT is(public.calls_of(format('SELECT count(*) FROM public.lines WHERE tenant_id = %L AND amount > public.counted(0) AND amount < (SELECT 1000000)', :'north')), '200 rows', 'beside the tenant as a constant: ' || form)
  FROM public.forms, LATERAL (SELECT public.as_form(form) OFFSET 0) AS f WHERE n = 1;
SET LOCAL enable_seqscan = on;
SET LOCAL enable_bitmapscan = off;
SELECT is(public.calls_of('SELECT count(*) FROM public.lines WHERE CASE WHEN note <> '''' THEN public.counted(amount) > 0 END'), '200 rows', 'in order: ' || form)
  FROM public.forms, LATERAL (SELECT public.as_form(form) OFFSET 0) AS f ORDER BY n;
-- A call in the statement itself can take the policy's place, since the server keeps one of
-- two equal conditions.
SELECT public.as_form(form) IS NULL AS formed FROM public.forms WHERE n = 1 \gset
CREATE TEMP TABLE x AS SELECT :'north'::uuid AS u, n AS k FROM generate_series(1, 2) AS n;
INSERT INTO x SELECT :'south', n FROM generate_series(1, 2) AS n;
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = on;
\set text '(x JOIN x AS y ON x.u = casnet.tenant_with(''view_records'') AND x.k = y.k AND x.u = y.u)'
SELECT is(public.calls_of('SELECT count(*) FROM ' || :'text' || ' JOIN public.lines AS l ON l.tenant_id = x.u WHERE l.amount > public.counted(0)'), '400 rows', 'beside a call in a join');
SET LOCAL enable_seqscan = on;
DECLARE c CURSOR FOR SELECT r.title FROM (x JOIN x AS y ON x.u = casnet.tenant_with('view_records') AND x.k = y.k) JOIN casnet.records AS r ON r.title ~ 'record';
FETCH 2 FROM c \g /dev/null
CALL be('mia', 'South');
CREATE FUNCTION public.rest() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	c CONSTANT refcursor := 'c';
	r text;
	tenants text[];
BEGIN
	LOOP
		FETCH c INTO r;
		EXIT WHEN NOT FOUND;
		tenants := tenants || split_part(r, ' ', 1);
	END LOOP;
	RETURN (SELECT string_agg(DISTINCT t, ' ') FROM unnest(tenants) AS t);
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
SELECT is(public.rest(), 'North', 'and a cursor stays with its opener');
CLOSE c;
-- Run-time pruning calls the function as well.
RESET SESSION AUTHORIZATION;
CREATE TABLE public.hashed (tenant_id uuid NOT NULL, k integer NOT NULL, note text) PARTITION BY HASH (tenant_id, k);
SELECT format('CREATE TABLE public.hashed_%s PARTITION OF public.hashed FOR VALUES WITH (MODULUS 8, REMAINDER %1$s)', n) FROM generate_series(0, 7) AS n \gexec
SELECT casnet.protect('public.hashed') IS NOT NULL AS protected \gset
INSERT INTO public.hashed SELECT t.id, n, t.name || ' ' || n FROM casnet.tenants AS t, generate_series(1, 8) AS n WHERE t.name IN ('North', 'South');
INSERT INTO casnet.role_permissions (role, permission) VALUES ('viewer', 'view_hashed') ON CONFLICT DO NOTHING;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('mia', 'North');
DECLARE c CURSOR FOR SELECT (SELECT h.note FROM public.hashed AS h WHERE h.k = n) FROM generate_series(1, 8) AS n;
FETCH 2 FROM c \g /dev/null
CALL be('mia', 'South');
SELECT is(public.rest(), 'North', 'a cursor whose partitions are left out on the way');
SELECT casnet.sign_out();
SELECT is((SELECT count(*) FROM public.forms), 12::bigint, 'all forms were tried');
-- Numbers of a plan, also if the policy's call is in a subquery, or if an inlined function
-- reads the table.
CALL be('mia', 'North');
CREATE FUNCTION public.inlined() RETURNS SETOF public.lines LANGUAGE sql STABLE AS 'SELECT * FROM public.lines';
CREATE FUNCTION public.explained(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	result text := '';
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE) ' || query LOOP
		result := result || line;
	END LOOP;
	RETURN substring(result FROM 'Rows Removed|actual rows|rows=[1-9]');
EXCEPTION WHEN OTHERS THEN
	RETURN NULL;
END
$$;
SELECT is(string_agg(public.explained('SELECT * FROM public.lines'), ', '), NULL, 'no numbers') FROM public.forms, LATERAL (SELECT public.as_form(form) OFFSET 0) AS f WHERE n < 4 OR n > 7;
SELECT is(string_agg(public.explained('SELECT * FROM public.inlined()'), ', '), NULL, 'nor of a function') FROM public.forms, LATERAL (SELECT public.as_form(form) OFFSET 0) AS f WHERE n < 4 OR n > 7;
SELECT * FROM finish();
ROLLBACK;
