-- Gives tables of applications the guarantees that casnet's own have.
--
-- protect() runs as its caller, who owns the table.  The caller must also be a
-- member of casnet_admin: protect() adds to role_permissions, and a foreign key
-- to tenants reveals whether a tenant exists.
--
-- The caller can be a superuser, or have more rights than the owner in another way.
-- So whatever evaluates something of the table's, such as an expression of an index or
-- of a check, runs as its owner.  run_for_owner() does that for queries, and
-- run_on_for_owner() for ALTER TABLE that can look at rows.  The server itself runs
-- CREATE INDEX as the owner.  As the caller, protect() changes catalogs only: policies,
-- triggers without a condition of the owner's, privileges, comments, row security, a
-- default of casnet's, and what it drops.  A comment marks what protect() makes.
-- unprotect() drops what is marked, and puts back what casnet_internal.protected says.

CREATE OR REPLACE FUNCTION casnet_internal.require_protector(relation regclass) RETURNS void
	LANGUAGE c STABLE
	AS 'MODULE_PATHNAME', 'casnet_require_protector';
COMMENT ON FUNCTION casnet_internal.require_protector(regclass) IS
	'internal: 42501 unless the caller owns the table and is an administrator';

-- When a partitioned table is changed, the server evaluates the constant parts of its
-- partition key with the rights of whoever changes it.
CREATE OR REPLACE FUNCTION casnet_internal.strange_partition_key(relation regclass) RETURNS regclass
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'casnet_strange_partition_key';
COMMENT ON FUNCTION casnet_internal.strange_partition_key(regclass) IS
	'internal: the table, or one above or below it, if its partition key calls a function of a role that is no superuser, or NULL';

CREATE OR REPLACE FUNCTION casnet_internal.require_protectable(relation regclass, tenant name)
	RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	target record;
	trouble text;
	remedy text := 'Protect an ordinary or partitioned table of the application.';
BEGIN
	SELECT c.*, a.attnum AS tenant, a.atttypid, a.attgenerated
	  INTO target
	  FROM pg_class AS c
	  LEFT JOIN pg_attribute AS a
		ON a.attrelid = c.oid AND a.attname = require_protectable.tenant
		   AND NOT a.attisdropped
	 WHERE c.oid = require_protectable.relation;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no such table'
			USING ERRCODE = 'P0002',
				  HINT = 'Give the name of a table, with its schema.';
	END IF;

	IF target.relkind IN ('v', 'm') THEN
		trouble := 'It is a view.';
		remedy := 'Protect the tables that it reads, and make a view WITH (security_invoker).';
	ELSIF target.relkind = 'f' THEN
		trouble := 'Its rows are on another server, which does not have the policies.';
	ELSIF target.relkind NOT IN ('r', 'p') THEN
		trouble := 'It is no table.';
	ELSIF target.oid < 16384 THEN
		trouble := 'It is a table of the system.';
	ELSIF EXISTS (SELECT FROM casnet_internal.managed_tables() AS t
				  WHERE t.relation = target.oid) THEN
		trouble := 'It is a table of casnet.';
	ELSIF EXISTS (SELECT FROM casnet_internal.list_declared_tables() AS t
				  WHERE t.relation = target.oid AND t.kind = 'shared') THEN
		trouble := 'All tenants share it.';
		remedy := 'Call casnet.unprotect() first.';
	ELSIF target.relispartition THEN
		trouble := 'It is a partition.';
		remedy := format('Protect %s; its partitions are protected with it.',
						 (SELECT root FROM pg_partition_root(target.oid) AS root));
	ELSIF target.relpersistence = 't' THEN
		trouble := 'It is temporary, and no other session reads it.';
	ELSIF EXISTS (SELECT FROM pg_depend AS d
				  WHERE d.classid = 'pg_class'::regclass
					AND d.objid = target.oid AND d.deptype = 'e') THEN
		trouble := 'It belongs to an extension, which would not keep the changes.';
	ELSIF EXISTS (SELECT FROM pg_inherits AS i
				  WHERE i.inhrelid = target.oid
					 OR (i.inhparent = target.oid AND target.relkind = 'r')) THEN
		trouble := 'It inherits, or others inherit from it, and the policies of one do not hold for the other.';
		remedy := 'Use a partitioned table, or end it with ALTER TABLE ... NO INHERIT.';
	ELSIF EXISTS (SELECT FROM pg_partition_tree(target.oid) AS p
				   JOIN pg_class AS c ON c.oid = p.relid
				  WHERE c.relkind = 'f') THEN
		trouble := 'A partition is a foreign table, on a server that does not have the policies.';
		remedy := 'Detach the partition.';
	ELSIF casnet_internal.strange_partition_key(relation) IS NOT NULL THEN
		trouble := format('The partition key of %s calls a function of a role that is no superuser.',
						  casnet_internal.strange_partition_key(relation));
		remedy := 'Use a key of columns, or of functions of the server.';
	ELSIF target.reloftype <> 0 THEN
		trouble := 'It is a table of a type, which gives its columns other names without an ALTER TABLE.';
		remedy := 'Detach it from the type with ALTER TABLE ... NOT OF.';
	ELSIF target.tenant IS NULL AND require_protectable.tenant <> 'tenant_id' THEN
		-- A column with the name that casnet gives is made; any other name can be a slip.
		trouble := format('It has no column %I.', require_protectable.tenant);
		remedy := 'Add the column and fill it, or leave out the argument tenant_column.';
	ELSIF target.atttypid <> 'uuid'::regtype OR target.attgenerated <> '' THEN
		trouble := format('Its column %I is %s.', require_protectable.tenant,
						  CASE WHEN target.attgenerated <> '' THEN 'generated'
							   ELSE 'of type ' || target.atttypid::regtype END);
		remedy := 'Rename the column, or make it an ordinary one of type uuid.';
	END IF;
	IF trouble IS NOT NULL THEN
		RAISE EXCEPTION 'table % cannot be protected', relation
			USING ERRCODE = 'wrong_object_type', DETAIL = trouble,
				  HINT = remedy;
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.require_protectable(regclass, name) IS
	'internal: 42809 with the reason for what casnet.protect() does not take';

