/*
 * audit_write.c
 *		The entries of the audit, and how they come into the table.
 *
 * Entries are inserted directly into the partition of casnet_internal.audit_entries for
 * their time and into its indexes, many at once.  On a worker of Citus they go into the
 * shard of casnet_internal.audit_on_nodes that has the tenant's.  No SQL runs for it: no
 * privilege, policy or trigger interferes, and no role needs a privilege on the table.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "audit.h"
#include "casnet.h"

/* The columns of casnet_internal.audit_entries. */
enum
{
	ENTRY_AT, ENTRY_ID, ENTRY_TENANT_ID, ENTRY_TRANSACTION_ID, ENTRY_USER_ID,
	ENTRY_SESSION_ROLE, ENTRY_ROLE, ENTRY_RELATION, ENTRY_ROW_KEY,
	ENTRY_ACTION, ENTRY_BEFORE, ENTRY_AFTER, ENTRY_COLUMNS
};

static const struct
{
	const char *name;
	Oid			type;
}			entry_columns[ENTRY_COLUMNS] = {
	[ENTRY_AT] = {"at", TIMESTAMPTZOID},
	[ENTRY_ID] = {"id", UUIDOID},
	[ENTRY_TENANT_ID] = {"tenant_id", UUIDOID},
	[ENTRY_TRANSACTION_ID] = {"transaction_id", INT8OID},
	[ENTRY_USER_ID] = {"user_id", UUIDOID},
	[ENTRY_SESSION_ROLE] = {"session_role", TEXTOID},
	[ENTRY_ROLE] = {"role", TEXTOID},
	[ENTRY_RELATION] = {"relation", TEXTOID},
	[ENTRY_ROW_KEY] = {"row_key", JSONBOID},
	[ENTRY_ACTION] = {"action", TEXTOID},
	[ENTRY_BEFORE] = {"before", JSONBOID},
	[ENTRY_AFTER] = {"after", JSONBOID}
};

/* At most so many entries, or bytes, are inserted together. */
#define MAX_ENTRIES 200
#define MAX_BYTES (256 * 1024)

/* Each node counts its transactions; the number of a worker's group is above these bits. */
#define GROUP_SHIFT 48

/* Initial room: most statements write few rows. */
#define FIRST_ENTRIES 4

/* What happened to one row; a jsonb is 0 for NULL. */
typedef struct Entry
{
	TimestampTz at;
	pg_uuid_t	id;
	pg_uuid_t	tenant;
	bool		has_tenant;
	const char *relation;
	const char *action;
	Datum		row_key;
	Datum		before;
	Datum		after;
} Entry;

struct AuditBatch
{
	MemoryContext context;		/* of the entries' values */
	bool		has_user;
	pg_uuid_t	user;
	Datum		session_role;
	Datum		role;
	int			count;
	int			room;
	Entry	   *entries;
};

/* The partition written last, and its column numbers. */
static Oid	known_partition = InvalidOid;
static AttrNumber entry_numbers[ENTRY_COLUMNS];

/* Relcache callback: what is known of the partition can be out of date.  Never raises. */
void
casnet_audit_forget(Oid relation)
{
	if (relation == known_partition || !OidIsValid(relation))
		known_partition = InvalidOid;
}

/* Raises 55000: the audit's tables are not as casnet.install() makes them. */
static void
refuse_table(const char *problem)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the audit cannot record the change"),
			 errdetail_internal("%s", problem),
			 errhint("A superuser can make what is missing with SELECT casnet.install().")));
}

