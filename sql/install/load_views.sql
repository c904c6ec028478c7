-- Views to load tables through.  The server takes no COPY into a table with
-- policies, but one into a view with an INSTEAD OF trigger.  Each table with
-- the data of tenants has such a view, named after it with _load.  The view
-- shows nothing, and takes what INSERT into the table would take.

-- Raises an error if the name is too long, or belongs to something that casnet did not make.
CREATE OR REPLACE FUNCTION casnet_internal.load_view_name(relation regclass) RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	target record;
	load_view regclass;
	view_name text;
BEGIN
	SELECT c.relname, c.relnamespace::regnamespace AS schema INTO target
	  FROM pg_class AS c WHERE c.oid = load_view_name.relation;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no such table'
			USING ERRCODE = 'P0002',
				  HINT = 'Give the name of a table, with its schema.';
	END IF;
	IF octet_length(target.relname || '_load') > 63 THEN
		RAISE EXCEPTION 'the name of table % is too long for a view named after it with _load',
				load_view_name.relation
			USING ERRCODE = 'name_too_long',
				  HINT = 'Give the table a name of at most 58 bytes.';
	END IF;
	view_name := format('%s.%I', target.schema, target.relname || '_load');
	load_view := to_regclass(view_name);
	-- Anybody who may make a view there can make one that looks like casnet's.
	IF EXISTS (SELECT FROM pg_class AS c
				 JOIN pg_class AS t ON t.oid = load_view_name.relation
				 JOIN pg_roles AS o ON o.oid = c.relowner
			   WHERE c.oid = load_view
				 AND (c.relkind <> 'v'
					  OR NOT casnet_internal.shows_nothing(c.oid)
					  -- Without the extension, a view of casnet's has lost its trigger.
					  OR NOT (casnet_internal.is_load_view(c.oid)
							  OR c.relnamespace = to_regnamespace('casnet')
							  OR c.oid = casnet_internal.noted_load_view(load_view_name.relation))
					  OR NOT (c.relowner = t.relowner OR o.rolsuper
							  OR o.rolname = 'casnet_owner'))) THEN
		RAISE EXCEPTION 'relation % is not a view that casnet made', load_view
			USING ERRCODE = 'duplicate_table',
				  HINT = format('Rename or drop it. Its name is kept for the view to load %s through, which belongs to the owner of the table.',
								load_view_name.relation);
	END IF;
	RETURN view_name;
END
$$;
COMMENT ON FUNCTION casnet_internal.load_view_name(regclass) IS
	'internal: the name of the view to load a table through; no other relation has it';

-- INSERT through the view takes the defaults of the table.
CREATE OR REPLACE FUNCTION casnet_internal.copy_load_defaults(load_view regclass, relation regclass)
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	default_change record;
BEGIN
	FOR default_change IN
		SELECT format('ALTER COLUMN %I %s', a.attname,
					  coalesce('SET DEFAULT ' || d.value, 'DROP DEFAULT'))
			   AS change,
			   -- The owner need not have a privilege on these.
			   coalesce(d.value IN ('casnet.current_tenant_id()',
									'casnet.uuid_v7()'), true) AS is_ours
		  FROM pg_attribute AS v
		  LEFT JOIN pg_attrdef AS vd
			ON vd.adrelid = v.attrelid AND vd.adnum = v.attnum
		  JOIN pg_attribute AS a
			ON a.attrelid = copy_load_defaults.relation AND a.attname = v.attname
		  LEFT JOIN pg_attrdef AS ad
			ON ad.adrelid = a.attrelid AND ad.adnum = a.attnum,
			   LATERAL (SELECT pg_get_expr(ad.adbin, ad.adrelid)) AS d (value)
		 WHERE v.attrelid = copy_load_defaults.load_view AND v.attnum > 0
		   AND d.value IS DISTINCT FROM pg_get_expr(vd.adbin, vd.adrelid)
	LOOP
		IF default_change.is_ours THEN
			PERFORM casnet_internal.run_on('ALTER VIEW', load_view, default_change.change);
		ELSE
			PERFORM casnet_internal.run_on_for_owner('ALTER VIEW', load_view,
											default_change.change);
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION casnet_internal.copy_load_defaults(regclass, regclass) IS
	'internal: gives the view to load a table through the defaults of the table';

