/*
 * plan.c
 *		What casnet does to a statement before and after the server plans it.
 *
 * prepare_and_plan() lists it.  In a finished plan, casnet puts policies first where rows
 * are checked again (recheck.c), and does two things for executions.
 *
 * First, casnet replaces the calls of policies by parameters, which get their values when
 * an execution starts (execution.c).  A call of a function is expensive before it does
 * anything.  For each scan, and twice for an index scan, the executor checks the
 * privilege, looks the function up and prepares the call.  That is a tenth of a point
 * read.  A parameter of the executor costs next to nothing.  It saves 10 % of a prepared
 * point read, 12 % of a join of two tables and 17 % of a read of users.  bench/run.sh
 * --instructions counts what is left.
 *
 * Plans with parallel parts keep the calls, since workers would have to be handed the
 * value.  So do plans that lock or write rows.  They can wait for a row while a revocation
 * commits, and then evaluate their conditions again.  EXPLAIN shows the calls, because
 * what is planned for it keeps them; EXPLAIN EXECUTE shows the parameters.
 *
 * Second, a plan notes what its policies ask for (CasnetNote).  casnet must ask that when
 * an execution starts, and again when one goes on.  A plan that is used again was checked
 * when it was made, for whoever the session was then.  A scan that is never reached
 * evaluates no policy, and would return nothing where casnet must refuse.  Copies of the
 * plan carry the notes.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "jit/jit.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "optimizer/planner.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"

#include "casnet.h"
#include "recheck.h"
#include "tagging.h"

/* While a plan is looked through. */
typedef struct Replacing
{
	PlannedStmt *plan;
	Oid			functions[CASNET_NOTED_FUNCTIONS];
	int			parameters[CASNET_POLICY_FUNCTIONS]; /* 0: none yet */
	Bitmapset  *permissions;	/* noted already */
	bool		only_ask;		/* replace nothing */
	bool		hide;			/* take the estimates out */
	bool		calls_left;
	bool		calls_session;	/* policies of others ask about the session */
	bool		prunes;			/* partitions are left out while it runs */
} Replacing;

static planner_hook_type previous_planner_hook = NULL;

/* Whether the next plan is made for EXPLAIN. */
static bool show_next = false;

/*
 * Whether the library was loaded in this transaction, perhaps while the server planned a
 * statement.  That plan came past the hook.
 */
static bool plans_came_past = false;

/* The server's setting for self-joins before that. */
static bool joined_itself = true;

/* Whether the server can have kept such a plan. */
static bool kept_plans_are_stale = true;

static void look_through(Plan *plan, Replacing *replacing);

/* Say whether the next plan is for EXPLAIN, which shows the calls. */
void
casnet_plan_show_next(bool show)
{
	show_next = show;
}

/* Note something in the plan, before all other notes. */
static void
add_note(PlannedStmt *plan, CasnetNote kind, int value)
{
	PlanInvalItem *item = makeNode(PlanInvalItem);

	item->cacheId = CASNET_NOTE_CACHE;
	item->hashValue = ((uint32) kind << 24) | (uint32) value;
	plan->invalItems = lcons(item, plan->invalItems);
}

/* Note something at the end. */
static void
add_last_note(PlannedStmt *plan, CasnetNote kind, int value)
{
	PlanInvalItem *item;

	if (plan->invalItems == NIL)
		add_note(plan, CASNET_NOTE_NOTHING, 0);
	item = makeNode(PlanInvalItem);
	item->cacheId = CASNET_NOTE_CACHE;
	item->hashValue = ((uint32) kind << 24) | (uint32) value;
	plan->invalItems = lappend(plan->invalItems, item);
}

/* Note a permission, once. */
static void
note_permission(int bit, Replacing *replacing)
{
	if (bms_is_member(bit, replacing->permissions))
		return;
	replacing->permissions = bms_add_member(replacing->permissions, bit);
	add_note(replacing->plan, CASNET_NOTE_PERMISSION, bit);
}

/*
 * Note the permissions of a call of tenant_with(), in their order.  False if the call itself
 * has to raise.
 */
