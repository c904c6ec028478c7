-- What the owner of a table below persons, or a role that may make triggers there, has put
-- into it does not run as an administrator who erases a person.
BEGIN;
SELECT plan(9);
\ir include/fixtures.sql
\set person 00000000-0000-7000-8000-0000000001a0
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_maker;
GRANT CREATE ON SCHEMA public TO tap_maker;
CREATE TABLE public.visits (id int, person_id uuid, tenant_id uuid NOT NULL, PRIMARY KEY (tenant_id, id),
	FOREIGN KEY (person_id, tenant_id) REFERENCES casnet.persons (id, tenant_id) ON DELETE CASCADE);
GRANT ALL ON public.visits TO tap_app;
GRANT TRIGGER ON public.visits TO tap_maker;
INSERT INTO public.visits VALUES (1, :'person', :'north');
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE FUNCTION public.ran() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('public.ran', current_user, false); RETURN OLD; END $$;
CREATE TRIGGER ran AFTER DELETE ON public.visits FOR EACH ROW EXECUTE FUNCTION public.ran();
RESET SESSION AUTHORIZATION;
SELECT set_config('public.ran', '', false) \g /dev/null
GRANT casnet_authenticator TO tap_operator;
CALL be('olga', 'North');
PREPARE erase AS SELECT * FROM casnet.erase_person('00000000-0000-7000-8000-0000000001a0');
SELECT throws_ok('erase', '55000', 'trigger "ran" of table "visits" calls a function of another role', 'a superuser, and a trigger on a table of a superuser');
ALTER TABLE public.visits OWNER TO tap_maker;
SELECT is(error_of('EXECUTE erase'), '55000 | table "visits" of role "tap_maker" is changed with these rows | Code that its owner has put into it would run in your session. | Call casnet.erase_person() as a role of the application, or give the table to a superuser. | ', 'a table of another role');
SET LOCAL SESSION AUTHORIZATION tap_operator;
CALL be('olga', 'North');
SELECT is(state_of('EXECUTE erase'), '55000', 'an administrator');
SELECT is(current_setting('public.ran'), '', 'nothing has run');
SELECT is((SELECT count(*) FROM casnet.persons WHERE id = :'person'), 1::bigint, 'the person is there');
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
SELECT lives_ok('EXECUTE erase', 'a role of the application erases');
SELECT is(current_setting('public.ran') IN ('tap_app', 'tap_maker'), true, 'which runs the code as in its own statements, or as the owner');
RESET SESSION AUTHORIZATION;
ALTER TABLE public.visits OWNER TO CURRENT_USER;
DROP TRIGGER ran ON public.visits;
INSERT INTO casnet.persons (tenant_id, id, name) VALUES (:'north', :'person', 'x');
INSERT INTO public.visits VALUES (2, :'person', :'north');
SELECT lives_ok('EXECUTE erase', 'a superuser erases where there is no such code');
SELECT is((SELECT count(*) FROM public.visits), 0::bigint, 'with what belongs to the person');
SELECT * FROM finish();
ROLLBACK;
