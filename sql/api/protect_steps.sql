-- What casnet.protect() does to a table, step by step.

CREATE OR REPLACE FUNCTION casnet_internal.protect_column(relation regclass, tenant_id uuid)
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	has_rows boolean;
	holder uuid := coalesce(protect_column.tenant_id,
							casnet.current_tenant_id());
	tenants uuid[];
	wrong bigint;
	tenant name := casnet_internal.tenant_column(relation);
	is_new boolean := NOT EXISTS (SELECT FROM pg_attribute AS a
								  WHERE a.attrelid = protect_column.relation
									AND a.attname = tenant);
BEGIN
	IF is_new THEN
		PERFORM casnet_internal.require_one_owner(relation);
		has_rows := casnet_internal.run_for_owner(relation,
			format('SELECT EXISTS (SELECT FROM %s)', relation))::boolean;
		IF has_rows AND holder IS NULL THEN
			RAISE EXCEPTION 'the rows of table % would belong to no tenant', relation
				USING ERRCODE = 'invalid_parameter_value',
					  HINT = 'Give the argument tenant_id, or choose a tenant with SET casnet.tenant_id, or add the column tenant_id and fill it.';
		ELSIF (has_rows OR protect_column.tenant_id IS NOT NULL)
			  AND NOT EXISTS (SELECT FROM casnet.tenants AS t
							  WHERE t.id = holder) THEN
			RAISE EXCEPTION 'there is no such tenant'
				USING ERRCODE = 'P0002',
					  HINT = 'SELECT id, name FROM casnet.tenants lists them.';
		END IF;
		-- The default is a constant, so no row is written and no trigger fires.
		PERFORM casnet_internal.run_on_for_owner('ALTER TABLE', relation,
			format('ADD COLUMN tenant_id uuid NOT NULL DEFAULT %L',
				   coalesce(holder, casnet.uuid_v7())));
		PERFORM casnet_internal.run_on('COMMENT ON COLUMN', relation,
							  '.tenant_id IS ''the tenant; defaults to the active one''');
	ELSIF NOT (SELECT a.attnotnull
					  -- From 18 on it can hold for new rows only.
					  AND NOT EXISTS (SELECT FROM pg_constraint AS k
									  WHERE k.conrelid = a.attrelid
										AND k.contype = 'n' AND NOT k.convalidated
										AND k.conkey = ARRAY[a.attnum])
			   FROM pg_attribute AS a
			   WHERE a.attrelid = protect_column.relation
				 AND a.attname = tenant) THEN
		PERFORM casnet_internal.require_one_owner(relation);
		wrong := casnet_internal.run_for_owner(relation,
			format('SELECT count(*) FROM %s WHERE %I IS NULL', relation, tenant));
		IF wrong > 0 THEN
			RAISE EXCEPTION 'table % has % rows without a tenant', relation, wrong
				USING ERRCODE = 'not_null_violation',
					  HINT = format('UPDATE %1$s SET %2$I = ... WHERE %2$I IS NULL, and call it again.', relation, tenant);
		END IF;
		PERFORM casnet_internal.set_not_null(relation, tenant);
	END IF;

	-- One that is not enforced is not validated either.
	IF NOT EXISTS (SELECT FROM casnet_internal.tenant_references(relation) AS f
				   WHERE f.convalidated) THEN
		PERFORM casnet_internal.require_one_owner(relation);
		IF NOT is_new THEN
			-- The owner need not be able to read tenants, and the caller must not
			-- run code that reading the rows runs.
			tenants := casnet_internal.run_for_owner(relation,
				format('SELECT array_agg(DISTINCT %I) FROM %s', tenant, relation));
			tenants := ARRAY(SELECT u.id FROM unnest(tenants) AS u (id)
							  WHERE NOT EXISTS (SELECT FROM casnet.tenants AS t
												 WHERE t.id = u.id));
			IF tenants <> '{}' THEN
				wrong := casnet_internal.run_for_owner(relation,
					format('SELECT count(*) FROM %s WHERE %I = ANY (%L)',
						   relation, tenant, tenants));
				RAISE EXCEPTION 'table % has % rows of tenants that do not exist', relation, wrong
					USING ERRCODE = 'foreign_key_violation',
						  HINT = format('DELETE FROM %s WHERE %I NOT IN (SELECT id FROM casnet.tenants), or correct them, and call it again.', relation, tenant);
			END IF;
		END IF;
		PERFORM casnet_internal.add_tenant_key(relation, tenant);
		PERFORM casnet_internal.run_on(
			format('COMMENT ON CONSTRAINT %I ON',
				   (SELECT f.conname
					  FROM casnet_internal.tenant_references(relation) AS f
					 WHERE f.convalidated)),
			relation, 'IS ''casnet: rows are deleted with their tenant''');
	END IF;
	PERFORM casnet_internal.protect_default(relation);