CREATE OR REPLACE FUNCTION casnet_internal.wanted_policies(resource text, tenant name,
	OUT name text, OUT command text, OUT expression text)
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT 'casnet_' || lower(v.command), v.command,
		   format('%I = casnet.tenant_with(%L::text)', wanted_policies.tenant,
				  v.verb || '_' || wanted_policies.resource)
	  FROM (VALUES ('SELECT', 'view'), ('INSERT', 'create'),
				   ('UPDATE', 'edit'), ('DELETE', 'delete')) AS v (command, verb)
$$;
COMMENT ON FUNCTION casnet_internal.wanted_policies(text, name) IS
	'internal: the policies of a table with that resource and that column for the tenant';

CREATE OR REPLACE FUNCTION casnet_internal.made_policies(relation regclass, resource text,
	tenant name DEFAULT NULL)
	RETURNS SETOF pg_catalog.pg_policy
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT p.*
	  FROM casnet_internal.wanted_policies(made_policies.resource,
				coalesce(made_policies.tenant,
						 casnet_internal.tenant_column(made_policies.relation))) AS w
	  JOIN pg_policy AS p ON p.polrelid = made_policies.relation AND p.polname = w.name
	 WHERE p.polpermissive AND p.polroles = '{0}'
	   AND p.polcmd = CASE w.command WHEN 'SELECT' THEN 'r'
						WHEN 'INSERT' THEN 'a' WHEN 'UPDATE' THEN 'w'
						ELSE 'd' END::"char"
	   AND pg_get_expr(coalesce(p.polqual, p.polwithcheck), p.polrelid)
		   = '(' || w.expression || ')'
	   AND (p.polqual IS NULL OR p.polwithcheck IS NULL)
$$;
COMMENT ON FUNCTION casnet_internal.made_policies(regclass, text, name) IS
	'internal: the policies of a table that are as casnet.protect() makes them';

