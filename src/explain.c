/*
 * explain.c
 *		What EXPLAIN shows of protected tables, and to whom.
 *
 * The planner estimates with the statistics of all tenants, since plans need
 * them.  So the cost or the number of rows of a condition says how common a value
 * is among rows that nobody may see, and "Rows Removed by Filter" whether it
 * exists.  Roles that may read all statistics anyway, and administrators, see all
 * of it.  To others EXPLAIN shows the shape of the plan of a statement on tables
 * with our policies, and no number.  EXPLAIN ANALYZE executes the statement, and
 * shows the shape as well.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "commands/prepare.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/value.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rowsecurity.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/plancache.h"
#include "utils/rel.h"

#include "casnet.h"

/* Options whose output is numbers. */
static const char *const number_options[] = {
	"analyze", "costs", "buffers", "wal", "timing", "summary", "memory",
	"serialize", "io"
};

static ProcessUtility_hook_type previous_utility_hook = NULL;

/* What is explained for a restricted role was found to be on no protected table. */
static bool shows_all = false;

/* Whether the role sees no more than the shape of a plan. */
bool
casnet_explain_is_restricted(Oid role)
{
	Oid			admin = get_role_oid("casnet_admin", true);

	return !superuser_arg(role) &&
		!(OidIsValid(admin) && has_privs_of_role(role, admin)) &&
		!has_privs_of_role(role, ROLE_PG_READ_ALL_STATS);
}

/* Whether one of the table's policies is ours. */
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

/* Whether a statement is on a table with a policy of ours, anywhere in it. */
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
 * Whether the plan of a query is on a protected table.  The planner may bring one by
 * what it puts in the place of a function.
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
 * Whether the statement that is to be explained is on a protected table.  Views
 * in it are looked through, and functions that the planner looks through.
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

		/* It may mean something else by now, as the server finds out so. */
		if (prepared != NULL)
			(void) CachedPlanGetTargetList(prepared->plansource, NULL);
		/* Of one without a result it does not, and this is no time to plan it. */
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

/* Whether the option is one of those that show numbers. */
static bool
shows_numbers(const DefElem *option)
{
	for (int i = 0; i < lengthof(number_options); i++)
		if (strcmp(option->defname, number_options[i]) == 0)
			return true;
	return false;
}

/*
 * Take the numbers out of what is to be shown; whether there were any.  *analyze
 * says whether the statement was to be executed.
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

/* Hand over to the next hook, or the server. */
static void
next_utility(PlannedStmt *statement, const char *query_string,
			 bool read_only_tree, ProcessUtilityContext context,
			 ParamListInfo params, QueryEnvironment *environment,
			 DestReceiver *receiver, QueryCompletion *completion)
{
	if (previous_utility_hook)
		previous_utility_hook(statement, query_string, read_only_tree,
							  context, params, environment, receiver,
							  completion);
	else
		standard_ProcessUtility(statement, query_string, read_only_tree,
								context, params, environment, receiver,
								completion);
}

/*
 * Whether the statement has a plan made for nothing but to be shown.  One that
 * EXPLAIN EXECUTE makes may be kept for later executions.
 */
static bool
makes_plan(ExplainStmt *explain)
{
	Query	   *query = castNode(Query, explain->query);

	return query->utilityStmt == NULL ||
		!IsA(query->utilityStmt, ExecuteStmt);
}

/* The same for an EXPLAIN, whose plan shows the calls of policies. */
static void
show_plan(bool show_all, PlannedStmt *statement, const char *query_string,
		  bool read_only_tree, ProcessUtilityContext context,
		  ParamListInfo params, QueryEnvironment *environment,
		  DestReceiver *receiver, QueryCompletion *completion)
{
	bool		before = shows_all;

	shows_all = show_all;
	casnet_plan_show_next(makes_plan((ExplainStmt *) statement->utilityStmt));
	PG_TRY();
	{
		next_utility(statement, query_string, read_only_tree, context, params,
					 environment, receiver, completion);
	}
	PG_FINALLY();
	{
		shows_all = before;
		casnet_plan_show_next(false);
	}
	PG_END_TRY();
}

/* ProcessUtility_hook: EXPLAIN shows calls of policies, and numbers to some only. */
static void
process_utility(PlannedStmt *statement, const char *query_string,
				bool read_only_tree, ProcessUtilityContext context,
				ParamListInfo params, QueryEnvironment *environment,
				DestReceiver *receiver, QueryCompletion *completion)
{
	PlannedStmt *shown = statement;
	bool		show_all = false;
	bool		execute = false;

	if (!IsA(statement->utilityStmt, ExplainStmt))
	{
		next_utility(statement, query_string, read_only_tree, context, params,
					 environment, receiver, completion);
		return;
	}

	if (!OidIsValid(casnet_schema()) || !casnet_explain_is_restricted(GetUserId()))
		 /* all is shown */ ;
	else if (!explains_protected((ExplainStmt *) statement->utilityStmt,
								 query_string, params))
		show_all = true;
	else
	{
		shown = copyObject(statement);
		if (take_numbers((ExplainStmt *) shown->utilityStmt, &execute))
			ereport(NOTICE,
					(errmsg("the plan is shown without costs, rows and times, since it is about protected tables"),
					 errhint("Members of casnet_admin and of pg_read_all_stats see them.")));
	}

	show_plan(show_all, shown, query_string, read_only_tree, context, params,
			  environment, receiver, completion);
	if (execute)
		next_utility(statement, query_string, read_only_tree, context, params,
					 environment, None_Receiver, completion);
}

/*
 * A plan is about to be executed, or shown.  Raises 55000 rather than show numbers
 * of one with policies of ours that nobody expected to have any: its meaning has
 * changed since the hook looked at it, or, with is_late, it has come past the hook,
 * as EXPLAIN ANALYZE does as the first statement of a session without a preload.
 */
void
casnet_explain_check(const QueryDesc *query, bool is_policed, bool is_late,
					 bool explain_only)
{
	bool		unexpected = shows_all || (is_late && !explain_only);

	if (!(explain_only || query->instrument_options != 0) || !unexpected ||
		!casnet_explain_is_restricted(GetUserId()))
		return;
	if (is_policed || (OidIsValid(casnet_schema()) &&
					   reads_protected(query->plannedstmt)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the numbers of a plan for protected tables are not shown"),
				 errhint("Send it again; then its shape is shown.")));
}

void
casnet_explain_init(void)
{
	previous_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
}
