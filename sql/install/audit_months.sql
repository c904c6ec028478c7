-- The tables of the audit, by months.

CREATE OR REPLACE FUNCTION casnet_internal.audit_partitions(
	OUT relation regclass, OUT since timestamptz, OUT until timestamptz)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	SET timezone = 'UTC'
	SET datestyle = 'ISO'
	AS $$
	SELECT c.oid::regclass,
		   CASE WHEN b.bound = 'DEFAULT' THEN NULL ELSE
		   coalesce(substring(b.bound FROM $r$FROM \('([^']*)'\)$r$)::timestamptz,
					'-infinity') END,
		   CASE WHEN b.bound = 'DEFAULT' THEN NULL ELSE
		   coalesce(substring(b.bound FROM $r$TO \('([^']*)'\)$r$)::timestamptz,
					'infinity') END
	  FROM pg_inherits AS i
	  JOIN pg_class AS c ON c.oid = i.inhrelid,
	  LATERAL pg_get_expr(c.relpartbound, c.oid) AS b (bound)
	 WHERE i.inhparent = to_regclass('casnet_internal.audit_entries')
$$;
COMMENT ON FUNCTION casnet_internal.audit_partitions() IS
	'internal: the partitions of the audit and their times; no times for the default one';

CREATE OR REPLACE FUNCTION casnet_internal.describe_audit_partitions() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	part record;
BEGIN
	FOR part IN
		SELECT p.relation, t.tgname, x.inhrelid::regclass AS index, w.meaning
		  FROM casnet_internal.audit_partitions() AS p
		  JOIN pg_trigger AS t
			ON t.tgrelid = p.relation AND t.tgname = 'casnet_append_only'
		  JOIN pg_index AS i ON i.indrelid = p.relation
		  JOIN pg_inherits AS x ON x.inhrelid = i.indexrelid
		  JOIN casnet_internal.wanted_indexes() AS w
			ON w.table_name = 'casnet_internal.audit_entries'
		   AND x.inhparent = to_regclass('casnet_internal.' || w.name)
		 WHERE obj_description(t.oid, 'pg_trigger') IS NULL
			OR obj_description(x.inhrelid, 'pg_class') IS NULL
	LOOP
		EXECUTE format('COMMENT ON TRIGGER %I ON %s IS %L', part.tgname,
					   part.relation, 'entries of the audit stay as they are');
		EXECUTE format('COMMENT ON INDEX %s IS %L', part.index, part.meaning);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.describe_audit_partitions() IS
	'internal: describes what the partitions of the audit inherit from it';

CREATE OR REPLACE FUNCTION casnet_internal.add_audit_month(month timestamptz) RETURNS boolean
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET timezone = 'UTC'
	AS $$
DECLARE
	first timestamptz := date_trunc('month', month);
	next timestamptz := date_trunc('month', month) + interval '1 month';
	name text := 'audit_entries_' || to_char(first, 'YYYY_MM');
BEGIN
	IF EXISTS (SELECT FROM casnet_internal.audit_partitions() AS p
			   WHERE p.since < next
				 AND p.until > first) THEN
		RETURN false;
	END IF;

	-- This waits for transactions under way, whose entries must be there to be moved.
	LOCK TABLE casnet_internal.audit_entries_default IN ACCESS EXCLUSIVE MODE;
	EXECUTE format('CREATE TABLE casnet_internal.%I '
				   '(LIKE casnet_internal.audit_entries INCLUDING ALL)', name);
	EXECUTE format('COMMENT ON TABLE casnet_internal.%I IS %L', name,
				   'who changed what, in ' || to_char(first, 'YYYY-MM'));
	EXECUTE format('ALTER TABLE casnet_internal.%I ENABLE ROW LEVEL SECURITY', name);
	EXECUTE format('ALTER TABLE casnet_internal.%I FORCE ROW LEVEL SECURITY', name);
	EXECUTE format('ALTER TABLE casnet_internal.%I REPLICA IDENTITY FULL', name);
	EXECUTE format('CREATE TRIGGER casnet_append_only_truncate '
				   'BEFORE TRUNCATE ON casnet_internal.%I FOR EACH STATEMENT '
				   'EXECUTE FUNCTION casnet_internal.refuse_audit_change()', name);
	EXECUTE format('ALTER TABLE casnet_internal.%I '
				   'ENABLE ALWAYS TRIGGER casnet_append_only_truncate', name);
	EXECUTE format('COMMENT ON TRIGGER casnet_append_only_truncate '
				   'ON casnet_internal.%I IS %L', name,
				   'entries of the audit stay as they are');

	-- The month is late: its entries so far are in the default partition.
	IF EXISTS (SELECT FROM casnet_internal.audit_entries_default AS e
			   WHERE e.at >= first
				 AND e.at < next) THEN
		EXECUTE format('INSERT INTO casnet_internal.%I '
					   'SELECT * FROM casnet_internal.audit_entries_default '
					   'WHERE at >= $1 AND at < $2', name)
		  USING first, next;
		PERFORM casnet_internal.remove_audit_entries(NULL, first, next);
	END IF;
	EXECUTE format('ALTER TABLE casnet_internal.audit_entries ATTACH PARTITION '
				   'casnet_internal.%I FOR VALUES FROM (%L) TO (%L)',
				   name, first, next);
	PERFORM casnet_internal.describe_audit_partitions();
	RETURN true;
END
$$;
COMMENT ON FUNCTION casnet_internal.add_audit_month(timestamptz) IS
	'internal: makes the partition of the audit for a month; false if there is one';
