-- casnet.doctor() on a database that Citus distributes: nodes, shards, and what holds them
-- together.
BEGIN;
SELECT plan(44);
\ir include/fixtures.sql
\ir include/doctor.sql
\ir include/nodes.sql
RESET SESSION AUTHORIZATION;
SELECT is_empty($$SELECT * FROM casnet.doctor() WHERE code ~ '^(node|shard|table|policy)-'$$, 'shards are no tables of the application');

-- A coordinator, a worker that answers as this server does but for what a test says, and one
-- that answers nothing if a test says so.
SELECT casnet_internal.relay_key() IS NOT NULL AS made \g /dev/null
CREATE TABLE pg_catalog.pg_dist_node (groupid integer, nodename text, nodeport integer, isactive boolean, noderole text, shouldhaveshards boolean);
GRANT SELECT ON pg_catalog.pg_dist_node TO PUBLIC;
INSERT INTO pg_catalog.pg_dist_node VALUES (0, 'zero', 5432, true, 'primary', false), (1, 'one', 5432, true, 'primary', true), (2, 'two', 5432, true, 'primary', true);
CREATE OR REPLACE FUNCTION casnet_internal.preload_setting(setting text) RETURNS text LANGUAGE sql AS 'SELECT ''citus,casnet''';
CREATE TABLE public.answers (node text PRIMARY KEY, answers boolean DEFAULT true, said jsonb);
INSERT INTO public.answers SELECT n, true, jsonb_build_object('preload', 'citus,casnet', 'login', true, 'activities', 'off',
	'commands', NULL, 'key', encode(sha256(casnet_internal.relay_key()), 'hex')) FROM unnest(ARRAY['one', 'two']) AS n;
CREATE FUNCTION pg_catalog.run_command_on_workers(command text, parallel boolean DEFAULT true,
	OUT nodename text, OUT nodeport integer, OUT success boolean, OUT result text)
	RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	own text;
BEGIN
	EXECUTE command INTO own;
	RETURN QUERY SELECT a.node, 5432, a.answers, CASE WHEN a.answers THEN (own::jsonb || a.said)::text ELSE E'failed to connect\nto it' END FROM public.answers AS a;
END
$$;
REVOKE EXECUTE ON FUNCTION pg_catalog.run_command_on_workers(text, boolean) FROM PUBLIC;
CREATE FUNCTION public.say(node text, said jsonb) RETURNS void LANGUAGE sql AS
	'UPDATE public.answers AS a SET said = a.said || say.said WHERE a.node = say.node';
SELECT is(diagnosis('node-unasked'), 'notice workers', 'an administrator asks no worker');
SELECT is(diagnosis('node-key'), NULL, 'and learns nothing of keys');
-- From here on as a superuser.
SELECT current_user AS self \gset
ALTER FUNCTION public.diagnosis(text) OWNER TO :"self";
SELECT is(diagnosis('node-unasked'), NULL, 'a superuser does');
SELECT is_empty($$SELECT * FROM casnet.doctor() WHERE code ~ '^(node|shard|table|policy)-'$$, 'all is well');

UPDATE public.answers SET answers = false WHERE node = 'two';
SELECT is(diagnosis('node-unreachable'), 'warning two:5432', 'a worker that does not answer');
SELECT is((SELECT problem FROM casnet.doctor() WHERE code = 'node-unreachable'), 'The worker does not answer: failed to connect', 'is a finding');
SELECT say('one', '{"login": false}') \g /dev/null
SELECT is(diagnosis('node-owner'), 'warning one:5432', 'and the others are asked');
SELECT say('one', '{"login": true}') \g /dev/null
UPDATE public.answers SET answers = true;
UPDATE pg_catalog.pg_dist_node SET isactive = false WHERE nodename = 'two';
SELECT is(diagnosis('node-unreachable'), 'warning two:5432', 'a worker that is not active');
UPDATE pg_catalog.pg_dist_node SET isactive = true;

