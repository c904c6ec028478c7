-- After fixtures.sql: what EXPLAIN shows, and which of it is more than the shape of the
-- plan; a protected table; and a place for what EXPLAIN sends to the client.
RESET SESSION AUTHORIZATION;
CREATE TABLE public.invoices (id integer, title text);
SELECT casnet.protect('public.invoices') IS NOT NULL AS protected \gset
INSERT INTO public.invoices (tenant_id, id, title) SELECT t.id, n, t.name || ' invoice' FROM casnet.tenants AS t, generate_series(1, 3) AS n;
-- The text of EXPLAIN in any format.
CREATE FUNCTION public.shown(statement text, options text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	lines text := '';
BEGIN
	FOR line IN EXECUTE format('EXPLAIN %s %s', CASE WHEN options <> '' THEN '(' || options || ')' END, statement) LOOP
		lines := lines || line || E'\n';
	END LOOP;
	RETURN lines;
END
$$;
-- The same; the statement is undone.
CREATE FUNCTION public.shown_undone(statement text, options text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	result := public.shown(statement, options);
	RAISE EXCEPTION USING ERRCODE = 'ZZZZZ';
EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
	RETURN result;
END
$$;
-- Costs, estimates, numbers of rows, buffers and times, by their names in all
-- formats, without regard to case.
CREATE FUNCTION public.more_than_shape(plan text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT string_agg(DISTINCT m[1], ', ')
	  FROM regexp_matches(plan, '(cost|\mrows|width|actual|loops|buffers|blocks|removed[ -]by|[a-z]+[ -]time|time=|fetches|memory|sort[ -](?:space|method)|wal|buckets|batches|calls|launched|evictions|overflows|hits|misses|shared|peak)\M', 'gi') AS m
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
