/*
 * row.c
 *		Rows that only C writes: keys, hashes, revocations, invitations and codes.
 *
 * A statement with such a row would show it in its plan and its parameters, so casnet runs
 * none.  It passes a new row to the executor's functions, which apply the defaults,
 * constraints, indexes and triggers of the table.
 *
 * Cleaning up never waits.  A row that somebody else holds stays until the next time.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "rewrite/rewriteHandler.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "casnet.h"

/* Give the columns their defaults; the caller then sets those that it knows. */
static void
fill_defaults(TupleTableSlot *slot, Relation relation, EState *estate)
{
	TupleDesc	columns = RelationGetDescr(relation);
	ExprContext *context = GetPerTupleExprContext(estate);

	for (int i = 0; i < columns->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(columns, i);
		Expr	   *value = NULL;

		slot->tts_values[i] = (Datum) 0;
		slot->tts_isnull[i] = true;
		if (attribute->attisdropped || attribute->attgenerated)
			continue;
		value = (Expr *) build_column_default(relation, i + 1);
		if (value != NULL)
			slot->tts_values[i] =
				ExecEvalExpr(ExecPrepareExpr(value, estate), context,
							 &slot->tts_isnull[i]);
	}
}

/*
 * Add a row to one of the tables, with the columns of casnet.h, and make it visible to the
 * next command.  Raises 25006 in a read-only transaction, and 55000 when the table is not
 * as casnet.install() made it.
 */
void
casnet_row_insert(CasnetTable table, const Datum *values, const bool *isnull)
{
	Relation	relation;
	EState	   *estate;
	MemoryContext oldcontext;
	ResultRelInfo *target;
	TupleTableSlot *slot;

	PreventCommandIfReadOnly("INSERT");
	PreventCommandIfParallelMode("INSERT");
	relation = casnet_catalog_open(table, RowExclusiveLock);
	if (relation->rd_rel->relkind != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table %s of casnet is not a plain table",
						RelationGetRelationName(relation)),
				 errhint("casnet needs this table as casnet.install() made it; undo the change.")));
	estate = CreateExecutorState();
	oldcontext = MemoryContextSwitchTo(estate->es_query_cxt);
	estate->es_output_cid = GetCurrentCommandId(true);
	target = makeNode(ResultRelInfo);
	InitResultRelInfo(target, relation, 0, NULL, 0);
	ExecOpenIndices(target, false);
	slot = ExecInitExtraTupleSlot(estate, RelationGetDescr(relation),
								  table_slot_callbacks(relation));
	ExecClearTuple(slot);
	fill_defaults(slot, relation, estate);
	casnet_catalog_fill(table, slot, values, isnull);
	ExecStoreVirtualTuple(slot);

	AfterTriggerBeginQuery();
	ExecSimpleRelationInsert(target, estate, slot);
	AfterTriggerEndQuery(estate);

	ExecCloseIndices(target);
	ExecResetTupleTable(estate->es_tupleTable, false);
	ExecCloseResultRelations(estate);
	MemoryContextSwitchTo(oldcontext);
	FreeExecutorState(estate);

	/* No trigger announces it if session_replication_role is replica. */
	casnet_news_announce(table, relation);
	table_close(relation, NoLock);
	CommandCounterIncrement();
}

/*
 * Delete a row that a scan found; returns whether this deleted it.  Without wait, a row
 * that somebody else holds stays.  The row remains visible here until
 * CommandCounterIncrement().
 */
bool
casnet_row_delete(CasnetTable table, ItemPointer row, bool wait)
{
	Relation	relation;
	TM_FailureData failure;
	TM_Result	result;

	PreventCommandIfReadOnly("DELETE");
	PreventCommandIfParallelMode("DELETE");
	relation = casnet_catalog_open(table, RowExclusiveLock);
	if (relation->rd_rel->relkind != RELKIND_RELATION)
		elog(ERROR, "rows to delete are in no plain table");
	result = casnet_tuple_delete(relation, row, wait, &failure);

	/* Without wait, the server also stops at a lock of this transaction. */
	if (result == TM_BeingModified &&
		TransactionIdIsCurrentTransactionId(failure.xmax))
		result = casnet_tuple_delete(relation, row, true, &failure);
	if (result == TM_Ok)
		casnet_news_announce(table, relation);
	table_close(relation, NoLock);
	return result == TM_Ok;
}

/* Delete those of the rows that nobody else holds. */
void
casnet_row_delete_all(CasnetTable table, const ItemPointerData *rows, int count)
{
	for (int i = 0; i < count; i++)
		(void) casnet_row_delete(table, (ItemPointer) &rows[i], false);
	if (count > 0)
		CommandCounterIncrement();
}

/* How many expired rows are deleted at a time. */
#define MAX_CLEARED 100

/* Delete rows whose time, the key of that path, is before the given one. */
void
casnet_row_clear(CasnetTable table, CasnetPath path, TimestampTz before)
{
	ItemPointerData rows[MAX_CLEARED];
	Snapshot	snapshot = casnet_catalog_snapshot();
	CasnetScan	scan;
	HeapTuple	tuple;
	int			count = 0;

	casnet_scan_begin(&scan, path, snapshot, TimestampTzGetDatum(before),
					  (Datum) 0);
	while (count < MAX_CLEARED && (tuple = casnet_scan_next(&scan)) != NULL)
		rows[count++] = tuple->t_self;
	casnet_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	casnet_row_delete_all(table, rows, count);
}
