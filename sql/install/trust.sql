
-- What is made here runs with the privileges of a superuser or is run by one.  So nobody
-- else may own its schemas or create objects in them.  Not even casnet_owner owns them,
-- since the owner of a schema can replace what is in it.  Somebody with CREATEROLE can have
-- made that role, and schemas that it owns, beforehand.
DO $$
DECLARE
	trouble text;
BEGIN
	SELECT CASE
			WHEN NOT o.rolsuper
				THEN format('Schema %I belongs to %I.', n.nspname, o.rolname)
			WHEN EXISTS (SELECT FROM pg_catalog.aclexplode(n.nspacl) AS a
						 WHERE a.privilege_type = 'CREATE'
						   AND a.grantee NOT IN (
							n.nspowner,
							-- not 0, which is PUBLIC
							coalesce(pg_catalog.to_regrole('casnet_owner'),
									 n.nspowner)))
				THEN format('Another role than its owner may create objects in schema %I.',
							n.nspname)
			ELSE (SELECT format('Role %I owns something in schema %I.', r.rolname, n.nspname)
					FROM (SELECT relowner, relnamespace FROM pg_catalog.pg_class
						  UNION SELECT proowner, pronamespace FROM pg_catalog.pg_proc
						  UNION SELECT typowner, typnamespace FROM pg_catalog.pg_type
						  UNION SELECT oprowner, oprnamespace FROM pg_catalog.pg_operator
						  UNION SELECT opcowner, opcnamespace FROM pg_catalog.pg_opclass
						  UNION SELECT opfowner, opfnamespace FROM pg_catalog.pg_opfamily
						  UNION SELECT collowner, collnamespace FROM pg_catalog.pg_collation
						  UNION SELECT conowner, connamespace FROM pg_catalog.pg_conversion
						  UNION SELECT cfgowner, cfgnamespace FROM pg_catalog.pg_ts_config
						  UNION SELECT dictowner, dictnamespace FROM pg_catalog.pg_ts_dict
						  UNION SELECT stxowner, stxnamespace FROM pg_catalog.pg_statistic_ext
						 ) AS thing (owner, namespace)
					JOIN pg_catalog.pg_roles AS r ON r.oid = thing.owner
				   WHERE thing.namespace = n.oid AND NOT r.rolsuper
					 AND r.rolname <> 'casnet_owner'
				   ORDER BY r.rolname LIMIT 1)
			END
	  INTO trouble
	  FROM pg_catalog.pg_namespace AS n
	  JOIN pg_catalog.pg_roles AS o ON o.oid = n.nspowner
	 WHERE n.nspname IN ('casnet', 'casnet_internal')
	 ORDER BY 1 NULLS LAST LIMIT 1;
	IF trouble IS NOT NULL THEN
		RAISE EXCEPTION 'schema casnet cannot be trusted'
			USING ERRCODE = 'insufficient_privilege', DETAIL = trouble,
				  HINT = 'Drop or rename the schema. One that belongs to a superuser is accepted if nobody else owns anything or may create anything in it.';
	END IF;
END
$$;