-- The triggers that take the rows, and the comments.
CREATE OR REPLACE FUNCTION casnet_internal.make_load_triggers(load_view regclass, relation regclass)
	RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	table_name name := (SELECT c.relname FROM pg_class AS c
						WHERE c.oid = make_load_triggers.relation);
BEGIN
	PERFORM casnet_internal.run_on(
		'CREATE OR REPLACE TRIGGER casnet_load INSTEAD OF INSERT ON', load_view,
		format('FOR EACH ROW EXECUTE FUNCTION casnet_internal.load_row(%L)',
			   table_name));
	PERFORM casnet_internal.run_on('COMMENT ON TRIGGER casnet_load ON', load_view,
						  'IS ''inserts the row into the table''');
	PERFORM casnet_internal.run_on(
		'CREATE OR REPLACE TRIGGER casnet_load_end AFTER INSERT ON', load_view,
		format('FOR EACH STATEMENT EXECUTE FUNCTION casnet_internal.load_row(%L)',
			   table_name));
	PERFORM casnet_internal.run_on('COMMENT ON TRIGGER casnet_load_end ON', load_view,
						  'IS ''ends what casnet_load began for the first row''');
	PERFORM casnet_internal.run_on('COMMENT ON VIEW', load_view,
		format('IS %L',
			   format('takes COPY into %s, under its policies; shows nothing',
					  make_load_triggers.relation)));
END
$$;
COMMENT ON FUNCTION casnet_internal.make_load_triggers(regclass, regclass) IS
	'internal: gives the view to load a table through its triggers and comments';

-- The table had another name, or was in another schema, when its view was made.
CREATE OR REPLACE FUNCTION casnet_internal.follow_load_view(relation regclass) RETURNS regclass
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	change record;
BEGIN
	SELECT v.oid::regclass AS load_view, v.relnamespace <> t.relnamespace AS is_moved,
		   v.relname <> t.relname || '_load' AS is_renamed,
		   t.relnamespace::regnamespace AS schema, t.relname || '_load' AS name
	  INTO change
	  FROM pg_class AS t
	  JOIN pg_class AS v ON v.oid = casnet_internal.load_view_of(t.oid)
	 WHERE t.oid = follow_load_view.relation;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	IF change.is_moved THEN
		PERFORM casnet_internal.run_on('ALTER VIEW', change.load_view,
									   format('SET SCHEMA %s', change.schema));
	END IF;
	IF change.is_renamed THEN
		PERFORM casnet_internal.run_on('ALTER VIEW', change.load_view,
									   format('RENAME TO %I', change.name));
	END IF;
	RETURN change.load_view;
END
$$;
COMMENT ON FUNCTION casnet_internal.follow_load_view(regclass) IS
	'internal: moves the view to load a protected table through to the schema and name of the table; NULL if there is none';

-- The view refers to no column of the table, so it does not keep the table from
-- being changed.  The trigger names the table, since an OID would not survive a
-- dump.  After a change of the table's name or columns, this brings the view up
-- to date.  Generated and identity columns are left to the table.
CREATE OR REPLACE FUNCTION casnet_internal.make_load_view(relation regclass) RETURNS regclass
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	load_view regclass;
	view_name text := casnet_internal.load_view_name(relation);
	have text[];
	want text[];
	select_list text;
	grants jsonb;
	granted record;
