/*
 * execution.c
 *		The policies of a plan, asked once for each execution.
 *
 * A call of a function in a plan is dear before it does anything: for each
 * scan, and twice for an index scan, the executor checks the privilege on the
 * function, looks it up and prepares the call.  For a point read that is a
 * tenth of everything.  A parameter of the executor costs next to nothing.  So
 * when a plan is ready, the policies' calls of tenant_with() in it are replaced
 * by one, and when an execution of the plan starts, it gets its value: the
 * active tenant, or the error that tenant_with() raises.
 *
 * It also has to be done.  A plan that is used again was checked when it was
 * made, for whoever the session was then; a sequential scan of a table without a
 * visible row, or a scan that is never reached, evaluates no policy, and would
 * give an empty result where a refusal is due.
 *
 * An execution that goes on, as a cursor's does, stays with the user and the
 * tenant that it began with; but each time it goes on for another statement of
 * the client, that user must still hold the permissions.
 *
 * Only conditions of the form "column = tenant_with()" are looked at, and not
 * those on new rows that may never be made.  A call that is left means the
 * same.  So does each in a plan with parallel parts, whose workers would have
 * to be handed the value, and in one that locks or writes rows, which may wait
 * for one while a revocation commits; such a plan asks when an execution starts,
 * and each call again.  EXPLAIN shows the calls, because what is planned for it
 * keeps them; EXPLAIN EXECUTE shows the parameter.
 *
 * The plan must say what to ask for wherever it is copied to.  Of the lists of a
 * PlannedStmt, that of the objects that it depends on can hold a note: an entry
 * for a cache that the server does not have.  Notes never reach another
 * process: parallel workers get plans without that list.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "nodes/plannodes.h"
#include "optimizer/planner.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/syscache.h"

#include "casnet.h"

/* The cache of a note, and what its hash value holds. */
#define NOTE_CACHE (-0x0ca5)
#define NOTE_MAX 0xffff
#define NOTE_OF(parameter, bit) (((uint32) (parameter) << 16) | (uint32) (bit))
#define NOTE_PARAMETER(note) ((int) ((note) >> 16))
#define NOTE_BIT(note) ((int) ((note) & NOTE_MAX))

/* uuid = uuid, of the catalog's fixed part. */
#define UUID_EQ_OPERATOR 2972

/* The parameter of a note that only asks. */
#define NO_PARAMETER NOTE_MAX

/* A replaced call: all with this argument are the same. */
typedef struct Replacement
{
	Const	   *argument;
	int			parameter;
} Replacement;

/* While the calls of a plan are replaced. */
typedef struct Replacing
{
	Oid			function;		/* tenant_with() */
	PlannedStmt *plan;
	bool		only_ask;		/* replace nothing */
	List	   *done;			/* of Replacement */
} Replacing;

/* The value of a parameter: whose execution it is. */
typedef struct Asked
{
	pg_uuid_t	tenant;			/* must be first: the parameter points to it */
	pg_uuid_t	user;
	uint64		user_changes;	/* how often the session's user was set */
	uint64		generation;		/* the answer holds for this generation */
	TimestampTz statement;		/* and this statement of the client */
} Asked;

static planner_hook_type previous_planner_hook = NULL;
static ExecutorStart_hook_type previous_start_hook = NULL;
static ExecutorRun_hook_type previous_run_hook = NULL;
static ProcessUtility_hook_type previous_utility_hook = NULL;

static bool explaining = false; /* an EXPLAIN is running */

static void replace_in_plan(Plan *plan, Replacing *replacing);

/* Whether the node is a call of tenant_with() with a constant. */
static bool
is_call(Node *node, Oid function)
{
	FuncExpr   *call = (FuncExpr *) node;

	return IsA(node, FuncExpr) && call->funcid == function &&
		IsA(linitial(call->args), Const) &&
		!linitial_node(Const, call->args)->constisnull;
}

/*
 * Note in the plan that the parameter takes the permissions of the argument,
 * separated by commas; false if one is not known or cannot be noted.
 */