CREATE OR REPLACE FUNCTION casnet_internal.foreign_policies(relation regclass, resource text,
	tenant name DEFAULT NULL)
	RETURNS SETOF pg_catalog.pg_policy
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT p.*
	  FROM pg_policy AS p
	 WHERE p.polrelid = foreign_policies.relation AND p.polpermissive
	   AND p.oid NOT IN (SELECT m.oid
						   FROM casnet_internal.made_policies(foreign_policies.relation,
									foreign_policies.resource, foreign_policies.tenant) AS m)
$$;
COMMENT ON FUNCTION casnet_internal.foreign_policies(regclass, text, name) IS
	'internal: the permissive policies of a table, but for those that casnet.protect() makes';

-- If no column has the name that protect() noted, the column was renamed.
CREATE OR REPLACE FUNCTION casnet_internal.tenant_references(relation regclass)
	RETURNS SETOF pg_catalog.pg_constraint
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT f.*
	  FROM pg_constraint AS f
	  LEFT JOIN pg_attribute AS a
		ON a.attrelid = f.conrelid AND NOT a.attisdropped
		   AND a.attname = casnet_internal.tenant_column(f.conrelid)
	 WHERE f.conrelid = tenant_references.relation AND f.contype = 'f'
	   AND f.confrelid = 'casnet.tenants'::regclass AND f.confdeltype = 'c'
	   AND cardinality(f.conkey) = 1
	   AND f.conkey[1] = coalesce(a.attnum, f.conkey[1])
$$;
COMMENT ON FUNCTION casnet_internal.tenant_references(regclass) IS
	'internal: the foreign keys that delete rows with their tenant, whether they hold for all rows or not';

CREATE OR REPLACE FUNCTION casnet_internal.add_tenant_key(relation regclass, tenant name)
	RETURNS void
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'casnet_add_tenant_key';
COMMENT ON FUNCTION casnet_internal.add_tenant_key(regclass, name) IS
	'internal: the foreign key from that column to casnet.tenants, for whoever may protect the table';

-- A query of a table runs the code of its partitions too.
CREATE OR REPLACE FUNCTION casnet_internal.require_one_owner(relation regclass) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	part record;
BEGIN
	SELECT p.oid::regclass AS relation, r.relowner::regrole AS owner INTO part
	  FROM pg_class AS r
	 CROSS JOIN pg_partition_tree(r.oid) AS t
	  JOIN pg_class AS p ON p.oid = t.relid AND p.relowner <> r.relowner
	 WHERE r.oid = require_one_owner.relation
	 ORDER BY p.oid LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'partition % belongs to another role than table %',
				part.relation, require_one_owner.relation
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = format('ALTER TABLE %s OWNER TO %s', part.relation, part.owner);
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.require_one_owner(regclass) IS
	'internal: 55000 when a partition belongs to another role than its table, since its code would run as the owner of the table';

-- A protected table keeps its column, which unprotect() needs.
CREATE OR REPLACE FUNCTION casnet_internal.wanted_tenant_column(relation regclass, wanted name)
	RETURNS name
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	present name;
BEGIN
	IF EXISTS (SELECT FROM casnet_internal.protection_of(relation) AS g
				WHERE g.resource IS NOT NULL) THEN
		present := casnet_internal.tenant_column(relation);
		IF wanted_tenant_column.wanted <> present THEN
			RAISE EXCEPTION 'the tenant column of table % is "%"', relation, present
				USING ERRCODE = 'object_not_in_prerequisite_state',
					  HINT = 'Leave out the argument tenant_column, or call casnet.unprotect() first.';
		END IF;
	END IF;
	present := coalesce(present, wanted_tenant_column.wanted, 'tenant_id');
	PERFORM casnet_internal.require_protectable(relation, present);
	RETURN present;
END
$$;
COMMENT ON FUNCTION casnet_internal.wanted_tenant_column(regclass, name) IS
	'internal: the column that names the tenant in a table that is to be protected; 42809 if the table cannot be';

CREATE OR REPLACE FUNCTION casnet.protect(
	relation regclass, resource text DEFAULT NULL, tenant_id uuid DEFAULT NULL,
	tenant_column name DEFAULT NULL)
	RETURNS text[]
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET quote_all_identifiers = off
	AS $$
