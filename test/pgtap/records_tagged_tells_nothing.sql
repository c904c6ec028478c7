-- A function in a statement with records_tagged() is called only on rows of the active
-- tenant, however cheap it is.
BEGIN;
SELECT plan(24);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
INSERT INTO casnet.tags (tenant_id, name) SELECT t.id, n FROM casnet.tenants AS t, unnest('{a,b}'::text[]) AS n;
INSERT INTO casnet.record_tags (tenant_id, record_id, tag_id)
SELECT tenant_id, r.id, t.id FROM casnet.records AS r JOIN casnet.tags AS t USING (tenant_id) WHERE t.name = 'a';
-- as the planner can order them, with rows of both tenants in between
CREATE TABLE public.plans (settings text[]);
INSERT INTO public.plans VALUES ('{}'), ('{enable_indexscan,enable_indexonlyscan,enable_bitmapscan}'),
	('{enable_indexscan,enable_indexonlyscan,enable_bitmapscan,enable_hashjoin,enable_mergejoin}'), ('{enable_seqscan,enable_hashjoin,enable_nestloop}');
GRANT SELECT ON public.plans TO tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SET LOCAL jit = off;
CREATE FUNCTION pg_temp.tell(x text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
	IF x ~ 'South|b0$' THEN
		RAISE 'saw %', x USING ERRCODE = 'P0099';
	END IF;
	RETURN true;
END
$$;
CREATE FUNCTION pg_temp.told(query text, settings text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	setting text;
BEGIN
	FOREACH setting IN ARRAY '{enable_seqscan,enable_indexscan,enable_indexonlyscan,enable_bitmapscan,enable_hashjoin,enable_mergejoin,enable_nestloop}'::text[] LOOP
		PERFORM set_config(setting, CASE WHEN setting = ANY (settings) THEN 'off' ELSE 'on' END, true);
	END LOOP;
	RETURN error_of(query);
END
$$;
CREATE TABLE public.queries (query text);
INSERT INTO public.queries VALUES ('SELECT FROM casnet.records WHERE pg_temp.tell(title) AND id IN (SELECT casnet.records_tagged(''{a}''))'),
	('SELECT FROM casnet.records AS r WHERE id IN (SELECT casnet.records_tagged(''{}'', ''{a,b}'', ''{b}'')) AND CASE WHEN title = ''South record 1'' THEN pg_temp.tell(''South'') ELSE true END'),
	('SELECT FROM casnet.records_tagged(none_of => ''{b}'') AS t WHERE pg_temp.tell(t::text)'),
	('SELECT FROM casnet.records AS r JOIN casnet.records_tagged(''{a}'') AS t ON t = r.id WHERE pg_temp.tell(t::text)'),
	('SELECT FROM public.who AS w LEFT JOIN casnet.records_tagged(''{a}'') AS t ON pg_temp.tell(t::text)'),
	('SELECT FROM casnet.record_tags WHERE pg_temp.tell(tenant_id::text) AND record_id IN (SELECT casnet.records_tagged(''{a}'') WHERE pg_temp.tell(record_id::text))');
SELECT is(pg_temp.told(query, settings), 'none', query || ' ' || settings::text) FROM public.queries, public.plans;
SELECT * FROM finish();
ROLLBACK;
