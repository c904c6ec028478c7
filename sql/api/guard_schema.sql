-- Schemas where a new table has to be protected.  One event trigger, made with the
-- first schema and dropped with the last one; it is no member of the extension, so that
-- it is dumped, at the very end of a dump.

CREATE OR REPLACE FUNCTION casnet_internal.guard_action(schema name, name name) RETURNS text
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'casnet_guard_action';
COMMENT ON FUNCTION casnet_internal.guard_action(name, name) IS
	'internal: what guard_schema() does about a new table of a schema, at this moment: refuse, protect or exempt it, or NULL';

-- It runs as the owner of the event trigger's function, a superuser: the maker of the
-- table need not be able to make policies that ask casnet.  Nothing of the table's is
-- evaluated as that superuser; protect() runs it as the owner of the table.  If joined, a
-- partition or child was attached, and tables of a guarded schema that nobody protected
-- stay as they are.
CREATE OR REPLACE FUNCTION casnet_internal.guard_tables(joined boolean) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	made record;
	member record;
	resource text;
BEGIN
	IF to_regclass('casnet_internal.protected') IS NULL
	   OR to_regclass('casnet_internal.guarded_schemas') IS NULL THEN
		RETURN;
	END IF;
	-- A transaction with an old snapshot would see an older version of the table here.
	PERFORM casnet_internal.require_current(e.objid)
	   FROM pg_event_trigger_ddl_commands() AS e
	  WHERE e.classid = 'pg_class'::regclass AND NOT e.in_extension;
	FOR made IN
		SELECT DISTINCT c.oid::regclass AS relation, c.relkind, c.relispartition,
			   coalesce(pg_partition_root(c.oid), c.oid) AS root,
			   CASE WHEN NOT joined THEN g.action END AS action
		  FROM pg_event_trigger_ddl_commands() AS e
		  JOIN pg_class AS c
			ON c.oid = e.objid AND c.relkind IN ('r', 'p', 'f', 'm')
		  JOIN pg_namespace AS n ON n.oid = c.relnamespace
		 CROSS JOIN LATERAL casnet_internal.guard_action(n.nspname, c.relname) AS g (action)
		 WHERE e.classid = 'pg_class'::regclass AND NOT e.in_extension
		   AND c.relpersistence <> 't'
		   AND (joined OR g.action IS NOT NULL OR c.relispartition
				OR EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhrelid = c.oid))
		   -- Every script of pg_dump sets row_security off, and makes the policies
		   -- itself.  Anybody can set it, so that alone spares no table.
		   AND NOT (current_setting('row_security') = 'off'
					AND EXISTS (SELECT FROM pg_roles AS r
								 WHERE r.oid = c.relowner AND r.rolsuper))
	LOOP
		-- A query of the parent asks the policies of the parent only, and one of
		-- the child those of the child.
		SELECT p.relation INTO member
		  FROM casnet_internal.list_protected_tables() AS p
		 WHERE p.relation <> made.root
		   AND (p.relation IN (SELECT t.relid
								 FROM pg_partition_tree(made.root) AS t)
				AND NOT EXISTS (SELECT FROM casnet_internal.list_protected_tables() AS r
								 WHERE r.relation = made.root)
				OR made.relkind <> 'p' AND NOT made.relispartition
				   AND EXISTS (SELECT FROM pg_inherits AS i
								WHERE i.inhrelid = made.relation
								  AND i.inhparent = p.relation))
			OR p.relation = made.relation
			   AND NOT made.relispartition AND made.relkind <> 'p'
			   AND EXISTS (SELECT FROM pg_inherits AS i
							WHERE made.relation IN (i.inhrelid, i.inhparent))
		 LIMIT 1;
		IF FOUND THEN
			RAISE EXCEPTION 'rows of table % could be read without its policies', member.relation
				USING ERRCODE = 'object_not_in_prerequisite_state',
					  HINT = 'Make a partitioned table, call casnet.protect() for it, and attach partitions to it.';
		END IF;

		SELECT p.resource INTO resource
		  FROM casnet_internal.list_protected_tables() AS p
		 WHERE p.relation = made.root;
		IF FOUND THEN
			-- No foreign table: the key to tenants does not take one.
			FOR member IN
				SELECT c.oid::regclass AS relation,
					   EXISTS (SELECT FROM casnet_internal.foreign_policies(c.oid, resource) AS p
								WHERE p.polname NOT IN
									  (SELECT w.name
										 FROM casnet_internal.wanted_policies(resource, 'tenant_id') AS w))
					   AS has_policies
				  FROM pg_class AS c
				 WHERE c.oid = made.relation
					OR c.oid IN (SELECT relid FROM pg_partition_tree(made.relation))
			LOOP
				IF member.has_policies THEN
					RAISE EXCEPTION 'partition % has permissive policies of its own',
							member.relation
						USING ERRCODE = 'object_not_in_prerequisite_state',
							  HINT = 'Drop them, since they would let through what the policies of its table do not.';
				END IF;
				PERFORM casnet_internal.protect_rows(member.relation, resource);
			END LOOP;
			CONTINUE;
		END IF;

		CONTINUE WHEN made.action IS NULL OR casnet_internal.is_declared(made.root);
		IF made.action = 'exempt' THEN
			PERFORM casnet_internal.require_declarable(made.relation, 'exempt');
			PERFORM casnet_internal.note_declaration(made.relation, 'exempt');
			CONTINUE;
		END IF;
		IF made.relkind IN ('m', 'f') THEN
			RAISE EXCEPTION '% % would have no policies',
					CASE made.relkind WHEN 'm' THEN 'materialized view'
						 ELSE 'foreign table' END, made.relation
				USING ERRCODE = 'object_not_in_prerequisite_state',
					  HINT = CASE made.relkind
						WHEN 'm' THEN 'Make a view WITH (security_invoker), or make it in a schema that is not guarded and that applications do not use.'
						ELSE 'Make it in a schema that is not guarded and that applications do not use.' END;
		ELSIF made.action = 'refuse' OR made.relispartition THEN
			RAISE EXCEPTION 'table % would not be protected', made.relation
				USING ERRCODE = 'object_not_in_prerequisite_state',
					  HINT = 'Make it in another schema, call casnet.protect(), casnet.share() or casnet.exempt(), and move it here with ALTER TABLE ... SET SCHEMA; or name it with casnet.guard_schema(..., exempt => ...), or have new tables protected with casnet.guard_schema(..., ''protect'').';
		END IF;
		PERFORM casnet.protect(made.relation);
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.guard_tables(boolean) IS
	'internal: what the event trigger does about the tables of the command that ends';

