-- Tags.
--
-- All of these run as their caller under the policies.  Seeing links takes
-- view_records, and changing them edit_records.  The names of tags take
-- view_tags, and new tags create_tags.

CREATE OR REPLACE FUNCTION casnet_internal.tag_names(names text[]) RETURNS text[]
	LANGUAGE c IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_tag_names';
COMMENT ON FUNCTION casnet_internal.tag_names(text[]) IS
	'internal: names of tags, trimmed, sorted and each one once; 22023 for one that no tag can have';

CREATE OR REPLACE FUNCTION casnet_internal.tag_id(name text) RETURNS uuid
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 1
	AS 'MODULE_PATHNAME', 'casnet_tag_id';
COMMENT ON FUNCTION casnet_internal.tag_id(text) IS
	'the tag of that name in the active tenant, or NULL; takes view_tags';

CREATE OR REPLACE FUNCTION casnet_internal.tag_ids(names text[]) RETURNS uuid[]
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_tag_ids';
COMMENT ON FUNCTION casnet_internal.tag_ids(text[]) IS
	'internal: the tags of these names in the active tenant, or NULL if one is missing; takes view_tags';

CREATE OR REPLACE FUNCTION casnet.records_tagged(
	all_of text[] DEFAULT '{}', any_of text[] DEFAULT '{}',
	none_of text[] DEFAULT '{}')
	RETURNS SETOF uuid
	LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 1000
	AS 'MODULE_PATHNAME', 'casnet_records_tagged';
COMMENT ON FUNCTION casnet.records_tagged(text[], text[], text[]) IS
	'the records with all of, any of and none of these tags; WHERE id IN (SELECT casnet.records_tagged(...)) is planned as joins';

CREATE OR REPLACE FUNCTION casnet_internal.require_records(record_ids uuid[]) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF EXISTS (SELECT FROM unnest(record_ids) AS wanted
				WHERE wanted IS NULL)
	   OR EXISTS (SELECT FROM unnest(record_ids) AS wanted
				   WHERE NOT EXISTS (SELECT 1 FROM casnet.records AS r
									  WHERE r.id = wanted)) THEN
		RAISE EXCEPTION 'there is no such record'
			USING ERRCODE = 'P0002',
				  HINT = 'SELECT id, title FROM casnet.records lists those of the active tenant.';
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.require_records(uuid[]) IS
	'internal: P0002 unless all of these records are there, as far as the caller may see';

-- tag_records() has arrays, for many records at once and for clients that cannot send VARIADIC.  It
-- has another name than that with VARIADIC, or calls of either would be ambiguous.
CREATE OR REPLACE FUNCTION casnet_internal.link_tags(record_ids uuid[], names text[])
	RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted text[] := casnet_internal.tag_names(names);
	linked bigint;
	total bigint := 0;
BEGIN
	-- Once if all records and tags exist and no link does.  Somebody can
	-- delete a tag just after this has seen or made it.
	FOR attempt IN 1 .. 10 LOOP
		INSERT INTO casnet.record_tags (record_id, tag_id)
		SELECT r.id, t.id
		  FROM casnet.records AS r, casnet.tags AS t
		 WHERE r.id = ANY (record_ids) AND t.name = ANY (wanted)
		ON CONFLICT DO NOTHING;
		GET DIAGNOSTICS linked = ROW_COUNT;
		total := total + linked;
		EXIT WHEN linked > 0
			AND linked = cardinality(record_ids) * cardinality(wanted);

		IF attempt = 1 THEN
			PERFORM casnet_internal.require_records(record_ids);
			-- No record, no tag.
			EXIT WHEN coalesce(cardinality(record_ids), 0) = 0;
		END IF;
		EXIT WHEN cardinality(wanted) = (SELECT count(*) FROM casnet.tags AS t
										  WHERE t.name = ANY (wanted));
		INSERT INTO casnet.tags (name)
		SELECT n FROM unnest(wanted) AS n
		 WHERE n NOT IN (SELECT t.name FROM casnet.tags AS t
						  WHERE t.name = ANY (wanted))
		 ORDER BY n
		ON CONFLICT DO NOTHING;
	END LOOP;
	RETURN total;
END
$$;
COMMENT ON FUNCTION casnet_internal.link_tags(uuid[], text[]) IS
	'internal: tag_records()';

