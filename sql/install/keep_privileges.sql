-- Puts aside what somebody has granted and revoked on functions of the extension, and leaves
-- only their owners' privileges, as if the functions were just made.  A GRANT in a script
-- records every grant on the function as the extension's own, which pg_dump leaves out.  So
-- nobody else's grants may be there meanwhile.
DO $$
DECLARE
	existing record;
	changes jsonb := '[]';
BEGIN
	FOR existing IN
		SELECT p.oid::regprocedure::text AS name, p.proowner::regrole::text AS owner,
			   coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)) AS now,
			   coalesce(i.initprivs, pg_catalog.acldefault('f', p.proowner)) AS at_first
		  FROM pg_catalog.pg_extension AS e
		  JOIN pg_catalog.pg_depend AS d
			ON d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.refobjid = e.oid
			   AND d.classid = 'pg_catalog.pg_proc'::regclass AND d.deptype = 'e'
		  JOIN pg_catalog.pg_proc AS p ON p.oid = d.objid
		  LEFT JOIN pg_catalog.pg_init_privs AS i
			ON i.classoid = d.classid AND i.objoid = p.oid AND i.objsubid = 0
		 WHERE e.extname = 'casnet'
	LOOP
		SELECT changes || coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
				'function', existing.name,
				'statement', CASE WHEN n.grantee IS NULL OR f.is_grantable AND NOT n.is_grantable
					THEN pg_catalog.format('REVOKE %sEXECUTE ON FUNCTION %s FROM %s CASCADE',
						CASE WHEN n.grantee IS NOT NULL THEN 'GRANT OPTION FOR ' END,
						existing.name, r.name)
					ELSE pg_catalog.format('GRANT EXECUTE ON FUNCTION %s TO %s%s',
						existing.name, r.name,
						CASE WHEN n.is_grantable THEN ' WITH GRANT OPTION' END)
				END)), '[]')
		  INTO changes
		  FROM (SELECT a.grantee, pg_catalog.bool_or(a.is_grantable) AS is_grantable
				  FROM pg_catalog.aclexplode(existing.now) AS a GROUP BY 1) AS n
		  FULL JOIN (SELECT a.grantee, pg_catalog.bool_or(a.is_grantable) AS is_grantable
					   FROM pg_catalog.aclexplode(existing.at_first) AS a GROUP BY 1) AS f
			ON f.grantee = n.grantee
		 -- A role that was dropped has nothing to lose.
		  JOIN (SELECT 0 AS oid, 'PUBLIC' AS name
				UNION ALL SELECT a.oid, pg_catalog.quote_ident(a.rolname)
				  FROM pg_catalog.pg_roles AS a) AS r
			ON r.oid = coalesce(n.grantee, f.grantee)
		 WHERE n.grantee IS NULL OR f.grantee IS NULL OR n.is_grantable <> f.is_grantable;

		SELECT pg_catalog.format('REVOKE ALL ON FUNCTION %1$s FROM %2$s CASCADE; GRANT ALL ON FUNCTION %1$s TO %3$s',
				existing.name,
				pg_catalog.string_agg(DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC'
					ELSE a.grantee::regrole::text END, ', '),
				existing.owner)
		  INTO existing.name
		  FROM pg_catalog.aclexplode(existing.now) AS a;
		IF existing.name IS NOT NULL THEN
			EXECUTE existing.name;
		END IF;
	END LOOP;
	PERFORM pg_catalog.set_config('casnet_update.privileges', changes::text, true);
END
$$;

