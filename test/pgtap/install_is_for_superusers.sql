-- casnet.install() is for superusers, and says so to any role that was granted it.
BEGIN;
SELECT plan(3);
\ir include/fixtures.sql
CALL be('olga', 'North');
SELECT throws_ok('SELECT casnet.install()', '42501', 'permission denied for function install', 'a user');
SET LOCAL SESSION AUTHORIZATION tap_operator;
SELECT throws_ok('SELECT casnet.install()', '42501', 'permission denied for function install', 'an administrator');

-- An owner of everything in the schema could do most of it.
RESET SESSION AUTHORIZATION;
CREATE ROLE tap_owner;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA casnet, casnet_internal TO tap_owner;
ALTER SCHEMA casnet OWNER TO tap_owner;
ALTER SCHEMA casnet_internal OWNER TO tap_owner;
DO $$
DECLARE
	statement text;
BEGIN
	FOR statement IN SELECT format('ALTER TABLE %s OWNER TO tap_owner', oid::regclass) FROM pg_class
					  WHERE relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND relkind IN ('r', 'p', 'v')
	LOOP
		EXECUTE statement;
	END LOOP;
END
$$;
SET LOCAL SESSION AUTHORIZATION tap_owner;
SELECT is(error_of('SELECT casnet.install()'), '42501 | only superusers may call casnet.install() |  | Connect as a superuser and call it again. | ', 'whoever was given it, and owns the tables');
SELECT * FROM finish();
ROLLBACK;
