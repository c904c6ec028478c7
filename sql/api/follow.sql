-- What of a protected table follows when it is altered: the view to load it through has its
-- name, its schema and its columns, and triggers have the name of the column with the
-- tenant.  Policies, keys and indexes know the table and the column by number.
--
-- An event trigger does that, as its owner, a superuser: whoever alters the table need not be
-- an administrator.  It is there while a table is protected.  It never switches on what the
-- owner has switched off.

CREATE OR REPLACE FUNCTION casnet_internal.load_view_is_behind(relation regclass)
	RETURNS boolean
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT v.relnamespace <> t.relnamespace OR v.relname <> t.relname || '_load'
		   OR EXISTS (
			SELECT FROM (SELECT a.*, pg_get_expr(d.adbin, d.adrelid) AS value
						   FROM pg_attribute AS a
						   LEFT JOIN pg_attrdef AS d
							 ON d.adrelid = a.attrelid AND d.adnum = a.attnum
						  WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
							AND a.attgenerated = '' AND a.attidentity = '') AS a
			  FULL JOIN (SELECT b.*, pg_get_expr(d.adbin, d.adrelid) AS value
						   FROM pg_attribute AS b
						   LEFT JOIN pg_attrdef AS d
							 ON d.adrelid = b.attrelid AND d.adnum = b.attnum
						  WHERE b.attrelid = v.oid AND b.attnum > 0) AS b
				ON b.attname = a.attname
			 WHERE (a.atttypid, a.atttypmod) IS DISTINCT FROM (b.atttypid, b.atttypmod)
				OR a.value IS DISTINCT FROM b.value)
	  FROM pg_class AS t
	  JOIN pg_class AS v ON v.oid = casnet_internal.load_view_of(t.oid)
	 WHERE t.oid = load_view_is_behind.relation
$$;
COMMENT ON FUNCTION casnet_internal.load_view_is_behind(regclass) IS
	'internal: whether the view to load a protected table through has another name or other columns than the table; NULL without one';

-- The former owner could put code on the view of a table that is another role's now.  The
-- query of the view gets the rights of the new owner, so it must show nothing: from here on
-- nobody can change it.
CREATE OR REPLACE FUNCTION casnet_internal.follow_owner(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	load_view CONSTANT regclass := casnet_internal.noted_load_view(relation);
	owner regrole;
BEGIN
	SELECT t.relowner INTO owner
	  FROM pg_class AS t JOIN pg_class AS v ON v.oid = load_view AND v.relowner <> t.relowner
	 WHERE t.oid = follow_owner.relation;
	IF NOT FOUND THEN
		RETURN;
	ELSIF casnet_internal.is_load_view(load_view) THEN
		PERFORM casnet_internal.run_on('ALTER VIEW', load_view, format('OWNER TO %s', owner));
		IF casnet_internal.is_load_view(load_view) THEN
			RETURN;
		END IF;
		RAISE EXCEPTION 'view % was changed meanwhile', load_view
			USING ERRCODE = 'object_in_use', HINT = 'Run the statement again.';
	END IF;
	RAISE WARNING 'view % keeps its owner', load_view
		USING DETAIL = 'It is not as casnet made it.',
			  HINT = format('Drop it, and call casnet.protect(%L).', relation);
END
$$;
COMMENT ON FUNCTION casnet_internal.follow_owner(regclass) IS
	'internal: gives the view to load a protected table through to the owner of the table';

CREATE OR REPLACE FUNCTION casnet_internal.follow_table(relation regclass) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	member regclass;
	note text;
BEGIN
	IF casnet_internal.note_tenant_column(relation) THEN
		FOR member IN
			SELECT follow_table.relation
			UNION SELECT relid FROM pg_partition_tree(follow_table.relation)
		LOOP
			PERFORM casnet_internal.protect_moves(member);
		END LOOP;
		PERFORM casnet_internal.protect_writes(relation);
	END IF;
	PERFORM casnet_internal.follow_owner(relation);
	IF casnet_internal.load_view_is_behind(relation) THEN
		FOREACH note IN ARRAY casnet_internal.protect_loading(relation) LOOP
			RAISE WARNING '%', substr(split_part(note, E'\n', 1), 4)
				USING HINT = split_part(note, E'\n', 2);
		END LOOP;
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.follow_table(regclass) IS
	'internal: brings what casnet made for a protected table up to date with its names and columns';

CREATE OR REPLACE FUNCTION casnet_internal.follow_altered_tables() RETURNS event_trigger
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	SET quote_all_identifiers = off
	AS $$
BEGIN
	IF to_regclass('casnet_internal.protected') IS NOT NULL THEN
		PERFORM casnet_internal.follow_table(p.relation)
		   FROM (SELECT DISTINCT e.objid FROM pg_event_trigger_ddl_commands() AS e
				  WHERE e.classid = 'pg_class'::regclass AND NOT e.in_extension) AS e
		   JOIN casnet_internal.list_protected_tables() AS p ON p.relation = e.objid;
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.follow_altered_tables() IS
	'event trigger: the view to load a protected table through follows the table';

CREATE OR REPLACE FUNCTION casnet_internal.install_follow() RETURNS void
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
	SELECT casnet_internal.install_event_trigger('casnet_follow',
		EXISTS (SELECT FROM casnet_internal.list_protected_tables()),
		'casnet_internal.follow_altered_tables()', ARRAY['ALTER TABLE', 'ALTER INDEX'],
		'casnet: views to load protected tables through follow the tables')
$$;
COMMENT ON FUNCTION casnet_internal.install_follow() IS
	'internal: makes the event trigger while a table is protected';
