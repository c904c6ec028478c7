/*
 * order.c
 *		Has policies decided before any other condition of a statement is evaluated.
 *
 * The server evaluates the conditions on a table in order of security level,
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

/* check_functions_in_node() callback: a function of casnet's. */
static bool
is_ours(Oid function, void *context)
{
	return casnet_schema_has_function(function);
}

/*
 * check_functions_in_node() callback: a function of casnet's, or one that may call
 * these: of somebody else's, in a language that has functions for its body.
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

/* Whether the expression calls a function that is ours, or may call one. */
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
	/* The checks of a domain may call anything. */
	if (IsA(node, CoerceToDomain) &&
		((CoerceToDomain *) node)->resulttype >= FirstNormalObjectId)
		return true;
	return expression_tree_walker(node, casnet_order_may_call_ours,
								  context);
}

/* Whether the expression calls a function that is ours. */
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
 * Whether there is a parameter of the executor in the expression, or a subquery, in
 * which anything may be called.
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
 * Whether one of the conditions calls a function of ours, as policies do, or may: a
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

/* The calls in the expression are a policy's: those have no location. */
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
 * Whether the condition is the policy.  The server keeps one of those that are equal,
 * wherever they were written; what a statement has written like a policy then is the
 * policy.
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
 * Whether the condition compares the column of a policy with a constant, or a
 * parameter of the statement, and the server compares the policy's call with the
 * same, once, before it reads anything.  Neither changes, so that is as good as
 * the policy.
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

		/* A partial index may have a list of its own. */
		if (index->indpred != NIL && index->indrestrictinfo != before)
			index->indrestrictinfo = lappend(index->indrestrictinfo, condition);
		else
			index->indrestrictinfo = relation->baserestrictinfo;
	}
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

/* Whether the paths of the relation are those of a plain table, and not of a wrapper. */
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
 * Leave out paths that would compute what the user orders by from rows that no
 * policy has let through.
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
	/* Without these, others may be of use that were not before. */
	foreach(lc, relation->indexlist)
		lfirst_node(IndexOptInfo, lc)->amcanorderbyop = false;
	make_paths_again(root, relation);
}

/*
 * The conditions of an index, after the security conditions: as such of which nothing
 * is asked of the index, and which say that rows are to be checked again.  Those that
 * are among them as plain policies are put first once the plan is made (recheck.c).
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
		/* A copy: the server takes out what is among the conditions of the scan. */
		guard->rinfo = make_simple_restrictinfo(root,
												(Expr *) copyObject(policy));
		guard->lossy = true;
		guards = lappend(guards, guard);
	}
	return list_concat(guards, clauses);
}

/* The same for all scans of indexes in a bitmap, of which others may have parts. */
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
 * A condition that says where security conditions end, so that recheck.c finds
 * those of a finished scan, and takes it out.
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

/* Have security conditions among those of the scan, too, unless they are plain. */
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
 * A lossy index, and a bitmap that has run out of memory, have the conditions of the
 * index checked again before all others, on rows that it does not have.  So the
 * security conditions are put before these: in a bitmap as such of the index, which
 * do not go when the predicate of a partial index says the same; in a scan by what the
 * server has among its conditions.  A scan of a btree checks nothing again.
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
 * Put conditions in their order: plain policies of ours, the other security
 * conditions as the server has them, all else.
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
 * Raises 0A000 for a foreign table, which is under a policy as a partition or a child:
 * another server evaluates what is shipped to it before any policy, on all its rows.
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
 * set_rel_pathlist_hook: the paths of a relation are known, but the order of
 * its conditions is not yet decided.
 */
static void
order_conditions(PlannerInfo *root, RelOptInfo *relation, Index rti,
				 RangeTblEntry *rte)
{
	List	   *security = NIL;
	List	   *levels = NIL;

	/* What is not read has no rows: the server has proved that, and looked no further. */
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
 * create_upper_paths_hook: all paths of a query are made, so that of conditions
 * on several relations, which these share, the order may be decided as well.
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

/* Whether the relation is one of ours that decide about access. */
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
 * Accounts, tenants and members are read by the ids that the policy gives, and not by
 * other indexes.  How many entries, and pages, of an index have a name, an address or
 * the id of somebody else is counted by the server, for everybody to see.
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