/* The partition of the table for entries of that time, or InvalidOid. */
static Oid
find_partition(Relation parent, TimestampTz at)
{
	PartitionKey key = RelationGetPartitionKey(parent);
	PartitionDesc partitions = RelationGetPartitionDesc(parent, true);
	Datum		value = TimestampTzGetDatum(at);
	bool		equal = false;
	int			index;

	if (key->strategy != PARTITION_STRATEGY_RANGE || key->partnatts != 1 ||
		key->parttypid[0] != TIMESTAMPTZOID)
		refuse_table("A table of the audit is not partitioned by range of a time.");
	if (partitions->nparts == 0)
		return InvalidOid;
	index = partition_range_datum_bsearch(key->partsupfunc, key->partcollation,
										  partitions->boundinfo, 1, &value,
										  &equal);
	index = partitions->boundinfo->indexes[index + 1];
	if (index < 0)
		index = partitions->boundinfo->default_index;
	return index < 0 ? InvalidOid : partitions->oids[index];
}

/*
 * Open the table that takes an entry of that time, and keep the lock until the
 * transaction ends.  Also sets *parent to the table that it is a partition of; the caller
 * closes both.  Raises 55000 if there is none.
 *
 * While this waits for the lock on a default partition, another can be attached that
 * takes the entry instead.  So look again.
 */
