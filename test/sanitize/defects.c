/*
 * defects.c
 *		Functions that are wrong on purpose.  scripts/sanitize.sh calls them to check
 *		that the tools under which it runs the tests would notice.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/syscache.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(read_beyond);
PG_FUNCTION_INFO_V1(read_freed);
PG_FUNCTION_INFO_V1(read_unset);
PG_FUNCTION_INFO_V1(shift_too_far);
PG_FUNCTION_INFO_V1(keep_cached);

/* Where the compiler cannot see what is read. */
static volatile int32 seen;

/* read_beyond() returns integer: behind a palloc'ed array. */
Datum
read_beyond(PG_FUNCTION_ARGS)
{
	int32	   *array = palloc0(8 * sizeof(int32));
	volatile int n = 8;

	seen = array[n];
	PG_RETURN_INT32(seen);
}

/* read_freed() returns integer: an array that was given back. */
Datum
read_freed(PG_FUNCTION_ARGS)
{
	int32	   *array = palloc0(8 * sizeof(int32));
	int32	   *volatile kept = array;

	pfree(array);
	seen = kept[1];
	PG_RETURN_INT32(seen);
}

/* read_unset() returns integer: a decision by uninitialized memory. */
Datum
read_unset(PG_FUNCTION_ARGS)
{
	int32	   *array = palloc(8 * sizeof(int32));

	seen = 0;
	if (((volatile int32 *) array)[3] == 42)
		seen = 1;
	PG_RETURN_INT32(seen);
}

/* shift_too_far() returns integer: by more bits than there are. */
Datum
shift_too_far(PG_FUNCTION_ARGS)
{
	volatile int n = 40;

	seen = (1 << n) | 1;
	PG_RETURN_INT32(seen);
}

/*
 * keep_cached(regclass) returns text: the name of a table, from a cache entry that
 * was released before something that can empty the cache.
 */
Datum
keep_cached(PG_FUNCTION_ARGS)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, PG_GETARG_DATUM(0));
	const char *name;

	if (!HeapTupleIsValid(tuple))
		PG_RETURN_NULL();
	name = NameStr(((Form_pg_class) GETSTRUCT(tuple))->relname);
	ReleaseSysCache(tuple);
	AcceptInvalidationMessages();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(name, 8));
}
