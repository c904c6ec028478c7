/*
 * move.c
 *		The trigger that keeps each row in its tenant.
 *
 * If an update moves a row to another partition, the server deletes it and inserts it
 * there.  No UPDATE trigger sees the new partition if a trigger of the table's owner chose
 * it.  In partitions, casnet's trigger therefore fires for all three events, and notes
 * them for each execution.  A row that is about to be updated, and is then deleted, is on
 * its way; the row that is inserted next is the same one.
 *
 * The trigger recognizes an execution by its memory context, which is the parent of the
 * one in which its triggers run.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/uuid.h"

#include "casnet.h"

/* The row of a partition that an execution updates. */
typedef struct Moving
{
	struct Moving *next;
	MemoryContext execution;
	Oid			partition;
	ItemPointerData place;
	bool		is_gone;		/* it was deleted from there */
	pg_uuid_t	tenant;
	MemoryContextCallback callback;
} Moving;

/* One entry for each execution, the newest first. */
static Moving *moving = NULL;

PG_FUNCTION_INFO_V1(casnet_keep_tenant);

/* Callback: the memory of an execution is about to be freed. */
static void
forget(void *arg)
{
	Moving	  **link = &moving;

	while (*link != NULL && *link != arg)
		link = &(*link)->next;
	if (*link != NULL)
		*link = (*link)->next;
}

/* What is known of the execution whose trigger this is, or NULL. */
static Moving *
find_moving(void)
{
	MemoryContext execution = MemoryContextGetParent(CurrentMemoryContext);
	Moving	   *found = moving;

	while (found != NULL && found->execution != execution)
		found = found->next;
	return found;
}

/* The row is about to be updated. */
static void
note_update(Relation partition, HeapTuple row, const pg_uuid_t *tenant)
{
	Moving	   *note = find_moving();

	if (note == NULL)
	{
		MemoryContext execution = MemoryContextGetParent(CurrentMemoryContext);

		note = MemoryContextAllocZero(execution, sizeof(Moving));
		note->execution = execution;
		note->callback.func = forget;
		note->callback.arg = note;
		MemoryContextRegisterResetCallback(execution, &note->callback);
		note->next = moving;
		moving = note;
	}
	note->partition = RelationGetRelid(partition);
	note->place = row->t_self;
	note->is_gone = false;
	note->tenant = *tenant;
}

/* The row is about to be deleted: by itself, or on its way to another partition. */
static void
note_delete(Relation partition, HeapTuple row)
{
	Moving	   *note = find_moving();

	if (note != NULL)
		note->is_gone = note->partition == RelationGetRelid(partition) &&
			ItemPointerEquals(&note->place, &row->t_self);
}

/*
 * Raises 42501 for roles that policies bind, as the policies would do next, and 23514 for
 * those that are exempt.
 */
static void
refuse_move(Relation relation)
{
	ereport(ERROR,
			(errcode(casnet_trigger_stands_above(relation) ?
					 ERRCODE_CHECK_VIOLATION : ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("a row of table \"%s\" cannot be moved to another tenant",
					RelationGetRelationName(relation)),
			 errhint("Insert it into the other tenant, and delete it here."),
			 errtable(relation)));
}

/* The row is about to be inserted: a new one, or one that was on its way. */
static void
check_insert(Relation partition, HeapTuple row, const char *column)
{
	Moving	   *note = find_moving();
	pg_uuid_t	tenant;

	if (note == NULL || !note->is_gone)
		return;
	note->is_gone = false;
	if (casnet_trigger_uuid(partition, row, column, &tenant) &&
		memcmp(&tenant, &note->tenant, UUID_LEN) != 0)
		refuse_move(partition);
}

/* The row with that tenant. */
static HeapTuple
with_tenant(Relation relation, HeapTuple row, const char *column, pg_uuid_t *tenant)
{
	int			number = casnet_trigger_column(relation, column, UUIDOID);
	Datum		value = UUIDPGetDatum(tenant);
	bool		isnull = false;

	return heap_modify_tuple_by_cols(row, RelationGetDescr(relation), 1, &number,
									 &value, &isnull);
}

/*
 * casnet_internal.keep_tenant() returns trigger
 *
 * The argument is the column that names the tenant; without one it is tenant_id.  As BEFORE
 * UPDATE OF that column FOR EACH ROW, it keeps the row in its tenant, whoever writes it.
 * NULL stands for the tenant that the row is in: a mapper that clears a composite reference
 * sets all its columns to NULL.  As AFTER UPDATE FOR EACH ROW, it checks the same after all
 * other triggers.
 * As BEFORE INSERT OR UPDATE OR DELETE FOR EACH ROW of a partition, it checks a row that
 * moves to another partition.  Raises what refuse_move() raises, and 39P01 when called in
 * any other way.
 */
Datum
casnet_keep_tenant(PG_FUNCTION_ARGS)
{
	bool		before = !CALLED_AS_TRIGGER(fcinfo) ||
		TRIGGER_FIRED_BEFORE(((TriggerData *) fcinfo->context)->tg_event);
	TriggerData *trigger = casnet_trigger_row(fcinfo, "keep_tenant", before);
	Relation	relation = trigger->tg_relation;
	const char *column = casnet_trigger_tenant(trigger->tg_trigger);
	pg_uuid_t	from;
	pg_uuid_t	to;
	HeapTuple	row;

	if (!TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
	{
		if (before && moving != NULL &&
			TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
			check_insert(relation, trigger->tg_trigtuple, column);
		else if (before && moving != NULL)
			note_delete(relation, trigger->tg_trigtuple);
		return PointerGetDatum(trigger->tg_trigtuple);
	}

	/* A row without a tenant can get one. */
	if (!casnet_trigger_uuid(relation, trigger->tg_trigtuple, column, &from))
		return PointerGetDatum(trigger->tg_newtuple);
	row = trigger->tg_newtuple;
	if (!casnet_trigger_uuid(relation, row, column, &to))
	{
		if (before)
			row = with_tenant(relation, row, column, &from);
	}
	else if (memcmp(&from, &to, UUID_LEN) != 0)
		refuse_move(relation);
	if (before && relation->rd_rel->relispartition)
		note_update(relation, trigger->tg_trigtuple, &from);
	return PointerGetDatum(row);
}
