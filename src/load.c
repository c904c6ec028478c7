/*
 * load.c
 *		Bulk load as a tenant user: the trigger of the views named ..._load.
 *
 * The server takes no COPY into a table with policies.  It takes one into a
 * view whose INSTEAD OF trigger puts each row into the table by an INSERT of
 * its own, under the policies, triggers and keys of the table.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "casnet.h"

/*
 * What is kept from one row to the next of a statement.  It lives in the
 * memory of the statement, which frees the plan however the statement ends.
 */
typedef struct LoadState
{
	SPIPlanPtr	plan;			/* the INSERT; NULL until it is made */
	MemoryContextCallback callback;
} LoadState;

PG_FUNCTION_INFO_V1(casnet_load_row);

/* The statement has ended, or failed. */
static void
free_plan(void *arg)
{
	LoadState  *state = (LoadState *) arg;

	if (state->plan != NULL)
		SPI_freeplan(state->plan);
	state->plan = NULL;
}

/*
 * The INSERT of one row of the view into the table of that name in the schema
 * of the view.  Raises 42P01 or 42703 when the table or a column is gone.
 */
static char *
insert_statement(Relation view, const char *table)
{
	TupleDesc	columns = RelationGetDescr(view);
	char	   *schema = get_namespace_name(RelationGetNamespace(view));
	Oid			relation = get_relname_relid(table, RelationGetNamespace(view));
	char		kind = OidIsValid(relation) ? get_rel_relkind(relation) : '\0';
	StringInfoData statement;

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("view %s has no table %s to load",
						RelationGetRelationName(view),
						quote_qualified_identifier(schema, table)),
				 errhint("Drop the view when the table is gone; SELECT casnet.install() makes views for the tables that are there.")));

	initStringInfo(&statement);
	appendStringInfo(&statement, "INSERT INTO %s (",
					 quote_qualified_identifier(schema, table));
	for (int i = 0; i < columns->natts; i++)
	{
		const char *name = NameStr(TupleDescAttr(columns, i)->attname);

		if (get_attnum(relation, name) <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("table %s has no column \"%s\" of its view %s",
							quote_qualified_identifier(schema, table), name,
							RelationGetRelationName(view)),
					 errhint("SELECT casnet.install() gives the view the columns of the table.")));
		appendStringInfo(&statement, "%s%s", i > 0 ? ", " : "",
						 quote_identifier(name));
	}
	appendStringInfoString(&statement, ") VALUES (");
	for (int i = 0; i < columns->natts; i++)
		appendStringInfo(&statement, "%s$%d", i > 0 ? ", " : "", i + 1);
	appendStringInfoChar(&statement, ')');
	return statement.data;
}

/*
 * Plan the INSERT, for the statement that called the trigger.  Within SPI.
 */
static LoadState *
prepare(FmgrInfo *flinfo, Relation view, const char *table)
{
	TupleDesc	columns = RelationGetDescr(view);
	Oid		   *types = palloc_array(Oid, columns->natts);
	LoadState  *state = MemoryContextAllocZero(flinfo->fn_mcxt,
											   sizeof(LoadState));
	SPIPlanPtr	plan;

	for (int i = 0; i < columns->natts; i++)
		types[i] = TupleDescAttr(columns, i)->atttypid;

	state->callback.func = free_plan;
	state->callback.arg = state;
	MemoryContextRegisterResetCallback(flinfo->fn_mcxt, &state->callback);

	plan = SPI_prepare(insert_statement(view, table), columns->natts, types);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare an insert: %s",
			 SPI_result_code_string(SPI_result));
	state->plan = plan;
	return state;
}

/*
 * casnet.load_row(table) returns trigger
 *
 * INSTEAD OF INSERT FOR EACH ROW on a view: inserts the row into the table of
 * that name in the schema of the view, as the caller.  Foreign keys are
 * checked before it returns, so an error of any kind names the line of COPY.
 * A row that a trigger of the table turned away is not counted.  Raises 39P01
 * when called in any other way, 0A000 when a rule made something else of the
 * INSERT, and whatever the INSERT raises.
 */
Datum
casnet_load_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	LoadState  *state;
	TupleTableSlot *slot;
	char	   *nulls;
	int			natts;
	int			result;
	bool		inserted;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_INSTEAD(trigger->tg_event) ||
		!TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		trigger->tg_trigger->tgnargs != 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casnet.load_row() was not called instead of an insert into a view"),
				 errhint("It is attached to views by casnet.install().")));

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra = prepare(fcinfo->flinfo,
										   trigger->tg_relation,
										   trigger->tg_trigger->tgargs[0]);
	state = (LoadState *) fcinfo->flinfo->fn_extra;

	slot = trigger->tg_trigslot;
	slot_getallattrs(slot);
	natts = RelationGetDescr(trigger->tg_relation)->natts;
	nulls = palloc(natts);
	for (int i = 0; i < natts; i++)
		nulls[i] = slot->tts_isnull[i] ? 'n' : ' ';
	result = SPI_execute_plan(state->plan, slot->tts_values, nulls, false, 0);
	if (result != SPI_OK_INSERT)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("view %s cannot load a table with a rule instead of INSERT",
						RelationGetRelationName(trigger->tg_relation)),
				 errhint("Use INSERT into the table, or a trigger instead of the rule.")));
	inserted = SPI_processed > 0;
	SPI_finish();

	return PointerGetDatum(inserted ? trigger->tg_trigtuple : NULL);
}