DECLARE
	member regclass;
	registered text;
	wanted text := protect.resource;
	tenant name;
	others text[];
	remedy text;
	notes text[] := '{}';
BEGIN
	PERFORM casnet_internal.refuse_distributed('protect');
	PERFORM casnet_internal.require_protector(relation);
	PERFORM casnet_internal.wanted_tenant_column(relation, protect.tenant_column);
	PERFORM casnet_internal.lock_tree(relation);
	-- The table can have changed while this waited for the lock.
	PERFORM casnet_internal.require_protector(relation);
	tenant := casnet_internal.wanted_tenant_column(relation, protect.tenant_column);

	SELECT g.resource INTO registered FROM casnet_internal.protection_of(relation) AS g;
	IF wanted IS NULL THEN
		SELECT coalesce(registered, lower(c.relname)) INTO wanted
		  FROM pg_class AS c WHERE c.oid = protect.relation;
	END IF;
	IF wanted !~ '^[a-z][a-z0-9_]*$' OR octet_length(wanted) > 56 THEN
		RAISE EXCEPTION '"%" is no name of a resource', wanted
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Give the argument resource: lower-case letters, digits and _, at most 56, beginning with a letter.';
	ELSIF wanted IN ('users', 'tenant', 'tenants', 'roles', 'permissions',
					 'analytics', 'audit') THEN
		RAISE EXCEPTION 'resource "%" is kept for the permissions of casnet', wanted
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Name another resource, as in casnet.protect(''public.invoices'', ''bills'').';
	ELSIF wanted <> registered THEN
		RAISE EXCEPTION 'table % is protected as resource "%"', relation, registered
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'Call casnet.unprotect() first, and then casnet.protect() with the other resource.';
	END IF;

	-- Other permissive policies would let through what casnet's do not.
	SELECT array_agg(format('%I', p.polname) ORDER BY p.polname),
		   string_agg(format('DROP POLICY %I ON %s;', p.polname,
							 p.polrelid::regclass), ' ' ORDER BY p.polname)
	  INTO others, remedy
	  FROM (SELECT protect.relation AS relid
			UNION SELECT relid FROM pg_partition_tree(protect.relation)) AS m
	 CROSS JOIN LATERAL casnet_internal.foreign_policies(m.relid, wanted, tenant) AS p
	 WHERE registered IS NULL
		OR p.polname NOT IN (SELECT w.name
							   FROM casnet_internal.wanted_policies(wanted, tenant) AS w);
	IF others IS NOT NULL THEN
		RAISE EXCEPTION 'table % has permissive policies of its own', relation
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  DETAIL = format('They would let through what those of casnet do not: %s.',
								  array_to_string(others, ', ')),
				  HINT = remedy;
	END IF;

	IF registered IS NULL THEN
		notes := casnet_internal.permission_notes(wanted);
		PERFORM casnet_internal.begin_protection(relation, wanted,
										protect.resource IS NOT NULL, tenant);
	END IF;
	PERFORM casnet_internal.protect_column(relation, protect.tenant_id);
	PERFORM casnet_internal.protect_index(relation);
	FOR member IN
		SELECT protect.relation
		UNION SELECT relid FROM pg_partition_tree(protect.relation)
	LOOP
		PERFORM casnet_internal.protect_rows(member, wanted);
	END LOOP;
	PERFORM casnet_internal.protect_writes(relation);
	-- Privileges that somebody has changed stay changed.
	IF registered IS NULL THEN
		PERFORM casnet_internal.run_on('GRANT SELECT, INSERT, UPDATE, DELETE ON', relation,
							  'TO casnet_user');
	END IF;
	RETURN notes || casnet_internal.protection_notes(relation)
		|| casnet_internal.protect_loading(relation);
END
$$;
COMMENT ON FUNCTION casnet.protect(regclass, text, uuid, name) IS
	'gives a table of yours a tenant, policies and permissions, as the tables of casnet have; takes a superuser, or the owner of the table who is a member of casnet_admin; returns what is left for you to do';
