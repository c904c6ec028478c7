-- undelete() and import_tenant() by an administrator mind the triggers of others that can
-- fire, and no others: a disabled one cannot, and one for replicas only in a session that is
-- one or can become one.
BEGIN;
SELECT plan(15);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.enable_audit(relation) FROM casnet_internal.managed_tables() WHERE kind = 'tenant' \g /dev/null
\set record 00000000-0000-7000-8000-0000000003a0
GRANT casnet_admin TO tap_app;
GRANT REFERENCES ON casnet.records TO tap_app;
CREATE ROLE tap_maker;
GRANT CREATE ON SCHEMA public TO tap_maker;
CREATE FUNCTION public.fired() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
ALTER FUNCTION public.fired() OWNER TO tap_maker;
-- The later trigger shows whether an import inserts as the owner.
CREATE FUNCTION public.later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
ALTER FUNCTION public.later() OWNER TO tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
CREATE TABLE public.visits (tenant_id uuid NOT NULL, id int, record_id uuid, note text, PRIMARY KEY (tenant_id, id),
	FOREIGN KEY (record_id, tenant_id) REFERENCES casnet.records (id, tenant_id) ON DELETE CASCADE) PARTITION BY RANGE (id);
CREATE TABLE public.visits_1 PARTITION OF public.visits FOR VALUES FROM (0) TO (100);
CREATE TRIGGER maker BEFORE INSERT ON public.visits_1 FOR EACH ROW EXECUTE FUNCTION public.fired();
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON public.visits_1 DEFERRABLE FOR EACH ROW EXECUTE FUNCTION public.later();
RESET SESSION AUTHORIZATION;
SELECT casnet.protect('public.visits'), casnet.enable_audit('public.visits') \g /dev/null
INSERT INTO public.visits VALUES (:'north', 1, :'record', 'x');
CREATE TABLE public.docs AS SELECT d FROM casnet.export_tenant(:'north', true) AS d;
GRANT SELECT, UPDATE ON public.docs TO casnet_user;
CALL be('olga', 'North');
DELETE FROM casnet.records WHERE id = :'record';
-- What both do after these statements, undone: 'done', or the message.
CREATE FUNCTION public.outcome(role text, statements text, act text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statements;
	PERFORM set_config('role', role, true);
	EXECUTE act;
	RAISE EXCEPTION 'done' USING ERRCODE = 'ZZZZZ';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END
$$;
\set undelete 'SELECT casnet.undelete(''casnet.records'', ''00000000-0000-7000-8000-0000000003a0'')'
\set import 'SELECT casnet.import_tenant(''public.docs'', ''Copy'')'
\set disable 'ALTER TABLE public.visits_1 DISABLE TRIGGER maker'
\set replica 'ALTER TABLE public.visits_1 ENABLE REPLICA TRIGGER maker'
\set always 'ALTER TABLE public.visits_1 ENABLE ALWAYS TRIGGER maker'
\set drop 'DROP TRIGGER maker ON public.visits_1'
\set deletes 'DROP TRIGGER maker ON public.visits_1; CREATE TRIGGER maker BEFORE DELETE ON public.visits_1 FOR EACH ROW EXECUTE FUNCTION public.fired()'
\set may 'ALTER TABLE public.visits_1 ENABLE REPLICA TRIGGER maker; GRANT SET ON PARAMETER session_replication_role TO tap_app'
\set ours 'ALTER FUNCTION public.later() OWNER TO current_user; ALTER TABLE public.visits OWNER TO current_user; ALTER TABLE public.visits_1 OWNER TO current_user; '
\set refused 'trigger "maker" of table public.visits, which may be changed with the row, is code of another role'
\set as_owner 'trigger "later" of table "visits_1" would fire later, as somebody else'
SELECT is(public.outcome('tap_app', '', :'undelete'), :'refused', 'undelete: a trigger that fires');
SELECT is(public.outcome('tap_app', :'drop', :'undelete'), 'done', 'none');
SELECT is(public.outcome('tap_app', :'disable', :'undelete'), 'done', 'disabled');
SELECT is(public.outcome('tap_app', :'replica', :'undelete'), 'done', 'for replicas');
SELECT is(public.outcome('tap_app', :'may', :'undelete'), :'refused', 'for replicas, and the caller may say that the session is one');
SELECT is(public.outcome('tap_app', :'always', :'undelete'), :'refused', 'for all sessions');
SELECT is(public.outcome('tap_app', :'deletes', :'undelete'), :'refused', 'on DELETE, which a row leaves a partition by');
SELECT is(public.outcome('tap_app', '', :'import'), :'as_owner', 'import: as the owner with a trigger that fires');
SELECT is(public.outcome('tap_app', :'drop', :'import'), 'done', 'as the caller with none');
SELECT is(public.outcome('tap_app', :'disable', :'import'), 'done', 'disabled');
SELECT is(public.outcome('tap_app', :'replica', :'import'), 'done', 'for replicas');
SELECT is(public.outcome('tap_app', :'may', :'import'), :'as_owner', 'for replicas, and the caller may say that the session is one');
SELECT is(public.outcome('tap_app', :'always', :'import'), :'as_owner', 'for all sessions');
SELECT is(public.outcome(current_user, :'ours' || :'replica', :'undelete'), :'refused', 'a superuser can become a replica');
SELECT is(public.outcome(current_user, :'ours' || :'disable', :'undelete'), 'done', 'which enables no trigger');
SELECT * FROM finish();
ROLLBACK;