static bool
add_notes(PlannedStmt *plan, int parameter, Const *argument)
{
	char	   *rest = TextDatumGetCString(argument->constvalue);
	List	   *notes = NIL;
	char	   *name;

	while ((name = strsep(&rest, ",")) != NULL)
	{
		int			bit = casnet_permission_find(name);
		PlanInvalItem *note = makeNode(PlanInvalItem);

		if (bit < 0 || bit > NOTE_MAX || parameter > NO_PARAMETER ||
			list_length(notes) == CASNET_MAX_UNITED)
			return false;
		note->cacheId = NOTE_CACHE;
		note->hashValue = NOTE_OF(parameter, bit);
		notes = lappend(notes, note);
	}
	/* At the head, so that a plan without notes is known by one look. */
	plan->invalItems = list_concat(notes, plan->invalItems);
	return true;
}

/* The parameter for the call with this argument; -1 if that is not known. */
static int
parameter_for(Const *argument, Replacing *replacing)
{
	PlannedStmt *plan = replacing->plan;
	Replacement *replacement;
	ListCell   *lc;

	foreach(lc, replacing->done)
	{
		replacement = lfirst(lc);
		if (equal(replacement->argument, argument))
			return replacement->parameter;
	}
	replacement = palloc(sizeof(Replacement));
	replacement->argument = argument;
	replacement->parameter = replacing->only_ask ? NO_PARAMETER :
		list_length(plan->paramExecTypes);
	if (!add_notes(plan, replacement->parameter, argument))
		return -1;
	if (!replacing->only_ask)
		plan->paramExecTypes = lappend_oid(plan->paramExecTypes, UUIDOID);
	replacing->done = lappend(replacing->done, replacement);
	return replacement->parameter;
}

/* Whether the condition is "column = call", as policies are. */
static bool
is_policy_condition(Node *condition, Oid function)
{
	OpExpr	   *comparison = (OpExpr *) condition;

	return IsA(condition, OpExpr) && comparison->opno == UUID_EQ_OPERATOR &&
		IsA(linitial(comparison->args), Var) &&
		is_call(lsecond(comparison->args), function);
}

/* The argument of the call in such a condition. */
static Const *
call_argument(OpExpr *condition)
{
	return linitial_node(Const,
						 lsecond_node(FuncExpr, condition->args)->args);
}

/*
 * The condition with the call in it replaced, if it is a policy's; else as it
 * is.  Deeper in an expression, a call may be for some rows only.
 */
static Node *
replace_in_condition(Node *condition, Replacing *replacing)
{
	OpExpr	   *comparison = (OpExpr *) condition;
	Param	   *parameter;
	int			number;

	if (!is_policy_condition(condition, replacing->function))
		return condition;
	number = parameter_for(call_argument(comparison), replacing);
	if (number < 0 || replacing->only_ask)
		return condition;

	parameter = makeNode(Param);
	parameter->paramkind = PARAM_EXEC;
	parameter->paramid = number;
	parameter->paramtype = UUIDOID;
	parameter->paramtypmod = -1;
	parameter->location = -1;
	/* Plans share expressions, perhaps with what we leave alone. */
	comparison = copyObject(comparison);
	lsecond(comparison->args) = parameter;
	return (Node *) comparison;
}

/* Replace in each of a list of conditions, in place. */
static void
replace_in_list(List *conditions, Replacing *replacing)
{
	ListCell   *lc;

	foreach(lc, conditions)
		lfirst(lc) = replace_in_condition(lfirst(lc), replacing);
}

/* Replace in each plan of a list. */
static void
replace_in_plans(List *plans, Replacing *replacing)
{
	ListCell   *lc;

	foreach(lc, plans)
		replace_in_plan(lfirst(lc), replacing);
}

/*
 * Two checks of a new row as one, if both are "column = call" of the same column and
 * one directly follows the other: with a call that asks for the permissions of both,
 * in their order.  NIL if not.
 */
