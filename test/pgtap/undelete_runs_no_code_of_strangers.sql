-- A superuser who brings back a row runs no code that others have put into tables which
-- refer to it: a trigger by the privilege TRIGGER, one of a partition, a domain's check.
BEGIN;
SELECT plan(8);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.enable_audit(relation) FROM casnet_internal.managed_tables() WHERE kind = 'tenant' \g /dev/null
\set record 00000000-0000-7000-8000-0000000003a0
CREATE ROLE tap_maker;
CREATE SCHEMA maker AUTHORIZATION tap_maker;
GRANT USAGE ON SCHEMA maker TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE FUNCTION maker.ran() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('maker.ran', current_user, false); RETURN true; END $$;
CREATE FUNCTION maker.fired() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM maker.ran(); RETURN NEW; END $$;
CREATE DOMAIN maker.word AS text CHECK (maker.ran());
RESET SESSION AUTHORIZATION;
CREATE TABLE public.visits (tenant_id uuid NOT NULL, id int, record_id uuid, note text, PRIMARY KEY (tenant_id, id),
	FOREIGN KEY (record_id, tenant_id) REFERENCES casnet.records (id, tenant_id) ON DELETE CASCADE) PARTITION BY RANGE (id);
CREATE TABLE public.visits_1 PARTITION OF public.visits FOR VALUES FROM (0) TO (100);
SELECT casnet.enable_audit('public.visits') \g /dev/null
INSERT INTO public.visits VALUES (:'north', 1, :'record', 'x');
CALL be('olga', 'North');
DELETE FROM casnet.records WHERE id = :'record';
SELECT set_config('maker.ran', '', false) \g /dev/null
-- The error, which is undone.
CREATE FUNCTION public.with_code(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	SET LOCAL ROLE tap_maker;
	IF statement ~ '^GRANT' THEN
		CREATE TRIGGER maker BEFORE INSERT ON public.visits_1 FOR EACH ROW EXECUTE FUNCTION maker.fired();
	END IF;
	RESET ROLE;
	PERFORM casnet.undelete('casnet.records', '00000000-0000-7000-8000-0000000003a0');
	RAISE EXCEPTION 'came back' USING ERRCODE = 'ZZZZZ';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SELECT is(public.with_code('GRANT TRIGGER ON public.visits_1 TO tap_maker'), '55000 trigger "maker" of table public.visits, which may be changed with the row, is code of another role', 'a trigger of a role that may make triggers');
SELECT is(public.with_code('ALTER TABLE public.visits_1 OWNER TO tap_maker'), '55000 partition "visits_1" of table public.visits, which may be changed with the row, is code of another role', 'a partition');
SELECT is(public.with_code('ALTER TABLE public.visits ADD d maker.word'), '55000 column "d" of table public.visits, which may be changed with the row, is code of another role', 'a domain');
SELECT is(public.with_code('ALTER TABLE public.visits ADD CHECK (maker.ran()) NOT VALID'), '55000 constraint "visits_check" of table public.visits, which may be changed with the row, is code of another role', 'a check');
SELECT is(public.with_code('ALTER TABLE public.visits ALTER note SET DEFAULT maker.ran()::text'), '55000 default of column "note" of table public.visits, which may be changed with the row, is code of another role', 'a default');
SELECT is(public.with_code('ALTER TABLE public.visits OWNER TO tap_maker'), '55000 table public.visits of role "tap_maker" may be changed with the row', 'the table itself');
SELECT is(current_setting('maker.ran'), '', 'nothing has run');
SELECT is(casnet.undelete('casnet.records', :'record'), 2::bigint, 'without all that both rows come back');
SELECT * FROM finish();
ROLLBACK;
