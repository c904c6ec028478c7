/*
 * recheck.c
 *		Finds the calls of policies in a finished plan, and moves them to the front.
 *
 * An index scan or a bitmap scan can check the conditions of the index again before those
 * of the scan.  With a lossy index, or a bitmap that has run out of memory, these would
 * meet rows that no policy has let through.  So casnet puts the policies before them.  For
 * the same reason the condition of ON CONFLICT DO UPDATE waits for the policy.
 *
 * order.c has put policies of other forms than casnet's there during planning.
 *
 * Only a plain comparison of a column with the call counts as a policy.  Anybody can call
 * these functions in a stored expression, such as that of a view.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "recheck.h"

/* A location that no text of a statement has. */
#define MARK (-0x6361736e)

const CasnetPolicyFunction casnet_policy_functions[CASNET_POLICY_FUNCTIONS] = {
	{"tenant_with", CASNET_NOTE_TENANT, UUIDOID},
	{"require_user", CASNET_NOTE_USER, UUIDOID},
	{"my_tenant_ids", CASNET_NOTE_MY_TENANTS, UUIDARRAYOID},
	{"visible_user_ids", CASNET_NOTE_VISIBLE_USERS, UUIDARRAYOID}
};

/*
 * Functions with that many arguments of type text: those that casnet's policies call, then
 * those by which policies of an application can ask about the session.
 */
static const struct
{
	const char *name;
	int			nargs;
	bool		is_internal;
}			signatures[CASNET_NOTED_FUNCTIONS] = {
	{"tenant_with", 1, false},
	{"require_user", 0, true},
	{"my_tenant_ids", 0, true},
	{"visible_user_ids", 0, true},
	{"can", 1, false},
	{"current_user_id", 0, false},
	{"current_tenant_id", 0, false}
};

/* A function of casnet, by its number in the table; InvalidOid if it is not there. */
static Oid
find_function(int which)
{
	Oid			schema = signatures[which].is_internal ?
		casnet_schema_internal() : casnet_schema();
	Oid			text_type = TEXTOID;

	if (!OidIsValid(schema))
		return InvalidOid;
	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
						   CStringGetDatum(signatures[which].name),
						   PointerGetDatum(buildoidvector(&text_type,
														  signatures[which].nargs)),
						   ObjectIdGetDatum(schema));
}

/*
 * Find tenant_with(); false where casnet is not installed.  noted_call() finds the others
 * when it meets a call that can be one of theirs, which is seldom.
 */
bool
casnet_recheck_find_functions(Oid *functions)
{
	memset(functions, 0, CASNET_NOTED_FUNCTIONS * sizeof(Oid));
	functions[0] = find_function(0);
	return OidIsValid(functions[0]);
}

/*
 * Which of the functions the node calls, as an index; -1 for none.  A call with a location
 * comes from the text of the statement, and so not from a policy.
 */
static int
noted_call(Node *node, Oid *functions)
{
	FuncExpr   *call = (FuncExpr *) node;

	if (!IsA(node, FuncExpr) || call->location >= 0)
		return -1;
	if (call->funcid == functions[0])
		return 0;
	for (int i = 1; i < CASNET_NOTED_FUNCTIONS; i++)
	{
		if (!OidIsValid(functions[i]))
			functions[i] = find_function(i);
		if (call->funcid == functions[i])
			return i;
	}
	return -1;
}

/* The same for the functions that casnet's policies call. */
int
casnet_recheck_policy_call(Node *node, Oid *functions)
{
	int			which = noted_call(node, functions);

	return which < CASNET_POLICY_FUNCTIONS ? which : -1;
}

/*
 * The permissions that a call of tenant_with() asks for, in their order, into bits, which has
 * room for CASNET_MAX_UNITED.  Returns their number, or -1 if the argument is not a constant,
 * or names too many permissions or an unknown one; then the call itself raises.
 */