static List *
merge_checks(List *first, List *second, Oid function)
{
	OpExpr	   *one;
	OpExpr	   *other;
	char	   *names;
	int			count = 1;

	if (list_length(first) != 1 || list_length(second) != 1 ||
		!is_policy_condition(linitial(first), function) ||
		!is_policy_condition(linitial(second), function))
		return NIL;
	one = linitial_node(OpExpr, first);
	other = linitial_node(OpExpr, second);
	if (!equal(linitial(one->args), linitial(other->args)))
		return NIL;
	names = psprintf("%s,%s",
					 TextDatumGetCString(call_argument(one)->constvalue),
					 TextDatumGetCString(call_argument(other)->constvalue));
	for (char *comma = names; (comma = strchr(comma, ',')) != NULL; comma++)
		count++;
	if (count > CASNET_MAX_UNITED)
		return NIL;

	one = copyObject(one);
	call_argument(one)->constvalue = CStringGetTextDatum(names);
	return list_make1(one);
}

/*
 * For each new row the server checks the policy of the statement, and that of
 * SELECT after it.  An upsert has three times two; each is prepared for each
 * execution, which costs more than to evaluate it.  What a check says when it
 * fails does not matter: the second cannot once the first did not.
 */
static void
merge_policies(ModifyTable *plan, Oid function)
{
	ListCell   *lists;
	ListCell   *lc;

	foreach(lists, plan->withCheckOptionLists)
	{
		List	   *merged = NIL;

		foreach(lc, lfirst_node(List, lists))
		{
			WithCheckOption *check = lfirst_node(WithCheckOption, lc);
			WithCheckOption *last = merged == NIL ? NULL : llast(merged);
			List	   *both = NIL;

			if (last != NULL && last->kind == check->kind)
				both = merge_checks((List *) last->qual, (List *) check->qual,
									function);
			if (both != NIL)
			{
				last = copyObject(last);
				last->qual = (Node *) both;
				llast(merged) = last;
			}
			else
				merged = lappend(merged, check);
		}
		lfirst(lists) = merged;
	}
}

/*
 * Have the checks of the new rows of INSERT ... VALUES asked when an execution
 * starts, besides for each row.  Of others they are not: nothing may be asked
 * for rows that are perhaps not made.
 */
static void
ask_for_new_rows(ModifyTable *plan, Replacing *replacing)
{
	Plan	   *source = outerPlan(plan);
	ListCell   *checks;
	ListCell   *check;

	Assert(replacing->only_ask);	/* it writes */
	if (plan->operation != CMD_INSERT ||
		plan->onConflictAction != ONCONFLICT_NONE ||
		!(IsA(source, ValuesScan) ||
		  (IsA(source, Result) && outerPlan(source) == NULL &&
		   ((Result *) source)->resconstantqual == NULL)))
		return;
	foreach(checks, plan->withCheckOptionLists)
		foreach(check, lfirst_node(List, checks))
			replace_in_list((List *) lfirst_node(WithCheckOption, check)->qual,
							replacing);
}

/* Replace in the conditions of a plan, and of those below it. */
static void
replace_in_plan(Plan *plan, Replacing *replacing)
{
	if (plan == NULL)
		return;
	replace_in_list(plan->qual, replacing);
	switch (nodeTag(plan))
	{
		case T_IndexScan:
			replace_in_list(((IndexScan *) plan)->indexqual, replacing);
			replace_in_list(((IndexScan *) plan)->indexqualorig, replacing);
			break;
		case T_IndexOnlyScan:
			replace_in_list(((IndexOnlyScan *) plan)->indexqual, replacing);
			replace_in_list(((IndexOnlyScan *) plan)->recheckqual, replacing);
			break;
		case T_BitmapIndexScan:
			replace_in_list(((BitmapIndexScan *) plan)->indexqual, replacing);
			replace_in_list(((BitmapIndexScan *) plan)->indexqualorig,
							replacing);
			break;
		case T_BitmapHeapScan:
			replace_in_list(((BitmapHeapScan *) plan)->bitmapqualorig,
							replacing);
			break;
		case T_BitmapAnd:
			replace_in_plans(((BitmapAnd *) plan)->bitmapplans, replacing);
			break;
		case T_BitmapOr:
			replace_in_plans(((BitmapOr *) plan)->bitmapplans, replacing);
			break;
		case T_Append:
			replace_in_plans(((Append *) plan)->appendplans, replacing);
			break;
		case T_MergeAppend:
			replace_in_plans(((MergeAppend *) plan)->mergeplans, replacing);
			break;
		case T_SubqueryScan:
			replace_in_plan(((SubqueryScan *) plan)->subplan, replacing);
			break;
		default:
			break;
	}
	replace_in_plan(plan->lefttree, replacing);
	replace_in_plan(plan->righttree, replacing);
	if (IsA(plan, ModifyTable))
	{
		merge_policies((ModifyTable *) plan, replacing->function);
		ask_for_new_rows((ModifyTable *) plan, replacing);
	}
}

