/*
 * explain.c
 *		What EXPLAIN shows of protected tables, and to whom.
 *
 * The planner estimates with the statistics of all tenants, since plans need them.  So
 * the cost or row count of a condition reveals how common a value is among hidden rows.
 * "Rows Removed by Filter" reveals whether it exists.  Administrators, and roles that may
 * read all statistics anyway, see everything.  To others, EXPLAIN of a statement on
 * tables with casnet's policies shows the plan's shape and no number.  EXPLAIN ANALYZE
 * executes the statement, and shows the shape as well.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_event_trigger.h"
#include "commands/event_trigger.h"
#include "commands/defrem.h"
#include "commands/prepare.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/value.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rowsecurity.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "casnet.h"

/* Options whose output is numbers. */
static const char *const number_options[] = {
	"analyze", "costs", "buffers", "wal", "timing", "summary", "memory",
	"serialize", "io"
};

/* EXPLAIN runs for a restricted role, and found no protected table. */
static bool expects_no_policy = false;

/* Whether the table has a policy of casnet. */
static bool
is_protected(Oid table)
{
	Relation	relation = table_open(table, AccessShareLock);
	bool		result = false;
	ListCell   *lc;

	if (relation->rd_rsdesc != NULL)
	{
		foreach(lc, relation->rd_rsdesc->policies)
		{
			RowSecurityPolicy *policy = lfirst(lc);

			if (casnet_order_may_call_ours((Node *) policy->qual, NULL) ||
				casnet_order_may_call_ours((Node *) policy->with_check_qual,
										  NULL))
				result = true;
		}
	}
	table_close(relation, NoLock);
	return result;
}

/* Whether a statement is on a table with a policy of casnet, anywhere in it. */
static bool
is_on_protected(Node *node, void *context)
{
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, is_on_protected, context);
	foreach(lc, ((Query *) node)->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_RELATION && rte->relkind != RELKIND_VIEW &&
			is_protected(rte->relid))
			return true;
	}
	return query_tree_walker((Query *) node, is_on_protected, context, 0);
}

/* Whether the plan is on a protected table. */
static bool
reads_protected(PlannedStmt *plan)
{
	ListCell   *lc;

	foreach(lc, plan->relationOids)
		if (is_protected(lfirst_oid(lc)))
			return true;
	return false;
}

/*
 * Whether the plan of a query is on a protected table.  The planner can add one when it
 * inlines a function.
 */
static bool
is_planned_on_protected(Query *query, const char *query_string,
						ParamListInfo params)
{
	PlannedStmt *plan;

	if (query->commandType == CMD_UTILITY)
		return false;
	plan = casnet_plan_query(copyObject(query), query_string,
							 CURSOR_OPT_PARALLEL_OK, params);
	return casnet_plan_is_policed(plan) || reads_protected(plan);
}

/*
 * Whether the statement to be explained is on a protected table.  Looks through views,
 * and through functions that the planner inlines.
 */
static bool
explains_protected(ExplainStmt *explain, const char *query_string,
				   ParamListInfo params)
{
	Query	   *query = castNode(Query, copyObject(explain->query));
	List	   *queries;
	ListCell   *lc;

	while (query->utilityStmt != NULL)
	{
		if (IsA(query->utilityStmt, CreateTableAsStmt))
			query = castNode(Query, ((CreateTableAsStmt *) query->utilityStmt)->query);
		else if (IsA(query->utilityStmt, DeclareCursorStmt))
			query = castNode(Query, ((DeclareCursorStmt *) query->utilityStmt)->query);
		else
			break;
	}
	if (query->utilityStmt == NULL)
		queries = QueryRewrite(query);
	else if (IsA(query->utilityStmt, ExecuteStmt))
	{
		char	   *name = ((ExecuteStmt *) query->utilityStmt)->name;
		PreparedStatement *prepared = FetchPreparedStatement(name, false);

		/* It can mean something else by now; this has the server notice. */
		if (prepared != NULL)
			(void) CachedPlanGetTargetList(prepared->plansource, NULL);
		/*
		 * For a statement without a result the server does not notice, and this is no
		 * time to plan it.
		 */
		if (prepared != NULL && !prepared->plansource->is_valid)
			return true;
		queries = prepared == NULL ? NIL : prepared->plansource->query_list;
	}
	else
		queries = NIL;
	if (is_on_protected((Node *) queries, NULL))
		return true;
	foreach(lc, queries)
		if (is_planned_on_protected(lfirst_node(Query, lc), query_string, params))
			return true;
	return false;
}

/* Whether the option shows numbers. */
static bool
shows_numbers(const DefElem *option)
{
	for (int i = 0; i < lengthof(number_options); i++)
		if (strcmp(option->defname, number_options[i]) == 0)
			return true;
	return false;
}

/*
 * Remove the options that show numbers; returns whether there were any.  *analyze says
 * whether the statement was to be executed.
 */