-- What came there before the guard, or past it.
CREATE OR REPLACE FUNCTION casnet_internal.unguarded_tables(OUT relation regclass, OUT schema text)
	RETURNS SETOF record
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	-- As list_declared_tables().
	IF has_table_privilege(to_regclass('casnet_internal.guarded_schemas'), 'SELECT')
	   IS NOT TRUE THEN
		RETURN;
	END IF;
	RETURN QUERY
	SELECT c.oid::regclass, g.schema
	  FROM casnet_internal.guarded_schemas AS g
	  JOIN pg_namespace AS n ON n.nspname = g.schema
	  JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'f', 'm')
	 WHERE c.relpersistence <> 't'
	   AND coalesce(pg_partition_root(c.oid), c.oid)
		   NOT IN (SELECT p.relation FROM casnet_internal.list_protected_tables() AS p
				   UNION ALL
				   SELECT d.relation FROM casnet_internal.list_declared_tables() AS d
					WHERE d.in_force)
	   AND NOT EXISTS (SELECT FROM pg_depend AS d
						WHERE d.classid = 'pg_class'::regclass
						  AND d.objid = c.oid AND d.deptype = 'e');
END
$$;
COMMENT ON FUNCTION casnet_internal.unguarded_tables() IS
	'internal: the tables of guarded schemas that are neither protected nor shared nor exempt';

-- The guard of a schema goes with it.  Tables that come with a schema into the place of a
-- guarded one that is gone were not judged when they were made.
CREATE OR REPLACE FUNCTION casnet_internal.guard_renamed_schema(old name, new name)
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	outside regclass;
BEGIN
	IF to_regclass('casnet_internal.guarded_schemas') IS NULL THEN
		RETURN;
	ELSIF EXISTS (SELECT FROM casnet_internal.guarded_schemas AS g
				   WHERE g.schema = guard_renamed_schema.old) THEN
		DELETE FROM casnet_internal.guarded_schemas AS g
		 WHERE g.schema = guard_renamed_schema.new;
		UPDATE casnet_internal.guarded_schemas AS g SET schema = guard_renamed_schema.new
		 WHERE g.schema = guard_renamed_schema.old;
		RETURN;
	END IF;
	SELECT u.relation INTO outside
	  FROM casnet_internal.unguarded_tables() AS u
	 WHERE u.schema = guard_renamed_schema.new
	 ORDER BY u.relation LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'table % would not be protected', outside
			USING ERRCODE = 'object_not_in_prerequisite_state',
				  HINT = 'Call casnet.protect(), casnet.share() or casnet.exempt() first, or end the guard of that name with casnet.guard_schema(..., ''off'').';
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.guard_renamed_schema(name, name) IS
	'internal: the guard of a schema follows its name; 55000 for a schema with unprotected tables that gets the name of a guarded one';

CREATE OR REPLACE FUNCTION casnet_internal.guard_created_table() RETURNS event_trigger
	LANGUAGE c VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	SET quote_all_identifiers = off
	AS 'MODULE_PATHNAME', 'casnet_guard_created_table';
COMMENT ON FUNCTION casnet_internal.guard_created_table() IS
	'event trigger: a table that comes into a guarded schema is refused or protected, and a partition that comes to a protected table gets its policies';

-- An event trigger is no member of the extension, so that a dump has it.
CREATE OR REPLACE FUNCTION casnet_internal.install_event_trigger(name name, is_wanted boolean,
	function regprocedure, tags text[], meaning text)
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	is_there boolean := EXISTS (SELECT FROM pg_event_trigger AS e
								WHERE e.evtname = install_event_trigger.name);
