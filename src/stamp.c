/*
 * stamp.c
 *		Row triggers that fill columns: updated_at, completed_at and the tenant.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "casnet.h"

PG_FUNCTION_INFO_V1(casnet_touch_updated_at);
PG_FUNCTION_INFO_V1(casnet_stamp_completed_at);
PG_FUNCTION_INFO_V1(casnet_fill_tenant);

/* The row with one column replaced. */
static HeapTuple
replace_column(Relation relation, HeapTuple row, int number, Datum value,
			   bool isnull)
{
	return heap_modify_tuple_by_cols(row, RelationGetDescr(relation), 1,
									 &number, &value, &isnull);
}

/*
 * casnet_internal.touch_updated_at() returns trigger
 *
 * BEFORE UPDATE FOR EACH ROW: sets updated_at to the present time.  If that is not later
 * than the old value, as after the clock was set back, it adds a microsecond to the old
 * value.  Where the type has no later time, it takes the present one.  Raises 23514 where
 * the check of a domain refuses that, 39P01 when called in any other way, 42703 or 42804
 * when the table has no such column.
 */
Datum
casnet_touch_updated_at(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = casnet_trigger_row(fcinfo, "touch_updated_at", true);
	Relation	relation = trigger->tg_relation;
	int			number = casnet_trigger_column(relation, "updated_at",
											   TIMESTAMPTZOID);
	TimestampTz now = GetCurrentTimestamp();
	Datum		before;
	bool		isnull;
	Oid			type;

	if (!TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casnet_internal.touch_updated_at() was not called for an update"),
				 errhint("Attach it with CREATE TRIGGER ... BEFORE UPDATE ... FOR EACH ROW.")));

	before = heap_getattr(trigger->tg_trigtuple, number,
						  RelationGetDescr(relation), &isnull);
	if (!isnull && now <= DatumGetTimestampTz(before))
		now = IS_VALID_TIMESTAMP(DatumGetTimestampTz(before) + 1) ?
			DatumGetTimestampTz(before) + 1 : now;

	/* The column's type can be a domain, whose checks hold here, too. */
	type = TupleDescAttr(RelationGetDescr(relation), number - 1)->atttypid;
	if (type != TIMESTAMPTZOID)
		domain_check(TimestampTzGetDatum(now), false, type, NULL, NULL);
	return PointerGetDatum(replace_column(relation, trigger->tg_newtuple,
										  number, TimestampTzGetDatum(now),
										  false));
}

/* Whether the status of the row is COMPLETED. */
static bool
is_completed(Relation relation, HeapTuple row, int status)
{
	bool		isnull;
	Datum		value = heap_getattr(row, status, RelationGetDescr(relation),
									 &isnull);
	char	   *string;
	bool		result;

	if (isnull)
		return false;
	string = TextDatumGetCString(value);
	result = strcmp(string, "COMPLETED") == 0;
	pfree(string);
	return result;
}

/*
 * casnet_internal.stamp_completed_at() returns trigger
 *
 * BEFORE INSERT OR UPDATE FOR EACH ROW: sets completed_at to NULL unless status is
 * COMPLETED.  When a row becomes COMPLETED without a time, it gets the present one.  While
 * it stays COMPLETED, it keeps its time unless another one is given.  Raises what
 * touch_updated_at() raises.
 */
Datum
casnet_stamp_completed_at(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = casnet_trigger_row(fcinfo, "stamp_completed_at", true);
	Relation	relation = trigger->tg_relation;
	int			status = casnet_trigger_column(relation, "status", TEXTOID);
	int			completed_at = casnet_trigger_column(relation, "completed_at",
													 TIMESTAMPTZOID);
	bool		is_update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	HeapTuple	row = is_update ? trigger->tg_newtuple : trigger->tg_trigtuple;
	TupleDesc	tupdesc = RelationGetDescr(relation);
	Datum		value;
	bool		isnull;

	value = heap_getattr(row, completed_at, tupdesc, &isnull);
	if (!is_completed(relation, row, status))
	{
		if (!isnull)
			row = replace_column(relation, row, completed_at, (Datum) 0, true);
		return PointerGetDatum(row);
	}

	if (isnull && is_update &&
		is_completed(relation, trigger->tg_trigtuple, status))
		value = heap_getattr(trigger->tg_trigtuple, completed_at, tupdesc,
							 &isnull);
	else if (!isnull)
		return PointerGetDatum(row);
	if (isnull)
		value = TimestampTzGetDatum(GetCurrentTimestamp());
	return PointerGetDatum(replace_column(relation, row, completed_at, value,
										  false));
}

/*
 * casnet_internal.fill_tenant() returns trigger
 *
 * BEFORE INSERT FOR EACH ROW: replaces a NULL in the column that the argument names, or in
 * tenant_id, by the active tenant, as if the column were left out.  Drivers send NULL for a missing value.  The policy decides
 * whether the session is allowed to insert there.  Raises 39P01 when called in any other
 * way, 42703 or 42804 when the table has no such column, 55000 when the session became
 * somebody else while the statement was writing.
 *
 * The trigger has no condition: the server reads a condition's text again in each
 * statement, which is 2 % of the instructions of an INSERT of one row.
 */
Datum
casnet_fill_tenant(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = casnet_trigger_row(fcinfo, "fill_tenant", true);
	HeapTuple	row = trigger->tg_trigtuple;
	int			number = casnet_trigger_column(trigger->tg_relation,
											   casnet_trigger_tenant(trigger->tg_trigger),
											   UUIDOID);
	const pg_uuid_t *tenant;

	if (!TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casnet_internal.fill_tenant() was not called for an insert"),
				 errhint("Attach it with CREATE TRIGGER ... BEFORE INSERT ... FOR EACH ROW.")));
	if (!heap_attisnull(row, number, RelationGetDescr(trigger->tg_relation)))
		return PointerGetDatum(row);
	casnet_statement_check();
	tenant = casnet_session_tenant();
	if (tenant == NULL)
		return PointerGetDatum(row);
	return PointerGetDatum(replace_column(trigger->tg_relation, row, number,
										  UUIDPGetDatum(tenant), false));
}
