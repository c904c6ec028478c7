/*
 * execution.c
 *		The tenant of the policies, computed once for an execution.
 *
 * A call of a function in a plan is dear before it does anything: for each
 * scan, and twice for an index scan, the executor checks the privilege on the
 * function, looks it up and prepares the call.  For a point read that is a
 * tenth of everything.  A parameter of the executor costs next to nothing.  So
 * when a plan is ready, the policies' calls of tenant_with() in it are replaced
 * by one, and when an execution of the plan starts, it gets its value: the
 * active tenant, or the error that tenant_with() raises.
 *
 * Only scans, and the checks of new rows, are looked at; a call anywhere else,
 * and one whose argument is not a known permission, is left, and means the
 * same.  So are all calls of a plan with parallel parts, whose workers would
 * have to be handed the value.  EXPLAIN shows the calls, because what is
 * planned for it keeps them; EXPLAIN EXECUTE shows the parameter.
 *
 * The plan must say what to ask for wherever it is copied to.  Of the lists of a
 * PlannedStmt, that of the objects that it depends on can hold a note: an entry
 * for a cache that the server does not have.  Notes never reach another
 * process: plans are handed to parallel workers only.
 */
#include "postgres.h"

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
	List	   *done;			/* of Replacement */
} Replacing;

static planner_hook_type previous_planner_hook = NULL;
static ExecutorStart_hook_type previous_start_hook = NULL;
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

		if (bit < 0 || bit > NOTE_MAX || parameter > NOTE_MAX ||
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

/* The parameter for the call with this argument, or -1. */
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
	replacement->parameter = list_length(plan->paramExecTypes);
	if (!add_notes(plan, replacement->parameter, argument))
		return -1;
	plan->paramExecTypes = lappend_oid(plan->paramExecTypes, UUIDOID);
	replacing->done = lappend(replacing->done, replacement);
	return replacement->parameter;
}

/*
 * The condition with the call in it replaced, if it is "column = call", as
 * policies are; else as it is.  Deeper in an expression, a call may be for some
 * rows only.
 */