int
casnet_recheck_permissions(FuncExpr *call, int *bits)
{
	Const	   *argument = linitial(call->args);
	int			count;
	char	   *rest;
	char	   *name;

	if (!IsA(argument, Const) || argument->constisnull)
		return -1;
	rest = TextDatumGetCString(argument->constvalue);
	for (count = 0; (name = strsep(&rest, ",")) != NULL; count++)
	{
		if (count == CASNET_MAX_UNITED)
			return -1;
		bits[count] = casnet_permission_existing(name);
		if (bits[count] < 0)
			return -1;
	}
	return count;
}

/* Whether the expression calls one of these functions, anywhere. */
bool
casnet_recheck_calls_policy(Node *node, void *functions)
{
	if (node == NULL)
		return false;
	if (casnet_recheck_policy_call(node, functions) >= 0)
		return true;
	return expression_tree_walker(node, casnet_recheck_calls_policy, functions);
}

/*
 * Whether the node calls another function of casnet, which can ask about the session.  The
 * functions that replace records_tagged() ask about the user who opened the plan instead.
 */
static bool
asks_session(Node *node)
{
	FuncExpr   *call = (FuncExpr *) node;
	const char *name;

	if (!IsA(node, FuncExpr) || call->location >= 0 ||
		!casnet_schema_has_function(call->funcid))
		return false;
	name = get_func_name(call->funcid);
	return strcmp(name, "tag_id") != 0 && strcmp(name, "tag_ids") != 0 &&
		strcmp(name, "records_tagged") != 0;
}

/* Note which kinds of functions the expression calls, anywhere. */
bool
casnet_recheck_find_calls(Node *node, CasnetCalls *calls)
{
	int			which;

	if (node == NULL)
		return false;
	which = noted_call(node, calls->functions);
	if (which >= CASNET_POLICY_FUNCTIONS)
		calls->session = true;
	else if (which >= 0)
		calls->policy = true;
	else if (asks_session(node))
		calls->session = true;
	return expression_tree_walker(node, casnet_recheck_find_calls, calls);
}

/* Whether casnet's policies call a function of that name. */
bool
casnet_recheck_is_policy_function(const char *name)
{
	for (int i = 0; i < CASNET_POLICY_FUNCTIONS; i++)
		if (strcmp(casnet_policy_functions[i].name, name) == 0)
			return true;
	return false;
}

/*
 * Whether the condition compares a column with the result of a policy's call, and does
 * nothing else.
 */
static bool
is_plain_policy(Node *condition, Oid *functions)
{
	List	   *operands;
	FuncExpr   *call;

	if (IsA(condition, OpExpr) &&
		((OpExpr *) condition)->opno == CASNET_UUID_EQ_OPERATOR)
		operands = ((OpExpr *) condition)->args;
	else if (IsA(condition, ScalarArrayOpExpr) &&
			 ((ScalarArrayOpExpr *) condition)->opno == CASNET_UUID_EQ_OPERATOR)
		operands = ((ScalarArrayOpExpr *) condition)->args;
	else
		return false;
	call = lsecond(operands);
	return IsA(linitial(operands), Var) &&
		casnet_recheck_policy_call((Node *) call, functions) >= 0 &&
		(call->args == NIL || IsA(linitial(call->args), Const));
}

/*
 * Whether the condition compares a column with a constant or a parameter of the statement,
 * and does nothing else.  A comparison of tenant_id can stand for the policy (order.c); the
 * others do no harm when they come early.
 */
static bool
is_plain_constant(Node *condition)
{
	OpExpr	   *comparison = (OpExpr *) condition;
	Node	   *value;

	if (!IsA(condition, OpExpr) ||
		comparison->opno != CASNET_UUID_EQ_OPERATOR ||
		!IsA(linitial(comparison->args), Var))
		return false;
	value = lsecond(comparison->args);
	return IsA(value, Const) ||
		(IsA(value, Param) && ((Param *) value)->paramkind == PARAM_EXTERN);
}

