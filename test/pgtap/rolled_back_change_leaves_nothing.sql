-- A change that was rolled back, by savepoint or by an exception handler, is
-- forgotten, although it was seen and answered for meanwhile.
BEGIN;
SELECT plan(12);
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
SELECT ok(NOT casnet.can('delete_records'), 'mia is none any more');
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
SELECT * FROM finish();
ROLLBACK;
