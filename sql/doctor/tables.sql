-- casnet.doctor(): tables.

CREATE OR REPLACE FUNCTION casnet_internal.strangers_code(relation regclass) RETURNS text
	LANGUAGE c STABLE STRICT
	AS 'MODULE_PATHNAME', 'casnet_strangers_code';
COMMENT ON FUNCTION casnet_internal.strangers_code(regclass) IS
	'internal: what of the table is code that a role can change which is neither a superuser nor casnet_owner; NULL if nothing is';

CREATE OR REPLACE FUNCTION casnet_internal.doctor_tables()
	RETURNS TABLE (code text, object text, problem text, remedy text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	SET standard_conforming_strings = on
	AS $$
	WITH application AS MATERIALIZED (
		SELECT a.role FROM casnet_internal.application_roles() AS a
	), watched AS MATERIALIZED (
		SELECT w.*, c.relrowsecurity, c.relforcerowsecurity, c.relowner
		  FROM casnet_internal.watched_tables() AS w
		  JOIN pg_class AS c ON c.oid = w.relation
	)
	-- table-rls-off: there are policies, and the server does not apply them.
	SELECT 'table-rls-off', w.relation::text,
		   'Row level security is off, so its policies do not apply.',
		   format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', w.relation)
	  FROM watched AS w
	 WHERE NOT w.relrowsecurity

	-- table-not-forced: functions and views of the owner see everything.
	UNION ALL
	SELECT 'table-not-forced', w.relation::text,
		   format('Its policies do not bind its owner %s.', w.relowner::regrole),
		   format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', w.relation)
	  FROM watched AS w
	 WHERE NOT w.relforcerowsecurity

	-- table-no-policy: everybody is refused; a SELECT is not even an error, it
	-- finds nothing.  The remedy says so openly.  For tables of casnet and protected ones
	-- this is policy-changed.
	UNION ALL
	SELECT 'table-no-policy', w.relation::text,
		   format('No policy applies to %s, so it finds no row.', v.command),
		   format('CREATE POLICY %I ON %s FOR %s %s (false)',
				  'no_' || lower(v.command), w.relation, v.command,
				  CASE v.command WHEN 'INSERT' THEN 'WITH CHECK'
					   ELSE 'USING' END)
	  FROM watched AS w
	 CROSS JOIN (VALUES ('SELECT', 'r'::"char"), ('INSERT', 'a'), ('UPDATE', 'w'),
				 ('DELETE', 'd')) AS v (command, letter)
	 WHERE w.kind = 'application'
	   AND w.relation NOT IN (SELECT p.relation FROM casnet_internal.protected_parts() AS p)
	   AND NOT EXISTS (SELECT FROM pg_policy AS p
						WHERE p.polrelid = w.relation AND p.polpermissive
						  AND p.polcmd IN ('*', v.letter))

	-- table-open, table-unprotected: a table that somebody meant to belong to
	-- tenants.  A partition is a matter of its parent, see partition-open.
	UNION ALL
	SELECT CASE WHEN o.is_open THEN 'table-open' ELSE 'table-unprotected' END,
		   c.oid::regclass::text,
		   CASE WHEN o.is_open
				THEN 'It has a column tenant_id and no row level security, and applications have privileges on it.'
				ELSE 'It has a column tenant_id and no row level security.' END,
		   format('SELECT casnet.protect(%L)', c.oid::regclass)
	  FROM pg_class AS c
	  JOIN pg_attribute AS a
		ON a.attrelid = c.oid AND a.attname = 'tenant_id'
		   AND a.atttypid = 'uuid'::regtype AND NOT a.attisdropped
	 CROSS JOIN LATERAL (
		SELECT c.relowner IN (SELECT role FROM application)
			   OR EXISTS (
				SELECT FROM aclexplode(c.relacl) AS x
				 WHERE x.grantee = 0
					OR x.grantee IN (SELECT role FROM application))
			   OR EXISTS (
				SELECT FROM pg_attribute AS b
				 CROSS JOIN LATERAL aclexplode(b.attacl) AS x
				 WHERE b.attrelid = c.oid AND NOT b.attisdropped
				   AND (x.grantee = 0
						OR x.grantee IN (SELECT role FROM application)))
			   AS is_open) AS o
	 WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
	   AND NOT c.relrowsecurity
	   AND c.relnamespace <> 'pg_catalog'::regnamespace
	   AND NOT EXISTS (SELECT FROM watched AS w WHERE w.relation = c.oid)
	   AND NOT EXISTS (SELECT FROM casnet_internal.shards() AS s WHERE s.relation = c.oid)
	   AND NOT EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhrelid = c.oid)
	   AND NOT EXISTS (SELECT FROM pg_depend AS d
						WHERE d.classid = 'pg_class'::regclass
						  AND d.objid = c.oid AND d.deptype = 'e')

	-- table-audit-gap: the trigger is switched off, or its comment is gone.  A call with the
	-- columns that are excepted now makes both anew.
	UNION ALL
	SELECT 'table-audit-gap', a.relation::text,
		   CASE WHEN a.enabled THEN 'It is not known since when its changes are recorded. undelete() brings nothing back.'
				ELSE 'Its changes are not recorded. The trigger is switched off.' END,
		   format('SELECT casnet.enable_audit(%L, %L)', a.relation,
				  ARRAY(SELECT convert_from(decode(x.name, 'escape'), getdatabaseencoding())
						  FROM string_to_table(encode(t.tgargs, 'escape'), '\000') AS x (name)
						 WHERE x.name <> ''))
	  FROM casnet_internal.audited_tables() AS a
	  JOIN pg_trigger AS t ON t.tgrelid = a.relation AND t.tgname = 'casnet_audit'
	 WHERE NOT a.enabled OR a.since IS NULL

	-- table-strange-code: what writes the table with the rights of casnet_owner refuses
	-- to, and what superusers write there runs the code as them.
	UNION ALL
	SELECT 'table-strange-code', m.relation::text,
		   format('Its %s runs code that a role can change which is neither a superuser nor casnet_owner.',
				  s.code),
		   'ALTER DOMAIN or ALTER FUNCTION ... OWNER TO casnet_owner'
	  FROM casnet_internal.managed_tables() AS m
	 CROSS JOIN LATERAL casnet_internal.strangers_code(m.relation) AS s (code)
	 WHERE s.code IS NOT NULL
$$;
COMMENT ON FUNCTION casnet_internal.doctor_tables() IS
	'internal: doctor() about tables';