static bool
note_permissions(FuncExpr *call, Replacing *replacing)
{
	int			bits[CASNET_MAX_UNITED];
	int			count = casnet_recheck_permissions(call, bits);

	for (int i = 0; i < count; i++)
		note_permission(bits[i], replacing);
	return count >= 0;
}

/* A parameter of the executor. */
static Node *
make_parameter(int number, Oid type)
{
	Param	   *parameter = makeNode(Param);

	parameter->paramkind = PARAM_EXEC;
	parameter->paramid = number;
	parameter->paramtype = type;
	parameter->paramtypmod = -1;
	parameter->location = -1;
	return (Node *) parameter;
}

/*
 * The parameter that replaces the call, or the call itself.  Notes what the call asks for.
 */
static Node *
replace_call(FuncExpr *call, int which, Replacing *replacing)
{
	const CasnetPolicyFunction *function = &casnet_policy_functions[which];
	PlannedStmt *plan = replacing->plan;
	bool		known = function->note != CASNET_NOTE_TENANT ||
		note_permissions(call, replacing);

	if (replacing->parameters[which] == 0)
	{
		int			number = replacing->only_ask ? CASNET_NO_PARAMETER :
			list_length(plan->paramExecTypes);

		if (!replacing->only_ask)
			plan->paramExecTypes = lappend_oid(plan->paramExecTypes,
											   function->type);
		add_note(plan, function->note, number);
		replacing->parameters[which] = number + 1;
	}
	if (replacing->only_ask || !known)
	{
		replacing->calls_left = true;
		return (Node *) call;
	}
	return make_parameter(replacing->parameters[which] - 1, function->type);
}

/*
 * A condition in which the policies' calls are replaced where they are an operand of a
 * comparison.  The comparison can be an operand of AND, OR or NOT.  A call deeper in an
 * expression can be for some rows only, and stays.
 */
static Node *
replace_in_condition(Node *condition, Replacing *replacing)
{
	CasnetCalls calls = {replacing->functions, false, false};
	List	   *operands;
	ListCell   *lc;
	bool		deep;

	(void) casnet_recheck_find_calls(condition, &calls);
	replacing->calls_session |= calls.session;
	if (!calls.policy)
		return condition;
	deep = !(IsA(condition, BoolExpr) || IsA(condition, List) ||
			 IsA(condition, OpExpr) || IsA(condition, ScalarArrayOpExpr));
	if (deep && IsA(condition, NullTest))
	{
		NullTest   *test = (NullTest *) condition;
		int			which = casnet_recheck_policy_call((Node *) test->arg,
											   replacing->functions);

		if (which >= 0)
		{
			test = (NullTest *) copyObject(condition);
			test->arg = (Expr *) replace_call((FuncExpr *) test->arg, which,
											  replacing);
			return (Node *) test;
		}
	}
	if (deep)
	{
		replacing->calls_left = true;
		return condition;
	}

	/* Plans share expressions, perhaps with some that must not change. */
	if (!replacing->only_ask)
		condition = copyObject(condition);
	if (IsA(condition, BoolExpr))
		operands = ((BoolExpr *) condition)->args;
	else if (IsA(condition, OpExpr))
		operands = ((OpExpr *) condition)->args;
	else if (IsA(condition, ScalarArrayOpExpr))
		operands = ((ScalarArrayOpExpr *) condition)->args;
	else
		operands = (List *) condition;
	foreach(lc, operands)
	{
		int			which = casnet_recheck_policy_call(lfirst(lc),
											   replacing->functions);

		if (which >= 0)
			lfirst(lc) = replace_call(lfirst(lc), which, replacing);
		else if (IsA(condition, BoolExpr) || IsA(condition, List))
			lfirst(lc) = replace_in_condition(lfirst(lc), replacing);
		else if (casnet_recheck_calls_policy(lfirst(lc),
											 replacing->functions))
			replacing->calls_left = true;
	}
	return condition;
}

/* Replace in each of a list of conditions, in place. */
static void
replace_in_list(List *conditions, Replacing *replacing)
{
	ListCell   *lc;

	foreach(lc, conditions)
		lfirst(lc) = replace_in_condition(lfirst(lc), replacing);
}

