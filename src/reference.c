/*
 * reference.c
 *		Clears references to a row that is about to go.
 *
 * A task may name a record and an assignee, an event a record.  When those
 * go, the task stays and forgets them.  ON DELETE SET NULL cannot say that of
 * a composite key whose other half is tenant_id, so a trigger does.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "casnet.h"

PG_FUNCTION_INFO_V1(casnet_clear_references);

/*
 * An UPDATE that this backend has planned, found by the names in it: with them
 * its text is the same, and the server plans it anew once they mean something
 * else.  There are as many as tables and columns that hold references.
 */
typedef struct
{
	NameData	schema;
	NameData	table;
	NameData	column;
	SPIPlanPtr	plan;			/* last; what is before it is the key */
} ClearPlan;

static HTAB *clear_plans = NULL;

/* The owner of a table. */
static Oid
owner_of(Oid table)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", table);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/*
 * The plan that sets the column to NULL where tenant_id is $1 and it is $2.
 * Called while SPI is connected, as who will execute it.  Raises what the
 * parser does, such as 42703 when the table has no such column.
 */
static SPIPlanPtr
clear_plan(const char *schema, const char *table, const char *column)
{
	ClearPlan	key;
	ClearPlan  *entry;
	Oid			types[2] = {UUIDOID, UUIDOID};
	StringInfoData query;
	SPIPlanPtr	plan;

	if (clear_plans == NULL)
	{
		HASHCTL		ctl = {.keysize = offsetof(ClearPlan, plan),
		.entrysize = sizeof(ClearPlan)};

		clear_plans = hash_create("casnet references", 4, &ctl,
								  HASH_ELEM | HASH_BLOBS);
	}

	memset(&key, 0, sizeof(key));
	namestrcpy(&key.schema, schema);
	namestrcpy(&key.table, table);
	namestrcpy(&key.column, column);
	entry = hash_search(clear_plans, &key, HASH_FIND, NULL);
	if (entry != NULL)
		return entry->plan;

	initStringInfo(&query);
	appendStringInfo(&query,
					 "UPDATE %s SET %s = NULL "
					 "WHERE tenant_id OPERATOR(pg_catalog.=) $1 "
					 "AND %s OPERATOR(pg_catalog.=) $2",
					 quote_qualified_identifier(schema, table),
					 quote_identifier(column), quote_identifier(column));
	plan = SPI_prepare(query.data, 2, types);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare an update: %s",
			 SPI_result_code_string(SPI_result));
	entry = hash_search(clear_plans, &key, HASH_ENTER, NULL);
	entry->plan = plan;
	return plan;
}

/*
 * casnet.clear_references(table, column, key) returns trigger
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
	char	   *schema;
	Oid			table;
	Datum		values[2];
	bool		isnull[2];
	Oid			save_userid;
	int			save_sec_context;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		trigger->tg_trigger->tgnargs != 3)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casnet.clear_references() was not called before the deletion of a row"),
				 errhint("It is attached to tables by casnet.install().")));

	relation = trigger->tg_relation;
	arguments = trigger->tg_trigger->tgargs;
	schema = get_namespace_name(RelationGetNamespace(relation));
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

	/* They go with their tenant, so there is nothing to clear. */
	if (!casnet_tenant_exists(DatumGetUUIDP(values[0])))
		return PointerGetDatum(trigger->tg_trigtuple);

	GetUserIdAndSecContext(&save_userid, &save_sec_context);
	SetUserIdAndSecContext(owner_of(table),
						   save_sec_context | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_NOFORCE_RLS);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_plan(clear_plan(schema, arguments[0], arguments[1]),
						 values, NULL, false, 0) != SPI_OK_UPDATE)
		elog(ERROR, "could not clear references");
	SPI_finish();
	SetUserIdAndSecContext(save_userid, save_sec_context);

	return PointerGetDatum(trigger->tg_trigtuple);
}