/* Whether the condition compares a column with the id of a tag that a constant names. */
static bool
is_plain_tag(Node *condition)
{
	FuncExpr   *call;
	const char *name;

	if (!is_opclause(condition) ||
		list_length(((OpExpr *) condition)->args) != 2 ||
		!IsA(linitial(((OpExpr *) condition)->args), Var))
		return false;
	call = lsecond(((OpExpr *) condition)->args);
	if (!IsA(call, FuncExpr) || list_length(call->args) != 1 ||
		!IsA(linitial(call->args), Const) ||
		!casnet_schema_has_function(call->funcid))
		return false;
	name = get_func_name(call->funcid);
	return strcmp(name, "tag_id") == 0;
}

/*
 * Whether the condition consists of plain policies, and perhaps comparisons with
 * constants.  Such a condition is safe on any row, whoever wrote it.
 */
static bool
is_of_policies(Node *condition, Oid *functions)
{
	bool		is_or = IsA(condition, BoolExpr) &&
		((BoolExpr *) condition)->boolop == OR_EXPR;
	bool		found = false;
	List	   *operands;
	ListCell   *lc;

	if (!IsA(condition, BoolExpr) && !IsA(condition, List))
		return is_plain_policy(condition, functions);
	if (IsA(condition, BoolExpr) &&
		((BoolExpr *) condition)->boolop == NOT_EXPR)
		return false;
	operands = IsA(condition, List) ? (List *) condition :
		((BoolExpr *) condition)->args;
	foreach(lc, operands)
	{
		if (is_of_policies(lfirst(lc), functions))
			found = true;
		else if (is_or || !(is_plain_constant(lfirst(lc)) ||
							is_plain_tag(lfirst(lc))))
			return false;
	}
	return found;
}

/*
 * The conditions in order: plain policies, comparisons with constants, which can stand for
 * a policy, then the others as they are.  order.c has put policies of other forms before
 * the conditions of the statement.  Also orders the parts of an AND, in place.
 */
static List *
policies_first(List *conditions, Oid *functions)
{
	List	   *policies = NIL;
	List	   *constants = NIL;
	List	   *others = NIL;
	ListCell   *lc;

	foreach(lc, conditions)
	{
		Node	   *condition = lfirst(lc);

		if (IsA(condition, BoolExpr) &&
			((BoolExpr *) condition)->boolop != NOT_EXPR)
		{
			BoolExpr   *parts = (BoolExpr *) condition;
			List	   *ordered = policies_first(parts->args, functions);

			/* All parts of an OR can be evaluated, in any order. */
			if (parts->boolop == AND_EXPR)
				parts->args = ordered;
		}
		if (is_of_policies(condition, functions))
			policies = lappend(policies, condition);
		else if (is_plain_constant(condition))
			constants = lappend(constants, condition);
		else
			others = lappend(others, condition);
	}
	return list_concat(list_concat(policies, constants), others);
}

/* Whether a scan of the index never checks a condition again. */
static bool
is_exact(Oid index)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(index));
	bool		result = false;

	if (HeapTupleIsValid(tuple))
	{
		result = ((Form_pg_class) GETSTRUCT(tuple))->relam == BTREE_AM_OID;
		ReleaseSysCache(tuple);
	}
	return result;
}

/*
 * A condition that is true, and that take_out_mark() recognizes.  As far as the server
 * knows, its value can change; so the server does not take it for implied by others.
 */
NullTest *
casnet_recheck_make_mark(void)
{
	SQLValueFunction *value = makeNode(SQLValueFunction);
	NullTest   *mark = makeNode(NullTest);

	value->op = SVFOP_CURRENT_CATALOG;
	value->type = NAMEOID;
	value->typmod = -1;
	value->location = -1;
	mark->arg = (Expr *) value;
	mark->nulltesttype = IS_NOT_NULL;
	mark->location = MARK;
	return mark;
}

/* Remove the mark from the conditions of a scan.  Returns those before it. */
static List *
take_out_mark(Plan *plan)
{
	ListCell   *lc;

	foreach(lc, plan->qual)
	{
		NullTest   *mark = lfirst(lc);

		if (IsA(mark, NullTest) && mark->location == MARK)
		{
			List	   *before =
				list_truncate(list_copy(plan->qual),
							  foreach_current_index(lc));

			plan->qual = list_delete_ptr(list_copy(plan->qual), mark);
			return before;
		}
	}
	return NIL;
}

