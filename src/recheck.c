/*
 * recheck.c
 *		The calls of policies in a finished plan, and what comes after them.
 *
 * What an index scan or a bitmap scan checks again of a row comes before the
 * conditions of the scan.  A lossy index, or a bitmap that has run out of memory,
 * so has conditions of the user evaluated on rows that no policy has let through.
 * Policies are put before them.  The condition of ON CONFLICT DO UPDATE waits for
 * the policy for the same reason.
 *
 * Policies of other forms than ours have been put there while planning (order.c).
 *
 * Only a plain comparison of a column with the call is taken for a policy: in a
 * stored expression, such as that of a view, anybody may call these functions.
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

/* No text of a statement has such a place. */
#define MARK (-0x6361736e)

const CasnetPolicyFunction casnet_policy_functions[CASNET_POLICY_FUNCTIONS] = {
	{"tenant_with", CASNET_NOTE_TENANT, UUIDOID},
	{"require_user", CASNET_NOTE_USER, UUIDOID},
	{"my_tenant_ids", CASNET_NOTE_MY_TENANTS, UUIDARRAYOID},
	{"visible_user_ids", CASNET_NOTE_VISIBLE_USERS, UUIDARRAYOID}
};

/*
 * Functions with that many arguments of type text: those that policies of ours call,
 * and those that policies of an application may ask about the session.
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

/* A function of casnet's, by its number in the table; InvalidOid if there is none. */
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
 * Find tenant_with(); false where casnet is not installed.  The others are looked
 * for when there is a call that may be one of theirs, which is seldom.
 */
bool
casnet_recheck_find_functions(Oid *functions)
{
	memset(functions, 0, CASNET_NOTED_FUNCTIONS * sizeof(Oid));
	functions[0] = find_function(0);
	return OidIsValid(functions[0]);
}

/*
 * Which of the functions the node calls, as an index; -1 for none.  Stored
 * expressions have no location; what a statement itself calls is no policy.
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

/* The same for those that policies of ours call. */
int
casnet_recheck_policy_call(Node *node, Oid *functions)
{
	int			which = noted_call(node, functions);

	return which < CASNET_POLICY_FUNCTIONS ? which : -1;
}

/* Whether the expression calls one of them, anywhere. */
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
 * Whether the node calls another function of casnet's, which may ask about the session.
 * Those that take the place of records_tagged() ask about whoever opened the plan.
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

/* Find what the expression calls, anywhere. */
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

/* Whether there is such a function, in the schema of casnet. */
bool
casnet_recheck_is_policy_function(const char *name)
{
	for (int i = 0; i < CASNET_POLICY_FUNCTIONS; i++)
		if (strcmp(casnet_policy_functions[i].name, name) == 0)
			return true;
	return false;
}

/*
 * Whether the condition compares a column with what a policy's call gives, and does
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
 * Whether the condition compares a column with a constant, or a parameter of the
 * statement, and does nothing else.  One that compares tenant_id may stand for the
 * policy (order.c), and others do no harm when they come early.
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

/* Whether the condition compares a column with the id of a tag, of constant names. */
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
 * Whether the condition is a plain policy, by itself or with comparisons with constants,
 * and nothing else; so that it can be evaluated on any row, whoever wrote it.
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
 * The conditions with plain policies first, then comparisons with constants, which may
 * stand for one, then the others as they are: policies of other forms have been put
 * before those of the statement (order.c).  Within AND, too, which is changed in place.
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

			/* Of OR all may be evaluated, in any order. */
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

/* Whether a scan of the index never has a condition checked again. */
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
 * A condition that is true, and known again (order.c).  It may change, as far as the
 * server knows, so that it does not take it for implied by others.
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

/* Take the mark out of the conditions of a scan.  Returns those before it. */
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
 * DO SELECT, on the row that is there before it checks the policies of that row, and
 * raises if they do not let it through.  So the condition is evaluated only where they do.
 * (15.20 checks first by itself; 19rc1 does not.)
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
