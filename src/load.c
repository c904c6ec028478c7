/*
 * load.c
 *		Bulk load as a tenant user: the trigger of the views named ..._load.
 *
 * The server refuses COPY into a table with policies, but not into a view with an INSTEAD
 * OF trigger.  The trigger inserts each row into the table as the caller, under the
 * policies, triggers and keys of the table.
 *
 * Starting and ending the executor costs more than inserting a row.  So the whole
 * statement has one INSERT of one row of parameters.  The first row starts it, each row
 * runs it again with new parameters, and a trigger AFTER the statement ends it.  If the
 * statement fails there is nothing to end, since the server releases what the executor
 * holds, as for any query.
 *
 * run_again() depends on how the executor keeps a ModifyTable.  Another extension can make
 * a plan of another shape, which SPI executes for each row
 * (test/t/load_by_other_plans.pl).  A load of records takes 1.01 times the
 * instructions of a COPY into the table itself, and one of record_tags 1.03 times.  By SPI
 * they take 1.38 and 1.29 times.  bench/load_view.sh measures the time.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "rewrite/rewriteHandler.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"

#include "casnet.h"

/*
 * The INSERT of a statement that loads.  It is in the memory of that statement, where the
 * row trigger finds it by fn_extra.
 */
typedef struct Load
{
	struct Load *outer;			/* the one that was open before */
	SubTransactionId subid;		/* where it was opened */
	ResourceOwner owner;		/* who holds what the executor opened */
	SPIPlanPtr	plan;
	CachedPlan *cached;
	ParamListInfo row;			/* what is inserted next */
	QueryDesc  *insert;			/* NULL when each row is a statement */
	bool		is_open;
	bool		running;		/* inserting, or failed while inserting */
	MemoryContextCallback callback;
} Load;

/* The open loads, the innermost first. */
static Load *loads = NULL;

PG_FUNCTION_INFO_V1(casnet_load_row);

/* Mark the load as closed, and free its plan. */
static void
unlink_load(Load *load)
{
	for (Load **link = &loads; *link != NULL; link = &(*link)->outer)
	{
		if (*link == load)
		{
			*link = load->outer;
			break;
		}
	}
	load->is_open = false;
	load->insert = NULL;
	if (load->plan != NULL)
		SPI_freeplan(load->plan);
	load->plan = NULL;
}

/*
 * The memory of the statement is freed.  If the load is still open, the statement has
 * failed, and the executor must not be touched.
 */
static void
forget_load(void *arg)
{
	unlink_load((Load *) arg);
}

/*
 * A transaction ends, in whatever way.  A load that is still open has failed.  Its memory
 * can outlive the transaction, as that of a DO block does.
 */
static void
transaction_callback(XactEvent event, void *arg)
{
	loads = NULL;
}

void
casnet_load_init(void)
{
	RegisterXactCallback(transaction_callback, NULL);
}

/*
 * What is inserted for a parameter.  In a column that takes no NULL, the default stands for
 * it, since an empty cell of a CSV file is NULL.
 */
static void
append_value(StringInfo statement, Relation table, AttrNumber column, int parameter)
{
	Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(table), column - 1);
	Node	   *value = NULL;

	if (attribute->attnotnull && attribute->atthasdef)
		value = build_column_default(table, column);
	if (value == NULL)
		appendStringInfo(statement, "$%d", parameter);
	else
		appendStringInfo(statement, "COALESCE($%d, (%s)::%s)", parameter,
						 deparse_expression(value, NIL, false, false),
						 format_type_extended(attribute->atttypid,
											  attribute->atttypmod,
											  FORMAT_TYPE_TYPEMOD_GIVEN |
											  FORMAT_TYPE_FORCE_QUALIFY));
}

/*
 * The INSERT of one row of the view into the table of that name in the schema of the view.
 * Raises 42P01 or 42703 when the table or a column no longer exists.
 */
static char *
insert_statement(Relation view, const char *table)
{
	TupleDesc	columns = RelationGetDescr(view);
	char	   *schema = get_namespace_name(RelationGetNamespace(view));
	Oid			relation = get_relname_relid(table, RelationGetNamespace(view));
	char		kind = OidIsValid(relation) ? get_rel_relkind(relation) : '\0';
	Relation	target;
	StringInfoData statement;
	StringInfoData values;

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("view %s has no table %s to load",
						RelationGetRelationName(view),
						quote_qualified_identifier(schema, table)),
				 errhint("If the table was dropped, drop the view; SELECT casnet.install() makes views for the tables that exist.")));

	target = table_open(relation, AccessShareLock);
	initStringInfo(&statement);
	initStringInfo(&values);
	appendStringInfo(&statement, "INSERT INTO %s (",
					 quote_qualified_identifier(schema, table));
	for (int i = 0; i < columns->natts; i++)
	{
		const char *name = NameStr(TupleDescAttr(columns, i)->attname);
		AttrNumber	column = get_attnum(relation, name);

		if (column <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("table %s has no column \"%s\" of its view %s",
							quote_qualified_identifier(schema, table), name,
							RelationGetRelationName(view)),
					 errhint("SELECT casnet.install() gives the view the columns of the table.")));
		appendStringInfo(&statement, "%s%s", i > 0 ? ", " : "",
						 quote_identifier(name));
		appendStringInfoString(&values, i > 0 ? ", " : "");
		append_value(&values, target, column, i + 1);
	}
	table_close(target, NoLock);
	appendStringInfo(&statement, ") VALUES (%s)", values.data);
	return statement.data;
}

