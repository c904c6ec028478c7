/*
 * audit.c
 *		Who changed what: one entry for each row written to an audited table.
 *
 * casnet.enable_audit() attaches the trigger casnet_internal.record_change().  It is a
 * row trigger, because transition tables do not see a statement that names a partition.
 * It makes an entry for each row.  The entries of a statement are inserted in batches
 * into the partition of casnet_internal.audit_entries and its indexes, the last batch
 * when the statement is over.  No SQL runs for it: no privilege, policy or trigger
 * interferes, and no role needs a privilege on the table.  If a change cannot be
 * recorded, it is refused: every error here undoes the change.
 *
 * Who: AFTER triggers run when the statement is over, and what a statement returns could
 * have changed the session by then (RETURNING casnet.sign_out()).  statement.c refuses a
 * change for which another user or role would answer than the one who began the outermost
 * statement.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "replication/logicalworker.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "audit.h"
#include "casnet.h"

/* A statement whose AFTER triggers are running. */
typedef struct Finish
{
	MemoryContext context;		/* of the statement */
	SubTransactionId subid;		/* where its entries are written */
	AuditBatch	   *batch;
} Finish;

/* The innermost of them; NULL for COPY and TRUNCATE. */
static Finish *finishing = NULL;

/*
 * The session's state when a statement loaded the library, in place of what a hook notes.
 */
static uint64 loading_user_changes;
static Oid	loading_role;
static TimestampTz loading_start = 0;

/* While these are above zero, entries may be deleted, or blanked. */
static int	removals_under_way = 0;
static int	erasures_under_way = 0;

/* The entry that the statement of a coordinator is about to delete, on a worker. */
static bool is_going = false;
static pg_uuid_t going;

static ExecutorFinish_hook_type previous_finish_hook = NULL;

PG_FUNCTION_INFO_V1(casnet_record_change);
PG_FUNCTION_INFO_V1(casnet_refuse_audit_change);
PG_FUNCTION_INFO_V1(casnet_entry_goes);
PG_FUNCTION_INFO_V1(casnet_remove_audit_entries);
PG_FUNCTION_INFO_V1(casnet_blank_audit_entries);

/* Run the AFTER triggers of a statement, and write the entries that they leave. */
static void
finish_writing(QueryDesc *query)
{
	Finish	   *outer = finishing;
	const CasnetOpening *opening;
	bool		key_runs = casnet_security_note_key(false);
	Finish		finish;

	finish.context = query->estate->es_query_cxt;
	finish.subid = GetCurrentSubTransactionId();
	finish.batch = NULL;
	finishing = &finish;
	opening = casnet_statement_set_opening(NULL);
	PG_TRY();
	{
		if (previous_finish_hook)
			previous_finish_hook(query);
		else
			standard_ExecutorFinish(query);
		if (finish.batch != NULL)
			casnet_audit_write(finish.batch);
	}
	PG_FINALLY();
	{
		finishing = outer;
		(void) casnet_statement_set_opening(opening);
		(void) casnet_security_note_key(key_runs);
	}
	PG_END_TRY();
}

/* ExecutorFinish_hook.  A statement that only reads has no triggers. */
static void
note_finish(QueryDesc *query)
{
	if (query->operation != CMD_SELECT || query->plannedstmt->hasModifyingCTE)
		finish_writing(query);
	else if (previous_finish_hook)
		previous_finish_hook(query);
	else
		standard_ExecutorFinish(query);
}

/*
 * Called after the settings are defined.  A statement can be running that began before
 * the hook existed.  This is as near to its beginning as casnet gets, and none of
 * casnet's functions has run yet.
 */
void
casnet_audit_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
	{
		loading_user_changes = casnet_user_changes;
		loading_role = GetOuterUserId();
		loading_start = GetCurrentStatementStartTimestamp();
	}

	casnet_news_listen(casnet_audit_forget);
	previous_finish_hook = ExecutorFinish_hook;
	ExecutorFinish_hook = note_finish;
}

/*
 * Raises 55000 if the session has another user or role than when the recorded statement
 * began.
 */
static void
check_same_session(void)
{
	if (casnet_statement_check_role() ||
		loading_start != GetCurrentStatementStartTimestamp())
		return;
	if (loading_user_changes != casnet_user_changes ||
		loading_role != GetOuterUserId())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the user of the session changed in the statement that loaded casnet"),
				 errhint("Sign in, sign out or change the role in a statement of its own.")));
}

/*
 * Record one change: now, or when the statement is over.  The row key, before and after
 * are jsonb, or 0 for NULL; the tenant may be NULL.
 */
static void
record(const char *relation, const pg_uuid_t *tenant, Datum row_key,
	   const char *action, Datum before, Datum after)
{
	AuditBatch *batch;

	/* An entry is undone with the subtransaction that made the change. */
	if (finishing != NULL && finishing->subid == GetCurrentSubTransactionId())
	{
		if (finishing->batch == NULL)
			finishing->batch = casnet_audit_make_batch(finishing->context);
		casnet_audit_add(finishing->batch, relation, tenant, row_key, action,
						 before, after);
		return;
	}
	batch = casnet_audit_make_batch(CurrentMemoryContext);
	casnet_audit_add(batch, relation, tenant, row_key, action, before, after);
	casnet_audit_write(batch);
}

