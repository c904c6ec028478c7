-- A policy that compares tenant_id with an expression of another column is asked for each
-- row, before all conditions of the statement.  That holds even if these compare tenant_id,
-- or the expression, with a constant.
BEGIN;
SELECT plan(19);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.papers (tenant_id uuid NOT NULL, secret boolean, body text);
CREATE INDEX ON public.papers (tenant_id);
INSERT INTO public.papers SELECT t, g % 2 = 0, n || g FROM (VALUES (:'north'::uuid, 'N'), (:'south'::uuid, 'S')) AS v (t, n), generate_series(1, 4) AS g;
ALTER TABLE public.papers ENABLE ROW LEVEL SECURITY;
GRANT SELECT, UPDATE, DELETE ON public.papers TO tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE FUNCTION public.seen(body text) RETURNS boolean LANGUAGE plpgsql COST 1e-37 AS $$
BEGIN
	PERFORM set_config('mine.seen', concat_ws(' ', nullif(current_setting('mine.seen', true), ''), body), true);
	RETURN true;
END
$$;
CREATE FUNCTION public.seen_by(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('mine.seen', '', true);
	EXECUTE statement;
	RETURN (SELECT string_agg(s, ' ' ORDER BY s) FROM unnest(string_to_array(current_setting('mine.seen'), ' ')) AS s);
END
$$;
CALL be('mia', 'North');
RESET SESSION AUTHORIZATION;
CREATE PROCEDURE pg_temp.policy(expression text) LANGUAGE plpgsql AS $$ BEGIN DROP POLICY IF EXISTS own ON public.papers; EXECUTE format('CREATE POLICY own ON public.papers USING (%s)', expression); END $$;
CREATE TABLE public.policies (n serial, expression text);
INSERT INTO public.policies (expression) VALUES
	('tenant_id = CASE WHEN NOT secret OR casnet.can(''delete_tenant'') THEN casnet.tenant_with(''view_records'') END'),
	('CASE WHEN NOT secret OR casnet.can(''delete_tenant'') THEN casnet.tenant_with(''view_records'') END = tenant_id'),
	('tenant_id = (CASE WHEN secret THEN NULL ELSE casnet.tenant_with(''view_records'')::text END)::uuid'),
	('tenant_id::text = CASE WHEN NOT secret THEN casnet.tenant_with(''view_records'')::text END');
GRANT SELECT ON public.policies TO tap_app;
CREATE TABLE public.statements (statement text);
INSERT INTO public.statements VALUES
	('SELECT FROM public.papers WHERE %s AND public.seen(body)'),
	('SELECT FROM public.papers AS p LEFT JOIN public.papers AS q ON q.body = p.body AND public.seen(q.body) WHERE p.%s AND q.%1$s'),
	('UPDATE public.papers SET body = body WHERE %s AND public.seen(body)'),
	('SELECT FROM public.papers WHERE %s AND secret IS NOT NULL AND public.seen(body) FOR UPDATE');
SELECT set_config('mine.results', '[]', true) \g /dev/null
DO $$
DECLARE
	p record;
	s record;
	t record;
BEGIN
	FOR p IN SELECT * FROM public.policies ORDER BY n LOOP
		CALL pg_temp.policy(p.expression);
		FOR s IN SELECT * FROM public.statements LOOP
			SET LOCAL SESSION AUTHORIZATION tap_app;
			FOR t IN SELECT id FROM casnet.tenants UNION ALL SELECT uuid '00000000-0000-7000-8000-0000000000a1' LOOP
				PERFORM set_config('mine.results', (current_setting('mine.results')::jsonb || jsonb_build_array(
					format('policy %s, %s', p.n, s.statement), public.seen_by(format(s.statement, format('tenant_id = %L', t.id)))))::text, true);
			END LOOP;
			RESET SESSION AUTHORIZATION;
		END LOOP;
	END LOOP;
END
$$;
WITH results AS (
	SELECT r.value AS said, lead(r.value) OVER (ORDER BY r.n) AS seen, r.n
	  FROM jsonb_array_elements_text(current_setting('mine.results')::jsonb) WITH ORDINALITY AS r (value, n))
SELECT is(coalesce(string_agg(DISTINCT x, ' ' ORDER BY x) FILTER (WHERE x NOT IN ('N1', 'N3')), 'none'), 'none', said)
  FROM results LEFT JOIN LATERAL unnest(string_to_array(seen, ' ')) AS x ON true WHERE n % 2 = 1 GROUP BY said ORDER BY said;
SET LOCAL SESSION AUTHORIZATION tap_app;
-- And the rows are those of the policy.
SELECT is((SELECT string_agg(body, ' ' ORDER BY body) FROM public.papers), 'N1 N3', 'rows by the policy alone');
SELECT is((SELECT string_agg(body, ' ' ORDER BY body) FROM public.papers WHERE tenant_id = :'north'), 'N1 N3', 'of the own tenant');
SELECT is((SELECT string_agg(body, ' ' ORDER BY body) FROM public.papers WHERE tenant_id = :'south'), NULL, 'of another');
SELECT * FROM finish();
ROLLBACK;
