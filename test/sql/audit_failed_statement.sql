-- A statement that fails while one of its functions runs another statement leaves nothing
-- by which the next one is judged.
\set QUIET on
\set VERBOSITY terse
BEGIN;
SELECT casnet.enable_audit('casnet.persons');
SET SESSION AUTHORIZATION regress_backend;
CREATE FUNCTION pg_temp.add_and_fail(name text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO casnet.persons (name) VALUES (name || ' within');
	INSERT INTO casnet.persons (name) SELECT (1 / (n - n))::text FROM generate_series(1, 1) AS n;
	RETURN name;
END
$$;
CALL be('mia', 'North');
INSERT INTO casnet.persons (name) VALUES ('first');
SAVEPOINT s;
INSERT INTO casnet.persons (name) VALUES (pg_temp.add_and_fail('second'));
ROLLBACK TO s;
INSERT INTO casnet.persons (name) VALUES ('third');
UPDATE casnet.persons SET name = 'first, changed' WHERE name = 'first';
\echo somebody else, from the next statement on
CALL be('olga', 'North');
INSERT INTO casnet.persons (name) VALUES ('fourth');
SET SESSION AUTHORIZATION DEFAULT;
SELECT u.username, e.action, e.after ->> 'name' AS name
  FROM casnet_internal.audit_entries AS e LEFT JOIN casnet.users AS u ON u.id = e.user_id
 WHERE e.transaction_id = pg_current_xact_id()::text::bigint ORDER BY e.id;
ROLLBACK;