/* An INSERT or a DELETE. */
static void
record_row(AuditedTable *table, TupleTableSlot *row, bool inserted)
{
	Datum		whole = casnet_audit_row(table, row, false);

	record(casnet_audit_name(table), casnet_audit_tenant(table, row),
		   casnet_audit_row(table, row, true),
		   inserted ? "INSERT" : "DELETE", inserted ? (Datum) 0 : whole,
		   inserted ? whole : (Datum) 0);
}

/*
 * An UPDATE.  A row that moves to another tenant is a DELETE in one and an INSERT in the
 * other, so that neither reads the other's values.
 */
static void
record_update(AuditedTable *table, TupleTableSlot *old, TupleTableSlot *new)
{
	const pg_uuid_t *old_tenant = casnet_audit_tenant(table, old);
	const pg_uuid_t *new_tenant = casnet_audit_tenant(table, new);
	Datum		before;
	Datum		after;

	if (old_tenant == NULL || new_tenant == NULL ?
		old_tenant != new_tenant :
		memcmp(old_tenant, new_tenant, UUID_LEN) != 0)
	{
		record_row(table, old, false);
		record_row(table, new, true);
		return;
	}
	if (casnet_audit_changes(table, old, new, &before, &after))
		record(casnet_audit_name(table), old_tenant,
			   casnet_audit_row(table, old, true), "UPDATE", before, after);
}

/*
 * Whether another node records the change.  Each node has a copy of a reference table, and
 * the coordinator records what happens to its own.  TRUNCATE comes to shards from their
 * table, which has recorded it.
 */
static bool
is_recorded_elsewhere(TriggerData *trigger)
{
	Oid			table = RelationGetRelid(trigger->tg_relation);
	Oid			shell = casnet_shard_shell(table);

	if (shell == table)
		return false;
	return TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event) ||
		(casnet_shard_is_worker() &&
		 casnet_shard_spread(shell) == CASNET_SPREAD_REFERENCE);
}

/*
 * casnet_internal.record_change(column, ...) returns trigger
 *
 * AFTER INSERT OR UPDATE OR DELETE FOR EACH ROW, and AFTER TRUNCATE: adds what happened
 * to casnet_internal.audit_entries, without the columns named.  An update that changes
 * nothing but updated_at leaves no entry, nor does one that another node records.  Raises 39P01 if called in any other way, 55000
 * if the change cannot be recorded or the entry would name somebody else.
 */
Datum
casnet_record_change(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	AuditedTable *table;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_AFTER(trigger->tg_event) ||
		!(TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		  TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event)))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casnet_internal.record_change() was not called after a row event or TRUNCATE"),
				 errhint("Attach it as casnet.enable_audit() does.")));

	check_same_session();
	table = fcinfo->flinfo->fn_extra;
	if (table == NULL && is_recorded_elsewhere(trigger))
		return PointerGetDatum(NULL);
	if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
	{
		record(casnet_audit_name_of(trigger->tg_relation), NULL, (Datum) 0,
			   "TRUNCATE", (Datum) 0, (Datum) 0);
		return PointerGetDatum(NULL);
	}

	if (table == NULL)
	{
		table = casnet_audit_describe(trigger->tg_relation, trigger->tg_trigger,
							   fcinfo->flinfo->fn_mcxt);
		fcinfo->flinfo->fn_extra = table;
	}
	slot_getallattrs(trigger->tg_trigslot);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
	{
		slot_getallattrs(trigger->tg_newslot);
		record_update(table, trigger->tg_trigslot, trigger->tg_newslot);
	}
	else
		record_row(table, trigger->tg_trigslot,
				   TRIGGER_FIRED_BY_INSERT(trigger->tg_event));
	return PointerGetDatum(NULL);
}

/*
 * Whether casnet_internal.entry_goes() was asked about the row, just before.  A coordinator
 * deletes entries of other nodes with that condition.
 */
static bool
is_going_away(TriggerData *trigger)
{
	pg_uuid_t	id;
	bool		result = is_going && casnet_shard_is_worker() &&
		casnet_trigger_uuid(trigger->tg_relation, trigger->tg_trigtuple, "id", &id) &&
		memcmp(&id, &going, UUID_LEN) == 0;

	is_going = false;
	return result;
}

/*
 * casnet_internal.entry_goes(id uuid) returns boolean
 *
 * True.  On a worker of Citus the entry of that id may be deleted, if that comes next.
 */
Datum
casnet_entry_goes(PG_FUNCTION_ARGS)
{
	going = *PG_GETARG_UUID_P(0);
	is_going = true;
	PG_RETURN_BOOL(true);
}

/*
 * casnet_internal.refuse_audit_change() returns trigger
 *
 * BEFORE UPDATE OR DELETE FOR EACH ROW and BEFORE TRUNCATE on audit_entries: raises 42501
 * for everybody.  Only casnet_internal.remove_audit_entries() may delete, and only
 * casnet_internal.blank_audit_entries() update, and logical replication, which repeats what
 * these did on another server.
 */
