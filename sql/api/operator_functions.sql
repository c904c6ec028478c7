-- The functions of the operators, and of their operator classes.

-- The support function is the same for values and queries: a uuid is its key.
CREATE OR REPLACE FUNCTION casnet_internal.gin_extract_uuid(uuid, internal) RETURNS internal
	LANGUAGE c STRICT IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_gin_extract_uuid';
COMMENT ON FUNCTION casnet_internal.gin_extract_uuid(uuid, internal) IS
	'internal: GIN support for uuid';

CREATE OR REPLACE FUNCTION casnet_internal.gin_extract_uuid(
	uuid, internal, int2, internal, internal)
	RETURNS internal
	LANGUAGE c STRICT IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_gin_extract_uuid';
COMMENT ON FUNCTION casnet_internal.gin_extract_uuid(
	uuid, internal, int2, internal, internal) IS
	'internal: GIN support for uuid';

CREATE OR REPLACE FUNCTION casnet_internal.gin_uuid_consistent(
	internal, int2, uuid, int4, internal, internal)
	RETURNS boolean
	LANGUAGE c STRICT IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_gin_uuid_consistent';
COMMENT ON FUNCTION casnet_internal.gin_uuid_consistent(
	internal, int2, uuid, int4, internal, internal) IS
	'internal: GIN support for uuid';

CREATE OR REPLACE FUNCTION casnet.search_query(query text) RETURNS tsquery
	LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100
	AS 'MODULE_PATHNAME', 'casnet_search_query';
COMMENT ON FUNCTION casnet.search_query(text) IS
	'a text search query from what people type: words, "a phrase", -without, this or that, begin*';

-- LEAKPROOF: what it raises depends on the query alone.
CREATE OR REPLACE FUNCTION casnet_internal.search_match(vector tsvector, query tsquery)
	RETURNS boolean
	LANGUAGE c STRICT IMMUTABLE LEAKPROOF PARALLEL SAFE COST 2
	AS 'MODULE_PATHNAME', 'casnet_search_match';
COMMENT ON FUNCTION casnet_internal.search_match(tsvector, tsquery) IS
	'whether a text matches a text search query; behind the operator @~';

-- Inlined, so that the query is made once and the index can be used.
CREATE OR REPLACE FUNCTION casnet_internal.search_match(vector tsvector, query text)
	RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	AS $$SELECT $1 OPERATOR(casnet.@~) casnet.search_query($2)$$;
COMMENT ON FUNCTION casnet_internal.search_match(tsvector, text) IS
	'whether a text matches what somebody typed; behind the operator @~';

CREATE OR REPLACE FUNCTION casnet_internal.gin_extract_search_query(
	tsvector, internal, int2, internal, internal, internal, internal)
	RETURNS internal
	LANGUAGE c STRICT IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_gin_extract_search_query';
COMMENT ON FUNCTION casnet_internal.gin_extract_search_query(
	tsvector, internal, int2, internal, internal, internal, internal) IS
	'internal: GIN support for the operator @~';

-- LEAKPROOF: there is no malformed part, and no value makes it raise.
CREATE OR REPLACE FUNCTION casnet_internal.contains(value text, part text) RETURNS boolean
	LANGUAGE c STRICT IMMUTABLE LEAKPROOF PARALLEL SAFE COST 20
	AS 'MODULE_PATHNAME', 'casnet_contains';
COMMENT ON FUNCTION casnet_internal.contains(text, text) IS
	'whether a text contains another one, ignoring case and accents; behind the operator *=*';

CREATE OR REPLACE FUNCTION casnet_internal.gin_extract_value_parts(
	text, internal, internal)
	RETURNS internal
	LANGUAGE c STRICT IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_gin_extract_value_parts';
COMMENT ON FUNCTION casnet_internal.gin_extract_value_parts(text, internal, internal) IS
	'internal: GIN support for the operator *=*';

CREATE OR REPLACE FUNCTION casnet_internal.gin_extract_part(
	text, internal, int2, internal, internal, internal, internal)
	RETURNS internal
	LANGUAGE c STRICT IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_gin_extract_part';
COMMENT ON FUNCTION casnet_internal.gin_extract_part(
	text, internal, int2, internal, internal, internal, internal) IS
	'internal: GIN support for the operator *=*';

CREATE OR REPLACE FUNCTION casnet_internal.gin_compare_part(
	bigint, bigint, int2, internal)
	RETURNS integer
	LANGUAGE c IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_gin_compare_part';
COMMENT ON FUNCTION casnet_internal.gin_compare_part(bigint, bigint, int2, internal) IS
	'internal: GIN support for the operator *=*';

CREATE OR REPLACE FUNCTION casnet_internal.gin_part_consistent(
	internal, int2, text, int4, internal, internal, internal, internal)
	RETURNS boolean
	LANGUAGE c STRICT IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_gin_part_consistent';
COMMENT ON FUNCTION casnet_internal.gin_part_consistent(
	internal, int2, text, int4, internal, internal, internal, internal) IS
	'internal: GIN support for the operator *=*';

CREATE OR REPLACE FUNCTION casnet_internal.gin_part_triconsistent(
	internal, int2, text, int4, internal, internal, internal)
	RETURNS "char"
	LANGUAGE c STRICT IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'casnet_gin_part_triconsistent';
COMMENT ON FUNCTION casnet_internal.gin_part_triconsistent(
	internal, int2, text, int4, internal, internal, internal) IS
	'internal: GIN support for the operator *=*';
