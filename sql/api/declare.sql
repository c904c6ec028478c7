-- Tables that belong to no tenant, because somebody has said so.
--
-- A shared table has rows that everybody who is signed in may read, such as a list of
-- countries.  share() gives it policies: its owner and casnet_admin write it, and nobody
-- else.  An exempt table is left alone, such as the one where a migration tool keeps its
-- version.  doctor() and the guard of a schema accept both.
--
-- Whoever declares a table owns it and is an administrator, as for protect(): the owner
-- says what is in it, and the administrator that no tenant's rows are.  So a declaration is
-- about the table as it was.  It ends when a column comes, goes, or gets another name or
-- type, when the table gets another name, an owner who is no superuser, or a child, when a
-- key leads to the rows of tenants, and when the policies of a shared table change.  Then
-- doctor() says so, and the guard does not know the table.  Moving it to another schema
-- ends nothing.

CREATE OR REPLACE FUNCTION casnet_internal.table_shape(relation regclass) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT format('%s %I (%s)', c.relkind, c.relname,
				  (SELECT string_agg(format('%I %s', a.attname,
											format_type(a.atttypid, a.atttypmod)),
									 ', ' ORDER BY a.attnum)
					 FROM pg_attribute AS a
					WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
	  FROM pg_class AS c WHERE c.oid = table_shape.relation
$$;
COMMENT ON FUNCTION casnet_internal.table_shape(regclass) IS
	'internal: the kind, the name and the columns of a table, to which a declaration is bound';

-- What says that a table has rows of tenants, or is part of one that could.  Whoever reads
-- a table reads its partitions and children, too.
CREATE OR REPLACE FUNCTION casnet_internal.tenants_trace(relation regclass) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	WITH RECURSIVE part (oid) AS (
		SELECT tenants_trace.relation::oid
		UNION
		SELECT i.inhrelid FROM part AS p JOIN pg_inherits AS i ON i.inhparent = p.oid
	)
	SELECT v.trace
	  FROM part AS p
	 CROSS JOIN LATERAL (
		SELECT CASE p.oid WHEN tenants_trace.relation THEN 'It'
				   ELSE format('Its child %s', p.oid::regclass) END) AS n (it)
	 CROSS JOIN LATERAL (
		SELECT 1 AS rank, format('%s has a column tenant_id.', n.it) AS trace
		  FROM pg_attribute AS a
		 WHERE a.attrelid = p.oid AND a.attname = 'tenant_id'
		   AND a.atttypid = 'uuid'::regtype
		UNION ALL
		SELECT 2, CASE WHEN p.oid = tenants_trace.relation
					   THEN format('Its foreign key %I refers to %s.', f.conname,
								   f.confrelid::regclass)
					   ELSE format('%s has a foreign key to %s.', n.it,
								   f.confrelid::regclass) END
		  FROM pg_constraint AS f
		 WHERE f.conrelid = p.oid AND f.contype = 'f'
		   AND (f.confrelid IN (SELECT m.relation FROM casnet_internal.managed_tables() AS m)
				OR EXISTS (SELECT FROM casnet_internal.protection_of(f.confrelid) AS g
							WHERE g.resource IS NOT NULL))
		UNION ALL
		SELECT 3, format('%s is protected.', n.it)
		  FROM casnet_internal.protection_of(p.oid) AS g
		 WHERE g.resource IS NOT NULL AND p.oid <> tenants_trace.relation) AS v
	 ORDER BY p.oid <> tenants_trace.relation, v.rank, v.trace LIMIT 1
$$;
COMMENT ON FUNCTION casnet_internal.tenants_trace(regclass) IS
	'internal: why the rows of a table may be those of tenants, or NULL';

CREATE OR REPLACE FUNCTION casnet_internal.sharing_policies(
	OUT name text, OUT command text, OUT role text, OUT reading text, OUT writing text,
	OUT meaning text)
	RETURNS SETOF record
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	VALUES
	('casnet_shared', 'SELECT', 'PUBLIC', 'casnet_internal.require_user() IS NOT NULL',
	 NULL, 'casnet: everybody who is signed in may read'),
	('casnet_admin', 'ALL', 'casnet_admin', 'true', 'true',
	 'casnet: administrators write')
$$;
COMMENT ON FUNCTION casnet_internal.sharing_policies() IS
	'internal: the policies of a shared table';

-- Permissive ones of others would let somebody write, or read without signing in.
CREATE OR REPLACE FUNCTION casnet_internal.strange_sharing_policies(relation regclass)
	RETURNS SETOF pg_catalog.pg_policy
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT p.*
	  FROM pg_policy AS p
	 WHERE p.polrelid = strange_sharing_policies.relation AND p.polpermissive
	   AND NOT EXISTS (
		SELECT FROM casnet_internal.sharing_policies() AS w
		 WHERE w.name = p.polname
		   AND p.polcmd = CASE w.command WHEN 'ALL' THEN '*' ELSE 'r' END::"char"
		   AND p.polroles = ARRAY[CASE w.role WHEN 'PUBLIC' THEN 0
									   ELSE to_regrole(w.role) END::oid]
		   AND pg_get_expr(p.polqual, p.polrelid)
			   = CASE w.reading WHEN 'true' THEN 'true' ELSE '(' || w.reading || ')' END
		   AND pg_get_expr(p.polwithcheck, p.polrelid) IS NOT DISTINCT FROM w.writing)
$$;
COMMENT ON FUNCTION casnet_internal.strange_sharing_policies(regclass) IS
	'internal: the permissive policies of a table, but for those that casnet.share() makes';

CREATE OR REPLACE FUNCTION casnet_internal.is_shared_rightly(relation regclass) RETURNS boolean
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT c.relrowsecurity
		   AND NOT EXISTS (SELECT FROM pg_inherits AS i
							WHERE c.oid IN (i.inhrelid, i.inhparent))
		   AND NOT EXISTS (SELECT FROM casnet_internal.strange_sharing_policies(c.oid))
		   AND EXISTS (SELECT FROM pg_policy AS p
						WHERE p.polrelid = c.oid AND p.polname = 'casnet_shared')
	  FROM pg_class AS c WHERE c.oid = is_shared_rightly.relation
$$;
COMMENT ON FUNCTION casnet_internal.is_shared_rightly(regclass) IS
	'internal: whether a table has the policies of a shared one, and no others that permit more';

-- A row of which the table is gone, or belongs to another since a restore, is not in force:
-- the shape has the name.
CREATE OR REPLACE FUNCTION casnet_internal.list_declared_tables(
	OUT relation regclass, OUT kind text, OUT in_force boolean, OUT is_as_declared boolean)
	RETURNS SETOF record
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 20
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	-- doctor() also looks at a database without the table, or with one of somebody else.
	IF has_table_privilege(to_regclass('casnet_internal.declared'), 'SELECT')
	   IS NOT TRUE THEN
		RETURN;
	END IF;
	RETURN QUERY
	SELECT c.oid::regclass, d.kind,
		   v.is_as_declared AND (d.kind = 'exempt' OR casnet_internal.is_shared_rightly(c.oid)),
		   v.is_as_declared
	  FROM casnet_internal.declared AS d
	  JOIN pg_class AS c ON c.oid = d.relation
	  JOIN pg_roles AS r ON r.oid = c.relowner
	 CROSS JOIN LATERAL (
		SELECT casnet_internal.table_shape(c.oid) = d.shape
			   AND (r.rolname = d.owner OR r.rolsuper)
			   AND casnet_internal.tenants_trace(c.oid) IS NULL AS is_as_declared) AS v;
END
$$;
COMMENT ON FUNCTION casnet_internal.list_declared_tables() IS
	'internal: shared and exempt tables; whether the declaration is in force, and whether the table is what it was then';

CREATE OR REPLACE FUNCTION casnet_internal.is_declared(relation regclass) RETURNS boolean
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT EXISTS (SELECT FROM casnet_internal.list_declared_tables() AS d
					WHERE d.relation = is_declared.relation AND d.in_force)
$$;
COMMENT ON FUNCTION casnet_internal.is_declared(regclass) IS
	'internal: whether a table is shared or exempt now';

CREATE OR REPLACE FUNCTION casnet_internal.require_declarable(relation regclass, kind text)
	RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	target pg_class;
	trouble text;
	remedy text := 'Use casnet.protect(), which keeps the rows of tenants apart.';
BEGIN
	SELECT c.* INTO target FROM pg_class AS c WHERE c.oid = require_declarable.relation;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no such table'
			USING ERRCODE = 'P0002',
				  HINT = 'Give the name of a table, with its schema.';
	ELSIF EXISTS (SELECT FROM casnet_internal.protection_of(relation) AS g
				   WHERE g.resource IS NOT NULL) THEN
		RAISE EXCEPTION 'table % is protected', relation
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'Call casnet.unprotect() first.';
	END IF;
	IF EXISTS (SELECT FROM casnet_internal.managed_tables() AS t
			   WHERE t.relation = require_declarable.relation) THEN
		trouble := 'It is a table of casnet.';
		remedy := 'It has policies already.';
	ELSIF target.oid < 16384 OR target.relpersistence = 't' THEN
		trouble := 'It is temporary, or belongs to the system.';
		remedy := 'Nothing is to do about it.';
	ELSIF target.relispartition THEN
		trouble := 'It is a partition.';
		remedy := format('Name %s.', (SELECT root FROM pg_partition_root(target.oid) AS root));
	ELSIF require_declarable.kind = 'shared'
		  AND (target.relkind <> 'r'
			   OR EXISTS (SELECT FROM pg_inherits AS i
						   WHERE target.oid IN (i.inhrelid, i.inhparent))) THEN
		trouble := 'It is no ordinary table, or inherits, or others inherit from it.';
		remedy := 'Share an ordinary table.';
	ELSIF target.relkind NOT IN ('r', 'p', 'f', 'm') THEN
		trouble := 'It has no rows of its own.';
		remedy := 'Name a table.';
	ELSE
		trouble := casnet_internal.tenants_trace(relation);
	END IF;
	IF trouble IS NOT NULL THEN
		RAISE EXCEPTION 'table % cannot be %', relation, require_declarable.kind
			USING ERRCODE = 'wrong_object_type', DETAIL = trouble, HINT = remedy;
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.require_declarable(regclass, text) IS
	'internal: 42809 with the reason for what can be neither shared nor exempt';

-- It keeps what the table had before it was shared, for unprotect().
CREATE OR REPLACE FUNCTION casnet_internal.note_declaration(relation regclass, kind text)
	RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	LOCK TABLE casnet_internal.declared IN SHARE ROW EXCLUSIVE MODE;
	DELETE FROM casnet_internal.declared AS d
	 WHERE NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = d.relation)
		OR d.relation = note_declaration.relation
		   AND NOT (d.kind = 'shared' AND note_declaration.kind = 'shared'
					AND EXISTS (SELECT FROM pg_policy AS p
								 WHERE p.polrelid = d.relation
								   AND p.polname = 'casnet_shared'));
	INSERT INTO casnet_internal.declared (relation, kind, owner, shape, before)
	SELECT c.oid, note_declaration.kind, r.rolname, casnet_internal.table_shape(c.oid),
		   jsonb_build_object('row_security', c.relrowsecurity, 'privileges',
			(SELECT jsonb_agg(x.grantee::regrole::text || ' ' || x.privilege_type)
			   FROM aclexplode(c.relacl) AS x WHERE x.grantee <> 0))
	  FROM pg_class AS c
	  JOIN pg_roles AS r ON r.oid = c.relowner
	 WHERE c.oid = note_declaration.relation
	ON CONFLICT ON CONSTRAINT declared_pkey DO UPDATE
	   SET owner = excluded.owner, shape = excluded.shape;
END
$$;
COMMENT ON FUNCTION casnet_internal.note_declaration(regclass, text) IS
	'internal: records that a table is shared or exempt as it is';

CREATE OR REPLACE FUNCTION casnet_internal.forget_declaration(relation regclass) RETURNS jsonb
	LANGUAGE sql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
	DELETE FROM casnet_internal.declared AS d
	 WHERE d.relation = forget_declaration.relation
	RETURNING d.before || jsonb_build_object('kind', d.kind)
$$;
COMMENT ON FUNCTION casnet_internal.forget_declaration(regclass) IS
	'internal: ends what note_declaration() recorded; returns what the table was before, or NULL';

CREATE OR REPLACE FUNCTION casnet_internal.begin_declaration(relation regclass, kind text)
	RETURNS void
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'casnet_begin_declaration';
COMMENT ON FUNCTION casnet_internal.begin_declaration(regclass, text) IS
	'internal: note_declaration() for whoever may protect the table';

CREATE OR REPLACE FUNCTION casnet_internal.end_declaration(relation regclass) RETURNS jsonb
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'casnet_end_declaration';
COMMENT ON FUNCTION casnet_internal.end_declaration(regclass) IS
	'internal: forget_declaration() for whoever may undo the protection of the table';

-- As the caller, changes catalogs only.
CREATE OR REPLACE FUNCTION casnet_internal.share_rows(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted record;
BEGIN
	FOR wanted IN
		SELECT w.* FROM casnet_internal.sharing_policies() AS w
		 WHERE w.name NOT IN (SELECT p.polname FROM pg_policy AS p
							  WHERE p.polrelid = share_rows.relation)
	LOOP
		PERFORM casnet_internal.run_on(
			format('CREATE POLICY %I ON', wanted.name), relation,
			format('FOR %s TO %s USING (%s)%s', wanted.command, wanted.role,
				   wanted.reading, ' WITH CHECK (' || wanted.writing || ')'));
		PERFORM casnet_internal.run_on(format('COMMENT ON POLICY %I ON', wanted.name),
									   relation, format('IS %L', wanted.meaning));
	END LOOP;
	IF NOT (SELECT c.relrowsecurity FROM pg_class AS c WHERE c.oid = share_rows.relation) THEN
		PERFORM casnet_internal.run_on('ALTER TABLE', relation, 'ENABLE ROW LEVEL SECURITY');
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.share_rows(regclass) IS
	'internal: puts the policies of a shared table on it';

CREATE OR REPLACE FUNCTION casnet.share(relation regclass) RETURNS text[]
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET quote_all_identifiers = off
	AS $$
DECLARE
	others text;
	is_new boolean;
BEGIN
	PERFORM casnet_internal.require_protector(relation);
	PERFORM casnet_internal.require_declarable(relation, 'shared');
	PERFORM casnet_internal.lock_tree(relation);
	-- The table can have changed while this waited for the lock.
	PERFORM casnet_internal.require_protector(relation);
	PERFORM casnet_internal.require_declarable(relation, 'shared');

	SELECT string_agg(format('DROP POLICY %I ON %s;', p.polname, share.relation),
					  ' ' ORDER BY p.polname)
	  INTO others
	  FROM casnet_internal.strange_sharing_policies(share.relation) AS p;
	IF others IS NOT NULL THEN
		RAISE EXCEPTION 'table % has permissive policies of its own', relation
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  DETAIL = 'They would let through what those of casnet do not.',
				  HINT = others;
	END IF;
	is_new := NOT EXISTS (SELECT FROM casnet_internal.list_declared_tables() AS d
						   WHERE d.relation = share.relation AND d.kind = 'shared');
	PERFORM casnet_internal.begin_declaration(relation, 'shared');
	PERFORM casnet_internal.share_rows(relation);
	-- Privileges that somebody has changed stay changed.
	IF is_new THEN
		PERFORM casnet_internal.run_on('GRANT SELECT ON', relation, 'TO casnet_user');
		PERFORM casnet_internal.run_on('GRANT SELECT, INSERT, UPDATE, DELETE ON', relation,
									   'TO casnet_admin');
	END IF;
	RETURN casnet_internal.sharing_notes(relation);
END
$$;
COMMENT ON FUNCTION casnet.share(regclass) IS
	'lets everybody who is signed in read a table of yours, whatever their tenant, and only its owner and casnet_admin write it; takes a superuser, or the owner of the table who is a member of casnet_admin; returns what is left for you to do';

-- As from protect(): a privilege that applications have for nothing.
CREATE OR REPLACE FUNCTION casnet_internal.sharing_notes(relation regclass) RETURNS text[]
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT coalesce(array_agg(
			casnet_internal.note(
				format('%s has privileges that it does not need',
					   coalesce(quote_ident(x.rolname), 'PUBLIC')),
				format('REVOKE %s ON %s FROM %s;', x.privileges, sharing_notes.relation,
					   coalesce(quote_ident(x.rolname), 'PUBLIC')))
			ORDER BY x.rolname COLLATE "C" NULLS FIRST), '{}')
	  FROM (SELECT r.rolname,
				   string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type) AS privileges
			  FROM pg_class AS c
			 CROSS JOIN LATERAL aclexplode(c.relacl) AS a
			  LEFT JOIN pg_roles AS r ON r.oid = a.grantee
			 WHERE c.oid = sharing_notes.relation AND a.grantee <> c.relowner
			   AND (a.grantee = 0 OR a.privilege_type <> 'SELECT'
					AND a.grantee IN (SELECT p.role FROM casnet_internal.application_roles() AS p))
			 GROUP BY r.rolname) AS x
$$;
COMMENT ON FUNCTION casnet_internal.sharing_notes(regclass) IS
	'internal: what casnet.share() leaves to the owner of the table';

CREATE OR REPLACE FUNCTION casnet.exempt(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET quote_all_identifiers = off
	AS $$
BEGIN
	PERFORM casnet_internal.require_protector(relation);
	PERFORM casnet_internal.require_declarable(relation, 'exempt');
	IF EXISTS (SELECT FROM casnet_internal.list_declared_tables() AS d
				WHERE d.relation = exempt.relation AND d.kind = 'shared') THEN
		RAISE EXCEPTION 'table % is shared', relation
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'Call casnet.unprotect() first.';
	END IF;
	PERFORM casnet_internal.begin_declaration(relation, 'exempt');
END
$$;
COMMENT ON FUNCTION casnet.exempt(regclass) IS
	'says that a table of yours has no rows of tenants, such as that of a migration tool, and needs no protection; takes a superuser, or the owner of the table who is a member of casnet_admin';

-- Part of unprotect().  Returns whether the table was shared or exempt.
CREATE OR REPLACE FUNCTION casnet_internal.undeclare(relation regclass) RETURNS boolean
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	before jsonb := casnet_internal.end_declaration(relation);
	made record;
BEGIN
	IF before IS NULL OR before->>'kind' = 'exempt' THEN
		RETURN before IS NOT NULL;
	END IF;
	FOR made IN
		SELECT p.polname
		  FROM pg_policy AS p
		  JOIN casnet_internal.sharing_policies() AS w ON w.name = p.polname
		 WHERE p.polrelid = undeclare.relation
		   AND obj_description(p.oid, 'pg_policy') LIKE 'casnet: %'
	LOOP
		PERFORM casnet_internal.run_on(format('DROP POLICY %I ON', made.polname), relation, '');
	END LOOP;
	IF NOT (before->>'row_security')::boolean THEN
		PERFORM casnet_internal.run_on('ALTER TABLE', relation, 'DISABLE ROW LEVEL SECURITY');
	END IF;
	FOR made IN
		SELECT v.role, string_agg(v.privilege, ', ') AS privileges
		  FROM (VALUES ('casnet_user', 'SELECT'), ('casnet_admin', 'SELECT'),
				('casnet_admin', 'INSERT'), ('casnet_admin', 'UPDATE'),
				('casnet_admin', 'DELETE')) AS v (role, privilege)
		 WHERE NOT coalesce(before->'privileges' ? (v.role || ' ' || v.privilege), false)
		 GROUP BY v.role
	LOOP
		PERFORM casnet_internal.run_on(format('REVOKE %s ON', made.privileges), relation,
									   'FROM ' || made.role);
	END LOOP;
	RETURN true;
END
$$;
COMMENT ON FUNCTION casnet_internal.undeclare(regclass) IS
	'internal: undoes casnet.share() or casnet.exempt()';