Datum
casnet_refuse_audit_change(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casnet_internal.refuse_audit_change() was not called before an event"),
				 errhint("Attach it as casnet.install() does.")));
	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event) &&
		(removals_under_way > 0 || IsLogicalWorker() || is_going_away(trigger)))
		return PointerGetDatum(trigger->tg_trigtuple);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) &&
		(erasures_under_way > 0 || IsLogicalWorker()))
		return PointerGetDatum(trigger->tg_newtuple);
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("entries of the audit cannot be changed or deleted"),
			 errhint("To remove old entries, call casnet.purge_audit().")));
}

/* Delete the entries in one table of the audit; returns their number. */
static uint64
delete_entries(const char *table, const char *conditions, int nvalues, Oid *types,
			   Datum *values, const char *nulls)
{
	SPIPlanPtr	plan = SPI_prepare(psprintf("DELETE FROM casnet_internal.%s WHERE %s",
											table, conditions), nvalues, types);

	/* Delete also those that are newer than the transaction's snapshot. */
	if (plan == NULL ||
		SPI_execute_snapshot(plan, values, nulls, GetLatestSnapshot(),
							 InvalidSnapshot, false, true, 0) != SPI_OK_DELETE)
		elog(ERROR, "could not remove entries");
	return SPI_processed;
}

/*
 * casnet_internal.remove_audit_entries(tenant_id uuid, since timestamptz,
 *		until timestamptz) returns bigint
 *
 * Deletes the entries of a tenant, or of all if it is NULL, from since to before until,
 * where NULL is no limit.  Returns their number.  Raises 22023 if all three are NULL.
 */
Datum
casnet_remove_audit_entries(PG_FUNCTION_ARGS)
{
	static const char *const conditions[] = {
		"tenant_id OPERATOR(pg_catalog.=) $1",
		"at OPERATOR(pg_catalog.>=) $2",
		"at OPERATOR(pg_catalog.<) $3"
	};
	Oid			types[] = {UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[lengthof(types)];
	char		nulls[lengthof(types)];
	StringInfoData wanted;
	uint64		removed;

	initStringInfo(&wanted);
	for (int i = 0; i < lengthof(types); i++)
	{
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
		values[i] = PG_GETARG_DATUM(i);
		if (!PG_ARGISNULL(i))
			appendStringInfo(&wanted, "%s%s", wanted.len > 0 ? " AND " : "", conditions[i]);
	}
	if (wanted.len == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("neither a tenant nor a time was given"),
				 errhint("Give a tenant or a time.")));

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	removals_under_way++;
	PG_TRY();
	{
		removed = delete_entries("audit_entries", wanted.data, lengthof(types), types,
								 values, nulls);
		if (casnet_shard_has_citus() &&
			OidIsValid(get_relname_relid(CASNET_AUDIT_ON_NODES, casnet_schema_internal())))
			removed += delete_entries(CASNET_AUDIT_ON_NODES,
									  psprintf("%s AND casnet_internal.entry_goes(id)",
											   wanted.data),
									  lengthof(types), types, values, nulls);
	}
	PG_FINALLY();
	{
		removals_under_way--;
	}
	PG_END_TRY();
	SPI_finish();
	PG_RETURN_INT64((int64) removed);
}

/*
 * casnet_internal.blank_audit_entries(tenant_id uuid, times timestamptz[], ids uuid[])
 * returns bigint
 *
 * Blanks what these entries of a tenant say about values: before, after, and in the key
 * what could name somebody.  Returns their number.
 */
Datum
casnet_blank_audit_entries(PG_FUNCTION_ARGS)
{
	Oid			types[] = {UUIDOID, TIMESTAMPTZARRAYOID, UUIDARRAYOID};
	Datum		values[lengthof(types)];
	uint64		blanked;

	for (int i = 0; i < lengthof(types); i++)
		values[i] = PG_GETARG_DATUM(i);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	erasures_under_way++;
	PG_TRY();
	{
		if (SPI_execute_with_args("UPDATE casnet_internal.audit_entries AS e"
								  " SET before = NULL, after = NULL,"
								  " row_key = casnet_internal.blank_key(e.row_key)"
								  " FROM ROWS FROM (pg_catalog.unnest($2),"
								  " pg_catalog.unnest($3)) AS blank (at, id)"
								  " WHERE e.tenant_id OPERATOR(pg_catalog.=) $1"
								  " AND e.at OPERATOR(pg_catalog.=) blank.at"
								  " AND e.id OPERATOR(pg_catalog.=) blank.id",
								  lengthof(types), types, values, NULL, false,
								  0) != SPI_OK_UPDATE)
			elog(ERROR, "could not blank entries");
		blanked = SPI_processed;
	}
	PG_FINALLY();
	{
		erasures_under_way--;
	}
	PG_END_TRY();
	SPI_finish();
	PG_RETURN_INT64((int64) blanked);
}
