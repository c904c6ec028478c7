-- Each entry of a statement is written to the table of its time, also within a month.  That
-- holds even if the time passes at the end of the statement.
BEGIN;
SELECT plan(5);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SET LOCAL statement_timeout = '20s';
CREATE TABLE public.mine (tenant_id uuid, id int PRIMARY KEY);
SELECT casnet.enable_audit('public.mine');
GRANT INSERT ON public.mine TO tap_app;
-- Fires before the trigger of the audit, for each row.
CREATE FUNCTION public.linger() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(0.1); RETURN NULL; END$$;
CREATE TRIGGER a_linger AFTER INSERT ON public.mine FOR EACH ROW EXECUTE FUNCTION public.linger();
CREATE FUNCTION public.now_and(seconds float8) RETURNS text LANGUAGE sql AS $$SELECT quote_literal(clock_timestamp() + make_interval(secs => seconds))$$;
-- Entries that are not where they belong: 'early' before the border, else 'late'.
CREATE FUNCTION public.misplaced(border timestamptz) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM casnet_internal.audit_entries WHERE tableoid::regclass::text !~ CASE WHEN at < border THEN 'early' ELSE 'late' END
$$;

SELECT format('DROP TABLE %s', inhrelid::regclass) FROM pg_inherits WHERE inhparent = 'casnet_internal.audit_entries'::regclass \gexec
SAVEPOINT a;
SELECT public.now_and(0.6) AS border \gset
SELECT format('CREATE TABLE public.early PARTITION OF casnet_internal.audit_entries FOR VALUES FROM (MINVALUE) TO (%s)', :'border') AS e,
	format('CREATE TABLE public.late PARTITION OF casnet_internal.audit_entries FOR VALUES FROM (%s) TO (MAXVALUE)', :'border') AS l \gset
:e;
:l;
SET LOCAL SESSION AUTHORIZATION tap_app;
INSERT INTO public.mine SELECT NULL, n FROM generate_series(1, 12) AS n;
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(DISTINCT tableoid) FROM casnet_internal.audit_entries), 2::bigint, 'a month ends within the statement');
SELECT is(public.misplaced(:border), 0::bigint, 'each entry is in its month');
ROLLBACK TO a;

-- A month of two tables; the second one takes the rest of the month.
SELECT public.now_and(0.6) AS border \gset
SELECT format('CREATE TABLE public.month PARTITION OF casnet_internal.audit_entries FOR VALUES FROM (MINVALUE) TO (%s) PARTITION BY RANGE (at)', :'border') AS e,
	format('CREATE TABLE public.late PARTITION OF casnet_internal.audit_entries FOR VALUES FROM (%s) TO (MAXVALUE)', :'border') AS l \gset
:e;
:l;
CREATE TABLE public.early_first PARTITION OF public.month FOR VALUES FROM (MINVALUE) TO ('2000-01-01');
CREATE TABLE public.early PARTITION OF public.month DEFAULT;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT lives_ok('INSERT INTO public.mine SELECT NULL, n FROM generate_series(1, 12) AS n', 'into a month that is partitioned itself');
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(DISTINCT tableoid) FROM casnet_internal.audit_entries), 2::bigint, 'which ends within the statement');
SELECT is(public.misplaced(:border), 0::bigint, 'each entry is where it belongs');
SELECT * FROM finish();
ROLLBACK;
