-- What the owner of another table has put into it does not run as an administrator who
-- brings back a row of casnet's.  Applications run it as in their own statements.
BEGIN;
SELECT plan(7);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.enable_audit(relation) FROM casnet_internal.managed_tables() WHERE kind = 'tenant';
SELECT id AS record FROM casnet.records WHERE title = 'North record 3' \gset
CREATE ROLE tap_owner;
GRANT CREATE ON SCHEMA public TO tap_owner;
CREATE TABLE public.visits (tenant_id uuid NOT NULL, id int PRIMARY KEY, record_id uuid,
	FOREIGN KEY (record_id, tenant_id) REFERENCES casnet.records (id, tenant_id) ON DELETE CASCADE);
ALTER TABLE public.visits OWNER TO tap_owner;
SELECT casnet.enable_audit('public.visits');
SET LOCAL SESSION AUTHORIZATION tap_owner;
GRANT SELECT, INSERT ON public.visits TO casnet_user;
CREATE FUNCTION public.noticed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('public.ran_as', current_user, false);
	RETURN NEW;
END
$$;
CREATE TRIGGER noticed BEFORE INSERT ON public.visits FOR EACH ROW EXECUTE FUNCTION public.noticed();
RESET SESSION AUTHORIZATION;
INSERT INTO public.visits VALUES (:'north', 1, :'record');
SELECT set_config('public.ran_as', '', false);
CALL be('olga', 'North');
DELETE FROM casnet.records WHERE id = :'record';

SELECT is(error_of(format('SELECT casnet.undelete(''casnet.records'', %L)', :'record')), '55000 | table public.visits of role "tap_owner" may be changed with the row | Code that its owner has put into it would run in your session. | Undelete the row by itself with with_references => false, and rows of that table by their own keys; or call casnet.undelete() as a role of the application. | ', 'a superuser');
SELECT is(current_setting('public.ran_as'), '', 'nothing ran');
GRANT casnet_admin TO tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(state_of(format('SELECT casnet.undelete(''casnet.records'', %L)', :'record')), '55000', 'an administrator');
RESET SESSION AUTHORIZATION;
REVOKE casnet_admin FROM tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(casnet.undelete('casnet.records', :'record'), 2::bigint, 'an application');
SELECT is(current_setting('public.ran_as'), 'tap_app', 'runs it as itself');
RESET SESSION AUTHORIZATION;
DELETE FROM casnet.records WHERE id = :'record';
SELECT is(casnet.undelete('casnet.records', :'record', false), 1::bigint, 'a superuser brings back the row');
SELECT is(casnet.undelete('public.visits', '1'), 1::bigint, 'and a row that is named');
SELECT * FROM finish();
ROLLBACK;