/*
 * Have an execution of INSERT ... VALUES ask when it starts, besides for each row, what
 * the checks of new rows ask.  Other statements perhaps make no row, and then nothing must
 * be asked.
 */
static void
ask_for_new_rows(ModifyTable *plan, Replacing *replacing)
{
	Plan	   *source = outerPlan(plan);
	ListCell   *checks;
	ListCell   *check;

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

/* Look through each plan of a list. */
static void
look_through_all(List *plans, Replacing *replacing)
{
	ListCell   *lc;

	foreach(lc, plans)
		look_through(lfirst(lc), replacing);
}

/* Look through the checks of the rows that a statement writes. */
static void
look_through_checks(ModifyTable *plan, Replacing *replacing)
{
	casnet_recheck_merge(plan, replacing->functions[0]);
	casnet_recheck_guard_conflict(plan);
	ask_for_new_rows(plan, replacing);
}

/* Note calls in an expression that is none of a scan's conditions. */
static void
note_elsewhere(void *expression, Replacing *replacing)
{
	CasnetCalls calls = {replacing->functions, false, false};

	(void) casnet_recheck_find_calls((Node *) expression, &calls);
	replacing->calls_session |= calls.policy || calls.session;
}

/*
 * Look at what a plan computes or joins by.  A stored call there can belong to a policy
 * with a subquery.  It is asked where it is reached, and for whoever opened the plan.
 */
static void
look_elsewhere(Plan *plan, Replacing *replacing)
{
	note_elsewhere(plan->targetlist, replacing);
	switch (nodeTag(plan))
	{
		case T_NestLoop:
			note_elsewhere(((Join *) plan)->joinqual, replacing);
			break;
		case T_MergeJoin:
			note_elsewhere(((Join *) plan)->joinqual, replacing);
			note_elsewhere(((MergeJoin *) plan)->mergeclauses, replacing);
			break;
		case T_HashJoin:
			note_elsewhere(((Join *) plan)->joinqual, replacing);
			note_elsewhere(((HashJoin *) plan)->hashclauses, replacing);
			break;
		case T_FunctionScan:
			note_elsewhere(((FunctionScan *) plan)->functions, replacing);
			break;
		case T_ValuesScan:
			note_elsewhere(((ValuesScan *) plan)->values_lists, replacing);
			break;
		case T_TableFuncScan:
			note_elsewhere(((TableFuncScan *) plan)->tablefunc, replacing);
			break;
		case T_SampleScan:
			note_elsewhere(((SampleScan *) plan)->tablesample, replacing);
			break;
		case T_TidScan:
			note_elsewhere(((TidScan *) plan)->tidquals, replacing);
			break;
		case T_TidRangeScan:
			note_elsewhere(((TidRangeScan *) plan)->tidrangequals, replacing);
			break;
		case T_IndexScan:
			note_elsewhere(((IndexScan *) plan)->indexorderby, replacing);
			break;
		case T_IndexOnlyScan:
			note_elsewhere(((IndexOnlyScan *) plan)->indexorderby, replacing);
			break;
		case T_WindowAgg:
			note_elsewhere(((WindowAgg *) plan)->startOffset, replacing);
			note_elsewhere(((WindowAgg *) plan)->endOffset, replacing);
			break;
		case T_Limit:
			note_elsewhere(((Limit *) plan)->limitOffset, replacing);
			note_elsewhere(((Limit *) plan)->limitCount, replacing);
			break;
		case T_Memoize:
			note_elsewhere(((Memoize *) plan)->param_exprs, replacing);
			break;
		case T_ModifyTable:
			note_elsewhere(((ModifyTable *) plan)->returningLists, replacing);
			break;
		case T_Append:
			replacing->prunes |= casnet_prunes((Append *) plan);
			break;
		case T_MergeAppend:
			replacing->prunes |= casnet_prunes((MergeAppend *) plan);
			break;
		default:
			break;
	}
}

/* Take the estimates out of a plan.  EXPLAIN shows them, or what follows from them. */
static void
hide_estimates(Plan *plan)
{
	plan->startup_cost = plan->total_cost = plan->plan_rows = 0;
	plan->plan_width = 0;
	switch (nodeTag(plan))
	{
		case T_Agg:
			((Agg *) plan)->numGroups = 1;
			((Agg *) plan)->transitionSpace = 0;
			break;
		case T_SetOp:
			((SetOp *) plan)->numGroups = 1;
			break;
		case T_RecursiveUnion:
			((RecursiveUnion *) plan)->numGroups = 1;
			break;
		case T_Memoize:
			((Memoize *) plan)->est_entries = 1;
			casnet_hide_lookups((Memoize *) plan);
			break;
		case T_Hash:
			((Hash *) plan)->rows_total = 0;
			break;
		default:
			break;
	}
}

/* Look through the conditions of a plan, and of those below it. */
static void
look_through(Plan *plan, Replacing *replacing)
{
	if (plan == NULL)
		return;
	check_stack_depth();
	look_elsewhere(plan, replacing);
	if (replacing->hide)
		hide_estimates(plan);
	casnet_recheck_order(plan, replacing->functions);
	replace_in_list(plan->qual, replacing);
	switch (nodeTag(plan))
	{
		case T_Result:
			replace_in_list((List *) ((Result *) plan)->resconstantqual,
							replacing);
			break;
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
			look_through_all(((BitmapAnd *) plan)->bitmapplans, replacing);
			break;
		case T_BitmapOr:
			look_through_all(((BitmapOr *) plan)->bitmapplans, replacing);
			break;
		case T_Append:
			look_through_all(((Append *) plan)->appendplans, replacing);
			break;
		case T_MergeAppend:
			look_through_all(((MergeAppend *) plan)->mergeplans, replacing);
			break;
		case T_SubqueryScan:
			look_through(((SubqueryScan *) plan)->subplan, replacing);
			break;
		case T_CustomScan:
			look_through_all(((CustomScan *) plan)->custom_plans, replacing);
			break;
		default:
			break;
	}
	look_through(plan->lefttree, replacing);
	look_through(plan->righttree, replacing);
	if (IsA(plan, ModifyTable))
		look_through_checks((ModifyTable *) plan, replacing);
}

/*
 * Whether the plan locks or writes rows.  It can wait for one while a revocation commits,
 * and then evaluates its conditions again.  A load runs its plan again and again (load.c).
 */
static bool
waits_for_rows(PlannedStmt *plan)
{
	return plan->rowMarks != NIL || plan->hasModifyingCTE ||
		plan->commandType != CMD_SELECT;
}

/* Note for whom the plan is, if the tenant is a constant in it, and what that takes. */
static void
note_pinned(const CasnetPinned *pinned, Replacing *replacing)
{
	int			bit = -1;

	while ((bit = bms_next_member(pinned->permissions, bit)) >= 0)
		note_permission(bit, replacing);
	add_note(replacing->plan, CASNET_NOTE_TENANT, CASNET_NO_PARAMETER);
	add_note(replacing->plan, CASNET_NOTE_PINNED, pinned->number);
}

/*
 * Change a finished plan as the top of this file says.  With has_tags, its execution looks
 * up tags, which must be the opener's.  With hide, take out the estimates.
 */
static void
finish_plan(PlannedStmt *plan, bool only_ask, bool has_tags, bool hide,
			const CasnetPinned *pinned)
{
	Replacing	replacing;
	int			value;
	bool		policed;

	memset(&replacing, 0, sizeof(replacing));
	replacing.plan = plan;
	if (!casnet_recheck_find_functions(replacing.functions))
		return;
	replacing.hide = hide;
	/* Whether JIT is used follows from the costs. */
	if (hide)
		plan->jitFlags = PGJIT_NONE;
	replacing.only_ask = only_ask || plan->parallelModeNeeded ||
		waits_for_rows(plan);
	look_through(plan->planTree, &replacing);
	look_through_all(plan->subplans, &replacing);
	if (pinned != NULL && pinned->number != 0)
		note_pinned(pinned, &replacing);
	if (has_tags)
		note_permission(casnet_permission_find("view_tags"), &replacing);
	/* What leaves out partitions calls the functions as well. */
	if (replacing.prunes && casnet_plan_note(list_head(plan->invalItems),
											 &value) != CASNET_NOTE_NONE)
		replacing.calls_left = true;
	policed = replacing.calls_left || has_tags ||
		casnet_plan_note(list_head(plan->invalItems), &value) !=
		CASNET_NOTE_NONE;
	if (replacing.calls_session)
		add_note(plan, CASNET_NOTE_SESSION, 0);
	/* The first note says whether there is something to ask for. */
	if (replacing.calls_left || has_tags || (policed && replacing.calls_session))
		add_note(plan, CASNET_NOTE_CALLS, 0);
	/* So that nobody looks through the plan again. */
	if (!policed && !replacing.calls_session)
		add_note(plan, CASNET_NOTE_NOTHING, 0);
	bms_free(replacing.permissions);
}

/* Whether policies in the plan ask for something, once it was looked through. */
bool
casnet_plan_is_policed(PlannedStmt *plan)
{
	int			value;
	CasnetNote	first = casnet_plan_note(list_head(plan->invalItems), &value);

	return first > CASNET_NOTE_NOTHING;
}

/*
 * A plan is about to be executed.  If it can have come past the hook, look through it now,
 * and leave its calls.  Returns whether it then has something to ask for.  With hide, take
 * out its estimates.
 */
bool
casnet_plan_note_late(PlannedStmt *plan, bool hide)
{
	MemoryContext before;
	int			value;
	bool		came_past = plans_came_past;

	/* This one can be one of them, out of the cache already. */
	if (kept_plans_are_stale)
	{
		kept_plans_are_stale = false;
		ResetPlanCache();
		came_past = true;
	}
	if (!came_past ||
		casnet_plan_note(list_head(plan->invalItems), &value) !=
		CASNET_NOTE_NONE)
		return false;
	before = MemoryContextSwitchTo(GetMemoryChunkContext(plan));
	finish_plan(plan, true, false, hide, NULL);
	MemoryContextSwitchTo(before);
	return casnet_plan_is_policed(plan);
}

/* Whether the library was loaded in this transaction. */
bool
casnet_plan_may_have_come_past(void)
{
	return plans_came_past;
}

/* A transaction ends, in whatever way. */
static void
transaction_callback(XactEvent event, void *arg)
{
	if (plans_came_past)
	{
		kept_plans_are_stale = true;
		(void) casnet_join_itself(joined_itself);
	}
	plans_came_past = false;
}

/* Hand over to the next hook, or the server. */
static PlannedStmt *
next_planner(CASNET_PLANNER_ARGUMENTS)
{
	return previous_planner_hook ?
		previous_planner_hook(CASNET_PLANNER_NAMES) :
		standard_planner(CASNET_PLANNER_NAMES);
}

/* Whether a statement is being planned whose tables each keep their policies. */
static bool keeps_tables_apart = false;

/*
 * The relations of a query are being looked up.  Functions of the user's that were
 * evaluated before can have changed the setting.
 */
void
casnet_plan_keep_tables_apart(void)
{
	if (keeps_tables_apart)
		(void) casnet_join_itself(false);
}

/* The same, but no self-join is removed, so that each entry keeps its policies. */
static PlannedStmt *
plan_each_table(CASNET_PLANNER_ARGUMENTS)
{
	bool		before = casnet_join_itself(false);
	bool		kept_apart = keeps_tables_apart;
	PlannedStmt *volatile plan = NULL;

	keeps_tables_apart = true;

	PG_TRY();
	{
		plan = next_planner(CASNET_PLANNER_NAMES);
	}
	PG_FINALLY();
	{
		keeps_tables_apart = kept_apart;
		(void) casnet_join_itself(before);
	}
	PG_END_TRY();
	return plan;
}

/*
 * Whether the planner can put a query in the place of a function.  The query's tables and
 * their policies come into the statement only then.
 */
static bool
may_bring_tables(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
		return ((RangeTblEntry *) node)->rtekind == RTE_FUNCTION;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, may_bring_tables, context,
								 QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, may_bring_tables, context);
}

