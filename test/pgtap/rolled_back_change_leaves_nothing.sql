-- A change that was rolled back, by savepoint or by an exception handler, is forgotten,
-- even if a statement saw it meanwhile.
BEGIN;
SELECT plan(15);
\ir include/fixtures.sql

CALL be('olga', 'North');
SAVEPOINT a;
SELECT casnet.set_member_role('mia', 'admin');
SET LOCAL casnet.user_id = :'mia';
SELECT ok(casnet.can('delete_records'), 'mia is an admin');
DELETE FROM casnet.records;
SELECT is((SELECT count(*) FROM casnet.records), 0::bigint, 'and deletes');
ROLLBACK TO a;
SELECT is((SELECT username FROM casnet.whoami()), 'olga', 'olga is back');
CALL be('mia', 'North');
SELECT ok(NOT casnet.can('delete_records'), 'mia is no longer one');
SELECT throws_ok('DELETE FROM casnet.records', '42501', NULL, 'and does not delete');

-- The other way: a removal that did not happen.
SAVEPOINT b;
CALL be('olga', 'North');
SELECT casnet.remove_member('mia');
CALL be('mia', 'North');
SELECT throws_ok('SELECT count(*) FROM casnet.records', '42501', NULL, 'out');
ROLLBACK TO b;
SELECT is((SELECT count(*) FROM casnet.records), 3::bigint, 'and in again');

-- Savepoints within savepoints, released and rolled back.
SAVEPOINT c;
CALL be('olga', 'North');
SAVEPOINT d;
SELECT casnet.grant_permission('mia', 'delete_tags') AS granted \gset
RELEASE d;
CALL be('mia', 'North');
SELECT ok(casnet.can('delete_tags'), 'granted');
ROLLBACK TO c;
SELECT ok(NOT casnet.can('delete_tags'), 'not granted');

CALL be('olga', 'North');
CREATE FUNCTION pg_temp.attempt() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answers text := '';
BEGIN
	FOR i IN 1 .. 3 LOOP
		BEGIN
			CALL public.be('olga', 'North');
			PERFORM casnet.set_member_role('mia', 'admin');
			CALL public.be('mia', 'North');
			answers := answers || CASE WHEN casnet.can('delete_records') THEN 'y' ELSE 'n' END;
			PERFORM 1 / 0;
		EXCEPTION WHEN division_by_zero THEN
			answers := answers || CASE WHEN casnet.can('delete_records') THEN 'olga ' ELSE 'mia ' END;
			CALL public.be('mia', 'North');
			answers := answers || CASE WHEN casnet.can('delete_records') THEN 'y' ELSE 'n' END;
			CALL public.be('olga', 'North');
		END;
	END LOOP;
	RETURN answers;
END
$$;
SELECT is(pg_temp.attempt(), 'yolga nyolga nyolga n', 'an exception handler undoes it each time');
SELECT is((SELECT role FROM casnet.members() WHERE username = 'mia'), 'member', 'the table says so, too');
CALL be('mia', 'North');
SELECT is((SELECT role FROM casnet.whoami()), 'member', 'and mia');

-- A trigger that asks before the change is announced, and then fails.
RESET SESSION AUTHORIZATION;
CREATE FUNCTION public.a_spy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION USING ERRCODE = 'ZZZZZ', MESSAGE = CASE WHEN casnet.can('delete_records') THEN 'yes' ELSE 'no' END;
END
$$;
CREATE TRIGGER a_spy AFTER INSERT ON casnet.user_tenant_permissions FOR EACH ROW EXECUTE FUNCTION public.a_spy();
CREATE FUNCTION public.grant_and_fail() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	-- What was cached before is looked up again.
	UPDATE casnet.users SET full_name = 'Mia' WHERE username = 'mia';
	BEGIN
		INSERT INTO casnet.user_tenant_permissions SELECT id, casnet.current_tenant_id(), 'delete_records' FROM casnet.users WHERE username = 'mia';
		RETURN 'written';
	EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
		RETURN SQLERRM || CASE WHEN casnet.can('delete_records') THEN ' yes' ELSE ' no' END;
	END;
END
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
SELECT is(public.grant_and_fail(), 'yes no', 'seen in the trigger, and gone when that has failed');
SELECT ok(NOT casnet.can('delete_records'), 'nor later');
SELECT throws_ok('DELETE FROM casnet.records', '42501', NULL, 'and nothing is deleted');
SELECT * FROM finish();
ROLLBACK;
