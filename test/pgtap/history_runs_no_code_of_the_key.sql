-- history() runs no check of a domain that a key has, and refuses a type whose values call
-- code of another role.  What is no value of a key is 22023, whatever its type says.
BEGIN;
SELECT plan(12);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_maker;
CREATE SCHEMA maker AUTHORIZATION tap_maker;
GRANT USAGE ON SCHEMA maker TO PUBLIC;
SET LOCAL SESSION AUTHORIZATION tap_maker;
CREATE FUNCTION maker.ran(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('maker.ran', current_user, false); RETURN true; END $$;
CREATE DOMAIN maker.word AS varchar(10) CHECK (maker.ran(VALUE));
CREATE TABLE maker.t (id maker.word PRIMARY KEY, tenant_id uuid);
CREATE TABLE maker.list (id maker.word[] PRIMARY KEY, tenant_id uuid);
RESET SESSION AUTHORIZATION;
SELECT casnet.enable_audit('maker.t'), casnet.enable_audit('maker.list') \g /dev/null
INSERT INTO maker.t VALUES ('x', :'north');
SELECT set_config('maker.ran', '', false) \g /dev/null
CALL be('olga', 'North');
SELECT is((SELECT count(*) FROM casnet.history('maker.t', 'x')), 1::bigint, 'a superuser reads the history');
SELECT is(error_of($$SELECT casnet.history('maker.list', '{x}')$$), '22023 | invalid input syntax for type json | Token "x" is invalid. | Give the key of a row of table maker.list. | ', 'a key in braces is an object');
SELECT is(error_of($$SELECT casnet.history('maker.list', '{"id": "{x}"}')$$), '55000 | the type of column "id" of table maker.list calls code of another role |  | Look for the row in casnet.audit_log(for_relation => ''maker.list''). | ', 'an array of the domain');
SELECT is(current_setting('maker.ran'), '', 'nothing ran');
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is((SELECT count(*) FROM casnet.history('maker.t', 'x')), 1::bigint, 'so does an application');
SELECT is(current_setting('maker.ran'), '', 'nothing ran then');
RESET SESSION AUTHORIZATION;
CREATE TABLE public.kinds (n int, at timestamptz, tenant_id uuid, PRIMARY KEY (n, at));
SELECT casnet.enable_audit('public.kinds') \g /dev/null
GRANT INSERT ON public.kinds TO tap_app;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(state_of(format('SELECT casnet.%s(''public.kinds'', %L)', f, k)), '22023', f || ' ' || left(k, 30))
  FROM (VALUES ('history', '{"n": "x", "at": "now"}'), ('history', '{"n": 99999999999, "at": "now"}'), ('history', '{"n": 1, "at": "never"}'),
		('undelete', '{"n": 1, "at": "294277-01-01"}'), ('history', repeat('{"n":', 10000))) AS v (f, k);
SELECT is(state_of($$SELECT casnet.history('casnet.records_load', '1')$$), '42809', 'a view');
SELECT * FROM finish();
ROLLBACK;
