/*
 * planner.c
 *		Has policies evaluated before conditions that could tell on them, and
 *		makes the policies of one statement the same.
 *
 * First: the server evaluates the conditions on a table in order of security level,
 * then of estimated cost.  A condition counts as leakproof, and then loses its
 * level, when no leaky function in it has a column among its arguments.  That
 * forgets functions without any:
 *
 *		WHERE CASE WHEN title = 'x' THEN f() END
 *
 * With a cheap f() that raises an error, or only a notice, this was evaluated
 * before the policy in a sequential scan, and f() reported the rows of other
 * tenants.  So of the conditions on a table with a policy of ours, those count
 * as leakproof that consist of leakproof functions throughout, and do not call
 * functions of ours, which raise errors.
 *
 * Second: a statement on two tables, or one that both reads and changes rows,
 * is under policies that ask for different permissions.  The planner knows
 * that tenant_id equals the one and the other, and would compare the two in a
 * Result node of its own.  They are the same tenant if they are any, so each
 * asks for all the permissions instead; planning evaluates, and refuses, every
 * one of them anyway.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/paths.h"
#include "optimizer/planner.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "casnet.h"

/* What collect_calls() finds in the policies of a statement. */
typedef struct PolicyCalls
{
	Oid			namespace;
	List	   *calls;			/* FuncExpr of tenant_with() */
	List	   *permissions;	/* the different arguments, as C strings */
} PolicyCalls;

static set_rel_pathlist_hook_type previous_pathlist_hook = NULL;
static planner_hook_type previous_planner_hook = NULL;

/* check_functions_in_node() callback: a function of schema casnet. */
static bool
is_ours(Oid function, void *namespace)
{
	return get_func_namespace(function) == *(Oid *) namespace;
}

/* check_functions_in_node() callback: a function that may tell something. */
static bool
may_tell(Oid function, void *namespace)
{
	return !get_func_leakproof(function) || is_ours(function, namespace);
}

static bool
calls_ours(Node *node, void *namespace)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, is_ours, namespace))
		return true;
	return expression_tree_walker(node, calls_ours, namespace);
}

/*
 * Also a subquery that needs no row: it became a parameter, and runs when the
 * parameter is read for the first time, which tells that a row got that far.
 */
static bool
calls_telling(Node *node, void *namespace)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXEC)
		return true;
	if (check_functions_in_node(node, may_tell, namespace))
		return true;
	return expression_tree_walker(node, calls_telling, namespace);
}

/* Whether one of the conditions on the relation is a policy of ours. */
static bool
has_policy(RelOptInfo *relation, Oid *namespace)
{
	ListCell   *lc;

	foreach(lc, relation->baserestrictinfo)
	{
		RestrictInfo *condition = lfirst_node(RestrictInfo, lc);

		if (condition->security_level == relation->baserestrict_min_security
			&& calls_ours((Node *) condition->clause, namespace))
			return true;
	}
	return false;
}

/* Give conditions that may tell something their security level back. */
static void
keep_behind_policy(List *conditions, Index policy_level, Oid *namespace)
{
	ListCell   *lc;

	foreach(lc, conditions)
	{
		RestrictInfo *condition = lfirst_node(RestrictInfo, lc);

		if (condition->leakproof && condition->security_level > policy_level &&
			calls_telling((Node *) condition->clause, namespace))
			condition->leakproof = false;
	}
}

/*
 * set_rel_pathlist_hook: the paths of a relation are known, but the order of
 * its conditions is not yet decided.
 */
static void
order_conditions(PlannerInfo *root, RelOptInfo *relation, Index rti,
				 RangeTblEntry *rte)
{
	Oid			namespace;

	if (previous_pathlist_hook)
		previous_pathlist_hook(root, relation, rti, rte);

	if (rte->rtekind != RTE_RELATION || root->qual_security_level == 0)
		return;
	namespace = get_namespace_oid("casnet", true);
	if (!OidIsValid(namespace) || !has_policy(relation, &namespace))
		return;

	keep_behind_policy(relation->baserestrictinfo,
					   relation->baserestrict_min_security, &namespace);
	keep_behind_policy(relation->joininfo,
					   relation->baserestrict_min_security, &namespace);
}

/* The constant argument if the node is a call of tenant_with(), else NULL. */
static Const *
tenant_with_argument(Node *node, Oid namespace)
{
	FuncExpr   *call = (FuncExpr *) node;
	Const	   *argument;
	char	   *name;

	if (!IsA(node, FuncExpr) || call->funcresulttype != UUIDOID ||
		list_length(call->args) != 1 || !IsA(linitial(call->args), Const))
		return NULL;
	argument = linitial_node(Const, call->args);
	if (argument->consttype != TEXTOID || argument->constisnull ||
		get_func_namespace(call->funcid) != namespace)
		return NULL;
	name = get_func_name(call->funcid);
	return name != NULL && strcmp(name, "tenant_with") == 0 ? argument : NULL;
}

/* Collect the calls in an expression of a policy. */
static bool
collect_from_policy(Node *node, PolicyCalls *found)
{
	Const	   *argument;

	if (node == NULL)
		return false;
	argument = tenant_with_argument(node, found->namespace);
	if (argument != NULL)
	{
		char	   *permission = TextDatumGetCString(argument->constvalue);
		ListCell   *lc;

		found->calls = lappend(found->calls, node);
		foreach(lc, found->permissions)
			if (strcmp(lfirst(lc), permission) == 0)
				return false;
		found->permissions = lappend(found->permissions, permission);
		return false;
	}
	return expression_tree_walker(node, collect_from_policy, found);
}

/* Collect the calls in the policies of a statement and its subqueries. */
static bool
collect_calls(Node *node, PolicyCalls *found)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, collect_calls, found,
								 QTW_EXAMINE_RTES_BEFORE);
	if (IsA(node, RangeTblEntry))
	{
		(void) collect_from_policy((Node *) ((RangeTblEntry *) node)->securityQuals,
								   found);
		return false;
	}
	return expression_tree_walker(node, collect_calls, found);
}

/* Have each policy of the statement ask for the permissions of all. */
static void
unite_policies(Query *query)
{
	PolicyCalls found = {InvalidOid, NIL, NIL};
	StringInfoData all;
	ListCell   *lc;

	found.namespace = get_namespace_oid("casnet", true);
	if (!OidIsValid(found.namespace))
		return;
	(void) collect_calls((Node *) query, &found);
	if (list_length(found.permissions) < 2 ||
		list_length(found.permissions) > CASNET_MAX_UNITED)
		return;

	initStringInfo(&all);
	foreach(lc, found.permissions)
		appendStringInfo(&all, "%s%s", all.len > 0 ? "," : "",
						 (char *) lfirst(lc));
	foreach(lc, found.calls)
		linitial_node(Const, ((FuncExpr *) lfirst(lc))->args)->constvalue =
			CStringGetTextDatum(all.data);
}

/* planner_hook: the policies are in the query, nothing is decided yet. */
static PlannedStmt *
plan_statement(Query *query, const char *query_string, int cursor_options,
			   ParamListInfo params)
{
	if (query->hasRowSecurity)
		unite_policies(query);
	if (previous_planner_hook)
		return previous_planner_hook(query, query_string, cursor_options,
									 params);
	return standard_planner(query, query_string, cursor_options, params);
}

void
casnet_planner_init(void)
{
	previous_pathlist_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = order_conditions;
	previous_planner_hook = planner_hook;
	planner_hook = plan_statement;
}
