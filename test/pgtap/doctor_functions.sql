-- casnet.doctor() on functions and publications that bypass the policies.
BEGIN;
SELECT plan(18);
\ir include/fixtures.sql
\ir include/doctor.sql
SET LOCAL check_function_bodies = off;
CREATE FUNCTION public.records_of_none() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT count(*) FROM public.who';
CREATE FUNCTION public.judges() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$SELECT count(*) FROM casnet.records WHERE tenant_id = casnet.tenant_with('view_records')$$;
CREATE FUNCTION public.invoked() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM casnet.records';
CREATE FUNCTION public.for_operators() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT count(*) FROM casnet.records';
REVOKE ALL ON FUNCTION public.for_operators() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.for_operators() TO tap_operator;
CREATE FUNCTION public.fires() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$BEGIN DELETE FROM casnet.records; END$$;
CREATE FUNCTION public.of_application() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM casnet.records';
ALTER FUNCTION public.of_application() OWNER TO tap_app;
CREATE FUNCTION public.near() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT count(*) FROM casnet.records_2024, public.records';
SELECT is(diagnosis('function-definer'), NULL, 'others'' tables, judged, invoked, of nobody, a trigger, with an application''s rights');
CREATE FUNCTION public.counts() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT count(*) FROM Casnet . "records"';
CREATE FUNCTION public.by_path(n int) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, casnet, pg_temp AS $$BEGIN RETURN (SELECT count(*) FROM tags); END$$;
CREATE FUNCTION public.body() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp BEGIN ATOMIC SELECT count(*) FROM casnet.persons; END;
CREATE PROCEDURE public.proc() LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'DELETE FROM casnet.tasks';
SELECT is(diagnosis('function-definer'), 'error public.body(), error public.by_path(integer), error public.counts(), error public.proc()', 'past the policies');
SELECT is(after_remedy('function-definer'), 'silent', 'remedy');

-- By a view, which applications need not read themselves.
CREATE VIEW public.report AS SELECT * FROM casnet.records;
CREATE VIEW public.invoked_report WITH (security_invoker) AS SELECT * FROM public.report;
CREATE VIEW public.bound_report AS SELECT * FROM casnet.records;
ALTER VIEW public.bound_report OWNER TO tap_app;
CREATE FUNCTION public.reports() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT count(*) FROM public.invoked_report';
CREATE FUNCTION public.reports_bound() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT count(*) FROM public.bound_report';
SELECT is(diagnosis('function-definer'), 'error public.reports()', 'past the policies by a view');
SELECT is(after_remedy('function-definer'), 'silent', 'remedy');
DROP VIEW public.report, public.invoked_report, public.bound_report;

SELECT is(diagnosis('function-search-path'), NULL, 'a pinned path, or no rights to gain');
CREATE FUNCTION public.loose() RETURNS int LANGUAGE sql SECURITY DEFINER SET work_mem = '1MB' AS 'SELECT 1';
CREATE FUNCTION public.loose_trigger() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN new; END';
REVOKE EXECUTE ON FUNCTION public.loose_trigger() FROM PUBLIC;
CREATE FUNCTION public.loose_unreached() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
REVOKE EXECUTE ON FUNCTION public.loose_unreached() FROM PUBLIC;
SELECT is(diagnosis('function-search-path'), 'warning public.loose(), warning public.loose_trigger()', 'none');
SELECT is(after_remedy('function-search-path'), 'silent', 'remedy');

CREATE FUNCTION public.seems() RETURNS int LANGUAGE sql AS 'SELECT 1';
SELECT is(diagnosis('function-leakproof'), NULL, 'not marked');
CREATE FUNCTION public.tells(text) RETURNS boolean LANGUAGE plpgsql LEAKPROOF AS $$BEGIN RAISE NOTICE '%', $1; RETURN true; END$$;
CREATE OPERATOR public.~~~ (FUNCTION = public.tells, RIGHTARG = text);
SELECT is(diagnosis('function-leakproof'), 'warning public.tells(text)', 'marked');
SELECT is(after_remedy('function-leakproof'), 'silent', 'remedy');

SELECT is(diagnosis('publication-of-tenants'), NULL, 'no publication');
CREATE TABLE public.note (id int);
SET LOCAL client_min_messages = error;		-- wal_level
CREATE PUBLICATION filtered FOR TABLE public.note, casnet.records WHERE (tenant_id = '00000000-0000-7000-8000-0000000000a0');
CREATE PUBLICATION of_public FOR TABLES IN SCHEMA public;
SELECT is(diagnosis('publication-of-tenants'), NULL, 'of other tables, or of one tenant');
CREATE PUBLICATION some_tables FOR TABLE public.note, casnet.tasks, casnet.tags;
SELECT is(diagnosis('publication-of-tenants'), 'notice some_tables', 'of all tenants');
SELECT is(after_reading('publication-of-tenants'), 'silent', 'remedy');
CREATE PUBLICATION of_schema FOR TABLES IN SCHEMA casnet;
CREATE PUBLICATION "of all" FOR ALL TABLES;
SELECT is(diagnosis('publication-of-tenants'), 'notice "of all", notice of_schema', 'by schema, or of all tables');
SELECT is(after_reading('publication-of-tenants'), 'silent', 'remedy');
SELECT is((SELECT count(*) FROM pg_publication_rel WHERE prpubid = (SELECT oid FROM pg_publication WHERE pubname = 'some_tables')), 1::bigint, 'the rest stays');
SELECT * FROM finish();
ROLLBACK;
