/*
 * search.c
 *		Full-text and substring search that can use an index under a policy.
 *
 * The server uses an index below a policy only for operators whose functions are
 * leakproof.  Its own match operator @@ and LIKE are not.  casnet's operators are.  Full
 * text is the server's ts_match_vq() behind a check of the query, and casnet_contains()
 * below finds substrings.  README.md beside this file explains why that is honest.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "tsearch/ts_type.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/formatting.h"

#include "casnet.h"

/* Longest search text, in bytes; a lexeme can have 2,046. */
#define MAX_QUERY_BYTES 2000

/* A substring is searched for in this many bytes at the beginning of a value. */
#define MAX_SEARCHED_BYTES 65536

/* The most rows that a search function returns, and the default. */
#define MAX_ROWS 1000
#define DEFAULT_ROWS 20

/* More stack than the server needs for each level of a query. */
#define QUERY_FRAME_BYTES 512

PG_FUNCTION_INFO_V1(casnet_search_query);
PG_FUNCTION_INFO_V1(casnet_search_match);
PG_FUNCTION_INFO_V1(casnet_gin_extract_search_query);
PG_FUNCTION_INFO_V1(casnet_search_limit);
PG_FUNCTION_INFO_V1(casnet_search_part);
PG_FUNCTION_INFO_V1(casnet_contains);
PG_FUNCTION_INFO_V1(casnet_gin_extract_substring);
PG_FUNCTION_INFO_V1(casnet_gin_extract_uuid);
PG_FUNCTION_INFO_V1(casnet_gin_uuid_consistent);

/* isspace() of ASCII only, whatever the locale. */
static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Append an operand of to_tsquery(), quoted. */
static void
append_quoted(StringInfo query, const char *start, int length, bool prefix)
{
	appendStringInfoChar(query, '\'');
	for (int i = 0; i < length; i++)
	{
		if (start[i] == '\'' || start[i] == '\\')
			appendStringInfoChar(query, start[i]);
		appendStringInfoChar(query, start[i]);
	}
	appendStringInfoString(query, prefix ? "':*" : "'");
}

/*
 * Append an operand: a word, a phrase or the beginning of a word.  Texts stay as they were
 * typed, with each accent as part of its letter or after it.  So a word with accents
 * becomes an OR of its spellings.
 */
static void
append_operand(StringInfo query, const char *start, int length, bool prefix)
{
	int			others = 0;

	for (int composed = 0; composed <= 1; composed++)
	{
		text	   *other = casnet_name_respelled(start, length, composed);

		/* No text contains a word of that length. */
		if (other == NULL || VARSIZE_ANY_EXHDR(other) > MAX_QUERY_BYTES)
			continue;
		appendStringInfoString(query, others++ == 0 ? "(" : "");
		append_quoted(query, VARDATA_ANY(other), VARSIZE_ANY_EXHDR(other), prefix);
		appendStringInfoString(query, " | ");
	}
	append_quoted(query, start, length, prefix);
	if (others > 0)
		appendStringInfoChar(query, ')');
}

/* Whether there is anything but white space and punctuation of ASCII. */
static bool
has_word(const char *start, int length)
{
	for (int i = 0; i < length; i++)
		if (IS_HIGHBIT_SET(start[i]) ||
			(start[i] >= '0' && start[i] <= '9') ||
			(start[i] >= 'A' && start[i] <= 'Z') ||
			(start[i] >= 'a' && start[i] <= 'z'))
			return true;
	return false;
}

/*
 * Translate what people type into a search box into the syntax of to_tsquery().  All words
 * must occur.  "or" between two words, -word, "a phrase" and wor* mean what they mean
 * elsewhere; everything else is text.  Empty when nothing is left.
 */
static char *
translate_query(const char *typed)
{
	StringInfoData query;
	const char *c = typed;
	bool		or_next = false;

	initStringInfo(&query);
	for (;;)
	{
		bool		negated = false;
		bool		prefix = false;
		bool		phrase;
		const char *start;
		int			length;

		while (is_space(*c))
			c++;
		if (*c == '\0')
			break;
		/* A lone hyphen is not a word either. */
		if (*c == '-')
		{
			negated = true;
			c++;
		}
		phrase = *c == '"';
		if (phrase)
			c++;
		start = c;
		while (*c != '\0' && (phrase ? *c != '"' : !is_space(*c) && *c != '"'))
			c++;
		length = c - start;
		if (phrase && *c == '"')
			c++;

		if (!phrase && !negated && length == 2 &&
			pg_strncasecmp(start, "or", 2) == 0)
		{
			or_next = query.len > 0;
			continue;
		}
		if (!phrase && length > 1 && start[length - 1] == '*')
		{
			prefix = true;
			length--;
		}
		if (!has_word(start, length))
			continue;

		if (query.len > 0)
			appendStringInfoString(&query, or_next ? " | " : " & ");
		or_next = false;
		if (negated)
			appendStringInfoChar(&query, '!');
		append_operand(&query, start, length, prefix);
	}
	return query.data;
}

