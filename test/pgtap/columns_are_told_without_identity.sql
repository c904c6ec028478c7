-- A statement that reads the columns of tables and no row needs no identity: its result is
-- the same for everybody.  One that could return something is refused, whatever it returns
-- today.
BEGIN;
SELECT plan(61);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE FUNCTION public.leak(value text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS $$
BEGIN
	RAISE EXCEPTION 'seen: %', value;
END
$$;
CREATE FUNCTION public.leak_eq(text, text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS $$
BEGIN
	RAISE EXCEPTION 'seen: %', $1;
END
$$;
CREATE OPERATOR public.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = public.leak_eq, RESTRICT = eqsel, JOIN = eqjoinsel);
CREATE OPERATOR public.<<< (LEFTARG = text, RIGHTARG = text, FUNCTION = public.leak_eq, RESTRICT = scalarltsel);
CREATE TABLE public.notes (id uuid DEFAULT casnet.uuid_v7(), body text);
SELECT casnet.protect('public.notes') IS NOT NULL AS protected \g /dev/null
CREATE VIEW public.titles WITH (security_invoker) AS SELECT title FROM casnet.records;
CREATE VIEW public.mine WITH (security_invoker, security_barrier) AS SELECT r.title FROM casnet.records AS r JOIN casnet.tags AS t ON t.tenant_id = r.tenant_id WHERE r.title OPERATOR(public.===) t.name;
GRANT SELECT ON public.notes, public.titles, public.mine TO tap_app;
ANALYZE casnet.records, casnet.tags;
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE FUNCTION public.rows_or_error(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE query;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;

CALL be(NULL);
SELECT is(public.rows_or_error(query), '0', query)
  FROM unnest(ARRAY['SELECT * FROM casnet.records LIMIT 0', 'SELECT * FROM casnet.records WHERE false', 'SELECT * FROM casnet.records WHERE 1 = 0',
	'SELECT * FROM casnet.users WHERE NULL', 'SELECT * FROM casnet.tasks FETCH FIRST 0 ROWS ONLY', 'SELECT title FROM casnet.records WHERE title = ''x'' AND 1 <> 1 ORDER BY title',
	'SELECT r.id, t.name FROM casnet.records AS r, casnet.tags AS t LIMIT 0', 'SELECT * FROM public.notes LIMIT 0', 'SELECT * FROM ONLY casnet.persons LIMIT 1 - 1',
	'SELECT * FROM (SELECT * FROM casnet.records) AS r WHERE 0 = 1', 'SELECT * FROM (SELECT r.title FROM casnet.records AS r JOIN casnet.tasks AS t ON t.record_id = r.id) AS s LIMIT 0',
	'SELECT r.title FROM casnet.records AS r LEFT JOIN casnet.tasks AS t ON t.record_id = r.id CROSS JOIN casnet.tags LIMIT 0', 'SELECT * FROM public.titles LIMIT 0', 'SELECT * FROM public.mine WHERE false',
	'EXPLAIN (COSTS off) SELECT * FROM casnet.records LIMIT 0']) WITH ORDINALITY AS q (query, n) WHERE n < 15;
SELECT throws_ok(query, '28000', 'nobody is signed in', query)
  FROM unnest(ARRAY['SELECT * FROM casnet.records LIMIT 1', 'SELECT * FROM casnet.records LIMIT NULL', 'SELECT count(*) FROM casnet.records LIMIT 0',
	'SELECT 1 FROM casnet.records GROUP BY () LIMIT 0', 'SELECT (SELECT count(*) FROM casnet.records) LIMIT 0', 'SELECT * FROM casnet.records OFFSET 1000', 
	'SELECT * FROM casnet.records WHERE now() < ''1999-01-01''', 'SELECT * FROM casnet.persons WHERE gender = ''NONE''', 'SELECT * FROM casnet.records WHERE id = ''00000000-0000-7000-8000-0000000000ff''',
	'SELECT * FROM casnet.records FOR UPDATE LIMIT 0', 'WITH r AS (SELECT * FROM casnet.records) SELECT * FROM r LIMIT 0', 'SELECT * FROM (SELECT count(*) FROM casnet.records) AS r LIMIT 0',
	'SELECT * FROM casnet.records UNION SELECT * FROM casnet.records LIMIT 0', 'SELECT count(*) FROM casnet.records AS r, casnet.tags LIMIT 0',
	'INSERT INTO casnet.tags SELECT * FROM casnet.tags LIMIT 0', 'SELECT * FROM (SELECT DISTINCT title FROM casnet.records) AS r LIMIT 0',
	'SELECT * FROM casnet.records TABLESAMPLE system (100) LIMIT 0']) AS query;
SELECT throws_ok(query, '28000', 'nobody is signed in', query)
  FROM unnest(ARRAY['SELECT * FROM casnet.records WHERE true', 'SELECT title FROM casnet.records GROUP BY title LIMIT 0',
	'SELECT DISTINCT title FROM casnet.records LIMIT 0', 'SELECT 1 FROM casnet.records HAVING true LIMIT 0', 'SELECT row_number() OVER () FROM casnet.records LIMIT 0', 'SELECT generate_series(1, 2) FROM casnet.records LIMIT 0',
	'SELECT (SELECT 1) FROM casnet.records LIMIT 0', 'WITH r AS (SELECT 1) SELECT t.* FROM casnet.records AS t LIMIT 0', 'SELECT * FROM casnet.records ORDER BY id FETCH FIRST 0 ROWS WITH TIES',
	'SELECT t.* FROM casnet.records AS t, generate_series(1, 2) LIMIT 0']) AS query;

-- Nothing is evaluated on rows or statistics, and privileges are checked.
CALL be('mia', 'South');
SELECT is(public.rows_or_error(query), '0', query)
  FROM unnest(ARRAY['SELECT * FROM casnet.records WHERE public.leak(title) LIMIT 0', 'SELECT * FROM casnet.records WHERE title OPERATOR(public.===) ''x'' AND false',
	'SELECT public.leak(title) FROM casnet.records WHERE false ORDER BY public.leak(title)', 'SELECT r.* FROM casnet.records AS r, casnet.tags AS t WHERE r.title OPERATOR(public.===) t.name LIMIT 0',
	'SELECT r.* FROM casnet.records AS r JOIN casnet.tags AS t ON r.title OPERATOR(public.<<<) ''x'' LIMIT 0', 'SELECT r.* FROM casnet.tags AS t LEFT JOIN casnet.records AS r ON r.title OPERATOR(public.<<<) ''x'' WHERE false',
	'SELECT r.* FROM casnet.records AS r JOIN casnet.tags AS t ON r.title OPERATOR(public.===) t.name WHERE false', 'SELECT * FROM (SELECT * FROM casnet.records WHERE title OPERATOR(public.===) ''x'') AS r WHERE false',
	'SELECT * FROM (SELECT public.leak(title) FROM casnet.records OFFSET 0) AS r LEFT JOIN casnet.tags AS t ON t.name OPERATOR(public.===) ''x'' LIMIT 0', 'SELECT * FROM public.mine LIMIT 0']) AS query;
SELECT throws_ok(query, '42501', NULL, query)
  FROM unnest(ARRAY['SELECT * FROM casnet_internal.signing_keys LIMIT 0', 'SELECT * FROM casnet_internal.password_hashes WHERE false', 'SELECT * FROM casnet_internal.protected LIMIT 0']) AS query;

-- A prepared statement is judged again by what it becomes.
CALL be(NULL);
PREPARE part (bigint) AS SELECT title FROM casnet.records LIMIT $1;
SELECT throws_ok('EXECUTE part (1)', '28000', NULL, 'a limit that is a parameter');
SET LOCAL plan_cache_mode = force_generic_plan;
SELECT throws_ok('EXECUTE part (0)', '28000', NULL, 'whatever it is');
PREPARE none AS SELECT title FROM casnet.records LIMIT 0;
SELECT is_empty('EXECUTE none', 'and one that is none');
CALL be('mia', 'North');
SELECT is_empty('EXECUTE none', 'returns none to a signed-in user, too');
SELECT isnt_empty('EXECUTE part (1)', 'the other follows the session');
SELECT isnt_empty('SELECT title FROM casnet.records WHERE true', 'a condition that is true restricts nothing');
SELECT is((SELECT string_agg(a.attname, ' ' ORDER BY a.attnum) FROM pg_attribute AS a WHERE a.attrelid = 'casnet.tasks'::regclass AND a.attnum BETWEEN 1 AND 4), 'id record_id assignee_id tenant_id', 'what refers comes before the tenant');
SELECT * FROM finish();
ROLLBACK;
