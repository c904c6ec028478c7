-- Search: operators that may use an index below a policy, and their operator
-- classes.  Every index begins with the tenant.

-- The support function is the same for values and queries: a uuid is its key.
CREATE FUNCTION casnet.gin_extract_uuid(uuid, internal) RETURNS internal
	LANGUAGE c STRICT IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_gin_extract_uuid';
COMMENT ON FUNCTION casnet.gin_extract_uuid(uuid, internal) IS
	'internal: GIN support for uuid';

CREATE FUNCTION casnet.gin_extract_uuid(
	uuid, internal, int2, internal, internal)
	RETURNS internal
	LANGUAGE c STRICT IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_gin_extract_uuid';
COMMENT ON FUNCTION casnet.gin_extract_uuid(
	uuid, internal, int2, internal, internal) IS
	'internal: GIN support for uuid';

CREATE FUNCTION casnet.gin_uuid_consistent(
	internal, int2, uuid, int4, internal, internal)
	RETURNS boolean
	LANGUAGE c STRICT IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_gin_uuid_consistent';
COMMENT ON FUNCTION casnet.gin_uuid_consistent(
	internal, int2, uuid, int4, internal, internal) IS
	'internal: GIN support for uuid';

CREATE OPERATOR CLASS casnet.gin_uuid_ops FOR TYPE uuid USING gin AS
	OPERATOR 1 pg_catalog.= (uuid, uuid),
	FUNCTION 1 pg_catalog.uuid_cmp(uuid, uuid),
	FUNCTION 2 casnet.gin_extract_uuid(uuid, internal),
	FUNCTION 3 casnet.gin_extract_uuid(uuid, internal, int2, internal,
									   internal),
	FUNCTION 4 casnet.gin_uuid_consistent(internal, int2, uuid, int4, internal,
										  internal),
	STORAGE uuid;
COMMENT ON OPERATOR CLASS casnet.gin_uuid_ops USING gin IS
	'equality of uuids, for the tenant in front of a GIN index';
COMMENT ON OPERATOR FAMILY casnet.gin_uuid_ops USING gin IS
	'equality of uuids, for the tenant in front of a GIN index';

CREATE FUNCTION casnet.search_query(query text) RETURNS tsquery
	LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100
	AS 'MODULE_PATHNAME', 'casnet_search_query';
COMMENT ON FUNCTION casnet.search_query(text) IS
	'a text search query from what people type: words, "a phrase", -without, this or that, begin*';

-- LEAKPROOF: what it raises depends on the query alone.
CREATE FUNCTION casnet.search_match(vector tsvector, query tsquery)
	RETURNS boolean
	LANGUAGE c STRICT IMMUTABLE LEAKPROOF PARALLEL SAFE COST 2
	AS 'MODULE_PATHNAME', 'casnet_search_match';
COMMENT ON FUNCTION casnet.search_match(tsvector, tsquery) IS
	'whether a text matches a text search query; behind the operator @~';

CREATE OPERATOR casnet.@~ (
	LEFTARG = tsvector, RIGHTARG = tsquery, FUNCTION = casnet.search_match,
	RESTRICT = pg_catalog.tsmatchsel, JOIN = pg_catalog.tsmatchjoinsel);
COMMENT ON OPERATOR casnet.@~ (tsvector, tsquery) IS
	'matches a text search query; @@ that may use an index below a policy';

-- Inlined, so that the query is made once and the index can be used.
CREATE FUNCTION casnet.search_match(vector tsvector, query text)
	RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	AS $$SELECT $1 OPERATOR(casnet.@~) casnet.search_query($2)$$;
COMMENT ON FUNCTION casnet.search_match(tsvector, text) IS
	'whether a text matches what somebody typed; behind the operator @~';

CREATE OPERATOR casnet.@~ (
	LEFTARG = tsvector, RIGHTARG = text, FUNCTION = casnet.search_match);
COMMENT ON OPERATOR casnet.@~ (tsvector, text) IS
	'matches what somebody typed, see casnet.search_query()';

CREATE FUNCTION casnet.gin_extract_search_query(
	tsvector, internal, int2, internal, internal, internal, internal)
	RETURNS internal
	LANGUAGE c STRICT IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_gin_extract_search_query';
