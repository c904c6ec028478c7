-- casnet.unprotect() takes away what casnet.protect() made, and gives back what was there.

-- Without the column nothing says which tenant a row belongs to, so all rows must belong to
-- one tenant.  Nothing else is dropped with the column.
CREATE OR REPLACE FUNCTION casnet_internal.unprotect_column(relation regclass, before jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	tenant name := casnet_internal.tenant_column(relation);
	tenants bigint;
	users text;
BEGIN
	IF (before->>'column')::boolean THEN
		IF NOT (before->>'not_null')::boolean THEN
			PERFORM casnet_internal.run_on('ALTER TABLE', relation,
								  format('ALTER COLUMN %I DROP NOT NULL', tenant));
		END IF;
		IF before->>'default' IS NULL THEN
			PERFORM casnet_internal.run_on('ALTER TABLE', relation,
								  format('ALTER COLUMN %I DROP DEFAULT', tenant));
			RETURN;
		END IF;
		-- As the owner, since reading a constant of a row type checks its domains.
		PERFORM casnet_internal.require_one_owner(relation);
		PERFORM casnet_internal.run_on_for_owner('ALTER TABLE', relation,
			format('ALTER COLUMN %I SET DEFAULT %s', tenant, before->>'default'));
		RETURN;
	END IF;

	PERFORM casnet_internal.require_one_owner(relation);
	tenants := casnet_internal.run_for_owner(relation,
		format('SELECT count(*) FROM (SELECT DISTINCT %I FROM %s LIMIT 2) AS t',
			   tenant, relation));
	IF tenants > 1 THEN
		RAISE EXCEPTION 'table % has rows of more than one tenant', relation
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  DETAIL = format('Without its column %I nothing would say which tenant they belong to.', tenant),
				  HINT = 'Delete those of all tenants but one, or copy the table.';
	END IF;
	SELECT string_agg(u.name, ', ' ORDER BY u.name) INTO users
	  FROM pg_attribute AS a
	 CROSS JOIN LATERAL
		   (SELECT format('constraint %I of %s', k.conname, a.attrelid::regclass)
			  FROM pg_constraint AS k
			 WHERE k.conrelid = a.attrelid AND a.attnum = ANY (k.conkey)
			   AND k.contype <> 'n' AND k.conparentid = 0 AND k.conislocal
			UNION ALL
			SELECT format('index %s', i.indexrelid::regclass)
			  FROM pg_index AS i
			  JOIN pg_class AS c ON c.oid = i.indexrelid
			 WHERE i.indrelid = a.attrelid AND a.attnum = ANY (i.indkey)
			   AND NOT c.relispartition
			   AND NOT EXISTS (SELECT FROM pg_constraint AS k
							   WHERE k.conindid = i.indexrelid
								 AND k.conrelid = i.indrelid)) AS u (name)
	 WHERE a.attname = tenant
	   AND (a.attrelid = unprotect_column.relation
			OR a.attrelid IN (SELECT relid
								FROM pg_partition_tree(unprotect_column.relation)));
	IF users IS NOT NULL THEN
		RAISE EXCEPTION 'column % of table % is used by what casnet did not make', tenant, relation
			USING ERRCODE = 'dependent_objects_still_exist',
				  DETAIL = format('They would be dropped with the column: %s.', users),
				  HINT = 'Drop them, or replace them by ones without it.';
	END IF;
	PERFORM casnet_internal.run_on_for_owner('ALTER TABLE', relation,
									format('DROP COLUMN %I', tenant));
END
$$;
COMMENT ON FUNCTION casnet_internal.unprotect_column(regclass, jsonb) IS
	'internal: makes the column with the tenant what it was, or drops it';

-- Policies, triggers and row level security of the table or one of its partitions.
CREATE OR REPLACE FUNCTION casnet_internal.unprotect_member(relation regclass, resource text,
	before jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	change record;
BEGIN
	FOR change IN
		SELECT format('DROP POLICY %I ON', p.polname) AS before, '' AS after
		  FROM pg_policy AS p
		  JOIN casnet_internal.wanted_policies(unprotect_member.resource, 'tenant_id') AS w
			ON w.name = p.polname
		 WHERE p.polrelid = unprotect_member.relation
		UNION ALL
		SELECT format('DROP TRIGGER %I ON', t.tgname), ''
		  FROM pg_trigger AS t
		 WHERE t.tgrelid = unprotect_member.relation
		   AND t.tgname IN ('casnet_keep_tenant', 'casnet_kept_tenant')
		   AND obj_description(t.oid, 'pg_trigger') LIKE 'casnet: %'
		UNION ALL
		SELECT 'ALTER TABLE',
			   format('%s ROW LEVEL SECURITY, %s ROW LEVEL SECURITY',
					  CASE WHEN (unprotect_member.before->>'row_security')::boolean
						   THEN 'ENABLE' ELSE 'DISABLE' END,
					  CASE WHEN (unprotect_member.before->>'forced')::boolean
						   THEN 'FORCE' ELSE 'NO FORCE' END)
	LOOP
		PERFORM casnet_internal.run_on(change.before, relation, change.after);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.unprotect_member(regclass, text, jsonb) IS
	'internal: drops the policies and triggers that casnet made on a table or partition';

-- What the table has and its partitions inherit, and the view to load it through.
CREATE OR REPLACE FUNCTION casnet_internal.unprotect_objects(relation regclass)
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	change record;
BEGIN
	FOR change IN
		SELECT format('DROP TRIGGER %I ON', t.tgname) AS before,
			   unprotect_objects.relation AS target, '' AS after
		  FROM pg_trigger AS t
		 WHERE t.tgrelid = unprotect_objects.relation
		   AND t.tgname IN ('casnet_fill_tenant', 'casnet_updated_at')
		   AND obj_description(t.oid, 'pg_trigger') LIKE 'casnet: %'
		UNION ALL
		SELECT 'ALTER TABLE', relation, format('DROP CONSTRAINT %I', f.conname)
		  FROM casnet_internal.tenant_references(relation) AS f
		 WHERE obj_description(f.oid, 'pg_constraint') LIKE 'casnet: %'
		UNION ALL
		SELECT 'DROP INDEX', i.indexrelid::regclass, ''
		  FROM pg_index AS i
		 WHERE i.indrelid = unprotect_objects.relation
		   AND obj_description(i.indexrelid, 'pg_class') LIKE 'casnet: %'
		   AND NOT EXISTS (SELECT FROM pg_constraint AS k
						   WHERE k.conindid = i.indexrelid
							 AND k.conrelid = i.indrelid)
		UNION ALL
		-- Also the view of a name that the table had before.
		SELECT 'DROP VIEW', v.oid::regclass, ''
		  FROM pg_class AS c
		  JOIN pg_class AS v
			ON v.relnamespace = c.relnamespace AND v.relkind = 'v'
			   AND v.relowner = c.relowner AND v.relname ~ '_load$'
		  JOIN pg_trigger AS t
			ON t.tgrelid = v.oid AND t.tgname = 'casnet_load'
		  LEFT JOIN pg_class AS o
			ON o.relnamespace = v.relnamespace
			   AND o.relname || '_load' = v.relname
		 WHERE c.oid = unprotect_objects.relation AND (o.oid IS NULL OR o.oid = c.oid)
	LOOP
		PERFORM casnet_internal.run_on(change.before, change.target, change.after);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.unprotect_objects(regclass) IS
	'internal: drops the trigger, keys, indexes and view that casnet made for a table';

-- Privileges of casnet_user that were not there before.
CREATE OR REPLACE FUNCTION casnet_internal.unprotect_privileges(relation regclass, before jsonb)
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	statement text;
	privileges text;
	columns text[];
BEGIN
	-- Revoking a privilege on the table revokes it on the columns too.
	SELECT string_agg(v.privilege, ', ') INTO privileges
	  FROM unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) AS v (privilege)
	 WHERE NOT coalesce(before->'privileges' ? v.privilege, false);
	IF privileges IS NOT NULL THEN
		SELECT array_agg(format('GRANT %s (%I) ON', x.privilege_type, a.attname))
		  INTO columns
		  FROM pg_attribute AS a
		 CROSS JOIN LATERAL aclexplode(a.attacl) AS x
		 WHERE a.attrelid = unprotect_privileges.relation AND NOT a.attisdropped
		   AND x.grantee = 'casnet_user'::regrole;
		PERFORM casnet_internal.run_on(format('REVOKE %s ON', privileges), relation,
							  'FROM casnet_user');
		FOREACH statement IN ARRAY coalesce(columns, '{}') LOOP
			PERFORM casnet_internal.run_on(statement, relation, 'TO casnet_user');
		END LOOP;
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.unprotect_privileges(regclass, jsonb) IS
	'internal: takes from casnet_user what protect() gave it on a table';

-- Step by step, with the table and its partitions locked.
CREATE OR REPLACE FUNCTION casnet.unprotect(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET quote_all_identifiers = off
	AS $$
DECLARE
	target record;
	member record;
BEGIN
	PERFORM casnet_internal.require_protector(relation);
	IF (SELECT c.relkind IN ('r', 'p') FROM pg_class AS c
		WHERE c.oid = unprotect.relation) THEN
		PERFORM casnet_internal.lock_tree(relation);
		PERFORM casnet_internal.require_protector(relation);
		IF casnet_internal.strange_partition_key(relation) IS NOT NULL THEN
			RAISE EXCEPTION 'the partition key of % calls a function of a role that is no superuser',
							casnet_internal.strange_partition_key(relation)
				USING ERRCODE = 'wrong_object_type',
					  HINT = 'Detach that partition first.';
		END IF;
	END IF;
	SELECT g.resource, g.before INTO target
	  FROM casnet_internal.protection_of(relation) AS g;
	IF target.resource IS NULL THEN
		IF casnet_internal.undeclare(relation) THEN
			RETURN;
		END IF;
		RAISE EXCEPTION 'table % is not protected', relation
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'The views casnet.protected_tables and casnet.declared_tables list the tables that are, and those that are shared or exempt.';
	END IF;

	FOR member IN
		SELECT c.oid::regclass AS relation,
			   CASE WHEN c.oid = unprotect.relation THEN target.before
					ELSE target.before->'partitions'->(c.oid::regclass::text)
			   END AS before
		  FROM pg_class AS c
		 WHERE c.oid = unprotect.relation
			OR c.oid IN (SELECT relid FROM pg_partition_tree(unprotect.relation))
	LOOP
		PERFORM casnet_internal.unprotect_member(member.relation, target.resource, member.before);
	END LOOP;

	PERFORM casnet_internal.unprotect_objects(relation);
	PERFORM casnet_internal.unprotect_column(relation, target.before);
	PERFORM casnet_internal.unprotect_privileges(relation, target.before);
	PERFORM casnet_internal.end_protection(relation);
END
$$;
COMMENT ON FUNCTION casnet.unprotect(regclass) IS
	'undoes casnet.protect(), casnet.share() or casnet.exempt(): drops what they made, a column tenant_id and its values included, and puts back what there was before';
