/*
 * search.c
 *		Full-text and substring search that may use an index under a policy.
 *
 * The server uses an index below a policy only for operators whose functions
 * are leakproof.  Its own match operator @@ and LIKE are not marked so.  Ours
 * are: full text is ts_match_vq() of the server itself behind a check of the
 * query, and substrings are found by casnet_contains() below.  Why that is
 * honest is told in README.md beside this file.
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

/* Longest search text, in bytes; a lexeme may have 2,046. */
#define MAX_QUERY_BYTES 2000

/* Substrings are looked for in so many bytes at the beginning of a value. */
#define MAX_SEARCHED_BYTES 65536

/* Most rows that a search function returns, and how many by default. */
#define MAX_ROWS 1000
#define DEFAULT_ROWS 20

/* More stack than the server takes for each level of a query. */
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
 * typed, so where accents may be part of a letter or follow it, it is either.
 */
static void
append_operand(StringInfo query, const char *start, int length, bool prefix)
{
	int			others = 0;

	for (int composed = 0; composed <= 1; composed++)
	{
		text	   *other = casnet_name_respelled(start, length, composed);

		/* A word that is so long is in no text. */
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
 * What people type into a search box, in the syntax of to_tsquery().  Words
 * must all occur; "or" between two words, -word, "a phrase" and wor* mean what
 * they do elsewhere; everything else is text.  Empty when nothing is left.
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
		/* Before nothing, it is no word either. */
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
 * The query that the text stands for, by the text search configuration
 * casnet.search.  Raises 22023 when it is blank or longer than 2,000 bytes,
 * 55000 when the configuration is missing.  NULL is blank.
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
 * Raise 54001 if the stack is too small for the query.  The server's match
 * goes into an operand only if the text has those before it, so without this
 * 'word' & deep would fail for the texts with that word only.
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
 * Whether the text matches.  LEAKPROOF: it raises for a query that is nested
 * too deep, whatever the text.
 */
Datum
casnet_search_match(PG_FUNCTION_ARGS)
{
	check_query(PG_GETARG_TSQUERY(1));
	return ts_match_vq(fcinfo);
}

/* GIN support: the keys of a query, once it has been checked. */
Datum
casnet_gin_extract_search_query(PG_FUNCTION_ARGS)
{
	check_query(PG_GETARG_TSQUERY(0));
	return gin_extract_tsquery(fcinfo);
}

/*
 * casnet_internal.search_limit(max_rows integer) returns bigint
 *
 * The number of rows that a search may return: what was asked for, 20 for
 * NULL.  Raises 22023 unless it is from 1 to 1,000.
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
 * The part in the form of names.  Raises 22023 when there is nothing in it to see.
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
 * Lower case by the database's own locale, as pg_trgm does it.  In multibyte
 * encodings other than UTF8, which the server checks by the pattern of their
 * bytes only, the C library does not know every character and the server
 * would raise for such a value; so there, ASCII only.  An index, which folds
 * more, still finds all that is then compared.
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
 * Whether the part occurs in the first 64 kB of the value, ignoring case.  The
 * part is taken literally, so there is no malformed one.  LEAKPROOF: nothing
 * about the value can make it raise, and it takes no more memory for a longer
 * one.
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
	/* The slice may end within a character. */
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
 * GIN support: the trigrams of a substring.  pg_trgm knows those of a LIKE
 * pattern, so the part becomes one.
 */
Datum
casnet_gin_extract_substring(PG_FUNCTION_ARGS)
{
	static PGFunction extract = NULL;
	text	   *part = PG_GETARG_TEXT_PP(0);
	int			length = VARSIZE_ANY_EXHDR(part);
	StringInfoData pattern;

	/* The rest of a longer one is not looked for: contains() finds it nowhere. */
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
 * GIN support for equality of uuids, so that the tenant leads the index: the
 * only key of a value, and of a query, is itself.
 */
Datum
casnet_gin_extract_uuid(PG_FUNCTION_ARGS)
{
	Datum	   *keys = palloc(sizeof(Datum));

	*(int32 *) PG_GETARG_POINTER(1) = 1;
	keys[0] = PG_GETARG_DATUM(0);
	PG_RETURN_POINTER(keys);
}

/* A row with the key has the value; nothing to check again. */
Datum
casnet_gin_uuid_consistent(PG_FUNCTION_ARGS)
{
	*(bool *) PG_GETARG_POINTER(5) = false;
	PG_RETURN_BOOL(((bool *) PG_GETARG_POINTER(0))[0]);
}