SELECT is(diagnosis('node-version'), NULL, 'the same version');
SELECT say('one', '{"version": null}'), say('two', '{"version": "0.1"}') \g /dev/null
SELECT is(diagnosis('node-version'), 'error one:5432, error two:5432', 'none, or another one');
SELECT say('one', '{"preload": "casnet"}'), say('two', '{"preload": "casnet,citus"}') \g /dev/null
SELECT is(diagnosis('node-preload'), 'error one:5432, error two:5432', 'without Citus, or in the other order');
SELECT say('one', '{"preload": "citus, casnet"}'), say('two', '{"preload": "citus,pg_stat_statements,\"casnet\""}') \g /dev/null
SELECT is(diagnosis('node-preload'), NULL, 'in this order');
CREATE OR REPLACE FUNCTION casnet_internal.preload_setting(setting text) RETURNS text LANGUAGE sql AS 'SELECT ''casnet''';
SELECT is(diagnosis('node-preload'), 'error coordinator', 'on the coordinator');
CREATE OR REPLACE FUNCTION casnet_internal.preload_setting(setting text) RETURNS text LANGUAGE sql AS 'SELECT ''citus,casnet''';
SELECT say('one', '{"activities": "on"}'), say('two', '{"activities_of": "app"}') \g /dev/null
SELECT is(diagnosis('node-activities'), 'error one:5432, error two:5432', 'sessions read the tokens of others');
SELECT alike((SELECT remedy FROM casnet.doctor() WHERE code = 'node-activities' AND object = 'two:5432'), '-- on this node: ALTER ROLE app RESET%', 'of one role');
SELECT say('one', '{"commands": "run_command_on_workers(text,boolean)"}') \g /dev/null
SELECT is(diagnosis('node-commands'), 'error one:5432', 'commands on nodes');
SELECT say('one', '{"commands": null, "key": null}'), say('two', '{"key": "00"}') \g /dev/null
SELECT is(diagnosis('node-key'), 'error one:5432, error two:5432', 'no key, and another one');
SELECT is((SELECT string_agg(problem, ' ' ORDER BY object) FROM casnet.doctor() WHERE code = 'node-key'),
	'The worker has no key to know the coordinator by. The worker has another key than the coordinator.', 'are told apart');
DELETE FROM casnet_internal.signing_keys WHERE kid = 'casnet-relay';
SELECT is((SELECT DISTINCT problem FROM casnet.doctor() WHERE code = 'node-key'), 'The coordinator has no key to name sessions by.', 'nor has the coordinator');
SELECT is_empty('SELECT * FROM casnet_internal.signing_keys WHERE kid = ''casnet-relay''', 'and doctor() makes none');

SELECT is(diagnosis('node-keeps-shards'), NULL, 'the coordinator keeps none');
UPDATE pg_catalog.pg_dist_node SET shouldhaveshards = true WHERE groupid = 0;
SELECT is(diagnosis('node-keeps-shards'), 'error zero:5432', 'it would');
GRANT EXECUTE ON FUNCTION pg_catalog.run_command_on_workers(text, boolean) TO PUBLIC, tap_app;
SELECT is(diagnosis('node-commands'), 'error run_command_on_workers(text,boolean) on the coordinator', 'who may run commands');
SELECT is(after_remedy('node-commands'), 'silent', 'remedy');

-- The tables.
SELECT is(diagnosis('table-not-distributed'), NULL, 'as distribute() spreads them');
UPDATE pg_catalog.pg_dist_partition SET colocationid = 3 WHERE logicalrelid = 'casnet.tags'::regclass;
UPDATE pg_catalog.pg_dist_partition SET partkey = '{VAR :varno 1 :varattno 2 :vartype 2950}' WHERE logicalrelid = 'casnet.tasks'::regclass;
UPDATE pg_catalog.pg_dist_partition SET repmodel = 's' WHERE logicalrelid = 'casnet.roles'::regclass;
DELETE FROM pg_catalog.pg_dist_partition WHERE logicalrelid = 'casnet.user_tenant_permissions'::regclass;
INSERT INTO pg_catalog.pg_dist_partition VALUES ('casnet_internal.sessions'::regclass, 'n', NULL, 1, 't');
SELECT is(diagnosis('table-not-distributed'), 'error casnet.roles, error casnet.tags, error casnet.tasks, error casnet.user_tenant_permissions, error casnet_internal.sessions', 'elsewhere, by another column, local, not at all, a secret one');
DELETE FROM pg_catalog.pg_dist_partition WHERE logicalrelid = 'casnet_internal.sessions'::regclass;
SELECT is(diagnosis('shell-not-empty'), (SELECT string_agg('error ' || d.logicalrelid, ', ' ORDER BY d.logicalrelid::text)
	FROM pg_catalog.pg_dist_partition AS d WHERE pg_relation_size(d.logicalrelid) > 0), 'rows are in the tables here');