/* Whether the view has the trigger that ends what the row trigger begins. */
static bool
has_end(Relation view, const Trigger *row_trigger)
{
	for (int i = 0; i < view->trigdesc->numtriggers; i++)
	{
		const Trigger *other = &view->trigdesc->triggers[i];

		if (other->tgfoid == row_trigger->tgfoid &&
			TRIGGER_TYPE_MATCHES(other->tgtype, TRIGGER_TYPE_STATEMENT,
								 TRIGGER_TYPE_AFTER, TRIGGER_TYPE_INSERT) &&
			other->tgqual == NULL)
			return true;
	}
	return false;
}

/*
 * Whether the plan inserts one row of parameters, as run_again() expects.  A subplan, which a
 * rule can bring, would keep the values of the first row.
 */
static bool
can_run_again(PlannedStmt *plan)
{
	Plan	   *source = IsA(plan->planTree, ModifyTable) ?
		outerPlan(plan->planTree) : NULL;

	return source != NULL && IsA(source, Result) && outerPlan(source) == NULL &&
		plan->subplans == NIL;
}

/*
 * As the caller, prepare the INSERT, and start it if it can be run again.  Raises 55000
 * when the view lacks a trigger, and 0A000 when the table has rules.  The planner and the
 * executor also raise errors, such as 42501 without the privilege to insert.
 */
static void
open_load(Load *load, TriggerData *trigger)
{
	Relation	view = trigger->tg_relation;
	int			natts = RelationGetDescr(view)->natts;
	Oid		   *types = palloc_array(Oid, natts);
	char	   *statement;
	SPIPlanPtr	plan;
	List	   *plans;

	if (!has_end(view, trigger->tg_trigger))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("view %s lacks the trigger that ends a load",
						RelationGetRelationName(view)),
				 errhint("SELECT casnet.install() puts it back.")));

	statement = insert_statement(view, trigger->tg_trigger->tgargs[0]);
	load->row = makeParamList(natts);
	for (int i = 0; i < natts; i++)
	{
		types[i] = TupleDescAttr(RelationGetDescr(view), i)->atttypid;
		load->row->params[i].ptype = types[i];
	}

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = SPI_prepare_cursor(statement, natts, types, CURSOR_OPT_GENERIC_PLAN);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare an insert: %s",
			 SPI_result_code_string(SPI_result));
	load->plan = plan;
	SPI_finish();

	load->owner = CurrentResourceOwner;
	load->cached = GetCachedPlan(linitial(SPI_plan_get_plan_sources(plan)),
								 NULL, load->owner, NULL);
	plans = load->cached->stmt_list;
	if (list_length(plans) != 1 ||
		linitial_node(PlannedStmt, plans)->commandType != CMD_INSERT)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("view %s cannot load a table with rules",
						RelationGetRelationName(view)),
				 errhint("Use INSERT into the table, or a trigger instead of the rule.")));

	if (can_run_again(linitial(plans)))
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		load->insert = CreateQueryDesc(linitial(plans), statement,
									   GetActiveSnapshot(), InvalidSnapshot,
									   None_Receiver, load->row, NULL, 0);
		ExecutorStart(load->insert, EXEC_FLAG_SKIP_TRIGGERS);
		PopActiveSnapshot();
	}
	else
		ReleaseCachedPlan(load->cached, load->owner);

	load->subid = GetCurrentSubTransactionId();
	load->running = false;
	load->outer = loads;
	loads = load;
	load->is_open = true;
}

/*
 * Run the started INSERT once more.  Returns whether it inserted a row.  Depends on the
 * executor in three ways.  A ModifyTable runs again if it is marked as not done and its
 * statement triggers as yet to fire.  Its source, a Result, runs again after a rescan.
 * AfterTriggerEndQuery() fires what was queued since AfterTriggerBeginQuery().
 */
