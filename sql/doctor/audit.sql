-- casnet.doctor(): the audit.

-- undelete() asks the same of the keys that lead to a table.  It brings back no account, no
-- tenant and no membership.
CREATE OR REPLACE FUNCTION casnet_internal.doctor_audit()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH audited AS MATERIALIZED (
		SELECT a.relation FROM casnet_internal.audited_tables() AS a WHERE a.enabled
	), referring AS (
		SELECT coalesce(pg_partition_root(k.conrelid), k.conrelid) AS relation,
			   string_agg(DISTINCT k.confrelid::regclass::text, ', ') AS referred
		  FROM pg_constraint AS k
		  JOIN audited AS a ON a.relation = k.confrelid
		 WHERE k.contype = 'f' AND k.conparentid = 0 AND k.confdeltype IN ('c', 'n', 'd')
		   AND k.confrelid NOT IN (SELECT m.relation FROM casnet_internal.managed_tables() AS m
									WHERE m.kind <> 'tenant')
		 GROUP BY 1
	)
	-- audit-incomplete: what a deletion takes along is known only if it was audited by then.
	SELECT 'audit-incomplete', r.relation::text,
		   format('A deletion in %s changes its rows unrecorded, so undelete() refuses to bring back a row with what belonged to it.',
				  r.referred),
		   CASE WHEN EXISTS (SELECT FROM pg_index AS i
							  WHERE i.indrelid = r.relation AND i.indisprimary)
				 AND r.relation IN (SELECT w.relation FROM casnet_internal.watched_tables() AS w
									 WHERE w.tenant_column IS NOT NULL)
				THEN format('SELECT casnet.enable_audit(%L)', r.relation)
				ELSE '-- give it a primary key, protect it with casnet.protect(), and audit it with casnet.enable_audit()'
				END
	  FROM referring AS r
	 WHERE r.relation NOT IN (SELECT a.relation FROM audited AS a)
$$;
COMMENT ON FUNCTION casnet_internal.doctor_audit() IS
	'internal: doctor() about the audit';
