/*
 * partition_key.c
 *		Which role owns the code that the partition keys of a table call.
 *
 * The server opens a partitioned table to change it, or to look at a partition.  It then
 * folds the expressions of the partition key as the current role.  If a key on the way
 * calls code that is not a superuser's, casnet handles the table only as its owner.
 *
 * This file reads the catalogs as they are at this moment, whatever the snapshot of the
 * transaction or the statement is.  It reads the expressions as they are stored, and opens
 * neither the table nor the key.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_partitioned_table.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "casnet.h"

PG_FUNCTION_INFO_V1(casnet_strange_partition_key);

/* Whether the key of one table calls code that is not a superuser's. */
static bool
has_strange_key(Oid table)
{
	HeapTuple	tuple = SearchSysCache1(PARTRELID, ObjectIdGetDatum(table));
	Datum		expressions;
	bool		isnull;
	bool		result = false;

	if (!HeapTupleIsValid(tuple))
		return false;
	expressions = SysCacheGetAttr(PARTRELID, tuple,
								  Anum_pg_partitioned_table_partexprs, &isnull);
	if (!isnull)
		result =
			casnet_stranger_in_expression(stringToNode(TextDatumGetCString(expressions)),
										 InvalidOid);
	ReleaseSysCache(tuple);
	return result;
}

/*
 * The table, one below it or one above it whose key calls code that is not a superuser's;
 * InvalidOid if none does.  The answer stays true while the tables are locked against
 * changes.
 */
Oid
casnet_partition_key_strange(Oid table)
{
	List	   *tables = find_all_inheritors(table, NoLock, NULL);
	ListCell   *lc;

	if (get_rel_relispartition(table))
		tables = list_concat(tables, get_partition_ancestors(table));
	foreach(lc, tables)
		if (has_strange_key(lfirst_oid(lc)))
			return lfirst_oid(lc);
	return InvalidOid;
}

/*
 * casnet_internal.strange_partition_key(relation regclass) returns regclass
 *
 * The same for SQL, NULL if none does; internal.
 */
Datum
casnet_strange_partition_key(PG_FUNCTION_ARGS)
{
	Oid			table = PG_GETARG_OID(0);

	/* A regclass can be any number. */
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(table)))
		PG_RETURN_NULL();
	table = casnet_partition_key_strange(table);
	if (!OidIsValid(table))
		PG_RETURN_NULL();
	PG_RETURN_OID(table);
}
