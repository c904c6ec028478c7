-- The text search configuration of records, and the operator class for substrings.

-- The text search configuration behind records.search_vector is the user's,
-- like the tables.
CREATE OR REPLACE FUNCTION casnet_internal.install_search_configuration() RETURNS void
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
	PERFORM casnet_internal.map_search_language('pg_catalog.simple');
END
$$;
COMMENT ON FUNCTION casnet_internal.install_search_configuration() IS
	'internal: makes the text search configuration casnet.search';

CREATE OR REPLACE FUNCTION casnet_internal.map_search_language(language regconfig) RETURNS void
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
COMMENT ON FUNCTION casnet_internal.map_search_language(regconfig) IS
	'internal: gives casnet.search the dictionaries of a language';

CREATE OR REPLACE FUNCTION casnet.set_search_language(language regconfig) RETURNS bigint
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	changed bigint;
	replication_role text := current_setting('session_replication_role');
BEGIN
	IF casnet_internal.is_operator() IS NOT TRUE THEN
		RAISE EXCEPTION 'only superusers may call casnet.set_search_language()'
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

	-- The lock keeps others from reading or writing half of it.  ALTER TABLE has cached plans
	-- made again.
	LOCK TABLE casnet.records IN ACCESS EXCLUSIVE MODE;
	ALTER TABLE casnet.records ENABLE ROW LEVEL SECURITY;
	PERFORM casnet_internal.map_search_language(set_search_language.language);
	-- The rows stay what they are: no trigger, no new updated_at.
	PERFORM set_config('session_replication_role', 'replica', true);
	changed := casnet_internal.run_as_owner('casnet.records',
		'UPDATE casnet.records AS r SET title = r.title');
	PERFORM set_config('session_replication_role', replication_role, true);
	RETURN changed;
END
$$;
COMMENT ON FUNCTION casnet.set_search_language(regconfig) IS
	'searches records by the rules of a language: stems, stop words; superusers only; rewrites the records and returns their number';

-- The operator class needs functions of pg_trgm, so it is no member of the
-- extension; it is dumped and dropped with the indexes.
CREATE OR REPLACE FUNCTION casnet_internal.install_substring_operators() RETURNS boolean
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	trgm text := (SELECT n.nspname FROM pg_extension AS e
					JOIN pg_namespace AS n ON n.oid = e.extnamespace
				   WHERE e.extname = 'pg_trgm');
BEGIN
	IF EXISTS (SELECT FROM pg_opclass
				WHERE opcname = 'gin_substring_ops'
				  AND opcnamespace = 'casnet'::regnamespace) THEN
		RETURN true;
	ELSIF trgm IS NULL THEN
		RETURN false;
	END IF;
	-- DROP EXTENSION CASCADE leaves the family behind, with what is pg_trgm's.
	IF EXISTS (SELECT FROM pg_opfamily
				WHERE opfname = 'gin_substring_ops'
				  AND opfnamespace = 'casnet'::regnamespace) THEN
		DROP OPERATOR FAMILY casnet.gin_substring_ops USING gin;
	END IF;
	-- 4 is the number that pg_trgm gives to ILIKE.
	EXECUTE format($c$
		CREATE OPERATOR CLASS casnet.gin_substring_ops
			FOR TYPE text USING gin AS
			OPERATOR 4 casnet.*=* (text, text),
			FUNCTION 1 pg_catalog.btint4cmp(int4, int4),
			FUNCTION 2 %1$I.gin_extract_value_trgm(text, internal),
			FUNCTION 3 casnet_internal.gin_extract_substring(text, internal, int2,
				internal, internal, internal, internal),
			FUNCTION 4 %1$I.gin_trgm_consistent(internal, int2, text, int4,
				internal, internal, internal, internal),
			FUNCTION 6 %1$I.gin_trgm_triconsistent(internal, int2, text, int4,
				internal, internal, internal),
			STORAGE int4$c$, trgm);
	COMMENT ON OPERATOR CLASS casnet.gin_substring_ops USING gin IS
		'casnet: substrings with the operator *=*, by pg_trgm';
	RETURN true;
END
$$;
COMMENT ON FUNCTION casnet_internal.install_substring_operators() IS
	'internal: makes the operator class for substrings where pg_trgm is installed; returns whether there is one';
