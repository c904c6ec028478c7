-- Operators that can use an index below a policy, and their operator classes.  Every
-- index begins with the tenant.  None of these can be replaced, so the script of an
-- update says by hand what changes here.

CREATE OPERATOR CLASS casnet.gin_uuid_ops FOR TYPE uuid USING gin AS
	OPERATOR 1 pg_catalog.= (uuid, uuid),
	FUNCTION 1 pg_catalog.uuid_cmp(uuid, uuid),
	FUNCTION 2 casnet_internal.gin_extract_uuid(uuid, internal),
	FUNCTION 3 casnet_internal.gin_extract_uuid(uuid, internal, int2, internal,
									   internal),
	FUNCTION 4 casnet_internal.gin_uuid_consistent(internal, int2, uuid, int4, internal,
										  internal),
	STORAGE uuid;
COMMENT ON OPERATOR CLASS casnet.gin_uuid_ops USING gin IS
	'equality of uuids, for the tenant in front of a GIN index';
COMMENT ON OPERATOR FAMILY casnet.gin_uuid_ops USING gin IS
	'equality of uuids, for the tenant in front of a GIN index';

CREATE OPERATOR casnet.@~ (
	LEFTARG = tsvector, RIGHTARG = tsquery, FUNCTION = casnet_internal.search_match,
	RESTRICT = pg_catalog.tsmatchsel, JOIN = pg_catalog.tsmatchjoinsel);
COMMENT ON OPERATOR casnet.@~ (tsvector, tsquery) IS
	'matches a text search query; like @@, but can use an index below a policy';

CREATE OPERATOR casnet.@~ (
	LEFTARG = tsvector, RIGHTARG = text, FUNCTION = casnet_internal.search_match);
COMMENT ON OPERATOR casnet.@~ (tsvector, text) IS
	'matches what somebody typed, see casnet.search_query()';

CREATE OPERATOR CLASS casnet.gin_match_ops FOR TYPE tsvector USING gin AS
	OPERATOR 1 casnet.@~ (tsvector, tsquery),
	FUNCTION 1 pg_catalog.gin_cmp_tslexeme(text, text),
	FUNCTION 2 pg_catalog.gin_extract_tsvector(tsvector, internal, internal),
	FUNCTION 3 casnet_internal.gin_extract_search_query(tsvector, internal, int2,
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

CREATE OPERATOR casnet.*=* (
	LEFTARG = text, RIGHTARG = text, FUNCTION = casnet_internal.contains,
	RESTRICT = pg_catalog.contsel, JOIN = pg_catalog.contjoinsel);
COMMENT ON OPERATOR casnet.*=* (text, text) IS
	'contains, ignoring case and accents; can use an index below a policy, which ILIKE cannot';

CREATE OPERATOR CLASS casnet.gin_part_ops FOR TYPE text USING gin AS
	OPERATOR 1 casnet.*=* (text, text),
	FUNCTION 1 pg_catalog.btint8cmp(int8, int8),
	FUNCTION 2 casnet_internal.gin_extract_value_parts(text, internal, internal),
	FUNCTION 3 casnet_internal.gin_extract_part(text, internal, int2, internal, internal,
		internal, internal),
	FUNCTION 4 casnet_internal.gin_part_consistent(internal, int2, text, int4, internal,
		internal, internal, internal),
	FUNCTION 5 casnet_internal.gin_compare_part(int8, int8, int2, internal),
	FUNCTION 6 casnet_internal.gin_part_triconsistent(internal, int2, text, int4,
		internal, internal, internal),
	STORAGE int8;
COMMENT ON OPERATOR CLASS casnet.gin_part_ops USING gin IS
	'parts of a text with the operator *=*';
COMMENT ON OPERATOR FAMILY casnet.gin_part_ops USING gin IS
	'parts of a text with the operator *=*';
