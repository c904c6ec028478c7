/*
 * planner.c
 *		Has policies evaluated before conditions that could tell on them, makes
 *		the policies of one statement the same, and spares a useless estimate.
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
 * An equality that counts as leakproof is worse: it joins the policy's in one
 * equivalence class, and what the server derives from that class has the level
 * of the policy and may come before it:
 *
 *		WHERE CASE WHEN title = 'x' THEN f() END = b.id AND b.id = tenant_id
 *
 * So such an equality is given a form that joins no class.
 *
 * Second: a statement on two tables, or one that both reads and changes rows,
 * is under policies that ask for different permissions.  The planner knows
 * that tenant_id equals the one and the other, and would compare the two in a
 * Result node of its own.  They are the same tenant if they are any, so each
 * asks for all the permissions instead; planning evaluates, and refuses, every
 * one of them anyway.  A support function does that, and not the planner's
 * hook: the first statement of a session already finds it, and brings the
 * hooks.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "optimizer/plancat.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "casnet.h"

/* What the policies of a statement ask for. */
typedef struct PolicyCalls
{
	Oid			function;		/* tenant_with() */
	List	   *permissions;	/* C strings, sorted, each one once */
} PolicyCalls;

static set_rel_pathlist_hook_type previous_pathlist_hook = NULL;
static get_relation_info_hook_type previous_info_hook = NULL;

PG_FUNCTION_INFO_V1(casnet_unite_permissions);

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

/* Whether the expression calls a function of that namespace, ours. */
bool
casnet_planner_calls_ours(Node *node, void *namespace)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, is_ours, namespace))
		return true;
	return expression_tree_walker(node, casnet_planner_calls_ours,
								  namespace);
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
			&& casnet_planner_calls_ours((Node *) condition->clause,
										 namespace))
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

/*
 * Whether an equality passes for leakproof although a side that depends on the
 * row may tell something.
 */
static bool
is_telling_equality(Node *condition, Oid *namespace)
{
	ListCell   *lc;

	if (!is_opclause(condition) || contain_leaked_vars(condition))
		return false;
	foreach(lc, ((OpExpr *) condition)->args)
	{
		Node	   *side = lfirst(lc);

		if (contain_var_clause(side) && calls_telling(side, namespace))
			return true;
	}
	return false;
}

/*
 * Put "(a = b) IS TRUE", which is the same as a condition, for each equality of
 * that kind in a join tree.  Its lists of conditions are implicit ANDs by now.
 */
static void
keep_out_of_classes(Node *node, Oid *namespace)
{
	List	   *conditions;
	ListCell   *lc;

	if (IsA(node, FromExpr))
	{
		foreach(lc, ((FromExpr *) node)->fromlist)
			keep_out_of_classes(lfirst(lc), namespace);
		conditions = (List *) ((FromExpr *) node)->quals;
	}
	else if (IsA(node, JoinExpr))
	{
		keep_out_of_classes(((JoinExpr *) node)->larg, namespace);
		keep_out_of_classes(((JoinExpr *) node)->rarg, namespace);
		conditions = (List *) ((JoinExpr *) node)->quals;
	}
	else
		return;

	foreach(lc, conditions)
	{
		if (is_telling_equality(lfirst(lc), namespace))
		{
			BooleanTest *test = makeNode(BooleanTest);

			test->arg = lfirst(lc);
			test->booltesttype = IS_TRUE;
			test->location = -1;
			lfirst(lc) = test;
		}
	}
}

/* Whether one of the conditions says that the column of the index equals one value. */
static bool
is_given(List *conditions, RelOptInfo *relation, IndexOptInfo *index, int column)
{
	ListCell   *lc;

	foreach(lc, conditions)
	{
		OpExpr	   *condition = lfirst(lc);
		Var		   *var;

		if (!is_opclause(condition) || list_length(condition->args) != 2 ||
			!IsA(linitial(condition->args), Var) ||
			contain_var_clause(lsecond(condition->args)))
			continue;
		var = linitial_node(Var, condition->args);
		if (var->varno == relation->relid &&
			var->varattno == index->indexkeys[column] &&
			get_op_opfamily_strategy(condition->opno,
									 index->opfamily[column]) ==
			BTEqualStrategyNumber)
			return true;
	}
	return false;
}

