/*
 * order.c
 *		Evaluates policies before any other condition of a statement.
 *
 * The server evaluates the conditions on a table in order of security level, then of
 * estimated cost.  But a condition that counts as leakproof can come before the policies.
 * A condition counts as leakproof if no leaky function in it has a column among its
 * arguments.  That proves nothing.  Nodes without functions raise errors, functions without
 * arguments run for some rows only, and functions that are silent take time.
 *
 * Also, an equality that counts as leakproof joins the policy's in one equivalence class,
 * from which the server takes one value for all.  In
 *
 *		WHERE tenant_id = f()
 *
 * it kept that comparison for each row, compared f() with the policy's call once, and
 * left out the policy's own comparison.
 *
 * So casnet takes no condition for silent.  Once the paths of a table are made, it puts
 * back each policy that was left out, and moves the policies before all else.  Only an
 * index condition still comes earlier; its operator is leakproof.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/appendinfo.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planner.h"
#include "optimizer/restrictinfo.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "casnet.h"
#include "recheck.h"

static set_rel_pathlist_hook_type previous_pathlist_hook = NULL;
static create_upper_paths_hook_type previous_upper_hook = NULL;

/* check_functions_in_node() callback: whether the function is casnet's. */
static bool
is_ours(Oid function, void *context)
{
	return casnet_schema_has_function(function);
}

/*
 * check_functions_in_node() callback: whether the function is casnet's, or could call one.
 * A function of anybody else could, unless it is in pg_catalog or written in C.
 */
static bool
may_be_ours(Oid function, void *context)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_proc) GETSTRUCT(tuple);
	result = casnet_schema_is_ours(form->pronamespace) ||
		(form->pronamespace != PG_CATALOG_NAMESPACE &&
		 form->prolang != INTERNALlanguageId && form->prolang != ClanguageId);
	ReleaseSysCache(tuple);
	return result;
}

/* Whether the expression calls a function of casnet, or could call one indirectly. */
bool
casnet_order_may_call_ours(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, casnet_order_may_call_ours,
								 context, 0);
	if (check_functions_in_node(node, may_be_ours, context))
		return true;
	/* The checks of a domain can call anything. */
	if (IsA(node, CoerceToDomain) &&
		((CoerceToDomain *) node)->resulttype >= FirstNormalObjectId)
		return true;
	return expression_tree_walker(node, casnet_order_may_call_ours,
								  context);
}

/* Whether the expression calls a function of casnet. */
bool
casnet_order_calls_ours(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, casnet_order_calls_ours,
								 context, 0);
	if (check_functions_in_node(node, is_ours, context))
		return true;
	return expression_tree_walker(node, casnet_order_calls_ours,
								  context);
}

/*
 * The security conditions of a relation, as a flat list: its own, and for a part of a
 * table also those of the whole table.  They are policies, and the conditions of
 * auto-updatable views with security_barrier, which anybody can write.  Adds their levels
 * to the other list.
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
 * Whether the condition is "column = call" or "column = ANY (call)", and calls one of the
 * functions of policies with constants.  It contains nothing else, so it is safe on any
 * row, whoever wrote it.
 */
static bool
is_plain_policy(Node *condition)
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
		!casnet_schema_has_function(call->funcid) ||
		!casnet_recheck_is_policy_function(get_func_name(call->funcid)))
		return false;
	foreach(lc, call->args)
		if (!IsA(lfirst(lc), Const))
			return false;
	return true;
}

/*
 * Whether the expression contains an executor parameter, or a subquery, which can call
 * anything.
 */
static bool
has_parameter(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubPlan) || IsA(node, AlternativeSubPlan) ||
		(IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXEC))
		return true;
	return expression_tree_walker(node, has_parameter, context);
}

/*
 * Whether one of the conditions calls a function of casnet, as policies do, or could.  A
 * call in a subquery of its own is a parameter by now.
 */
