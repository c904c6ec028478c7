/*
 * text.c
 *		Row triggers that check names of accounts and tenants, with messages of their own.
 *
 * CHECK constraints check the same, with the messages of the server.
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
