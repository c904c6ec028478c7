/*
 * planner.c
 *		Makes the policies of one statement the same, and leaves out indexes.
 *
 * A statement on two tables, or one that both reads and changes rows,
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
#include "optimizer/pathnode.h"
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

static CasnetRelationHook previous_relation_hook = NULL;

PG_FUNCTION_INFO_V1(casnet_unite_permissions);

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
 * The index for searches begins with tenant_id, so under a policy the
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
 * casnet_relation_hook: the relations of a query are being looked up, and
 * its conditions are not yet taken apart.
 */
static void
prepare_conditions(CASNET_RELATION_ARGUMENTS)
{
	ListCell   *lc;

	if (previous_relation_hook)
		previous_relation_hook(CASNET_RELATION_NAMES);

	if (!CASNET_RELATION_IS_TABLE || root->qual_security_level == 0 || root->parse->jointree == NULL)
		return;
	casnet_plan_keep_tables_apart();
	if (!OidIsValid(casnet_schema()))
		return;
	foreach(lc, root->parse->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (casnet_order_calls_ours((Node *) rte->securityQuals, NULL))
		{
			leave_out_search(root, relation);
			casnet_order_leave_out_names(root, relation);
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

/*
 * Collect from the conditions of a policy that are asked in any case; true if there are too
 * many.  An arm of CASE or OR is not: can() may keep the call in it from those who lack
 * the permission.
 */
static bool
collect_from_policy(Node *node, PolicyCalls *found)
{
	List	   *parts;
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (IsA(node, List))
		parts = (List *) node;
	else if (is_andclause(node))
		parts = ((BoolExpr *) node)->args;
	else if (IsA(node, OpExpr))
		parts = ((OpExpr *) node)->args;
	else if (IsA(node, ScalarArrayOpExpr))
		parts = ((ScalarArrayOpExpr *) node)->args;
	else
	{
		(void) add_permissions(node, found);
		return list_length(found->permissions) > CASNET_MAX_UNITED;
	}
	foreach(lc, parts)
		if (collect_from_policy(lfirst(lc), found))
			return true;
	return false;
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
 * Whether the statement reads nothing and writes nothing, as an expression of
 * PL/pgSQL does.  The planner has given it a table of one row by then.
 */
static bool
reads_nothing(Query *query)
{
	ListCell   *lc;

	if (query->commandType != CMD_SELECT || query->cteList != NIL)
		return false;
	foreach(lc, query->rtable)
	{
		if (lfirst_node(RangeTblEntry, lc)->rtekind != RTE_RESULT)
			return false;
	}
	return !query->hasSubLinks;
}

/*
 * casnet_internal.unite_permissions(internal) returns internal
 *
 * Planner support function of tenant_with().  Answers SupportRequestSimplify
 * about a policy's call with a call that asks for the permissions of all
 * policies in the statement, separated by commas in the order of their names,
 * so that every call becomes the same; about one that came out of a stored
 * function, or a default of its arguments, into a statement that reads nothing,
 * with one that has a location, since that may be an expression which PL/pgSQL
 * keeps while the session changes; and NULL to every other request.
 *
 * The other functions that policies call have it too, and can(): to ask it, the
 * server loads the library before it takes conditions apart, so that the hooks are
 * in place for the first statement of a session.  Their calls are not united.
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
	if (root == NULL)
		PG_RETURN_POINTER(NULL);

	/* Later requests only estimate, and what they see is united already. */
	if (root->simple_rel_array != NULL)
		PG_RETURN_POINTER(NULL);
	while (root->parent_root != NULL)
		root = root->parent_root;
	if (root == ((SupportRequestSimplify *) request)->root &&
		reads_nothing(root->parse))
	{
		call = copyObject(call);
		call->location = 0;
		PG_RETURN_POINTER(call);
	}
	if (!root->parse->hasRowSecurity || call->args == NIL ||
		strcmp(get_func_name(call->funcid), "tenant_with") != 0)
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
	previous_relation_hook = casnet_relation_hook;
	casnet_relation_hook = prepare_conditions;
}
