-- updated_at moves on every UPDATE of every table that has it, whatever is written to it.
\set QUIET on
LOAD 'casnet';
BEGIN;
SET LOCAL client_min_messages = notice;
DO $$
DECLARE
	t regclass;
	moved boolean;
BEGIN
	FOR t IN SELECT oid::regclass FROM pg_class WHERE relnamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND relkind = 'r' AND relname <> 'audit_entries_default' ORDER BY relname COLLATE "C" LOOP
		EXECUTE format('CREATE TEMP TABLE o AS SELECT min(updated_at) AS at FROM %s', t);
		EXECUTE format('UPDATE %s SET created_at = created_at', t);
		EXECUTE format('SELECT bool_and(x.updated_at > o.at) FROM %s AS x, o', t) INTO moved;
		RAISE NOTICE '% moved %', t, coalesce(moved::text, 'nothing');
		DROP TABLE o;
	END LOOP;
END
$$;
ROLLBACK;

SET SESSION AUTHORIZATION regress_backend;
CALL be('mia', 'North');
BEGIN;
INSERT INTO casnet.records (title) VALUES ('one');
SELECT created_at = now() AND updated_at = now() AS by_default FROM casnet.records WHERE title = 'one';
CREATE TEMP TABLE seen AS SELECT updated_at FROM casnet.records WHERE title = 'one';
UPDATE casnet.records SET content = 'a' WHERE title = 'one';
INSERT INTO seen SELECT updated_at FROM casnet.records WHERE title = 'one';
UPDATE casnet.records SET updated_at = '2001-01-01' WHERE title = 'one';
INSERT INTO seen SELECT updated_at FROM casnet.records WHERE title = 'one';
UPDATE casnet.records SET updated_at = 'infinity' WHERE title = 'one';
INSERT INTO seen SELECT updated_at FROM casnet.records WHERE title = 'one';
SELECT count(DISTINCT updated_at), max(updated_at) < now() + interval '1 minute' AS present FROM seen;
ROLLBACK;
