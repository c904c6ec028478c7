-- If audit_entries is replaced by something else, the audit says what is wrong, and a
-- change that cannot be recorded is refused.
BEGIN;
SELECT plan(12);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE TABLE public.mine (tenant_id uuid, id int PRIMARY KEY);
SELECT casnet.enable_audit('public.mine');
GRANT INSERT ON public.mine TO tap_app;
CREATE TABLE public.columns (LIKE casnet_internal.audit_entries);
ALTER TABLE public.columns ALTER tenant_id SET DEFAULT NULL;
ALTER TABLE casnet_internal.audit_entries RENAME TO former_entries;
CREATE FUNCTION pg_temp.try() RETURNS text LANGUAGE sql AS
	$$SELECT public.error_of('INSERT INTO public.mine VALUES (NULL, 1)')$$;
\set said '55000 | the audit cannot record the change | %s | A superuser can make what is missing with SELECT casnet.install(). | '
SELECT is(pg_temp.try(), format(:'said', 'Table casnet_internal.audit_entries does not exist.'), 'none of that name');

SAVEPOINT a;
CREATE TABLE casnet_internal.audit_entries (LIKE public.columns);
SELECT is(pg_temp.try(), format(:'said', 'Table casnet_internal.audit_entries is not partitioned.'), 'an ordinary table');
ROLLBACK TO a;
CREATE VIEW casnet_internal.audit_entries AS TABLE public.columns;
SELECT isnt(pg_temp.try(), 'none', 'a view');
ROLLBACK TO a;
CREATE TABLE casnet_internal.audit_entries (LIKE public.columns) PARTITION BY LIST (action);
CREATE TABLE public.part PARTITION OF casnet_internal.audit_entries DEFAULT;
SELECT is(pg_temp.try(), format(:'said', 'A table of the audit is not partitioned by range of a time.'), 'partitions by something else');
ROLLBACK TO a;
CREATE TABLE casnet_internal.audit_entries (LIKE public.columns) PARTITION BY LIST (at);
CREATE TABLE public.part PARTITION OF casnet_internal.audit_entries DEFAULT;
SELECT is(pg_temp.try(), format(:'said', 'A table of the audit is not partitioned by range of a time.'), 'partitions by single times');
ROLLBACK TO a;
CREATE TABLE casnet_internal.audit_entries (LIKE public.columns) PARTITION BY RANGE (action);
CREATE TABLE public.part PARTITION OF casnet_internal.audit_entries DEFAULT;
SELECT is(pg_temp.try(), format(:'said', 'A table of the audit is not partitioned by range of a time.'), 'partitions by range of something else');
ROLLBACK TO a;
CREATE TABLE casnet_internal.audit_entries (LIKE public.columns) PARTITION BY RANGE (at, action);
CREATE TABLE public.part PARTITION OF casnet_internal.audit_entries DEFAULT;
SELECT is(pg_temp.try(), format(:'said', 'A table of the audit is not partitioned by range of a time.'), 'partitions by more than the time');
ROLLBACK TO a;
CREATE TABLE casnet_internal.audit_entries (LIKE public.columns) PARTITION BY RANGE (at);
CREATE FOREIGN DATA WRAPPER elsewhere;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER elsewhere;
CREATE FOREIGN TABLE public.part PARTITION OF casnet_internal.audit_entries DEFAULT SERVER elsewhere;
SELECT is(pg_temp.try(), format(:'said', 'A partition of casnet_internal.audit_entries is no table.'), 'a partition elsewhere');
ROLLBACK TO a;
CREATE TABLE casnet_internal.audit_entries (LIKE public.columns) PARTITION BY RANGE (at);
ALTER TABLE casnet_internal.audit_entries ALTER action TYPE varchar;
CREATE TABLE public.part PARTITION OF casnet_internal.audit_entries DEFAULT;
SELECT is(pg_temp.try(), format(:'said', 'Table casnet_internal.audit_entries has no column action of type text.'), 'a column of another type');
ALTER TABLE casnet_internal.audit_entries DROP action;
SELECT is(pg_temp.try(), format(:'said', 'Table casnet_internal.audit_entries has no column action of type text.'), 'no such column');
ROLLBACK TO a;
CREATE TABLE casnet_internal.audit_entries (LIKE public.columns) PARTITION BY RANGE (at);
CREATE TABLE public.part PARTITION OF casnet_internal.audit_entries DEFAULT;
SELECT is(pg_temp.try(), 'none', 'one that is like casnet''s is accepted');
ROLLBACK TO a;
SELECT is_empty('TABLE public.mine', 'and nothing was written');
SELECT * FROM finish();
ROLLBACK;
