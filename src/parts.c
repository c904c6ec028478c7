/*
 * parts.c
 *		Parts of names and titles, and the index for them.
 *
 * The keys of a value are three characters each, from each character on, as fold.c has
 * them.  A part of three characters or more has its own threes, and a shorter one all keys
 * that begin with it.  So a part of any length in any script is found by index.
 */
#include "postgres.h"

#include "access/gin.h"
#include "access/stratnum.h"
#include "catalog/pg_collation.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "casnet.h"

/* As many keys of a part are looked up. */
#define MAX_PART_KEYS 64

/* The bits of a character in a key; a character of another encoding can need more. */
#define CHARACTER_BITS 21
#define CHARACTER_MASK ((INT64CONST(1) << CHARACTER_BITS) - 1)

PG_FUNCTION_INFO_V1(casnet_contains);
PG_FUNCTION_INFO_V1(casnet_gin_extract_value_parts);
PG_FUNCTION_INFO_V1(casnet_gin_extract_part);
PG_FUNCTION_INFO_V1(casnet_gin_compare_part);
PG_FUNCTION_INFO_V1(casnet_gin_part_consistent);
PG_FUNCTION_INFO_V1(casnet_gin_part_triconsistent);

/* What is searched of a value, as it is compared. */
static text *
folded_value(Datum value)
{
	text	   *slice = DatumGetTextPSlice(value, 0, CASNET_SEARCHED_BYTES);
	int			length = VARSIZE_ANY_EXHDR(slice);

	/* The slice can end within a character. */
	if (length == CASNET_SEARCHED_BYTES)
		length = pg_mbcliplen(VARDATA_ANY(slice), length, length - 4);
	return casnet_fold(VARDATA_ANY(slice), length);
}

/*
 * casnet_internal.contains(value text, part text) returns boolean
 *
 * Whether the part occurs in the first 64 kB of the value, whatever the case and the
 * accents.  Takes the part literally, so none is malformed.  LEAKPROOF: no value can make
 * it raise, and a value beyond 64 kB takes no more memory.
 */
Datum
casnet_contains(PG_FUNCTION_ARGS)
{
	text	   *part = PG_GETARG_TEXT_PP(1);
	Datum		position;

	if (VARSIZE_ANY_EXHDR(part) > CASNET_SEARCHED_BYTES)
		PG_RETURN_BOOL(false);
	part = casnet_fold(VARDATA_ANY(part), VARSIZE_ANY_EXHDR(part));
	position = DirectFunctionCall2Coll(textpos, DEFAULT_COLLATION_OID,
									   PointerGetDatum(folded_value(PG_GETARG_DATUM(0))),
									   PointerGetDatum(part));
	PG_RETURN_BOOL(DatumGetInt32(position) > 0);
}

/* The key of up to three characters; zeros stand for what is not there. */
static int64
key_of(const pg_wchar *characters, int count)
{
	int64		key = 0;

	for (int i = 0; i < 3; i++)
		key = key << CHARACTER_BITS |
			(i < count ? characters[i] & CHARACTER_MASK : 0);
	return key;
}

/* The characters of a folded text. */
static pg_wchar *
characters_of(text *folded, int *count)
{
	int			length = VARSIZE_ANY_EXHDR(folded);
	pg_wchar   *characters = palloc((length + 1) * sizeof(pg_wchar));

	*count = pg_mb2wchar_with_len(VARDATA_ANY(folded), characters, length);
	return characters;
}

/*
 * casnet_internal.gin_extract_value_parts(text, internal, internal) returns internal
 *
 * GIN support: the keys of a value.
 */
Datum
casnet_gin_extract_value_parts(PG_FUNCTION_ARGS)
{
	int32	   *nkeys = (int32 *) PG_GETARG_POINTER(1);
	int			count;
	pg_wchar   *characters = characters_of(folded_value(PG_GETARG_DATUM(0)), &count);
	Datum	   *keys = palloc((count + 1) * sizeof(Datum));

	for (int i = 0; i < count; i++)
		keys[i] = Int64GetDatum(key_of(characters + i, count - i));
	*nkeys = count;
	PG_RETURN_POINTER(keys);
}