-- Arrays tempt the server to plan each call anew.
CREATE OR REPLACE FUNCTION casnet_internal.link_tags_by_kept_plans(record_ids uuid[], names text[])
	RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	AS $$
BEGIN
	RETURN casnet_internal.link_tags(record_ids, names);
END
$$;
COMMENT ON FUNCTION casnet_internal.link_tags_by_kept_plans(uuid[], text[]) IS
	'internal: tag_records() by generic plans, which Citus does not make';

CREATE OR REPLACE FUNCTION casnet.tag_records(record_ids uuid[], names text[])
	RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	AS $$
BEGIN
	IF casnet_internal.is_distributed() THEN
		RETURN casnet_internal.link_tags(record_ids, names);
	END IF;
	RETURN casnet_internal.link_tags_by_kept_plans(record_ids, names);
END
$$;
COMMENT ON FUNCTION casnet.tag_records(uuid[], text[]) IS
	'gives records tags, making the tags that are missing; returns the number of new links';

-- Statements call it for many records: no settings of its own, and an INSERT
-- whose plan does not get better by knowing the parameters.
CREATE OR REPLACE FUNCTION casnet.tag_record(record_id uuid, VARIADIC names text[])
	RETURNS integer
	LANGUAGE plpgsql VOLATILE
	AS $$
DECLARE
	wanted uuid[] := casnet_internal.tag_ids(casnet_internal.tag_names(names));
	linked integer := 0;
BEGIN
	IF wanted IS NOT NULL THEN
		INSERT INTO casnet.record_tags (record_id, tag_id)
		SELECT r.id, t.id
		  FROM casnet.records AS r, pg_catalog.unnest(wanted) AS t (id)
		 WHERE r.id OPERATOR(pg_catalog.=) tag_record.record_id
		ON CONFLICT DO NOTHING;
		GET DIAGNOSTICS linked = ROW_COUNT;
		IF linked OPERATOR(pg_catalog.>) 0 AND linked
		   OPERATOR(pg_catalog.=) pg_catalog.cardinality(wanted) THEN
			RETURN linked;
		END IF;
	END IF;
	-- The record, a tag or nothing at all is missing.
	RETURN linked OPERATOR(pg_catalog.+)
		casnet.tag_records(ARRAY[tag_record.record_id], names);
END
$$;
COMMENT ON FUNCTION casnet.tag_record(uuid, text[]) IS
	'gives a record tags, making the tags that are missing; returns the number of new links';

CREATE OR REPLACE FUNCTION casnet.untag_record(record_id uuid, VARIADIC names text[])
	RETURNS integer
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted text[] := casnet_internal.tag_names(names);
	removed integer;
BEGIN
	DELETE FROM casnet.record_tags AS l
	 USING casnet.tags AS t
	 WHERE l.record_id = untag_record.record_id AND l.tag_id = t.id
	   AND t.name = ANY (wanted);
	GET DIAGNOSTICS removed = ROW_COUNT;
	IF removed = 0 THEN
		PERFORM casnet_internal.require_records(ARRAY[untag_record.record_id]);
	END IF;
	RETURN removed;
END
$$;
COMMENT ON FUNCTION casnet.untag_record(uuid, text[]) IS
	'takes tags off a record; the tags stay; returns the number of links removed';

CREATE OR REPLACE FUNCTION casnet.untag_records(record_ids uuid[], names text[])
	RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted text[] := casnet_internal.tag_names(names);
	removed bigint;
BEGIN
	PERFORM casnet_internal.require_records(record_ids);
	DELETE FROM casnet.record_tags AS l
	 USING casnet.tags AS t
	 WHERE l.record_id = ANY (record_ids) AND l.tag_id = t.id
	   AND t.name = ANY (wanted);
	GET DIAGNOSTICS removed = ROW_COUNT;
	RETURN removed;
END
$$;
COMMENT ON FUNCTION casnet.untag_records(uuid[], text[]) IS
	'takes tags off records; the tags stay; returns the number of links removed';

CREATE OR REPLACE FUNCTION casnet.tags_of(record_id uuid) RETURNS text[]
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	names text[] := (SELECT array_agg(t.name ORDER BY t.name)
					   FROM casnet.record_tags AS l
					   JOIN casnet.tags AS t ON t.id = l.tag_id
					  WHERE l.record_id = tags_of.record_id);
