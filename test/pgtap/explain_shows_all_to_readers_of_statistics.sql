-- EXPLAIN shows everything to members of pg_read_all_stats and casnet_admin.  It shows
-- everybody everything about statements on tables without a policy of casnet.
BEGIN;
SELECT plan(25);
\ir include/fixtures.sql
\ir include/shown.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_stats;
GRANT casnet_authenticator, pg_read_all_stats TO tap_stats;
CREATE ROLE tap_monitor;
GRANT casnet_authenticator, pg_monitor TO tap_monitor;
CREATE TABLE public.plain (x integer);
CREATE TABLE public.own (x integer, who text DEFAULT session_user);
ALTER TABLE public.own ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON public.own USING (who = session_user);
GRANT SELECT, INSERT, UPDATE, DELETE ON public.plain, public.own TO tap_app;
GRANT SELECT ON public.plain TO tap_stats, tap_monitor, tap_admin;
CREATE TABLE public.roles (role text);
INSERT INTO public.roles VALUES ('tap_stats'), ('tap_monitor'), ('tap_admin'), ('postgres');
-- The text of EXPLAIN, run as a role.
CREATE FUNCTION public.shown_to(role text, statement text, options text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	PERFORM set_config('session_authorization', role, true);
	result := public.shown(statement, options);
	RESET SESSION AUTHORIZATION;
	RETURN result;
END
$$;
UPDATE public.roles SET role = session_user WHERE role = 'postgres';
CALL be('olga', 'North');
SELECT matches(public.shown_to(role, s, o), e, role || ': ' || e)
  FROM public.roles, (VALUES ('SELECT title FROM casnet.records', '', 'cost=.*rows=.*width='),
	('SELECT title FROM casnet.records WHERE title = ''x''', 'ANALYZE, BUFFERS', 'actual time=.*Rows Removed by Filter.*Execution Time'),
	('UPDATE casnet.records SET title = title', 'ANALYZE, FORMAT JSON', '"Total Cost".*"Actual Rows"'),
	('SELECT username FROM casnet.users', 'FORMAT XML', '<Plan-Rows>')) AS v (s, o, e);

SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT matches(public.shown(s, o), e, 'an application: ' || s)
  FROM (VALUES ('SELECT x FROM public.plain', '', 'cost=.*rows=.*width='), ('SELECT x FROM public.plain', 'ANALYZE, BUFFERS', 'actual time=.*Execution Time'),
	('INSERT INTO public.plain VALUES (1)', 'ANALYZE', 'actual time='), ('SELECT x FROM public.own', 'ANALYZE', 'cost=.*actual time='),
	('UPDATE public.own SET x = 2', '', 'cost='), ('SELECT 1', '', 'cost='), ('SELECT relname FROM pg_class', 'FORMAT JSON', '"Total Cost"'),
	('SELECT casnet.can(''view_records'')', '', 'cost=')) AS v (s, o, e);
-- A role that has lost the membership, or a SET ROLE to one without it, sees only the
-- shape.
RESET SESSION AUTHORIZATION;
REVOKE pg_read_all_stats FROM tap_stats;
SELECT is(public.more_than_shape(public.shown_to('tap_stats', 'SELECT title FROM casnet.records', 'ANALYZE')), NULL, 'not to who was a member');
SELECT * FROM finish();
ROLLBACK;
