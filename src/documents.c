/*
 * documents.c
 *		The documents of an import, in a table of the caller's.
 *
 * No statement reads them, so nothing that others have put into the table is evaluated.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "casnet.h"

PG_FUNCTION_INFO_V1(casnet_lock_documents);
PG_FUNCTION_INFO_V1(casnet_read_documents);

/* Raises 42809. */
static void
refuse_documents(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("the documents are not in an ordinary table without row security"),
			 errhint("Copy them into a table of your own.")));
}

/* Raises 42P01; 42501 without any of the privileges; 42809 as below. */
static void
require_documents(Oid table, AclMode privileges)
{
	casnet_owner_require_table(table);
	if (pg_class_aclcheck(table, GetUserId(), privileges) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(table));
	if (get_rel_relkind(table) != RELKIND_RELATION ||
		check_enable_rls(table, InvalidOid, true) == RLS_ENABLED)
		refuse_documents();
}

/*
 * casnet_internal.lock_documents(documents regclass) returns void
 *
 * Locks the table with the documents of an import against changes, by its OID; internal.
 * Raises 42P01 if there is no such table.  Raises 42809 unless it is an ordinary table
 * without row security for the caller; casnet's own tables have row security.  Raises
 * 42501 if the caller must not lock it.
 */
Datum
casnet_lock_documents(PG_FUNCTION_ARGS)
{
	Oid			table = PG_GETARG_OID(0);

	require_documents(table, ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE);
	LockRelationOid(table, ShareLock);
	casnet_owner_require_table(table);
	PG_RETURN_VOID();
}

/*
 * The number of the column with the documents.  Raises 42703 if there is none of that
 * name, 42809 unless it is a jsonb, not a domain, whose values are stored.
 */
static AttrNumber
document_number(Relation relation, const char *name)
{
	TupleDesc	columns = RelationGetDescr(relation);

	for (int i = 0; i < columns->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, i);

		if (column->attisdropped || strcmp(NameStr(column->attname), name) != 0)
			continue;
		if (column->atttypid != JSONBOID ||
			(column->attgenerated != '\0' &&
			 column->attgenerated != ATTRIBUTE_GENERATED_STORED))
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("column \"%s\" of table \"%s\" is not of type jsonb", name,
							RelationGetRelationName(relation)),
					 errhint("Load the documents into a table of their own, such as a temporary one: CREATE TEMP TABLE documents (document jsonb).")));
		return column->attnum;
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("table \"%s\" has no column \"%s\"",
					RelationGetRelationName(relation), name),
			 errhint("Name the column with the documents.")));
}

/* Put the documents between two TIDs into the result. */
static void
fetch_documents(Relation relation, AttrNumber number, ItemPointer first,
				ItemPointer last, ReturnSetInfo *result)
{
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	Snapshot	snapshot = RegisterSnapshot(GetActiveSnapshot());
	TableScanDesc scan = casnet_beginscan_tidrange(relation, snapshot, first, last);
	MemoryContext documents = AllocSetContextCreate(CurrentMemoryContext,
													"casnet documents",
													ALLOCSET_DEFAULT_SIZES);
	MemoryContext former = MemoryContextSwitchTo(documents);

	while (table_scan_getnextslot_tidrange(scan, ForwardScanDirection, slot))
	{
		Datum		values[2];
		bool		isnull[2] = {false, false};

		values[0] = PointerGetDatum(&slot->tts_tid);
		values[1] = slot_getattr(slot, number, &isnull[1]);
		/* The row could be gone when the result is read. */
		if (!isnull[1])
			values[1] = PointerGetDatum(PG_DETOAST_DATUM(values[1]));
		tuplestore_putvalues(result->setResult, result->setDesc, values, isnull);
		MemoryContextReset(documents);
		CHECK_FOR_INTERRUPTS();
	}
	MemoryContextSwitchTo(former);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(slot);
}

/*
 * casnet_internal.read_documents(documents regclass, document_column name, first tid, last tid,
 * OUT at tid, OUT document jsonb) returns setof record
 *
 * The documents from one TID to another in a table that the caller may read.  No query
 * reads them, so no code runs that others have put into the table or its types.  The name
 * means a column and nothing else.  Raises 42P01 if there is no such table.  Raises 42809
 * unless it is an ordinary table without row security for the caller, and the column a
 * jsonb.  Raises 42703 for a missing column, 42501 if the caller must not read it.
 */
Datum
casnet_read_documents(PG_FUNCTION_ARGS)
{
	Oid			table = PG_GETARG_OID(0);
	Relation	relation;
	AttrNumber	number;

	require_documents(table, ACL_SELECT);
	LockRelationOid(table, AccessShareLock);
	/* It could have changed during the wait. */
	require_documents(table, ACL_SELECT);
	relation = table_open(table, NoLock);
	/* Not every access method can scan by TID. */
	if (relation->rd_tableam->scan_set_tidrange == NULL)
		refuse_documents();
	number = document_number(relation, NameStr(*PG_GETARG_NAME(1)));
	InitMaterializedSRF(fcinfo, 0);
	fetch_documents(relation, number, (ItemPointer) PG_GETARG_POINTER(2),
					(ItemPointer) PG_GETARG_POINTER(3),
					(ReturnSetInfo *) fcinfo->resultinfo);
	table_close(relation, NoLock);
	return (Datum) 0;
}