/* tenant_with(), or InvalidOid where casnet is not installed. */
static Oid
tenant_with(void)
{
	Oid			namespace = get_namespace_oid("casnet", true);
	Oid			text_type = TEXTOID;

	if (!OidIsValid(namespace))
		return InvalidOid;
	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
						   CStringGetDatum("tenant_with"),
						   PointerGetDatum(buildoidvector(&text_type, 1)),
						   ObjectIdGetDatum(namespace));
}

/*
 * Whether the statement has a plan made for nothing but to be shown.  One that
 * EXPLAIN EXECUTE makes may be kept for later executions.
 */
static bool
is_explain(Node *statement)
{
	Query	   *query;

	if (!IsA(statement, ExplainStmt))
		return false;
	query = castNode(Query, ((ExplainStmt *) statement)->query);
	return query->utilityStmt == NULL || !IsA(query->utilityStmt, ExecuteStmt);
}

/* ProcessUtility_hook: know what is planned for an EXPLAIN. */
static void
process_utility(PlannedStmt *statement, const char *query_string,
				bool read_only_tree, ProcessUtilityContext context,
				ParamListInfo params, QueryEnvironment *environment,
				DestReceiver *receiver, QueryCompletion *completion)
{
	bool		was_explaining = explaining;

	explaining = is_explain(statement->utilityStmt);
	PG_TRY();
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
	PG_FINALLY();
	{
		explaining = was_explaining;
	}
	PG_END_TRY();
}

/*
 * Whether the plan locks or writes rows.  It may wait for one while a revocation
 * commits, and then evaluates its conditions again; and a load runs one again
 * and again (load.c).
 */
static bool
waits_for_rows(PlannedStmt *plan)
{
	return plan->rowMarks != NIL || plan->hasModifyingCTE ||
		plan->commandType != CMD_SELECT;
}

/* planner_hook: replace the calls of the finished plan. */
static PlannedStmt *
plan_statement(Query *parse, const char *query_string, int options,
			   ParamListInfo params)
{
	Replacing	replacing = {InvalidOid, NULL, false, NIL};
	bool		has_policy = parse->hasRowSecurity;
	PlannedStmt *result;

	if (previous_planner_hook)
		result = previous_planner_hook(parse, query_string, options, params);
	else
		result = standard_planner(parse, query_string, options, params);

	/* The plan depends on the role where records_tagged() brought a policy. */
	if (!(has_policy || result->dependsOnRole) || explaining)
		return result;
	replacing.function = tenant_with();
	if (!OidIsValid(replacing.function))
		return result;
	replacing.plan = result;
	replacing.only_ask = result->parallelModeNeeded || waits_for_rows(result);
	replace_in_plan(result->planTree, &replacing);
	replace_in_plans(result->subplans, &replacing);
	return result;
}

/*
 * The notes on one parameter, from the cell on: returns the parameter and its
 * permissions, and moves on to the next cell.
 */
