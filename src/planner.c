/*
 * planner.c
 *		Has policies decided before any other condition is evaluated, makes the
 *		policies of one statement the same, and leaves out indexes.
 *
 * First: the server evaluates the conditions on a table in order of security level,
 * then of estimated cost; but a condition that counts as leakproof may come before
 * the policies.  It counts as such when no leaky function in it has a column among
 * its arguments.  That is no proof: nodes without functions raise errors,
 * functions without arguments run for some rows only, and functions that are silent
 * take their time.  And an equality that counts as leakproof joins the policy's in
 * one equivalence class, from which the server takes one value for all: of
 *
 *		WHERE tenant_id = f()
 *
 * it kept that comparison for each row, compared f() with the policy's call once,
 * and left the policy's own comparison out.  So nothing is taken for silent but
 * this: once the paths of a table are made, each policy that was left out is put
 * back, the policies come first, and all else comes after them.  Only what is a
 * condition of an index by then comes earlier, by an operator that is leakproof.
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
#include "optimizer/appendinfo.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/plancat.h"
#include "optimizer/planner.h"
#include "optimizer/restrictinfo.h"
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
static create_upper_paths_hook_type previous_upper_hook = NULL;

PG_FUNCTION_INFO_V1(casnet_unite_permissions);

/* check_functions_in_node() callback: a function of schema casnet. */
static bool
is_ours(Oid function, void *namespace)
{
	return get_func_namespace(function) == *(Oid *) namespace;
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
 * The security conditions of a relation, as a flat list: its own, and as a part of
 * a table those of the whole, by which it is read.  They are policies, and what
 * auto-updatable views with security_barrier say, which anybody may write.  Their
 * levels are added to the other list.
 */
static List *
security_conditions(PlannerInfo *root, Index relid, List **levels)
{
	RangeTblEntry *rte = root->simple_rte_array[relid];
	AppendRelInfo *part = root->append_rel_array == NULL ? NULL :
		root->append_rel_array[relid];
	List	   *conditions = NIL;
	ListCell   *lc;

	foreach(lc, rte->securityQuals)
	{
		conditions = list_concat(conditions, lfirst_node(List, lc));
		while (list_length(*levels) < list_length(conditions))
			*levels = lappend_int(*levels, foreach_current_index(lc));
	}
	if (part != NULL)
	{
		Node	   *whole = (Node *) security_conditions(root,
														 part->parent_relid,
														 levels);

		if (whole != NULL)
			conditions = list_concat(conditions,
									 (List *) adjust_appendrel_attrs(root,
																	 whole, 1,
																	 &part));
	}
	return conditions;
}

/*
 * Whether the condition is "column = call", or "column = ANY (call)", of one of the
 * functions that policies call, with constants.  Whoever wrote it, it can be
 * evaluated on any row: there is nothing else in it.
 */
static bool
is_plain_policy(Node *condition, Oid namespace)
{
	List	   *operands;
	FuncExpr   *call;
	ListCell   *lc;

	if (IsA(condition, OpExpr) &&
		((OpExpr *) condition)->opno == CASNET_UUID_EQ_OPERATOR)
		operands = ((OpExpr *) condition)->args;
	else if (IsA(condition, ScalarArrayOpExpr) &&
			 ((ScalarArrayOpExpr *) condition)->opno == CASNET_UUID_EQ_OPERATOR)
		operands = ((ScalarArrayOpExpr *) condition)->args;
	else
		return false;

	call = lsecond(operands);
	if (!IsA(linitial(operands), Var) || !IsA(call, FuncExpr) ||
		get_func_namespace(call->funcid) != namespace ||
		!casnet_plan_is_policy_function(get_func_name(call->funcid)))
		return false;
	foreach(lc, call->args)
		if (!IsA(lfirst(lc), Const))
			return false;
	return true;
}

/* Whether one of the conditions calls a function of ours, as policies do. */
static bool
has_policies(List *conditions, Oid *namespace)
{
	ListCell   *lc;

	foreach(lc, conditions)
		if (casnet_planner_calls_ours(lfirst(lc), namespace))
			return true;
	return false;
}

/* Whether the expression is among the conditions of a relation. */
static bool
is_among(Node *expression, List *conditions)
{
	ListCell   *lc;

	foreach(lc, conditions)
		if (equal(lfirst_node(RestrictInfo, lc)->clause, expression))
			return true;
	return false;
}

/* Whether the class has the expression as one of its members. */
static bool
has_member(EquivalenceClass *class, Node *expression)
{
	ListCell   *lc;

	foreach(lc, class->ec_members)
		if (equal(lfirst_node(EquivalenceMember, lc)->em_expr, expression))
			return true;
	return false;
}

/*
 * Whether the server compares the column of a policy with a constant, or a
 * parameter of the statement, and the policy's call with the same, once, before
 * it reads anything.  Neither changes, so that is as good as the policy.
 */
static bool
is_given_by_constant(OpExpr *policy, RelOptInfo *relation)
{
	ListCell   *lc;

	if (!is_opclause(policy) || list_length(policy->args) != 2)
		return false;
	foreach(lc, relation->baserestrictinfo)
	{
		RestrictInfo *condition = lfirst_node(RestrictInfo, lc);
		OpExpr	   *comparison = (OpExpr *) condition->clause;
		Node	   *value;

		if (condition->left_ec == NULL ||
			condition->left_ec != condition->right_ec ||
			condition->left_ec->ec_broken || !is_opclause(comparison) ||
			!equal(linitial(comparison->args), linitial(policy->args)))
			continue;
		value = lsecond(comparison->args);
		if ((IsA(value, Const) ||
			 (IsA(value, Param) &&
			  ((Param *) value)->paramkind == PARAM_EXTERN)) &&
			has_member(condition->left_ec, value) &&
			has_member(condition->left_ec, lsecond(policy->args)))
			return true;
	}
	return false;
}

/*
 * Put back the security conditions that the server took out of the conditions of a
 * relation, each at its level; whether there were any.
 */
static bool
put_back(PlannerInfo *root, RelOptInfo *relation, List *security, List *levels)
{
	bool		found = false;
	ListCell   *lc;
	ListCell   *level;
	ListCell   *index;

	forboth(lc, security, level, levels)
	{
		Node	   *policy = lfirst(lc);
		RestrictInfo *condition;

		/* Without a column it is evaluated once, before all rows. */
		if (!contain_var_clause(policy) ||
			is_among(policy, relation->baserestrictinfo) ||
			is_given_by_constant((OpExpr *) policy, relation))
			continue;
		condition = make_simple_restrictinfo(root, (Expr *) policy);
		condition->security_level = lfirst_int(level);
		foreach(index, relation->indexlist)
		{
			IndexOptInfo *info = lfirst_node(IndexOptInfo, index);

			/* A partial index has a list of its own. */
			if (info->indrestrictinfo != relation->baserestrictinfo)
				info->indrestrictinfo = lappend(info->indrestrictinfo,
												condition);
		}
		relation->baserestrictinfo = lappend(relation->baserestrictinfo,
											 condition);
		relation->baserestrict_min_security = 0;
		found = true;
	}
	return found;
}

/*
 * Make the paths of a plain table again, now that the policies are among its
 * conditions: the ones before would read what another tenant has, to throw it
 * away row by row.
 */
static void
make_paths_again(PlannerInfo *root, RelOptInfo *relation)
{
	Relids		outer = relation->lateral_relids;

	relation->pathlist = NIL;
	relation->partial_pathlist = NIL;
	if (casnet_create_tidscan_paths(root, relation))
		return;
	add_path(relation, create_seqscan_path(root, relation, outer, 0));
	if (relation->consider_parallel && outer == NULL)
	{
		int			workers =
			compute_parallel_worker(relation, relation->pages, -1,
									max_parallel_workers_per_gather);

		if (workers > 0)
			add_partial_path(relation,
							 create_seqscan_path(root, relation, NULL,
												 workers));
	}
	create_index_paths(root, relation);
}

/* Whether a policy is among the conditions of the index that the path reads. */
static bool
has_policy(IndexPath *path, Oid namespace)
{
	ListCell   *lc;

	foreach(lc, path->indexclauses)
		if (is_plain_policy((Node *) lfirst_node(IndexClause, lc)->rinfo->clause,
							namespace))
			return true;
	return false;
}

/*
 * Whether what the path orders by is compared with a constant or a parameter, so
 * that nothing of the user's runs if the index has it computed again from a row.
 */
static bool
orders_silently(IndexPath *path)
{
	ListCell   *lc;

	foreach(lc, path->indexorderbys)
	{
		Node	   *value = is_opclause(lfirst(lc)) ?
			lsecond(((OpExpr *) lfirst(lc))->args) : NULL;

		if (value == NULL || !(IsA(value, Const) || IsA(value, Param)))
			return false;
	}
	return true;
}

/*
 * Leave out paths that would compute what the user orders by from rows that no
 * policy has let through.
 */
static void
leave_out_orders(PlannerInfo *root, RelOptInfo *relation, Oid namespace)
{
	bool		found = false;
	ListCell   *lc;

	foreach(lc, relation->pathlist)
	{
		IndexPath  *path = lfirst(lc);

		if (IsA(path, IndexPath) && path->indexorderbys != NIL &&
			!orders_silently(path) && !has_policy(path, namespace))
			found = true;
	}
	if (!found)
		return;
	/* Without these, others may be of use that were not before. */
	foreach(lc, relation->indexlist)
		lfirst_node(IndexOptInfo, lc)->amcanorderbyop = false;
	make_paths_again(root, relation);
}

/*
 * Put conditions in their order: plain policies of ours, the other security
 * conditions as the server has them, all else.
 */
static void
order_list(PlannerInfo *root, List *conditions, List *security, Oid namespace)
{
	ListCell   *lc;

	foreach(lc, conditions)
	{
		RestrictInfo *condition = lfirst_node(RestrictInfo, lc);

		if (!list_member(security, condition->clause))
			condition->security_level = root->qual_security_level + 1;
		else if (is_plain_policy((Node *) condition->clause, namespace))
			condition->security_level = 0;
		else
			condition->security_level++;
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
	Oid			namespace = InvalidOid;
	List	   *security = NIL;
	List	   *levels = NIL;

	if (rte->rtekind == RTE_RELATION && root->qual_security_level > 0)
	{
		namespace = get_namespace_oid("casnet", true);
		security = security_conditions(root, rti, &levels);
		if (!OidIsValid(namespace) || !has_policies(security, &namespace))
			security = NIL;
	}
	if (security != NIL && put_back(root, relation, security, levels) &&
		!rte->inh && rte->tablesample == NULL)
		make_paths_again(root, relation);

	if (previous_pathlist_hook)
		previous_pathlist_hook(root, relation, rti, rte);
	if (security == NIL)
		return;
	order_list(root, relation->baserestrictinfo, security, namespace);
	leave_out_orders(root, relation, namespace);
}

/*
 * create_upper_paths_hook: all paths of a query are made, so that of conditions
 * on several relations, which these share, the order may be decided as well.
 */
static void
order_join_conditions(PlannerInfo *root, UpperRelationKind stage,
					  RelOptInfo *input, RelOptInfo *output, void *extra)
{
	Oid			namespace;

	if (previous_upper_hook)
		previous_upper_hook(root, stage, input, output, extra);
	if (stage != UPPERREL_FINAL || root->qual_security_level == 0)
		return;
	namespace = get_namespace_oid("casnet", true);
	if (!OidIsValid(namespace))
		return;
	for (int i = 1; i < root->simple_rel_array_size; i++)
	{
		RelOptInfo *relation = root->simple_rel_array[i];
		List	   *security;
		List	   *levels = NIL;
		ListCell   *lc;

		if (relation == NULL || relation->rtekind != RTE_RELATION)
			continue;
		security = security_conditions(root, i, &levels);
		if (!has_policies(security, &namespace))
			continue;
		casnet_plan_hide_late();
		foreach(lc, relation->ppilist)
			order_list(root, ((ParamPathInfo *) lfirst(lc))->ppi_clauses,
					   security, namespace);
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
 * Fourth: accounts and tenants are read by their ids, those that the policy gives,
 * and not by other indexes.  How many entries an index has for a name or an address
 * is counted by the server, for everybody to see.
 */
static void
leave_out_names(PlannerInfo *root, RelOptInfo *relation, Oid *namespace)
{
	List	   *levels = NIL;
	List	   *security = security_conditions(root, relation->relid, &levels);
	ListCell   *lc;

	foreach(lc, security)
	{
		ScalarArrayOpExpr *policy = lfirst(lc);
		Var		   *column;
		ListCell   *index;

		if (!IsA(policy, ScalarArrayOpExpr) ||
			!is_plain_policy((Node *) policy, *namespace))
			continue;
		column = linitial_node(Var, policy->args);
		foreach(index, relation->indexlist)
		{
			IndexOptInfo *info = lfirst_node(IndexOptInfo, index);

			if (info->indexkeys[0] != column->varattno)
				relation->indexlist =
					foreach_delete_current(relation->indexlist, index);
		}
	}
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
			leave_out_search(root, relation);
			leave_out_names(root, relation, &namespace);
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
	previous_pathlist_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = order_conditions;
	previous_info_hook = get_relation_info_hook;
	get_relation_info_hook = prepare_conditions;
	previous_upper_hook = create_upper_paths_hook;
	create_upper_paths_hook = order_join_conditions;
}