BEGIN
	load_view := to_regclass(view_name);
	IF load_view IS NULL THEN
		load_view := casnet_internal.follow_load_view(relation);
	END IF;

	-- Columns that the view has keep their order; new ones follow.
	SELECT array_agg(format('%I %s', a.attname,
							format_type(a.atttypid, a.atttypmod))
					 ORDER BY a.attnum)
	  INTO have
	  FROM pg_attribute AS a WHERE a.attrelid = load_view AND a.attnum > 0;
	SELECT array_agg(format('%I %s', a.attname,
							format_type(a.atttypid, a.atttypmod))
					 ORDER BY v.attnum, a.attnum),
		   string_agg(format('NULL::%s AS %I',
							 format_type(a.atttypid, a.atttypmod), a.attname),
					  ', ' ORDER BY v.attnum, a.attnum)
	  INTO want, select_list
	  FROM pg_attribute AS a
	  LEFT JOIN pg_attribute AS v
		ON v.attrelid = load_view AND v.attname = a.attname
	 WHERE a.attrelid = make_load_view.relation AND a.attnum > 0
	   AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity = '';

	IF have IS NULL THEN
		grants := '[{"privilege": "INSERT", "to": "casnet_user"}]';
	ELSIF want[:cardinality(have)] <> have THEN
		-- Privileges that somebody has changed stay changed.
		SELECT jsonb_agg(jsonb_build_object(
					'privilege', a.privilege_type,
					'to', coalesce(quote_ident(g.rolname), 'PUBLIC')
						  || CASE WHEN a.is_grantable
								  THEN ' WITH GRANT OPTION' ELSE '' END))
		  INTO grants
		  FROM pg_class AS c
		 CROSS JOIN LATERAL aclexplode(c.relacl) AS a
		  LEFT JOIN pg_roles AS g ON g.oid = a.grantee
		 WHERE c.oid = load_view;
		PERFORM casnet_internal.run_on('DROP VIEW', load_view, '');
	ELSIF have <> want THEN
		-- An extension's script may replace only its own views.
		EXECUTE format('ALTER EXTENSION casnet ADD VIEW %s', load_view);
	END IF;
	IF have IS DISTINCT FROM want THEN
		-- A view that somebody has made meanwhile is not replaced.
		EXECUTE format('CREATE %s VIEW %s AS SELECT %s WHERE false',
					   CASE WHEN have IS NULL OR want[:cardinality(have)] <> have
							THEN '' ELSE 'OR REPLACE' END,
					   view_name, select_list);
		load_view := to_regclass(view_name);
	END IF;
	-- Making the view evaluates nothing, but reading a default can check domains.  The
	-- defaults are the table owner's, who therefore owns the view too.
	PERFORM casnet_internal.give_view(load_view, relation);
	FOR granted IN
		SELECT g.privilege, g."to"
		  FROM jsonb_to_recordset(grants) AS g (privilege text, "to" text)
	LOOP
		PERFORM casnet_internal.run_on(format('GRANT %s ON', granted.privilege), load_view,
							  'TO ' || granted."to");
	END LOOP;

	PERFORM casnet_internal.copy_load_defaults(load_view, relation);
	PERFORM casnet_internal.make_load_triggers(load_view, relation);

	-- Like the table, it is not the extension's.
	IF EXISTS (SELECT FROM pg_depend AS d
			   WHERE d.classid = 'pg_class'::regclass
				 AND d.objid = load_view AND d.deptype = 'e') THEN
		EXECUTE format('ALTER EXTENSION casnet DROP VIEW %s', load_view);
	END IF;
	RETURN load_view;
END
$$;
COMMENT ON FUNCTION casnet_internal.make_load_view(regclass) IS
	'internal: makes the view to load a table through, or brings it up to date';

CREATE OR REPLACE FUNCTION casnet_internal.install_load_views() RETURNS void
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT casnet_internal.make_load_view(t.relation)
	  FROM casnet_internal.managed_tables() AS t WHERE t.kind = 'tenant'
$$;
COMMENT ON FUNCTION casnet_internal.install_load_views() IS
	'internal: makes the views to load the tables of tenants through';