/*
 * casnet.search_query(query text) returns tsquery
 *
 * The query for the text, by the text search configuration casnet.search.  Raises 22023
 * when the text is blank (as NULL is) or longer than 2,000 bytes, 55000 when the
 * configuration is missing.
 */
Datum
casnet_search_query(PG_FUNCTION_ARGS)
{
	text	   *typed = PG_ARGISNULL(0) ? NULL : PG_GETARG_TEXT_PP(0);
	char	   *query;
	Oid			configuration;

	if (typed != NULL && VARSIZE_ANY_EXHDR(typed) > MAX_QUERY_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the search query is longer than %d bytes",
						MAX_QUERY_BYTES),
				 errhint("Search for fewer words.")));
	query = typed == NULL ? "" : translate_query(text_to_cstring(typed));
	if (*query == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the search query is blank"),
				 errhint("Give a word to search for, such as 'bicycle', or the beginning of one, such as 'bic*'.")));

	configuration = get_ts_config_oid(list_make2(makeString("casnet"),
												 makeString("search")), true);
	if (!OidIsValid(configuration))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("text search configuration casnet.search does not exist"),
				 errhint("A superuser can make it with SELECT casnet.install().")));
	PG_RETURN_DATUM(OidFunctionCall2(F_TO_TSQUERY_REGCONFIG_TEXT,
									 ObjectIdGetDatum(configuration),
									 CStringGetTextDatum(query)));
}

/*
 * Raises 54001 if the stack is too small for the query.  The server's match visits an
 * operand of AND only if the text has the one before it.  So without this check,
 * 'word' & deep would fail only for texts with that word, and reveal them.
 */
static void
check_depth(QueryItem *item)
{
	volatile char frame[QUERY_FRAME_BYTES];

	check_stack_depth();
	frame[0] = item->type;
	if (frame[0] != QI_OPR)
		return;
	check_depth(item + 1);
	if (item->qoperator.oper != OP_NOT)
		check_depth(item + item->qoperator.left);
	frame[0] = 0;				/* no tail call: the frames must add up */
}

static void
check_query(TSQuery query)
{
	if (query->size > 0)
		check_depth(GETQUERY(query));
}

/*
 * casnet_internal.search_match(vector tsvector, query tsquery) returns boolean
 *
 * Whether the text matches.  LEAKPROOF: it raises 54001 for a query that is nested too
 * deep, whatever the text.
 */
Datum
casnet_search_match(PG_FUNCTION_ARGS)
{
	check_query(PG_GETARG_TSQUERY(1));
	return ts_match_vq(fcinfo);
}

/* GIN support: check a query, then return its keys. */
Datum
casnet_gin_extract_search_query(PG_FUNCTION_ARGS)
{
	check_query(PG_GETARG_TSQUERY(0));
	return gin_extract_tsquery(fcinfo);
}

/*
 * casnet_internal.search_limit(max_rows integer) returns bigint
 *
 * The number of rows that a search returns at most: the argument, or 20 for NULL.  Raises
 * 22023 unless it is from 1 to 1,000.
 */
Datum
casnet_search_limit(PG_FUNCTION_ARGS)
{
	int32		wanted = PG_ARGISNULL(0) ? DEFAULT_ROWS : PG_GETARG_INT32(0);

	if (wanted < 1 || wanted > MAX_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_rows is out of range"),
				 errhint("Ask for 1 to %d rows.", MAX_ROWS)));
	PG_RETURN_INT64(wanted);
}

/*
 * casnet_internal.search_part(part text) returns text
 *
 * The part in the form of names.  Raises 22023 when all of it is invisible.
 */
Datum
casnet_search_part(PG_FUNCTION_ARGS)
{
	text	   *part = PG_ARGISNULL(0) ? NULL :
		casnet_name_form_of(PG_GETARG_TEXT_PP(0));

	if (part == NULL || VARSIZE_ANY_EXHDR(part) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the part to search for is blank"),
				 errhint("Give a few letters of the name.")));
	PG_RETURN_TEXT_P(part);
}

