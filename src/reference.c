/*
 * reference.c
 *		Clears references to a row that is about to go.
 *
 * A task may name a record and an assignee, an event a record.  When those
 * go, the task stays and forgets them.  ON DELETE SET NULL cannot say that of
 * a composite key whose other half is tenant_id, so a trigger does.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "casnet.h"

PG_FUNCTION_INFO_V1(casnet_clear_references);

/*
 * What this backend knows of a column that holds references, found by the names:
 * the UPDATE that clears it, whose text is the same with them, and which the
 * server plans anew once they mean something else; and the index by which
 * references to a table are found.  There are as many as tables and columns that
 * hold references.
 */
typedef struct
{
	NameData	schema;
	NameData	table;
	NameData	column;
	SPIPlanPtr	plan;			/* what is before it is the key */
	Oid			referencing;
	Oid			referenced;		/* InvalidOid: the others are not known */
	Oid			index;			/* InvalidOid: there is none */
	AttrNumber	tenant_number;
	AttrNumber	column_number;
} Reference;

static HTAB *references = NULL;

/* Moves when what was found out may be out of date. */
static uint64 reference_changes = 0;

/* A relcache message: indexes or keys may be others.  Never raises. */
static void
forget_reference(Oid relation)
{
	HASH_SEQ_STATUS status;
	Reference  *entry;

	if (references == NULL)
		return;
	hash_seq_init(&status, references);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (OidIsValid(relation) && relation != entry->referencing)
			continue;
		entry->referenced = InvalidOid;
		reference_changes++;
	}
}

/* What is known of the column so far. */
static Reference *
find_reference(const char *schema, const char *table, const char *column)
{
	Reference	key;
	Reference  *entry;
	bool		found;

	if (references == NULL)
	{
		HASHCTL		ctl = {.keysize = offsetof(Reference, plan),
		.entrysize = sizeof(Reference)};

		references = hash_create("casnet references", 4, &ctl,
								 HASH_ELEM | HASH_BLOBS);
		casnet_news_listen(forget_reference);
	}

	memset(&key, 0, sizeof(key));
	namestrcpy(&key.schema, schema);
	namestrcpy(&key.table, table);
	namestrcpy(&key.column, column);
	entry = hash_search(references, &key, HASH_ENTER, &found);
	if (!found)
	{
		entry->plan = NULL;
		entry->referencing = InvalidOid;
		entry->referenced = InvalidOid;
	}
	return entry;
}

/* Whether a foreign key of the table names that other one. */
static bool
refers_to(Relation referencing, Oid referenced)
{
	ListCell   *lc;

	foreach(lc, RelationGetFKeyList(referencing))
		if (((ForeignKeyCacheInfo *) lfirst(lc))->confrelid == referenced)
			return true;
	return false;
}

/* Whether it finds all rows by tenant_id and the other column, both of type uuid. */
static bool
serves(Relation index, AttrNumber tenant_number, AttrNumber column_number)
{
	Form_pg_index form = index->rd_index;

	return index->rd_rel->relam == BTREE_AM_OID && form->indisvalid &&
		!form->indcheckxmin && form->indnkeyatts > 1 &&
		form->indkey.values[0] == tenant_number &&
		form->indkey.values[1] == column_number &&
		TupleDescAttr(RelationGetDescr(index), 0)->atttypid == UUIDOID &&
		TupleDescAttr(RelationGetDescr(index), 1)->atttypid == UUIDOID &&
		heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL);
}

/*
 * Finds the index by which references from the table are found; there is none
 * if they are not plainly rows of this table, such as those of a partition or of a
 * shard elsewhere.  It is known once all is done, and no message came in meanwhile.
 */
static void
learn_index(Reference *entry, Relation referencing, Oid referenced)
{
	Oid			table = RelationGetRelid(referencing);
	List	   *indexes = NIL;
	ListCell   *lc;
	uint64		changes = reference_changes;

	entry->referencing = table;
	entry->referenced = InvalidOid;
	entry->index = InvalidOid;
	entry->tenant_number = get_attnum(table, "tenant_id");
	entry->column_number = get_attnum(table, NameStr(entry->column));
	if (referencing->rd_rel->relkind == RELKIND_RELATION &&
		entry->tenant_number > 0 && entry->column_number > 0 &&
		refers_to(referencing, referenced))
		indexes = RelationGetIndexList(referencing);

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (serves(index, entry->tenant_number, entry->column_number))
			entry->index = RelationGetRelid(index);
		index_close(index, AccessShareLock);
	}
	list_free(indexes);
	if (changes == reference_changes)
		entry->referenced = referenced;
}

/* The index by which rows of the table are found by tenant_id and that column. */
Oid
casnet_reference_index(Oid table, const char *column)
{
	Relation	relation = table_open(table, AccessShareLock);
	List	   *indexes = RelationGetIndexList(relation);
	AttrNumber	tenant_number = get_attnum(table, "tenant_id");
	AttrNumber	column_number = get_attnum(table, column);
	Oid			found = InvalidOid;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (serves(index, tenant_number, column_number))
			found = RelationGetRelid(index);
		index_close(index, AccessShareLock);
	}
	list_free(indexes);
	table_close(relation, AccessShareLock);
	return found;
}