COMMENT ON FUNCTION casnet.gin_extract_search_query(
	tsvector, internal, int2, internal, internal, internal, internal) IS
	'internal: GIN support for the operator @~';

CREATE OPERATOR CLASS casnet.gin_match_ops FOR TYPE tsvector USING gin AS
	OPERATOR 1 casnet.@~ (tsvector, tsquery),
	FUNCTION 1 pg_catalog.gin_cmp_tslexeme(text, text),
	FUNCTION 2 pg_catalog.gin_extract_tsvector(tsvector, internal, internal),
	FUNCTION 3 casnet.gin_extract_search_query(tsvector, internal, int2,
		internal, internal, internal, internal),
	FUNCTION 4 pg_catalog.gin_tsquery_consistent(internal, int2, tsvector,
		int4, internal, internal, internal, internal),
	FUNCTION 5 pg_catalog.gin_cmp_prefix(text, text, int2, internal),
	FUNCTION 6 pg_catalog.gin_tsquery_triconsistent(internal, int2, tsvector,
		int4, internal, internal, internal),
	STORAGE text;
COMMENT ON OPERATOR CLASS casnet.gin_match_ops USING gin IS
	'full-text search with the operator @~';
COMMENT ON OPERATOR FAMILY casnet.gin_match_ops USING gin IS
	'full-text search with the operator @~';

-- LEAKPROOF: there is no malformed part, and no value makes it raise.
CREATE FUNCTION casnet.contains(value text, part text) RETURNS boolean
	LANGUAGE c STRICT IMMUTABLE LEAKPROOF PARALLEL SAFE COST 5
	AS 'MODULE_PATHNAME', 'casnet_contains';
COMMENT ON FUNCTION casnet.contains(text, text) IS
	'whether a text contains another one, ignoring case; behind the operator *=*';

CREATE OPERATOR casnet.*=* (
	LEFTARG = text, RIGHTARG = text, FUNCTION = casnet.contains,
	RESTRICT = pg_catalog.contsel, JOIN = pg_catalog.contjoinsel);
COMMENT ON OPERATOR casnet.*=* (text, text) IS
	'contains, ignoring case; ILIKE that may use an index below a policy';

CREATE FUNCTION casnet.gin_extract_substring(
	text, internal, int2, internal, internal, internal, internal)
	RETURNS internal
	LANGUAGE c STRICT IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_gin_extract_substring';
COMMENT ON FUNCTION casnet.gin_extract_substring(
	text, internal, int2, internal, internal, internal, internal) IS
	'internal: GIN support for the operator *=*, by pg_trgm';

CREATE FUNCTION casnet.search_limit(max_rows integer) RETURNS bigint
	LANGUAGE c IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_search_limit';
COMMENT ON FUNCTION casnet.search_limit(integer) IS
	'internal: how many rows a search returns; 22023 when out of range';

CREATE FUNCTION casnet.search_part(part text) RETURNS text
	LANGUAGE c IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_search_part';
COMMENT ON FUNCTION casnet.search_part(text) IS
	'internal: a part of a name, trimmed; 22023 when it is blank';

-- The text search configuration behind records.search_vector is the user's,
-- like the tables.
CREATE FUNCTION casnet.install_search_configuration() RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF EXISTS (SELECT FROM pg_ts_config
				WHERE cfgname = 'search'
				  AND cfgnamespace = 'casnet'::regnamespace) THEN
		RETURN;
	END IF;
	CREATE TEXT SEARCH CONFIGURATION casnet.search (COPY = pg_catalog.simple);
	PERFORM casnet.map_search_language('pg_catalog.simple');
END
$$;
COMMENT ON FUNCTION casnet.install_search_configuration() IS
	'internal: makes the text search configuration casnet.search';

CREATE FUNCTION casnet.map_search_language(language regconfig) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET client_min_messages = warning
	AS $$