static Node *
replace_in_condition(Node *condition, Replacing *replacing)
{
	OpExpr	   *comparison = (OpExpr *) condition;
	Param	   *parameter;
	int			number;

	if (!IsA(condition, OpExpr) || comparison->opno != UUID_EQ_OPERATOR ||
		!IsA(linitial(comparison->args), Var) ||
		!is_call(lsecond(comparison->args), replacing->function))
		return condition;
	number = parameter_for(linitial(lsecond_node(FuncExpr,
												 comparison->args)->args),
						   replacing);
	if (number < 0)
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

/* Replace in the checks of new rows. */
static void
replace_in_checks(ModifyTable *plan, Replacing *replacing)
{
	ListCell   *lc;
	ListCell   *check;

	foreach(lc, plan->withCheckOptionLists)
		foreach(check, lfirst_node(List, lc))
			replace_in_list((List *) lfirst_node(WithCheckOption, check)->qual,
							replacing);
}

/* Replace in the scans of a plan, and in its checks. */
static void
replace_in_plan(Plan *plan, Replacing *replacing)
{
	if (plan == NULL)
		return;
	switch (nodeTag(plan))
	{
		case T_SeqScan:
		case T_SampleScan:
			replace_in_list(plan->qual, replacing);
			break;
		case T_IndexScan:
			replace_in_list(((IndexScan *) plan)->indexqual, replacing);
			replace_in_list(((IndexScan *) plan)->indexqualorig, replacing);
			replace_in_list(plan->qual, replacing);
			break;
		case T_IndexOnlyScan:
			replace_in_list(((IndexOnlyScan *) plan)->indexqual, replacing);
			replace_in_list(((IndexOnlyScan *) plan)->recheckqual, replacing);
			replace_in_list(plan->qual, replacing);
			break;
		case T_BitmapIndexScan:
			replace_in_list(((BitmapIndexScan *) plan)->indexqual, replacing);
			replace_in_list(((BitmapIndexScan *) plan)->indexqualorig,
							replacing);
			break;
		case T_BitmapHeapScan:
			replace_in_list(((BitmapHeapScan *) plan)->bitmapqualorig,
							replacing);
			replace_in_list(plan->qual, replacing);
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
		case T_ModifyTable:
			replace_in_checks((ModifyTable *) plan, replacing);
			break;
		default:
			break;
	}
	replace_in_plan(plan->lefttree, replacing);
	replace_in_plan(plan->righttree, replacing);
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
	ProcessUtility_hook_type next = previous_utility_hook ?
		previous_utility_hook : standard_ProcessUtility;
	bool		was_explaining = explaining;

	explaining = is_explain(statement->utilityStmt);
	PG_TRY();
	{
		next(statement, query_string, read_only_tree, context, params,
			 environment, receiver, completion);
	}
	PG_FINALLY();
	{
		explaining = was_explaining;
	}
	PG_END_TRY();
}

/* planner_hook: replace the calls of the finished plan. */
static PlannedStmt *
plan_statement(Query *parse, const char *query_string, int options,
			   ParamListInfo params)
{
	Replacing	replacing = {InvalidOid, NULL, NIL};
	bool		has_policy = parse->hasRowSecurity;
	PlannedStmt *result;

	if (previous_planner_hook)
		result = previous_planner_hook(parse, query_string, options, params);
	else
		result = standard_planner(parse, query_string, options, params);

	/* The plan depends on the role where records_tagged() brought a policy. */
	if (!(has_policy || result->dependsOnRole) ||
		result->parallelModeNeeded || explaining)
		return result;
	replacing.function = tenant_with();
	if (!OidIsValid(replacing.function))
		return result;
	replacing.plan = result;
	replace_in_plan(result->planTree, &replacing);
	replace_in_plans(result->subplans, &replacing);
	return result;
}

/*
 * Give each parameter that the plan has a note of its value.  Raises what
 * tenant_with() does.
 */
static void
set_parameters(PlannedStmt *plan, EState *estate)
{
	int			bits[CASNET_MAX_UNITED];
	ListCell   *lc = list_head(plan->invalItems);

	AcceptInvalidationMessages();
	while (lc != NULL)
	{
		uint32		note = lfirst_node(PlanInvalItem, lc)->hashValue;
		int			parameter = NOTE_PARAMETER(note);
		int			nbits = 0;
		pg_uuid_t  *tenant;

		while (lfirst_node(PlanInvalItem, lc)->cacheId == NOTE_CACHE)
		{
			note = lfirst_node(PlanInvalItem, lc)->hashValue;
			if (NOTE_PARAMETER(note) != parameter)
				break;
			bits[nbits++] = NOTE_BIT(note);
			lc = lnext(plan->invalItems, lc);
			if (lc == NULL)
				break;
		}
		if (nbits == 0)
			break;
		tenant = MemoryContextAlloc(estate->es_query_cxt, sizeof(pg_uuid_t));
		*tenant = casnet_membership_require(nbits, bits)->key.tenant;
		estate->es_param_exec_vals[parameter].value = UUIDPGetDatum(tenant);
		estate->es_param_exec_vals[parameter].isnull = false;
	}
}

/* ExecutorStart_hook: the parameters of the execution get their value. */
static void
start_execution(QueryDesc *query, int eflags)
{
	PlannedStmt *plan = query->plannedstmt;

	if (previous_start_hook)
		previous_start_hook(query, eflags);
	else
		standard_ExecutorStart(query, eflags);
	if (plan->invalItems != NIL &&
		linitial_node(PlanInvalItem, plan->invalItems)->cacheId == NOTE_CACHE)
		set_parameters(plan, query->estate);
}

void
casnet_execution_init(void)
{
	previous_planner_hook = planner_hook;
	planner_hook = plan_statement;
	previous_start_hook = ExecutorStart_hook;
	ExecutorStart_hook = start_execution;
	previous_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
}
