-- If a restore lacks comments, install() writes them again: on tables and columns, and on
-- what the partitions of the audit inherit.
BEGIN;
SELECT plan(4);
\ir include/fixtures.sql
RESET SESSION AUTHORIZATION;
SELECT casnet.enable_audit('casnet.records');
CREATE VIEW pg_temp.described AS
	SELECT format('TABLE %s', c.oid::regclass) AS what, obj_description(c.oid, 'pg_class') AS how
	  FROM pg_class AS c JOIN casnet_internal.managed_tables() AS m ON m.relation = c.oid
	UNION ALL SELECT format('COLUMN %s.%I', a.attrelid::regclass, a.attname), col_description(a.attrelid, a.attnum)
	  FROM pg_attribute AS a JOIN casnet_internal.managed_tables() AS m ON m.relation = a.attrelid
	 WHERE a.attnum > 0 AND m.kind <> 'registry'
	UNION ALL SELECT format('INDEX %s', i.indexrelid::regclass), obj_description(i.indexrelid, 'pg_class')
	  FROM casnet_internal.audit_partitions() AS p JOIN pg_index AS i ON i.indrelid = p.relation
	UNION ALL SELECT format('TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass), obj_description(t.oid, 'pg_trigger')
	  FROM casnet_internal.audit_partitions() AS p JOIN pg_trigger AS t ON t.tgrelid = p.relation AND t.tgparentid <> 0;
CREATE TEMP TABLE before AS TABLE pg_temp.described;
SELECT cmp_ok((SELECT count(*) FROM before), '>', 120::bigint, 'tables, columns, indexes and triggers');
SELECT is_empty('SELECT what FROM before WHERE how IS NULL', 'a new installation has them all described');

DO $$
DECLARE
	nameless text;
BEGIN
	FOR nameless IN SELECT what FROM pg_temp.described LOOP
		EXECUTE format('COMMENT ON %s IS NULL', nameless);
	END LOOP;
END
$$;
SELECT is((SELECT count(how) FROM pg_temp.described), 0::bigint, 'a restore without comments');
SELECT casnet.install() IS NOT NULL AS done \gset
SELECT set_eq('TABLE pg_temp.described', 'TABLE before', 'install() describes them again');
SELECT * FROM finish();
ROLLBACK;
