
-- Somebody with CREATEROLE can have made casnet's roles beforehand, and the tables too, with
-- code in them that a superuser would run.  From an earlier installation casnet_owner owns
-- tables here, with their row types and statistics, and nothing else; a restore makes the
-- rest afterwards.  What a superuser has put here stays a superuser's.
DO $$
DECLARE
	owned text;
BEGIN
	SELECT pg_catalog.pg_describe_object(thing.catalog, thing.id, 0)
	  INTO owned
	  FROM (SELECT 'pg_catalog.pg_proc'::regclass, oid, proowner FROM pg_catalog.pg_proc
			UNION ALL
			SELECT 'pg_catalog.pg_type'::regclass, t.oid, t.typowner
			  FROM pg_catalog.pg_type AS t
			  LEFT JOIN pg_catalog.pg_type AS e ON e.typarray = t.oid
			 WHERE coalesce(e.typrelid, t.typrelid) = 0
			UNION ALL SELECT 'pg_catalog.pg_operator'::regclass, oid, oprowner FROM pg_catalog.pg_operator
			UNION ALL SELECT 'pg_catalog.pg_opclass'::regclass, oid, opcowner FROM pg_catalog.pg_opclass
			UNION ALL SELECT 'pg_catalog.pg_opfamily'::regclass, oid, opfowner FROM pg_catalog.pg_opfamily
			UNION ALL SELECT 'pg_catalog.pg_collation'::regclass, oid, collowner FROM pg_catalog.pg_collation
			UNION ALL SELECT 'pg_catalog.pg_conversion'::regclass, oid, conowner FROM pg_catalog.pg_conversion
			UNION ALL SELECT 'pg_catalog.pg_ts_config'::regclass, oid, cfgowner FROM pg_catalog.pg_ts_config
			UNION ALL SELECT 'pg_catalog.pg_ts_dict'::regclass, oid, dictowner FROM pg_catalog.pg_ts_dict
		   ) AS thing (catalog, id, owner)
	 WHERE thing.owner = pg_catalog.to_regrole('casnet_owner')
	 ORDER BY 1 LIMIT 1;
	IF owned IS NOT NULL THEN
		RAISE EXCEPTION 'role casnet_owner cannot be trusted'
			USING ERRCODE = 'insufficient_privilege',
				  DETAIL = pg_catalog.format('It owns %s.', owned),
				  HINT = 'Read it and find out who made it. Then drop it, or give it to another role.';
	END IF;
END
$$;
