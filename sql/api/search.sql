-- Searching.  Plain SQL without settings of its own, so that the planner inlines
-- it and uses the indexes; the policies decide.

CREATE OR REPLACE FUNCTION casnet_internal.search_limit(max_rows integer) RETURNS bigint
	LANGUAGE c IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_search_limit';
COMMENT ON FUNCTION casnet_internal.search_limit(integer) IS
	'internal: how many rows a search returns; 22023 when out of range';

CREATE OR REPLACE FUNCTION casnet_internal.search_part(part text) RETURNS text
	LANGUAGE c IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_search_part';
COMMENT ON FUNCTION casnet_internal.search_part(text) IS
	'internal: a part of a name, trimmed; 22023 when it is blank';

CREATE OR REPLACE FUNCTION casnet.search_records(
	query text, max_rows integer DEFAULT 20,
	OUT record_id uuid, OUT title text, OUT snippet text, OUT rank real)
	RETURNS SETOF record
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 20
	AS $$
	SELECT f.id, f.title,
		   pg_catalog.replace(pg_catalog.replace(
			pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(
			pg_catalog.ts_headline('casnet.search'::pg_catalog.regconfig,
				pg_catalog.translate(
					CASE WHEN f.content OPERATOR(pg_catalog.=) '' THEN f.title
						ELSE pg_catalog.left(f.content, 90000) END,
					E'\x02\x03', ''),
				casnet.search_query(search_records.query),
				E'StartSel=\x02, StopSel=\x03, MaxFragments=2, MinWords=5, MaxWords=18'),
			'&', '&amp;'), '<', '&lt;'), '>', '&gt;'),
			E'\x02', '<b>'), E'\x03', '</b>'),
		   f.rank
	  FROM (
		SELECT r.id, r.title, r.content,
			   pg_catalog.ts_rank(r.search_vector,
				casnet.search_query(search_records.query)) AS rank
		  FROM casnet.records AS r
		 WHERE r.search_vector OPERATOR(casnet.@~)
			   casnet.search_query(search_records.query)
		 ORDER BY rank DESC, r.id DESC
		 LIMIT casnet_internal.search_limit(search_records.max_rows)
	  ) AS f
	 ORDER BY f.rank DESC, f.id DESC
$$;
COMMENT ON FUNCTION casnet.search_records(text, integer) IS
	'records of the active tenant that match what somebody typed, best first; the snippet is HTML: escaped, hits in <b>';

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
	'persons of the active tenant whose name contains the part, ignoring case, by name';
