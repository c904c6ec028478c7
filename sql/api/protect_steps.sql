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
	is_new boolean := NOT EXISTS (SELECT FROM pg_attribute AS a
								  WHERE a.attrelid = protect_column.relation
									AND a.attname = 'tenant_id');
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
				 AND a.attname = 'tenant_id') THEN
		PERFORM casnet_internal.require_one_owner(relation);
		wrong := casnet_internal.run_for_owner(relation,
			format('SELECT count(*) FROM %s WHERE tenant_id IS NULL', relation));
		IF wrong > 0 THEN
			RAISE EXCEPTION 'table % has % rows without a tenant', relation, wrong
				USING ERRCODE = 'not_null_violation',
					  HINT = format('UPDATE %s SET tenant_id = ... WHERE tenant_id IS NULL, and call it again.', relation);
		END IF;
		PERFORM casnet_internal.set_not_null(relation);
	END IF;

	-- One that is not enforced is not validated either.
	IF NOT EXISTS (SELECT FROM casnet_internal.tenant_references(relation) AS f
				   WHERE f.convalidated) THEN
		PERFORM casnet_internal.require_one_owner(relation);
		IF NOT is_new THEN
			-- The owner need not be able to read tenants, and the caller must not
			-- run code that reading the rows runs.
			tenants := casnet_internal.run_for_owner(relation,
				format('SELECT array_agg(DISTINCT tenant_id) FROM %s', relation));
			tenants := ARRAY(SELECT u.id FROM unnest(tenants) AS u (id)
							  WHERE NOT EXISTS (SELECT FROM casnet.tenants AS t
												 WHERE t.id = u.id));
			IF tenants <> '{}' THEN
				wrong := casnet_internal.run_for_owner(relation,
					format('SELECT count(*) FROM %s WHERE tenant_id = ANY (%L)',
						   relation, tenants));
				RAISE EXCEPTION 'table % has % rows of tenants that do not exist', relation, wrong
					USING ERRCODE = 'foreign_key_violation',
						  HINT = format('DELETE FROM %s WHERE tenant_id NOT IN (SELECT id FROM casnet.tenants), or correct them, and call it again.', relation);
			END IF;
		END IF;
		PERFORM casnet_internal.add_tenant_key(relation);
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
	'internal: gives a table its column tenant_id, and gives existing rows to a tenant';

CREATE OR REPLACE FUNCTION casnet_internal.protect_default(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_attribute AS a
					 JOIN pg_attrdef AS d
					   ON d.adrelid = a.attrelid AND d.adnum = a.attnum
					WHERE a.attrelid = protect_default.relation
					  AND a.attname = 'tenant_id'
					  AND pg_get_expr(d.adbin, d.adrelid)
						  = 'casnet.current_tenant_id()') THEN
		PERFORM casnet_internal.run_on(
			'ALTER TABLE', relation,
			'ALTER COLUMN tenant_id SET DEFAULT casnet.current_tenant_id()');
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.protect_default(regclass) IS
	'internal: tenant_id defaults to the active tenant';

CREATE OR REPLACE FUNCTION casnet_internal.protect_index(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	key name[];
BEGIN
	SELECT array_agg(a.attname ORDER BY k.n) INTO key
	  FROM pg_index AS i
	 CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, n)
	  JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
	 WHERE i.indrelid = protect_index.relation AND i.indisprimary
	   AND k.n <= i.indnkeyatts AND a.attname <> 'tenant_id';
	IF casnet_internal.key_within_tenant(relation, key) IS NULL THEN
		PERFORM casnet_internal.run_on(
			format('CREATE %s INDEX ON',
				   CASE WHEN key IS NULL THEN '' ELSE 'UNIQUE' END),
			relation,
			format('(tenant_id%s)',
				   (SELECT string_agg(', ' || quote_ident(k), '' ORDER BY n)
					  FROM unnest(key) WITH ORDINALITY AS k (k, n))));
		PERFORM casnet_internal.run_on('COMMENT ON INDEX',
							  casnet_internal.key_within_tenant(relation, key),
							  'IS ''casnet: the rows of a tenant''');
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.protect_index(regclass) IS
	'internal: makes an index led by tenant_id; it includes the primary key, for foreign keys within a tenant';