DECLARE
	unaccent text := (
		SELECT format('%I.%I, ', n.nspname, t.dictname)
		  FROM pg_ts_dict AS t
		  JOIN pg_namespace AS n ON n.oid = t.dictnamespace
		  JOIN pg_depend AS d
			ON d.classid = 'pg_ts_dict'::regclass AND d.objid = t.oid
			   AND d.deptype = 'e'
		  JOIN pg_extension AS e ON e.oid = d.refobjid
		 WHERE t.dictname = 'unaccent' AND e.extname = 'unaccent');
	mapping record;
BEGIN
	FOR mapping IN
		SELECT p.alias,
			   string_agg(format('%I.%I', n.nspname, t.dictname), ', '
						  ORDER BY m.mapseqno)
			   FILTER (WHERE t.dictname <> 'unaccent') AS dictionaries
		  FROM ts_token_type('default') AS p
		  LEFT JOIN pg_ts_config_map AS m
			ON m.mapcfg = map_search_language.language
			   AND m.maptokentype = p.tokid
		  LEFT JOIN pg_ts_dict AS t ON t.oid = m.mapdict
		  LEFT JOIN pg_namespace AS n ON n.oid = t.dictnamespace
		 GROUP BY p.alias
	LOOP
		EXECUTE format('ALTER TEXT SEARCH CONFIGURATION casnet.search '
					   'DROP MAPPING IF EXISTS FOR %I', mapping.alias);
		IF mapping.dictionaries IS NOT NULL THEN
			EXECUTE format('ALTER TEXT SEARCH CONFIGURATION casnet.search '
						   'ADD MAPPING FOR %I WITH %s%s', mapping.alias,
						   CASE WHEN mapping.alias IN
									 ('word', 'hword', 'hword_part')
								THEN unaccent END,
						   mapping.dictionaries);
		END IF;
	END LOOP;
	EXECUTE format('COMMENT ON TEXT SEARCH CONFIGURATION casnet.search IS %L',
				   'casnet: how the texts of records are searched (' ||
				   map_search_language.language ||
				   CASE WHEN unaccent IS NULL THEN ')'
						ELSE ', without accents)' END);
END
$$;
COMMENT ON FUNCTION casnet.map_search_language(regconfig) IS
	'internal: gives casnet.search the dictionaries of a language';

CREATE FUNCTION casnet.set_search_language(language regconfig) RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	changed bigint;
	replication_role text := current_setting('session_replication_role');
BEGIN
	IF casnet.is_operator() IS NOT TRUE THEN
		RAISE EXCEPTION 'casnet.set_search_language() takes a superuser'
			USING ERRCODE = 'insufficient_privilege',
				  HINT = 'Connect as a superuser and call it again.';
	END IF;
	IF set_search_language.language IS NULL THEN
		RAISE EXCEPTION 'the language is null'
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Name a text search configuration, such as ''english''; SELECT cfgname FROM pg_ts_config lists them.';
	END IF;
	IF set_search_language.language = 'casnet.search'::regconfig
	   OR (SELECT cfgparser FROM pg_ts_config
			WHERE oid = set_search_language.language)
		  <> (SELECT cfgparser FROM pg_ts_config
			   WHERE oid = 'casnet.search'::regconfig) THEN
		RAISE EXCEPTION 'text search configuration % cannot be used',
						set_search_language.language
			USING ERRCODE = 'invalid_parameter_value',
				  HINT = 'Name one with the default parser, such as ''english''; SELECT cfgname FROM pg_ts_config lists them.';
	END IF;

	-- Nobody reads or writes half of it; cached plans are made again.
	LOCK TABLE casnet.records IN ACCESS EXCLUSIVE MODE;
	ALTER TABLE casnet.records ENABLE ROW LEVEL SECURITY;
	PERFORM casnet.map_search_language(set_search_language.language);
	-- The rows stay what they are: no trigger, no new updated_at.
	PERFORM set_config('session_replication_role', 'replica', true);
	changed := casnet.run_as_owner('casnet.records',
		'UPDATE casnet.records AS r SET title = r.title');
	PERFORM set_config('session_replication_role', replication_role, true);
	RETURN changed;
END
$$;
COMMENT ON FUNCTION casnet.set_search_language(regconfig) IS
	'searches records by the rules of a language: stems, stop words; superusers only; rewrites the records and returns their number';