static Relation
open_partition(TimestampTz at, Relation *parent)
{
	Oid			namespace = casnet_schema_internal();
	Oid			oid = OidIsValid(namespace) ?
		get_relname_relid("audit_entries", namespace) : InvalidOid;
	Relation	relation;

	if (!OidIsValid(oid))
		refuse_table("Table casnet_internal.audit_entries does not exist.");
	relation = table_open(oid, RowExclusiveLock);
	if (relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		refuse_table("Table casnet_internal.audit_entries is not partitioned.");
	*parent = NULL;
	while (relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
	{
		Relation	partition;

		oid = find_partition(relation, at);
		if (!OidIsValid(oid))
			refuse_table("No partition of casnet_internal.audit_entries is for this time.");
		partition = table_open(oid, RowExclusiveLock);
		if (find_partition(relation, at) != oid)
		{
			table_close(partition, NoLock);
			continue;
		}
		if (*parent != NULL)
			table_close(*parent, NoLock);
		*parent = relation;
		relation = partition;
	}
	if (relation->rd_rel->relkind != RELKIND_RELATION)
		refuse_table("A partition of casnet_internal.audit_entries is no table.");
	return relation;
}

/*
 * The same on a worker: the shard with the tenant's entries, which is where the row is.
 * Citus moves both together, and waits for writers of either.
 */
static Relation
open_shard(const Entry *entry)
{
	Oid			namespace = casnet_schema_internal();
	Oid			table = OidIsValid(namespace) ?
		get_relname_relid(CASNET_AUDIT_ON_NODES, namespace) : InvalidOid;
	Oid			shard = OidIsValid(table) && entry->has_tenant ?
		casnet_shard_of_tenant(table, &entry->tenant) : InvalidOid;

	if (!OidIsValid(shard) || get_rel_relkind(shard) != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the audit cannot record the change"),
				 errdetail("This node has no shard of casnet_internal.audit_on_nodes for the tenant."),
				 errhint("A superuser can make it with SELECT casnet.undistribute() and SELECT casnet.distribute().")));
	return table_open(shard, RowExclusiveLock);
}

/* Find the columns of an entry; raises 55000 if one is missing. */
static void
find_entry_columns(Relation partition)
{
	if (RelationGetRelid(partition) == known_partition)
		return;
	for (int i = 0; i < ENTRY_COLUMNS; i++)
	{
		int			number = SPI_fnumber(RelationGetDescr(partition),
										 entry_columns[i].name);

		if (number <= 0 ||
			TupleDescAttr(RelationGetDescr(partition), number - 1)->atttypid !=
			entry_columns[i].type)
			refuse_table(psprintf("Table casnet_internal.audit_entries has no column %s of type %s.",
								  entry_columns[i].name,
								  format_type_be(entry_columns[i].type)));
		entry_numbers[i] = number;
	}
	known_partition = RelationGetRelid(partition);
}

/* Fill a slot of the partition with the entry. */
static void
fill_slot(TupleTableSlot *slot, AuditBatch *batch, Entry *entry)
{
	Datum		values[ENTRY_COLUMNS] = {0};
	bool		isnull[ENTRY_COLUMNS] = {0};

	values[ENTRY_AT] = TimestampTzGetDatum(entry->at);
	values[ENTRY_ID] = UUIDPGetDatum(&entry->id);
	values[ENTRY_TENANT_ID] = UUIDPGetDatum(&entry->tenant);
	values[ENTRY_TRANSACTION_ID] =
		Int64GetDatum((int64) U64FromFullTransactionId(GetTopFullTransactionId()) +
					  ((int64) casnet_shard_group() << GROUP_SHIFT));
	values[ENTRY_USER_ID] = UUIDPGetDatum(&batch->user);
	values[ENTRY_SESSION_ROLE] = batch->session_role;
	values[ENTRY_ROLE] = batch->role;
	values[ENTRY_RELATION] = CStringGetTextDatum(entry->relation);
	values[ENTRY_ROW_KEY] = entry->row_key;
	values[ENTRY_ACTION] = CStringGetTextDatum(entry->action);
	values[ENTRY_BEFORE] = entry->before;
	values[ENTRY_AFTER] = entry->after;
	isnull[ENTRY_TENANT_ID] = !entry->has_tenant;
	isnull[ENTRY_USER_ID] = !batch->has_user;
	isnull[ENTRY_ROW_KEY] = entry->row_key == (Datum) 0;
	isnull[ENTRY_BEFORE] = entry->before == (Datum) 0;
	isnull[ENTRY_AFTER] = entry->after == (Datum) 0;

	ExecClearTuple(slot);
	for (int i = 0; i < slot->tts_tupleDescriptor->natts; i++)
	{
		slot->tts_values[i] = (Datum) 0;
		slot->tts_isnull[i] = true;
	}
	for (int i = 0; i < ENTRY_COLUMNS; i++)
	{
		slot->tts_values[entry_numbers[i] - 1] = values[i];
		slot->tts_isnull[entry_numbers[i] - 1] = isnull[i];
	}
	ExecStoreVirtualTuple(slot);
}

/* Whether the table that takes an entry takes the next one, too. */
static bool
takes_both(Relation table, Relation parent, const Entry *entry, const Entry *next)
{
	/* A shard, for one tenant. */
	if (parent == NULL)
		return next->has_tenant && memcmp(&next->tenant, &entry->tenant, UUID_LEN) == 0;
	/* A partition of a partition knows only its own range. */
	return !parent->rd_rel->relispartition &&
		find_partition(parent, next->at) == RelationGetRelid(table);
}

/*
 * Insert entries, beginning with the given one, into the partition for its time and into
 * the indexes.  Stops at the first that belongs elsewhere; returns how many it inserted.
 */
static int
write_entries(AuditBatch *batch, int first)
{
	Relation	parent = NULL;
	Relation	partition = casnet_shard_is_worker() ?
		open_shard(&batch->entries[first]) :
		open_partition(batch->entries[first].at, &parent);
	EState	   *estate = CreateExecutorState();
	MemoryContext oldcontext = MemoryContextSwitchTo(estate->es_query_cxt);
	ResultRelInfo *target = makeNode(ResultRelInfo);
	TupleTableSlot **slots;
	int			count = 0;

	find_entry_columns(partition);
	InitResultRelInfo(target, partition, 0, NULL, 0);
	ExecOpenIndices(target, false);

	slots = palloc((batch->count - first) * sizeof(TupleTableSlot *));
	while (first + count < batch->count)
	{
		if (count > 0 &&
			!takes_both(partition, parent, &batch->entries[first],
						&batch->entries[first + count]))
			break;
		slots[count] = ExecInitExtraTupleSlot(estate,
											  RelationGetDescr(partition),
											  table_slot_callbacks(partition));
		fill_slot(slots[count], batch, &batch->entries[first + count]);
		if (RelationGetDescr(partition)->constr != NULL)
			ExecConstraints(target, slots[count], estate);
		count++;
	}

	if (count == 1)
		table_tuple_insert(partition, slots[0], GetCurrentCommandId(true), 0,
						   NULL);
	else
		table_multi_insert(partition, slots, count, GetCurrentCommandId(true),
						   0, NULL);
	for (int i = 0; target->ri_NumIndices > 0 && i < count; i++)
	{
		casnet_insert_index_tuples(target, slots[i], estate);
		ResetPerTupleExprContext(estate);
	}

	ExecCloseIndices(target);
	ExecResetTupleTable(estate->es_tupleTable, false);
	MemoryContextSwitchTo(oldcontext);
	FreeExecutorState(estate);
	table_close(partition, NoLock);
	if (parent != NULL)
		table_close(parent, NoLock);
	return count;
}

/* Write all entries and empty the batch. */
void
casnet_audit_write(AuditBatch *batch)
{
	for (int first = 0; first < batch->count;)
		first += write_entries(batch, first);
	batch->count = 0;
	MemoryContextReset(batch->context);
}

/* The name of a role, or its OID if it has been dropped. */
static Datum
role_name(Oid role)
{
	char	   *name = GetUserNameFromId(role, true);

	return CStringGetTextDatum(name != NULL ? name : psprintf("%u", role));
}

/*
 * An empty batch in the given context; it names the user and roles of the present
 * session.
 */
AuditBatch *
casnet_audit_make_batch(MemoryContext context)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(context);
	AuditBatch	   *batch = palloc0(sizeof(AuditBatch));
	const pg_uuid_t *user = casnet_statement_writer();

	/* Otherwise the same user as casnet.current_user_id() returns. */
	if (user == NULL)
	{
		const CasnetVerdict *verdict;

		AcceptInvalidationMessages();
		verdict = casnet_membership_current();
		if (verdict != NULL && verdict->user_active)
			user = &verdict->key.user;
	}
	batch->has_user = user != NULL;
	if (user != NULL)
		batch->user = *user;
	batch->session_role = role_name(GetSessionUserId());
	batch->role = role_name(GetOuterUserId());
	batch->context = AllocSetContextCreate(context, "casnet audit",
										   ALLOCSET_DEFAULT_SIZES);
	batch->room = FIRST_ENTRIES;
	batch->entries = palloc(batch->room * sizeof(Entry));
	MemoryContextSwitchTo(oldcontext);
	return batch;
}

