/*
 * text.c
 *		Row triggers that check names of accounts and tenants, and give a hint.
 *
 * CHECK constraints check the same, but their errors cannot give one.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "casnet.h"

PG_FUNCTION_INFO_V1(casnet_check_text);
PG_FUNCTION_INFO_V1(casnet_refuse_value);

/* Raises 22001 when the column of the row has more bytes than that. */
static void
check_length(Relation relation, HeapTuple row, const char *column, int limit)
{
	bool		isnull;
	int			number = casnet_trigger_column(relation, column, TEXTOID);
	Datum		value = heap_getattr(row, number, RelationGetDescr(relation),
									 &isnull);

	if (!isnull && toast_raw_datum_size(value) - VARHDRSZ > limit)
		ereport(ERROR,
				(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
				 errmsg("value too long for column %s of table %s", column,
						RelationGetRelationName(relation)),
				 errhint("Give a text of at most %d bytes.", limit)));
}

/* Raises 23514 when the type uuid would accept the column of the row. */
static void
check_name(Relation relation, HeapTuple row, const char *column)
{
	pg_uuid_t	uuid;

	if (casnet_uuid_parse(casnet_trigger_text(relation, row, column), &uuid))
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("the name of the tenant is a UUID"),
				 errhint("Give another name: casnet.use_tenant() takes a UUID for the id of a tenant.")));
}

/*
 * casnet_internal.check_text(column, limit) returns trigger
 *
 * BEFORE INSERT OR UPDATE FOR EACH ROW.  Raises 22001 when the column has more bytes than
 * the limit; without a limit, 23514 when it is a UUID.  Raises 39P01 when called in any
 * other way, 42703 or 42804 when the table has no such column.
 */
Datum
casnet_check_text(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = casnet_trigger_row(fcinfo, "check_text", true);
	int			nargs = trigger->tg_trigger->tgnargs;
	char	  **args = trigger->tg_trigger->tgargs;
	HeapTuple	row = trigger->tg_trigtuple;

	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		row = trigger->tg_newtuple;
	if (nargs == 2)
		check_length(trigger->tg_relation, row, args[0], pg_strtoint32(args[1]));
	else if (nargs == 1)
		check_name(trigger->tg_relation, row, args[0]);
	else
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casnet_internal.check_text() was not called with a column"),
				 errhint("Attach it as casnet.install() does.")));
	return PointerGetDatum(row);
}

/* Whether the value is one of the words, which ", " separates. */
static bool
is_among(const char *words, const text *value)
{
	size_t		length = VARSIZE_ANY_EXHDR(value);

	for (;;)
	{
		const char *end = strstr(words, ", ");
		size_t		word = end == NULL ? strlen(words) : end - words;

		if (word == length && memcmp(words, VARDATA_ANY(value), length) == 0)
			return true;
		if (end == NULL)
			return false;
		words = end + strlen(", ");
	}
}

/*
 * casnet_internal.refuse_value(column, check, values) returns trigger
 *
 * BEFORE INSERT OR UPDATE FOR EACH ROW: raises 23514 for a value of the column that is none
 * of the values, as the check of that name would, with a hint that names the values.  Raises
 * 39P01 when called in any other way, 42703 or 42804 when the table has no such column.
 *
 * A condition WHEN would say the same.  But the server reads and prepares conditions for
 * each statement, which takes a tenth of the insert of a task.
 */
Datum
casnet_refuse_value(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = casnet_trigger_row(fcinfo, "refuse_value", true);
	char	  **args = trigger->tg_trigger->tgargs;
	Relation	relation = trigger->tg_relation;
	HeapTuple	row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ?
		trigger->tg_newtuple : trigger->tg_trigtuple;
	bool		isnull;
	Datum		value;

	if (trigger->tg_trigger->tgnargs != 3)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casnet_internal.refuse_value() was not called with a column, a check and values"),
				 errhint("Attach it as casnet.install() does.")));
	value = heap_getattr(row, casnet_trigger_column(relation, args[0], TEXTOID),
						 RelationGetDescr(relation), &isnull);
	if (isnull || is_among(args[2], DatumGetTextPP(value)))
		return PointerGetDatum(row);
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("new row for relation \"%s\" violates check constraint \"%s\"",
					RelationGetRelationName(relation), args[1]),
			 errhint("Column %s takes %s.", args[0], args[2]),
			 errtableconstraint(relation, args[1])));
}
