-- Who a record is about.
--
-- All of these run as their caller under the policies.  As with tags, seeing links takes
-- view_records, and changing them edit_records.  Looking at persons takes view_persons.

CREATE OR REPLACE FUNCTION casnet_internal.require_person(person_id uuid) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM casnet.persons AS p
					WHERE p.id = require_person.person_id) THEN
		RAISE EXCEPTION 'there is no such person'
			USING ERRCODE = 'P0002',
				  HINT = 'SELECT id, name FROM casnet.persons lists those of the active tenant.';
	END IF;
END
$$;
COMMENT ON FUNCTION casnet_internal.require_person(uuid) IS
	'internal: P0002 unless the person is there, as far as the caller may see';

CREATE OR REPLACE FUNCTION casnet.link_person(
	record_id uuid, person_id uuid, relation text DEFAULT NULL)
	RETURNS boolean
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted text := casnet_internal.name_form(link_person.relation);
BEGIN
	IF wanted = '' OR char_length(wanted) > 100 THEN
		RAISE EXCEPTION '%', CASE wanted WHEN '' THEN 'the relation is blank'
				ELSE 'the relation is longer than 100 characters' END
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Say in a word or two what the person is in the record, such as witness.';
	END IF;
	INSERT INTO casnet.record_persons (record_id, person_id, relation)
	SELECT r.id, p.id, coalesce(wanted, 'subject')
	  FROM casnet.records AS r, casnet.persons AS p
	 WHERE r.id = link_person.record_id AND p.id = link_person.person_id
	ON CONFLICT DO NOTHING;
	IF FOUND THEN
		RETURN true;
	END IF;
	-- By itself, since Citus takes no variable of DO UPDATE that the query has not.
	IF wanted IS NOT NULL THEN
		UPDATE casnet.record_persons AS l SET relation = wanted
		 WHERE l.record_id = link_person.record_id
		   AND l.person_id = link_person.person_id AND l.relation <> wanted;
		IF FOUND THEN
			RETURN true;
		END IF;
	END IF;
	-- The link was there before, or nothing is there to link.
	PERFORM casnet_internal.require_records(ARRAY[link_person.record_id]);
	PERFORM casnet_internal.require_person(link_person.person_id);
	RETURN false;
END
$$;
COMMENT ON FUNCTION casnet.link_person(uuid, uuid, text) IS
	'links a record and a person whom it is about, as subject unless a relation is given; a relation also replaces that of an existing link; returns whether anything changed';

CREATE OR REPLACE FUNCTION casnet.unlink_person(record_id uuid, person_id uuid)
	RETURNS boolean
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	DELETE FROM casnet.record_persons AS l
	 WHERE l.record_id = unlink_person.record_id
	   AND l.person_id = unlink_person.person_id;
	IF NOT FOUND THEN
		PERFORM casnet_internal.require_records(ARRAY[unlink_person.record_id]);
		RETURN false;
	END IF;
	RETURN true;
END
$$;
COMMENT ON FUNCTION casnet.unlink_person(uuid, uuid) IS
	'removes the link between a record and a person; returns whether there was one';

CREATE OR REPLACE FUNCTION casnet.persons_of(
	record_id uuid, OUT person_id uuid, OUT name text, OUT relation text)
	RETURNS SETOF record
	LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN QUERY
	SELECT p.id, p.name, l.relation
	  FROM casnet.record_persons AS l
	  JOIN casnet.persons AS p ON p.id = l.person_id
	 WHERE l.record_id = persons_of.record_id
	 ORDER BY p.name, p.id;
	IF NOT FOUND THEN
		PERFORM casnet_internal.require_records(ARRAY[persons_of.record_id]);
	END IF;
END
$$;
COMMENT ON FUNCTION casnet.persons_of(uuid) IS
	'the persons whom a record is about, by name; takes view_records and view_persons';

-- Without settings of its own, so that the planner inlines it, and of the links only, in no
-- order: in a condition it then costs what a condition on the table of links costs.
CREATE OR REPLACE FUNCTION casnet.records_of(
	person_id uuid, OUT record_id uuid, OUT relation text)
	RETURNS SETOF record
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
	AS $$
	SELECT l.record_id, l.relation
	  FROM casnet.record_persons AS l
	 WHERE l.person_id OPERATOR(pg_catalog.=) records_of.person_id
$$;
COMMENT ON FUNCTION casnet.records_of(uuid) IS
	'the records about a person; WHERE id IN (SELECT record_id FROM casnet.records_of(...)) is planned as a join';