/* Put policies first where a scan checks rows again. */
void
casnet_recheck_order(Plan *plan, Oid *functions)
{
	List	   *security = take_out_mark(plan);
	List	  **conditions;

	if (IsA(plan, BitmapHeapScan))
	{
		conditions = &((BitmapHeapScan *) plan)->bitmapqualorig;
		security = NIL;
	}
	else if (IsA(plan, IndexScan) && !is_exact(((IndexScan *) plan)->indexid))
		conditions = &((IndexScan *) plan)->indexqualorig;
	else if (IsA(plan, IndexOnlyScan) &&
			 !is_exact(((IndexOnlyScan *) plan)->indexid))
		conditions = &((IndexOnlyScan *) plan)->recheckqual;
	else
		return;
	if (*conditions != NIL)
		*conditions = policies_first(list_concat_copy(copyObject(security),
													  copyObject(*conditions)),
									 functions);
}

/*
 * The server evaluates the condition of ON CONFLICT DO UPDATE, and from 19 on that of
 * DO SELECT, on the existing row before it checks the row's policies.  (It raises an error
 * if they refuse the row.)  This makes the plan evaluate the condition only where the
 * policies let the row through.  (15.20 checks first by itself; 19rc1 does not.)
 */
void
casnet_recheck_guard_conflict(ModifyTable *plan)
{
	List	   *policies = NIL;
	CaseExpr   *guarded;
	CaseWhen   *when;
	ListCell   *lc;

	if (plan->onConflictWhere == NULL || plan->withCheckOptionLists == NIL)
		return;
	foreach(lc, linitial_node(List, plan->withCheckOptionLists))
	{
		WithCheckOption *check = lfirst_node(WithCheckOption, lc);

		if (check->kind == WCO_RLS_CONFLICT_CHECK)
			policies = list_concat(policies,
								   copyObject((List *) check->qual));
	}
	if (policies == NIL)
		return;

	when = makeNode(CaseWhen);
	when->expr = make_ands_explicit(policies);
	when->result = make_ands_explicit((List *) plan->onConflictWhere);
	when->location = -1;
	guarded = makeNode(CaseExpr);
	guarded->casetype = BOOLOID;
	guarded->args = list_make1(when);
	guarded->defresult = (Expr *) makeBoolConst(true, false);
	guarded->location = -1;
	plan->onConflictWhere = (Node *) list_make1(guarded);
}

/* Whether the condition is "column = tenant_with()", as policies are. */
static bool
is_policy_condition(Node *condition, Oid function)
{
	OpExpr	   *comparison = (OpExpr *) condition;
	FuncExpr   *call;

	if (!IsA(condition, OpExpr) || comparison->opno != CASNET_UUID_EQ_OPERATOR ||
		!IsA(linitial(comparison->args), Var))
		return false;
	call = lsecond(comparison->args);
	return IsA(call, FuncExpr) && call->funcid == function &&
		IsA(linitial(call->args), Const) &&
		!linitial_node(Const, call->args)->constisnull;
}

/* The argument of the call in such a condition. */
static Const *
call_argument(OpExpr *condition)
{
	return linitial_node(Const,
						 lsecond_node(FuncExpr, condition->args)->args);
}

/*
 * Merge two checks of a new row that follow each other, if both are "column = call" of the
 * same column.  The new call asks for the permissions of both, in their order.  NIL if
 * they cannot be merged.
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
 * Merge the checks of each list.  For each new row the server checks the policy of the
 * statement, and then that of SELECT; an upsert has three such pairs.  Each execution
 * prepares every check, which costs more than evaluating it.  The error of the second
 * check does not matter, since it cannot fail once the first has passed.  Merging saves
 * 10 % of the instructions of a prepared upsert and 2 % of those of an update;
 * test/plans/instructions.py counts them.
 */
void
casnet_recheck_merge(ModifyTable *plan, Oid function)
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
