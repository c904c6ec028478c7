/*
 * trigger.c
 *		What row triggers share: how they were called, the columns that they read, and
 *		the roles that their rules bind.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "casnet.h"

/* The data of a row trigger.  Raises 39P01 unless it was called for that event. */
TriggerData *
casnet_trigger_row(FunctionCallInfo fcinfo, const char *name, bool before)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		before != (bool) TRIGGER_FIRED_BEFORE(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casnet_internal.%s() was not called %s a row event", name,
						before ? "before" : "after"),
				 errhint("Attach it with CREATE TRIGGER ... FOR EACH ROW, as casnet.install() does.")));
	return trigger;
}

/*
 * The number of a column that a trigger reads as that type.  The owner of a table can
 * attach the trigger to it, or change its columns later.  So this raises 42703 when there
 * is no such column, and 42804 when it has another type.
 */
int
casnet_trigger_column(Relation relation, const char *column, Oid type)
{
	TupleDesc	columns = RelationGetDescr(relation);
	int			number = SPI_fnumber(columns, column);

	if (number <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table %s has no column %s",
						RelationGetRelationName(relation), column),
				 errhint("Drop the trigger, or add the column.")));
	if (!IsBinaryCoercible(SPI_gettypeid(columns, number), type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column %s of table %s is not of type %s", column,
						RelationGetRelationName(relation),
						format_type_be(type)),
				 errhint("Drop the trigger, or change the column.")));
	return number;
}

/*
 * The column of a trigger's table that names the tenant: the trigger's argument, or
 * tenant_id.
 */
const char *
casnet_trigger_tenant(const Trigger *trigger)
{
	return trigger->tgnargs > 0 ? trigger->tgargs[0] : "tenant_id";
}

/* A uuid column of the row; false when it is NULL.  Raises 42703, 42804. */
bool
casnet_trigger_uuid(Relation relation, HeapTuple row, const char *column,
					pg_uuid_t *uuid)
{
	bool		isnull;
	int			number = casnet_trigger_column(relation, column, UUIDOID);
	Datum		value = heap_getattr(row, number, RelationGetDescr(relation),
									 &isnull);

	if (!isnull)
		*uuid = *DatumGetUUIDP(value);
	return !isnull;
}

/*
 * A text column of the row, or the empty string when it is NULL.  Raises 42703,
 * 42804.
 */
char *
casnet_trigger_text(Relation relation, HeapTuple row, const char *column)
{
	bool		isnull;
	int			number = casnet_trigger_column(relation, column, TEXTOID);
	Datum		value = heap_getattr(row, number, RelationGetDescr(relation),
									 &isnull);

	return isnull ? pstrdup("") : TextDatumGetCString(value);
}

/* A boolean column of the row; NULL is false.  Raises 42703, 42804. */
bool
casnet_trigger_bool(Relation relation, HeapTuple row, const char *column)
{
	bool		isnull;
	int			number = casnet_trigger_column(relation, column, BOOLOID);
	Datum		value = heap_getattr(row, number, RelationGetDescr(relation),
									 &isnull);

	return !isnull && DatumGetBool(value);
}

/*
 * Whether the current role is exempt from the rules that bind users: superusers,
 * administrators, and the owner of the table, as whom cascades run.
 */
bool
casnet_trigger_stands_above(Relation relation)
{
	return casnet_security_is_administrator() ||
		has_privs_of_role(GetUserId(), relation->rd_rel->relowner);
}
