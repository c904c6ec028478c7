-- casnet.doctor() on views and rules that bypass the policies.
BEGIN;
SELECT plan(25);
\ir include/fixtures.sql
\ir include/doctor.sql
CREATE ROLE tap_boss SUPERUSER;
GRANT CREATE ON SCHEMA public TO tap_admin, tap_operator;

CREATE VIEW public.invoker WITH (security_invoker) AS SELECT title FROM casnet.records;
CREATE VIEW public.over_invoker AS SELECT * FROM public.invoker;
CREATE VIEW public.unread AS SELECT * FROM casnet.records;
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE VIEW public.own AS SELECT * FROM casnet.records;
GRANT SELECT ON public.own TO PUBLIC;
RESET SESSION AUTHORIZATION;
GRANT SELECT ON public.invoker, public.over_invoker TO tap_app;
SELECT is(diagnosis('view-definer'), NULL, 'with the rights of who asks, of an application, or read by nobody');
CREATE VIEW public.all_titles AS SELECT r.title FROM casnet.records AS r WHERE EXISTS (SELECT FROM casnet.tags);
CREATE VIEW public.by_another WITH (security_invoker = off) AS SELECT * FROM public.all_titles;
GRANT SELECT ON public.by_another TO PUBLIC;
SELECT is(diagnosis('view-definer'), 'error public.all_titles', 'read by another view');
SELECT is((SELECT count(*) FROM casnet.doctor() WHERE code = 'view-definer'), 2::bigint, 'of two tables');
SELECT is(after_remedy('view-definer'), 'silent', 'remedy');
SET LOCAL SESSION AUTHORIZATION tap_admin;
CREATE VIEW public.accounts AS SELECT username FROM casnet.users;
CREATE VIEW public.titles AS SELECT title FROM casnet.records;
GRANT SELECT ON public.titles, public.accounts TO tap_app;
RESET SESSION AUTHORIZATION;
SELECT is(diagnosis('view-definer'), 'error public.accounts', 'of an administrator, on accounts only');
SELECT is(after_remedy('view-definer'), 'silent', 'remedy');
GRANT SELECT (title) ON public.unread TO casnet_user;
SELECT is(diagnosis('view-definer'), 'error public.unread', 'a privilege on a column');
SELECT is(after_remedy('view-definer'), 'silent', 'remedy');

-- However the option security_invoker was written, on or off.
SELECT format('CREATE VIEW public.spelled_%s WITH (security_barrier, security_invoker = %L) AS SELECT title FROM casnet.records', n, v), format('GRANT SELECT ON public.spelled_%s TO tap_app', n)
  FROM unnest('{true,on,yes,1,TRUE,On,t,y,false,off,no,0,OFF,f,n}'::text[]) WITH ORDINALITY AS v (v, n)
\gexec
SELECT is(diagnosis('view-definer'), (SELECT string_agg(format('error public.spelled_%s', n), ', ' ORDER BY n::text COLLATE "C") FROM generate_series(9, 15) AS n), 'each spelling of no');
SELECT is(after_remedy('view-definer'), 'silent', 'remedy');
ALTER VIEW public.spelled_1 RESET (security_invoker);
SELECT is(diagnosis('view-definer'), 'error public.spelled_1', 'without it');
DROP VIEW public.spelled_1;

CREATE ROLE tap_owner;
ALTER TABLE casnet.tags OWNER TO tap_owner;
CREATE VIEW public.tag_names AS SELECT name FROM casnet.tags;
ALTER VIEW public.tag_names OWNER TO tap_owner;
CREATE ROLE tap_other;
CREATE VIEW public.of_another AS SELECT name FROM casnet.tags;
ALTER VIEW public.of_another OWNER TO tap_other;
GRANT SELECT ON public.tag_names, public.of_another TO tap_app;
SELECT is(diagnosis('view-definer'), NULL, 'of the owner, whom the policies bind');
ALTER TABLE casnet.tags NO FORCE ROW LEVEL SECURITY;
SELECT is(diagnosis('view-definer'), 'error public.tag_names', 'or do not, the owner alone');
SELECT is(after_remedy('view-definer'), 'silent', 'remedy');
ALTER TABLE casnet.tags FORCE ROW LEVEL SECURITY;

CREATE MATERIALIZED VIEW public.unread_kept AS SELECT * FROM casnet.records;
CREATE MATERIALIZED VIEW public.names AS SELECT name FROM public.who;
GRANT SELECT ON public.names TO PUBLIC;
SELECT is(diagnosis('view-materialized'), NULL, 'read by nobody, or of other things');
CREATE MATERIALIZED VIEW public.kept AS SELECT * FROM public.by_another;
GRANT SELECT ON public.kept TO PUBLIC, tap_app, tap_boss;
SELECT is(diagnosis('view-materialized'), 'error public.kept', 'through two views');
SELECT is(after_remedy('view-materialized'), 'silent', 'remedy');
CREATE VIEW public.of_kept WITH (security_invoker = off) AS SELECT * FROM public.kept;
GRANT SELECT ON public.of_kept TO tap_app;
SELECT is(diagnosis('view-materialized'), 'error public.kept', 'read by a view');
SELECT is(after_remedy('view-materialized'), 'nothing to paste', 'takes thought');
DROP VIEW public.of_kept;

CREATE MATERIALIZED VIEW public.own_kept AS SELECT 1 FROM casnet.tags;
ALTER MATERIALIZED VIEW public.own_kept OWNER TO tap_app;
GRANT SELECT ON public.own_kept TO tap_boss;
SELECT is(diagnosis('view-materialized'), 'error public.own_kept', 'of an application');
SELECT is(after_remedy('view-materialized'), 'nothing to paste', 'takes thought');

CREATE TABLE public.inbox (title text);
CREATE RULE note AS ON INSERT TO public.inbox DO ALSO INSERT INTO casnet.tags (name) VALUES (new.title);
SELECT is(diagnosis('rule-definer'), NULL, 'on a table that no application reaches');
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE TABLE public.outbox (title text);
CREATE RULE note AS ON INSERT TO public.outbox DO ALSO INSERT INTO casnet.tags (name) VALUES (new.title);
RESET SESSION AUTHORIZATION;
SELECT is(diagnosis('rule-definer'), NULL, 'or on one of an application, whom the policies limit');
GRANT INSERT ON public.inbox TO tap_app;
SELECT is(diagnosis('rule-definer'), 'error note on public.inbox', 'on another');
SELECT is(after_reading('rule-definer'), 'silent', 'remedy');
SELECT * FROM finish();
ROLLBACK;
