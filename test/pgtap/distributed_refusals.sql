-- casnet.distribute() and casnet.undistribute() refuse what they could not hold together,
-- before they change anything.
BEGIN;
SELECT plan(25);
\ir include/fixtures.sql
SELECT is(state_of('SELECT casnet.distribute()'), '42501', 'an application may not distribute');
SELECT is(state_of('SELECT casnet.undistribute()'), '42501', 'nor bring tables back');
SELECT is(state_of('SELECT casnet_internal.check_nodes()'), '42501', 'nor check');
SELECT is(state_of('SELECT casnet_internal.relay_key()'), '42501', 'nor ask for the key');
SELECT is(state_of($$SELECT casnet_internal.install_worker('\x00')$$), '42501', 'nor give one');
SELECT is(state_of($$SELECT * FROM casnet_internal.ask_workers('SELECT 1')$$), '42501', 'nor ask workers');
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT is(state_of('SELECT casnet.distribute()'), '42501', 'nor may a member of casnet_admin');
RESET SESSION AUTHORIZATION;
CREATE TABLE public.state_before AS SELECT count(*) AS triggers, (SELECT count(*) FROM pg_constraint) AS constraints FROM pg_trigger;

-- What distribute() says, without its hint.
CREATE FUNCTION public.refused(statement text DEFAULT 'SELECT casnet.distribute()') RETURNS text LANGUAGE sql AS
	$$SELECT concat_ws(' ', split_part(e, ' | ', 1), split_part(e, ' | ', 2)) FROM public.error_of(statement) AS e$$;
SELECT is(refused('SELECT casnet.undistribute()'), '55000 the tables are not distributed', 'nothing is distributed');
SELECT is(refused('SELECT casnet.distribute(0)'), '22023 the number of shards is not between 1 and 64000', 'no shard');
SELECT is(refused('SELECT casnet.distribute(NULL)'), '22023 the number of shards is not between 1 and 64000', 'an unknown number');
SELECT is(refused(), '55000 this database does not have the extension citus', 'no Citus');

SET LOCAL allow_system_table_mods = on;
CREATE TABLE pg_catalog.pg_dist_local_group AS SELECT 1 AS groupid;
CREATE TABLE pg_catalog.pg_dist_node (groupid integer, nodename text, nodeport integer, isactive boolean, noderole text, shouldhaveshards boolean);
SELECT is(refused(), '55000 this node is a worker', 'on a worker');
UPDATE pg_catalog.pg_dist_local_group SET groupid = 0;
SELECT is(refused(), '55000 there is no worker', 'without a worker');
INSERT INTO pg_catalog.pg_dist_node VALUES (1, 'one', 5432, true, 'primary', true);
SELECT is(refused(), '55000 the coordinator is not among the nodes', 'without the coordinator');
INSERT INTO pg_catalog.pg_dist_node VALUES (0, 'zero', 5432, true, 'primary', true);
SELECT is(refused(), '55000 the coordinator keeps shards', 'with shards on the coordinator');
UPDATE pg_catalog.pg_dist_node SET shouldhaveshards = false WHERE groupid = 0;
CREATE FUNCTION public.preloaded(list text) RETURNS void LANGUAGE plpgsql AS
	$$BEGIN EXECUTE format('CREATE OR REPLACE FUNCTION casnet_internal.preload_setting(setting text) RETURNS text LANGUAGE sql AS %L', format('SELECT %L', list)); END$$;
SELECT preloaded('casnet,citus') \g /dev/null
SELECT is(refused(), '55000 the coordinator does not load casnet after Citus', 'in the other order');
SELECT preloaded('citus, pg_stat_statements, casnet') \g /dev/null

-- A worker that answers this and that.
CREATE TABLE public.answers (pattern text, success boolean, answer text);
CREATE FUNCTION pg_catalog.run_command_on_workers(command text, parallel boolean DEFAULT true,
	OUT nodename text, OUT nodeport integer, OUT success boolean, OUT result text)
	RETURNS SETOF record LANGUAGE sql AS
	$$SELECT 'one', 5432, a.success, a.answer FROM public.answers AS a WHERE command LIKE a.pattern$$;
INSERT INTO public.answers VALUES ('%shared_preload%', false, 'failed to connect to one:5432');
SELECT is(refused(), '55000 worker one:5432 failed', 'a worker that does not answer');
UPDATE public.answers SET success = true, answer = 'citus';
SELECT is(refused(), '55000 worker one:5432 does not load casnet after Citus', 'a worker without the library');
UPDATE public.answers SET answer = 'citus,casnet';
INSERT INTO public.answers VALUES ('%extversion%', true, 'none');
SELECT is(refused(), format('55000 worker one:5432 has casnet none, and the coordinator %s', extversion), 'a worker with another version')
  FROM pg_extension WHERE extname = 'casnet';
UPDATE public.answers SET answer = (SELECT extversion FROM pg_extension WHERE extname = 'casnet') WHERE pattern = '%extversion%';

CREATE POLICY narrow ON casnet.records AS RESTRICTIVE USING (true);
SELECT is(refused(), '55000 Citus does not keep restrictive policies', 'a restrictive policy');
DROP POLICY narrow ON casnet.records;
CREATE TABLE public.notes (id integer PRIMARY KEY, title text);
SELECT casnet.protect('public.notes') IS NOT NULL AS protected \g /dev/null
SELECT is(refused(), '55000 casnet does not distribute protected tables of applications yet', 'a protected table');
SELECT casnet.unprotect('public.notes') IS NOT NULL AS unprotected \g /dev/null
DROP TABLE public.notes;
CREATE TABLE public.notes (author uuid REFERENCES casnet.users);
SELECT is(refused(), '55000 tables of the application refer to tables of casnet', 'a foreign key of the application');
DROP TABLE public.notes;
SELECT results_eq('SELECT count(*), (SELECT count(*) FROM pg_constraint) FROM pg_trigger WHERE tgname LIKE ''casnet%''',
	'SELECT count(*), (SELECT constraints FROM public.state_before) FROM pg_trigger WHERE tgname LIKE ''casnet%''', 'nothing is gone');

\ir include/nodes.sql
RESET SESSION AUTHORIZATION;
SELECT is(refused(), '55000 the tables are distributed already', 'twice');
SELECT is(refused('SELECT casnet_internal.check_for_nodes()'), '55000 the tables are distributed already', 'by the second check');
SELECT * FROM finish();
ROLLBACK;