/*
 * Lower case by the database's own locale, as pg_trgm does it.  In multibyte encodings
 * other than UTF8 this folds ASCII only.  The server checks their values only by the
 * pattern of the bytes, and would raise here if the C library does not know a character.
 * An index folds more, and still finds all that is then compared.
 */
static text *
fold(const char *string, size_t length)
{
	if (pg_database_encoding_max_length() > 1 &&
		GetDatabaseEncoding() != PG_UTF8)
		return cstring_to_text(asc_tolower(string, length));
	return cstring_to_text(str_tolower(string, length,
									   DEFAULT_COLLATION_OID));
}

/*
 * casnet_internal.contains(value text, part text) returns boolean
 *
 * Whether the part occurs in the first 64 kB of the value, ignoring case.  Takes the part
 * literally, so none is malformed.  LEAKPROOF: no value can make it raise, and a value
 * beyond 64 kB takes no more memory.
 */
Datum
casnet_contains(PG_FUNCTION_ARGS)
{
	text	   *value = PG_GETARG_TEXT_P_SLICE(0, 0, MAX_SEARCHED_BYTES);
	text	   *part = PG_GETARG_TEXT_PP(1);
	int			length = VARSIZE_ANY_EXHDR(value);
	Datum		position;

	if (VARSIZE_ANY_EXHDR(part) > MAX_SEARCHED_BYTES)
		PG_RETURN_BOOL(false);
	/* The slice can end within a character. */
	if (length == MAX_SEARCHED_BYTES)
		length = pg_mbcliplen(VARDATA_ANY(value), length, length - 4);

	value = fold(VARDATA_ANY(value), length);
	part = fold(VARDATA_ANY(part), VARSIZE_ANY_EXHDR(part));
	position = DirectFunctionCall2Coll(textpos, DEFAULT_COLLATION_OID,
									   PointerGetDatum(value),
									   PointerGetDatum(part));
	PG_RETURN_BOOL(DatumGetInt32(position) > 0);
}

/*
 * casnet_internal.gin_extract_substring(text, internal, int2, internal, internal,
 *		internal, internal) returns internal
 *
 * GIN support: the trigrams of a substring.  pg_trgm finds those of a LIKE pattern, so
 * this makes the part one.
 */
Datum
casnet_gin_extract_substring(PG_FUNCTION_ARGS)
{
	static PGFunction extract = NULL;
	text	   *part = PG_GETARG_TEXT_PP(0);
	int			length = VARSIZE_ANY_EXHDR(part);
	StringInfoData pattern;

	/* Drop the rest of a longer part, which contains() finds nowhere anyway. */
	if (length > MAX_SEARCHED_BYTES)
		length = pg_mbcliplen(VARDATA_ANY(part), length, MAX_SEARCHED_BYTES);
	if (extract == NULL)
		extract = load_external_function("$libdir/pg_trgm",
										 "gin_extract_query_trgm", true, NULL);

	initStringInfo(&pattern);
	appendStringInfoChar(&pattern, '%');
	for (int i = 0; i < length; i++)
	{
		char		c = VARDATA_ANY(part)[i];

		if (c == '%' || c == '_' || c == '\\')
			appendStringInfoChar(&pattern, '\\');
		appendStringInfoChar(&pattern, c);
	}
	appendStringInfoChar(&pattern, '%');

	fcinfo->args[0].value =
		PointerGetDatum(cstring_to_text_with_len(pattern.data, pattern.len));
	return extract(fcinfo);
}

/*
 * GIN support for equality of uuids, so that the tenant can lead the index.  The only key
 * of a value, and of a query, is the uuid itself.
 */
Datum
casnet_gin_extract_uuid(PG_FUNCTION_ARGS)
{
	Datum	   *keys = palloc(sizeof(Datum));

	*(int32 *) PG_GETARG_POINTER(1) = 1;
	keys[0] = PG_GETARG_DATUM(0);
	PG_RETURN_POINTER(keys);
}

/* A row with the key has the value, so there is nothing to check again. */
Datum
casnet_gin_uuid_consistent(PG_FUNCTION_ARGS)
{
	*(bool *) PG_GETARG_POINTER(5) = false;
	PG_RETURN_BOOL(((bool *) PG_GETARG_POINTER(0))[0]);
}
