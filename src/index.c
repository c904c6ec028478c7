/*
 * index.c
 *		Indexes that the planner does not look at.
 *
 * This depends on two facts about the moment of casnet_relation_hook.  securityQuals are
 * flat lists of conditions already.  The planner has not yet given conditions to relations.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_am.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/plancat.h"
#include "utils/lsyscache.h"

#include "casnet.h"

static CasnetRelationHook previous_relation_hook = NULL;

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
 * Leave out the index for searches if the conditions of query and policy give the key of
 * one row.  That index begins with tenant_id.  So under a policy the planner estimates what
 * it would cost to read all rows of the tenant by it.  This takes longer than the estimates
 * for all other indexes together.  Leaving it out saves 8 % of the instructions of a point
 * read that is planned each time (test/plans/instructions.py).
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

	if (!CASNET_RELATION_IS_TABLE || root->qual_security_level == 0 ||
		root->parse->jointree == NULL)
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

void
casnet_index_init(void)
{
	previous_relation_hook = casnet_relation_hook;
	casnet_relation_hook = prepare_conditions;
}
