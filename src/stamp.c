/*
 * stamp.c
 *		Row triggers that keep times: updated_at and completed_at.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "casnet.h"

PG_FUNCTION_INFO_V1(casnet_touch_updated_at);
PG_FUNCTION_INFO_V1(casnet_stamp_completed_at);

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
 * BEFORE UPDATE FOR EACH ROW: updated_at becomes the present time, and always
 * later than it was, also twice in one transaction or after the clock was set
 * back; where nothing is later, the present time.  Raises 23514 where the check of a
 * domain refuses that, 39P01 when called in any other way, 42703 or 42804 when the table has
 * no such column.
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

	/* The column may be of a domain, whose checks hold here, too. */
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
 * BEFORE INSERT OR UPDATE FOR EACH ROW: completed_at is NULL unless status is
 * COMPLETED; when a row becomes that, the present time unless one was given;
 * while it stays that, what it was unless another one is given.  Raises as
 * touch_updated_at() does.
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
