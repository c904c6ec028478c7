/*
 * planner.c
 *		Has policies evaluated before conditions that could tell on them.
 *
 * The server evaluates the conditions on a table in order of security level,
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
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/paths.h"
#include "utils/lsyscache.h"

#include "casnet.h"

static set_rel_pathlist_hook_type previous_hook = NULL;

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

	if (previous_hook)
		previous_hook(root, relation, rti, rte);

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

void
casnet_planner_init(void)
{
	previous_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = order_conditions;
}
