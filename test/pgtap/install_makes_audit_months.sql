-- If tables are audited, install() makes the months that a restored database lacks, and
-- moves the entries there.  Without an audited table it makes none.
BEGIN;
SELECT plan(5);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.install() IS NOT NULL AS done \gset
SELECT is((SELECT count(*) FROM casnet_internal.audit_partitions()), 1::bigint, 'no month while no table is audited');

-- An old dump: its months are over.
SELECT casnet.enable_audit('casnet.records');
DO $$
DECLARE
	month text;
BEGIN
	FOR month IN SELECT relation::text FROM casnet_internal.audit_partitions() WHERE since IS NOT NULL LOOP
		EXECUTE 'DROP TABLE ' || month;
	END LOOP;
END
$$;
SET LOCAL SESSION AUTHORIZATION tap_app;
CALL be('olga', 'North');
UPDATE casnet.records SET title = 'late' WHERE title ~ '1$';
RESET SESSION AUTHORIZATION;
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries_default), 1::bigint, 'an entry that has no month');
SELECT casnet.install() IS NOT NULL AS done \gset
SELECT is((SELECT count(*) FROM casnet_internal.audit_partitions() WHERE since IS NOT NULL), 4::bigint, 'this month and three more');
SELECT is((SELECT count(*) FROM casnet_internal.audit_entries_default), 0::bigint, 'takes the entry');
SELECT is((SELECT after->>'title' FROM casnet_internal.audit_entries), 'late', 'which is still there');
SELECT * FROM finish();
ROLLBACK;