/* The plan, in which each table keeps its policies. */
static PlannedStmt *
plan_with_policies(CASNET_PLANNER_ARGUMENTS)
{
	if (CASNET_JOINS_ITSELF &&
		(parse->hasRowSecurity || may_bring_tables((Node *) parse, NULL)))
		return plan_each_table(CASNET_PLANNER_NAMES);
	return next_planner(CASNET_PLANNER_NAMES);
}

/* The same.  Meanwhile a coordinator looks for no tag, since that asks another node. */
static PlannedStmt *
make_plan(CASNET_PLANNER_ARGUMENTS)
{
	PlannedStmt *volatile plan = NULL;

	if (!casnet_shard_has_citus() || casnet_shard_is_worker())
		return plan_with_policies(CASNET_PLANNER_NAMES);
	casnet_tagging_plans++;
	PG_TRY();
	{
		plan = plan_with_policies(CASNET_PLANNER_NAMES);
	}
	PG_FINALLY();
	{
		casnet_tagging_plans--;
	}
	PG_END_TRY();
	return plan;
}

/* All that casnet does to a statement before and after it is planned. */
static PlannedStmt *
prepare_and_plan(CASNET_PLANNER_ARGUMENTS)
{
	bool		show = show_next;
	bool		is_coordinator = casnet_shard_is_coordinator();
	bool		is_unforced;
	CasnetTagged tagged;
	CasnetPinned pinned;
	bool		reshaped;
	bool		brought;
	int			carried = 0;
	PlannedStmt *plan;

	/* What is planned meanwhile is not what EXPLAIN shows. */
	show_next = false;

	casnet_carried_take(parse, query_string);
	parse = casnet_probe_reads_nothing(parse);
	brought = is_coordinator && casnet_inline_functions(parse, params);
	parse = casnet_tagging_expand(parse, params, &tagged);
	if (is_coordinator)
		casnet_inline_check(parse);
	casnet_unite_policies(parse);
	casnet_pin_tenant(parse, &pinned);
	casnet_reshape_policies(parse);
	reshaped = casnet_reshape_insert(parse);
	if (!show)
		carried = casnet_carry_prepare(parse, query_string, params, &pinned);
	if (carried != 0)
		params = casnet_carry_parameters(params, carried, 0, "", &pinned.tenant);

	/* Meanwhile index.c leaves out indexes, and order.c puts policies first. */
	plan = make_plan(CASNET_PLANNER_NAMES);

	casnet_reshape_finish(plan, reshaped);
	is_unforced = casnet_noforce_check_plan(plan, query_string);
	casnet_tagging_finish(plan, params, &tagged);
	plan->dependsOnRole |= brought;
	/* In any case, since foreign keys and casnet's functions read past the policies. */
	casnet_estimate_hide();
	/* If a function brought a policy, the plan depends on the role. */
	if (parse->hasRowSecurity || plan->dependsOnRole)
		finish_plan(plan, show, tagged.has_policy, false, &pinned);
	/* At the end are those that do not say what to ask for. */
	if (is_unforced)
		add_last_note(plan, CASNET_NOTE_UNFORCED, 0);
	if (carried != 0)
		add_last_note(plan, CASNET_NOTE_CARRIED, carried);
	return plan;
}

/*
 * planner_hook.  A statement that is planned while rows are fetched from a cursor, such as
 * one in a function, has nothing of the cursor's opener.
 */
static PlannedStmt *
plan_statement(CASNET_PLANNER_ARGUMENTS)
{
	const CasnetOpening *opening;
	PlannedStmt *plan;

	casnet_owner_begun();
	casnet_security_notice_others();
	casnet_noforce_check(parse);
	if (likely(casnet_statement_opener() == NULL))
		return prepare_and_plan(CASNET_PLANNER_NAMES);
	opening = casnet_statement_set_opening(NULL);
	PG_TRY();
	{
		plan = prepare_and_plan(CASNET_PLANNER_NAMES);
	}
	PG_FINALLY();
	{
		(void) casnet_statement_set_opening(opening);
	}
	PG_END_TRY();
	return plan;
}

void
casnet_plan_init(void)
{
	previous_planner_hook = planner_hook;
	planner_hook = plan_statement;
	plans_came_past = IsTransactionState();
	/* Keep self-joins in what is being planned, and in what follows. */
	if (plans_came_past)
		joined_itself = casnet_join_itself(false);
	RegisterXactCallback(transaction_callback, NULL);
}
