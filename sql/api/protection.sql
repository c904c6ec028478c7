-- What casnet records about protected tables.  A row of casnet_internal.protected counts
-- while the table has a foreign key to tenants, which outlives the extension.  Otherwise it
-- is about a table that is gone.

CREATE OR REPLACE FUNCTION casnet_internal.protection_of(relation regclass,
	OUT resource text, OUT before jsonb)
	RETURNS record
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	-- Of two rows, one is about a table that is gone.
	SELECT p.resource, p.before
	  FROM casnet_internal.protected AS p
	 WHERE p.relation = protection_of.relation
	   AND EXISTS (SELECT FROM casnet_internal.tenant_references(p.relation))
	 ORDER BY EXISTS (SELECT FROM casnet_internal.foreign_policies(p.relation, p.resource)),
			  p.created_at DESC
	 LIMIT 1
$$;
COMMENT ON FUNCTION casnet_internal.protection_of(regclass) IS
	'internal: what casnet.protect() noted about a table, or NULLs';

-- It reads all that unprotect() relies on from the catalogs itself, since unprotect()
-- runs the default of a column as a piece of SQL.
CREATE OR REPLACE FUNCTION casnet_internal.note_protection(relation regclass, resource text,
	is_named boolean)
	RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	made text[];
	taken_over text[];
BEGIN
	LOCK TABLE casnet_internal.protected IN SHARE ROW EXCLUSIVE MODE;
	-- What was made for a table that is gone belongs to this one now.
	WITH gone AS (
		DELETE FROM casnet_internal.protected AS p
		 WHERE p.resource = note_protection.resource
		   AND NOT EXISTS (SELECT FROM casnet_internal.tenant_references(p.relation))
		RETURNING p.permissions
	)
	SELECT coalesce(array_agg(DISTINCT u.permission), '{}') INTO taken_over
	  FROM gone AS g CROSS JOIN unnest(g.permissions) AS u (permission);
	IF EXISTS (SELECT FROM casnet_internal.protected AS p
			   WHERE p.relation = note_protection.relation
				 AND EXISTS (SELECT FROM casnet_internal.tenant_references(p.relation))) THEN
		RAISE EXCEPTION 'table % is protected', relation
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'Call casnet.protect() or casnet.unprotect().';
	END IF;
	IF NOT is_named
	   AND (EXISTS (SELECT FROM casnet_internal.protected AS p
					WHERE p.resource = note_protection.resource
					  AND EXISTS (SELECT FROM casnet_internal.tenant_references(p.relation)))
			OR note_protection.resource
			   IN ('persons', 'records', 'tags', 'tasks', 'calendar')) THEN
		RAISE EXCEPTION 'another table has the permissions of resource "%"', resource
			USING ERRCODE = 'duplicate_object',
				  HINT = 'Name another resource, as in casnet.protect(''public.invoices'', ''bills''), or this one to share its permissions.';
	END IF;

	WITH permission (name, lowest) AS (
		SELECT v.verb || '_' || note_protection.resource, v.lowest
		  FROM (VALUES ('view', 1), ('create', 2), ('edit', 2), ('delete', 3))
			   AS v (verb, lowest)
	), inserted AS (
		INSERT INTO casnet.role_permissions (role, permission)
		SELECT r.name, p.name
		  FROM (VALUES ('viewer', 1), ('member', 2), ('admin', 3), ('owner', 4))
			   AS r (name, rank)
		  JOIN permission AS p ON r.rank >= p.lowest
		 WHERE p.name NOT IN (SELECT known.permission
								FROM casnet.role_permissions AS known)
		RETURNING permission
	)
	SELECT array_agg(DISTINCT i.permission) INTO made FROM inserted AS i;

	INSERT INTO casnet_internal.protected (relation, resource, permissions, before)
	SELECT c.oid, note_protection.resource, coalesce(made, '{}') || taken_over,
		   jsonb_build_object(
				'column', a.attnum IS NOT NULL,
				'not_null', coalesce(a.attnotnull, false),
				'default', pg_get_expr(d.adbin, d.adrelid),
				'privileges', (SELECT jsonb_agg(DISTINCT x.privilege_type)
								 FROM aclexplode(c.relacl) AS x
								WHERE x.grantee = 'casnet_user'::regrole),
				'row_security', c.relrowsecurity,
				'forced', c.relforcerowsecurity,
				'partitions',
					(SELECT jsonb_object_agg(t.oid::regclass,
							jsonb_build_object('row_security', t.relrowsecurity,
											   'forced', t.relforcerowsecurity))
					   FROM pg_partition_tree(c.oid) AS p
					   JOIN pg_class AS t ON t.oid = p.relid
					  WHERE p.level > 0
						AND (t.relrowsecurity OR t.relforcerowsecurity)))
	  FROM pg_class AS c
	  LEFT JOIN pg_attribute AS a
		ON a.attrelid = c.oid AND a.attname = 'tenant_id'
	  LEFT JOIN pg_attrdef AS d
		ON d.adrelid = c.oid AND d.adnum = a.attnum
	 WHERE c.oid = note_protection.relation;