END
$$;
COMMENT ON FUNCTION casnet_internal.protect_column(regclass, uuid) IS
	'internal: gives a table its column for the tenant, and gives existing rows to a tenant';

CREATE OR REPLACE FUNCTION casnet_internal.protect_default(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	tenant name := casnet_internal.tenant_column(relation);
BEGIN
	IF NOT EXISTS (SELECT FROM pg_attribute AS a
					 JOIN pg_attrdef AS d
					   ON d.adrelid = a.attrelid AND d.adnum = a.attnum
					WHERE a.attrelid = protect_default.relation
					  AND a.attname = tenant
					  AND pg_get_expr(d.adbin, d.adrelid)
						  = 'casnet.current_tenant_id()') THEN
		PERFORM casnet_internal.run_on(
			'ALTER TABLE', relation,
			format('ALTER COLUMN %I SET DEFAULT casnet.current_tenant_id()', tenant));
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.protect_default(regclass) IS
	'internal: the tenant of a row defaults to the active one';

CREATE OR REPLACE FUNCTION casnet_internal.protect_index(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	tenant name := casnet_internal.tenant_column(relation);
	key name[];
BEGIN
	SELECT array_agg(a.attname ORDER BY k.n) INTO key
	  FROM pg_index AS i
	 CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, n)
	  JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
	 WHERE i.indrelid = protect_index.relation AND i.indisprimary
	   AND k.n <= i.indnkeyatts AND a.attname <> tenant;
	IF casnet_internal.key_within_tenant(relation, key) IS NULL THEN
		PERFORM casnet_internal.run_on(
			format('CREATE %s INDEX ON',
				   CASE WHEN key IS NULL THEN '' ELSE 'UNIQUE' END),
			relation,
			format('(%I%s)', tenant,
				   (SELECT string_agg(', ' || quote_ident(k), '' ORDER BY n)
					  FROM unnest(key) WITH ORDINALITY AS k (k, n))));
		PERFORM casnet_internal.run_on('COMMENT ON INDEX',
							  casnet_internal.key_within_tenant(relation, key),
							  'IS ''casnet: the rows of a tenant''');
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.protect_index(regclass) IS
	'internal: makes an index led by the tenant; it includes the primary key, for foreign keys within a tenant';

-- The trigger functions take tenant_id without an argument.
CREATE OR REPLACE FUNCTION casnet_internal.tenant_argument(tenant name) RETURNS text
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT CASE WHEN tenant_argument.tenant = 'tenant_id' THEN ''
				ELSE quote_literal(tenant_argument.tenant) END
$$;
COMMENT ON FUNCTION casnet_internal.tenant_argument(name) IS
	'internal: what a trigger about the tenant of a row gets as its argument, as SQL writes it';

-- The definition is that of the server, so whatever somebody has changed differs from it.
-- Partitions get the first two one by one, as they get the policies: a row can move from one
-- partition to another, by a deletion and an insertion.  They have the others from their table.
CREATE OR REPLACE FUNCTION casnet_internal.wanted_triggers(relation regclass,
	OUT name text, OUT event text, OUT action text, OUT meaning text, OUT is_of_moves boolean,
	OUT definition text)
	RETURNS SETOF record
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT v.name, v.event, v.action, 'casnet: ' || v.meaning, v.is_of_moves,
		   -- The server writes a string without E.
		   format('CREATE TRIGGER %s %s ON %s FOR EACH ROW %s', v.name, v.event, c.oid::regclass,
				  CASE WHEN g.argument ~ '^ ?E'
					   THEN replace(v.action, g.argument, '''' || replace(n.tenant, '''', '''''') || '''')
					   ELSE v.action END)
	  FROM pg_class AS c
	 CROSS JOIN casnet_internal.tenant_column(c.oid) AS n (tenant)
	 CROSS JOIN casnet_internal.tenant_argument(n.tenant) AS g (argument)
	 CROSS JOIN LATERAL (VALUES
		('casnet_keep_tenant',
		 CASE WHEN c.relispartition THEN 'BEFORE INSERT OR DELETE OR UPDATE'
			  ELSE format('BEFORE UPDATE OF %I', n.tenant) END,
		 format('EXECUTE FUNCTION casnet_internal.keep_tenant(%s)', g.argument),
		 'no row moves to another tenant', true, n.tenant, 'uuid'::regtype),
		('casnet_kept_tenant', 'AFTER UPDATE',
		 format('WHEN ((old.%1$I IS DISTINCT FROM new.%1$I)) '
				'EXECUTE FUNCTION casnet_internal.keep_tenant(%2$s)', n.tenant, g.argument),
		 'no trigger moves a row to another tenant', true, n.tenant, 'uuid'),
		('casnet_fill_tenant', 'BEFORE INSERT',
		 format('EXECUTE FUNCTION casnet_internal.fill_tenant(%s)', g.argument),
		 'NULL stands for the active tenant', false, n.tenant, 'uuid'),
		('casnet_updated_at', 'BEFORE UPDATE',
		 'EXECUTE FUNCTION casnet_internal.touch_updated_at()',
		 'updated_at moves on every update', false, 'updated_at', 'timestamptz'))
		AS v (name, event, action, meaning, is_of_moves, column_name, type)
	  JOIN pg_attribute AS a
		ON a.attrelid = c.oid AND a.attname = v.column_name AND NOT a.attisdropped
		   AND a.atttypid = v.type AND a.attgenerated = ''
	 WHERE c.oid = wanted_triggers.relation AND (c.relkind = 'r' OR NOT v.is_of_moves)
$$;
COMMENT ON FUNCTION casnet_internal.wanted_triggers(regclass) IS
	'internal: the triggers that a protected table or one of its partitions should have';

CREATE OR REPLACE FUNCTION casnet_internal.protect_by_triggers(relation regclass,
	is_of_moves boolean)
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted record;
BEGIN
	FOR wanted IN
		SELECT w.* FROM casnet_internal.wanted_triggers(relation) AS w
		 WHERE w.is_of_moves = protect_by_triggers.is_of_moves
		   AND NOT EXISTS (SELECT FROM pg_trigger AS t
							WHERE t.tgrelid = protect_by_triggers.relation
							  AND t.tgname = w.name
							  AND pg_get_triggerdef(t.oid) = w.definition)
	LOOP
		IF NOT is_of_moves AND casnet_internal.strange_partition_key(relation) IS NOT NULL THEN
			RAISE WARNING 'table % gets no trigger %', relation, wanted.name
				USING DETAIL = format('The partition key of %s calls a function of a role that is no superuser.',
									  casnet_internal.strange_partition_key(relation));
			CONTINUE;
		END IF;
		PERFORM casnet_internal.run_on(
			-- A partition that was protected by itself has one.
			format('CREATE OR REPLACE TRIGGER %I %s ON', wanted.name, wanted.event), relation,
			'FOR EACH ROW ' || wanted.action);
		PERFORM casnet_internal.run_on(format('COMMENT ON TRIGGER %I ON', wanted.name),
									   relation, format('IS %L', wanted.meaning));
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.protect_by_triggers(regclass, boolean) IS
	'internal: makes the triggers about moved rows, or the other ones, unless they are as they should be';

CREATE OR REPLACE FUNCTION casnet_internal.protect_moves(relation regclass) RETURNS void
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT casnet_internal.protect_by_triggers(relation, true)
$$;
COMMENT ON FUNCTION casnet_internal.protect_moves(regclass) IS
	'internal: keeps the rows of one table, or of one partition, in their tenant';

CREATE OR REPLACE FUNCTION casnet_internal.protect_rows(relation regclass, resource text)
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	tenant name := casnet_internal.tenant_column(relation);
	wanted record;
BEGIN
	FOR wanted IN
		SELECT p.polname FROM pg_policy AS p
		  JOIN casnet_internal.wanted_policies(resource, tenant) AS w ON w.name = p.polname
		 WHERE p.polrelid = protect_rows.relation
		   AND p.oid NOT IN (SELECT m.oid FROM casnet_internal.made_policies(relation, resource, tenant) AS m)
	LOOP
		PERFORM casnet_internal.run_on(format('DROP POLICY %I ON', wanted.polname),
							  relation, '');
	END LOOP;
	FOR wanted IN
		SELECT w.* FROM casnet_internal.wanted_policies(resource, tenant) AS w
		 WHERE w.name NOT IN (SELECT p.polname FROM pg_policy AS p
							  WHERE p.polrelid = protect_rows.relation)
	LOOP
		PERFORM casnet_internal.run_on(
			format('CREATE POLICY %I ON', wanted.name), relation,
			format('FOR %s TO PUBLIC %s (%s)', wanted.command,
				   CASE wanted.command WHEN 'INSERT' THEN 'WITH CHECK'
						ELSE 'USING' END,
				   wanted.expression));
		PERFORM casnet_internal.run_on(
			format('COMMENT ON POLICY %I ON', wanted.name), relation,
			format('IS %L', 'casnet: which rows anybody may ' ||
				   lower(wanted.command)));
	END LOOP;
	IF EXISTS (SELECT FROM pg_class AS c
			   WHERE c.oid = protect_rows.relation
				 AND NOT (c.relrowsecurity AND c.relforcerowsecurity)) THEN
		PERFORM casnet_internal.run_on('ALTER TABLE', relation,
							  'ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY');
	END IF;
	PERFORM casnet_internal.protect_moves(relation);
END
$$;
COMMENT ON FUNCTION casnet_internal.protect_rows(regclass, text) IS
	'internal: puts the policies on one table, or on one partition, and keeps its rows in their tenant';

CREATE OR REPLACE FUNCTION casnet_internal.protect_writes(relation regclass) RETURNS void
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT casnet_internal.protect_by_triggers(relation, false)
$$;
COMMENT ON FUNCTION casnet_internal.protect_writes(regclass) IS
	'internal: fills in the tenant where it is NULL, and keeps updated_at where there is one';

CREATE OR REPLACE FUNCTION casnet_internal.protect_loading(relation regclass) RETURNS text[]
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM casnet_internal.make_load_view(relation);
	PERFORM casnet_internal.keep_load_view(relation);
	RETURN '{}';
EXCEPTION WHEN insufficient_privilege OR duplicate_table OR name_too_long
			   OR dependent_objects_still_exist THEN
	RETURN ARRAY[casnet_internal.note(
		'the view to load it through is missing or out of date: ' || SQLERRM,
		format('SELECT casnet_internal.make_load_view(%L);', relation))];
END
$$;
COMMENT ON FUNCTION casnet_internal.protect_loading(regclass) IS
	'internal: makes the view to load a table through, or returns a note why it cannot';
