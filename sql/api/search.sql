-- Searching.  Plain SQL without settings of its own, so that the planner inlines
-- it and uses the indexes; the policies decide.

CREATE OR REPLACE FUNCTION casnet_internal.search_limit(
	max_rows integer, after_rank double precision DEFAULT NULL, after_id uuid DEFAULT NULL)
	RETURNS bigint
	LANGUAGE c IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_search_limit';
COMMENT ON FUNCTION casnet_internal.search_limit(integer, double precision, uuid) IS
	'internal: how many rows a search returns; 22023 when out of range, or for half of the end of a page';

CREATE OR REPLACE FUNCTION casnet_internal.search_rank(after_rank double precision) RETURNS real
	LANGUAGE c STRICT IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_search_rank';
COMMENT ON FUNCTION casnet_internal.search_rank(double precision) IS
	'internal: a rank that a search returned, as it was before a client made a number with more digits of it';

CREATE OR REPLACE FUNCTION casnet_internal.record_rank(vector tsvector, query tsquery)
	RETURNS real
	LANGUAGE c STRICT IMMUTABLE PARALLEL SAFE COST 100
	AS 'MODULE_PATHNAME', 'casnet_record_rank';
COMMENT ON FUNCTION casnet_internal.record_rank(tsvector, tsquery) IS
	'internal: the rank of a record in a search';

CREATE OR REPLACE FUNCTION casnet_internal.search_part(part text) RETURNS text
	LANGUAGE c IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_search_part';
COMMENT ON FUNCTION casnet_internal.search_part(text) IS
	'internal: a part of a name, trimmed; 22023 when it is blank';

CREATE OR REPLACE FUNCTION casnet_internal.search_snippet(value text, query tsquery)
	RETURNS text
	LANGUAGE c STRICT STABLE PARALLEL SAFE COST 1000
	AS 'MODULE_PATHNAME', 'casnet_search_snippet';
COMMENT ON FUNCTION casnet_internal.search_snippet(text, tsquery) IS
	'internal: the parts of a text that match a text search query, as HTML';

-- Inlined, so that the query is made once.
CREATE OR REPLACE FUNCTION casnet.search_snippet(value text, query text) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	AS $$SELECT casnet_internal.search_snippet($1, casnet.search_query($2))$$;
COMMENT ON FUNCTION casnet.search_snippet(text, text) IS
	'the parts of a text that match what somebody typed best, as HTML: escaped, hits in <b>';

-- Without tags there is nothing to join.  With constants or parameters for the arguments the
-- planner leaves out the half that finds nothing.  The records that have a tag are few, those
-- that have none of some tags are many; so the latter are not listed.
CREATE OR REPLACE FUNCTION casnet.search_records(
	query text, max_rows integer DEFAULT 20,
	all_of text[] DEFAULT '{}', any_of text[] DEFAULT '{}', none_of text[] DEFAULT '{}',
	after_rank double precision DEFAULT NULL, after_id uuid DEFAULT NULL,
	OUT record_id uuid, OUT title text, OUT snippet text, OUT rank real)
	RETURNS SETOF record
	LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 20
	AS $$
	SELECT f.id, f.title,
		   casnet_internal.search_snippet(
			CASE WHEN f.content OPERATOR(pg_catalog.=) '' THEN f.title ELSE f.content END,
			casnet.search_query(search_records.query)),
		   f.rank
	  FROM (
		SELECT m.id, m.title, m.content, m.rank
		  FROM (
			SELECT r.id, r.title, r.content,
				   casnet_internal.record_rank(r.search_vector,
					casnet.search_query(search_records.query)) AS rank
			  FROM casnet.records AS r
			 WHERE r.search_vector OPERATOR(casnet.@~)
				   casnet.search_query(search_records.query)
			   AND pg_catalog.array_ndims(search_records.all_of) IS NULL
			   AND pg_catalog.array_ndims(search_records.any_of) IS NULL
			   AND (pg_catalog.array_ndims(search_records.none_of) IS NULL
					OR NOT r.id OPERATOR(pg_catalog.=) ANY (SELECT casnet.records_tagged(
										any_of => search_records.none_of)))
			UNION ALL
			SELECT r.id, r.title, r.content,
				   casnet_internal.record_rank(r.search_vector,
					casnet.search_query(search_records.query))
			  FROM casnet.records AS r
			 WHERE r.search_vector OPERATOR(casnet.@~)
				   casnet.search_query(search_records.query)
			   AND r.id OPERATOR(pg_catalog.=) ANY (SELECT casnet.records_tagged(
								search_records.all_of, search_records.any_of))
			   AND (pg_catalog.array_ndims(search_records.all_of) IS NOT NULL
					OR pg_catalog.array_ndims(search_records.any_of) IS NOT NULL)
			   AND (pg_catalog.array_ndims(search_records.none_of) IS NULL
					OR NOT r.id OPERATOR(pg_catalog.=) ANY (SELECT casnet.records_tagged(
										any_of => search_records.none_of)))
		  ) AS m
		 WHERE search_records.after_rank IS NULL
			OR m.rank OPERATOR(pg_catalog.<)
			   casnet_internal.search_rank(search_records.after_rank)
			OR (m.rank OPERATOR(pg_catalog.=)
				casnet_internal.search_rank(search_records.after_rank)
				AND m.id OPERATOR(pg_catalog.<) search_records.after_id)
		 ORDER BY m.rank DESC, m.id DESC
		 LIMIT casnet_internal.search_limit(search_records.max_rows,
				search_records.after_rank, search_records.after_id)
	  ) AS f
	 ORDER BY f.rank DESC, f.id DESC
$$;
COMMENT ON FUNCTION casnet.search_records(text, integer, text[], text[], text[],
	double precision, uuid) IS
	'records of the active tenant that match what somebody typed and have these tags, best first; the next page begins after the rank and the record_id of the last row; the snippet is HTML: escaped, hits in <b>';

CREATE OR REPLACE FUNCTION casnet.search_persons(
	part text, max_rows integer DEFAULT 20,
	OUT person_id uuid, OUT name text)
	RETURNS SETOF record
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 20
	AS $$
	SELECT p.id, p.name
	  FROM casnet.persons AS p
	 WHERE p.name OPERATOR(casnet.*=*)
		   casnet_internal.search_part(search_persons.part)
	 ORDER BY p.name, p.id
	 LIMIT casnet_internal.search_limit(search_persons.max_rows)
$$;
COMMENT ON FUNCTION casnet.search_persons(text, integer) IS
	'persons of the active tenant whose name contains the part, ignoring case and accents, by name';
