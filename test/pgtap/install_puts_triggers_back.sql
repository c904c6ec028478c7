-- install() restores every missing or disabled trigger of a table of casnet, also on each
-- month of the audit.  It changes none that is as it was.
BEGIN;
SELECT plan(6);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.maintain_audit(2) >= 0 AS made \gset
CREATE VIEW public.ours AS
SELECT t.oid, t.tgrelid::regclass AS relation, t.tgname AS name, pg_get_triggerdef(t.oid) AS definition, t.tgenabled AS enabled, obj_description(t.oid, 'pg_trigger') AS meaning, t.tgparentid
  FROM pg_trigger AS t
 WHERE NOT t.tgisinternal AND (t.tgrelid IN (SELECT relation FROM casnet_internal.managed_tables()) OR t.tgrelid IN (SELECT relation FROM casnet_internal.audit_partitions()));
CREATE TABLE public.before AS SELECT * FROM public.ours;
SELECT cmp_ok((SELECT count(*) FROM public.before WHERE relation::text ~ 'audit_entries_\d'), '>=', 6::bigint, 'months have triggers of their own');
SELECT casnet.install() AS version \gset
SELECT set_eq('TABLE public.ours', 'TABLE public.before', 'nothing changes without need');
SELECT format('DROP TRIGGER %I ON %s', name, relation) FROM public.before WHERE tgparentid = 0
\gexec
SELECT is_empty('TABLE public.ours', 'without any');
SELECT casnet.install() AS version \gset
SELECT set_eq('SELECT relation, name, definition, enabled, meaning FROM public.ours', 'SELECT relation, name, definition, enabled, meaning FROM public.before', 'each comes back');
SELECT format('ALTER TABLE %s DISABLE TRIGGER %I', relation, name) FROM public.before WHERE tgparentid = 0
\gexec
SELECT casnet.install() AS version \gset
SELECT set_eq('SELECT relation, name, definition, enabled, meaning FROM public.ours', 'SELECT relation, name, definition, enabled, meaning FROM public.before', 'and is switched on');
SELECT is((SELECT string_agg(DISTINCT public.error_of('TRUNCATE ' || relation) , '; ') FROM casnet_internal.audit_partitions()), '42501 | entries of the audit cannot be changed or deleted |  | To remove old entries, call casnet.purge_audit(). | ', 'no month can be emptied');
SELECT * FROM finish();
ROLLBACK;