BEGIN
	IF names IS NULL THEN
		PERFORM casnet_internal.require_records(ARRAY[tags_of.record_id]);
	END IF;
	RETURN coalesce(names, '{}');
END
$$;
COMMENT ON FUNCTION casnet.tags_of(uuid) IS
	'the names of the tags of a record, sorted';

CREATE OR REPLACE FUNCTION casnet.tag_counts(OUT name text, OUT records bigint)
	RETURNS SETOF record
	LANGUAGE sql STABLE PARALLEL SAFE
	AS $$
	SELECT t.name, coalesce(l.records, 0)
	  FROM casnet.tags AS t
	  LEFT JOIN (SELECT tag_id, pg_catalog.count(*) AS records
				   FROM casnet.record_tags GROUP BY tag_id) AS l
		ON l.tag_id OPERATOR(pg_catalog.=) t.id
	 ORDER BY 2 DESC, 1
$$;
COMMENT ON FUNCTION casnet.tag_counts() IS
	'the tags of the active tenant and how many records have each, the most used first';

-- A name that was stored while triggers were off can be without its form.  Here it is found
-- as it is shown, so that the tag can get another name.
CREATE OR REPLACE FUNCTION casnet_internal.require_tag(name text) RETURNS uuid
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	found uuid;
BEGIN
	IF require_tag.name <> casnet_internal.name_form(require_tag.name) THEN
		found := (SELECT t.id FROM casnet.tags AS t WHERE t.name = require_tag.name);
	END IF;
	IF found IS NULL THEN
		found := casnet_internal.tag_id(
			(casnet_internal.tag_names(ARRAY[require_tag.name]))[1]);
	END IF;
	IF found IS NULL THEN
		RAISE EXCEPTION 'there is no such tag'
			USING ERRCODE = 'P0002',
				  HINT = 'SELECT * FROM casnet.tag_counts() lists the tags of the active tenant.';
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION casnet_internal.require_tag(text) IS
	'internal: the tag of that name in the active tenant; P0002 when there is none';

CREATE OR REPLACE FUNCTION casnet.merge_tags(from_name text, into_name text)
	RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	from_id uuid := casnet_internal.require_tag(from_name);
	into_id uuid := casnet_internal.require_tag(into_name);
	moved bigint;
BEGIN
	IF from_id = into_id THEN
		RETURN 0;
	END IF;
	-- From here on nobody else links or renames either of them, and the next
	-- statement sees what others have just done.
	PERFORM 1 FROM casnet.tags AS t WHERE t.id IN (from_id, into_id)
	  ORDER BY t.id FOR UPDATE;
	PERFORM casnet_internal.require_tag(from_name), casnet_internal.require_tag(into_name);
	INSERT INTO casnet.record_tags (record_id, tag_id, created_at, updated_at)
	SELECT l.record_id, into_id, l.created_at, l.updated_at
	  FROM casnet.record_tags AS l WHERE l.tag_id = from_id
	ON CONFLICT DO NOTHING;
	GET DIAGNOSTICS moved = ROW_COUNT;
	DELETE FROM casnet.tags AS t WHERE t.id = from_id;
	RETURN moved;
END
$$;
COMMENT ON FUNCTION casnet.merge_tags(text, text) IS
	'gives every record with one tag the other one instead, and deletes the first; returns how many records did not have the other one before; takes view_tags, edit_tags, delete_tags, view_records and edit_records';

CREATE OR REPLACE FUNCTION casnet.rename_tag(old text, new text) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	renamed uuid := casnet_internal.require_tag(old);
	-- Citus crashes on an element of an array in SET.
	wanted text := (casnet_internal.tag_names(ARRAY[new]))[1];
BEGIN
	UPDATE casnet.tags AS t SET name = wanted
	 WHERE t.id = renamed AND t.name <> wanted;
EXCEPTION
	WHEN unique_violation THEN
		PERFORM casnet.merge_tags(old, wanted);
END
$$;
COMMENT ON FUNCTION casnet.rename_tag(text, text) IS
	'renames a tag; merges it into the other one if a tag of that name exists; takes view_tags and edit_tags, and to merge what merge_tags() takes';