/*
 * Whether a row of the table, of whatever age, may refer to tenant_id and key in
 * values.  Most rows have no reference, and a look into an index takes a sixth of
 * an UPDATE that finds nothing.  Of the instructions of making and deleting a record
 * it saves 6 %; bench/peers.sh measures the deletion.
 */
static bool
may_be_referred_to(Reference *entry, Oid table, Oid referenced, Datum *values)
{
	Relation	relation;
	SysScanDesc scan;
	ScanKeyData keys[2];
	bool		found;

	relation = table_open(table, AccessShareLock);
	if (entry->referenced != referenced)
		learn_index(entry, relation, referenced);
	if (!OidIsValid(entry->index))
	{
		table_close(relation, NoLock);
		return true;
	}
	ScanKeyInit(&keys[0], entry->tenant_number, BTEqualStrategyNumber,
				F_UUID_EQ, values[0]);
	ScanKeyInit(&keys[1], entry->column_number, BTEqualStrategyNumber,
				F_UUID_EQ, values[1]);
	scan = systable_beginscan(relation, entry->index, true, SnapshotAny, 2,
							  keys);
	found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(relation, NoLock);
	return found;
}

/*
 * The plan that sets the column to NULL where tenant_id is $1 and it is $2.
 * Called while SPI is connected, as who will execute it.  Raises what the
 * parser does, such as 42703 when the table has no such column.
 */
static SPIPlanPtr
clear_plan(Reference *entry)
{
	Oid			types[2] = {UUIDOID, UUIDOID};
	const char *column = quote_identifier(NameStr(entry->column));
	StringInfoData query;
	SPIPlanPtr	plan;

	if (entry->plan != NULL)
		return entry->plan;

	initStringInfo(&query);
	appendStringInfo(&query,
					 "UPDATE %s SET %s = NULL "
					 "WHERE tenant_id OPERATOR(pg_catalog.=) $1 "
					 "AND %s OPERATOR(pg_catalog.=) $2",
					 quote_qualified_identifier(NameStr(entry->schema),
												NameStr(entry->table)),
					 column, column);
	plan = SPI_prepare(query.data, 2, types);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare an update: %s",
			 SPI_result_code_string(SPI_result));
	entry->plan = plan;
	return plan;
}

/*
 * casnet_internal.clear_references(table, column, key) returns trigger
 *
 * BEFORE DELETE FOR EACH ROW: sets column to NULL in those rows of the table,
 * in the schema of the table with the trigger, whose tenant_id and column
 * equal tenant_id and key of the row.  It runs as the owner of that table, as
 * the server's own cascades do, since the rows may be hidden from whoever
 * deletes.  Raises 39P01 when called in any other way, 42703 or 42804 when a
 * column is missing.
 */
Datum
casnet_clear_references(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Relation	relation;
	char	  **arguments;
	Oid			table;
	Reference  *entry;
	Datum		values[2];
	bool		isnull[2];
	CasnetOwnerSwitch former;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		trigger->tg_trigger->tgnargs != 3)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casnet_internal.clear_references() was not called before the deletion of a row"),
				 errhint("It is attached to tables by casnet.install().")));

	relation = trigger->tg_relation;
	arguments = trigger->tg_trigger->tgargs;
	table = get_relname_relid(arguments[0], RelationGetNamespace(relation));
	if (!OidIsValid(table))
		return PointerGetDatum(trigger->tg_trigtuple);

	for (int i = 0; i < 2; i++)
	{
		int			number = casnet_trigger_column(relation, i == 0 ?
												   "tenant_id" : arguments[2],
												   UUIDOID);

		values[i] = heap_getattr(trigger->tg_trigtuple, number,
								 RelationGetDescr(relation), &isnull[i]);
		if (isnull[i])
			return PointerGetDatum(trigger->tg_trigtuple);
	}

	entry = find_reference(get_namespace_name(RelationGetNamespace(relation)),
						   arguments[0], arguments[1]);
	if (!may_be_referred_to(entry, table, RelationGetRelid(relation), values))
		return PointerGetDatum(trigger->tg_trigtuple);

	/* They go with their tenant, so there is nothing to clear. */
	if (!casnet_catalog_tenant_exists(DatumGetUUIDP(values[0])))
		return PointerGetDatum(trigger->tg_trigtuple);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	casnet_owner_enter(&former, casnet_owner_of(table));
	if (SPI_execute_plan(clear_plan(entry), values, NULL, false, 0) !=
		SPI_OK_UPDATE)
		elog(ERROR, "could not clear references");
	casnet_owner_leave(&former);
	SPI_finish();

	return PointerGetDatum(trigger->tg_trigtuple);
}