/* Whether the conditions are for one row of the relation, by a unique index. */
static bool
is_for_one_row(List *conditions, RelOptInfo *relation)
{
	ListCell   *lc;

	foreach(lc, relation->indexlist)
	{
		IndexOptInfo *index = lfirst_node(IndexOptInfo, lc);
		bool		all = index->unique && index->indpred == NIL;

		for (int i = 0; i < index->nkeycolumns && all; i++)
			all = is_given(conditions, relation, index, i);
		if (all)
			return true;
	}
	return false;
}

/*
 * Third: the index for searches begins with tenant_id, so under a policy the
 * planner estimates what it would cost to read all rows of the tenant by it.
 * That takes longer than for all other indexes together, and is in vain when
 * the conditions of query and policy give the key of one row.
 */
static void
leave_out_search(PlannerInfo *root, RelOptInfo *relation)
{
	RangeTblEntry *rte = root->simple_rte_array[relation->relid];
	List	   *conditions = list_copy((List *) root->parse->jointree->quals);
	ListCell   *lc;

	/* Each of these is a list by now, too. */
	foreach(lc, rte->securityQuals)
		conditions = list_concat(conditions, lfirst_node(List, lc));

	foreach(lc, relation->indexlist)
	{
		IndexOptInfo *index = lfirst_node(IndexOptInfo, lc);

		if (index->relam == GIN_AM_OID && is_for_one_row(conditions, relation))
			relation->indexlist = foreach_delete_current(relation->indexlist,
														 lc);
	}
	list_free(conditions);
}

/*
 * get_relation_info_hook: the relations of a query are being looked up, and
 * its conditions are not yet taken apart.
 */
static void
prepare_conditions(PlannerInfo *root, Oid relation_id, bool inhparent,
				   RelOptInfo *relation)
{
	Oid			namespace;
	ListCell   *lc;

	if (previous_info_hook)
		previous_info_hook(root, relation_id, inhparent, relation);

	if (root->qual_security_level == 0 || root->parse->jointree == NULL)
		return;
	namespace = get_namespace_oid("casnet", true);
	if (!OidIsValid(namespace))
		return;
	foreach(lc, root->parse->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (casnet_planner_calls_ours((Node *) rte->securityQuals, &namespace))
		{
			keep_out_of_classes((Node *) root->parse->jointree, &namespace);
			leave_out_search(root, relation);
			break;
		}
	}
}

/*
 * The permissions that a policy's call of the function asks for, added to the
 * list if they are new; the list stays sorted.  Returns NULL unless the node
 * is such a call.
 */
static Const *
add_permissions(Node *node, PolicyCalls *found)
{
	FuncExpr   *call = (FuncExpr *) node;
	Const	   *argument;
	char	   *rest;
	char	   *name;

	if (!IsA(node, FuncExpr) || call->funcid != found->function ||
		!IsA(linitial(call->args), Const))
		return NULL;
	argument = linitial_node(Const, call->args);
	if (argument->constisnull)
		return NULL;

	rest = TextDatumGetCString(argument->constvalue);
	while ((name = strsep(&rest, ",")) != NULL)
	{
		int			at = 0;
		ListCell   *lc;

		foreach(lc, found->permissions)
		{
			if (strcmp(lfirst(lc), name) >= 0)
				break;
			at++;
		}
		if (lc == NULL || strcmp(lfirst(lc), name) != 0)
			found->permissions = list_insert_nth(found->permissions, at, name);
	}
	return argument;
}

/* Collect from an expression of a policy; true if there are too many. */
static bool
collect_from_policy(Node *node, PolicyCalls *found)
{
	if (node == NULL)
		return false;
	(void) add_permissions(node, found);
	if (list_length(found->permissions) > CASNET_MAX_UNITED)
		return true;
	return expression_tree_walker(node, collect_from_policy, found);
}