static bool
take_numbers(ExplainStmt *explain, bool *analyze)
{
	bool		has_costs = true;
	bool		has_others = false;
	List	   *options = NIL;
	ListCell   *lc;

	*analyze = false;
	foreach(lc, explain->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (!shows_numbers(option))
			options = lappend(options, option);
		else if (strcmp(option->defname, "costs") == 0)
			has_costs = defGetBoolean(option);
		else if (strcmp(option->defname, "analyze") == 0)
			*analyze = defGetBoolean(option);
		else if (strcmp(option->defname, "serialize") == 0 ||
				 defGetBoolean(option))
			has_others = true;
	}
	explain->options = lappend(options,
							   makeDefElem("costs",
										   (Node *) makeBoolean(false), -1));
	return has_costs || has_others || *analyze;
}

/*
 * Whether the plan is made only to be shown.  One that EXPLAIN EXECUTE makes can be
 * cached for later executions.
 */
static bool
makes_plan(ExplainStmt *explain)
{
	Query	   *query = castNode(Query, explain->query);

	return query->utilityStmt == NULL ||
		!IsA(query->utilityStmt, ExecuteStmt);
}

/* Run EXPLAIN, with the calls of policies shown in the plan. */
static void
show_plan(bool expect_no_policy, const CasnetUtility *utility,
		  void (*next) (const CasnetUtility *utility))
{
	bool		before = expects_no_policy;

	expects_no_policy = expect_no_policy;
	casnet_plan_show_next(makes_plan((ExplainStmt *) utility->statement->utilityStmt));
	PG_TRY();
	{
		next(utility);
	}
	PG_FINALLY();
	{
		expects_no_policy = before;
		casnet_plan_show_next(false);
	}
	PG_END_TRY();
}

/* Whether the event trigger of guarded schemas is there and switched on. */
static bool
is_any_schema_guarded(void)
{
	HeapTuple	tuple = SearchSysCache1(EVENTTRIGGERNAME,
										CStringGetDatum("casnet_guard"));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	result = ((Form_pg_event_trigger) GETSTRUCT(tuple))->evtenabled !=
		TRIGGER_DISABLED;
	ReleaseSysCache(tuple);
	return result;
}

/*
 * Raises 55000 for EXPLAIN ANALYZE of CREATE TABLE AS or CREATE MATERIALIZED VIEW while a
 * schema is guarded.  It makes the table, and the server fires no event trigger for it.
 */
void
casnet_explain_check_guard(const ExplainStmt *statement)
{
	Query	   *query = castNode(Query, statement->query);
	bool		analyzes = false;
	ListCell   *lc;

	if (likely(query->utilityStmt == NULL ||
			   !IsA(query->utilityStmt, CreateTableAsStmt)))
		return;
	foreach(lc, statement->options)
	{
		DefElem    *option = lfirst(lc);

		if (strcmp(option->defname, "analyze") == 0)
			analyzes = defGetBoolean(option);
	}
	if (!analyzes || !is_any_schema_guarded() ||
		castNode(CreateTableAsStmt, query->utilityStmt)->into->rel->relpersistence ==
		RELPERSISTENCE_TEMP)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("EXPLAIN ANALYZE would make a table that no guard sees"),
			 errdetail("A schema of this database is guarded."),
			 errhint("Run EXPLAIN ANALYZE of the query by itself, or CREATE TABLE AS without EXPLAIN.")));
}

/*
 * Execute EXPLAIN: it shows the calls of policies, and numbers to some roles only. next
 * is the rest of the chain of hooks.
 */
void
casnet_explain_execute(const CasnetUtility *utility,
					   void (*next) (const CasnetUtility *utility))
{
	CasnetUtility shown = *utility;
	CasnetUtility executed = *utility;
	ExplainStmt *explain = castNode(ExplainStmt, utility->statement->utilityStmt);
	bool		has_no_policy = false;
	bool		execute = false;

	if (!OidIsValid(casnet_schema()) ||
		!casnet_estimate_is_restricted(GetUserId()))
		 /* numbers are shown */ ;
	else if (!explains_protected(explain, utility->query_string,
								 utility->params))
		has_no_policy = true;
	else
	{
		shown.statement = copyObject(utility->statement);
		if (take_numbers((ExplainStmt *) shown.statement->utilityStmt, &execute))
			ereport(NOTICE,
					(errmsg("the plan is shown without costs, rows and times, since it is about protected tables"),
					 errhint("Members of casnet_admin and of pg_read_all_stats see them.")));
	}

	show_plan(has_no_policy, &shown, next);
	if (!execute)
		return;
	executed.receiver = None_Receiver;
	next(&executed);
}

/*
 * Called before a plan is executed or shown.  Raises 55000 rather than show numbers of a
 * plan that unexpectedly has policies of casnet.  Either the statement's meaning has
 * changed since the hook looked at it, or, with is_late, the plan has bypassed the hook.
 * EXPLAIN ANALYZE does that as the first statement of a session without a preload.
 */
void
casnet_explain_check(const QueryDesc *query, bool is_policed, bool is_late,
					 bool explain_only)
{
	bool		unexpected = expects_no_policy || (is_late && !explain_only);

	if (!(explain_only || query->instrument_options != 0) || !unexpected ||
		!casnet_estimate_is_restricted(GetUserId()))
		return;
	if (is_policed || (OidIsValid(casnet_schema()) &&
					   reads_protected(query->plannedstmt)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the numbers of a plan for protected tables are not shown"),
				 errhint("Repeat the EXPLAIN to see the shape of the plan.")));
}
