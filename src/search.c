/*
 * search.c
 *		Full-text search that can use an index under a policy, and what people type.
 *
 * The server uses an index below a policy only for operators whose functions are
 * leakproof.  Its own match operator @@ is not.  casnet's is the server's ts_match_vq()
 * behind a check of the query.  README.md beside this file explains why that is honest.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "tsearch/ts_type.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "casnet.h"

/* Longest search text, in bytes; a lexeme can have 2,046. */
#define MAX_QUERY_BYTES 2000

/* The most rows that a search function returns, and the default. */
#define MAX_ROWS 1000
#define DEFAULT_ROWS 20

/* With more words in a query, how near to each other they stand does not count. */
#define MAX_RANKED_WORDS 8
#define MAX_RANKED_BEGINNINGS 4

/* More stack than the server needs for each level of a query. */
#define QUERY_FRAME_BYTES 512

PG_FUNCTION_INFO_V1(casnet_search_query);
PG_FUNCTION_INFO_V1(casnet_search_match);
PG_FUNCTION_INFO_V1(casnet_gin_extract_search_query);
PG_FUNCTION_INFO_V1(casnet_search_limit);
PG_FUNCTION_INFO_V1(casnet_search_rank);
PG_FUNCTION_INFO_V1(casnet_record_rank);
PG_FUNCTION_INFO_V1(casnet_search_part);
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
		append_quoted(&query, start, length, prefix);
	}
	return query.data;
}

/* Make the space of Chinese and Japanese spaces of ASCII. */
static void
make_spaces(char *typed)
{
	if (GetDatabaseEncoding() != PG_UTF8)
		return;
	for (char *c = strstr(typed, "\xe3\x80\x80"); c != NULL;
		 c = strstr(c, "\xe3\x80\x80"))
		memset(c, ' ', 3);
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

	if (typed != NULL && VARSIZE_ANY_EXHDR(typed) > MAX_QUERY_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the search query is longer than %d bytes",
						MAX_QUERY_BYTES),
				 errhint("Search for fewer words.")));
	query = typed == NULL ? pstrdup("") : text_to_cstring(typed);
	make_spaces(query);
	query = translate_query(query);
	if (*query == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the search query is blank"),
				 errhint("Give a word to search for, such as 'bicycle', or the beginning of one, such as 'bic*'.")));

	PG_RETURN_TSQUERY(casnet_words_query(casnet_words_configuration(), query));
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
 * casnet_internal.search_limit(max_rows integer, after_rank double precision,
 *		after_id uuid) returns bigint
 *
 * The number of rows that a search returns at most: the first argument, or 20 for NULL.
 * Raises 22023 unless it is from 1 to 1,000, and when only one of the others is given or
 * the rank is none.
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
	if (PG_ARGISNULL(1) != PG_ARGISNULL(2) ||
		(!PG_ARGISNULL(1) && isnan(PG_GETARG_FLOAT8(1))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("after_rank and after_id are not those of one row"),
				 errhint("Give both, as the last row of the page before has them in rank and record_id.")));
	PG_RETURN_INT64(wanted);
}

/*
 * casnet_internal.search_rank(after_rank double precision) returns real
 *
 * A rank that search_records() returned.  A client can make a number with more digits of
 * it; the nearest real is what it was.  What is out of the range of real becomes infinite.
 */
Datum
casnet_search_rank(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT4((float4) PG_GETARG_FLOAT8(0));
}

/* Whether a query has more words than are ranked by how near they stand. */
static bool
has_many_words(TSQuery query)
{
	QueryItem  *item = GETQUERY(query);
	int			words = 0;
	bool		begins = false;

	for (int i = 0; i < query->size; i++, item++)
		if (item->type == QI_VAL)
		{
			words++;
			begins |= item->qoperand.prefix;
		}
	return words > (begins ? MAX_RANKED_BEGINNINGS : MAX_RANKED_WORDS);
}

/*
 * casnet_internal.record_rank(vector tsvector, query tsquery) returns real
 *
 * The server's ts_rank().  For words that must all be there, its cost grows with the square
 * of their number and of their places in the text, without a look for a timeout.  Many words
 * are ranked like alternatives: by how often they occur, and where.
 */
Datum
casnet_record_rank(PG_FUNCTION_ARGS)
{
	TSQuery		query = PG_GETARG_TSQUERY(1);

	CHECK_FOR_INTERRUPTS();
	if (query->size > 0 && GETQUERY(query)->type == QI_OPR && has_many_words(query))
	{
		query = PG_GETARG_TSQUERY_COPY(1);
		GETQUERY(query)->qoperator.oper = OP_OR;
	}
	PG_RETURN_DATUM(DirectFunctionCall2(ts_rank_tt, PG_GETARG_DATUM(0),
										PointerGetDatum(query)));
}

/*
 * casnet_internal.search_part(part text) returns text
 *
 * The part in the form of names.  Raises 22023 when nothing of it is compared.  One that is
 * longer than what is searched is in no value, so nobody looks at its letters: that would
 * take long, and obey no timeout.
 */
Datum
casnet_search_part(PG_FUNCTION_ARGS)
{
	text	   *part = PG_ARGISNULL(0) ? NULL :
		casnet_name_form_of(PG_GETARG_TEXT_PP(0));

	if (part == NULL ||
		(VARSIZE_ANY_EXHDR(part) <= CASNET_SEARCHED_BYTES &&
		 VARSIZE_ANY_EXHDR(casnet_fold(VARDATA_ANY(part), VARSIZE_ANY_EXHDR(part))) == 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the part to search for is blank"),
				 errhint("Give a few letters of the name.")));
	PG_RETURN_TEXT_P(part);
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