static bool
run_again(QueryDesc *insert)
{
	ModifyTableState *node = castNode(ModifyTableState, insert->planstate);
	ResultRelInfo *table = node->rootResultRelInfo;
	MemoryContext before;

	PushActiveSnapshot(insert->snapshot);
	AfterTriggerBeginQuery();
	node->mt_done = false;
	node->fireBSTriggers = true;
	if (node->mt_transition_capture != NULL)
		node->mt_transition_capture =
			MakeTransitionCaptureState(table->ri_TrigDesc,
									   RelationGetRelid(table->ri_RelationDesc),
									   CMD_INSERT);
	ExecReScan(outerPlanState(node));
	casnet_executor_run(insert);

	/*
	 * The executor looks up the triggers' functions once for all rows.  So what they keep
	 * between calls must be in the memory of the load.
	 */
	before = MemoryContextSwitchTo(insert->estate->es_query_cxt);
	AfterTriggerEndQuery(insert->estate);
	MemoryContextSwitchTo(before);
	PopActiveSnapshot();
	return insert->estate->es_processed > 0;
}

/* Execute the INSERT as a statement.  Returns whether it inserted a row. */
static bool
execute_insert(Load *load)
{
	int			code;
	bool		inserted;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	code = SPI_execute_plan_with_paramlist(load->plan, load->row, false, 0);
	if (code != SPI_OK_INSERT)
		elog(ERROR, "could not insert a row: %s",
			 SPI_result_code_string(code));
	inserted = SPI_processed > 0;
	SPI_finish();
	return inserted;
}

/*
 * Insert one row.  Returns whether it is in the table.  To the triggers of the table it is
 * a statement of its own.  So when this returns, they have fired, those of foreign keys
 * too, unless they are deferred.
 */
static bool
insert_row(Load *load, TupleTableSlot *slot)
{
	bool		inserted;

	slot_getallattrs(slot);
	for (int i = 0; i < load->row->numParams; i++)
	{
		load->row->params[i].value = slot->tts_values[i];
		load->row->params[i].isnull = slot->tts_isnull[i];
	}
	load->running = true;
	inserted = load->insert != NULL ? run_again(load->insert) :
		execute_insert(load);
	load->running = false;
	return inserted;
}

/*
 * End the INSERT for the resource owner under which it was started, which need not be the
 * current one.
 */
static void
close_load(Load *load)
{
	ResourceOwner save = CurrentResourceOwner;
	QueryDesc  *insert = load->insert;

	if (insert != NULL)
	{
		CurrentResourceOwner = load->owner;
		ExecutorFinish(insert);
		ExecutorEnd(insert);
		FreeQueryDesc(insert);
		ReleaseCachedPlan(load->cached, load->owner);
		CurrentResourceOwner = save;
	}
	unlink_load(load);
}

/*
 * A statement that loads has ended, so close what it opened.  A load that is running
 * belongs to an enclosing statement, or has failed.  So does one of another
 * subtransaction.  To close one too many does no harm, since the next row opens it anew.
 */
static void
close_loads(void)
{
	SubTransactionId subid = GetCurrentSubTransactionId();
	Load	   *next;

	for (Load *load = loads; load != NULL; load = next)
	{
		next = load->outer;
		if (load->subid == subid && !load->running)
			close_load(load);
	}
}

/*
 * casnet_internal.load_row(table) returns trigger
 *
 * INSTEAD OF INSERT FOR EACH ROW on a view, inserts the row as the caller into the named
 * table of the view's schema.  Foreign keys are checked before it returns, so
 * every error names the line of COPY.  A row that a trigger of the table rejects is not
 * counted.  AFTER INSERT FOR EACH STATEMENT on the same view, ends the load.  Raises 39P01
 * when called in any other way, and whatever the INSERT raises.
 */
Datum
casnet_load_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	FmgrInfo   *flinfo = fcinfo->flinfo;
	Load	   *load;

	if (CALLED_AS_TRIGGER(fcinfo) &&
		TRIGGER_FIRED_AFTER(trigger->tg_event) &&
		TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event))
	{
		close_loads();
		return PointerGetDatum(NULL);
	}
	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_INSTEAD(trigger->tg_event) ||
		!TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ||
		trigger->tg_trigger->tgnargs != 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("casnet_internal.load_row() was not called instead of an insert into a view"),
				 errhint("Attach it as casnet.install() does.")));

	load = (Load *) flinfo->fn_extra;
	if (load == NULL)
	{
		load = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(Load));
		load->callback.func = forget_load;
		load->callback.arg = load;
		MemoryContextRegisterResetCallback(flinfo->fn_mcxt, &load->callback);
		flinfo->fn_extra = load;
	}
	if (!load->is_open)
	{
		MemoryContext before = MemoryContextSwitchTo(flinfo->fn_mcxt);

		open_load(load, trigger);
		MemoryContextSwitchTo(before);
	}
	return PointerGetDatum(insert_row(load, trigger->tg_trigslot) ?
						   trigger->tg_trigtuple : NULL);
}