/* A copy of a jsonb in the batch; 0, for NULL, stays 0. */
static Datum
keep(AuditBatch *batch, Datum jsonb)
{
	void	   *copy;

	if (jsonb == (Datum) 0)
		return (Datum) 0;
	copy = MemoryContextAlloc(batch->context,
							  VARSIZE(DatumGetPointer(jsonb)));
	memcpy(copy, DatumGetPointer(jsonb), VARSIZE(DatumGetPointer(jsonb)));
	return PointerGetDatum(copy);
}

/*
 * Add an entry to the batch, and write the batch when it is full.  The row key, before
 * and after are jsonb, or 0 for NULL; the tenant may be NULL.
 */
void
casnet_audit_add(AuditBatch *batch, const char *relation,
				 const pg_uuid_t *tenant, Datum row_key, const char *action,
				 Datum before, Datum after)
{
	Entry	   *entry;

	if (batch->count == batch->room)
	{
		batch->room = Min(batch->room * 4, MAX_ENTRIES);
		batch->entries = repalloc(batch->entries,
								  batch->room * sizeof(Entry));
	}
	entry = &batch->entries[batch->count++];
	entry->at = GetCurrentTimestamp();
	casnet_uuid_make(&entry->id, true);
	entry->has_tenant = tenant != NULL;
	if (tenant != NULL)
		entry->tenant = *tenant;
	entry->relation = MemoryContextStrdup(batch->context, relation);
	entry->action = action;
	entry->row_key = keep(batch, row_key);
	entry->before = keep(batch, before);
	entry->after = keep(batch, after);

	if (batch->count == MAX_ENTRIES ||
		MemoryContextMemAllocated(batch->context, false) > MAX_BYTES)
		casnet_audit_write(batch);
}