END
$$;
COMMENT ON FUNCTION casnet_internal.note_protection(regclass, text, boolean) IS
	'internal: records what a table has of its own, and makes those permissions of its resource that no role has';

CREATE OR REPLACE FUNCTION casnet_internal.begin_protection(relation regclass, resource text,
	is_named boolean)
	RETURNS void
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'casnet_begin_protection';
COMMENT ON FUNCTION casnet_internal.begin_protection(regclass, text, boolean) IS
	'internal: note_protection() for whoever may protect the table';

CREATE OR REPLACE FUNCTION casnet_internal.forget_protection(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	gone record;
BEGIN
	LOCK TABLE casnet_internal.protected IN SHARE ROW EXCLUSIVE MODE;
	FOR gone IN
		DELETE FROM casnet_internal.protected AS p
		 WHERE p.relation = forget_protection.relation
			OR forget_protection.relation IS NULL
			   AND NOT EXISTS (SELECT FROM casnet_internal.tenant_references(p.relation))
		RETURNING p.resource, p.permissions
	LOOP
		-- Another table that uses the permissions takes them over.
		UPDATE casnet_internal.protected AS p
		   SET permissions = p.permissions || gone.permissions
		 WHERE (p.relation, p.created_at) =
			   (SELECT o.relation, o.created_at FROM casnet_internal.protected AS o
				 WHERE o.resource = gone.resource
				   AND EXISTS (SELECT FROM casnet_internal.tenant_references(o.relation))
				 ORDER BY o.created_at, o.relation LIMIT 1);
		CONTINUE WHEN FOUND;
		DELETE FROM casnet.user_tenant_permissions AS g
		 WHERE g.permission = ANY (gone.permissions);
		DELETE FROM casnet.role_permissions AS g
		 WHERE g.permission = ANY (gone.permissions);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.forget_protection(regclass) IS
	'internal: forgets a table, or with NULL those that are gone, and the permissions that were made for it and that no other table uses';

CREATE OR REPLACE FUNCTION casnet_internal.end_protection(relation regclass) RETURNS void
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'casnet_end_protection';
COMMENT ON FUNCTION casnet_internal.end_protection(regclass) IS
	'internal: forget_protection() for whoever may undo the protection of the table';

CREATE OR REPLACE FUNCTION casnet_internal.list_protected_tables(
	OUT relation regclass, OUT resource text, OUT policies text[],
	OUT row_security boolean, OUT forced boolean)
	RETURNS SETOF record
	LANGUAGE sql STABLE SECURITY DEFINER ROWS 20
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT c.oid::regclass, g.resource,
		   ARRAY(SELECT p.polname::text FROM pg_policy AS p
				  WHERE p.polrelid = c.oid ORDER BY 1),
		   c.relrowsecurity, c.relforcerowsecurity
	  FROM (SELECT DISTINCT p.relation FROM casnet_internal.protected AS p) AS r
	  JOIN pg_class AS c ON c.oid = r.relation
	 CROSS JOIN LATERAL casnet_internal.protection_of(c.oid) AS g
	 WHERE g.resource IS NOT NULL
$$;
COMMENT ON FUNCTION casnet_internal.list_protected_tables() IS
	'internal: the rows of the view casnet.protected_tables';

-- Part of casnet.install(): puts back what DROP EXTENSION CASCADE dropped.
CREATE OR REPLACE FUNCTION casnet_internal.install_protection() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	target record;
	member regclass;
BEGIN
	FOR target IN
		SELECT p.relation, p.resource FROM casnet_internal.list_protected_tables() AS p
	LOOP
		PERFORM casnet_internal.protect_default(target.relation);
		FOR member IN
			SELECT target.relation
			UNION SELECT relid FROM pg_partition_tree(target.relation)
		LOOP
			PERFORM casnet_internal.protect_rows(member, target.resource);
		END LOOP;
		PERFORM casnet_internal.protect_writes(target.relation);
		PERFORM casnet_internal.protect_loading(target.relation);
	END LOOP;
	PERFORM casnet_internal.install_guard();

	-- Made here, and no member of the extension: a dump has it, as it has the
	-- table that it is about.
	IF to_regclass('casnet.protected_tables') IS NULL THEN
		CREATE VIEW casnet.protected_tables AS
			SELECT relation, resource, policies, row_security, forced
			  FROM casnet_internal.list_protected_tables();
		COMMENT ON VIEW casnet.protected_tables IS
			'the tables of applications that are protected, and the policies on them';
		GRANT SELECT ON casnet.protected_tables TO casnet_user, casnet_admin;
		IF EXISTS (SELECT FROM pg_depend AS d
					WHERE d.classid = 'pg_class'::regclass
					  AND d.objid = 'casnet.protected_tables'::regclass
					  AND d.deptype = 'e') THEN
			ALTER EXTENSION casnet DROP VIEW casnet.protected_tables;
		END IF;
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.install_protection() IS
	'internal: puts back on protected tables what is missing, and makes the view of them';