static int
read_notes(List *items, ListCell **cell, int *nbits, int *bits)
{
	int			parameter = NOTE_PARAMETER(lfirst_node(PlanInvalItem, *cell)->hashValue);
	PlanInvalItem *note;

	*nbits = 0;
	while (*cell != NULL && *nbits < CASNET_MAX_UNITED)
	{
		note = lfirst_node(PlanInvalItem, *cell);
		if (note->cacheId != NOTE_CACHE ||
			NOTE_PARAMETER(note->hashValue) != parameter)
			break;
		bits[(*nbits)++] = NOTE_BIT(note->hashValue);
		*cell = lnext(items, *cell);
	}
	return parameter;
}

/* Whether the cell is a note. */
static bool
is_note(ListCell *cell)
{
	return cell != NULL &&
		lfirst_node(PlanInvalItem, cell)->cacheId == NOTE_CACHE;
}

/* Give each parameter its value.  Raises what tenant_with() does. */
static void
ask_first(PlannedStmt *plan, EState *estate)
{
	ListCell   *cell = list_head(plan->invalItems);

	while (is_note(cell))
	{
		int			bits[CASNET_MAX_UNITED];
		int			nbits;
		int			parameter = read_notes(plan->invalItems, &cell, &nbits,
										   bits);
		const CasnetVerdict *verdict;
		Asked	   *asked;

		AcceptInvalidationMessages();
		verdict = casnet_membership_require(nbits, bits);
		if (parameter == NO_PARAMETER)
			continue;
		asked = MemoryContextAlloc(estate->es_query_cxt, sizeof(Asked));
		asked->tenant = verdict->key.tenant;
		asked->user = verdict->key.user;
		asked->user_changes = casnet_user_changes;
		asked->generation = casnet_generation;
		asked->statement = GetCurrentStatementStartTimestamp();
		estate->es_param_exec_vals[parameter].value =
			UUIDPGetDatum(&asked->tenant);
		estate->es_param_exec_vals[parameter].isnull = false;
	}
}

/* Ask again if the execution goes on for another statement of the client. */
static void
ask_again(PlannedStmt *plan, EState *estate)
{
	ListCell   *cell = list_head(plan->invalItems);

	while (is_note(cell))
	{
		int			bits[CASNET_MAX_UNITED];
		int			nbits;
		int			parameter = read_notes(plan->invalItems, &cell, &nbits,
										   bits);
		Asked	   *asked;

		if (parameter == NO_PARAMETER)
			continue;
		asked = (Asked *) DatumGetPointer(estate->es_param_exec_vals[parameter].value);
		if (asked->generation == casnet_generation &&
			asked->statement == GetCurrentStatementStartTimestamp())
			continue;
		AcceptInvalidationMessages();
		/* Its token may have ended; one of somebody else's is no matter. */
		if (asked->user_changes == casnet_user_changes)
			(void) casnet_membership_require_user();
		(void) casnet_membership_require_of(&asked->user, &asked->tenant,
											nbits, bits);
		asked->generation = casnet_generation;
		asked->statement = GetCurrentStatementStartTimestamp();
	}
}

/*
 * ExecutorStart_hook: the policies are asked.
 *
 * The first one in a session that loaded the library for the statement makes
 * the server forget the plans that it made without us.
 */
static void
start_execution(QueryDesc *query, int eflags)
{
	static bool first = true;

	if (previous_start_hook)
		previous_start_hook(query, eflags);
	else
		standard_ExecutorStart(query, eflags);

	if (first)
		ResetPlanCache();
	first = false;
	ask_first(query->plannedstmt, query->estate);
}

/* ExecutorRun_hook: an execution begins, or goes on. */
static void
run_execution(QueryDesc *query, ScanDirection direction,
			  CASNET_RUN_ARGUMENTS)
{
	ask_again(query->plannedstmt, query->estate);
	if (previous_run_hook)
		previous_run_hook(query, direction, CASNET_RUN_NAMES);
	else
		standard_ExecutorRun(query, direction, CASNET_RUN_NAMES);
}

void
casnet_execution_init(void)
{
	previous_planner_hook = planner_hook;
	planner_hook = plan_statement;
	previous_start_hook = ExecutorStart_hook;
	ExecutorStart_hook = start_execution;
	previous_run_hook = ExecutorRun_hook;
	ExecutorRun_hook = run_execution;
	previous_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
}