/*
 * Collect from the policies of a statement and its subqueries; true as soon as
 * there are too many.
 */
static bool
collect_permissions(Node *node, PolicyCalls *found)
{
	Query	   *query = (Query *) node;
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, collect_permissions, found);
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (collect_from_policy((Node *) rte->securityQuals, found) ||
			(!query->hasSubLinks &&
			 collect_permissions((Node *) rte->subquery, found)))
			return true;
	}
	/* Where there are no sublinks, queries are in nothing else but these. */
	if (query->hasSubLinks)
		return query_tree_walker(query, collect_permissions, found, 0);
	foreach(lc, query->cteList)
	{
		if (collect_permissions(lfirst_node(CommonTableExpr, lc)->ctequery,
								found))
			return true;
	}
	return false;
}

/*
 * Whether the statement reads nothing, as an expression of PL/pgSQL does.  The
 * planner has given it a table of one row by then.
 */
static bool
reads_nothing(Query *query)
{
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		if (lfirst_node(RangeTblEntry, lc)->rtekind != RTE_RESULT)
			return false;
	}
	return !query->hasSubLinks;
}

/*
 * casnet.unite_permissions(internal) returns internal
 *
 * Planner support function of tenant_with().  Answers SupportRequestSimplify
 * about a policy's call with a call that asks for the permissions of all
 * policies in the statement, separated by commas in the order of their names,
 * so that every call becomes the same; about one that came out of a stored
 * function, or a default of its arguments, into a statement that reads nothing,
 * with one that has a location, since that may be an expression which PL/pgSQL
 * keeps while the session changes; and NULL to every other request.
 *
 * The other functions that policies call have it too, without arguments: to ask
 * it, the server loads the library before it takes conditions apart, so that
 * the hooks are in place for the first statement of a session.
 *
 * The server tells no location here, so a call in the text of the statement
 * cannot be told apart and is united too: it asks for what the statement's
 * policies ask for, besides what it names itself.
 */
Datum
casnet_unite_permissions(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	PolicyCalls found = {InvalidOid, NIL};
	PlannerInfo *root;
	FuncExpr   *call;
	Const	   *argument;
	StringInfoData all;
	ListCell   *lc;

	if (!IsA(request, SupportRequestSimplify))
		PG_RETURN_POINTER(NULL);
	root = ((SupportRequestSimplify *) request)->root;
	call = ((SupportRequestSimplify *) request)->fcall;
	if (root == NULL || call->args == NIL)
		PG_RETURN_POINTER(NULL);

	/* Later requests only estimate, and what they see is united already. */
	if (root->simple_rel_array != NULL)
		PG_RETURN_POINTER(NULL);
	while (root->parent_root != NULL)
		root = root->parent_root;
	if (reads_nothing(root->parse))
	{
		call = copyObject(call);
		call->location = 0;
		PG_RETURN_POINTER(call);
	}
	if (!root->parse->hasRowSecurity)
		PG_RETURN_POINTER(NULL);

	found.function = call->funcid;
	argument = add_permissions((Node *) call, &found);
	if (argument == NULL)
		PG_RETURN_POINTER(NULL);
	if (collect_permissions((Node *) root->parse, &found))
		PG_RETURN_POINTER(NULL);

	initStringInfo(&all);
	foreach(lc, found.permissions)
		appendStringInfo(&all, "%s%s", all.len > 0 ? "," : "",
						 (char *) lfirst(lc));
	if (strcmp(all.data, TextDatumGetCString(argument->constvalue)) == 0)
		PG_RETURN_POINTER(NULL);

	call = copyObject(call);
	linitial_node(Const, call->args)->constvalue =
		CStringGetTextDatum(all.data);
	PG_RETURN_POINTER(call);
}

void
casnet_planner_init(void)
{
	previous_pathlist_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = order_conditions;
	previous_info_hook = get_relation_info_hook;
	get_relation_info_hook = prepare_conditions;
}