static bool
has_policies(List *conditions)
{
	if (conditions != NIL && is_plain_policy(linitial(conditions)))
		return true;
	return casnet_order_may_call_ours((Node *) conditions, NULL) ||
		has_parameter((Node *) conditions, NULL);
}

/* Mark the calls in the expression as a policy's, which have no location. */
static bool
make_stored(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr))
		((FuncExpr *) node)->location = -1;
	return expression_tree_walker(node, make_stored, context);
}

/*
 * Whether the condition is the policy.  The server keeps one of several equal conditions.
 * So a condition of the statement that equals the policy becomes the policy.
 */
static bool
is_policy(RestrictInfo *condition, Node *policy)
{
	if (!equal(condition->clause, policy))
		return false;
	(void) make_stored((Node *) condition->clause, NULL);
	return true;
}

/* Whether the policy is among the conditions of a relation. */
static bool
is_among(Node *policy, List *conditions)
{
	ListCell   *lc;

	foreach(lc, conditions)
		if (is_policy(lfirst_node(RestrictInfo, lc), policy))
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
 * Whether the condition compares the policy's column with a constant or a parameter of the
 * statement, with which the server also compares the policy's call.  It does that once,
 * before it reads anything.  Neither changes, so the condition is as good as the policy.
 */
static bool
stands_for(RestrictInfo *condition, OpExpr *policy)
{
	OpExpr	   *comparison = (OpExpr *) condition->clause;
	Node	   *value;

	if (!is_opclause(policy) || list_length(policy->args) != 2 ||
		condition->left_ec == NULL ||
		condition->left_ec != condition->right_ec ||
		condition->left_ec->ec_broken || !is_opclause(comparison) ||
		!equal(linitial(comparison->args), linitial(policy->args)))
		return false;
	value = lsecond(comparison->args);
	return !contain_var_clause(lsecond(policy->args)) &&
		(IsA(value, Const) ||
			(IsA(value, Param) &&
			 ((Param *) value)->paramkind == PARAM_EXTERN)) &&
		has_member(condition->left_ec, value) &&
		has_member(condition->left_ec, lsecond(policy->args));
}

/* Whether one of the relation's conditions stands for the policy. */
static bool
is_stood_for(OpExpr *policy, RelOptInfo *relation)
{
	ListCell   *lc;

	foreach(lc, relation->baserestrictinfo)
		if (stands_for(lfirst_node(RestrictInfo, lc), policy))
			return true;
	return false;
}

/* The security condition that this one is, or stands for; NULL if none. */
static Node *
security_condition(RestrictInfo *condition, List *security)
{
	ListCell   *lc;

	foreach(lc, security)
		if (is_policy(condition, lfirst(lc)) ||
			stands_for(condition, lfirst(lc)))
			return lfirst(lc);
	return NULL;
}

/* Add a condition to those of a relation, and to those of its indexes. */
static void
add_condition(RelOptInfo *relation, RestrictInfo *condition)
{
	List	   *before = relation->baserestrictinfo;
	ListCell   *lc;

	relation->baserestrictinfo = lappend(before, condition);
	foreach(lc, relation->indexlist)
	{
		IndexOptInfo *index = lfirst_node(IndexOptInfo, lc);

		/* A partial index can have a list of its own. */
		if (index->indpred != NIL && index->indrestrictinfo != before)
			index->indrestrictinfo = lappend(index->indrestrictinfo, condition);
		else
			index->indrestrictinfo = relation->baserestrictinfo;
	}
}

/*
 * Put back the security conditions that the server took out of the conditions of a
 * relation, each at its level.  Returns whether there were any.
 */
static bool
put_back(PlannerInfo *root, RelOptInfo *relation, List *security, List *levels)
{
	bool		found = false;
	ListCell   *lc;
	ListCell   *level;

	forboth(lc, security, level, levels)
	{
		Node	   *policy = lfirst(lc);
		RestrictInfo *condition;

		/* Without a column it is evaluated once, before all rows. */
		if (!contain_var_clause(policy) ||
			is_among(policy, relation->baserestrictinfo) ||
			is_stood_for((OpExpr *) policy, relation))
			continue;
		condition = make_simple_restrictinfo(root, (Expr *) policy);
		condition->security_level = lfirst_int(level);
		add_condition(relation, condition);
		relation->baserestrict_min_security = 0;
		found = true;
	}
	return found;
}

/*
 * Make the paths of a plain table again, now that the policies are among its conditions.
 * The former paths would read the rows of other tenants, only to drop them one by one.
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

/* Whether the relation has the paths of a plain table, and not of a foreign one. */
static bool
has_plain_paths(RangeTblEntry *rte)
{
	return rte->relkind == RELKIND_RELATION || rte->relkind == RELKIND_MATVIEW;
}

/* Whether a plain policy is among the conditions of the index that the path reads. */
static bool
has_policy(IndexPath *path, List *security)
{
	ListCell   *lc;

	foreach(lc, path->indexclauses)
	{
		Node	   *policy =
			security_condition(lfirst_node(IndexClause, lc)->rinfo, security);

		if (policy != NULL && is_plain_policy(policy))
			return true;
	}
	return false;
}

/*
 * Leave out paths that would compute an ORDER BY expression in the index, from rows that
 * no policy has let through.
 */
static void
leave_out_orders(PlannerInfo *root, RelOptInfo *relation, List *security)
{
	bool		found = false;
	ListCell   *lc;

	foreach(lc, relation->pathlist)
	{
		IndexPath  *path = lfirst(lc);

		if (IsA(path, IndexPath) && path->indexorderbys != NIL &&
			!has_policy(path, security))
			found = true;
	}
	if (!found)
		return;
	/* Without these paths, others can win that did not before. */
	foreach(lc, relation->indexlist)
		lfirst_node(IndexOptInfo, lc)->amcanorderbyop = false;
	make_paths_again(root, relation);
}

/*
 * The conditions of an index, with the security conditions in front of them.  These ask
 * nothing of the index; they only have the rows checked again.  Plain policies that are
 * conditions of the index already move to the front once the plan is made (recheck.c).
 */
static List *
guarded_clauses(PlannerInfo *root, IndexPath *path, List *security)
{
	List	   *clauses = path->indexclauses;
	List	   *guards = NIL;
	ListCell   *lc;

	if (clauses != NIL &&
		linitial_node(IndexClause, clauses)->indexquals == NIL)
		return clauses;
	foreach(lc, security)
	{
		Node	   *policy = lfirst(lc);
		bool		found = false;
		IndexClause *guard;
		ListCell   *other;

		foreach(other, clauses)
			if (is_plain_policy(policy) &&
				security_condition(lfirst_node(IndexClause, other)->rinfo,
								   list_make1(policy)) != NULL)
				found = true;
		/* Without a column it is evaluated once, before all rows. */
		if (found || (!contain_var_clause(policy) &&
					  !contain_volatile_functions(policy)))
			continue;
		guard = makeNode(IndexClause);
		/* A copy, since the server takes out a condition that the scan has already. */
		guard->rinfo = make_simple_restrictinfo(root,
												(Expr *) copyObject(policy));
		guard->lossy = true;
		guards = lappend(guards, guard);
	}
	return list_concat(guards, clauses);
}

/*
 * The same for all index scans of a bitmap.  Works on copies, since other paths can share
 * its parts.
 */
static Path *
guarded_bitmap(PlannerInfo *root, Path *path, List *security)
{
	List	   *parts;
	ListCell   *lc;

	if (IsA(path, IndexPath))
	{
		IndexPath  *copy = makeNode(IndexPath);

		memcpy(copy, path, sizeof(IndexPath));
		copy->indexclauses = guarded_clauses(root, copy, security);
		return (Path *) copy;
	}
	if (IsA(path, BitmapAndPath))
	{
		BitmapAndPath *copy = makeNode(BitmapAndPath);

		memcpy(copy, path, sizeof(BitmapAndPath));
		parts = copy->bitmapquals = list_copy(copy->bitmapquals);
		path = (Path *) copy;
	}
	else
	{
		BitmapOrPath *copy = makeNode(BitmapOrPath);

		memcpy(copy, castNode(BitmapOrPath, path), sizeof(BitmapOrPath));
		parts = copy->bitmapquals = list_copy(copy->bitmapquals);
		path = (Path *) copy;
	}
	foreach(lc, parts)
		lfirst(lc) = guarded_bitmap(root, lfirst(lc), security);
	return path;
}

/*
 * Add a condition that marks the end of the security conditions.  recheck.c finds it in
 * the finished scan, and removes it.
 */
static void
mark_end(PlannerInfo *root, RelOptInfo *relation)
{
	RestrictInfo *mark =
		make_simple_restrictinfo(root,
								 (Expr *) casnet_recheck_make_mark());

	mark->security_level = root->qual_security_level + 1;
	add_condition(relation, mark);
}

/* Keep security conditions of the index among those of the scan, unless they are plain. */
static void
keep_in_scan(IndexPath *path, List *security)
{
	ListCell   *lc;

	foreach(lc, path->indexclauses)
	{
		IndexClause *clause = lfirst_node(IndexClause, lc);
		Node	   *policy = security_condition(clause->rinfo, security);

		if (policy != NULL && !is_plain_policy(policy))
			clause->lossy = true;
	}
}

/*
 * With a lossy index, or a bitmap that has run out of memory, the executor checks the
 * conditions of the index again, before all others.  It does so on rows that do not match
 * them, so the security conditions must come first.  In a bitmap they become conditions of
 * the index, which the server keeps even if the predicate of a partial index implies them.
 * In an index scan they stay among the conditions of the scan.  A scan of a btree checks
 * nothing again.
 */
static void
guard_rechecks(PlannerInfo *root, RelOptInfo *relation, List *security)
{
	List	   *paths = list_concat_copy(relation->pathlist,
										 relation->partial_pathlist);
	bool		checks_again = false;
	ListCell   *lc;

	foreach(lc, paths)
	{
		if (IsA(lfirst(lc), BitmapHeapPath))
		{
			BitmapHeapPath *path = lfirst(lc);

			path->bitmapqual = guarded_bitmap(root, path->bitmapqual, security);
		}
		else if (IsA(lfirst(lc), IndexPath) &&
				 ((IndexPath *) lfirst(lc))->indexinfo->relam != BTREE_AM_OID)
		{
			keep_in_scan(lfirst(lc), security);
			checks_again = true;
		}
	}
	if (checks_again)
		mark_end(root, relation);
	list_free(paths);
}

/*
 * Put conditions in order: plain policies of casnet, the other security conditions as the
 * server has them, then all else.
 */
static void
order_list(PlannerInfo *root, List *conditions, List *security)
{
	ListCell   *lc;

	foreach(lc, conditions)
	{
		RestrictInfo *condition = lfirst_node(RestrictInfo, lc);
		Node	   *policy = security_condition(condition, security);

		if (policy == NULL)
			condition->security_level = root->qual_security_level + 2;
		else if (is_plain_policy(policy))
			condition->security_level = 0;
		else
			condition->security_level++;
		condition->leakproof = false;
	}
}

/*
 * Raises 0A000 for a foreign table that is under a policy as a partition or a child.  Its
 * server evaluates the conditions that it is sent before any policy, on all its rows.
 */
static void
refuse_foreign_table(RangeTblEntry *rte, List *security)
{
	if (rte->relkind == RELKIND_FOREIGN_TABLE &&
		casnet_order_may_call_ours((Node *) security, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("foreign table \"%s\" cannot be read below a policy that calls casnet",
						get_rel_name(rte->relid)),
				 errdetail("Its server would evaluate conditions before the policy."),
				 errhint("Detach it, or read the other partitions by their names.")));
}

/*
 * set_rel_pathlist_hook: the server has made the paths of a relation, but not yet decided
 * the order of its conditions.
 */
static void
order_conditions(PlannerInfo *root, RelOptInfo *relation, Index rti,
				 RangeTblEntry *rte)
{
	List	   *security = NIL;
	List	   *levels = NIL;

	/* The server has proved that a dummy relation has no rows, and does not read it. */
	if (rte->rtekind == RTE_RELATION && root->qual_security_level > 0 &&
		!IS_DUMMY_REL(relation))
	{
		security = security_conditions(root, rti, &levels);
		if (!OidIsValid(casnet_schema()) || !has_policies(security))
			security = NIL;
		refuse_foreign_table(rte, security);
	}
	if (security != NIL && put_back(root, relation, security, levels) &&
		!rte->inh && rte->tablesample == NULL && has_plain_paths(rte))
		make_paths_again(root, relation);

	if (previous_pathlist_hook)
		previous_pathlist_hook(root, relation, rti, rte);
	if (security == NIL)
		return;
	order_list(root, relation->baserestrictinfo, security);
	leave_out_orders(root, relation, security);
	guard_rechecks(root, relation, security);
}

/*
 * create_upper_paths_hook: all paths of a query are made, so the order of conditions on
 * several relations, which share them, can be decided as well.
 */
static void
order_join_conditions(PlannerInfo *root, UpperRelationKind stage,
					  RelOptInfo *input, RelOptInfo *output, void *extra)
{

	if (previous_upper_hook)
		previous_upper_hook(root, stage, input, output, extra);
	if (stage != UPPERREL_FINAL || root->qual_security_level == 0)
		return;
	if (!OidIsValid(casnet_schema()))
		return;
	for (int i = 1; i < root->simple_rel_array_size; i++)
	{
		RelOptInfo *relation = root->simple_rel_array[i];
		List	   *security;
		List	   *levels = NIL;
		ListCell   *lc;

		if (relation == NULL || relation->rtekind != RTE_RELATION ||
			(relation->ppilist == NIL && !Debug_print_plan))
			continue;
		security = security_conditions(root, i, &levels);
		if (!has_policies(security))
			continue;
		casnet_estimate_hide();
		foreach(lc, relation->ppilist)
			order_list(root, ((ParamPathInfo *) lfirst(lc))->ppi_clauses,
					   security);
	}
}

/* Whether the relation is a table of casnet that decides about access. */
static bool
decides_about_access(Oid relation)
{
	static const char *const names[] = {
		"users", "tenants", "user_tenants", "user_tenant_permissions"
	};

	if (get_rel_namespace(relation) != casnet_schema())
		return false;
	for (int i = 0; i < lengthof(names); i++)
		if (strcmp(get_rel_name(relation), names[i]) == 0)
			return true;
	return false;
}

/*
 * Have accounts, tenants and members read by the ids that the policy gives, and not by
 * other indexes.  Everybody sees the server's statistics of an index.  They would count its
 * entries and pages with a certain name, an address or the id of somebody else.
 */
void
casnet_order_leave_out_names(PlannerInfo *root, RelOptInfo *relation)
{
	List	   *levels = NIL;
	List	   *security = security_conditions(root, relation->relid, &levels);
	ListCell   *lc;

	foreach(lc, security)
	{
		Node	   *policy = lfirst(lc);
		Var		   *column;
		ListCell   *index;

		if (!is_plain_policy(policy))
			continue;
		column = linitial(IsA(policy, OpExpr) ? ((OpExpr *) policy)->args :
						  ((ScalarArrayOpExpr *) policy)->args);
		foreach(index, relation->indexlist)
		{
			IndexOptInfo *info = lfirst_node(IndexOptInfo, index);

			if (info->indexkeys[0] == column->varattno)
				continue;
			if (!decides_about_access(root->simple_rte_array[relation->relid]->relid))
				return;
			relation->indexlist =
				foreach_delete_current(relation->indexlist, index);
		}
	}
}

void
casnet_order_init(void)
{
	previous_pathlist_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = order_conditions;
	previous_upper_hook = create_upper_paths_hook;
	create_upper_paths_hook = order_join_conditions;
}