CREATE OR REPLACE FUNCTION casnet_internal.protect_rows(relation regclass, resource text)
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted record;
BEGIN
	FOR wanted IN
		SELECT p.polname FROM casnet_internal.foreign_policies(relation, resource) AS p
		  JOIN casnet_internal.wanted_policies(resource) AS w ON w.name = p.polname
	LOOP
		PERFORM casnet_internal.run_on(format('DROP POLICY %I ON', wanted.polname),
							  relation, '');
	END LOOP;
	FOR wanted IN
		SELECT w.* FROM casnet_internal.wanted_policies(resource) AS w
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
	-- Partitions get them one by one, as they get the policies.  A row can move from one
	-- partition to another, by a deletion and an insertion.
	SELECT CASE WHEN c.relispartition THEN 31 ELSE 19 END AS type,
		   CASE WHEN c.relispartition THEN 'INSERT OR UPDATE OR DELETE'
				ELSE 'UPDATE OF tenant_id' END AS event
	  INTO wanted FROM pg_class AS c
	 WHERE c.oid = protect_rows.relation AND c.relkind = 'r';
	IF FOUND AND NOT EXISTS (SELECT FROM pg_trigger AS t
				   WHERE t.tgrelid = protect_rows.relation
					 AND t.tgname = 'casnet_keep_tenant'
					 AND t.tgtype = wanted.type) THEN
		PERFORM casnet_internal.run_on(
			format('CREATE OR REPLACE TRIGGER casnet_keep_tenant BEFORE %s ON',
				   wanted.event),
			relation, 'FOR EACH ROW EXECUTE FUNCTION casnet_internal.keep_tenant()');
		PERFORM casnet_internal.run_on(
			'COMMENT ON TRIGGER casnet_keep_tenant ON', relation,
			'IS ''casnet: no row moves to another tenant''');
		PERFORM casnet_internal.run_on(
			'CREATE OR REPLACE TRIGGER casnet_kept_tenant AFTER UPDATE ON',
			relation,
			'FOR EACH ROW WHEN (OLD.tenant_id IS DISTINCT FROM NEW.tenant_id) '
			'EXECUTE FUNCTION casnet_internal.keep_tenant()');
		PERFORM casnet_internal.run_on(
			'COMMENT ON TRIGGER casnet_kept_tenant ON', relation,
			'IS ''casnet: no trigger moves a row to another tenant''');
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.protect_rows(regclass, text) IS
	'internal: puts the policies on one table, or on one partition, and keeps its rows in their tenant';

CREATE OR REPLACE FUNCTION casnet_internal.protect_writes(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted record;
BEGIN
	FOR wanted IN
		SELECT v.name, v.event, v.call, v.meaning
		  FROM (VALUES
			('casnet_fill_tenant', 'BEFORE INSERT', 'fill_tenant()',
			 'NULL stands for the active tenant', 'tenant_id', 'uuid'::regtype),
			('casnet_updated_at', 'BEFORE UPDATE', 'touch_updated_at()',
			 'updated_at moves on every update', 'updated_at', 'timestamptz'))
			AS v (name, event, call, meaning, column_name, type)
		  JOIN pg_attribute AS a
			ON a.attrelid = protect_writes.relation AND a.attname = v.column_name
			   AND NOT a.attisdropped AND a.atttypid = v.type AND a.attgenerated = ''
		 WHERE NOT EXISTS (SELECT FROM pg_trigger AS t
							WHERE t.tgrelid = protect_writes.relation
							  AND t.tgname = v.name)
	LOOP
		IF casnet_internal.strange_partition_key(relation) IS NOT NULL THEN
			RAISE WARNING 'table % gets no trigger %', relation, wanted.name
				USING DETAIL = format('The partition key of %s calls a function of a role that is no superuser.',
									  casnet_internal.strange_partition_key(relation));
			CONTINUE;
		END IF;
		PERFORM casnet_internal.run_on(
			-- A partition that was protected by itself has one.
			format('CREATE OR REPLACE TRIGGER %I %s ON', wanted.name, wanted.event), relation,
			'FOR EACH ROW EXECUTE FUNCTION casnet_internal.' || wanted.call);
		PERFORM casnet_internal.run_on(format('COMMENT ON TRIGGER %I ON', wanted.name),
									   relation,
									   format('IS %L', 'casnet: ' || wanted.meaning));
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.protect_writes(regclass) IS
	'internal: fills tenant_id where it is NULL, and keeps updated_at where there is one';

CREATE OR REPLACE FUNCTION casnet_internal.protect_loading(relation regclass) RETURNS text[]
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM casnet_internal.make_load_view(relation);
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