/*
 * casnet_internal.gin_extract_part(text, internal, int2, internal, internal, internal,
 *		internal) returns internal
 *
 * GIN support: the keys of a part, or how one begins.  A part of which nothing is compared
 * is in every value.
 */
Datum
casnet_gin_extract_part(PG_FUNCTION_ARGS)
{
	text	   *part = PG_GETARG_TEXT_PP(0);
	int32	   *nkeys = (int32 *) PG_GETARG_POINTER(1);
	bool	  **partial = (bool **) PG_GETARG_POINTER(3);
	Pointer   **extra = (Pointer **) PG_GETARG_POINTER(4);
	int32	   *mode = (int32 *) PG_GETARG_POINTER(6);
	int			count;
	pg_wchar   *characters;
	Datum	   *keys = palloc(MAX_PART_KEYS * sizeof(Datum));

	*nkeys = 0;
	/* No value contains a longer part. */
	if (VARSIZE_ANY_EXHDR(part) > CASNET_SEARCHED_BYTES)
		PG_RETURN_POINTER(keys);
	characters = characters_of(casnet_fold(VARDATA_ANY(part), VARSIZE_ANY_EXHDR(part)),
							   &count);
	if (count == 0)
		*mode = GIN_SEARCH_MODE_ALL;
	else if (count < 3)
	{
		*nkeys = 1;
		keys[0] = Int64GetDatum(key_of(characters, count));
		*partial = palloc(sizeof(bool));
		(*partial)[0] = true;
		*extra = palloc(sizeof(Pointer));
		(*extra)[0] = (Pointer) keys;	/* not NULL: of one character */
		if (count == 2)
			(*extra)[0] = NULL;
	}
	else
	{
		*nkeys = Min(count - 2, MAX_PART_KEYS);
		for (int i = 0; i < *nkeys; i++)
			keys[i] = Int64GetDatum(key_of(characters + i, 3));
	}
	PG_RETURN_POINTER(keys);
}

/*
 * casnet_internal.gin_compare_part(bigint, bigint, int2, internal) returns integer
 *
 * GIN support: 0 if the second key begins with the one or two characters of the first, 1
 * if no later one does.
 */
Datum
casnet_gin_compare_part(PG_FUNCTION_ARGS)
{
	int			bits = PG_GETARG_POINTER(3) == NULL ? CHARACTER_BITS : 2 * CHARACTER_BITS;

	PG_RETURN_INT32(PG_GETARG_INT64(0) >> bits == PG_GETARG_INT64(1) >> bits ? 0 : 1);
}

/*
 * casnet_internal.gin_part_consistent(internal, int2, text, int4, internal, internal,
 *		internal, internal) returns boolean
 *
 * GIN support: a value with all keys can contain the part.
 */
Datum
casnet_gin_part_consistent(PG_FUNCTION_ARGS)
{
	bool	   *check = (bool *) PG_GETARG_POINTER(0);
	int32		nkeys = PG_GETARG_INT32(3);

	*(bool *) PG_GETARG_POINTER(5) = true;
	for (int i = 0; i < nkeys; i++)
		if (!check[i])
			PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(true);
}

/*
 * casnet_internal.gin_part_triconsistent(internal, int2, text, int4, internal, internal,
 *		internal) returns "char"
 *
 * The same when it is not known of some keys.
 */
Datum
casnet_gin_part_triconsistent(PG_FUNCTION_ARGS)
{
	GinTernaryValue *check = (GinTernaryValue *) PG_GETARG_POINTER(0);
	int32		nkeys = PG_GETARG_INT32(3);

	for (int i = 0; i < nkeys; i++)
		if (check[i] == GIN_FALSE)
			PG_RETURN_GIN_TERNARY_VALUE(GIN_FALSE);
	PG_RETURN_GIN_TERNARY_VALUE(GIN_MAYBE);
}