SELECT isnt(diagnosis('shell-not-empty'), NULL, 'which is a finding');
CREATE POLICY narrow ON casnet.records AS RESTRICTIVE USING (true);
SELECT is(diagnosis('policy-lost'), 'error narrow on casnet.records', 'a restrictive policy');
DROP POLICY narrow ON casnet.records;
SELECT is(diagnosis('policy-lost'), NULL, 'none');

-- The shards of this node.
CREATE FUNCTION public.faults() RETURNS text LANGUAGE sql AS
	$$SELECT string_agg(f.fault, ' ' ORDER BY f.fault) FROM casnet_internal.shard_faults() AS f WHERE f.shard = public.shard_of('casnet.tags')$$;
SELECT is(diagnosis('shard-unprotected'), NULL, 'shards are as their tables');
CREATE FUNCTION public.fault_after(change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	PERFORM public.change_copy('casnet.tags', change);
	result := public.faults();
	RAISE EXCEPTION USING ERRCODE = 'ZZZZZ';
EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
	RETURN result;
END
$$;
SELECT is(fault_after('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY'), 'Row level security is off or does not bind the owner.', 'not forced');
SELECT is(fault_after('ALTER TABLE %s DISABLE ROW LEVEL SECURITY'), 'Row level security is off or does not bind the owner.', 'switched off');
SELECT is(fault_after('DROP POLICY casnet_select ON %s'), 'Policy casnet_select is missing or changed.', 'without a policy');
SELECT is(fault_after('ALTER POLICY casnet_update ON %s WITH CHECK (true)'), 'Policy casnet_update is missing or changed.', 'with a wider one');
SELECT is(fault_after('CREATE POLICY more ON %s USING (true)'), 'Policy more is not one of casnet.', 'with one more');
SELECT is(fault_after('ALTER TABLE %s DISABLE TRIGGER ALL'), (SELECT string_agg(format('Trigger %I is missing or switched off.', w.name), ' ' ORDER BY w.name)
	FROM casnet_internal.wanted_triggers() AS w WHERE w.table_name = 'casnet.tags' AND w.level LIKE 'ROW%'), 'without its triggers');
SELECT is(fault_after('GRANT TRUNCATE ON %s TO PUBLIC'), 'It has privileges that its table does not have: TRUNCATE to PUBLIC.', 'with more privileges');
SELECT is(fault_after('ALTER TABLE %s RENAME TO elsewhere'), 'The shard is missing.', 'missing');
SELECT change_copy('casnet.tags', 'DROP POLICY casnet_select ON %s') \g /dev/null
SELECT is(diagnosis('shard-unprotected'), format('error %s on one:5432, error %s on the coordinator, error %s on two:5432', s, s, s), 'on each node that says so')
  FROM (SELECT public.shard_of('casnet.tags')) AS t (s);

-- doctor() on a worker.
SELECT is(diagnosis('node-worker'), NULL, 'this is the coordinator');
UPDATE pg_catalog.pg_dist_local_group SET groupid = 1;
ALTER TABLE pg_catalog.pg_dist_partition SET (fillfactor = 90);		-- sends a message
SELECT is(diagnosis('node-worker'), 'notice this node', 'this is a worker');
SELECT is(diagnosis('table-not-distributed'), NULL, 'where the coordinator answers for the rest');
SELECT * FROM finish();
ROLLBACK;
