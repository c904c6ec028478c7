-- table_state(): what the catalogs say of a table, its partitions and the
-- permissions, in words.
CREATE FUNCTION public.table_state(relation regclass) RETURNS SETOF text LANGUAGE sql AS $$
	WITH t AS (SELECT c.* FROM pg_class AS c
				WHERE c.oid = relation OR c.oid IN (SELECT relid FROM pg_partition_tree(relation)))
	SELECT concat_ws(' ', 'table', oid::regclass, relrowsecurity, relforcerowsecurity,
					 ARRAY(SELECT a.*::text FROM aclexplode(coalesce(relacl, acldefault('r', relowner))) AS a ORDER BY 1)) FROM t
	UNION ALL
	SELECT concat_ws(' ', 'column', attrelid::regclass, attname, atttypid::regtype, attnotnull, attacl, pg_get_expr(adbin, adrelid),
					 col_description(attrelid, attnum))
	  FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
	 WHERE attrelid IN (SELECT oid FROM t) AND attnum > 0 AND NOT attisdropped
	UNION ALL
	SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated, obj_description(oid, 'pg_constraint'))
	  FROM pg_constraint WHERE conrelid IN (SELECT oid FROM t) OR confrelid IN (SELECT oid FROM t)
	UNION ALL
	SELECT concat_ws(' ', 'policy', polrelid::regclass, polname, polcmd, polpermissive, polroles, pg_get_expr(polqual, polrelid),
					 pg_get_expr(polwithcheck, polrelid), obj_description(oid, 'pg_policy'))
	  FROM pg_policy WHERE polrelid IN (SELECT oid FROM t)
	UNION ALL
	SELECT concat_ws(' ', 'trigger', tgrelid::regclass, pg_get_triggerdef(oid), tgenabled, obj_description(oid, 'pg_trigger'))
	  FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM t) AND NOT tgisinternal
	UNION ALL
	SELECT concat_ws(' ', 'index', pg_get_indexdef(indexrelid), indisvalid, obj_description(indexrelid, 'pg_class'))
	  FROM pg_index WHERE indrelid IN (SELECT oid FROM t)
	UNION ALL
	SELECT concat_ws(' ', 'relation', oid::regclass) FROM pg_class WHERE relnamespace = (SELECT relnamespace FROM t WHERE oid = relation)
	UNION ALL
	SELECT concat_ws(' ', 'permission', role, permission) FROM casnet.role_permissions
	UNION ALL
	SELECT concat_ws(' ', 'registry', p.relation, resource, permissions, before) FROM casnet_internal.protected AS p
$$;
