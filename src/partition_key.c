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
#include "access/transam.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_partitioned_table.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "casnet.h"

PG_FUNCTION_INFO_V1(casnet_strange_partition_key);

/* Whether a role that is not trusted owns a function; context is the role it runs as. */
static bool
is_strange_function(Oid function, void *context)
{
	HeapTuple	tuple;
	Oid			owner;

	if (function < FirstNormalObjectId)
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return true;
	owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	return !casnet_security_is_trusted(owner, *(Oid *) context);
}

/* The same for a type, such as a domain with checks. */
static bool
is_strange_type(Oid type, Oid role)
{
	HeapTuple	tuple;
	Oid			owner;

	if (type < FirstNormalObjectId)
		return false;
	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	if (!HeapTupleIsValid(tuple))
		return true;
	owner = ((Form_pg_type) GETSTRUCT(tuple))->typowner;
	ReleaseSysCache(tuple);
	return !casnet_security_is_trusted(owner, role);
}

/* Whether an expression calls such a function, or has a value of such a type. */
static bool
is_strange(Node *node, void *context)
{
	if (node == NULL)
		return false;
	/* A whole row has the type of the table itself. */
	if (!IsA(node, List) &&
		!(IsA(node, Var) && ((Var *) node)->varattno == InvalidAttrNumber) &&
		is_strange_type(exprType(node), *(Oid *) context))
		return true;
	return check_functions_in_node(node, is_strange_function, context) ||
		expression_tree_walker(node, is_strange, context);
}

/*
 * Whether an expression that is evaluated as that role calls a function, or has a type, of
 * a role that does not have its rights.
 */
bool
casnet_expression_is_strange(Node *expression, Oid role)
{
	return is_strange(expression, &role);
}

/* The same for one function. */
bool
casnet_function_is_strange(Oid function, Oid role)
{
	return is_strange_function(function, &role);
}

/*
 * Whether values of the type go through the checks of a domain of a role that is not
 * trusted; role is the one as which they are made.  That role can change the checks at any
 * time, and they can run SQL by functions of the server, which no hook sees.
 */
bool
casnet_type_is_checked_by_strangers(Oid type, Oid role)
{
	Oid			element;

	check_stack_depth();
	if (type < FirstNormalObjectId)
		return false;
	switch (get_typtype(type))
	{
		case TYPTYPE_DOMAIN:
			return is_strange_type(type, role) ||
				casnet_type_is_checked_by_strangers(getBaseType(type), role);
		case TYPTYPE_RANGE:
			return casnet_type_is_checked_by_strangers(get_range_subtype(type),
													   role);
		case TYPTYPE_MULTIRANGE:
			return casnet_type_is_checked_by_strangers(get_multirange_range(type),
													   role);
		case TYPTYPE_COMPOSITE:
			{
				TupleDesc	columns = lookup_rowtype_tupdesc(type, -1);
				bool		result = false;

				for (int i = 0; i < columns->natts && !result; i++)
					result = !TupleDescAttr(columns, i)->attisdropped &&
						casnet_type_is_checked_by_strangers(TupleDescAttr(columns, i)->atttypid,
															role);
				ReleaseTupleDesc(columns);
				return result;
			}
		default:
			element = get_element_type(type);
			return OidIsValid(element) &&
				casnet_type_is_checked_by_strangers(element, role);
	}
}

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
			casnet_expression_is_strange(stringToNode(TextDatumGetCString(expressions)),
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