BEGIN
	-- The event trigger of an older version can know fewer commands.
	IF is_there AND NOT (is_wanted
						 AND EXISTS (SELECT FROM pg_event_trigger AS e
									  WHERE e.evtname = install_event_trigger.name
										AND e.evttags @> tags)) THEN
		EXECUTE format('DROP EVENT TRIGGER %I', name);
		is_there := false;
	END IF;
	IF is_wanted AND NOT is_there THEN
		EXECUTE format('CREATE EVENT TRIGGER %I ON ddl_command_end WHEN TAG IN (%s) '
					   'EXECUTE FUNCTION %s', name,
					   (SELECT string_agg(quote_literal(t), ', ' ORDER BY n)
						  FROM unnest(tags) WITH ORDINALITY AS u (t, n)), function);
		EXECUTE format('COMMENT ON EVENT TRIGGER %I IS %L', name, meaning);
		IF EXISTS (SELECT FROM pg_depend AS d
					WHERE d.classid = 'pg_event_trigger'::regclass
					  AND d.deptype = 'e'
					  AND d.objid = (SELECT e.oid FROM pg_event_trigger AS e
									 WHERE e.evtname = install_event_trigger.name)) THEN
			EXECUTE format('ALTER EXTENSION casnet DROP EVENT TRIGGER %I', name);
		END IF;
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.install_event_trigger(name, boolean, regprocedure, text[], text) IS
	'internal: makes an event trigger, or drops it';

-- Another transaction can guard the first schema meanwhile, or end the guard of the last one.
-- A transaction with an old snapshot would not see that.
CREATE OR REPLACE FUNCTION casnet_internal.install_guard() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	LOCK TABLE casnet_internal.guarded_schemas IN SHARE ROW EXCLUSIVE MODE;
	PERFORM casnet_internal.require_current('casnet_internal.guarded_schemas'::regclass);
	PERFORM casnet_internal.install_event_trigger('casnet_guard',
		EXISTS (SELECT FROM casnet_internal.guarded_schemas),
		'casnet_internal.guard_created_table()',
		ARRAY['CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE SCHEMA',
			  'CREATE MATERIALIZED VIEW', 'CREATE FOREIGN TABLE', 'IMPORT FOREIGN SCHEMA',
			  'ALTER TABLE', 'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE', 'ALTER SCHEMA'],
		'casnet: new tables of guarded schemas are protected');
END
$$;
COMMENT ON FUNCTION casnet_internal.install_guard() IS
	'internal: makes the event trigger while a schema is guarded';

CREATE OR REPLACE FUNCTION casnet.guard_schema(
	schema regnamespace, action text DEFAULT 'refuse', exempt text[] DEFAULT NULL)
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET quote_all_identifiers = off
	AS $$
DECLARE
	schema_name text;
BEGIN
	IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
		RAISE EXCEPTION 'only superusers may call casnet.guard_schema()'
			USING ERRCODE = 'insufficient_privilege',
				  HINT = 'Connect as a superuser and call it again.';
	END IF;
	SELECT n.nspname INTO schema_name FROM pg_namespace AS n
	 WHERE n.oid = guard_schema.schema;
	IF schema_name IS NULL OR schema_name ~ '^pg_'
	   OR schema_name IN ('casnet', 'casnet_internal', 'information_schema') THEN
		RAISE EXCEPTION 'schema % cannot be guarded', coalesce(schema_name, '')
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Name a schema of the application, such as ''public''.';
	ELSIF action IS NULL OR action NOT IN ('refuse', 'protect', 'off') THEN
		RAISE EXCEPTION 'unknown action "%"', coalesce(action, '')
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'The actions are refuse, protect and off.';
	ELSIF EXISTS (SELECT FROM unnest(guard_schema.exempt) AS e (name)
				   WHERE e.name IS NULL OR e.name = '' OR octet_length(e.name) > 63) THEN
		RAISE EXCEPTION 'a name of an exempt table is null, empty or too long'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Give names of tables without their schema, as in ''{alembic_version}''.';
	END IF;

	LOCK TABLE casnet_internal.guarded_schemas IN SHARE ROW EXCLUSIVE MODE;
	IF action = 'off' THEN
		DELETE FROM casnet_internal.guarded_schemas AS g WHERE g.schema = schema_name;
	ELSE
		-- Names stay unless others are given.
		INSERT INTO casnet_internal.guarded_schemas AS g (schema, action, exempt)
		VALUES (schema_name, guard_schema.action, coalesce(guard_schema.exempt, '{}'))
		ON CONFLICT ON CONSTRAINT guarded_schemas_pkey DO UPDATE
		   SET action = excluded.action,
			   exempt = coalesce(guard_schema.exempt, g.exempt);
	END IF;
	PERFORM casnet_internal.install_guard();
END
$$;
COMMENT ON FUNCTION casnet.guard_schema(regnamespace, text, text[]) IS
	'from now on a table that is made in the schema or moved there is refused unless protected, shared or exempt (refuse), protected at once (protect), or left as it is (off); tables with the names in exempt are exempt as they are made; superusers only';
